"""Public validators have no error over objects that reach every branch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from screener.dicom.capture import build_capture
from screener.dicom.report import build_report
from screener.domain.catalogue import ENGLISH
from screener.domain.report import ReportClass, ResultForm, ResultKind
from screener.imaging.card import render_card
from screener.imaging.overlay import render_overlay
from screener.storage.references import load_growth_reference
from tests.conformance.contents import CASES, COLUMNS, REFERENCE, ROWS
from tests.conformance.validators import complaints, run


@pytest.mark.parametrize("report_class", ReportClass)
@pytest.mark.parametrize("name", CASES)
def test_a_report_has_no_validator_error(
    name: str, report_class: ReportClass, tmp_path: Path
) -> None:
    made = CASES[name]
    path = tmp_path / "report.dcm"
    variant = ResultForm(report_class=report_class)
    path.write_bytes(build_report(made.content, variant, made.sources).encoded)

    code, said = run("dsrdump", "+Pf", "+Pl", "+Pc", "+Pt", str(path))

    assert list(complaints(path)) == []
    assert code == 0, said


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, ResultKind.CARD) for name in CASES),
        *((name, ResultKind.OVERLAY) for name, made in CASES.items() if made.content.films),
    ],
)
def test_a_capture_has_no_validator_error(name: str, kind: ResultKind, tmp_path: Path) -> None:
    made = CASES[name]
    pixels = np.full((ROWS, COLUMNS), 0.4, np.float32)
    if kind is ResultKind.OVERLAY:
        rgb = render_overlay(
            pixels, made.content.films[0], say=ENGLISH, synthetic=made.content.synthetic
        )
    else:
        growth = load_growth_reference()
        rgb = render_card(pixels, made.content, reference=REFERENCE, growth=growth)
    source = next(iter(made.sources.values()))
    path = tmp_path / "capture.dcm"
    path.write_bytes(build_capture(made.content, kind, rgb, source).encoded)

    assert list(complaints(path)) == []
