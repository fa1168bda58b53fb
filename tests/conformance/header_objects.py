"""What becomes of a header: its film judged, and every object that a builder makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from screener.dicom.capture import build_capture
from screener.dicom.document import build_document
from screener.dicom.header import read_header
from screener.dicom.pixels import read_radiograph
from screener.dicom.presentation import build_presentation
from screener.dicom.report import build_report
from screener.domain import wording
from screener.domain.catalogue import ENGLISH
from screener.domain.eligibility import EligibilityRules, Ineligible, ScoringLimits
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import InstanceHeader
from screener.domain.judgement import judge
from screener.domain.prediction import InputField
from screener.domain.report import (
    ReportClass,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
    ScoredFilm,
)
from screener.imaging.card import render_card
from screener.imaging.overlay import render_overlay
from screener.imaging.pdf import card_pdf
from screener.storage.references import load_growth_reference
from tests.conformance.contents import CASES, REFERENCE, make_content, make_film

_LIMITS = ScoringLimits(min_age_years=5, max_age_years=18, predictor_is_synthetic=True)
_TODAY = date(2026, 9, 20)


@dataclass(frozen=True, kw_only=True)
class Made:
    """One object of a film, or the code of the error that there is in its place."""

    what: str
    result: ResultObject | None = None
    error: str | None = None


def reasons_of(header: InstanceHeader) -> tuple[str, ...]:
    """Return what eligibility has against a film."""
    verdict = judge(header, rules=EligibilityRules(), limits=_LIMITS, today=_TODAY)
    if isinstance(verdict, Ineligible):
        return tuple(reason.value for reason in verdict.reasons)
    return ()


def content_of(header: InstanceHeader) -> ReportContent:
    """Return the content of a film that was scored, whatever eligibility would say."""
    columns, rows = header.pixels.columns, header.pixels.rows
    # a square about the film, as preparation pads it
    out = max(0.0, (rows - columns) / 2), max(0.0, (columns - rows) / 2)
    left, top, right, bottom = -out[0], -out[1], columns + out[0], rows + out[1]
    field = InputField(corners=((left, top), (right, top), (right, bottom), (left, bottom)))
    film = make_film(1)
    prediction = replace(film.prediction, input_field=field)
    return make_content((replace(film, header=header, prediction=prediction),))


def objects_of(source: bytes) -> Iterator[Made]:
    """Build everything that is made of a film: reports, captures, presentation state, document."""
    header = read_header(source)
    content = content_of(header)
    film = content.films[0]
    sources = {ScreeningId(1): source}
    overlay = _attempt("overlay", lambda: _overlay(content, film, source))
    yield overlay
    captures = [overlay.result] if overlay.result else []
    for report_class in ReportClass:
        form = ResultForm(report_class=report_class)
        build = partial(build_report, content, form, sources, captures)
        yield _attempt(f"report {report_class.value}", build)
    yield _attempt("card", lambda: build_capture(content, ResultKind.CARD, card(), source))
    yield _attempt("presentation", lambda: build_presentation(content, film, source))
    yield _attempt("document", lambda: build_document(content, pdf(), source))


@lru_cache
def card() -> npt.NDArray[np.uint8]:
    """Return a card; nothing on it comes from the header."""
    pixels = np.full((60, 50), 0.4, np.float32)
    content = CASES["low-one-film"].content
    return render_card(pixels, content, reference=REFERENCE, growth=load_growth_reference())


@lru_cache
def pdf() -> bytes:
    """Return the card as a PDF."""
    content = CASES["low-one-film"].content
    text = wording.report_text(content)
    return card_pdf(card(), title="AI BMD", text=text, made_at=content.concluded_at)


def _attempt(what: str, build: Callable[[], ResultObject]) -> Made:
    try:
        return Made(what=what, result=build())
    except ScreenerError as error:
        return Made(what=what, error=error.code)


def _overlay(content: ReportContent, film: ScoredFilm, source: bytes) -> ResultObject:
    pixels = read_radiograph(source).pixels
    rgb = render_overlay(pixels, film, say=ENGLISH, synthetic=True, longest_side=200)
    return build_capture(content, ResultKind.OVERLAY, rgb, source)
