"""The subgroups that were named before anybody looked, and how far apart they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from screener.training.estimates import Estimates, EstimationRules
from screener.training.measures import Measured, measure
from screener.training.predictions import Flags, Floats, PredictionTable
from screener.training.resampling import Metric, draw

#: First age in completed years of each band, the first age after it, and its name.
AGE_BANDS = ((3, 7, "3-6"), (7, 11, "7-10"), (11, 15, "11-14"), (15, 18, "15-17"))

#: At or below this height Z a child is short for age.
SHORT_Z = -2.0

NOT_GIVEN = "not given"
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How much more is found in one level of a subgroup than in another.

    Parameters
    ----------
    most, least
        The levels with the highest and the lowest sensitivity.
    sensitivity
        Their difference, 0 to 1.
    """

    most: str
    least: str
    sensitivity: Metric


def levels_of(table: PredictionTable) -> dict[str, dict[str, Flags]]:
    """Return who belongs to each level of each subgroup, ``[n]``; levels without films left out."""
    levels: dict[str, dict[str, Flags]] = {
        "sex": _by_text(table.sex),
        "age_band": _age_bands(table.age_years),
        "height_z": {
            "<= -2": np.asarray(table.height_z <= SHORT_Z),
            "> -2": np.asarray(table.height_z > SHORT_Z),
            _UNKNOWN: np.isnan(table.height_z),
        },
        "view": _by_text(table.view),
        "vendor": _by_text(table.vendor),
        "site": _by_text(table.site),
    }
    return {
        name: {level: member for level, member in found.items() if member.any()}
        for name, found in levels.items()
    }


def measure_subgroups(
    table: PredictionTable, estimates: Estimates, rules: EstimationRules
) -> dict[str, dict[str, Measured]]:
    """Return the figures of every level of every subgroup."""
    return {
        name: {
            level: measure(estimates.take(np.flatnonzero(member)), rules, whole=False)
            for level, member in levels.items()
        }
        for name, levels in levels_of(table).items()
    }


def gaps_of(
    table: PredictionTable,
    estimates: Estimates,
    rules: EstimationRules,
    subgroups: Mapping[str, Mapping[str, Measured]],
) -> dict[str, Gap]:
    """Return the gap in sensitivity between the best and the worst level of each subgroup.

    Only levels whose sensitivity is given take part: those with ten films of low children or more.

    Notes
    -----
    Source: Hardt M, Price E, Srebro N. Equality of opportunity in supervised learning. NeurIPS
    2016.
    """
    members, gaps = levels_of(table), {}
    low, flagged = estimates.low, np.asarray(estimates.z_shown <= rules.threshold_z)
    for name, levels in subgroups.items():
        given = {
            level: measured.metrics["sensitivity"].value
            for level, measured in levels.items()
            if "sensitivity" in measured.metrics
        }
        if len(given) < 2:  # noqa: PLR2004 - a gap has two sides
            continue
        most, least = max(given, key=lambda x: given[x]), min(given, key=lambda x: given[x])
        metric = _difference(estimates, low, flagged, members[name][most], members[name][least])
        if metric is not None and most != least:
            gaps[name] = Gap(most=most, least=least, sensitivity=metric)
    return gaps


def _difference(
    estimates: Estimates, low: Flags, flagged: Flags, one: Flags, other: Flags
) -> Metric | None:
    columns = np.stack(
        [one & low & flagged, one & low, other & low & flagged, other & low], axis=1
    ).astype(np.float64)

    def figures(weights: Floats) -> dict[str, Floats]:
        hits, of, other_hits, of_other = (weights @ columns).T
        return {"gap": hits / of - other_hits / of_other}

    drawn = draw(figures, estimates.patients, low)
    return drawn.metric("gap", int(((one | other) & low).sum()))


def _by_text(texts: tuple[str, ...]) -> dict[str, Flags]:
    named = np.array([text or NOT_GIVEN for text in texts])
    # what is not given comes last
    found = sorted(set(named.tolist()), key=lambda text: (text == NOT_GIVEN, text))
    return {text: np.asarray(named == text) for text in found}


def _age_bands(age_years: Floats) -> dict[str, Flags]:
    bands = {"under 3": np.asarray(age_years < AGE_BANDS[0][0])}
    for first, after, name in AGE_BANDS:
        bands[name] = np.asarray((age_years >= first) & (age_years < after))
    bands["18 and over"] = np.asarray(age_years >= AGE_BANDS[-1][1])
    return bands
