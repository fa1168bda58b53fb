"""The decision threshold on the estimate: what it is chosen for, and its price."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from statsmodels.stats.proportion import proportion_confint

from screener.domain.errors import ConfigurationError
from screener.domain.estimate import round_z
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.facts import Decision, Share
from screener.training.predictions import Flags, Floats

#: Prevalences of low children at which a threshold's price is told, beside the site's own: all
#: children (the definition itself), and clinics that see more and more sick ones.
PREVALENCES = (0.023, 0.05, 0.10, 0.20)

#: Thresholds that rules may name, as the service compares them: rounded to one decimal.
_CUTS = np.round(np.arange(-5.0, 0.05, 0.1), 1)

#: Fewer low children choose no threshold: a sensitivity from 20 is known to 20 points at best.
_FEWEST_LOW = 20

_TARGET = re.compile(r"(sensitivity|specificity)=(0?\.\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a threshold is chosen for: the least sensitivity or specificity, 0 to 1."""

    kind: Literal["sensitivity", "specificity"]
    value: float

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read ``sensitivity=0.85``.

        Raises
        ------
        ConfigurationError
            It is written otherwise, or is not between 0 and 1.
        """
        found = _TARGET.fullmatch(text.strip())
        if found is None or not 0 < float(found[2]) < 1:
            raise ConfigurationError(
                f"target {text!r}: write sensitivity=0.85 or specificity=0.95, between 0 and 1"
            )
        kind: Literal["sensitivity", "specificity"] = (
            "sensitivity" if found[1] == "sensitivity" else "specificity"
        )
        return cls(kind=kind, value=float(found[2]))


def choose_decision(
    z: Floats,
    z_estimate: Floats,
    *,
    target: Target,
    prevalence: float,
    films: int,
    reference: str,
    missing: str,
) -> Decision | None:
    """Choose the threshold for a target, and say what is to be expected of it.

    Parameters
    ----------
    z, z_estimate
        ``[n]`` true and calibrated Z by the same reference, one film of each patient.
    target
        The lowest threshold that reaches a sensitivity is chosen, or the highest that keeps a
        specificity.
    prevalence
        Share of low children among those whom the site screens, 0 to 1.
    films, reference, missing
        For the card.

    Returns
    -------
    Decision or None
        None where fewer than 20 children were low, or no threshold from -5.0 to 0.0 reaches the
        target.

    Notes
    -----
    The definition, true Z at or below -2.0, is what the threshold is judged by, and never moves. A
    regression is drawn to the mean: cut at -2.0 its estimate finds fewer children than are low.

    Source: Wilson EB. JASA 1927;22:209 (bounds); domain.md 4.1.
    """
    low = z <= DEFINITION_Z
    if low.sum() < _FEWEST_LOW or not (~low).any():
        return None
    rounded = np.array([round_z(float(value)) for value in z_estimate])
    sensitivities = np.array([(rounded[low] <= cut).mean() for cut in _CUTS])
    specificities = np.array([(rounded[~low] > cut).mean() for cut in _CUTS])
    if target.kind == "sensitivity":
        reached = np.flatnonzero(sensitivities >= target.value)
        chosen = int(reached[0]) if len(reached) else None
    else:
        reached = np.flatnonzero(specificities >= target.value)
        chosen = int(reached[-1]) if len(reached) else None
    if chosen is None:
        return None
    cut = float(_CUTS[chosen])
    sensitivity = share_of(rounded[low] <= cut)
    specificity = share_of(rounded[~low] > cut)
    at = {f"{p:g}": p for p in sorted({*PREVALENCES, prevalence})}
    return Decision(
        threshold_z=cut,
        definition_z=DEFINITION_Z,
        target=target.kind,
        target_value=target.value,
        sensitivity=sensitivity,
        specificity=specificity,
        prevalence=prevalence,
        expected_ppv={
            name: predictive_value(sensitivity.value, specificity.value, p)
            for name, p in at.items()
        },
        expected_flags_per_1000={
            name: 1000 * flagged_share(sensitivity.value, specificity.value, p)
            for name, p in at.items()
        },
        films=films,
        patients=len(z),
        low_patients=int(low.sum()),
        reference=reference,
        missing=missing,
    )


def share_of(hits: Flags) -> Share:
    """Return a share with its 95 % bounds by Wilson, of one hit or more."""
    low, high = proportion_confint(int(hits.sum()), len(hits), method="wilson")
    return Share(value=float(hits.mean()), low=float(low), high=float(high), n=len(hits))


def flagged_share(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Return the share of all children who are flagged."""
    return sensitivity * prevalence + (1 - specificity) * (1 - prevalence)


def predictive_value(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Return the share of those flagged who are low; 0 where nobody is flagged.

    Notes
    -----
    Source: Altman DG, Bland JM. BMJ 1994;309:102.
    """
    flagged = flagged_share(sensitivity, specificity, prevalence)
    return sensitivity * prevalence / flagged if flagged > 0 else 0.0


def choices(z: Floats, z_estimate: Floats) -> npt.NDArray[np.float64]:
    """Return cut, sensitivity and specificity of every threshold there is, ``[51, 3]``."""
    low = z <= DEFINITION_Z
    rounded = np.array([round_z(float(value)) for value in z_estimate])
    rows = [
        (cut, (rounded[low] <= cut).mean(), (rounded[~low] > cut).mean()) for cut in _CUTS.tolist()
    ]
    return np.array(rows, np.float64)
