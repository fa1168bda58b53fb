"""Reports as others read them: a template validator, a page in a browser, another library."""

from __future__ import annotations

import html
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from highdicom.sr import srread

from screener.dicom import codes
from screener.dicom.report import build_report
from screener.dicom.result import tracking_uid
from screener.domain import wording
from screener.domain.report import ReportClass, ResultForm, ScoredFilm
from tests.conformance.contents import CASES, Case
from tests.conformance.header_objects import objects_of
from tests.conformance.headers import VARIANTS
from tests.conformance.trees import branches
from tests.conformance.validators import pixelmed_complaints, run

#: Cases whose reports have, together, every branch of all reports; and the class of each.
TELLING = {
    "low-one-film": ReportClass.COMPREHENSIVE_3D,
    "low-three-films": ReportClass.COMPREHENSIVE_3D,
    "low-real-film": ReportClass.COMPREHENSIVE,
    "revised": ReportClass.COMPREHENSIVE,
    "correction": ReportClass.COMPREHENSIVE_3D,
    "correction-films-apart": ReportClass.ENHANCED,
    "correction-no-scored-film": ReportClass.COMPREHENSIVE_3D,
    "korean": ReportClass.ENHANCED,
    "korean-film-and-report": ReportClass.COMPREHENSIVE_3D,
    "probability": ReportClass.COMPREHENSIVE_3D,
    "sparse-header": ReportClass.COMPREHENSIVE,
}
_MEASURED = (
    codes.ABMD,
    codes.ABMD_LOW,
    codes.ABMD_HIGH,
    codes.Z_SCORE,
    codes.Z_LOW,
    codes.Z_HIGH,
)


def report(made: Case, report_class: ReportClass = ReportClass.COMPREHENSIVE_3D) -> bytes:
    form = ResultForm(report_class=report_class)
    return build_report(made.content, form, made.sources).encoded


def test_the_telling_cases_have_every_branch_of_all() -> None:
    every = frozenset().union(*(branches(report(made)) for made in CASES.values()))
    told = frozenset().union(*(branches(report(CASES[n], c)) for n, c in TELLING.items()))

    assert every == told
    assert set(TELLING.values()) == set(ReportClass)


@pytest.mark.parametrize("name", TELLING)
def test_a_report_keeps_to_its_templates(name: str, tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(report(CASES[name], TELLING[name]))

    assert list(pixelmed_complaints(path)) == []


def test_a_report_that_refers_to_an_overlay_keeps_to_its_templates(tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    made = next(m for m in objects_of(VARIANTS[0].encoded) if m.what.startswith("report"))
    assert made.result is not None
    path.write_bytes(made.result.encoded)

    assert any("/CONTAINS IMAGE 121200" in path for path in branches(made.result.encoded))
    assert list(pixelmed_complaints(path)) == []


@pytest.mark.parametrize("report_class", ReportClass)
@pytest.mark.parametrize("name", CASES)
def test_a_report_reads_in_a_browser_as_it_is_meant(
    name: str, report_class: ReportClass, tmp_path: Path
) -> None:
    made = CASES[name]
    path, page = tmp_path / "report.dcm", tmp_path / "report.html"
    path.write_bytes(report(made, report_class))

    # without the option, DCMTK 3.6.7 knows no code extensions in reports
    code, said = run("dsr2html", "+U8", str(path), str(page))

    assert code == 0, said
    words = _words(page.read_text("utf-8"))
    for sentence in _sentences(made):
        assert _words(sentence) in words
    values = [v for film in made.content.films for v in _values(film)]
    if wording.is_one_child(made.content):
        for value in values:
            assert f"{value:g} " in words


def _sentences(made: Case) -> list[str]:
    """Return what a reader must find, the headings of the tree first."""
    content = made.content
    limits = codes.in_words(codes.DISCLAIMER, content.say).meaning
    headings = ["Imaging Measurement Report", "Conclusion", limits, "Qualitative Evaluations"]
    if content.films and wording.is_one_child(content):
        headings += ["Imaging Measurements", "Measurement Group", "Lumbar spine"]
    return [*headings, wording.statement(content), *wording.disclaimers(content.say)]


def _words(page: str) -> str:
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL))
    return " ".join(html.unescape(text).split())


def _values(film: ScoredFilm) -> list[float]:
    p = film.prediction
    abmd = [round(v, 2) for v in (p.abmd_g_cm2, p.abmd_low_g_cm2, p.abmd_high_g_cm2)]
    return [*abmd, film.z, film.z_low, film.z_high]


@pytest.mark.parametrize("report_class", ReportClass)
@pytest.mark.parametrize(
    "name", [n for n, made in CASES.items() if wording.is_one_child(made.content)]
)
def test_another_library_reads_the_numbers_as_they_were(
    name: str, report_class: ReportClass
) -> None:
    made = CASES[name]

    read: Any = srread(BytesIO(report(made, report_class)))

    groups = read.content.get_planar_roi_measurement_groups()
    assert len(groups) == len(made.content.films)
    for group, film in zip(groups, made.content.films, strict=True):
        measured = {m.name.value: m.value for m in group.get_measurements()}
        assert [measured[name.value] for name in _MEASURED] == _values(film)
        film_uid = str(film.header.sop_instance_uid)
        source = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
        assert source.ReferencedSOPInstanceUID == film_uid
        assert group.tracking_uid == tracking_uid(film_uid)
        assert [site.value.meaning for site in group.finding_sites] == ["Lumbar spine"]
        assert group.roi.graphic_type.value == "POLYLINE"
        field = film.prediction.input_field
        assert field is not None
        size = film.header.pixels.columns, film.header.pixels.rows
        corners = np.clip([*field.corners, field.corners[0]], 0, size)
        assert group.roi.value.tolist() == corners.tolist()
