"""Blank films, however a vendor stretched them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from screener.dicom.pixels import Radiograph
from screener.domain.screening import NotScoredReason
from screener.imaging.quality import assess

Pixels = npt.NDArray[np.float32]


def radiograph(pixels: npt.NDArray[np.floating]) -> Radiograph:
    stretched = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-6)
    return Radiograph(pixels=stretched.astype(np.float32), spacing_mm=(0.15, 0.15))


def chest() -> npt.NDArray[np.float64]:
    """Return two dark lungs beside a bright spine, with noise."""
    rows, columns = np.mgrid[-1:1:1200j, -1:1:1000j]
    lungs = sum(
        np.exp(-(((columns - side) / 0.28) ** 2) - ((rows + 0.1) / 0.55) ** 2)
        for side in (-0.45, 0.45)
    )
    noise = np.random.default_rng(0).normal(0, 0.02, rows.shape)
    return np.asarray(0.7 - 0.5 * lungs + 0.15 * (np.abs(columns) < 0.08) + noise)


def test_a_chest_is_not_blank() -> None:
    report = assess(radiograph(chest()))

    assert report.reason is None
    assert report.structure > 0.1


def test_a_chest_inside_wide_shutters_is_not_blank() -> None:
    film = chest()
    film[:300] = film[-200:] = film.min()
    film[:, :250] = film.min()

    report = assess(radiograph(film))

    assert report.reason is None
    assert report.exposed_share < 0.6


def test_one_grey_is_blank() -> None:
    report = assess(Radiograph(pixels=np.full((800, 600), 0.4, np.float32), spacing_mm=(0.2, 0.2)))

    assert report.reason is NotScoredReason.BLANK_FILM


def test_noise_stretched_to_full_contrast_is_blank() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (1200, 1000))

    assert assess(radiograph(noise)).reason is NotScoredReason.BLANK_FILM


def test_the_slope_of_the_beam_stretched_to_full_contrast_is_blank() -> None:
    rows, columns = np.mgrid[-1:1:1200j, -1:1:1000j]
    noise = np.random.default_rng(2).normal(0, 0.02, rows.shape)
    beam = 1 - 0.08 * rows - 0.05 * (rows**2 + columns**2) + noise

    assert assess(radiograph(beam)).reason is NotScoredReason.BLANK_FILM


def test_a_slit_of_exposure_is_blank() -> None:
    film = np.zeros((1000, 1000))
    film[480:510, 480:510] = np.random.default_rng(3).uniform(0.3, 1.0, (30, 30))

    assert assess(radiograph(film)).reason is NotScoredReason.BLANK_FILM
