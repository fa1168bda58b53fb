from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.dicom.dataset import open_instance
from screener.dicom.display import film_display
from tests.conformance.contents import COLUMNS, ROWS, make_source
from tests.conformance.displays import DISPLAYS, lut


def display(**source: Any) -> Dataset:
    """Return the display of a film after it went through a file."""
    film = open_instance(make_source(1, **source)).dataset
    shown = film_display(film, rows=ROWS, columns=COLUMNS)
    file = BytesIO()
    shown.save_as(file, implicit_vr=False, little_endian=True)
    return dcmread(BytesIO(file.getvalue()), force=True)


@pytest.mark.parametrize(
    ("photometric", "shape"), [("MONOCHROME1", "INVERSE"), ("MONOCHROME2", "IDENTITY")]
)
def test_the_polarity_is_the_films(photometric: str, shape: str) -> None:
    shown = display(PhotometricInterpretation=photometric)

    assert shown.PresentationLUTShape == shape


def test_the_first_window_speaks_with_its_name_and_function() -> None:
    shown = display(VOILUTFunction="SIGMOID", **DISPLAYS["three windows"])

    (voi,) = shown.SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth) == (2000, 3000)
    assert voi.WindowCenterWidthExplanation == "FIRST"
    assert voi.VOILUTFunction == "SIGMOID"


def test_a_voi_lut_speaks_before_a_window_and_is_written_in_16_bits() -> None:
    (voi,) = display(**DISPLAYS["VOI LUT of 10 bits"], **DISPLAYS["window"]).SoftcopyVOILUTSequence

    (table,) = voi.VOILUTSequence
    entries = np.frombuffer(table.LUTData, "<u2")
    assert list(table.LUTDescriptor) == [4096, 0, 16]
    assert (entries[0], entries[-1]) == (0, 65535)
    assert "WindowCenter" not in voi


def test_a_lut_of_65536_entries_is_written_and_begins_below_zero_where_values_do() -> None:
    table = lut(np.arange(65536), bits=16)
    del table.LUTDescriptor
    table.add_new("LUTDescriptor", "SS", [0, -32768, 16])

    (voi,) = display(VOILUTSequence=[table], PixelRepresentation=1).SoftcopyVOILUTSequence

    written = voi.VOILUTSequence[0]
    assert written["LUTDescriptor"].VR == "SS"
    assert list(written.LUTDescriptor) == [0, -32768, 16]
    assert len(written.LUTData) == 2 * 65536


def test_a_modality_lut_keeps_its_values_and_gets_a_window_over_them() -> None:
    shown = display(ModalityLUTSequence=[lut(np.arange(4096)[::-1] // 2, ModalityLUTType="OD")])

    (table,) = shown.ModalityLUTSequence
    assert np.frombuffer(table.LUTData, "<u2")[0] == 2047
    assert table.ModalityLUTType == "OD"
    (voi,) = shown.SoftcopyVOILUTSequence
    assert (voi.WindowCenter, voi.WindowWidth) == (2048, 4096)


def test_a_rescale_is_kept_with_its_type_and_a_film_without_one_gets_none() -> None:
    rescaled, plain = display(RescaleSlope="0.5", RescaleIntercept="-1000"), display()

    assert (rescaled.RescaleSlope, rescaled.RescaleIntercept) == (0.5, -1000)
    assert rescaled.RescaleType == "US"
    assert "RescaleSlope" not in plain


def test_a_slope_of_zero_is_taken_for_none() -> None:
    assert display(**DISPLAYS["slope 0"]).RescaleSlope == 1


@pytest.mark.parametrize("name", ["no window", "window of width 0"])
def test_a_film_without_a_usable_window_gets_none(name: str) -> None:
    assert "SoftcopyVOILUTSequence" not in display(**DISPLAYS[name])


def test_a_number_that_is_too_long_is_shortened() -> None:
    (voi,) = display(**DISPLAYS["rescale"]).SoftcopyVOILUTSequence

    assert voi.WindowCenter == pytest.approx(40.123456789)
    assert len(str(voi.WindowCenter)) <= 16


@pytest.mark.parametrize(
    ("source", "ratio"),
    [
        ({}, [1, 1]),
        ({"ImagerPixelSpacing": [0.143, 0.2]}, [143, 200]),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.3, 0.2]}, [3, 2]),
        ({"ImagerPixelSpacing": None, "PixelAspectRatio": [2, 3]}, [2, 3]),
        ({"ImagerPixelSpacing": [0, 0.2]}, [1, 1]),
        ({"ImagerPixelSpacing": None}, [1, 1]),
    ],
)
def test_the_whole_film_is_shown_with_pixels_of_its_shape(
    source: dict[str, Any], ratio: list[int]
) -> None:
    (area,) = display(**source).DisplayedAreaSelectionSequence

    assert list(area.DisplayedAreaTopLeftHandCorner) == [1, 1]
    assert list(area.DisplayedAreaBottomRightHandCorner) == [COLUMNS, ROWS]
    assert area.PresentationSizeMode == "SCALE TO FIT"
    assert list(area.PresentationPixelAspectRatio) == ratio


@pytest.mark.parametrize("name", ["shutter", "two shutters"])
def test_a_shutter_is_kept_for_else_the_films_rim_would_glare(name: str) -> None:
    shown = display(**DISPLAYS[name])

    for keyword, value in DISPLAYS[name].items():
        assert shown[keyword].value == value
    assert shown.ShutterPresentationValue == 0


@pytest.mark.parametrize(
    "change",
    [
        {"ShutterShape": "BITMAP"},
        {"ShutterShape": ["RECTANGULAR", "CIRCULAR"]},
        {"ShutterLeftVerticalEdge": ""},
        {"ShutterLeftVerticalEdge": 999999},
        {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [1, 1, 1]},
    ],
)
def test_a_shutter_that_cannot_be_read_whole_is_left_out(change: dict[str, Any]) -> None:
    shown = display(**{**DISPLAYS["shutter"], **change})

    assert [e.keyword for e in shown if e.keyword.startswith("Shutter")] == []
