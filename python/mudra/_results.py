"""What the library found out, with a look of its own in notebooks: plain values beside their JSON."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def table(rows: list[list[Any]], head: list[str] | None = None) -> str:
    """An HTML table; every cell is text."""
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
    body = "".join(line(row, "td") for row in rows)
    return f"<table>{line(head, 'th') if head else ''}{body}</table>"


def paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


@dataclass(repr=False)
class Images:
    """Labelled images.

    Attributes
    ----------
    images : array [N, H, W, C]
        uint8 0..255, or float32 0..1 where the source has no bytes. C is 1 for grey, 3 for colour.
    labels : array [N]
        Numbers where all classes are whole numbers, else texts.
    groups : array [N] of str, or None
        Whose hand each image shows, where that is known.
    classes : list of str
    files : list of str
        The file of each image; empty where they come from one array.
    notes, skipped : list of str
        What was recognised or left out, and the pieces that could not be read.
    """

    images: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None
    classes: list[str]
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        n, height, width, channels = self.images.shape
        groups = 0 if self.groups is None else len(np.unique(self.groups))
        hands = "" if groups == 0 else f", {groups:,} group{'' if groups == 1 else 's'}"
        return (f"{n:,} images {height}x{width} {'grey' if channels == 1 else 'colour'}, "
                f"{len(self.classes)} classes{hands}")

    def _repr_html_(self) -> str:
        values, counts = np.unique(self.labels, return_counts=True)
        return (paragraph(repr(self)) + table([list(counts)], [str(value) for value in values]) +
                "".join(paragraph(note) for note in self.notes))


class Result:
    """Values by their names: ``result["accuracy"]``, as ``--json`` of the command prints them."""

    def __init__(self, values: dict[str, Any]):
        self.values = values

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def keys(self):
        return self.values.keys()


class Evaluation(Result):
    """What a test tells: accuracy with its interval, confusion matrix, and scikit-learn's report.

    Attributes
    ----------
    accuracy : float
    interval : (float, float)
        95%, of the accuracy for these hands.
    confusion : array [K, K]
        Rows are true, columns are answers, in the order of ``classes``.
    report : str
        Equal to scikit-learn's ``classification_report``.
    """

    @property
    def accuracy(self) -> float:
        return self["accuracy"]

    @property
    def interval(self) -> tuple[float, float]:
        return tuple(self["interval"])

    @property
    def confusion(self) -> np.ndarray:
        return np.array(self["confusion"])

    @property
    def classes(self) -> list[str]:
        return self["classes"]

    @property
    def report(self) -> str:
        return self["text"]

    def __repr__(self) -> str:
        low, high = self.interval
        right = round(self.accuracy * self["n"])
        text = (f"right on {right:,} of {self['n']:,} images: {percent(self.accuracy)} "
                f"(95% interval {percent(low)} to {percent(high)}, by {self['interval_unit']})")
        if new := self["new_group"]:
            text += (f"\na new hand: {percent(new['accuracy'])} (95% interval {percent(new['interval'][0])} to "
                     f"{percent(new['interval'][1])}, from {new['groups']} hands)")
        return "\n".join([text, *(f"warning: {warning}" for warning in self["warnings"])])

    def _repr_html_(self) -> str:
        matrix = [[name, *row] for name, row in zip(self.classes, self["confusion"])]
        return ("".join(map(paragraph, repr(self).split("\n"))) + table(matrix, ["true \\ answer", *self.classes]) +
                f"<pre>{html.escape(self.report)}</pre>")


class Comparison(Result):
    """Whether one model is better than another on the same images: docs/comparing.md."""

    @property
    def verdicts(self) -> list[str]:
        return [pair["verdict"] for pair in self["pairs"]]

    def __repr__(self) -> str:
        return "\n".join([*self.verdicts, *self["remarks"]])

    def _repr_html_(self) -> str:
        runs = [[run["run"], percent(run["accuracy"]), f"{percent(run['interval'][0])} to {percent(run['interval'][1])}"]
                for run in self["runs"]]
        return table(runs, ["model", "accuracy", "95% interval"]) + "".join(map(paragraph, repr(self).split("\n")))


class Tuned(Result):
    """The trials of a search, and the best options.

    Attributes
    ----------
    parameters : dict
        Of the best trial, for ``SignClassifier(**parameters)``.
    best_score : float
        Its mean accuracy on what inner folds held out. It chose the options, so it is a little too good.
    test : Evaluation or None
        With ``refit``: of the images that chose nothing.
    """

    def __init__(self, values: dict[str, Any], parameters: dict[str, Any]):
        super().__init__(values)
        self.parameters = parameters
        self.test = Evaluation({**values["test"], "warnings": []}) if "test" in values else None

    @property
    def best_score(self) -> float:
        return self["best"]["score"]

    @property
    def trials(self) -> list[dict[str, Any]]:
        return self["trials"]

    def __repr__(self) -> str:
        text = f"best of {len(self.trials)} trials: {percent(self.best_score)} on inner folds, {self.parameters}"
        return text if self.test is None else f"{text}\n{self.test!r}"

    def _repr_html_(self) -> str:
        rows = [[trial["trial"], "" if trial["score"] is None else percent(trial["score"]), trial["epochs"],
                 ", ".join(f"{name} {text}" for name, text in trial["options"].items())] for trial in self.trials]
        return table(rows, ["trial", "score", "epochs", "options"])


class NetworkSummary(Result):
    """What a network is made of and costs, layer by layer: bytes of memory, multiply-adds of one image."""

    def __repr__(self) -> str:
        return f"{self['network']}   {self['parameters']:,} parameters"

    def _repr_html_(self) -> str:
        rows = [[layer["item"], "x".join(map(str, layer["output"])), f"{layer['parameters']:,}",
                 f"{layer['multiply_adds']:,}"] for layer in self["layers"]]
        rows.append(["together", "", f"{self['parameters']:,}", f"{self['multiply_adds']:,}"])
        return table(rows, ["layer", "output", "parameters", "multiply-adds"])


class ModelCard(Result):
    """What is to be known of a model before it is used."""

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {text}" for name, text in self._lines())

    def _lines(self) -> list[tuple[str, Any]]:
        shown = [("reads", self["reads"]), ("classes", ", ".join(self["classes"])), ("weights", f"{self['weights']:,}"),
                 ("bytes", f"{self['bytes']:,}"), ("hash", self["hash"]), ("temperature", f"{self['temperature']:.3f}"),
                 ("rejection threshold", self["rejection_threshold"])]
        return shown + list(self["card"].items())

    def _repr_html_(self) -> str:
        return table([list(line) for line in self._lines()])


@dataclass
class Saliency:
    """What of a picture its answer hangs on.

    Attributes
    ----------
    answer : label, or None when it is refused
    confidence : float
    falls : array [S, S]
        How much the log odds of the answer fall when that place is covered, as a part of the largest fall.
    corners : list of (x, y)
        Where the image that the network read lies, in parts of the picture: upper left, upper right, lower right
        and lower left.
    """

    answer: Any
    confidence: float
    falls: np.ndarray
    corners: list[tuple[float, float]]
