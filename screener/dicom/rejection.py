"""Rejection notes: Key Object Selection Documents that take instances out of use, ours and others'.

Source: PS3.3 A.35.4, C.17.6; PS3.16 TID 2010, CID 7010; IHE Radiology, Imaging Object Change
Management (IOCM).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from highdicom import SOPClass
from highdicom.sr import (
    CodedConcept,
    CompositeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    LanguageOfContentItemAndDescendants,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, KeyObjectSelectionDocumentStorage

from screener.dicom import codes
from screener.dicom.dataset import LIBRARY_ERRORS, open_instance, quiet
from screener.dicom.report_tree import device_observer, is_image
from screener.dicom.result import (
    MANUFACTURER,
    finish,
    sop_reference,
    study_uid,
)
from screener.dicom.source import copy_source
from screener.dicom.uids import DEVICE_MODEL, own_uid
from screener.domain import wording
from screener.domain.errors import UnreadableInstance
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid
from screener.domain.rejection import NoteTitle, RejectionNote
from screener.domain.report import (
    DEFAULT_FORM,
    ObjectReference,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
)

KEY_OBJECT_SELECTION = str(KeyObjectSelectionDocumentStorage)

_CONTAINS = RelationshipTypeValues.CONTAINS
#: Deeper trees, and more references, are no note that an archive writes.
_DEEPEST, _MOST_INSTANCES = 8, 20_000


def build_rejection_note(
    content: ReportContent,
    archive: str,
    rejected: Sequence[ObjectReference],
    source: bytes,
    form: ResultForm = DEFAULT_FORM,
) -> ResultObject:
    """Write the note that takes a study's withdrawn or replaced objects out of an archive's use.

    Parameters
    ----------
    content
        Of the withdrawing or replacing report: what the note is made with. The same content,
        archive, objects and source give the same bytes.
    archive
        Our name of the archive that gets the note.
    rejected
        Our objects of the study that the archive has, one or more.
    source
        Part 10 bytes of a film of the study: whose patient it is.
    form
        Series number.

    Raises
    ------
    UnreadableInstance
        The film cannot be read.
    ValueError
        Nothing is rejected.
    """
    if not rejected:
        raise ValueError("a rejection note names an object at least")
    objects = sorted(rejected, key=lambda o: (o.series_instance_uid, o.sop_instance_uid))
    parts = (
        study_uid(content),
        content.finding.digest(),
        str(content.revision),
        ResultKind.REJECTION_NOTE.value,
        archive,
        *(str(o.sop_instance_uid) for o in objects),
    )
    series = own_uid("series", *parts)
    note = SOPClass(
        study_instance_uid=study_uid(content),
        series_instance_uid=series,
        series_number=form.series_number(ResultKind.REJECTION_NOTE),
        sop_instance_uid=own_uid("object", *parts),
        sop_class_uid=KEY_OBJECT_SELECTION,
        instance_number=1,
        modality="KO",
        manufacturer=MANUFACTURER,
        manufacturer_model_name=DEVICE_MODEL,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    note.ReferencedPerformedProcedureStepSequence = []
    note.CurrentRequestedProcedureEvidenceSequence = [_evidence(content, objects)]
    note.update(_tree(content, objects))
    return ResultObject(
        kind=ResultKind.REJECTION_NOTE,
        variant=archive,
        look=form.look(ResultKind.REJECTION_NOTE),
        sop_class_uid=KEY_OBJECT_SELECTION,
        sop_instance_uid=SopInstanceUid(note.SOPInstanceUID),
        series_instance_uid=SeriesInstanceUid(series),
        encoded=finish(note, _patient(content, source), content, ResultKind.REJECTION_NOTE),
    )


def read_rejection_note(data: bytes | Path) -> RejectionNote | None:
    """Return the rejection note that an instance is, or None where it is none, or cannot be read.

    Parameters
    ----------
    data
        A Part 10 file, as bytes or where it lies.

    Returns
    -------
    RejectionNote or None
        With what its content tree names; with what its evidence lists where the tree names nothing.
        UIDs that are none are left out. A note that names nothing is None.

    Raises
    ------
    FileUnavailable
        The disk does not give the file now.
    """
    try:
        dataset = open_instance(data).dataset
        with quiet():
            title = _title(dataset)
            if title is None:
                return None
            named = list(_named_in_tree(dataset)) or list(_named_in_evidence(dataset))
    except UnreadableInstance:
        return None
    except LIBRARY_ERRORS:
        return None
    if not named or len(named) > _MOST_INSTANCES:
        return None
    return RejectionNote(title=title, instances=tuple(dict.fromkeys(named)))


def _patient(content: ReportContent, source: bytes) -> Dataset:
    dataset = open_instance(source).dataset
    shown = dataset.get("SOPInstanceUID")
    for film in content.named_films:
        if str(film.header.sop_instance_uid) == shown:
            return copy_source(dataset, film.header)
    raise ValueError("the film is none of the study's")


def _tree(content: ReportContent, objects: Sequence[ObjectReference]) -> ContainerContentItem:
    root = ContainerContentItem(
        name=codes.REJECTED_FOR_PATIENT_SAFETY,
        template_id="2010",
        is_content_continuous=False,
    )
    root.ContentSequence = ContentSequence()
    items = root.ContentSequence
    items.extend(
        LanguageOfContentItemAndDescendants(
            CodedConcept.from_code(codes.LANGUAGES[content.language])
        )
    )
    items.extend(device_observer())
    items.append(
        TextContentItem(
            name=codes.KEY_OBJECT_DESCRIPTION,
            value=wording.rejection(content),
            relationship_type=_CONTAINS,
        )
    )
    items.extend(_reference(named) for named in objects)
    for item in items:
        # highdicom wants a name; TID 2010 rows 7 and 8 forbid one
        if "ReferencedSOPSequence" in item:
            del item.ConceptNameCodeSequence
    return root


def _reference(named: ObjectReference) -> ContentItem:
    kind = ImageContentItem if is_image(named.sop_class_uid) else CompositeContentItem
    return kind(
        name=codes.SOURCE,
        referenced_sop_class_uid=named.sop_class_uid,
        referenced_sop_instance_uid=str(named.sop_instance_uid),
        relationship_type=_CONTAINS,
    )


def _evidence(content: ReportContent, objects: Sequence[ObjectReference]) -> Dataset:
    by_series: dict[str, list[Dataset]] = defaultdict(list)
    for named in objects:
        by_series[str(named.series_instance_uid)].append(
            sop_reference(named.sop_class_uid, named.sop_instance_uid)
        )
    study = Dataset()
    study.StudyInstanceUID = study_uid(content)
    study.ReferencedSeriesSequence = []
    for uid, references in by_series.items():
        item = Dataset()
        item.SeriesInstanceUID = uid
        item.ReferencedSOPSequence = references
        study.ReferencedSeriesSequence.append(item)
    return study


def _title(dataset: Dataset) -> NoteTitle | None:
    if str(dataset.get("SOPClassUID") or "") != KEY_OBJECT_SELECTION:
        return None
    for code in dataset.get("ConceptNameCodeSequence") or ():
        scheme, value = code.get("CodingSchemeDesignator"), str(code.get("CodeValue") or "").strip()
        if scheme == "DCM" and value in set(NoteTitle):
            return NoteTitle(value)
    return None


def _named_in_tree(item: Dataset, depth: int = 0) -> Iterator[SopInstanceUid]:
    for child in item.get("ContentSequence") or ():
        yield from _references(child)
        if depth < _DEEPEST:
            yield from _named_in_tree(child, depth + 1)


def _named_in_evidence(dataset: Dataset) -> Iterator[SopInstanceUid]:
    for study in dataset.get("CurrentRequestedProcedureEvidenceSequence") or ():
        for series in study.get("ReferencedSeriesSequence") or ():
            yield from _references(series)


def _references(item: Dataset) -> Iterator[SopInstanceUid]:
    for reference in item.get("ReferencedSOPSequence") or ():
        try:
            yield SopInstanceUid(str(reference.get("ReferencedSOPInstanceUID") or "").strip())
        except ValueError:
            continue  # what is no UID names nothing
