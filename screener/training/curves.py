"""How a training run went, epoch by epoch: a table and a picture."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass over the training part, and what the validation part says after it.

    Parameters
    ----------
    number
        From 1.
    side_px
        Of the films.
    seconds
        Of the pass, without validation.
    loss
        Mean over the pass; comparable between epochs of one run.
    r_z, mae_z
        Correlation with and mean distance from the true Z, .
    r_z_no_size
        The correlation with height and weight left out.
    """

    number: int
    side_px: int
    seconds: float
    loss: float
    r_z: float
    mae_z: float
    r_z_no_size: float

    def line(self, epochs: int, *, synthetic: bool) -> str:
        """Return the epoch in a line for the console."""
        return (
            f"epoch {self.number}/{epochs}  {self.side_px} px  {self.seconds:.0f} s  "
            f"loss {self.loss:.4f}  validation r(Z) {self.r_z:.3f}, "
            f"without height and weight {self.r_z_no_size:.3f}, MAE {self.mae_z:.2f} Z"
            + (" (synthetic)" if synthetic else "")
        )


def write_history(folder: Path, history: Sequence[Epoch], *, synthetic: bool) -> None:
    """Write ``history.csv`` and ``curves.png``; the picture says where the films are synthetic."""
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in history)
    figure = Figure(figsize=(7, 6), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    if synthetic:
        figure.suptitle("synthetic children")
    numbers = [epoch.number for epoch in history]
    above.plot(numbers, [epoch.loss for epoch in history], color="black")
    above.set_ylabel("training loss")
    below.plot(numbers, [epoch.r_z for epoch in history], label="all variables")
    below.plot(numbers, [epoch.r_z_no_size for epoch in history], label="no height, no weight")
    below.set_ylabel("validation r(Z)")
    below.set_xlabel("epoch")
    below.legend(loc="lower right")
    for earlier, later in itertools.pairwise(history):
        if later.side_px != earlier.side_px:
            for axes in (above, below):
                axes.axvline(later.number - 0.5, color="grey", linewidth=0.5)
            above.annotate(
                f"{later.side_px} px", (later.number - 0.4, max(e.loss for e in history))
            )
    figure.savefig(folder / "curves.png", dpi=120)
