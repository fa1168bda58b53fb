from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from screener.domain.eligibility import View
from screener.phantom.anatomy import LEVELS
from screener.phantom.cohort import draw_child, stream
from screener.phantom.film import MASK_SHRINK, Film, Staging, expose, spine_mask_of
from screener.phantom.vendors import VENDORS, Voi

_COARSE_MM = 1.0


def _grey(film: Film) -> NDArray[np.float64]:
    """Return a film as its header says to show it, 0 black to 1 white (PS3.3 C.11.2)."""
    scale, values = film.grey_scale, film.pixels.astype(np.float64)
    if scale.voi is Voi.LUT:
        assert scale.lut is not None
        grey = scale.lut[np.clip(film.pixels - scale.first, 0, len(scale.lut) - 1)] / 65535
    elif scale.voi is Voi.SIGMOID:
        grey = 1 / (1 + np.exp(-4 * (values - scale.center) / scale.width))
    else:
        grey = np.clip((values - scale.center + 0.5) / (scale.width - 1) + 0.5, 0, 1)
    return 1 - grey if film.photometric_interpretation == "MONOCHROME1" else np.asarray(grey)


@pytest.mark.parametrize("site", list(VENDORS))
def test_monochrome1_shows_the_same_picture_as_monochrome2(site: str) -> None:
    child = draw_child(21)
    films = [
        expose(child, seed=4, site=site, spacing_mm=_COARSE_MM, photometric_interpretation=kind)
        for kind in ("MONOCHROME2", "MONOCHROME1")
    ]

    top = 2 ** films[0].bits_stored - 1

    assert np.array_equal(films[0].pixels, top - films[1].pixels)
    assert np.abs(_grey(films[0]) - _grey(films[1])).max() < 1e-4


def test_one_seed_gives_one_film() -> None:
    child = draw_child(22)

    films = [expose(child, seed=5, site="B", spacing_mm=_COARSE_MM) for _ in range(2)]

    assert np.array_equal(films[0].pixels, films[1].pixels)
    assert np.array_equal(films[0].spine_mask, films[1].spine_mask)
    assert films[0].technique == films[1].technique


def test_another_seed_or_site_gives_another_film() -> None:
    child = draw_child(22)
    film = expose(child, seed=5, site="B", spacing_mm=_COARSE_MM)

    again = expose(child, seed=6, site="B", spacing_mm=_COARSE_MM)
    elsewhere = expose(child, seed=5, site="D", spacing_mm=_COARSE_MM)

    for other in (again, elsewhere):
        same_shape = other.pixels.shape == film.pixels.shape
        assert not (same_shape and np.array_equal(other.pixels, film.pixels))


def test_stored_values_stay_within_the_bits_and_use_them() -> None:
    for site, vendor in VENDORS.items():
        film = expose(draw_child(23), seed=1, site=site, spacing_mm=_COARSE_MM)
        top = 2**vendor.bits_stored - 1
        assert film.bits_stored == vendor.bits_stored
        assert film.pixels.max() <= top
        low, high = np.percentile(film.pixels, [2, 98])
        assert high - low > 0.3 * top


def test_the_field_reaches_the_level_asked_for() -> None:
    child = draw_child(24, age_years=9.0)

    lowest = {
        level: expose(
            child, seed=2, spacing_mm=_COARSE_MM, staging=Staging(lowest=level)
        ).lowest_visible
        for level in ("T11", "L1", "L4")
    }

    for asked, seen in lowest.items():
        # tilt and perspective may hide or show one vertebra more
        assert abs(LEVELS.index(seen) - LEVELS.index(asked)) <= 1


def test_vertebrae_are_brighter_than_what_lies_beside_them() -> None:
    film = expose(
        draw_child(25, age_years=10.0, z=0.0),
        seed=3,
        site="A",
        spacing_mm=0.5,
        staging=Staging(lowest="L3"),
    )
    grey = _grey(film)
    mask = np.repeat(np.repeat(film.spine_mask, MASK_SHRINK, 0), MASK_SHRINK, 1)
    mask = mask[: grey.shape[0], : grey.shape[1]]
    width = int(mask.any(axis=0).sum())
    rows = np.flatnonzero(mask.any(axis=1))
    below = slice(int(np.percentile(rows, 80)), int(rows[-1]))
    spine = grey[below][mask[below]].mean()
    beside = np.roll(mask, width, axis=1)[below]
    assert spine > grey[below][beside].mean()
    assert mask.mean() > 0.01


def test_a_twin_with_less_mineral_differs_where_bone_is() -> None:
    child, low = draw_child(26, z=1.0), draw_child(26, z=-3.0)
    films = [
        expose(c, seed=3, site="B", spacing_mm=_COARSE_MM, staging=Staging(lowest="L2"))
        for c in (child, low)
    ]

    # one child, one film seed: the same field, pose, objects and noise
    assert films[0].technique == films[1].technique
    assert np.array_equal(films[0].spine_mask, films[1].spine_mask)
    difference = np.abs(_grey(films[0]) - _grey(films[1]))
    mask = np.repeat(np.repeat(films[0].spine_mask, MASK_SHRINK, 0), MASK_SHRINK, 1)
    mask = mask[: difference.shape[0], : difference.shape[1]]
    assert difference[mask].mean() > difference[~mask].mean()


def test_a_mask_needs_no_film() -> None:
    child = draw_child(14)

    mask = spine_mask_of(child, seed=2, site="C", spacing_mm=1.6)

    assert np.array_equal(mask, expose(child, seed=2, site="C", spacing_mm=1.6).spine_mask)


def test_about_one_film_in_seven_is_monochrome1() -> None:
    inverted = [stream(seed, "film", 1, "photometric").random() < 0.15 for seed in range(2000)]
    some = [inverted.index(True), inverted.index(False)]

    films = [expose(draw_child(seed), seed=1, spacing_mm=2.0) for seed in some]

    assert [film.photometric_interpretation for film in films] == ["MONOCHROME1", "MONOCHROME2"]
    assert np.mean(inverted) == pytest.approx(1 / 7, abs=0.03)


def test_a_view_can_be_asked_for() -> None:
    child = draw_child(27)

    views = [expose(child, seed=1, spacing_mm=2.0, view=view).view for view in (View.PA, View.AP)]

    assert views == [View.PA, View.AP]


def test_what_the_phantom_cannot_do_is_refused() -> None:
    child = draw_child(28)

    with pytest.raises(ValueError, match="site 'Q'"):
        expose(child, seed=1, site="Q")
    with pytest.raises(ValueError, match="spacing_mm"):
        expose(child, seed=1, spacing_mm=5.0)
    with pytest.raises(ValueError, match="PA or AP"):
        expose(child, seed=1, view=View.FRONTAL)
