"""Every object that is made of a content of the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from screener.dicom.capture import build_capture
from screener.dicom.document import build_document
from screener.dicom.presentation import build_presentation
from screener.dicom.report import build_report
from screener.domain import wording
from screener.domain.report import ReportClass, ResultForm, ResultKind
from screener.imaging.card import render_card
from screener.imaging.lettering import font_file_of
from screener.imaging.overlay import render_overlay
from screener.imaging.pdf import card_pdf
from screener.storage.references import load_growth_reference
from tests.conformance.contents import COLUMNS, REFERENCE, ROWS, Case
from tests.conformance.header_objects import Made


def objects_of_case(case: Case) -> Iterator[Made]:
    """Build everything that is made of a content, as the pipeline does."""
    content = case.content
    films = content.films if wording.is_one_child(content) else ()
    pixels = np.full((ROWS, COLUMNS), 0.4, np.float32)
    captures = []
    for film in films:
        rgb = render_overlay(pixels, film, say=content.say, synthetic=content.synthetic)
        source = case.sources[film.screening_id]
        captures.append(build_capture(content, ResultKind.OVERLAY, rgb, source))
        yield Made(what="presentation", result=build_presentation(content, film, source))
    yield from (Made(what="overlay", result=capture) for capture in captures)
    for report_class in ReportClass:
        form = ResultForm(report_class=report_class)
        report = build_report(content, form, case.sources, captures)
        yield Made(what=f"report {report_class.value}", result=report)
    card = render_card(pixels, content, reference=REFERENCE, growth=load_growth_reference())
    shown = next(iter(case.sources.values()))
    yield Made(what="card", result=build_capture(content, ResultKind.CARD, card, shown))
    pdf = card_pdf(
        card,
        title=wording.headline(content),
        text=wording.report_text(content),
        made_at=content.concluded_at,
        font=font_file_of(content.language),
    )
    yield Made(what="document", result=build_document(content, pdf, shown))
