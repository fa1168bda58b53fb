"""A received instance: what we read of its header."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date

from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid, StudyInstanceUid

#: What may differ between two encodings of the same film.
_ENCODING_FIELDS = frozenset({"transfer_syntax_uid", "forgiven"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose film it is, as the header says; empty texts are None.

    Only the equality of these values is ever decided upon. They stay out of logs.
    """

    patient_id: str | None
    issuer: str | None
    birth_date: date | None
    sex: str | None
    accession_number: str | None

    def __repr__(self) -> str:
        return "<Identity>"

    @property
    def child(self) -> tuple[str, str, date, str] | None:
        """The key that joins a child's studies, or None where any part of it is missing.

        A missing issuer counts as one of its own: within one site it usually is.
        """
        if self.patient_id and self.birth_date and self.sex:
            return self.patient_id, self.issuer or "", self.birth_date, self.sex
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelFacts:
    """The image pixel module without the pixels.

    Parameters
    ----------
    rows, columns, frames, samples_per_pixel, bits_stored
        Counts; 0 where the header does not say.
    photometric_interpretation
        Such as ``MONOCHROME2``; empty where the header does not say.
    spacing_mm
        Detector spacing, row then column, from Imager Pixel Spacing or Pixel Spacing.
    lossy
        (0028,2110) is 01.
    present
        Whether the data set has a Pixel Data element at all.
    grey_digest
        Of what turns stored values into grey: modality and VOI LUT, polarity, padding.
    """

    rows: int
    columns: int
    frames: int
    samples_per_pixel: int
    bits_stored: int
    photometric_interpretation: str
    spacing_mm: tuple[float, float] | None
    lossy: bool
    present: bool
    grey_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceHeader:
    """What we read of an instance's data set. Texts are stripped; empty ones are None.

    `forgiven` names the attributes that broke the standard and were read all the same, or left
    out; it never holds their values.
    """

    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    study_instance_uid: StudyInstanceUid
    series_instance_uid: SeriesInstanceUid | None
    transfer_syntax_uid: str

    identity: Identity
    patient_age: str | None
    patient_size: float | None
    patient_weight: float | None

    modality: str | None
    image_type: tuple[str, ...]
    presentation_intent: str | None
    body_part: str | None
    anatomic_region_codes: tuple[str, ...]
    view_position: str | None
    view_codes: tuple[str, ...]
    descriptions: tuple[str, ...]
    acquired_on: date | None
    acquired_on_source: str | None
    quality_control_image: bool
    manufacturer: str | None
    device_model: str | None
    made_by_screener: bool

    pixels: PixelFacts
    forgiven: tuple[str, ...] = ()

    def digest(self) -> str:
        """Return a digest of the attributes that we use, equal for every encoding of a film.

        Two instances with the same SOP Instance UID, pixels and digest are the same film to us.
        """
        fields = {k: v for k, v in asdict(self).items() if k not in _ENCODING_FIELDS}
        # polarity is the film's; a colour space belongs to the codestream, which may transform it
        photometric = fields["pixels"].pop("photometric_interpretation")
        fields["pixels"]["bright_is_low"] = photometric == "MONOCHROME1"
        text = json.dumps(fields, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
