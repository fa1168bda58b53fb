"""What chance adds to a film comes from streams of its own: films without it stay as they were."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from screener.phantom.cohort import draw_child
from screener.phantom.film import Staging, expose
from screener.phantom.header import header
from screener.phantom.overlays import draw_further, draws_new_confounder, has_rods, has_shield

#: Of the code before opacities, shields and rods: a child's seed and the site; pixels about the
#: middle of its film of 0.8 mm, in which a change of any draw would show, noise included; and the
#: beginning of a digest of its header.
_BEFORE = [
    (
        9010000000,
        "B",
        (447, 334),
        [
            [7746, 7639, 7701, 7608, 7721, 7533],
            [7568, 7729, 7643, 7790, 7499, 7440],
            [7424, 7569, 7746, 7615, 7545, 7432],
            [7416, 7416, 7566, 7710, 7547, 7410],
            [7519, 7442, 7628, 7590, 7419, 7621],
        ],
        "e6ca4cb5f5632ca7",
    ),
    (
        9010000005,
        "D",
        (432, 437),
        [
            [1162, 1191, 1446, 1742, 1923, 2020],
            [1162, 1171, 1439, 1685, 1875, 2021],
            [1146, 1129, 1369, 1672, 1871, 2013],
            [1142, 1130, 1360, 1607, 1862, 1997],
            [1127, 1136, 1318, 1630, 1857, 2037],
        ],
        "910cd6652fc3c3e5",
    ),
    (
        9010000004,
        "E",
        (426, 333),
        [
            [2491, 2532, 2525, 2548, 2500, 2501],
            [2478, 2467, 2516, 2543, 2492, 2493],
            [2508, 2468, 2491, 2494, 2481, 2516],
            [2498, 2475, 2491, 2517, 2499, 2489],
            [2588, 2557, 2570, 2606, 2572, 2516],
        ],
        "dab5839de734ef18",
    ),
]


@pytest.mark.parametrize(("seed", "site", "shape", "middle", "digest"), _BEFORE)
def test_a_film_without_anything_further_is_what_it_was_before(
    seed: int, site: str, shape: tuple[int, int], middle: list[list[int]], digest: str
) -> None:
    assert not draws_new_confounder(seed, 1)
    child = draw_child(seed)

    film = expose(child, seed=1, site=site, spacing_mm=0.8)

    assert film.pixels.shape == shape
    row, column = shape[0] // 2, shape[1] // 2
    seen = film.pixels[row : row + 5, column : column + 6].astype(int)
    # another processor may round the last place otherwise
    assert np.abs(seen - np.array(middle)).max() <= 1
    items = repr(sorted(header(film, child).items()))
    assert hashlib.sha256(items.encode()).hexdigest()[:16] == digest


def test_chances_are_those_of_the_recipe() -> None:
    seeds = range(4000)

    assert np.mean([has_shield(s, 1) for s in seeds]) == pytest.approx(0.05, abs=0.012)
    assert np.mean([has_rods(s) for s in seeds]) == pytest.approx(0.01, abs=0.005)
    assert np.mean([draws_new_confounder(s, 1) for s in seeds]) == pytest.approx(0.155, abs=0.02)


def test_what_is_drawn_without_a_film_is_what_the_film_shows() -> None:
    seeds = [s for s in range(300) if draws_new_confounder(s, 1)][:12]
    seen = {s: expose(draw_child(s), seed=1, spacing_mm=2.0).extras for s in seeds}

    for seed, extras in seen.items():
        further = draw_further(seed, 1)
        assert extras.opacity == (further.opacity.kind if further.opacity else "")
        assert extras.over_spine == further.over_spine
        # a shield may lie beyond the field
        assert further.shield or not extras.shield


def test_a_film_shows_what_chance_added_and_is_the_same_beside_it() -> None:
    seed = next(s for s in range(300) if draw_further(s, 1).opacity is not None)
    child = draw_child(seed)

    with_it = expose(child, seed=1, spacing_mm=1.6)
    without = expose(child, seed=1, spacing_mm=1.6, staging=Staging(clear=True))

    assert with_it.extras.opacity
    assert not without.extras.opacity
    assert with_it.technique == without.technique
    assert np.array_equal(with_it.spine_mask, without.spine_mask)
    assert not np.array_equal(with_it.pixels, without.pixels)


def test_rods_stay_in_a_child_from_film_to_film() -> None:
    child = draw_child(next(s for s in range(1000) if has_rods(s)))

    films = [expose(child, seed=seed, spacing_mm=2.0) for seed in (1, 2)]

    assert [film.extras.over_spine for film in films] == ["rods", "rods"]
    assert all("rods" in film.extras.names.split() for film in films)
