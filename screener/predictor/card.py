"""The model card: the written facts of a predictor, checked when read. No torch here.

A predictor is a folder of three files:

    card.json             what it is, for whom, from what, how good; the weights' checksum
    weights.safetensors   the network
    SHA256SUMS            of both, so that `sha256sum --check SHA256SUMS` finds a changed byte
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from screener.domain.errors import PredictorMismatch
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.prediction import PredictorIdentity
from screener.domain.reference import BmdReference
from screener.predictor.strict_json import read_as

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"
SUMS_FILE = "SHA256SUMS"

#: The form of the card that this software reads.
CARD_SCHEMA = 1

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

    `films` and `patients` are numbers in the calibration part, none of which is in the training
    part; 0 where there was no calibration, and slope 1 and intercept 0 then.
    """

    slope: float
    intercept: float
    films: int
    patients: int


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
    """

    level: float
    half_width_z: Mapping[str, float]
    statement: str


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
    weights_sha256
        Of the weights file, hexadecimal.
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

    def __post_init__(self) -> None:
        """Refuse a card whose values cannot be true, or that this software does not read."""
        if self.schema != CARD_SCHEMA:
            raise PredictorMismatch(
                f"the card has schema {self.schema}; this software reads schema {CARD_SCHEMA}"
            )
        widths = self.interval.half_width_z
        if set(widths) != set(MISSING_PATTERNS.values()) or min(widths.values()) <= 0:
            raise PredictorMismatch(
                "interval.half_width_z needs a width above 0 for each of: "
                + ", ".join(MISSING_PATTERNS.values())
            )
        if not 0 < self.interval.level < 1:
            raise PredictorMismatch("interval.level must lie between 0 and 1")
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
    if sums.get(WEIGHTS_FILE) != card.weights_sha256:
        raise PredictorMismatch(
            f"the card in {folder} belongs to other weights: install the predictor again"
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
    content = _read(folder, WEIGHTS_FILE)
    if hashlib.sha256(content).hexdigest() != card.weights_sha256:
        raise PredictorMismatch(
            f"{folder / WEIGHTS_FILE} is not what its card was written for: "
            "install the predictor again"
        )
    return content


def write_card(folder: Path, card: PredictorCard) -> None:
    """Write the card, and the checksums of card and weights, beside the weights."""
    content = (
        json.dumps(dataclasses.asdict(card), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    ).encode()
    parse_card(content)
    (folder / CARD_FILE).write_bytes(content)
    sums = {CARD_FILE: hashlib.sha256(content).hexdigest(), WEIGHTS_FILE: card.weights_sha256}
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
