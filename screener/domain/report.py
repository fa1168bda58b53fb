"""What a report says: a finding with its films, and how it stands to an earlier report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from screener.domain.catalogue import CATALOGUES, Catalogue, Language
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


class CaptureModality(StrEnum):
    """(0008,0060) of captures."""

    #: Other: no hanging protocol takes the capture for one of the child's films.
    OTHER = "OT"
    #: Secondary capture: retired, and what some old viewers show.
    SECONDARY_CAPTURE = "SC"
    #: As if it were a radiograph: for archives that route by modality and take nothing else.
    DIGITAL_RADIOGRAPHY = "DX"


#: High: a viewer that sorts by number shows the child's own films first.
FIRST_SERIES_NUMBER = 9001


class ArchiveObject(StrEnum):
    """What the settings of an archive may name, as `ResultKind` has it."""

    #: The structured report.
    REPORT = "report"
    #: Each scored film with the attention of the network over it.
    OVERLAY = "overlay"
    #: The result card.
    CARD = "card"
    #: A presentation state for each scored film, which draws the network's input field.
    PRESENTATION = "presentation"
    #: The result card as a PDF.
    DOCUMENT = "document"


DEFAULT_OBJECTS = (ArchiveObject.REPORT, ArchiveObject.OVERLAY, ArchiveObject.CARD)


def object_kinds(objects: Iterable[ArchiveObject] | None) -> frozenset[ResultKind]:
    """Return the kinds that settings or a command name; those of the default where None."""
    named = DEFAULT_OBJECTS if objects is None else objects
    return frozenset(ResultKind[one.name] for one in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultForm:
    """What an archive gets of a finding, and how. Archives of one form share objects.

    Parameters
    ----------
    report_class, language
        The SOP class of the report; the language of report and pictures.
    kinds
        Which objects.
    capture_modality
        Of overlay and card.
    first_series_number
        Of the report's series; the other kinds follow it.
    not_low
        Whether studies that are not LOW are sent, too.
    """

    report_class: ReportClass = ReportClass.COMPREHENSIVE_3D
    language: Language = Language.ENGLISH
    kinds: frozenset[ResultKind] = field(default_factory=lambda: object_kinds(None))
    capture_modality: CaptureModality = CaptureModality.OTHER
    first_series_number: int = FIRST_SERIES_NUMBER
    not_low: bool = False

    def look(self, kind: ResultKind) -> str:
        """Return what objects of a kind have in common in two forms that may share them.

        It is part of a row's variant and of the UIDs: only what differs from the default is named,
        so that objects of before are found again.
        """
        named = []
        if kind is ResultKind.REPORT:
            named += [self.report_class.value, self.language.value]
            if ResultKind.OVERLAY not in self.kinds:
                named.append("no-overlay")  # it refers to none
        elif self.language is not Language.ENGLISH:
            named.append(self.language.value)
        if self.capture_modality is not CaptureModality.OTHER:
            named.append(self.capture_modality.value)
        if self.first_series_number != FIRST_SERIES_NUMBER:
            named.append(f"s{self.first_series_number}")
        return ".".join(named)

    def __str__(self) -> str:
        """Name the form, the same in every process: sets have no order, and objects need one."""
        kinds = "+".join(sorted(kind.value for kind in self.kinds))
        extent = "all" if self.not_low else "low"
        return f"{self.look(ResultKind.REPORT)} {kinds} {extent}"

    def series_number(self, kind: ResultKind) -> int:
        """Return (0020,0011) of a kind's series."""
        return self.first_series_number + list(ResultKind).index(kind)


#: What an archive gets whose settings name nothing else.
DEFAULT_FORM = ResultForm()


def film_variant(screening_id: ScreeningId, look: str) -> str:
    """Return the variant of an object that is made for each film."""
    return f"film-{screening_id}" + (f".{look}" if look else "")


def is_meant_for(form: ResultForm, finding: Finding, *, has_earlier: bool) -> bool:
    """Return whether an archive gets a finding's objects.

    Parameters
    ----------
    form
        The archive's.
    finding
        With a report.
    has_earlier
        Whether it got an earlier report of the study: then it must learn what has changed.
    """
    return finding.verdict is Verdict.LOW or form.not_low or has_earlier


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
class EarlierResult:
    """The value of another study of the same child, shown as a faint point on the growth chart.

    Parameters
    ----------
    age_years
        On the day of its film.
    abmd_g_cm2, abmd_low_g_cm2, abmd_high_g_cm2
        Estimate and interval, g/cm2.
    """

    age_years: float
    abmd_g_cm2: float
    abmd_low_g_cm2: float
    abmd_high_g_cm2: float


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
    language
        Of every text.
    earlier
        What earlier studies of the child gave, the oldest first.
    utc_offset
        Of the site at the time of the conclusion, such as ``"+0900"``; empty where it is not set.
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
    language: Language = Language.ENGLISH
    earlier: tuple[EarlierResult, ...] = ()
    utc_offset: str = ""

    @property
    def say(self) -> Catalogue:
        """The texts of its language."""
        return CATALOGUES[self.language]

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
    """A DICOM instance that we made, encoded as a Part 10 file.

    `look` is that of the forms that it belongs to; `variant` tells it from the others of its kind.
    """

    kind: ResultKind
    variant: str
    look: str
    sop_class_uid: str
    sop_instance_uid: SopInstanceUid
    series_instance_uid: SeriesInstanceUid
    encoded: bytes
