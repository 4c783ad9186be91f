"""The classifier, with scikit-learn's interface."""

from __future__ import annotations

import copyreg
import json
import os
import warnings
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, column_or_1d
from sklearn.exceptions import NotFittedError

from . import _core
from ._errors import NearCopyWarning, TrainingWarning, in_python
from ._progress import EpochLine
from ._results import ModelCard, NetworkSummary

# Options of `mudra train` and the parameters that are called as they are.
OPTIONS = ("recipe", "network", "init", "optimizer", "learning_rate", "schedule", "warm_up", "step_every",
           "step_factor", "momentum", "weight_decay", "clip", "ema", "label_smoothing", "epochs", "patience",
           "batch_size", "shuffle", "augment", "freeze", "validation", "refuse", "size", "range")


def is_files(X: Any) -> bool:
    """Whether X names picture files."""
    if isinstance(X, (list, tuple)):
        return len(X) > 0 and all(isinstance(x, (str, os.PathLike)) for x in X)
    return False


def threads_of(n_jobs: int | None) -> int:
    """What scikit-learn calls n_jobs as the number of threads; 0 means all."""
    if n_jobs is None:
        return 1
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 has no meaning")
    return n_jobs if n_jobs > 0 else max(0, (os.cpu_count() or 1) + 1 + n_jobs) if n_jobs < -1 else 0


def option_text(value: Any) -> str:
    """A value as the command line has it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)


def class_texts(classes: np.ndarray) -> list[str]:
    """The classes as the texts that a model file holds."""
    texts = []
    for each in classes.tolist():
        is_whole = isinstance(each, float) and each.is_integer()
        texts.append(str(int(each)) if is_whole else str(each))
    if len(set(texts)) < len(texts):
        raise ValueError(f"Two classes of y are written alike: {texts}")
    return texts


def classes_of(texts: list[str]) -> np.ndarray:
    """Classes from the texts of a model file: numbers where all of them are whole numbers."""
    numbers = [int(text) for text in texts if text.lstrip("-").isdecimal() and str(int(text)) == text]
    return np.array(numbers if len(numbers) == len(texts) else texts)


def encode(values: Any) -> tuple[np.ndarray, list[str]]:
    """Codes and names of groups."""
    names, codes = np.unique(np.asarray(values), return_inverse=True)
    return codes.astype(np.int32), [str(name) for name in names.tolist()]


def as_read(array: np.ndarray) -> np.ndarray:
    """The array itself where C++ can read it, else a copy that it can."""
    kept = array.dtype if array.dtype in (np.uint8, np.float32) else np.float32
    return np.ascontiguousarray(array, dtype=kept)


def model_from_bytes(model: bytes, range: tuple[float, float] | None):
    """What unpickling calls: it parses the bytes of a model file, and nothing else."""
    return _core.Model.from_bytes(model, range)


copyreg.pickle(_core.Model, lambda model: (model_from_bytes, (model.bytes(), model.range)))


class SignClassifier(ClassifierMixin, BaseEstimator):
    """A network that learns to tell signs apart, from pictures or from rows of numbers.

    With the same options, pictures and seed it learns the same model file as ``mudra train``, byte for byte, for
    any ``n_jobs``.

    Parameters
    ----------
    network : str, default "dense 128, relu"
        The layers, such as ``"conv 16 3x3, relu, pool 2, dense 64, relu"``; the output layer is added.
        See docs/networks.md.
    input : {"auto", "images", "features"}, default "auto"
        What ``X`` is. ``"auto"`` takes for images what has three or four axes, square rows of uint8, and square
        rows of at least 8x8 values that run from 0 to 1, or to 255 with one above 63; all else is features,
        which are standardised by the mean and the variance of the examples that train.
    recipe, init, optimizer, learning_rate, schedule, warm_up, step_every, step_factor, momentum, weight_decay, \
clip, ema, label_smoothing, epochs, patience, batch_size, shuffle, augment, freeze, validation, refuse, size, range
        The options of ``mudra train`` of these names (docs/training.md). None: as there, but for ``epochs``,
        which are as many as make 400 steps if that is more than 30, and for features, whose ``epochs`` make 1,000
        steps, ``learning_rate`` is 0.005 and ``batch_size`` 32.
    from_ : str, default None
        The option ``from``, a word that Python keeps for itself: a model to begin with.
    class_weight : dict, "balanced" or None
        What an example of each class counts in the loss: the option ``class_weights``.
    early_stopping : bool, default False
        Keeps the epoch of lowest validation loss and stops when there was none lower for a while: ``validation``
        is 0.1 and ``patience`` 10 unless they are said.
    warm_start : bool, default False
        ``fit`` goes on from where it was, with what the optimiser remembers.
    random_state : int, RandomState or None, default 1
        The option ``seed``.
    n_jobs : int or None
        Threads, at most; -1 means all. The result does not depend on it.
    verbose : bool, default False
        Shows the epochs while they pass.

    Attributes
    ----------
    classes_ : array [K]
        The labels, sorted.
    n_features_in_ : int
        Values of one example.
    n_iter_ : int
        Epochs trained.
    loss_curve_ : list of float
        The training loss of every epoch.
    history_ : dict of lists
        ``epoch, learning_rate, loss_train, accuracy_train, loss_validation, accuracy_validation, loss_held_out,
        accuracy_held_out`` and ``seconds`` of every epoch; NaN where there is no such part.
    kept_epoch_ : int
        The epoch whose weights were kept; 0 when it was stopped before one was whole.
    options_ : dict
        Every option by its name, as it was in the end.
    input_ : {"images", "features"}
    """

    def __init__(self, network=None, *, input="auto", recipe=None, init=None, from_=None, optimizer=None,
                 learning_rate=None, schedule=None, warm_up=None, step_every=None, step_factor=None, momentum=None,
                 weight_decay=None, clip=None, ema=None, label_smoothing=None, epochs=None, patience=None,
                 batch_size=None, shuffle=None, augment=None, freeze=None, validation=None, refuse=None, size=None,
                 range=None, class_weight=None, early_stopping=False, warm_start=False, random_state=1, n_jobs=None,
                 verbose=False):
        self.network = network
        self.input = input
        self.recipe = recipe
        self.init = init
        self.from_ = from_
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.warm_up = warm_up
        self.step_every = step_every
        self.step_factor = step_factor
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.clip = clip
        self.ema = ema
        self.label_smoothing = label_smoothing
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.freeze = freeze
        self.validation = validation
        self.refuse = refuse
        self.size = size
        self.range = range
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    # Learning

    def fit(self, X, y, sample_weight=None, *, groups=None, test=None):
        """Learn from images or features and their labels.

        Parameters
        ----------
        X : array [N, features], [N, H*W], [N, H, W] or [N, H, W, C], or a list of picture files
            Read where it is, without a copy, if it is C-contiguous float32 or uint8. Bytes are 0..255; what other
            pixels mean is recognised, or said by ``range``.
        y : array [N]
            Numbers or texts.
        sample_weight : array [N], optional
            What each example counts in the loss.
        groups : array [N], optional
            Whose hand each image shows: the validation part then holds whole groups, and near copies across groups
            are warned of, by a look at a fifth of them.
        test : (X, y), optional
            Images to watch in every epoch, which choose nothing; near copies of them in X are warned of.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For arrays, labels or options that cannot be; mudra.Error is one.
        KeyboardInterrupt
            After Ctrl-C, which stops at the next step and leaves an estimator that can be used.
        """
        goes_on = self.warm_start and hasattr(self, "model_")
        X, y, classes, texts = self._examples(X, y, classes=self.classes_ if goes_on else None, reset=not goes_on)
        self._learn(X, y, classes, texts, sample_weight, groups, test, state=self._training if goes_on else b"")
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One epoch over X. The first call names all classes; of features it fixes mean and variance.

        Parameters and errors are those of ``fit``.
        """
        begins = not hasattr(self, "model_")
        if begins and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if not begins and classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise ValueError(f"classes={classes!r} is not what it was before: {self.classes_!r}")
        known = np.unique(classes) if begins else self.classes_
        X, y, known, texts = self._examples(X, y, classes=known, reset=begins)
        self._learn(X, y, known, texts, sample_weight, None, None, state=b"" if begins else self._training, epochs=1)
        return self

    def _examples(self, X, y, classes, reset):
        """X as C++ reads it, codes of y, and the classes."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        X = self._read(X, reset=reset)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        check_consistent_length(X, y)
        found, codes = np.unique(y, return_inverse=True)
        if classes is None:
            classes = found
        elif not np.isin(found, classes).all():
            raise ValueError(f"y has classes {found!r} that are not among {classes!r}")
        else:
            codes = np.searchsorted(classes, y)
        if len(classes) < 2:
            raise ValueError(f"y has one class, {classes[0]!r}: there is nothing to tell apart. Add another class.")
        return X, codes.astype(np.int32), classes, class_texts(classes)

    def _learn(self, X, y, classes, texts, sample_weight, groups, test, state, epochs=0):
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float32, only_non_negative=True)
        if groups is not None:
            check_consistent_length(X, groups)
            groups = encode(groups)
        learn = _core.LabelledArray(X, y, texts, groups, weights)
        watch = None
        if test is not None:
            test_X, test_y, _, _ = self._examples(*test, classes=classes, reset=False)
            watch = _core.LabelledArray(test_X, test_y, texts)
        if self.input_ == "images":
            self._warn_of_near_copies(learn, watch, groups)
        outcome = _core.fit(self._options(classes), learn, watch, self.input_ == "features",
                            self.model_.range if state else None, state, epochs,
                            EpochLine() if self.verbose else None)
        self.classes_ = classes
        self.model_ = outcome.model
        self._training = outcome.state
        self.options_ = outcome.options
        self.kept_epoch_ = outcome.kept_epoch
        self.n_iter_ = len(outcome.history)
        names = outcome.history[0].keys() if outcome.history else ()
        self.history_ = {name: [epoch[name] for epoch in outcome.history] for name in names}
        self.loss_curve_ = self.history_.get("loss_train", [])
        if outcome.interruption is not None:
            raise outcome.interruption
        for text in [outcome.problem] * bool(outcome.problem) + outcome.warnings:
            warnings.warn(in_python(text), TrainingWarning, stacklevel=3)

    def _options(self, classes) -> dict[str, str]:
        given = {name.replace("_", "-"): option_text(getattr(self, name)) for name in OPTIONS
                 if getattr(self, name) is not None}
        if self.from_ is not None:
            given["from"] = str(self.from_)
        if self.early_stopping:
            given.setdefault("validation", "0.1")
            given.setdefault("patience", "10")
        if isinstance(self.class_weight, dict):
            given["class-weights"] = ",".join(repr(float(self.class_weight.get(each, 1))) for each in classes.tolist())
        elif self.class_weight is not None:
            given["class-weights"] = str(self.class_weight)
        seed = self.random_state
        if seed is None or not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(2**31 - 1)
        given["seed"] = str(seed)
        given["threads"] = str(threads_of(self.n_jobs))
        return given

    def _warn_of_near_copies(self, learn, watch, groups):
        threads = threads_of(self.n_jobs)
        if watch is not None and (copies := _core.near_copies(learn, watch, threads)):
            warnings.warn(f"{copies:,} of the {len(watch):,} test images have a near copy among the images that train: "
                          "this is easier than a new hand. Split by hand, with mudra.split_by_group.",
                          NearCopyWarning, stacklevel=4)
        if groups is not None and len(groups[1]) > 1:
            looked, copies = _core.near_copies_across_groups(learn, threads) or (0, 0)
            if copies > looked / 100:  # rarer ones may be hands that happen to be alike
                warnings.warn(f"{copies:,} of {looked:,} images, those of a fifth of the groups, have a near copy in "
                              "another group: groups may not be whose hand it is.", NearCopyWarning, stacklevel=4)

    # Answering

    def predict(self, X):
        """The likeliest class of each example.

        Parameters
        ----------
        X : as for ``fit``

        Returns
        -------
        array [N]
            Of ``classes_``. With ``refuse``, examples that are refused have -1 where classes are numbers and
            "none" where they are texts.
        """
        model, X = self._question(X)
        if isinstance(X, np.ndarray) and not model.finds_hands:
            codes = model.labels(model.probabilities(X, threads_of(self.n_jobs)))
        else:
            codes = self._ask_about_pictures(model, X)[0]
        answers = self.classes_[codes]
        if (codes < 0).any():
            answers = np.where(codes < 0, "none" if self.classes_.dtype.kind in "UO" else -1, answers)
        return answers

    def predict_proba(self, X):
        """Probabilities float32 [N, K], in the order of ``classes_``, at the model's temperature.

        With a validation part they are calibrated by it.
        """
        model = self.__dict__.get("model_")
        if model is not None and type(X) is np.ndarray and X.ndim == 2 and X.shape[1] == self.n_features_in_ \
                and "feature_names_in_" not in self.__dict__ and not model.finds_hands:
            answers = model.probabilities(X, threads_of(self.n_jobs))
            if answers is not None:
                return answers
        model, X = self._question(X)
        if isinstance(X, np.ndarray) and not model.finds_hands:
            return model.probabilities(X, threads_of(self.n_jobs))
        return self._ask_about_pictures(model, X)[1]

    def decision_function(self, X):
        """Logits, divided by the model's temperature: [N] for two classes, above 0 for the second; else [N, K]."""
        model, X = self._question(X)
        if isinstance(X, np.ndarray) and not model.finds_hands:
            logits = model.logits(X, threads_of(self.n_jobs))
        else:
            logits = self._ask_about_pictures(model, X)[2]
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def _question_model(self):
        if not hasattr(self, "model_"):
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with appropriate "
                                 "arguments before using this estimator.")
        return self.model_

    def _question(self, X):
        return self._question_model(), (list(map(os.fspath, X)) if is_files(X) else self._read(X, reset=False))

    def _ask_about_pictures(self, model, X):
        return model.of_pictures(X) if isinstance(X, np.ndarray) else model.of_files(X)

    # Reading

    def _read(self, X, reset):
        """X as C++ reads it: uint8 or float32, C-contiguous. `reset` settles what X is."""
        if is_files(X):
            X = _core.read_pictures(list(map(os.fspath, X)), "" if self.size is None else option_text(self.size))
        if isinstance(X, np.ma.MaskedArray):
            raise ValueError("Masked arrays are not supported. Fill X, or leave out what is masked.")
        if isinstance(X, np.ndarray) and X.ndim in (3, 4):
            return self._read_images(X, reset)
        X = self._validated(X, reset)
        if reset:
            self.input_ = self._kind_of_rows(X)
        if self.input_ == "features" and X.dtype != np.float32:
            X = X.astype(np.float32)
        return as_read(X)

    def _read_images(self, X, reset):
        if (self.input if reset else self.input_) == "features":
            raise ValueError(f"Features are rows [N, features], not an array with {X.ndim} axes")
        if np.iscomplexobj(X):
            raise ValueError("Complex data not supported")
        if len(X) == 0:
            raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required.")
        X = as_read(X)
        if X.dtype != np.uint8 and not np.isfinite(X).all():
            raise ValueError("Input X contains NaN or infinity.")
        if reset:
            self.n_features_in_ = int(np.prod(X.shape[1:]))
            self.input_ = "images"
            self.__dict__.pop("feature_names_in_", None)
        return X

    def _validated(self, X, reset):
        dtype = [np.float32, np.uint8]
        if hasattr(self, "_validate_data"):
            return self._validate_data(X, reset=reset, dtype=dtype)
        from sklearn.utils.validation import validate_data  # scikit-learn 1.6
        return validate_data(self, X, reset=reset, dtype=dtype)

    def _kind_of_rows(self, X) -> str:
        if self.input not in ("auto", "images", "features"):
            raise ValueError(f"input={self.input!r} is not auto, images or features")
        if self.input != "auto":
            return self.input
        if self.size is not None:
            return "images"
        if X.dtype == np.uint8:
            return "images" if round(X.shape[1] ** 0.5) ** 2 == X.shape[1] else "features"
        return "images" if _core.look_like_images(as_read(X)) else "features"

    # What it is

    @property
    def weights_(self) -> dict[str, np.ndarray]:
        """Weights and running statistics by their names in the model file, such as "1.weight" [units, inputs]."""
        return self._question_model().weights

    @property
    def network_(self) -> NetworkSummary:
        """The layers, and what they cost."""
        return NetworkSummary(json.loads(self._question_model().summary_json(1)))

    @property
    def card_(self) -> ModelCard:
        """What is to be known of the model."""
        return ModelCard(json.loads(self._question_model().facts_json("model")))

    # What scikit-learn asks

    def __sklearn_is_fitted__(self):
        return hasattr(self, "model_")

    def __getstate__(self):
        state = dict(super().__getstate__())
        if not self.warm_start and "_training" in state:
            state["_training"] = b""  # what the optimiser remembers is several times the model
        return state

    def _more_tags(self):
        return {"_xfail_checks": {"check_sample_weights_invariance": SHUFFLED}}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.three_d_array = True
        return tags


SHUFFLED = ("kind=zeros compares with data without these rows, in another order: of batches drawn in another order "
            "a network learns something else, within what chance moves it")
