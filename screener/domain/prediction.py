"""What a predictor says of one film: numbers with their interval, and no opinion."""

from __future__ import annotations

from dataclasses import dataclass


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
        Where in the film the estimate comes from; None where it is not computed.
    input_digest
        SHA-256 of what the network was given: the same digest must give the same numbers.
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

    def __post_init__(self) -> None:
        """Refuse an estimate outside its own interval, or not above 0."""
        if not 0 < self.abmd_low_g_cm2 <= self.abmd_g_cm2 <= self.abmd_high_g_cm2:
            raise ValueError("an aBMD must lie above 0 and inside its interval")
