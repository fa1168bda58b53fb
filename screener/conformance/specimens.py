"""Result objects of made-up findings: what the statement says of objects is read off them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

import numpy as np

from screener.dicom.capture import build_capture
from screener.dicom.document import build_document
from screener.dicom.header import read_header
from screener.dicom.presentation import build_presentation
from screener.dicom.rejection import build_rejection_note
from screener.dicom.report import build_report
from screener.dicom.specimen import SIZES_PX, specimen_film
from screener.dicom.uids import own_uid
from screener.domain.catalogue import Language
from screener.domain.eligibility import IneligibilityReason, View
from screener.domain.estimate import Estimate
from screener.domain.finding import Finding, FindingReason, Verdict
from screener.domain.identifiers import ScreeningId, SeriesInstanceUid, SopInstanceUid
from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source
from screener.domain.prediction import InputField, LowProbability, Prediction, PredictorIdentity
from screener.domain.report import (
    NotScoredFilm,
    ObjectReference,
    Predecessor,
    ReportClass,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
    ScoredFilm,
)
from screener.imaging.card import HEIGHT_PX, WIDTH_PX

#: Rows of the strip below the film, as an overlay has one; its height follows its texts.
_STRIP_PX = 96
#: Enough of one for an object that holds it.
_PDF = b"%PDF-1.4\n"
_Z_LOW, _Z_NOT_LOW = -2.4, -0.8


@dataclass(frozen=True, kw_only=True)
class Case:
    """A finding with the films that it names, as Part 10 files; the last scored one is shown."""

    content: ReportContent
    sources: Mapping[ScreeningId, bytes]

    @property
    def film(self) -> bytes:
        """The film that pictures show."""
        shown = self.content.films or self.content.not_scored
        return self.sources[shown[-1].screening_id]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How the statement speaks of one kind of result object, and what it reads its content off.

    Parameters
    ----------
    title, description
        For the table of objects made.
    build
        The object of a case, in each form that an archive may be set to: one or more.
    """

    title: str
    description: str
    build: Callable[[Case], tuple[ResultObject, ...]]


@cache
def cases() -> tuple[Case, ...]:
    """Return findings that together reach every verdict, and every item of a report."""
    low = _case(0, films=2, not_scored=2)
    return (
        low,
        _case(1, films=2, revised=True),
        _case(0, films=1, bare=True, character_set=["", "ISO 2022 IR 149"]),
        _case(0, films=1, language=Language.KOREAN),
        _case(0, films=1, verdict=Verdict.NOT_LOW, revised=True),
        _case(1, films=1, verdict=Verdict.INDETERMINATE, reason=FindingReason.INTERVAL_TOO_WIDE),
        _case(0, films=2, verdict=Verdict.INDETERMINATE, reason=FindingReason.FILMS_DISAGREE),
        *(
            _case(which, films=0, not_scored=1, verdict=Verdict.WITHDRAWN, revised=True)
            for which in (0, 1)
        ),
        _case(
            1,
            films=0,
            not_scored=1,
            verdict=Verdict.NOT_ASSESSED,
            reason=FindingReason.NO_SCORED_FILM,
            revised=True,
        ),
    )


def case_in(character_set: object) -> Case:
    """Return a finding on a film that declares a Specific Character Set."""
    return _case(0, films=1, character_set=character_set)


def _case(
    which: int,
    *,
    films: int,
    not_scored: int = 0,
    verdict: Verdict = Verdict.LOW,
    reason: FindingReason | None = None,
    revised: bool = False,
    bare: bool = False,
    character_set: object = None,
    language: Language = Language.ENGLISH,
) -> Case:
    sources = {
        ScreeningId(number): specimen_film(
            number, which=which, bare=bare, character_set=character_set
        )
        for number in range(1, films + not_scored + 1)
    }
    z = _Z_LOW if verdict is Verdict.LOW else _Z_NOT_LOW
    scored = tuple(_scored(n, sources[ScreeningId(n)], which, z) for n in range(1, films + 1))
    others = tuple(
        NotScoredFilm(
            screening_id=ScreeningId(n),
            header=read_header(sources[ScreeningId(n)]),
            reason=IneligibilityReason.LATERAL_VIEW.value,
        )
        for n in range(films + 1, films + not_scored + 1)
    )
    finding = _finding(which, scored, others, verdict, reason)
    content = ReportContent(
        finding=finding,
        concluded_at=datetime(2026, 11, 24 + 3 * which, 3, 40 + which, 12 + which, tzinfo=UTC),
        revision=2 if revised else 1,
        films=scored,
        not_scored=others,
        predecessor=_predecessor(which, _low(finding)) if revised else None,
        synthetic=which == 0,
        interval_statement=f"{90 - which} % interval of a made-up predictor.",
        reference_statement=f"Made-up reference {which + 1}.",
        growth_name="CDC 2000",
        language=language,
    )
    return Case(content=content, sources=sources)


def _scored(number: int, film: bytes, which: int, z: float) -> ScoredFilm:
    missing = Measurement(value=None, absence=Absence.NOT_GIVEN)
    height = Measurement(value=1.42, source=Source.HEADER) if which == 0 else missing
    return ScoredFilm(
        screening_id=ScreeningId(number),
        header=read_header(film),
        clinical=ClinicalVariables(
            age_years=12.4, sex=Sex.FEMALE, height_m=height, weight_kg=missing
        ),
        prediction=_prediction(which),
        z=z,
        z_low=z - 1.0,
        z_high=z + 1.0,
    )


def _prediction(which: int) -> Prediction:
    rows, columns = SIZES_PX[which]
    return Prediction(
        abmd_g_cm2=0.61,
        abmd_low_g_cm2=0.52,
        abmd_high_g_cm2=0.7,
        interval_level=0.9,
        predictor=_predictor(which),
        contributions=(),
        attention=None,
        input_field=InputField(
            corners=((0.0, 0.0), (columns, 0.0), (columns, rows), (0.0, rows)),
        ),
        input_digest=("ab", "cd")[which] * 32,
    )


def _predictor(which: int) -> PredictorIdentity:
    return PredictorIdentity(
        name="PREDICTOR",
        version=str(which + 1),
        checksum=("9f", "3c")[which] * 32,
        synthetic=which == 0,
    )


def _finding(
    which: int,
    films: tuple[ScoredFilm, ...],
    others: tuple[NotScoredFilm, ...],
    verdict: Verdict,
    reason: FindingReason | None,
) -> Finding:
    estimate = None
    if films and reason is not FindingReason.FILMS_DISAGREE:
        estimate = Estimate(
            abmd_g_cm2=0.61,
            abmd_low_g_cm2=0.52,
            abmd_high_g_cm2=0.7,
            interval_level=0.9,
            z=films[0].z,
            z_low=films[0].z_low,
            z_high=films[0].z_high,
            view=View.PA,
            films=tuple(film.screening_id for film in films),
            age_years=12.4,
            sex=Sex.FEMALE,
            height_z=None,
            missing=films[0].clinical.missing,
            low_probability=LowProbability(
                value=0.4, reference="made-up", prevalence=0.1, children=400, local=which == 1
            ),
        )
    return Finding(
        verdict=verdict,
        reason=reason,
        estimate=estimate,
        threshold_z=(-2.0, -1.8)[which],
        predictor=_predictor(which) if films else None,
        reference=f"made-up@{which + 1}",
        not_scored=tuple((film.screening_id, film.reason) for film in others),
    )


def _low(finding: Finding) -> Finding:
    return replace(finding, verdict=Verdict.LOW, reason=None)


def _predecessor(which: int, finding: Finding) -> Predecessor:
    return Predecessor(
        sop_class_uid=_sop_class_of(list(ReportClass)[which]),
        sop_instance_uid=SopInstanceUid(own_uid("earlier report", str(which))),
        series_instance_uid=SeriesInstanceUid(own_uid("earlier series", str(which))),
        finding=finding,
    )


def _sop_class_of(report_class: ReportClass) -> str:
    return _report(_case(0, films=1), report_class, ()).sop_class_uid


def _report(
    case: Case, report_class: ReportClass, captures: tuple[ResultObject, ...]
) -> ResultObject:
    form = ResultForm(report_class=report_class)
    return build_report(case.content, form, case.sources, captures)


def _reports(case: Case) -> tuple[ResultObject, ...]:
    captures = _overlays(case)
    return tuple(_report(case, report_class, captures) for report_class in ReportClass)


def _overlays(case: Case) -> tuple[ResultObject, ...]:
    if not case.content.films:
        return ()
    pixels = case.content.films[-1].header.pixels
    # some films are shrunk or enlarged, and some are not
    scale = 1 if case.content.synthetic else 2
    rows, columns = pixels.rows // scale, pixels.columns // scale
    picture = np.zeros((rows + _STRIP_PX, columns, 3), np.uint8)
    return (build_capture(case.content, ResultKind.OVERLAY, picture, case.film),)


def _presentations(case: Case) -> tuple[ResultObject, ...]:
    if not case.content.films:
        return ()
    return (build_presentation(case.content, case.content.films[-1], case.film),)


def _documents(case: Case) -> tuple[ResultObject, ...]:
    return (build_document(case.content, _PDF, case.film),)


def _rejection_notes(case: Case) -> tuple[ResultObject, ...]:
    """Return the note of a withdrawn finding; a note names what an archive got before."""
    if not case.content.withdraws:
        return ()
    earlier = tuple(
        ObjectReference(
            sop_class_uid=made.sop_class_uid,
            sop_instance_uid=made.sop_instance_uid,
            series_instance_uid=made.series_instance_uid,
        )
        for made in (*_reports(cases()[0])[:1], *_overlays(cases()[0]))
    )
    return (build_rejection_note(case.content, "archive", earlier, case.film),)


def _cards(case: Case) -> tuple[ResultObject, ...]:
    picture = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    return (build_capture(case.content, ResultKind.CARD, picture, case.film),)


#: Every kind of result object. One that is missing here stands in the statement by its name alone.
KINDS: Mapping[ResultKind, Kind] = {
    ResultKind.REPORT: Kind(
        title="Report",
        description="Structured report of one finding on one study: TID 1500, with a planar "
        "region of interest for each scored film.",
        build=_reports,
    ),
    ResultKind.OVERLAY: Kind(
        title="Overlay",
        description="For each scored film: the film with the network's attention over it, its "
        "input field, and its values in a strip below.",
        build=_overlays,
    ),
    ResultKind.CARD: Kind(
        title="Card",
        description="For each finding: the study's result at one glance, as a picture of "
        f"{WIDTH_PX} x {HEIGHT_PX} pixels.",
        build=_cards,
    ),
    ResultKind.PRESENTATION: Kind(
        title="Presentation state",
        description="For each scored film: the film's own display, with the network's input field "
        "as a closed line and two texts.",
        build=_presentations,
    ),
    ResultKind.DOCUMENT: Kind(
        title="Document",
        description="For each finding: the card as a page of a PDF, and the report's text on the "
        "pages after it.",
        build=_documents,
    ),
    ResultKind.REJECTION_NOTE: Kind(
        title="Rejection note",
        description="For each withdrawn study, to an archive that is set to withdrawal = "
        '"iocm": a Key Object Selection that names our objects of the study which it got.',
        build=_rejection_notes,
    ),
}


@cache
def built(kind: ResultKind) -> tuple[tuple[Case, tuple[ResultObject, ...]], ...]:
    """Return the objects of a kind, case by case; nothing for a kind that is not described."""
    if kind not in KINDS:
        return ()
    made = ((case, KINDS[kind].build(case)) for case in cases())
    return tuple((case, objects) for case, objects in made if objects)
