"""The facts that a model card is made of, one value for each of its sections. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference

#: Every pattern of missing clinical variables, by the name it has in the card.
MISSING_PATTERNS: Mapping[tuple[str, ...], str] = {
    (): "none",
    ("height",): "height",
    ("weight",): "weight",
    ("height", "weight"): "height and weight",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The network's form.

    Parameters
    ----------
    trunk
        Name of the convolutional trunk, ``"resnet50"``.
    widen_factor
        Its width; 1 is the published one.
    """

    trunk: str
    widen_factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """On what, where and how long it was trained.

    Parameters
    ----------
    data
        The films, in a sentence a reader understands.
    machine
        Processor or accelerator.
    films, patients
        Numbers in the training part alone.
    epochs, seed
        Of the run.
    manifest_sha256, split_sha256
        Of the files that say which film was used for what.
    """

    data: str
    machine: str
    films: int
    patients: int
    epochs: int
    seed: int
    manifest_sha256: str
    split_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Linear recalibration of the network's Z: ``Z = intercept + slope * raw``.

    `films` and `patients` are numbers of those that it was fitted on, none of which the network
    learnt from; 0 where there was no calibration, and slope 1 and intercept 0 then. `origin` says
    whose they were: the training data's own, or a site's.
    """

    slope: float
    intercept: float
    films: int
    patients: int
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Split-conformal prediction interval on the calibrated Z.

    Parameters
    ----------
    level
        Coverage on the calibration part, such as 0.9.
    half_width_z
        Half width in reference SDs, by pattern of missing variables (`MISSING_PATTERNS`).
    statement
        Coverage and origin, as reports print them.
    quantile_levels, error_quantiles_z
        Quantiles of the true Z minus the estimated one, by the same patterns: they make the
        predictive distribution. Empty in a card of schema 1.
    """

    level: float
    half_width_z: Mapping[str, float]
    statement: str
    quantile_levels: tuple[float, ...] = ()
    error_quantiles_z: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probability:
    """Platt scaling: ``P(true Z <= -2.0) = 1 / (1 + exp(-(intercept + slope * Z)))``.

    Parameters
    ----------
    slope, intercept
        Of the calibrated Z; the slope is below 0.
    prevalence
        Share of low ones among the children that it was fitted on: P is worth something where
        theirs is like it.
    films, patients
        Their numbers.
    local
        Whether they were the site's own.
    """

    slope: float
    intercept: float
    prevalence: float
    films: int
    patients: int
    local: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of children with its 95 % bounds (Wilson), and how many it is of."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision threshold on the estimate, and what is to be expected of it.

    Parameters
    ----------
    threshold_z
        At or below it, rounded to one decimal, an estimate is flagged.
    definition_z
        -2.0 on the measured Z; what the threshold is judged by.
    target, target_value
        ``"sensitivity"`` or ``"specificity"``, and the least that was asked for, 0 to 1.
    sensitivity, specificity
        At the threshold, among the children that it was chosen on.
    prevalence
        Of the site that it is for, 0 to 1.
    expected_ppv, expected_flags_per_1000
        At prevalences written as ``"0.05"``, the site's own among them.
    films, patients, low_patients
        Numbers of those that it was chosen on.
    reference
        Label of the BMD reference that it holds for.
    missing
        The pattern of missing variables that it was chosen for (`MISSING_PATTERNS`).
    """

    threshold_z: float
    definition_z: float
    target: str
    target_value: float
    sensitivity: Share
    specificity: Share
    prevalence: float
    expected_ppv: Mapping[str, float]
    expected_flags_per_1000: Mapping[str, float]
    films: int
    patients: int
    low_patients: int
    reference: str
    missing: str

    @property
    def chosen_for(self) -> str:
        """What it was chosen for, as reports print it."""
        return f"{100 * self.target_value:g} % {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One way in which a film shows that it must not be estimated.

    Parameters
    ----------
    reason
        Its code, of `domain.screening.NotScoredReason`.
    statistic
        What is compared, in words; how it is computed, `predictor.gates` says.
    limit
        A film above it is not estimated.
    false_rejection
        Share of films that should be estimated and are turned away, on films that it was not
        learnt from.
    detected
        Share of films that should be turned away and are, by kind; likewise.
    proven_on_patients
        Whether it has seen films of patients that it should turn away, twenty or more.
    """

    reason: str
    statistic: str
    limit: float
    false_rejection: Share
    detected: Mapping[str, Share]
    proven_on_patients: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionFacts:
    """How the attention maps of a predictor stand to the spine.

    Parameters
    ----------
    least_ratio
        Of the attention's share on the spine to the spine's share of the input field: below it no
        map is shown.
    median_ratio, shown
        On films that neither the network nor the finder learnt from: the median of the ratio, and
        the share of films with a map. By the true spine where that is known.
    films
        Their number.
    """

    least_ratio: float
    median_ratio: float
    shown: float
    films: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapleyBaseline:
    """The child that contributions are counted from: no film seen, height and weight unknown.

    Parameters
    ----------
    age_years, male_share
        Means of the training part.
    z
        What the predictor estimates there.
    """

    age_years: float
    male_share: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveFacts:
    """L, M (g/cm2) and S of one sex by age."""

    age_years: tuple[float, ...]
    l: tuple[float, ...]  # noqa: E741 - the field's own letter
    m: tuple[float, ...]
    s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFacts:
    """The BMD reference that the training's Z came from, whole: Z means nothing without it.

    `checksum` is that of the file it was read from; `curves` by sex, M and F.
    """

    name: str
    version: str
    device: str
    region: str
    source: str
    synthetic: bool
    checksum: str
    curves: Mapping[str, CurveFacts]

    @property
    def label(self) -> str:
        """Name and version, as printed beside a Z."""
        return f"{self.name} {self.version}"

    @classmethod
    def of(cls, reference: BmdReference) -> ReferenceFacts:
        """Return the facts of a reference."""
        return cls(
            name=reference.name,
            version=reference.version,
            device=reference.device,
            region=reference.region,
            source=reference.source,
            synthetic=reference.synthetic,
            checksum=reference.checksum,
            curves={
                sex.value: CurveFacts(
                    age_years=tuple(curve.ages_years),
                    l=tuple(curve.l),
                    m=tuple(curve.m),
                    s=tuple(curve.s),
                )
                for sex, curve in reference.table.curves.items()
            },
        )

    def reference(self) -> BmdReference:
        """Return the reference."""
        curves = {
            Sex(sex): LmsCurve(ages_years=curve.age_years, l=curve.l, m=curve.m, s=curve.s)
            for sex, curve in self.curves.items()
        }
        return BmdReference(
            name=self.name,
            version=self.version,
            device=self.device,
            region=self.region,
            source=self.source,
            table=LmsTable(curves=curves),
            synthetic=self.synthetic,
            checksum=self.checksum,
        )
