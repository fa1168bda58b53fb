"""The cut on the estimate: whose it is, and whether it holds. Not the definition of low."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.domain.prediction import DecisionThreshold
from screener.domain.reference import BmdReference

#: The definition of low on a measured Z; cut of the estimate where nobody chose another one.
DEFINITION_Z = -2.0


class ThresholdSource(StrEnum):
    """Whose decision threshold a finding was held against."""

    #: The predictor's card: fitted with the BMD reference in force.
    PREDICTOR = "PREDICTOR"
    #: The site's rules.
    SITE = "SITE"
    #: The site's rules, under a BMD reference that no threshold of the predictor was fitted with.
    SITE_UNFITTED = "SITE_UNFITTED"
    #: Neither names one: the definition of low, Z -2.0, on the estimate.
    DEFINITION = "DEFINITION"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdInForce:
    """The decision threshold that a study is held against.

    `holds` is false where the predictor's own threshold was fitted with another BMD reference, and
    the site has named none: then nothing is flagged.
    """

    z: float
    source: ThresholdSource
    chosen_for: str
    holds: bool = True


def choose_threshold(
    site_z: float | None, decision: DecisionThreshold | None, reference: BmdReference
) -> ThresholdInForce:
    """Return the site's threshold, else that of the predictor's card, else the definition of low.

    Parameters
    ----------
    site_z
        What the site's rules name; it overrides the card's.
    decision
        Of the predictor's card; it belongs to the reference that it was fitted with.
    reference
        In force.
    """
    fitted = decision is None or decision.reference == reference.label
    if site_z is not None:
        source = ThresholdSource.SITE if fitted else ThresholdSource.SITE_UNFITTED
        same = decision is not None and fitted and decision.z == site_z
        chosen_for = decision.chosen_for if decision is not None and same else ""
        return ThresholdInForce(z=site_z, source=source, chosen_for=chosen_for)
    if decision is None:
        return ThresholdInForce(z=DEFINITION_Z, source=ThresholdSource.DEFINITION, chosen_for="")
    return ThresholdInForce(
        z=decision.z,
        source=ThresholdSource.PREDICTOR,
        chosen_for=decision.chosen_for,
        holds=fitted,
    )
