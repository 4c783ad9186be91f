"""scikit-learn's own checks of an estimator: all of them, counted."""

import warnings

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("pandas", reason="pandas is not installed, without which a check says nothing and does nothing")

from sklearn.base import clone  # noqa: E402
from sklearn.utils import estimator_checks  # noqa: E402

import mudra  # noqa: E402

# Of scikit-learn 1.2.1, for a classifier whose fit takes weights. Another version has other checks.
COUNT = {"1.2.1": 51}


def name_of(check):
    return getattr(check, "func", check).__name__


def test_every_check_runs_and_passes_but_the_one_declared():
    ran, skipped = [], []
    for estimator, check in estimator_checks.check_estimator(mudra.SignClassifier(), generate_only=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                check(estimator)
                ran.append(check)
            except estimator_checks.SkipTest as reason:
                skipped.append(str(reason))
    assert len(ran) + len(skipped) == COUNT.get(sklearn.__version__, len(ran) + len(skipped))
    assert len(skipped) == 2  # by its name both kinds of the one declared: the next test tells them apart
    assert all("check_sample_weights_invariance" in reason and "kind=zeros" in reason for reason in skipped)


def test_the_declared_check_fails_for_its_reason_alone():
    check = estimator_checks.check_sample_weights_invariance
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check("SignClassifier", mudra.SignClassifier(), kind="ones")
        with pytest.raises(AssertionError, match="zero sample_weight is not equivalent"):
            check("SignClassifier", mudra.SignClassifier(), kind="zeros")


class Forgetful(mudra.SignClassifier):
    def predict(self, X):
        self.asked_ = True
        return super().predict(X)


def test_an_estimator_that_breaks_a_rule_is_seen():
    with pytest.raises(AssertionError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator_checks.check_dict_unchanged("Forgetful", Forgetful())


def test_tags_of_newer_versions_are_said_the_same_way():
    """scikit-learn 1.6 and later ask __sklearn_tags__; Debian's has no such method, so a stub stands for it."""

    class Tags:
        def __init__(self):
            self.input_tags = type("InputTags", (), {"sparse": True, "three_d_array": False})()

    class Newer:
        def __sklearn_tags__(self):
            return Tags()

    class Classifier(mudra.SignClassifier, Newer):
        pass

    tags = Classifier().__sklearn_tags__()
    assert tags.input_tags.three_d_array and not tags.input_tags.sparse


def test_newer_validation_is_used_where_the_older_is_gone(monkeypatch):
    from sklearn.base import BaseEstimator
    from sklearn.utils import validation

    older = BaseEstimator._validate_data
    monkeypatch.setattr(validation, "validate_data", lambda estimator, X, **how: older(estimator, X, **how), raising=False)
    monkeypatch.delattr(BaseEstimator, "_validate_data")
    X = np.random.default_rng(0).normal(size=(60, 2))
    assert mudra.SignClassifier(epochs=3).fit(X, X[:, 0] > 0).predict(X[:2]).shape == (2,)


def test_parameters_are_those_of_the_command():
    """Every option of training and network has a parameter of its name; the rest of them is scikit-learn's."""
    others = {"seed": "random_state", "threads": "n_jobs", "class-weights": "class_weight", "from": "from_"}
    elsewhere = {"checkpoint", "keep-epochs", "split"}  # what a run leaves on the disk, and holds out: fit() does neither
    parameters = set(clone(mudra.SignClassifier()).get_params())
    asked = [name for name, group, _, _ in mudra._core.options() if group != "Data" and name not in elsewhere]
    assert len(asked) > 20
    assert {others.get(name, name.replace("-", "_")) for name in asked} <= parameters
    ours = {"input", "early_stopping", "warm_start", "verbose", "size", "range"}
    assert parameters - {others.get(name, name.replace("-", "_")) for name in asked} == ours


def test_set_params_and_clone_keep_everything():
    made = mudra.SignClassifier(network="dense 9", learning_rate=0.02, augment="rotate 3", from_="hands")
    assert clone(made).get_params() == made.get_params()
    assert made.set_params(epochs=4).epochs == 4


@pytest.mark.parametrize("noise", [0, 1, 2])
def test_two_dimensional_points_are_learned_by_the_defaults(noise):
    from sklearn.datasets import make_blobs, make_moons

    for X, y in (make_moons(200, noise=0.2, random_state=noise),
                 make_blobs(300, centers=4, random_state=noise, cluster_std=0.7)):
        learned = mudra.SignClassifier().fit(X, y)
        assert learned.score(X, y) > 0.9 and set(learned.predict(X)) == set(y)
