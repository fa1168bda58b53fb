from __future__ import annotations

import numpy as np
import pytest

from screener.domain.eligibility import View
from screener.phantom.anatomy import build_body
from screener.phantom.clouds import joined
from screener.phantom.cohort import draw_child, stream
from screener.phantom.confounders import Extras
from screener.phantom.detector import Detector, blurred, exposed, quanta_per_signal, scatter
from screener.phantom.film import spine_truth
from screener.phantom.projection import Grid
from screener.phantom.scene import Exposure, Placement, irradiate, place
from screener.phantom.skeleton import other_bones
from screener.phantom.spine import spine_bones
from screener.phantom.technique import Technique, draw_collimation
from screener.phantom.thorax import trunk

_NO_EXTRAS = Extras(
    letter="", ecg_leads=False, port=False, tube=False, buttons=False, necklace=False
)


def _exposure(age_years: float, *, grid: bool) -> tuple[Exposure, np.ndarray]:
    """Return an exposure of a child of median size, and the spine below the diaphragm."""
    child = draw_child(3, age_years=age_years, height_z=0.0, weight_z=0.0)
    technique = Technique(
        view=View.PA, supine=False, kvp=75, mas=2.0, added_al_mm=1.0, added_cu_mm=0.1,
        sid_cm=180.0, gap_cm=2.0, grid=grid,
    )  # fmt: skip
    body = build_body(child)
    field = draw_collimation(age_years, stream("test", "field"))
    placement: Placement = place(body, technique, field, pixel_mm=1.0, rng=stream("test", "place"))
    tissue = trunk(body, placement.geometry, placement.drawn, arm_deg=30.0, thicker_cm=0.0)
    bones = joined([spine_bones(body), other_bones(body, mineral_seed=1, arm_deg=30.0)])
    exposure = irradiate(
        tissue, bones, None, placement, technique, (_NO_EXTRAS, None), rng=stream("test", "tissue")
    )
    _, mask = spine_truth(body, placement)
    spine = np.repeat(np.repeat(mask, 4, axis=0), 4, axis=1)
    rows, columns = exposure.signal.shape
    placed: Grid = placement.drawn
    assert (rows, columns) == (placed.rows, placed.columns)
    return exposure, spine[:rows, :columns]


def _scatter_fraction(exposure: Exposure, where: np.ndarray) -> float:
    scattered = exposure.signal - exposure.primary
    return float((scattered[where] / exposure.signal[where]).mean())


@pytest.mark.parametrize("age_years", [5.0, 10.0, 15.0])
def test_scatter_without_a_grid_is_within_the_bounds_for_children(age_years: float) -> None:
    exposure, spine = _exposure(age_years, grid=False)
    lung = exposure.lung_cm > 0.7 * exposure.lung_cm.max()

    assert 0.30 < _scatter_fraction(exposure, lung) < 0.65
    assert 0.65 < _scatter_fraction(exposure, spine) < 0.90


def test_a_grid_takes_most_of_the_scatter_away() -> None:
    without, spine = _exposure(12.0, grid=False)
    with_grid, _ = _exposure(12.0, grid=True)

    left = (with_grid.signal - with_grid.primary)[spine] / (without.signal - without.primary)[spine]

    assert float(left.mean()) == pytest.approx(0.30, abs=0.05)


def test_nothing_scatters_where_nothing_is_exposed() -> None:
    dark = np.zeros((60, 60), dtype=np.float32)

    assert scatter(dark, dark, dark, pixel_cm=0.1, grid=False).max() == 0.0


def test_contrast_falls_to_a_half_at_the_detectors_mtf50() -> None:
    detector, pixel_mm = Detector(mtf50_per_mm=1.26), 0.05
    at_mm = (np.arange(1600) + 0.5) * pixel_mm
    contrasts = []
    frequencies = np.linspace(1.0, 1.6, 25)
    for frequency in frequencies:
        wave = np.sin(2 * np.pi * frequency * at_mm).astype(np.float32)
        image = np.repeat(wave[None], 40, axis=0)
        middle = blurred(image, detector, pixel_mm)[20, 200:-200]
        contrasts.append(float(middle.std() / wave[200:-200].std()))

    mtf50 = np.interp(-0.5, -np.array(contrasts), frequencies)

    assert mtf50 == pytest.approx(1.26, rel=0.10)


def test_relative_noise_falls_with_the_root_of_the_quanta() -> None:
    detector = Detector(electronic_quanta=0.0)
    flat = np.ones((300, 300), dtype=np.float32)
    relative = []
    for dose_ugy in (1.0, 4.0, 16.0):
        read = exposed(
            flat,
            detector,
            dose_ugy=dose_ugy,
            reference=1.0,
            pixel_mm=1.0,
            rng=np.random.default_rng(1),
        )
        relative.append(float(read.std() / read.mean()))

    assert relative[0] / relative[1] == pytest.approx(2.0, rel=0.02)
    assert relative[1] / relative[2] == pytest.approx(2.0, rel=0.02)


def test_quanta_are_those_of_the_dose() -> None:
    quanta = quanta_per_signal(Detector(dqe=0.6), 2.5, 1.0, 0.15)

    # domain.md 5.2: about 950 effective quanta a pixel
    assert quanta == pytest.approx(950, rel=0.02)
