"""Films prepared once, by the code of the service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from rich.console import Console

from screener.dicom.pixels import read_radiograph
from screener.domain.errors import ConfigurationError
from screener.domain.reference import BmdReference
from screener.imaging.preprocess import prepare
from screener.phantom.make import make_films
from screener.storage.references import load_growth_reference
from screener.training.dataset import FilmSet, prepare_films, prepare_refused
from screener.training.manifest import Exclusion, ExclusionReason, Manifest, read_manifest


@pytest.fixture
def manifest(toy_manifest: Path, reference: BmdReference) -> Manifest:
    return read_manifest(
        toy_manifest,
        reference=reference,
        growth=load_growth_reference(),
        age_years=(3.0, 18.0),
    )


def prepared(
    manifest: Manifest, folder: Path, size_px: int = 64, workers: int = 1
) -> tuple[FilmSet, tuple[Exclusion, ...]]:
    return prepare_films(
        manifest, folder, size_px=size_px, workers=workers, console=Console(quiet=True)
    )


def test_films_are_those_that_the_service_prepares(manifest: Manifest, tmp_path: Path) -> None:
    films, _ = prepared(manifest, tmp_path)

    for row in (0, 31, 58):
        expected = prepare(read_radiograph(films.pairs[row].path.read_bytes()), 64)
        found = films.model_input(row)
        assert np.abs(found.pixels - expected.pixels).max() < 1e-5
        assert found.mm_per_pixel == pytest.approx(expected.mm_per_pixel)
        assert found.input_field == expected.input_field
        assert found.digest == expected.digest


def test_blank_film_is_excluded_and_marked_films_make_the_set_synthetic(
    manifest: Manifest, tmp_path: Path
) -> None:
    films, excluded = prepared(manifest, tmp_path)

    assert [(e.line, e.reason) for e in excluded] == [(61, ExclusionReason.BLANK_FILM)]
    assert len(films.pairs) == len(films.z) == 59
    assert films.synthetic


def test_second_run_takes_the_first_ones_films(manifest: Manifest, tmp_path: Path) -> None:
    first, _ = prepared(manifest, tmp_path)
    written = (tmp_path / "films.npy").stat().st_mtime_ns

    again, excluded = prepared(manifest, tmp_path)

    assert (tmp_path / "films.npy").stat().st_mtime_ns == written
    assert np.array_equal(first.films([3]), again.films([3]))
    assert len(excluded) == 1


def test_another_size_is_prepared_anew(manifest: Manifest, tmp_path: Path) -> None:
    prepared(manifest, tmp_path)

    films, _ = prepared(manifest, tmp_path, size_px=96)

    assert films.size_px == 96


def test_interrupted_preparation_is_made_anew(manifest: Manifest, tmp_path: Path) -> None:
    first, _ = prepared(manifest, tmp_path)
    expected = first.films([0])
    (tmp_path / "films.json").unlink()
    (tmp_path / "films.npy").write_bytes(b"half an array")

    again, _ = prepared(manifest, tmp_path)

    assert np.array_equal(again.films([0]), expected)


def test_several_processes_give_the_same_films(manifest: Manifest, tmp_path: Path) -> None:
    one, _ = prepared(manifest, tmp_path / "one")

    two, _ = prepared(manifest, tmp_path / "two", workers=2)

    assert np.array_equal(one.films(range(59)), two.films(range(59)))


def test_films_that_cannot_be_read_are_excluded(
    toy_manifest: Path, reference: BmdReference, tmp_path: Path
) -> None:
    lines = toy_manifest.read_text().splitlines()[:3]
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "0.dcm").write_bytes(b"no film")
    (tmp_path / "1.dcm").write_bytes((toy_manifest.parent / "1.dcm").read_bytes()[:3000])
    manifest = read_manifest(
        tmp_path / "manifest.csv",
        reference=reference,
        growth=load_growth_reference(),
        age_years=(3.0, 18.0),
    )

    with pytest.raises(ConfigurationError, match="none of the manifest's films"):
        prepared(manifest, tmp_path / "prepared")


def test_spine_masks_are_prepared_beside_their_films(
    tmp_path: Path, reference: BmdReference
) -> None:
    path = make_films(3, 21, tmp_path / "films", processes=1, spacing_mm=1.6)
    manifest = read_manifest(
        path, reference=reference, growth=load_growth_reference(), age_years=(3.0, 18.0)
    )

    films, _ = prepared(manifest, tmp_path / "prepared", size_px=160)

    assert films.has_spine
    spines = films.spine([0, 1, 2])
    assert spines.shape == (3, 40, 40)
    assert 0.02 < spines.mean() < 0.2
    # the spine stands in the middle third of every film
    assert spines[:, :, 13:27].sum() > 0.9 * spines.sum()


def test_films_without_masks_have_none(manifest: Manifest, tmp_path: Path) -> None:
    films, _ = prepared(manifest, tmp_path)

    assert not films.has_spine
    with pytest.raises(ConfigurationError, match="spine masks"):
        films.spine([0])


def test_a_mask_that_cannot_be_read_is_none(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(
        cv2.imencode(".png", np.full((8, 8), 255, np.uint8))[1].tobytes()
    )
    (tmp_path / "bad.png").write_bytes(b"no picture")
    pairs = [
        replace(pair, spine_mask=tmp_path / name)
        for pair, name in zip(manifest.pairs, ["good.png", "bad.png"], strict=False)
    ]

    for _ in range(2):
        films, _ = prepared(replace(manifest, pairs=tuple(pairs)), tmp_path / "prepared")

        assert [pair.spine_mask for pair in films.pairs] == [tmp_path / "good.png", None]
        assert not films.has_spine


def test_films_of_which_nothing_is_known_are_prepared_too(manifest: Manifest) -> None:
    paths = [pair.path for pair in manifest.pairs[:3]]

    films = prepare_refused(paths, size_px=64, workers=1, console=Console(quiet=True))

    assert films.array.shape == (3, 64, 64)
    assert films.array.dtype == np.uint16
    assert films.of_patients == 0


def test_films_to_be_refused_are_counted_as_patients_where_no_header_says_phantom(
    manifest: Manifest, tmp_path: Path
) -> None:
    dataset = pydicom.dcmread(manifest.pairs[0].path)
    del dataset.QualityControlImage
    dataset.save_as(tmp_path / "real.dcm")

    films = prepare_refused(
        [manifest.pairs[0].path, tmp_path / "real.dcm"],
        size_px=64,
        workers=1,
        console=Console(quiet=True),
    )

    assert (len(films.array), films.of_patients) == (2, 1)


def test_a_subset_keeps_films_and_facts_together(manifest: Manifest, tmp_path: Path) -> None:
    films, _ = prepared(manifest, tmp_path)

    some = films.subset([7, 2])

    assert [pair.line for pair in some.pairs] == [films.pairs[7].line, films.pairs[2].line]
    assert (some.films([0]) == films.films([7])).all()
    assert some.z.tolist() == films.z[[7, 2]].tolist()
