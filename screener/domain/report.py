"""What a report says: a finding with its films, and how it stands to an earlier report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from screener.domain.finding import Finding, Verdict
from screener.domain.identifiers import ScreeningId, SeriesInstanceUid, SopInstanceUid
from screener.domain.instance import InstanceHeader
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Prediction


class ResultKind(StrEnum):
    """The kinds of result objects."""

    #: The structured report.
    REPORT = "REPORT"
    #: The film with the attention of the network over it.
    OVERLAY = "OVERLAY"
    #: The result card.
    CARD = "CARD"
    #: How a scored film is shown, with the network's input field drawn on it.
    PRESENTATION = "PRESENTATION"
    #: The result card as a PDF.
    DOCUMENT = "DOCUMENT"
    #: The Key Object Selection Document that takes withdrawn objects out of an archive's use.
    REJECTION_NOTE = "REJECTION_NOTE"


class ReportClass(StrEnum):
    """The SOP classes that the same report tree can be written in."""

    #: 1.2.840.10008.5.1.4.1.1.88.34, named by IHE AIR.
    COMPREHENSIVE_3D = "comprehensive-3d"
    #: 1.2.840.10008.5.1.4.1.1.88.33, the widest accepted for TID 1500.
    COMPREHENSIVE = "comprehensive"
    #: 1.2.840.10008.5.1.4.1.1.88.22, for the oldest archives.
    ENHANCED = "enhanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVariant:
    """What may differ between the reports that two archives get of one finding."""

    report_class: ReportClass = ReportClass.COMPREHENSIVE_3D
    language: str = "en"

    def __str__(self) -> str:
        return f"{self.report_class.value}.{self.language}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredFilm:
    """One scored film as a report shows it; Z-scores rounded to one decimal."""

    screening_id: ScreeningId
    header: InstanceHeader
    clinical: ClinicalVariables
    prediction: Prediction
    z: float
    z_low: float
    z_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NotScoredFilm:
    """One film of the study that has no prediction, with the coded reason."""

    screening_id: ScreeningId
    header: InstanceHeader
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference:
    """A result object of the study, as another object refers to it."""

    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    series_instance_uid: SeriesInstanceUid


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """The report that this one replaces, of the same variant."""

    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    series_instance_uid: SeriesInstanceUid
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContent:
    """Everything that the result objects of one finding are made from.

    The same content gives the same bytes: nothing in an object comes from the clock, from chance
    or from the machine.

    Parameters
    ----------
    finding, concluded_at
        What is said, and when it was concluded (UTC, from the study's row): the objects' date.
    revision
        1 for a study's first report; n for the n-th, which then says REVISED n.
    films, not_scored
        In order of arrival. A correcting report may have no scored film.
    predecessor
        The earlier report, or None.
    synthetic
        The predictor or a film is synthetic; every object says so.
    interval_statement
        Coverage and origin of the interval, from the predictor's card.
    reference_statement
        Name, version, device and region of the BMD reference: `wording.reference_statement`.
    growth_name
        The growth reference that a height Z comes from.
    """

    finding: Finding
    concluded_at: datetime
    revision: int
    films: tuple[ScoredFilm, ...]
    not_scored: tuple[NotScoredFilm, ...]
    predecessor: Predecessor | None
    synthetic: bool
    interval_statement: str
    reference_statement: str
    growth_name: str

    @property
    def named_films(self) -> tuple[ScoredFilm | NotScoredFilm, ...]:
        """Every film that the report names, the scored ones first."""
        return (*self.films, *self.not_scored)

    @property
    def withdraws(self) -> bool:
        """Whether the report takes an earlier one back, and says nothing of the child itself."""
        return self.finding.verdict is Verdict.WITHDRAWN

    @property
    def told_not_scored(self) -> tuple[NotScoredFilm, ...]:
        """Films whose reason a reader is told; a withdrawing report's were scored all the same."""
        return () if self.withdraws else self.not_scored


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultObject:
    """A DICOM instance that we made, encoded as a Part 10 file."""

    kind: ResultKind
    variant: str
    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    series_instance_uid: SeriesInstanceUid
    encoded: bytes
