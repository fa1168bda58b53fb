"""A finding as a structured report: TID 1500 with one planar region of interest for each film.

The same tree is written as Comprehensive 3D, Comprehensive or Enhanced SR: it has neither 3D
coordinates nor references between its items.

Source: PS3.16 TID 1500; PS3.3 A.35, C.17.2 (SR Document General Module).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from highdicom import SOPClass
from pydicom.dataset import Dataset
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
)

from screener.dicom.dataset import open_instance
from screener.dicom.report_tree import content_tree
from screener.dicom.result import (
    MANUFACTURER,
    finish,
    object_uid,
    series_uid,
    sop_reference,
    study_uid,
)
from screener.dicom.source import copy_source
from screener.dicom.uids import DEVICE_MODEL
from screener.domain.errors import MissingAttribute, UnreadableInstance
from screener.domain.identifiers import ScreeningId, SeriesInstanceUid, SopInstanceUid
from screener.domain.report import (
    Predecessor,
    ReportClass,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
)

_CLASSES = {
    ReportClass.COMPREHENSIVE_3D: Comprehensive3DSRStorage,
    ReportClass.COMPREHENSIVE: ComprehensiveSRStorage,
    ReportClass.ENHANCED: EnhancedSRStorage,
}


def build_report(
    content: ReportContent,
    form: ResultForm,
    sources: Mapping[ScreeningId, bytes],
    captures: Sequence[ResultObject] = (),
) -> ResultObject:
    """Write a finding as one structured report.

    Parameters
    ----------
    content
        The finding and its films. The same content and form give the same bytes.
    form
        SOP class and series number; the language is the content's.
    sources
        Part 10 bytes of every film that `content` names; of one that is not scored they may be
        missing or unreadable.
    captures
        Overlays that are stored with the report: each film's group refers to its own.

    Raises
    ------
    MissingAttribute
        A scored film has no Series Instance UID: no report can refer to it.
    UnreadableInstance
        A scored film, or every film, cannot be read.

    Notes
    -----
    The document is highdicom's base object with highdicom's templates in it, and not one of its
    SR classes: those print patient names and log UIDs, know no film of a private class, and copy
    and search the tree five times, which is half of the time.
    """
    copies = _copies(content, sources)
    patient = next(iter(copies.values()))
    look = form.look(ResultKind.REPORT)
    series = series_uid(content, ResultKind.REPORT, look)
    report = SOPClass(
        study_instance_uid=study_uid(content),
        series_instance_uid=series,
        series_number=form.series_number(ResultKind.REPORT),
        sop_instance_uid=object_uid(content, ResultKind.REPORT, look),
        sop_class_uid=_CLASSES[form.report_class],
        instance_number=1,
        modality="SR",
        manufacturer=MANUFACTURER,
        manufacturer_model_name=DEVICE_MODEL,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    report.CompletionFlag = "COMPLETE"
    report.PreliminaryFlag = "PRELIMINARY"
    report.VerificationFlag = "UNVERIFIED"
    report.PerformedProcedureCodeSequence = []
    report.ReferencedPerformedProcedureStepSequence = []
    report.CurrentRequestedProcedureEvidenceSequence = [_evidence(content, captures)]
    if content.predecessor is not None:
        report.PredecessorDocumentsSequence = [_predecessor(content, content.predecessor)]
    tree = content_tree(content, copies=copies, captures=captures)
    report.update(tree)
    return ResultObject(
        kind=ResultKind.REPORT,
        variant=look,
        look=look,
        sop_class_uid=str(report.SOPClassUID),
        sop_instance_uid=SopInstanceUid(report.SOPInstanceUID),
        series_instance_uid=SeriesInstanceUid(series),
        encoded=finish(report, patient, content, ResultKind.REPORT),
    )


def _copies(
    content: ReportContent, sources: Mapping[ScreeningId, bytes]
) -> dict[ScreeningId, Dataset]:
    """Return legal copies of the films that can be read; the first one speaks for the patient."""
    copies = {}
    for scored in content.films:
        if scored.header.series_instance_uid is None:
            raise MissingAttribute("SeriesInstanceUID")
        opened = open_instance(sources[scored.screening_id])
        copies[scored.screening_id] = copy_source(opened.dataset, scored.header)
    for film in content.not_scored:
        try:
            opened = open_instance(sources[film.screening_id])
            copies[film.screening_id] = copy_source(opened.dataset, film.header)
        except (KeyError, UnreadableInstance):
            continue
    if not copies:
        raise UnreadableInstance("no film of the study can be read; its patient is not known")
    return copies


def _evidence(content: ReportContent, captures: Sequence[ResultObject]) -> Dataset:
    """Return every film and capture by series, as the evidence that the report rests on.

    Notes
    -----
    A film without a series, which Type 1 does not allow to be listed, is left out.
    """
    series: dict[str, list[Dataset]] = defaultdict(list)
    for film in content.named_films:
        header = film.header
        if header.series_instance_uid is not None:
            reference = sop_reference(header.sop_class_uid, header.sop_instance_uid)
            series[header.series_instance_uid].append(reference)
    for capture in captures:
        reference = sop_reference(capture.sop_class_uid, capture.sop_instance_uid)
        series[capture.series_instance_uid].append(reference)
    return _study(content, series)


def _predecessor(content: ReportContent, predecessor: Predecessor) -> Dataset:
    reference = sop_reference(predecessor.sop_class_uid, predecessor.sop_instance_uid)
    return _study(content, {predecessor.series_instance_uid: [reference]})


def _study(content: ReportContent, series: Mapping[str, list[Dataset]]) -> Dataset:
    study = Dataset()
    study.StudyInstanceUID = study_uid(content)
    study.ReferencedSeriesSequence = []
    for uid, instances in series.items():
        item = Dataset()
        item.SeriesInstanceUID = str(uid)
        item.ReferencedSOPSequence = instances
        study.ReferencedSeriesSequence.append(item)
    return study
