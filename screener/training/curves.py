"""How a training run went, epoch by epoch: a table and a picture."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


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
        Correlation with the true Z, and mean distance from it in SDs of the reference; not a number
        where there is no validation part.
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
        watched = (
            ""
            if math.isnan(self.r_z)
            else f"  validation r(Z) {self.r_z:.3f}, "
            f"without height and weight {self.r_z_no_size:.3f}, MAE {self.mae_z:.2f} Z"
        )
        return (
            f"epoch {self.number}/{epochs}  {self.side_px} px  {self.seconds:.0f} s  "
            f"loss {self.loss:.4f}{watched}" + (" (synthetic)" if synthetic else "")
        )


def write_history(folder: Path, history: Sequence[Epoch], *, synthetic: bool) -> None:
    """Write ``history.csv`` and ``curves.png``; the picture says where the films are synthetic."""
    with (folder / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in history)
    watched = not all(math.isnan(epoch.r_z) for epoch in history)
    figure = Figure(figsize=(7.5, 7.5 if watched else 3.2), layout="constrained")
    panels = list(figure.subplots(3 if watched else 1, sharex=True, squeeze=False)[:, 0])
    of_whom = "synthetic children" if synthetic else "children"
    figure.suptitle(
        f"Training on {of_whom}"
        + ("" if watched else "; no validation part: every child is learnt from")
    )
    numbers = [epoch.number for epoch in history]
    panels[0].plot(numbers, [epoch.loss for epoch in history], ".-", color="black")
    panels[0].set_ylabel("training loss")
    if watched:
        panels[1].plot(numbers, [epoch.r_z for epoch in history], ".-", label="all variables")
        panels[1].plot(
            numbers, [epoch.r_z_no_size for epoch in history], ".-", label="no height, no weight"
        )
        panels[1].set_ylabel("validation r(Z)")
        panels[1].legend(loc="lower right")
        panels[2].plot(numbers, [epoch.mae_z for epoch in history], ".-")
        panels[2].set_ylabel("validation MAE (Z)")
        panels[2].set_ylim(bottom=0)
    panels[-1].set_xlabel("epoch")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _mark_sides(panels, history)
    figure.savefig(folder / "curves.png", dpi=120)


def _mark_sides(panels: Sequence[Axes], history: Sequence[Epoch]) -> None:
    """Draw a line where films become larger, and say above it how large."""
    first = history[0]
    changes = [(first.number - 0.5, first.side_px)]
    for earlier, later in itertools.pairwise(history):
        if later.side_px != earlier.side_px:
            changes.append((later.number - 0.5, later.side_px))
            for axes in panels:
                axes.axvline(later.number - 0.5, color="grey", linewidth=0.5)
    for position, side_px in changes:
        panels[0].annotate(
            f" films of {side_px} px",
            (position, 1.01),
            xycoords=("data", "axes fraction"),
            va="bottom",
            color="dimgrey",
        )
    panels[0].set_xlim(first.number - 0.5, history[-1].number + 0.5)
