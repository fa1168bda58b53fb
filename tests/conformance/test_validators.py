"""Public validators have no error over objects that reach every branch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from screener.dicom.capture import build_capture
from screener.dicom.report import build_report
from screener.domain.report import ReportClass, ReportVariant, ResultKind
from screener.imaging.card import render_card
from screener.imaging.overlay import render_overlay
from screener.storage.references import load_growth_reference
from tests.conformance.contents import CASES, COLUMNS, REFERENCE, ROWS
from tests.conformance.waivers import WARNINGS


def run(tool: str, *arguments: str) -> tuple[int, str]:
    """Run a validator; without it skip, or fail where servers are required."""
    found = shutil.which(tool)
    if found is None:
        reason = (
            f"{tool} is not installed (Debian packages dicom3tools, dcmtk, qpdf and poppler-utils)"
        )
        if os.environ.get("SCREENER_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run([found, *arguments], capture_output=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", errors="replace")


def complaints(path: Path) -> Iterator[str]:
    """Yield what dciodvfy says of an object, without the waived warnings."""
    _, said = run("dciodvfy", "-new", str(path))
    for line in said.splitlines():
        waived = line.startswith("Warning") and any(w.search(line) for w in WARNINGS)
        if line.startswith(("Error", "Warning")) and not waived:
            yield line


@pytest.mark.parametrize("report_class", ReportClass)
@pytest.mark.parametrize("name", CASES)
def test_a_report_has_no_validator_error(
    name: str, report_class: ReportClass, tmp_path: Path
) -> None:
    made = CASES[name]
    path = tmp_path / "report.dcm"
    variant = ReportVariant(report_class=report_class)
    path.write_bytes(build_report(made.content, variant, made.sources).encoded)

    code, said = run("dsrdump", "+Pf", "+Pl", "+Pc", "+Pt", str(path))

    assert list(complaints(path)) == []
    assert code == 0, said


@pytest.mark.parametrize("name", CASES)
def test_a_report_reads_as_a_page(name: str, tmp_path: Path) -> None:
    made = CASES[name]
    path, page = tmp_path / "report.dcm", tmp_path / "report.html"
    path.write_bytes(build_report(made.content, ReportVariant(), made.sources).encoded)

    code, said = run("dsr2html", str(path), str(page))

    assert code == 0, said
    text = page.read_text("utf-8", errors="replace")
    for words in ("Conclusion", "Limits of this report", "not a DXA measurement"):
        assert words in text


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
        rgb = render_overlay(pixels, made.content.films[0], synthetic=made.content.synthetic)
    else:
        growth = load_growth_reference()
        rgb = render_card(pixels, made.content, reference=REFERENCE, growth=growth)
    source = next(iter(made.sources.values()))
    path = tmp_path / "capture.dcm"
    path.write_bytes(build_capture(made.content, kind, rgb, source).encoded)

    assert list(complaints(path)) == []
