from __future__ import annotations

from datetime import date
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1

from screener.dicom.pixels import read_radiograph
from screener.dicom.uids import is_own_uid
from screener.domain.patient import age_years
from screener.phantom.cohort import Child, draw_child
from screener.phantom.film import Film, expose
from screener.phantom.odd import ODD_KINDS, odd_film
from screener.phantom.vendors import VENDORS
from screener.phantom.write_dicom import TRANSFER_SYNTAXES, encode, to_dataset


@pytest.fixture(scope="module")
def child() -> Child:
    return draw_child(51, age_years=9.3)


@pytest.fixture(scope="module")
def films(child: Child) -> dict[str, Film]:
    return {site: expose(child, seed=1, site=site, spacing_mm=1.0) for site in VENDORS}


def _read(content: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(content))


def _pixels(dataset: Dataset, transfer_syntax_uid: str) -> NDArray[np.uint16]:
    if transfer_syntax_uid in {JPEGLosslessSV1, JPEG2000Lossless}:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        decode = imagecodecs.jpeg_decode if transfer_syntax_uid == JPEGLosslessSV1 else None
        return np.asarray((decode or imagecodecs.jpeg2k_decode)(frame))
    return np.asarray(dataset.pixel_array)


@pytest.mark.parametrize("transfer_syntax_uid", TRANSFER_SYNTAXES)
@pytest.mark.parametrize("site", ["A", "B", "C"])
def test_every_transfer_syntax_keeps_every_stored_value(
    films: dict[str, Film], child: Child, site: str, transfer_syntax_uid: str
) -> None:
    film = films[site]

    dataset = _read(encode(film, child, transfer_syntax_uid=transfer_syntax_uid))

    assert dataset.file_meta.TransferSyntaxUID == transfer_syntax_uid
    assert np.array_equal(_pixels(dataset, transfer_syntax_uid), film.pixels)


def test_jpeg_lossless_is_of_first_order_prediction(films: dict[str, Film], child: Child) -> None:
    dataset = _read(encode(films["A"], child, transfer_syntax_uid=JPEGLosslessSV1))

    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    scan = frame.index(b"\xff\xda")

    # ITU-T T.81 B.2.3: one component, then the selection value
    assert frame[scan + 4] == 1
    assert frame[scan + 7] == 1


@pytest.mark.parametrize("site", list(VENDORS))
def test_headers_say_who_what_and_that_it_is_synthetic(
    films: dict[str, Film], child: Child, site: str
) -> None:
    film = films[site]

    dataset = _read(encode(film, child))

    assert str(dataset.PatientName).startswith("ZZ-SYNTHETIC^")
    assert dataset.IssuerOfPatientID
    assert dataset.QualityControlImage == "YES"
    assert dataset.ImageComments == "SYNTHETIC"
    assert dataset.BodyPartExamined == "CHEST"
    assert dataset.Modality == VENDORS[site].modality
    assert [float(v) for v in dataset.ImagerPixelSpacing] == [1.0, 1.0]
    assert dataset.PatientSex == child.sex.value
    assert float(dataset.PatientSize) == pytest.approx(child.height_cm / 100, abs=0.001)
    assert float(dataset.PatientWeight) == pytest.approx(child.weight_kg, abs=0.06)
    assert not is_own_uid(dataset.SOPInstanceUID)
    born, taken = (
        date.fromisoformat(dataset[name].value) for name in ("PatientBirthDate", "AcquisitionDate")
    )
    assert age_years(born, taken) == pytest.approx(child.age_years, abs=0.003)
    assert dataset.PatientAge == "009Y"
    assert "WindowCenter" in dataset or "VOILUTSequence" in dataset


def test_rescaled_windows_show_the_same_grey(films: dict[str, Film], child: Child) -> None:
    film = films["E"]

    dataset = _read(encode(film, child))

    values = np.array([0.1, 0.5, 0.9]) * (2**film.bits_stored - 1)
    center, width = film.grey_scale.center, film.grey_scale.width
    expected = (values - center + 0.5) / (width - 1) + 0.5
    rescaled = values * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    shown = (rescaled - float(dataset.WindowCenter) + 0.5) / (float(dataset.WindowWidth) - 1) + 0.5
    assert shown == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("site", list(VENDORS))
def test_both_photometric_interpretations_load_as_the_same_picture(child: Child, site: str) -> None:
    loaded = [
        read_radiograph(
            encode(
                expose(
                    child, seed=1, site=site, spacing_mm=1.6, photometric_interpretation=photometric
                ),
                child,
            )
        ).pixels
        for photometric in ("MONOCHROME1", "MONOCHROME2")
    ]

    assert loaded[0].std() > 0.1
    assert np.abs(loaded[0] - loaded[1]).max() < 1e-3


def test_height_and_weight_can_be_left_out(films: dict[str, Film], child: Child) -> None:
    dataset = to_dataset(films["A"], child, height=False, weight=False)

    assert "PatientSize" not in dataset
    assert "PatientWeight" not in dataset


def test_everything_can_be_overridden(films: dict[str, Film], child: Child) -> None:
    overrides = {
        "PatientBirthDate": "19800301",
        "ViewPosition": None,
        "PixelData": None,
        "PresentationIntentType": "FOR PROCESSING",
    }

    dataset = to_dataset(films["A"], child, overrides=overrides)

    taken = date.fromisoformat(dataset.AcquisitionDate)
    assert dataset.PatientAge == f"{int(age_years(date(1980, 3, 1), taken)):03d}Y"
    assert dataset.PresentationIntentType == "FOR PROCESSING"
    assert "ViewPosition" not in dataset
    assert "PixelData" not in dataset


def test_an_infants_age_is_written_in_months(films: dict[str, Film], child: Child) -> None:
    acquired = to_dataset(films["A"], child).AcquisitionDate

    dataset = to_dataset(films["A"], child, overrides={"PatientBirthDate": acquired})

    assert dataset.PatientAge == "000M"


def test_a_word_that_is_no_keyword_is_refused(films: dict[str, Film], child: Child) -> None:
    with pytest.raises(ValueError, match="PatientShoeSize"):
        to_dataset(films["A"], child, overrides={"PatientShoeSize": 38})


def test_another_transfer_syntax_is_refused(films: dict[str, Film], child: Child) -> None:
    with pytest.raises(ValueError, match="transfer syntax"):
        encode(films["A"], child, transfer_syntax_uid="1.2.840.10008.1.2.2")


def test_films_of_one_study_share_its_uid_and_no_other(child: Child) -> None:
    two = [to_dataset(expose(child, seed=seed, spacing_mm=2.0), child, study=3) for seed in (1, 2)]
    other = to_dataset(expose(child, seed=1, spacing_mm=2.0), child, study=4)
    twin = draw_child(51, age_years=9.3, z=-4.0)
    of_twin = to_dataset(expose(twin, seed=1, spacing_mm=2.0), twin, study=3)

    assert two[0].StudyInstanceUID == two[1].StudyInstanceUID
    assert two[0].AccessionNumber == two[1].AccessionNumber
    assert two[0].StudyDate == two[1].StudyDate
    instances = {dataset.SOPInstanceUID for dataset in (*two, other, of_twin)}
    assert len(instances) == 4
    assert len({dataset.StudyInstanceUID for dataset in (two[0], other, of_twin)}) == 3


def test_the_same_film_is_written_as_the_same_bytes(films: dict[str, Film], child: Child) -> None:
    assert encode(films["D"], child) == encode(films["D"], child)


@pytest.mark.parametrize("kind", ODD_KINDS)
def test_odd_films_say_what_they_are(child: Child, kind: str) -> None:
    film = odd_film(kind, child, seed=1, site="A", spacing_mm=1.0)

    dataset = _read(encode(film, child))

    part, text = {
        "lateral": ("CHEST", "lateral"),
        "hand": ("HAND", "Hand"),
        "whole_spine": ("WSPINE", "Whole spine"),
        "babygram": ("CHEST", "Babygram"),
        "blank": ("CHEST", "Chest"),
    }[kind]
    assert dataset.BodyPartExamined == part
    assert text in dataset.SeriesDescription
    assert dataset.ViewPosition == {"lateral": "LL"}.get(kind, film.view.value)
    assert np.array_equal(dataset.pixel_array, film.pixels)
    assert film.visible == ()


def test_an_odd_kind_that_is_none_is_refused(child: Child) -> None:
    with pytest.raises(ValueError, match="of kind 'foot'"):
        odd_film("foot", child, seed=1)
