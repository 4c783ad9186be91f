"""The library's functions on arrays: they hand over, and give back what it says."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from . import _core
from ._classifier import (OPTIONS, SignClassifier, as_read, class_texts, classes_of, encode, option_text, threads_of)
from ._results import Comparison, Evaluation, Images, Saliency, Tuned


def load(path: str | os.PathLike = "hands") -> SignClassifier:
    """A model as a fitted classifier: a model file, the folder of a run, or a model in the box.

    The model in the box, ``hands``, finds the hand in pictures of any size.
    """
    model = _core.Model.find(os.fspath(path))
    classifier = SignClassifier()
    classifier.model_ = model
    classifier.classes_ = classes_of(model.classes)
    classifier.n_features_in_ = int(np.prod(model.input))
    classifier.input_ = "features" if model.reads_features else "images"
    classifier._training = b""
    return classifier


def save(classifier: SignClassifier, path: str | os.PathLike) -> None:
    """Write the model file (safetensors) that every part of Mudra reads. It appears whole or not at all."""
    classifier._question_model().save(os.fspath(path))


def read_images(source: str | os.PathLike, *, seed: int = 1, n_jobs: int | None = None, **options: Any) -> Images:
    """Labelled images from a .npz, .npy, .csv or IDX file, a folder with a sub-folder a class, or "synth:N".

    Parameters
    ----------
    options
        Those of ``mudra train`` about data, by their names: ``classes, groups, labels, size, range, channels,
        corrections, strict`` and so on (docs/data.md).
    """
    given = {name.replace("_", "-"): _text(value) for name, value in options.items()}
    given |= {"data": os.fspath(source), "seed": str(seed), "threads": str(threads_of(n_jobs))}
    return _images(_core.read_images(given))


def render_hands(count: int, *, size: int = 28, seed: int = 1, domain: str = "massey", colour: bool = False,
                 none_fraction: float = 0, n_jobs: int | None = None) -> Images:
    """Hands rendered from nothing, labelled 0 to 9; a group is a person, who has 20 images.

    Parameters
    ----------
    size : int
        Pixels a side, 16 to 512.
    domain : {"massey", "ankara", "webcam", "mixed"}
        Cut out on black, before a bright wall, anything, or all of them.
    none_fraction : float
        Share of images that show no sign, labelled "none"; labels are texts then.
    """
    return _images(_core.render_hands(count, size, seed, none_fraction, domain, colour, threads_of(n_jobs)))


def split_by_group(y: Any, groups: Any, *, train: float = 0.8, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Rows that train and rows that test, so that nobody's hand is on both sides.

    ``train`` is the share of the groups that trains, as in ``mudra train --split group:0.8``.
    """
    check_consistent_length(y, groups)
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    fold, = _core.split(f"group:{train!r}", seed, codes.astype(np.int32), class_texts(classes), encode(groups))
    return fold[0], fold[1]


def find_near_copies(train: Any, test: Any, *, n_jobs: int | None = None) -> np.ndarray:
    """Test images that show the same photograph as a training image: turned, shifted, scaled or brighter.

    Parameters
    ----------
    train, test : arrays of images

    Returns
    -------
    structured array with the fields ``test, train`` (rows), ``similarity`` (0.96 to 1) and ``degrees``
        Each such test image with its nearest copies, closest first.
    """
    arrays = [_labelled(np.asarray(images), np.zeros(len(images), np.int32), ["image"]) for images in (train, test)]
    pairs = _core.find_near_copies(*arrays, threads_of(n_jobs))
    return np.array(pairs, dtype=[("test", int), ("train", int), ("similarity", np.float32), ("degrees", np.float32)])


def augment(images: Any, augment: str, *, seed: int = 1, epoch: int = 1) -> np.ndarray:
    """Images as an epoch of a training with this seed would see them: float32 [N, H, W, C], values 0..1.

    ``augment`` is the option of that name, such as ``"rotate 15, shift 2"`` (docs/training.md).
    """
    return _core.augment(as_read(np.asarray(images)), augment, seed, epoch)


def evaluate(y_true: Any, answers: Any, *, classes: Any = None, groups: Any = None, seed: int = 1) -> Evaluation:
    """What answers are worth.

    Parameters
    ----------
    y_true : array [N]
    answers : array [N] of labels, or [N, K] of probabilities
        Probabilities are in the order of ``classes``.
    classes : array [K]
        Needed for probabilities; of labels it may say which classes there are beside those that occur.
    groups : array [N], optional
        Whose hand each image shows. With three or more the interval for a hand that was not tested is told, too.
    """
    classes, truth, labels, probabilities = _answered(y_true, answers, classes)
    check_consistent_length(truth, labels, groups)
    return Evaluation(json.loads(_core.evaluate_json(truth, labels, probabilities, class_texts(classes),
                                                     None if groups is None else encode(groups), seed)))


def compare(y_true: Any, answers: dict[str, Any], *, classes: Any = None, groups: Any = None) -> Comparison:
    """Whether one model is better than another on the same images: exact tests, and the interval of the difference.

    Parameters
    ----------
    answers : dict
        Of each model by its name, two or more: labels [N], or probabilities [N, K].
    """
    groups = None if groups is None else encode(groups)
    if classes is None:
        labels = [np.asarray(each) for each in answers.values() if np.asarray(each).ndim == 1]
        classes = np.unique(np.concatenate([np.asarray(y_true), *labels]))
    runs = []
    for name, given in answers.items():
        known, truth, labels, probabilities = _answered(y_true, given, classes)
        check_consistent_length(truth, labels)
        runs.append((name, labels, probabilities))
    return Comparison(json.loads(_core.compare_json(truth, runs, class_texts(known), groups)))


def tune(X: Any, y: Any, *, groups: Any = None, trials: int = 40, time: str | None = None, space: str = "default",
         inner: str | None = None, halving: int = 3, split: str | None = None, refit: bool = False,
         file: str | os.PathLike | None = None, n_jobs: int | None = None, seed: int = 1, **options: Any) -> Tuned:
    """Search for better options, as ``mudra tune`` does (docs/tuning.md).

    Parameters
    ----------
    X, y, groups : as for ``SignClassifier.fit``; images only
    trials : int
    time : str, optional
        End after this long: "90s", "10m", "2h".
    split : str, optional
        What is held out and chooses nothing: "group" where groups are given, else "0.8".
    refit : bool
        Train the best on the whole training part and test it once on what was held out.
    file : path, optional
        Where the trials are kept; a search in it is gone on with.
    options
        Parameters of SignClassifier that all trials have.
    """
    classifier = SignClassifier(**options)
    X, codes, classes, texts = classifier._examples(X, y, classes=None, reset=True)
    given = {name.replace("_", "-"): option_text(options[name]) for name in OPTIONS if options.get(name) is not None}
    given |= {"seed": str(seed), "threads": str(threads_of(n_jobs)), "split": split or ("0.8" if groups is None else "group")}
    choices = {"space": space, "trials": str(trials), "halving": str(halving)}
    choices |= {name: text for name, text in (("time", time), ("inner", inner)) if text is not None}
    learn = _core.LabelledArray(X, codes, texts, None if groups is None else encode(groups))
    with tempfile.TemporaryDirectory() as folder:
        document, best = _core.tune_json(given, choices, learn, classifier.input_ == "features",
                                         os.fspath(file or os.path.join(folder, "tune.sqlite")), refit)
    return Tuned(json.loads(document), _parameters(best))


def export(classifier: SignClassifier, path: str | os.PathLike, format: str = "onnx") -> None:
    """Write the model for other programs (docs/export.md). What writes ONNX is loaded when this is called."""
    if format != "onnx":
        raise ValueError(f"no format is called {format!r}; there is onnx")
    from . import _onnx
    _onnx.export(classifier._question_model().bytes(), os.fspath(path))


def saliency(classifier: SignClassifier, picture: Any, *, n_jobs: int | None = None) -> Saliency:
    """What of one picture [H, W] or [H, W, C] its answer hangs on: places are covered one after the other."""
    picture = np.asarray(picture)
    picture = picture[None] if picture.ndim == 3 else picture[None, :, :, None]
    found = _core.saliency(classifier._question_model(), as_read(picture), threads_of(n_jobs))
    answer = None if found["label"] < 0 else classifier.classes_[found["label"]]
    return Saliency(answer, found["confidence"], found["falls"], found["corners"])


def gradients(classifier: SignClassifier, X: Any, y: Any) -> tuple[float, dict[str, np.ndarray]]:
    """The mean loss of a batch, and its gradient by every weight: what backpropagation computes.

    Gradients have the names and the shapes of ``classifier.weights_``. As in training, dropout drops and
    batch-norm takes the batch's own mean and variance.
    """
    model = classifier._question_model()
    codes = np.searchsorted(classifier.classes_, np.asarray(y)).astype(np.int32)
    return _core.gradients(model, classifier._read(X, reset=False), codes)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(option_text, value))
    return option_text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _images(found: dict[str, Any]) -> Images:
    names = np.array(found["group_names"])
    groups = names[found["groups"]] if len(found["groups"]) else None
    return Images(found["images"], classes_of(found["classes"])[found["labels"]], groups, found["classes"],
                  found["files"], found["notes"], found["skipped"])


def _labelled(images: np.ndarray, codes: np.ndarray, texts: list[str]) -> _core.LabelledArray:
    return _core.LabelledArray(as_read(images), codes, texts)


def _answered(y_true, answers, classes):
    """Classes, codes of the truth, codes of the answers (-1: none of the classes) and probabilities."""
    y_true, answers = np.asarray(y_true), np.asarray(answers)
    if answers.ndim == 2 and classes is None:
        raise ValueError("say the classes of the probabilities, such as classes=classifier.classes_")
    classes = np.unique(np.concatenate([y_true, answers])) if classes is None else np.asarray(classes)
    if not np.isin(y_true, classes).all():
        raise ValueError(f"y_true has labels that are not among {classes!r}")
    order = np.argsort(classes)
    place = lambda labels: order[np.searchsorted(classes, labels, sorter=order).clip(max=len(classes) - 1)]
    truth = place(y_true).astype(np.int32)
    if answers.ndim == 2:
        return classes, truth, answers.argmax(axis=1).astype(np.int32), answers.astype(np.float32)
    codes = place(answers)
    codes = np.where(classes[codes] == answers, codes, -1).astype(np.int32)
    return classes, truth, codes, np.eye(len(classes), dtype=np.float32)[codes] * (codes >= 0)[:, None]


def _parameters(options: dict[str, str]) -> dict[str, Any]:
    """Options of `mudra train` as parameters of SignClassifier: those that are not as it has them anyway."""
    usual = {name: text for name, _, _, text in _core.options()}
    found = {}
    for name in OPTIONS:
        text = options[name.replace("_", "-")]
        if text != usual[name.replace("_", "-")] or name in ("network", "epochs", "batch_size", "learning_rate"):
            found[name] = text
    return found
