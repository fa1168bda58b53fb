"""The model card: the written facts of a predictor, checked when read. No torch here.

A predictor is a folder of four files:

    card.json             what it is, for whom, from what, how good; the checksums of the others
    weights.safetensors   the network
    gates.safetensors     what tells films that it must not estimate; not in a folder without gates
    SHA256SUMS            of all, so that `sha256sum --check SHA256SUMS` finds a changed byte
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from screener.domain.errors import PredictorMismatch
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.prediction import PredictorIdentity
from screener.domain.reference import BmdReference
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.strict_json import read_as

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"
GATES_FILE = "gates.safetensors"
SUMS_FILE = "SHA256SUMS"

#: The form of the card that this software writes, and those that it reads. A card of schema 1 has
#: no threshold, no probability, no distribution and no gates.
CARD_SCHEMA = 2
_READABLE_SCHEMAS = (1, 2)

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
        Whether it has seen any film of a patient that it should turn away.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorCard:
    """The written facts of a predictor.

    Parameters
    ----------
    schema
        `CARD_SCHEMA`.
    name, version
        Of the predictor.
    synthetic
        Trained on synthetic children: scores no real film, and no clinical weights.
    intended_use, decision_notes
        For people to read.
    training
        What it was trained on.
    architecture, size_px, preparation_version
        The network's form, the side of its input, and the preparation of the films it knows.
    age_years
        From the first up to, and without, the second.
    trained_ranges
        Lowest and highest value in the training part, by name with unit.
    reference, calibration, interval, baseline
        What turns the network's output into an estimate.
    metrics
        By name; on which films, `decision_notes` says.
    weights_sha256, gates_sha256
        Of the files, hexadecimal.
    probability, decision
        None where too few low children were at hand, or before `screener calibrate`.
    gates, attention
        What the gates file does; nothing without one.
    created
        Date, ISO 8601.
    """

    schema: int
    name: str
    version: str
    synthetic: bool
    intended_use: str
    decision_notes: str
    created: str
    training: TrainingFacts
    architecture: Architecture
    size_px: int
    preparation_version: int
    age_years: tuple[float, float]
    trained_ranges: Mapping[str, tuple[float, float]]
    reference: ReferenceFacts
    calibration: Calibration
    interval: Interval
    baseline: ShapleyBaseline
    metrics: Mapping[str, float]
    weights_sha256: str
    gates_sha256: str | None = None
    probability: Probability | None = None
    decision: Decision | None = None
    gates: tuple[Gate, ...] = ()
    attention: AttentionFacts | None = None

    def __post_init__(self) -> None:
        """Refuse a card whose values cannot be true, or that this software does not read."""
        if self.schema not in _READABLE_SCHEMAS:
            raise PredictorMismatch(
                f"the card has schema {self.schema}; this software reads schemas "
                + " and ".join(map(str, _READABLE_SCHEMAS))
            )
        widths = self.interval.half_width_z
        if set(widths) != set(MISSING_PATTERNS.values()) or min(widths.values()) <= 0:
            raise PredictorMismatch(
                "interval.half_width_z needs a width above 0 for each of: "
                + ", ".join(MISSING_PATTERNS.values())
            )
        if not 0 < self.interval.level < 1:
            raise PredictorMismatch("interval.level must lie between 0 and 1")
        self._check_quantiles()
        if self.probability is not None and self.probability.slope >= 0:
            raise PredictorMismatch("probability.slope must be below 0: a low Z is more likely low")
        if self.decision is not None and self.decision.definition_z != DEFINITION_Z:
            raise PredictorMismatch(f"decision.definition_z must be {DEFINITION_Z}")
        if bool(self.gates) and self.gates_sha256 is None:
            raise PredictorMismatch("gates need gates_sha256")
        if not 0 <= self.age_years[0] < self.age_years[1]:
            raise PredictorMismatch("age_years must rise")
        if self.calibration.slope <= 0:
            raise PredictorMismatch("calibration.slope must be above 0")
        if self.reference.synthetic and not self.synthetic:
            raise PredictorMismatch("a predictor with a synthetic reference is synthetic")
        try:
            self.reference.reference()
        except ValueError as error:
            raise PredictorMismatch(f"reference: {error}") from error

    def _check_quantiles(self) -> None:
        levels, errors = self.interval.quantile_levels, self.interval.error_quantiles_z
        if not levels and not errors:
            return
        rising = all(b > a for a, b in itertools.pairwise(levels))
        if not rising or len(levels) < 2 or levels[0] <= 0 or levels[-1] >= 1:  # noqa: PLR2004
            raise PredictorMismatch("interval.quantile_levels must rise between 0 and 1")
        for pattern in MISSING_PATTERNS.values():
            values = errors.get(pattern, ())
            if len(values) != len(levels) or any(b < a for a, b in itertools.pairwise(values)):
                raise PredictorMismatch(
                    f"interval.error_quantiles_z needs a rising value per level for {pattern!r}"
                )

    @property
    def label(self) -> str:
        """Name and version, and "synthetic" where that is true."""
        return f"{self.name} {self.version}" + (" (synthetic)" if self.synthetic else "")

    def half_width_z(self, clinical: ClinicalVariables) -> float:
        """Return the interval's half width for what is known of a child, in reference SDs."""
        return self.interval.half_width_z[MISSING_PATTERNS[clinical.missing]]

    def check_age(self, age_years: float) -> None:
        """Raise `PredictorMismatch` for an age that the predictor was not made for."""
        low, high = self.age_years
        if not low <= age_years < high:
            raise PredictorMismatch(
                f"predictor {self.label} is for {low:g} to under {high:g} years; "
                "the age lies outside"
            )


def load_card(folder: Path) -> PredictorCard:
    """Read the card of a predictor's folder, without reading its weights.

    Raises
    ------
    PredictorMismatch
        A file is missing, the card is not as it was written, or it is no card; says what to do.
    """
    content = _read(folder, CARD_FILE)
    sums = _sums(folder)
    if sums.get(CARD_FILE) != hashlib.sha256(content).hexdigest():
        raise PredictorMismatch(
            f"{folder / CARD_FILE} is not as it was written ({SUMS_FILE} says otherwise): "
            "install the predictor again"
        )
    if not (folder / WEIGHTS_FILE).is_file():
        raise PredictorMismatch(f"{folder / WEIGHTS_FILE} is missing: install the predictor again")
    card = parse_card(content)
    for name, checksum in ((WEIGHTS_FILE, card.weights_sha256), (GATES_FILE, card.gates_sha256)):
        if sums.get(name) != checksum:
            raise PredictorMismatch(
                f"the card in {folder} belongs to another {name}: install the predictor again"
            )
    return card


def load_identity(folder: Path) -> PredictorIdentity:
    """Return which predictor a folder holds; its checksum covers card and, through it, weights."""
    card = load_card(folder)
    return PredictorIdentity(
        name=card.name,
        version=card.version,
        checksum=hashlib.sha256(_read(folder, CARD_FILE)).hexdigest(),
        synthetic=card.synthetic,
    )


def verify_weights(folder: Path, card: PredictorCard) -> bytes:
    """Return the weights' bytes, or raise `PredictorMismatch` where one of them has changed."""
    return _verified(folder, WEIGHTS_FILE, card.weights_sha256)


def verify_gates(folder: Path, card: PredictorCard) -> bytes | None:
    """Return the bytes of the gates, None without any, or raise `PredictorMismatch` likewise."""
    if card.gates_sha256 is None:
        return None
    return _verified(folder, GATES_FILE, card.gates_sha256)


def _verified(folder: Path, name: str, checksum: str) -> bytes:
    content = _read(folder, name)
    if hashlib.sha256(content).hexdigest() != checksum:
        raise PredictorMismatch(
            f"{folder / name} is not what its card was written for: install the predictor again"
        )
    return content


def write_card(folder: Path, card: PredictorCard) -> None:
    """Write the card, and the checksums of all files, beside the weights."""
    content = (
        json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    ).encode()
    parse_card(content)
    (folder / CARD_FILE).write_bytes(content)
    sums = {CARD_FILE: hashlib.sha256(content).hexdigest(), WEIGHTS_FILE: card.weights_sha256}
    if card.gates_sha256 is not None:
        sums[GATES_FILE] = card.gates_sha256
    (folder / SUMS_FILE).write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))


def parse_card(content: bytes) -> PredictorCard:
    """Read a card from JSON, or raise `PredictorMismatch` that names the wrong field."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise PredictorMismatch(f"the card is not JSON: {error}") from error
    return read_as(PredictorCard, document, "card")


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise PredictorMismatch(
            f"{folder / name} cannot be read ({error.strerror}): "
            f"a predictor is a folder with {CARD_FILE}, {WEIGHTS_FILE} and {SUMS_FILE}"
        ) from error


def _sums(folder: Path) -> dict[str, str]:
    lines = _read(folder, SUMS_FILE).decode(errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
