"""Bounds of a figure: patients are drawn again, with all their films, and it is computed anew."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from screener.training.predictions import Flags, Floats

#: Resamples of the patients, and the share of them that bounds hold.
RESAMPLES, LEVEL = 2000, 0.95

#: A figure that fewer resamples than this share can show has no bounds, and is not given.
_LEAST_SHOWN = 0.9
#: Weights held at a time.
_CHUNK_CELLS = 1_000_000

#: Figures by name, ``[b]`` each, from weights ``[b, n]``: how often each film counts.
Figures = Callable[[Floats], Mapping[str, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure with its 95 % bounds, and the number of films, or of those it is a share of."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Figures on the films as they are, and on every resample.

    Parameters
    ----------
    values
        By name; not a number where the films cannot show it.
    draws
        ``[RESAMPLES]`` by the same names.
    """

    values: Mapping[str, float]
    draws: Mapping[str, Floats]

    def metric(self, name: str, n: int) -> Metric | None:
        """Return a figure with percentile bounds, or None where the films cannot show it."""
        return bounded(self.values[name], self.draws[name], n)


def bounded(value: float, draws: Floats, n: int) -> Metric | None:
    """Return a value with the percentiles of its draws, or None where it cannot be had.

    Notes
    -----
    Source: Efron B, Tibshirani R. An introduction to the bootstrap, 1993 (percentile bounds).
    """
    shown = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(shown) < _LEAST_SHOWN * len(draws):
        return None
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(shown, (tail, 100 - tail))
    return Metric(value=float(value), low=float(low), high=float(high), n=n)


def draw(
    figures: Figures, patients: Sequence[Hashable], positive: Flags, *, seed: int = 0
) -> Drawn:
    """Compute figures on the films as they are, and on 2,000 resamples of their patients.

    Parameters
    ----------
    figures
        Each a function of how often every film counts.
    patients
        ``[n]``, whose each film is: films of one patient are drawn together.
    positive
        ``[n]``; patients with and without any positive film are drawn apart, so that every
        resample has as many of both.
    seed
        The same patients and seed give the same resamples: differences between estimates of the
        same films are paired.

    Notes
    -----
    Source: Field CA, Welsh AH. Bootstrapping clustered data. J R Stat Soc B 2007;69:369.
    """
    with warnings.catch_warnings():
        # nothing by nothing is not a number, which is what it should be
        warnings.simplefilter("ignore", RuntimeWarning)
        values = {
            name: float(value[0]) for name, value in figures(np.ones((1, len(positive)))).items()
        }
        parts = [figures(weights) for weights in _weights(patients, positive, seed)]
    draws = {name: np.concatenate([part[name] for part in parts]) for name in values}
    return Drawn(values=values, draws=draws)


def groups_of(patients: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """Return each film's patient as a number from 0, in the order of first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(patient, len(numbers)) for patient in patients], np.int64)


def _weights(patients: Sequence[Hashable], positive: Flags, seed: int) -> Iterator[Floats]:
    """Yield ``[b, n]``, how often each film is in each of 2,000 resamples, some at a time."""
    rng = np.random.default_rng(seed)
    group = groups_of(patients)
    total = int(group.max()) + 1
    ever = np.zeros(total, bool)
    ever[group[positive]] = True
    strata = [np.flatnonzero(kind) for kind in (ever, ~ever) if kind.any()]
    step = max(1, min(RESAMPLES, _CHUNK_CELLS // len(group)))
    for start in range(0, RESAMPLES, step):
        count = min(step, RESAMPLES - start)
        times = np.zeros((count, total))
        for members in strata:
            drawn = rng.integers(len(members), size=(count, len(members)))
            drawn += len(members) * np.arange(count)[:, None]
            times[:, members] = np.bincount(drawn.ravel(), minlength=count * len(members)).reshape(
                count, -1
            )
        yield times[:, group]
