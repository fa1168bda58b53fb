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
from dataclasses import dataclass
from pathlib import Path

from screener.domain.errors import PredictorMismatch
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import PredictorIdentity
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.facts import (
    MISSING_PATTERNS,
    Architecture,
    AttentionFacts,
    Calibration,
    Decision,
    Gate,
    Interval,
    Probability,
    ReferenceFacts,
    ShapleyBaseline,
    TrainingFacts,
)
from screener.predictor.strict_json import read_as

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"
GATES_FILE = "gates.safetensors"
SUMS_FILE = "SHA256SUMS"

#: The form of the card that this software writes, and those that it reads. A card of schema 1 has
#: no threshold, no probability, no distribution and no gates.
CARD_SCHEMA = 2
_READABLE_SCHEMAS = (1, 2)


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
