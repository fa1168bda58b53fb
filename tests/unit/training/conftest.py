"""Toy children: films of a bright band whose contrast tells the Z, in memory and as DICOM files."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from screener.domain.patient import ClinicalVariables, Measurement, Sex, Source
from screener.domain.reference import BmdReference
from screener.predictor.encoding import encode_clinical
from screener.storage.references import load_bmd_reference
from screener.training.dataset import FilmSet, PreparedFacts
from screener.training.manifest import COLUMNS, Pair

SIDE_PX = 64


def toy_picture(z: float, rng: np.random.Generator, side_px: int) -> npt.NDArray[np.float64]:
    """Return ``[side, side]``, 0 to 1: a band that stands out more the higher the Z."""
    y, x = np.mgrid[-1 : 1 : side_px * 1j, -1 : 1 : side_px * 1j]
    ground = 0.35 + 0.1 * y + rng.uniform(-0.05, 0.05)
    middle = rng.uniform(-0.2, 0.2)
    band = (0.2 + 0.04 * z) * (np.abs(x - middle) < 0.15)
    edge = 0.3 * (np.abs(x) > 0.8)
    noise = rng.normal(0, 0.02, x.shape)
    return np.asarray(np.clip(ground + band + edge + noise, 0.0, 1.0))


def toy_child(rng: np.random.Generator) -> ClinicalVariables:
    age_years = float(rng.uniform(4, 17))
    height_m = 0.75 + 0.06 * age_years + float(rng.normal(0, 0.05))
    return ClinicalVariables(
        age_years=age_years,
        sex=Sex.MALE if rng.random() < 0.5 else Sex.FEMALE,
        height_m=Measurement(value=height_m, source=Source.HEADER),
        weight_kg=Measurement(value=17 * height_m**2.2, source=Source.HEADER),
    )


def toy_pair(number: int, z: float, clinical: ClinicalVariables, patient: str) -> Pair:
    reference = load_bmd_reference("synthetic-demo")
    return Pair(
        line=number + 2,
        path=Path(f"{number}.dcm"),
        patient=patient,
        site="A",
        clinical=clinical,
        abmd_g_cm2=reference.abmd_g_cm2(sex=clinical.sex, age_years=clinical.age_years, z_score=z),
        z=z,
    )


def make_toy_films(count: int, seed: int = 0, per_patient: int = 1) -> FilmSet:
    rng = np.random.default_rng(seed)
    pairs, pictures = [], []
    for number in range(count):
        z = float(rng.uniform(-4, 2))
        patient = f"child-{number // per_patient}"
        pairs.append(toy_pair(number, z, toy_child(rng), patient))
        pictures.append(toy_picture(z, rng, SIDE_PX))
    return FilmSet(
        pairs=tuple(pairs),
        facts=tuple(
            PreparedFacts(
                reason=None,
                mm_per_pixel=4.0,
                corners=((0.0, 0.0), (64.0, 0.0), (64.0, 64.0), (0.0, 64.0)),
                digest=f"{number:064x}",
                synthetic=True,
            )
            for number in range(count)
        ),
        array=np.round(np.stack(pictures) * 65535).astype(np.uint16),
        places=np.arange(count),
        clinical=np.stack([encode_clinical(pair.clinical, 4.0) for pair in pairs]),
        z=np.array([pair.z for pair in pairs], np.float32),
    )


def write_toy_film(
    path: Path, picture: npt.NDArray[np.float64], acquired_on: str | None = None
) -> None:
    dataset = Dataset()
    if acquired_on is not None:
        dataset.AcquisitionDate = acquired_on
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = (
        pydicom.uid.DigitalXRayImageStorageForPresentation
    )
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[path.name, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[path.name, "series"])
    dataset.Modality = "DX"
    dataset.QualityControlImage = "YES"
    dataset.ImagerPixelSpacing = [0.4, 0.4]
    dataset.Rows, dataset.Columns = picture.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.round(picture * 4095).astype("<u2").tobytes()
    dataset.save_as(path, enforce_file_format=True)


def write_toy_manifest(folder: Path, count: int, seed: int = 0) -> Path:
    """Write films and their manifest; the last film is blank."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    reference = load_bmd_reference("synthetic-demo")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, "z", "seed"])
        writer.writeheader()
        for number in range(count):
            z, child = float(rng.uniform(-4, 2)), toy_child(rng)
            picture = toy_picture(z, rng, 160)
            if number == count - 1:
                picture = np.full_like(picture, 0.5)
            write_toy_film(folder / f"{number}.dcm", picture)
            writer.writerow(
                {
                    "path": f"{number}.dcm",
                    "patient": f"ZZ-SYNTHETIC-{number}",
                    "site": "A",
                    "view": "PA",
                    "age_years": child.age_years,
                    "sex": child.sex.value,
                    "height_cm": round((child.height_m.value or math.nan) * 100, 1),
                    "weight_kg": child.weight_kg.value,
                    "z": z,
                    "abmd_g_cm2": reference.abmd_g_cm2(
                        sex=child.sex, age_years=child.age_years, z_score=z
                    ),
                    "seed": seed,
                }
            )
    return folder / "manifest.csv"


@pytest.fixture(scope="session")
def toy_films() -> FilmSet:
    return make_toy_films(240)


@pytest.fixture(scope="session")
def toy_manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_manifest(tmp_path_factory.mktemp("toy"), 60)


@pytest.fixture(scope="session")
def reference() -> BmdReference:
    return load_bmd_reference("synthetic-demo")
