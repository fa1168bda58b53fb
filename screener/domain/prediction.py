"""What a predictor says of one film: numbers with their interval, and no opinion."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from screener.domain.screening import NotScoredReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorIdentity:
    """Which predictor spoke, to the byte.

    Parameters
    ----------
    name, version
        As its card has them.
    checksum
        SHA-256 over its weights and card, hexadecimal.
    synthetic
        Trained on synthetic children: scores no real film.
    """

    name: str
    version: str
    checksum: str
    synthetic: bool

    @property
    def label(self) -> str:
        """Name, version and the start of the checksum, as printed."""
        return f"{self.name} {self.version} ({self.checksum[:8]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputField:
    """The part of the film that the network saw.

    `corners` are four (column, row) points of the film's own pixel grid in the SCOORD convention:
    0.0, 0.0 is the outer corner of the first pixel. In order: the network's top left, top right,
    bottom right, bottom left.

    Notes
    -----
    Source: PS3.3 C.18.6.1.2 (Graphic Data).
    """

    corners: tuple[
        tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionMap:
    """Class activation over the input field, row by row, 0 to 1."""

    rows: int
    columns: int
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a grid whose values do not fill it."""
        if self.rows * self.columns != len(self.values):
            raise ValueError("an attention map needs rows x columns values")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A Shapley value: how far one input moved the estimate from the baseline, in reference SDs."""

    name: str
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveDistribution:
    """Where the child's true aBMD may lie, by quantiles, so that any reference can read it.

    Parameters
    ----------
    levels
        Of the quantiles, rising, between 0 and 1; at least two.
    abmd_g_cm2
        As many values in g/cm2, not falling.
    """

    levels: tuple[float, ...]
    abmd_g_cm2: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse quantiles that are none."""
        if not len(self.levels) == len(self.abmd_g_cm2) >= 2:  # noqa: PLR2004 - an end each way
            raise ValueError("a distribution needs as many values as levels, and two or more")
        if not self.levels[0] > 0 or not self.levels[-1] < 1:
            raise ValueError("the levels of a distribution lie between 0 and 1")
        if any(b <= a for a, b in pairwise(self.levels)):
            raise ValueError("the levels of a distribution must rise")
        if any(b < a for a, b in pairwise(self.abmd_g_cm2)):
            raise ValueError("the quantiles of a distribution must not fall")

    def probability_at_or_below(self, abmd_g_cm2: float) -> float:
        """Return the probability of an aBMD at or below a value in g/cm2.

        Linear between the quantiles; beyond the first and the last it is theirs, for nothing was
        seen there.
        """
        values, levels = self.abmd_g_cm2, self.levels
        after = bisect_right(values, abmd_g_cm2)
        if after == 0:
            return levels[0]
        if after == len(values):
            return levels[-1]
        share = (abmd_g_cm2 - values[after - 1]) / (values[after] - values[after - 1])
        return levels[after - 1] + share * (levels[after] - levels[after - 1])


@dataclass(frozen=True, slots=True, kw_only=True)
class LowProbability:
    """How likely the true Z is at or below -2.0.

    Parameters
    ----------
    value
        0 to 1.
    reference
        Label of the BMD reference that the Z is of.
    prevalence, children
        Share of low ones among the children that it was calibrated on, and their number: among
        others it is another probability.
    local
        Whether those children were the site's own. Only then may a report print it.
    """

    value: float
    reference: str
    prevalence: float
    children: int
    local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionThreshold:
    """The cut on the estimate that a predictor was calibrated for. Not the definition of low.

    Parameters
    ----------
    z
        At or below it, rounded to one decimal, a study is LOW.
    reference
        Label of the BMD reference that it was fitted with, and holds for.
    chosen_for
        What it was chosen for, such as ``"85 % sensitivity"``.
    """

    z: float
    reference: str
    chosen_for: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineShare:
    """How much of the attention lies on the spine, by the predictor's own finder of the spine.

    Parameters
    ----------
    attention
        Share of the attention, 0 to 1.
    area
        The spine's share of the input field, 0 to 1: what attention spread evenly would have.
    trusted
        Whether that is enough for a map to be shown.
    """

    attention: float
    area: float
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """A film that the predictor does not estimate, and why."""

    reason: NotScoredReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The predictor's estimate for one film.

    Parameters
    ----------
    abmd_g_cm2
        Estimated areal bone mineral density of L1-L4, g/cm2, above 0.
    abmd_low_g_cm2, abmd_high_g_cm2
        Bounds of the prediction interval, g/cm2.
    interval_level
        Its coverage on the calibration set, such as 0.9.
    contributions
        Of the image, age, sex, height and weight; together with the baseline they give the Z.
    attention, input_field
        Where in the film the estimate comes from; no attention where it lies off the spine or is
        not computed.
    input_digest
        SHA-256 of what the network was given: the same digest must give the same numbers.
    distribution, low_probability, decision
        Of the true aBMD; of a low Z; and the threshold of its card. None where the predictor's
        card has none.
    spine
        How much of the attention lies on the spine; None where the predictor cannot tell.
    """

    abmd_g_cm2: float
    abmd_low_g_cm2: float
    abmd_high_g_cm2: float
    interval_level: float
    predictor: PredictorIdentity
    contributions: tuple[Contribution, ...]
    attention: AttentionMap | None
    input_field: InputField | None
    input_digest: str
    distribution: PredictiveDistribution | None = None
    low_probability: LowProbability | None = None
    decision: DecisionThreshold | None = None
    spine: SpineShare | None = None

    @property
    def attention_withheld(self) -> bool:
        """Whether there is a map that is not shown, for it lies off the spine."""
        return self.spine is not None and not self.spine.trusted

    def __post_init__(self) -> None:
        """Refuse an estimate outside its own interval, or not above 0."""
        if not 0 < self.abmd_low_g_cm2 <= self.abmd_g_cm2 <= self.abmd_high_g_cm2:
            raise ValueError("an aBMD must lie above 0 and inside its interval")
