"""What findings and reports are made from: the films of a study, from rows or from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, assert_never

import numpy as np
import numpy.typing as npt

from screener.dicom.capture import build_capture
from screener.dicom.document import build_document
from screener.dicom.pixels import read_radiograph
from screener.dicom.presentation import build_presentation
from screener.dicom.report import build_report
from screener.domain.catalogue import CATALOGUES, Language
from screener.domain.eligibility import IneligibilityReason, View
from screener.domain.estimate import FilmInStudy, round_z
from screener.domain.finding import Finding
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import Identity, InstanceHeader
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Prediction
from screener.domain.reference import BmdReference
from screener.domain.report import (
    EarlierResult,
    NotScoredFilm,
    Predecessor,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
    ScoredFilm,
)
from screener.domain.wording import is_one_child, reference_statement, report_text
from screener.imaging.card import render_card
from screener.imaging.lettering import font_file_of
from screener.imaging.overlay import render_overlay
from screener.imaging.pdf import card_pdf
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
    language: Language = Language.ENGLISH,
    earlier: tuple[EarlierResult, ...] = (),
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
        reference_statement=reference_statement(CATALOGUES[language], services.reference),
        growth_name=services.growth.name,
        language=language,
        earlier=earlier,
        utc_offset=concluded_at.astimezone(services.zone).strftime("%z") if services.zone else "",
    )


def make_results(
    services: Services,
    contents: Mapping[ResultForm, ReportContent],
    sources: Mapping[ScreeningId, bytes],
) -> Iterable[ResultObject]:
    """Make the result objects of one finding, each once for all forms that share it.

    Parameters
    ----------
    contents
        By form, one or more; they differ in language and predecessor only.
    sources
        The listed films as Part 10 files.
    """
    pixels: dict[ScreeningId, npt.NDArray[np.float32]] = {}
    made: dict[tuple[ResultKind, str], list[ResultObject]] = {}
    for form, content in contents.items():
        maker = _Maker(services, content, form, sources, pixels)
        # the report refers to the overlays, and is named first
        for kind in sorted(form.kinds, key=list(ResultKind).index):
            key = kind, form.look(kind)
            if key not in made:
                made[key] = list(maker.make(kind))
    yield from (result for results in made.values() for result in results)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the objects of one form; films are decoded once for all forms."""

    services: Services
    content: ReportContent
    form: ResultForm
    sources: Mapping[ScreeningId, bytes]
    pixels: dict[ScreeningId, npt.NDArray[np.float32]]

    def make(self, kind: ResultKind) -> Iterable[ResultObject]:
        """Make the objects of a kind; of some there is one for each scored film."""
        match kind:
            case ResultKind.REPORT:
                overlays = self._overlays() if ResultKind.OVERLAY in self.form.kinds else []
                yield build_report(self.content, self.form, self.sources, overlays)
            case ResultKind.OVERLAY:
                yield from self._overlays()
            case ResultKind.CARD:
                yield build_capture(self.content, kind, self._card(), self._shown, self.form)
            case ResultKind.PRESENTATION:
                for film in self._films:
                    if film.prediction.input_field is not None:
                        source = self.sources[film.screening_id]
                        yield build_presentation(self.content, film, source, self.form)
            case ResultKind.DOCUMENT:
                yield build_document(self.content, self._document(), self._shown, self.form)
            case ResultKind.REJECTION_NOTE:
                return  # it is made for an archive, and no form names it
            case _:
                assert_never(kind)

    @property
    def _films(self) -> tuple[ScoredFilm, ...]:
        # films of different children must not speak for one another, in pictures neither
        return self.content.films if is_one_child(self.content) else ()

    @property
    def _shown(self) -> bytes:
        """The film on the card, or some film of a study of which none is scored."""
        films = self.content.films
        return self.sources[films[0].screening_id] if films else next(iter(self.sources.values()))

    def _pixels_of(self, film: ScoredFilm) -> npt.NDArray[np.float32]:
        number = film.screening_id
        if number not in self.pixels:
            self.pixels[number] = read_radiograph(self.sources[number]).pixels
        return self.pixels[number]

    def _overlays(self) -> list[ResultObject]:
        content = self.content
        return [
            build_capture(
                content,
                ResultKind.OVERLAY,
                render_overlay(
                    self._pixels_of(film),
                    film,
                    say=content.say,
                    synthetic=content.synthetic,
                    reference=content.finding.reference,
                ),
                self.sources[film.screening_id],
                self.form,
            )
            for film in self._films
        ]

    def _card(self) -> npt.NDArray[np.uint8]:
        films, services = self.content.films, self.services
        pixels = self._pixels_of(films[0]) if films else None
        return render_card(
            pixels, self.content, reference=services.reference, growth=services.growth
        )

    def _document(self) -> bytes:
        content = self.content
        return card_pdf(
            self._card(),
            title=content.say("card.title"),
            text=report_text(content),
            made_at=content.concluded_at,
            font=font_file_of(content.language),
        )


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
