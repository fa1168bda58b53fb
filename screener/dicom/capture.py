"""A picture of a finding as a Secondary Capture image.

Source: PS3.3 A.8.1, C.8.6.1 (SC Equipment), C.8.6.2 (SC Image), C.7.6.1 (General Image).
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
from highdicom.sc import SCImage
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from screener.dicom import codes
from screener.dicom.character_sets import UTF_8
from screener.dicom.dataset import open_instance
from screener.dicom.result import (
    MANUFACTURER,
    film_part,
    finish,
    object_uid,
    series_uid,
    sop_reference,
    study_uid,
)
from screener.dicom.source import copy_source, describe_body_part
from screener.dicom.uids import DEVICE_MODEL
from screener.domain import wording
from screener.domain.catalogue import ENGLISH
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid
from screener.domain.report import (
    DEFAULT_FORM,
    NotScoredFilm,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
    ScoredFilm,
    film_variant,
)

_DERIVATIONS = {
    ResultKind.OVERLAY: (
        codes.OVERLAY_DERIVATION,
        "Film with the network's class activation as a colour wash. Not DXA. Research use only.",
    ),
    ResultKind.CARD: (
        codes.CARD_DERIVATION,
        "Result card of an AI estimate with the film it comes from. Not DXA. Research use only.",
    ),
}
_LOSSY = "01"


def build_capture(
    content: ReportContent,
    kind: ResultKind,
    rgb: npt.NDArray[np.uint8],
    source: bytes,
    form: ResultForm = DEFAULT_FORM,
) -> ResultObject:
    """Write a picture as a Secondary Capture of the study.

    Parameters
    ----------
    content
        The finding. The same content, kind, film and pixels give the same bytes.
    kind
        OVERLAY or CARD.
    rgb
        ``[height, width, 3]`` uint8.
    source
        Part 10 bytes of the film shown: one that `content` names.
    form
        Modality and series number.

    Raises
    ------
    UnreadableInstance
        The film cannot be read.
    ValueError
        `kind` is not a picture's, or `content` does not name the film.
    """
    if kind not in _DERIVATIONS:
        raise ValueError(f"{kind.value} is not a picture")
    film, original = _film(content, source)
    film_uid = str(film.header.sop_instance_uid)
    overlay = kind is ResultKind.OVERLAY
    look = form.look(kind)
    series = series_uid(content, kind, look)
    capture = SCImage(
        pixel_array=rgb,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=study_uid(content),
        series_instance_uid=series,
        series_number=form.series_number(kind),
        sop_instance_uid=object_uid(content, kind, film_part(film_uid, look) if overlay else look),
        instance_number=_number(content, film) if overlay else 1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=DEVICE_MODEL,
        # highdicom wants some orientation; the true one, or none, is set below
        patient_orientation=("L", "F"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set=UTF_8,
    )
    capture.Modality = form.capture_modality.value
    _describe(capture, original, kind)
    if content.films:
        said = wording.threshold_in_short(ENGLISH, content.finding)
        capture.DerivationDescription += f" Decision threshold {said}."
    capture.SourceImageSequence = [_source_image(capture, original, kind)]
    return ResultObject(
        kind=kind,
        variant=film_variant(film.screening_id, look) if overlay else look,
        look=look,
        sop_class_uid=str(capture.SOPClassUID),
        sop_instance_uid=SopInstanceUid(capture.SOPInstanceUID),
        series_instance_uid=SeriesInstanceUid(series),
        encoded=finish(capture, original, content, kind),
    )


def read_capture(encoded: bytes) -> npt.NDArray[np.uint8]:
    """Return the picture of a capture that `build_capture` made: ``[height, width, 3]`` uint8."""
    picture: npt.NDArray[np.uint8] = dcmread(BytesIO(encoded)).pixel_array
    return picture


def _film(content: ReportContent, source: bytes) -> tuple[ScoredFilm | NotScoredFilm, Dataset]:
    dataset = open_instance(source).dataset
    shown = dataset.get("SOPInstanceUID")
    for film in content.named_films:
        if str(film.header.sop_instance_uid) == shown:
            return film, copy_source(dataset, film.header)
    raise ValueError("the film shown is none of the study's")


def _number(content: ReportContent, film: ScoredFilm | NotScoredFilm) -> int:
    films = sorted(f.screening_id for f in content.named_films)
    return films.index(film.screening_id) + 1


def _describe(capture: Dataset, original: Dataset, kind: ResultKind) -> None:
    """Set what highdicom leaves out, or fixes to another value."""
    code, text = _DERIVATIONS[kind]
    capture.ConversionType = "WSD"
    capture.DerivationDescription = text
    capture.DerivationCodeSequence = [codes.code_item(code)]
    # ours identifies nobody; the film may have its patient's name burned in
    capture.BurnedInAnnotation = "NO" if original.get("BurnedInAnnotation") == "NO" else "YES"
    capture.RecognizableVisualFeatures = "NO"
    orientation = original.get("PatientOrientation") if kind is ResultKind.OVERLAY else None
    capture.PatientOrientation = orientation or None
    describe_body_part(capture, original)
    if _keeps_grid(capture, original, kind) and "PixelSpacing" in original:
        capture.add(original["PixelSpacing"])
    if "QualityControlImage" in original:
        capture.add(original["QualityControlImage"])
    if original.get("LossyImageCompression") == _LOSSY:
        for keyword in (
            "LossyImageCompression",
            "LossyImageCompressionRatio",
            "LossyImageCompressionMethod",
        ):
            if keyword in original:
                capture.add(original[keyword])


def _source_image(capture: Dataset, original: Dataset, kind: ResultKind) -> Dataset:
    item = sop_reference(original.SOPClassUID, original.SOPInstanceUID)
    item.SpatialLocationsPreserved = "YES" if _keeps_grid(capture, original, kind) else "NO"
    item.PurposeOfReferenceCodeSequence = [codes.code_item(codes.SOURCE_IMAGE)]
    return item


def _keeps_grid(capture: Dataset, original: Dataset, kind: ResultKind) -> bool:
    """Return whether a pixel of the film has the same row and column in the capture.

    An overlay has its caption below the film, so it may have more rows.
    """
    return (
        kind is ResultKind.OVERLAY
        and capture.Columns == original.get("Columns")
        and capture.Rows >= original.get("Rows", capture.Rows + 1)
    )
