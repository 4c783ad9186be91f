"""The classifier beside the command and beside scikit-learn."""

import json
import pickle
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import joblib  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer  # noqa: E402

import mudra  # noqa: E402

SMALL = {"network": "dense 8, relu", "epochs": 3}

SAME = {
    "report": {"recipe": "report", "epochs": 4},
    "convolutions": {"network": "conv 4 3x3, relu, pool 2, dropout 0.2, dense 8, relu", "epochs": 2, "ema": 0.9,
                     "augment": "rotate 10, shift 2", "batch_size": 17},
    "weights": {"network": "batch-norm, dense 9, relu", "optimizer": "nesterov", "clip": 1.0, "warm_up": 0.1, "epochs": 2,
                "schedule": "cosine", "label_smoothing": 0.1, "class_weight": {0: 2.0, 5: 1.0}},
}


@pytest.mark.parametrize("name", SAME)
def test_the_model_has_the_bytes_of_the_command(name, two, mudra, tmp_path):
    images, labels = two
    np.savez(tmp_path / "data.npz", dataset=images, labels=labels)
    rows = list(range(len(labels)))
    split = {"description": "all", "images": len(rows), "folds": [{"name": "", "train": rows[:-6], "test": rows[-6:]}]}
    (tmp_path / "split.json").write_text(json.dumps(split))
    options = dict(SAME[name])
    weights = options.pop("class_weight", None)
    arguments = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
    if weights:
        arguments.append("--class-weights=" + ",".join(map(str, weights.values())))
    result = mudra("train", "data.npz", "--split", "split.json", "--out", "run", "--quiet", "--no-report", *arguments)
    assert result.returncode == 0, result.stderr
    expected = (tmp_path / "run/model.safetensors").read_bytes()

    import mudra as package

    for jobs in (1, 2):
        for form in (images, images.reshape(len(images), -1), images.astype(np.float32), images[..., 0].astype(np.float64)):
            learned = package.SignClassifier(**SAME[name], n_jobs=jobs).fit(form[:-6], labels[:-6])
            package.save(learned, tmp_path / "model.safetensors")
            assert (tmp_path / "model.safetensors").read_bytes() == expected, (jobs, form.shape, form.dtype)
    other = package.SignClassifier(**SAME[name], random_state=2).fit(images[:-6], labels[:-6])
    assert other.model_.bytes() != expected


def test_answers_are_those_of_the_command(two, mudra, tmp_path):
    images, labels = two
    import mudra as package

    learned = package.SignClassifier(**SMALL).fit(images, labels)
    package.save(learned, tmp_path / "model.safetensors")
    np.save(tmp_path / "some.npy", images[:5])
    found = json.loads(mudra("predict", "some.npy", "--model", "model.safetensors", "--json").stdout)
    expected = [[each["probabilities"][name] for name in ("0", "5")] for each in found]
    np.testing.assert_allclose(learned.predict_proba(images[:5]), expected, rtol=1e-5, atol=1e-9)
    assert [each["label"] for each in found] == list(map(str, learned.predict(images[:5])))


def test_a_row_alone_is_answered_as_in_a_batch(two):
    images, labels = two
    learned = mudra.SignClassifier(**SMALL).fit(images, labels)
    together = learned.predict_proba(images)
    alone = np.concatenate([learned.predict_proba(images[i:i + 1]) for i in range(len(images))])
    assert np.array_equal(together, alone)
    assert np.array_equal(learned.decision_function(images) > 0, together[:, 1] > 0.5)


def test_pipelines_searches_and_folds_take_it(hands):
    rows = hands.images.reshape(len(hands), -1)
    pipeline = make_pipeline(FunctionTransformer(), mudra.SignClassifier(network="dense 32, relu", epochs=15))
    scores = cross_val_score(pipeline, rows, hands.labels, groups=hands.groups, cv=GroupKFold(4))
    assert scores.shape == (4,) and scores.mean() > 0.2
    search = GridSearchCV(mudra.SignClassifier(epochs=3), {"network": ["dense 4", "dense 64, relu"]}, cv=2, n_jobs=2)
    assert search.fit(rows, hands.labels).best_params_ == {"network": "dense 64, relu"}
    calibrated = CalibratedClassifierCV(mudra.SignClassifier(**SMALL), cv=2).fit(rows, hands.labels)
    np.testing.assert_allclose(calibrated.predict_proba(rows).sum(axis=1), 1, rtol=1e-5)


def test_pickle_and_joblib_hold_the_model_file(two, tmp_path):
    images, labels = two
    learned = mudra.SignClassifier(recipe="report", epochs=100, batch_size=64).fit(images, labels)
    data = pickle.dumps(learned)
    assert learned.model_.bytes() in data
    assert len(learned.model_.bytes()) < 403_500 and len(data) < 415_000
    joblib.dump(learned, tmp_path / "model.joblib")
    for again in (pickle.loads(data), joblib.load(tmp_path / "model.joblib"), clone(learned).fit(images, labels)):
        assert np.array_equal(again.predict_proba(images), learned.predict_proba(images))
        assert again.n_iter_ == 100 and again.loss_curve_ == learned.loss_curve_


def test_a_damaged_pickle_is_refused(two):
    learned = mudra.SignClassifier(**SMALL).fit(*two)
    model = bytearray(learned.model_.bytes())
    model[len(model) // 2] ^= 1
    with pytest.raises(mudra.Error, match="checksum"):
        mudra._classifier.model_from_bytes(bytes(model), None)


def test_a_model_survives_other_processes(two):
    images, labels = two
    learned = mudra.SignClassifier(**SMALL).fit(images, labels)
    expected = learned.predict_proba(images)
    for backend in ("loky", "multiprocessing"):
        with joblib.parallel_backend(backend, n_jobs=2):
            for found in joblib.Parallel()(joblib.delayed(learned.predict_proba)(images) for _ in range(3)):
                assert np.array_equal(found, expected)


# Threads ask and learn while the process forks; the child asks and learns, too.
FORKS = """
import multiprocessing, threading, numpy as np, mudra
hands = mudra.render_hands(400)
learned = mudra.SignClassifier(network="conv 8 3x3, relu, dense 64, relu", epochs=1, n_jobs=2).fit(hands.images, hands.labels)
expected = learned.predict_proba(hands.images)
over = threading.Event()
def ask():
    while not over.is_set(): learned.predict_proba(hands.images)
threads = [threading.Thread(target=ask) for _ in range(2)]
for thread in threads: thread.start()
def child(queue):
    same = np.array_equal(learned.predict_proba(hands.images), expected)
    again = mudra.SignClassifier(network="conv 8 3x3, relu, dense 64, relu", epochs=1, n_jobs=2).fit(hands.images, hands.labels)
    queue.put(same and again.model_.bytes() == learned.model_.bytes())
fork = multiprocessing.get_context("fork")
queue = fork.Queue()
for _ in range(6):
    process = fork.Process(target=child, args=(queue,))
    process.start()
    assert queue.get(timeout=60)
    process.join(60)
over.set()
for thread in threads: thread.join()
print("all is well")
"""


# Many forks, each in the midst of many short questions, of which one may hold a lock.
SHORT = """
import os, signal, threading, numpy as np, mudra
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore it
X = np.random.default_rng(0).random((40, 64), dtype=np.float32)
learned = mudra.SignClassifier("dense 2", epochs=1).fit(X, np.arange(40) % 2)
one = X[:1].copy()
over = threading.Event()
def ask():
    while not over.is_set(): learned.predict_proba(one)
threads = [threading.Thread(target=ask) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(400):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        learned.predict_proba(one)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status != 0: break
over.set()
for thread in threads: thread.join()
print("all is well" if status == 0 else f"a child ended by signal {status}")
"""


def test_fork_is_survived_in_the_midst_of_a_question():
    result = subprocess.run([sys.executable, "-c", SHORT], capture_output=True, text=True, timeout=200)
    assert result.stdout == "all is well\n", result.stdout + result.stderr


def test_fork_is_survived_while_threads_ask():
    result = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=200)
    assert result.stdout == "all is well\n", result.stderr


def test_two_threads_ask_one_model_at_once(two):
    images, labels = two
    learned = mudra.SignClassifier(**SMALL).fit(images, labels)
    expected = learned.predict_proba(images)
    wrong = []

    def ask():
        for i in range(300):
            one = i % len(images)
            if not np.array_equal(learned.predict_proba(images[one:one + 1]), expected[one:one + 1]):
                wrong.append(i)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# Another thread of Python wakes up again and again meanwhile, then interrupts what would take very long.
FREE = """
import os, signal, sys, threading, time, numpy as np, mudra
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore it
hands = mudra.render_hands(400)
learned = mudra.SignClassifier("dense 64, relu", epochs=1).fit(hands.images, hands.labels)
many = np.memmap("zeros", np.uint8, "w+", shape=(8_000_000, 784))  # a file with a hole
def interrupt():
    for _ in range(20): time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
for work in (lambda: learned.predict_proba(many),
             lambda: mudra.SignClassifier("dense 64, relu", epochs=1_000_000).fit(hands.images, hands.labels)):
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        work()
        print("never interrupted")
    except KeyboardInterrupt:
        print("interrupted")
    thread.join()
"""


def test_the_interpreter_is_free_while_it_learns_and_answers(tmp_path):
    result = subprocess.run([sys.executable, "-c", FREE], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.stdout == "interrupted\ninterrupted\n", result.stderr


STOPPED = """
import os, signal, sys, threading, numpy as np, mudra
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever began the tests may ignore it
hands = mudra.render_hands(400)
learned = mudra.SignClassifier(network="conv 8 3x3, relu, dense 64, relu", epochs={epochs}, verbose=True)
if {early}:
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
else:
    class Stop:
        def __call__(self, epoch, epochs):
            if epoch["epoch"] == 3: os.kill(os.getpid(), signal.SIGINT)
    mudra._classifier.EpochLine = Stop
try:
    learned.fit(hands.images, hands.labels)
except KeyboardInterrupt:
    print("stopped", learned.n_iter_, learned.kept_epoch_, learned.predict(hands.images).shape, len(learned.model_.bytes()) > 1000)
"""


def test_ctrl_c_stops_and_leaves_an_estimator():
    script = STOPPED.format(epochs=100_000, early=False)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    words = result.stdout.split()
    assert words[0] == "stopped" and 3 <= int(words[1]) < 1000 and int(words[2]) >= 3, result.stderr
    assert words[-2:] == ["(400,)", "True"]


def test_ctrl_c_before_an_epoch_is_whole_leaves_the_weights_there_are():
    script = STOPPED.format(epochs=3, early=True).replace("render_hands(400)", "render_hands(2000)")
    script = script.replace("dense 64, relu", "conv 32 3x3, relu, conv 32 3x3, relu, dense 64, relu")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert result.stdout == "stopped 0 0 (2000,) True\n", result.stdout + result.stderr


def test_what_a_callback_raises_comes_out(two, monkeypatch):
    class Broken:
        def __call__(self, epoch, epochs):
            raise RuntimeError("no more paper")

    monkeypatch.setattr(mudra._classifier, "EpochLine", Broken)
    with pytest.raises(RuntimeError, match="no more paper"):
        mudra.SignClassifier(**SMALL, verbose=True).fit(*two)


def test_warm_start_goes_on_with_what_the_optimiser_remembers(two):
    images, labels = two
    options = {"network": "dense 8, relu", "shuffle": False}
    whole = mudra.SignClassifier(**options, epochs=6).fit(images, labels)
    parts = mudra.SignClassifier(**options, epochs=3, warm_start=True)
    parts.fit(images, labels)
    again = pickle.loads(pickle.dumps(parts)).fit(images, labels)  # the memory is in the pickle
    parts.fit(images, labels)
    assert parts.model_.bytes() == whole.model_.bytes() == again.model_.bytes()
    assert parts.n_iter_ == 6 and parts.loss_curve_ == whole.loss_curve_


def test_partial_fit_is_an_epoch_at_a_time(two):
    images, labels = two
    options = {"network": "dense 8, relu"}
    whole = mudra.SignClassifier(**options, epochs=3).fit(images, labels)
    parts = mudra.SignClassifier(**options, epochs=3)
    for _ in range(3):
        parts.partial_fit(images, labels, classes=[0, 5])
    assert parts.model_.bytes() == whole.model_.bytes()
    parts.partial_fit(images[:10], labels[:10])  # of another size
    assert parts.n_iter_ == 4
    with pytest.raises(ValueError, match="classes"):
        mudra.SignClassifier().partial_fit(images, labels)
    with pytest.raises(ValueError, match="NaN"):
        parts.partial_fit(np.where(images > 200, np.nan, images), labels)
    only = mudra.SignClassifier(**options)  # a class that is not there yet
    for _ in range(5):
        only.partial_fit(images[labels == 5], labels[labels == 5], classes=[0, 5])
    assert (only.predict(images) == 5).all()


def test_early_stopping_keeps_whole_groups_apart_and_calibrates(hands):
    learned = mudra.SignClassifier(early_stopping=True, validation=0.3, epochs=40).fit(
        hands.images, hands.labels, groups=hands.groups)
    assert learned.kept_epoch_ == 1 + int(np.nanargmin(learned.history_["loss_validation"]))
    assert learned.model_.temperature != 1
    logits = learned.decision_function(hands.images).astype(float)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(learned.predict_proba(hands.images), softmax, rtol=1e-4)
    stopped = mudra.SignClassifier(early_stopping=True, patience=1, epochs=400).fit(hands.images, hands.labels)
    assert stopped.n_iter_ < 400
    plain = mudra.SignClassifier(epochs=2).fit(hands.images, hands.labels)
    assert np.isnan(plain.history_["loss_validation"]).all() and plain.model_.temperature == 1


def test_refused_is_no_class(hands):
    learned = mudra.SignClassifier(validation=0.3, refuse=0.2, epochs=5).fit(hands.images, hands.labels)
    others = mudra.render_hands(200, seed=9).images
    assert 0 < (learned.predict(others) == -1).sum() < 200 and learned.model_.rejection_threshold > 0
    names = np.array(["sign " + str(label) for label in hands.labels])
    learned = mudra.SignClassifier(validation=0.3, refuse=0.2, epochs=5).fit(hands.images, names)
    assert "none" in learned.predict(others)


def test_what_is_watched_changes_nothing_and_near_copies_are_told(two):
    images, labels = two
    plain = mudra.SignClassifier(**SMALL).fit(images[:60], labels[:60])
    with pytest.warns(mudra.NearCopyWarning, match="20 of the 20 test images"):
        watching = mudra.SignClassifier(**SMALL).fit(images[:60], labels[:60], test=(images[40:60], labels[40:60]))
    assert watching.model_.bytes() == plain.model_.bytes()
    assert np.isfinite(watching.history_["loss_held_out"]).all() and np.isnan(plain.history_["loss_held_out"]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error", mudra.NearCopyWarning)
        mudra.SignClassifier(**SMALL).fit(images[:40], labels[:40])
    with pytest.warns(mudra.NearCopyWarning, match="another group"):
        mudra.SignClassifier(**SMALL).fit(np.concatenate([images[:40], images[:40]]), np.tile(labels[:40], 2),
                                          groups=np.repeat(["a", "b"], 40))


def test_weights_and_classes_count(two):
    images, labels = two
    ones = mudra.SignClassifier(**SMALL).fit(images, labels, sample_weight=np.ones(len(labels)))
    assert ones.model_.bytes() == mudra.SignClassifier(**SMALL).fit(images, labels).model_.bytes()
    heavy = mudra.SignClassifier(**SMALL, class_weight={0: 1000, 5: 0.001}).fit(images, labels)
    assert (heavy.predict(images) == 0).all()
    light = mudra.SignClassifier(**SMALL).fit(images, labels, sample_weight=np.where(labels == 5, 1000, 0))
    assert (light.predict(images) == 5).all()


def test_a_thousand_fits_take_no_more_memory():
    script = """
import resource, numpy as np, mudra
X = np.random.default_rng(0).normal(size=(60, 4)); y = X[:, 0] > 0
def fits(n):
    for i in range(n): mudra.SignClassifier(network="dense 300, relu", epochs=1).fit(X, y).predict(X)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = fits(100)
print(fits(1000) - before)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200)
    assert int(result.stdout) < 1500, result.stderr  # kB; a lost model would be 1,000 times 8


def test_options_that_cannot_be_say_so(two):
    with pytest.raises(mudra.Error, match="Did you mean 'adam'") as caught:
        mudra.SignClassifier(optimizer="adm").fit(*two)
    assert caught.value.where == "optimizer" and "--" not in str(caught.value)
    with pytest.raises(ValueError, match="patience: needs a validation part.*Add validation 0.1"):
        mudra.SignClassifier(patience=3).fit(*two)
    with pytest.raises(ValueError, match="class"):
        mudra.SignClassifier().fit(two[0], np.zeros(len(two[1])))
    with pytest.raises(mudra.Error, match="no longer a number.*Lower learning_rate"):
        mudra.SignClassifier(network="dense 9, dense 9, dense 9", learning_rate=1e9, optimizer="sgd", batch_size=8).fit(*two)
    with pytest.warns(mudra.TrainingWarning, match="Raise learning_rate"):
        mudra.SignClassifier(learning_rate=1e-9, optimizer="sgd", epochs=5).fit(*two)


def test_features_are_standardised_once(two):
    X = np.random.default_rng(0).normal([1e4, 0.001, 5], [100, 1e-5, 0], size=(300, 3))
    y = (X[:, 0] > 1e4) ^ (X[:, 1] > 0.001)
    learned = mudra.SignClassifier().fit(X, y)
    assert learned.score(X, y) > 0.95
    mean = learned.weights_["1.running_mean"]
    np.testing.assert_allclose(mean, X.astype(np.float32).mean(axis=0, dtype=np.float64), rtol=1e-6)
    again = mudra.SignClassifier().fit(2 * X[:, ::-1], y)
    assert again.score(2 * X[:, ::-1], y) > 0.95


def test_a_model_of_features_refuses_pictures(mudra, tmp_path):
    import mudra as package

    X = np.random.default_rng(0).normal(size=(60, 4))
    package.save(package.SignClassifier(**SMALL).fit(X, X[:, 0] > 0), tmp_path / "points.safetensors")
    again = package.load(tmp_path / "points.safetensors")
    assert again.input_ == "features" and again.predict(X).shape == (60,)
    assert mudra("synth", "--count", 1, "--out", "pictures").returncode == 0
    picture = next((tmp_path / "pictures").rglob("*.png"))
    result = mudra("predict", picture, "--model", "points.safetensors")
    assert result.returncode == 1 and "features" in result.stderr
    assert "rows of 4 features" in mudra("models", "points.safetensors").stdout


def test_signals_reach_others_too():
    """A handler of one's own runs while a training goes on."""
    script = """
import signal, mudra
seen = []
def handle(*_):
    seen.append(1)
    if len(seen) == 3: raise RuntimeError("enough")
signal.signal(signal.SIGALRM, handle)
hands = mudra.render_hands(400)
signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
try:
    mudra.SignClassifier("dense 8, relu", epochs=1_000_000).fit(hands.images, hands.labels)
except RuntimeError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert result.stdout == "enough\n", result.stderr
