"""The result card as a PDF inside a DICOM instance, for archives whose viewers print documents.

Source: PS3.3 A.45.1 (Encapsulated PDF IOD), C.24.1 and C.24.2 (Encapsulated Document Series and
Document), C.8.6.1 (SC Equipment).
"""

from __future__ import annotations

from highdicom import SOPClass
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from screener.dicom import codes
from screener.dicom.result import (
    MANUFACTURER,
    finish,
    object_uid,
    series_description,
    series_uid,
    sop_reference,
    study_uid,
)
from screener.dicom.source import open_named_film
from screener.dicom.uids import DEVICE_MODEL
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid
from screener.domain.report import (
    DEFAULT_FORM,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
)

_MIME_TYPE = "application/pdf"
_PDF_MAGIC = b"%PDF-"


def build_document(
    content: ReportContent, pdf: bytes, source: bytes, form: ResultForm = DEFAULT_FORM
) -> ResultObject:
    """Write a PDF as an instance of the study.

    Parameters
    ----------
    content
        The finding. The same content, PDF and film give the same bytes.
    pdf
        The result card as `imaging.pdf.card_pdf` prints it. No identity.
    source
        Part 10 bytes of the film on the card: one that `content` names.
    form
        Series number.

    Raises
    ------
    UnreadableInstance
        The film cannot be read.
    ValueError
        `pdf` is none, or `content` does not name the film.
    """
    if not pdf.startswith(_PDF_MAGIC):
        raise ValueError("the document is no PDF")
    original = open_named_film(content, source).copy
    kind = ResultKind.DOCUMENT
    look = form.look(kind)
    series, uid = series_uid(content, kind, look), object_uid(content, kind, look)
    document = SOPClass(
        study_instance_uid=study_uid(content),
        series_instance_uid=series,
        series_number=form.series_number(kind),
        sop_instance_uid=uid,
        sop_class_uid=EncapsulatedPDFStorage,
        instance_number=1,
        modality="DOC",
        manufacturer=MANUFACTURER,
        manufacturer_model_name=DEVICE_MODEL,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    document.ConversionType = "WSD"
    document.DocumentTitle = series_description(content, kind)
    document.ConceptNameCodeSequence = [codes.code_item(codes.MEASUREMENT_REPORT)]
    document.VerificationFlag = "UNVERIFIED"
    document.AcquisitionDateTime = None
    # ours identifies nobody; the film on the card may have its patient's name burned in
    document.BurnedInAnnotation = "NO" if original.get("BurnedInAnnotation") == "NO" else "YES"
    document.RecognizableVisualFeatures = "NO"
    document.SourceInstanceSequence = _sources(content)
    document.MIMETypeOfEncapsulatedDocument = _MIME_TYPE
    document.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    document.EncapsulatedDocumentLength = len(pdf)
    return ResultObject(
        kind=kind,
        variant=look,
        look=look,
        sop_class_uid=str(document.SOPClassUID),
        sop_instance_uid=SopInstanceUid(uid),
        series_instance_uid=SeriesInstanceUid(series),
        encoded=finish(document, original, content, kind),
    )


def _sources(content: ReportContent) -> list[Dataset]:
    """Return the films that the document rests on; where none is scored, those it speaks about."""
    return [
        sop_reference(film.header.sop_class_uid, film.header.sop_instance_uid)
        for film in content.films or content.not_scored
    ]
