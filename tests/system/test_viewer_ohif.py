"""What a radiologist sees of our objects in OHIF: a real browser, a real archive, real reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
from playwright.sync_api import Browser
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.capture import read_capture
from screener.dicom.pixels import read_radiograph
from screener.domain.patient import Sex
from screener.domain.report import ReportClass, ResultKind
from tests.support.browser import PATIENCE_S, chromium, page_of
from tests.support.low_children import LowChild, ReportedStudy, report_low_children, store
from tests.support.ohif import ohif
from tests.support.ohif_page import OhifPage, fit, greenness, likeness
from tests.support.servers import await_condition, orthanc

pytestmark = [pytest.mark.system, pytest.mark.timeout(900), pytest.mark.xdist_group("viewer")]

SIZES = [(1600, 1000), (1280, 800)]

#: Of a region's numbers the viewer draws the first five, and nothing else that belongs to it.
LINES_SHOWN = 5

OVERLAY = "AI BMD overlay (SYNTHETIC, RESEARCH)"
CARD = "AI BMD card (SYNTHETIC, RESEARCH)"
REPORT = "AI BMD report (SYNTHETIC, RESEARCH)"

DX_CHILD = LowChild(number=0, z=-4.0, age_years=9.4, sex=Sex.MALE, site="B")
CR_CHILD = LowChild(number=3, z=-3.6, age_years=6.9, sex=Sex.MALE, site="E")
TWICE = LowChild(number=1, z=-3.6, age_years=11.0, sex=Sex.FEMALE, site="B", films=2)
FILM_LOST = LowChild(number=2, z=-3.8, age_years=15.1, sex=Sex.FEMALE, site="A")


@dataclass(frozen=True, kw_only=True)
class Ward:
    """A browser, a viewer, and an archive that keeps these children's studies."""

    browser: Browser
    url: str
    dx: ReportedStudy
    #: Its report is there in every SOP class.
    cr: ReportedStudy
    #: Two films and two reports.
    twice: ReportedStudy
    #: Its film is not in the archive.
    film_lost: ReportedStudy

    @contextmanager
    def viewing(
        self, study: ReportedStudy, series_count: int, size: tuple[int, int] = SIZES[0]
    ) -> Iterator[OhifPage]:
        """Open a study in a browser that has never seen the viewer."""
        with page_of(self.browser, width=size[0], height=size[1]) as page:
            yield OhifPage(page, self.url, study.uid, series_count)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("viewer")
    # what may be missing is looked for before anything is made
    with (
        orthanc(folder / "orthanc", dicomweb=True) as archive,
        ohif(archive.http_port) as url,
        chromium() as browser,
    ):
        dx, film_lost = report_low_children([DX_CHILD, FILM_LOST], folder / "films")
        (cr,) = report_low_children([CR_CHILD], folder / "films", classes=ReportClass)
        (twice,) = report_low_children([TWICE], folder / "films", revisions=2)
        for study in (dx, cr, twice):
            store(archive.peer, study.films, folder / study.uid / "films")
        for study in (dx, cr, twice, film_lost):
            made = [result.encoded for result in study.results]
            store(archive.peer, made, folder / study.uid / "made")
        yield Ward(browser=browser, url=url, dx=dx, cr=cr, twice=twice, film_lost=film_lost)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_childs_own_film_comes_first_and_the_captures_open(
    ward: Ward, size: tuple[int, int]
) -> None:
    film = read_radiograph(ward.dx.films[0]).pixels
    overlay, card = (
        read_capture(ward.dx.of(kind)[0].encoded) for kind in (ResultKind.OVERLAY, ResultKind.CARD)
    )
    with ward.viewing(ward.dx, 4, size) as viewer:
        # nothing was clicked: this is the default hanging protocol
        viewer.await_title("Chest")
        viewer.await_picture(film)
        viewer.keep(f"{size[0]}-film")
        listed = viewer.series()

        viewer.open(1)
        viewer.await_title(OVERLAY)
        viewer.await_picture(overlay)
        viewer.keep(f"{size[0]}-overlay")
        viewer.open(2)
        viewer.await_title(CARD)
        viewer.await_picture(card)
        viewer.keep(f"{size[0]}-card")
        # the measure tells one picture from another
        assert likeness(viewer.picture(), overlay) < 0.5

        viewer.open(0)
        viewer.await_title("Chest")
        viewer.await_picture(film)

    assert [(s.modality, s.description) for s in listed] == [
        ("DX", "Chest"),
        ("OT", OVERLAY),
        ("OT", CARD),
        ("SR", REPORT),
    ]
    # whoever sorts by modality or by number finds the film first, too
    assert min(listed, key=lambda s: s.modality) is listed[0]
    assert min(listed, key=lambda s: s.number) is listed[0]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_report_draws_its_region_and_numbers_on_the_film(
    ward: Ward, size: tuple[int, int]
) -> None:
    report = ward.dx.of(ResultKind.REPORT)[0].encoded
    with ward.viewing(ward.dx, 4, size) as viewer:
        viewer.open(3)
        corners = viewer.region()
        labels = viewer.labels()
        viewer.await_picture(read_radiograph(ward.dx.films[0]).pixels)
        viewer.keep(f"{size[0]}-report")
        picture = viewer.picture()
        # the field is as wide as the film: what stands beside it is cut off until one zooms out
        for _ in range(3):
            viewer.zoom_out()
        await_condition(lambda: viewer.room_for_labels() > 0, PATIENCE_S, "room for every number")
        viewer.keep(f"{size[0]}-report-zoomed-out")
        assert viewer.labels() == labels

    estimate = ward.dx.estimate
    assert labels == numbers(groups(report)[0])[:LINES_SHOWN]
    assert any(line.endswith(f": {estimate.abmd_g_cm2:.2f} g/cm2") for line in labels)
    assert any(line.endswith(f": {estimate.z:.2f} {{SD}}") for line in labels)
    assert any(line.endswith(f": {estimate.z_low:.2f} {{SD}}") for line in labels)
    assert np.abs(corners - on_screen(picture, ward.dx.films[0], groups(report)[0])).max() < 4
    assert greenness(picture, corners) > 0.9


def test_a_cr_film_comes_first_and_its_report_opens_in_every_class(ward: Ward) -> None:
    reports = ward.cr.of(ResultKind.REPORT)
    assert len({made.sop_class_uid for made in reports}) == 3
    film = read_radiograph(ward.cr.films[0]).pixels
    expected = numbers(groups(reports[0].encoded)[0])[:LINES_SHOWN]

    with ward.viewing(ward.cr, 6) as viewer:
        viewer.await_title("Chest")
        viewer.await_picture(film)
        listed = viewer.series()
        for position in (3, 4, 5):
            viewer.open(1)
            viewer.await_title(OVERLAY)
            viewer.open(position)
            viewer.await_title("Chest")
            corners = viewer.region()
            viewer.await_picture(film)
            assert viewer.labels() == expected
            assert greenness(viewer.picture(), corners) > 0.9
            viewer.keep(f"cr-report-{position}")

    assert [s.modality for s in listed] == ["CR", "OT", "OT", "SR", "SR", "SR"]


def test_two_films_have_an_overlay_each_and_a_revised_report_is_told_from_the_old(
    ward: Ward,
) -> None:
    revised = ward.twice.of(ResultKind.REPORT)[1].encoded
    films = {str(dcmread(BytesIO(film)).SOPInstanceUID): film for film in ward.twice.films}
    overlays = [read_capture(made.encoded) for made in ward.twice.of(ResultKind.OVERLAY)[2:]]

    with ward.viewing(ward.twice, 8) as viewer:
        viewer.await_title("Chest")
        listed = viewer.series()
        names = [series.description for series in listed]
        viewer.keep("twice-film")

        viewer.open(names.index(again(OVERLAY)))
        viewer.await_title(again(OVERLAY))
        viewer.await_picture(overlays[0])
        viewer.next_image()
        viewer.await_picture(overlays[1])
        assert likeness(viewer.picture(), overlays[0]) < 0.9
        viewer.keep("twice-overlay")

        # the viewer draws a report's first region, and does not go on to another film's
        viewer.open(names.index(again(REPORT)))
        viewer.await_title("Chest")
        first = groups(revised)[0]
        corners = viewer.region()
        viewer.await_picture(read_radiograph(films[source_of(first)]).pixels)
        viewer.keep("twice-report")
        assert viewer.labels() == numbers(first)[:LINES_SHOWN]
        assert greenness(viewer.picture(), corners) > 0.9

    assert [(s.modality, s.description) for s in listed[:2]] == [("DX", "Chest")] * 2
    assert sorted(names[2:]) == sorted(
        [OVERLAY, CARD, REPORT, *(again(name) for name in (OVERLAY, CARD, REPORT))]
    )


def test_without_the_film_the_captures_are_shown(ward: Ward) -> None:
    overlay = read_capture(ward.film_lost.of(ResultKind.OVERLAY)[0].encoded)

    with ward.viewing(ward.film_lost, 3) as viewer:
        viewer.await_title(OVERLAY)
        viewer.await_picture(overlay)
        viewer.keep("film-lost")


def again(description: str) -> str:
    """Return the description of the second report's series."""
    return description.replace(" (", " REVISED 2 (")


def groups(report: bytes) -> list[Dataset]:
    """Return the measurement groups of a report, one to a film."""
    document = dcmread(BytesIO(report))
    (measurements,) = (i for i in document.ContentSequence if concept(i) == "126010")
    return [item for item in measurements.ContentSequence if concept(item) == "125007"]


def numbers(group: Dataset) -> list[str]:
    """Return the numbers of a group as the viewer writes them."""
    return [
        f"{item.ConceptNameCodeSequence[0].CodeMeaning}: {float(value.NumericValue):.2f} "
        f"{value.MeasurementUnitsCodeSequence[0].CodeValue}"
        for item in group.ContentSequence
        if item.ValueType == "NUM"
        for value in item.MeasuredValueSequence
    ]


def region_of(group: Dataset) -> Dataset:
    """Return the region of a group."""
    region: Dataset
    (region,) = (item for item in group.ContentSequence if item.ValueType == "SCOORD")
    return region


def source_of(group: Dataset) -> str:
    """Return the SOP Instance UID of the film that a group speaks of."""
    selected: Dataset = region_of(group).ContentSequence[0]
    return str(selected.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)


def on_screen(picture: np.ndarray, film: bytes, group: Dataset) -> np.ndarray:
    """Return where a group's region lies in a viewport that shows its whole film."""
    image = dcmread(BytesIO(film))
    scale, corner = fit(picture, image.Rows, image.Columns)
    return np.array(region_of(group).GraphicData).reshape(-1, 2) * scale + corner


def concept(item: Dataset) -> str:
    """Return the code of an item's name."""
    return str(item.ConceptNameCodeSequence[0].CodeValue)
