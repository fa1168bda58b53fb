"""What findings and reports are made from: the films of a study, from rows or from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from screener.dicom.capture import build_capture
from screener.dicom.pixels import read_radiograph
from screener.dicom.report import build_report
from screener.domain.eligibility import IneligibilityReason, View
from screener.domain.estimate import FilmInStudy, round_z
from screener.domain.finding import Finding
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import Identity, InstanceHeader
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Prediction
from screener.domain.reference import BmdReference
from screener.domain.report import (
    NotScoredFilm,
    Predecessor,
    ReportContent,
    ReportVariant,
    ResultKind,
    ResultObject,
    ScoredFilm,
)
from screener.domain.wording import is_one_child, reference_statement
from screener.imaging.card import render_card
from screener.imaging.overlay import render_overlay
from screener.pipeline.ports import Services

#: What is no radiograph at all (a CT slice that a router sent along) is not listed as a film.
_NO_FILM = frozenset(
    {
        IneligibilityReason.OWN_OBJECT.value,
        IneligibilityReason.DERIVED_IMAGE.value,
        IneligibilityReason.NOT_A_RADIOGRAPH.value,
        IneligibilityReason.NO_PIXEL_DATA.value,
    }
)

_NOBODY = Identity(patient_id=None, issuer=None, birth_date=None, sex=None, accession_number=None)


class Film(Protocol):
    """A film at an end, as its row or its file tells it."""

    @property
    def screening_id(self) -> ScreeningId:
        """Its number."""

    @property
    def header(self) -> InstanceHeader | None:
        """None where it cannot be read."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it has no prediction."""

    @property
    def view(self) -> View | None:
        """Its frontal view."""

    @property
    def clinical(self) -> ClinicalVariables | None:
        """What the predictor was told of the child."""

    @property
    def prediction(self) -> Prediction | None:
        """Its estimate."""


def film_in_study(film: Film) -> FilmInStudy:
    """Return a film as the conclusion sees it."""
    reason = film.reasons[0] if film.reasons else "FAILED"
    return FilmInStudy(
        screening_id=film.screening_id,
        identity=film.header.identity if film.header else _NOBODY,
        prediction=film.prediction,
        view=film.view,
        clinical=film.clinical,
        reason=None if film.prediction is not None else reason,
    )


def speaks(film: Film) -> bool:
    """Return whether a film counts for its study: our own objects that came back do not."""
    return IneligibilityReason.OWN_OBJECT.value not in film.reasons


def is_listed(film: Film) -> bool:
    """Return whether a report lists a film."""
    return film.header is not None and not set(film.reasons) & _NO_FILM


def is_synthetic(films: Iterable[Film], finding: Finding) -> bool:
    """Return whether a finding rests on a synthetic predictor or film."""
    by_predictor = finding.predictor is not None and finding.predictor.synthetic
    return by_predictor or any(f.header and f.header.quality_control_image for f in films)


def report_content(
    services: Services,
    films: Iterable[Film],
    *,
    finding: Finding,
    concluded_at: datetime,
    revision: int,
    predecessor: Predecessor | None,
    synthetic: bool,
) -> ReportContent:
    """Put together what a report says, from the films that it lists."""
    scored: list[ScoredFilm] = []
    not_scored: list[NotScoredFilm] = []
    for film in films:
        if film.header is None:
            continue
        if film.prediction is not None and film.clinical is not None:
            scored.append(
                _scored(services.reference, film, film.header, film.clinical, film.prediction)
            )
        else:
            reason = film.reasons[0] if film.reasons else "FAILED"
            not_scored.append(
                NotScoredFilm(screening_id=film.screening_id, header=film.header, reason=reason)
            )
    return ReportContent(
        finding=finding,
        concluded_at=concluded_at,
        revision=revision,
        films=tuple(scored),
        not_scored=tuple(not_scored),
        predecessor=predecessor,
        synthetic=synthetic,
        interval_statement=services.predictor.interval_statement,
        reference_statement=reference_statement(services.reference),
        growth_name=services.growth.name,
    )


def make_results(
    services: Services,
    reports: Mapping[ReportVariant, ReportContent],
    sources: Mapping[ScreeningId, bytes],
) -> Iterable[ResultObject]:
    """Make the result objects of one finding: a report of each variant, then the captures.

    Parameters
    ----------
    reports
        Content by variant, one or more; they differ in their predecessor only.
    sources
        The listed films as Part 10 files.
    """
    content = next(iter(reports.values()))
    # films of different children must not speak for one another, in pictures neither
    shown_films = content.films if is_one_child(content) else ()
    overlays = [_overlay(content, film, sources[film.screening_id]) for film in shown_films]
    for variant, variant_content in reports.items():
        yield build_report(variant_content, variant, sources, overlays)
    yield from overlays
    shown = (
        sources[content.films[0].screening_id] if content.films else next(iter(sources.values()))
    )
    pixels = read_radiograph(shown).pixels if content.films else None
    card = render_card(pixels, content, reference=services.reference, growth=services.growth)
    yield build_capture(content, ResultKind.CARD, card, shown)


def _overlay(content: ReportContent, film: ScoredFilm, source: bytes) -> ResultObject:
    picture = render_overlay(
        read_radiograph(source).pixels,
        film,
        synthetic=content.synthetic,
        reference=content.finding.reference,
    )
    return build_capture(content, ResultKind.OVERLAY, picture, source)


def _scored(
    reference: BmdReference,
    film: Film,
    header: InstanceHeader,
    clinical: ClinicalVariables,
    prediction: Prediction,
) -> ScoredFilm:
    def z(abmd_g_cm2: float) -> float:
        return round_z(
            reference.z_score(sex=clinical.sex, age_years=clinical.age_years, abmd_g_cm2=abmd_g_cm2)
        )

    return ScoredFilm(
        screening_id=film.screening_id,
        header=header,
        clinical=clinical,
        prediction=prediction,
        z=z(prediction.abmd_g_cm2),
        z_low=z(prediction.abmd_low_g_cm2),
        z_high=z(prediction.abmd_high_g_cm2),
    )
