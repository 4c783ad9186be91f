"""What goes wrong."""

from __future__ import annotations

import re

_OPTION = re.compile(r"--([a-z][a-z-]*)")


def in_python(text: str) -> str:
    """Options have one name everywhere; only here it has no dashes."""
    return _OPTION.sub(lambda option: option[1].replace("-", "_"), text)


class Error(ValueError):
    """What went wrong, where, and what to do about it.

    Attributes
    ----------
    what, where, remedy : str
        The parts of the message; ``where`` and ``remedy`` may be empty.
    """

    def __init__(self, message: str = "", what: str = "", where: str = "", remedy: str = ""):
        super().__init__(in_python(message))
        self.what, self.where, self.remedy = map(in_python, (what, where, remedy))


class NearCopyWarning(UserWarning):
    """Images that are tested show the same photograph as images that train."""


class TrainingWarning(UserWarning):
    """What the numbers of a training warn of."""
