"""How far a training is, in a terminal or a notebook."""

from __future__ import annotations

import sys
import time


class EpochLine:
    """One line on standard error that is written over; ten lines where nothing can be."""

    def __init__(self) -> None:
        self.rewrites = sys.stderr.isatty() or "ipykernel" in sys.modules
        self.shown = 0.0

    def __call__(self, epoch: dict, epochs: int) -> None:
        number = epoch["epoch"]
        is_last = number >= epochs
        is_tenth = number * 10 // epochs != (number - 1) * 10 // epochs
        now = time.monotonic()
        if not (is_last or (now - self.shown > 0.1 if self.rewrites else is_tenth)):
            return
        self.shown = now
        line = f"epoch {number} of {epochs}   loss {epoch['loss_train']:.3f}"
        for name, text in (("validation", "validation"), ("held_out", "held out")):
            if epoch[f"loss_{name}"] == epoch[f"loss_{name}"]:  # not NaN
                line += f"   {text} {epoch[f'loss_{name}']:.3f}   {100 * epoch[f'accuracy_{name}']:.1f}%"
        sys.stderr.write(("\r" if self.rewrites else "") + line + ("\n" if is_last or not self.rewrites else ""))
        sys.stderr.flush()
