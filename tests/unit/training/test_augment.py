"""Augmentation changes pictures and keeps what is true of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from screener.predictor.encoding import HEIGHT, HEIGHT_KNOWN, LOG_MM, WEIGHT, WEIGHT_KNOWN
from screener.training.augment import (
    MISSING_SHARES,
    _change_greys,
    _cover,
    _move,
    augment_films,
    forget_at_random,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clinical(count: int) -> torch.Tensor:
    return torch.tensor([[10.0, 1.0, 1.4, 33.0, 0.2, 1.0, 1.0]]).repeat(count, 1)


def test_films_stay_in_range_and_in_shape() -> None:
    films = torch.rand(8, 1, 64, 64)

    changed, told = augment_films(films, clinical(8), generator())

    assert changed.shape == films.shape
    assert told.shape == (8, 7)
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0
    assert (changed - films).abs().mean() > 0.01


def test_same_seed_gives_the_same_films_and_the_originals_are_left_alone() -> None:
    films, told = torch.rand(4, 1, 64, 64), clinical(4)
    before = films.clone()

    first = augment_films(films, told, generator(5))
    again = augment_films(films, told, generator(5))

    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert torch.equal(films, before)
    assert torch.equal(told, clinical(4))


def test_a_magnified_disc_is_told_to_have_smaller_pixels() -> None:
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    disc = torch.from_numpy(((x**2 + y**2) < 0.25).astype(np.float32))
    films = disc[None, None].repeat(24, 1, 1, 1)

    changed, told = augment_films(films, clinical(24), generator(3))

    # the disc's true size in mm is what it was, by its new pixels and its new scale
    area = (changed > 0.5).sum(dim=(1, 2, 3)) / (films > 0.5).sum(dim=(1, 2, 3))
    magnified = torch.exp(0.2 - told[:, LOG_MM])
    assert magnified.min() < 0.95
    assert magnified.max() > 1.05
    # erased corners and cropped edges touch a few films only
    assert float((area - magnified**2).abs().median()) < 0.01


def dots(count: int) -> torch.Tensor:
    """Return films with a bright dot in the middle and one to its right, 40 px apart."""
    y, x = np.mgrid[0:128, 0:128]
    picture = np.zeros((128, 128), np.float32)
    for column in (64, 104):
        picture += np.exp(-((x - column) ** 2 + (y - 64) ** 2) / 8).astype(np.float32)
    return torch.from_numpy(picture)[None, None].repeat(count, 1, 1, 1)


def test_films_turn_and_shift_within_bounds_and_are_never_mirrored() -> None:
    moved, log_scale = _move(dots(200), generator(2))

    position = torch.arange(128.0)
    found = []
    for columns in (slice(0, 84), slice(84, 128)):
        part = torch.zeros_like(moved)
        part[..., columns] = moved[..., columns]
        mass = part.sum(dim=(1, 2, 3))
        found.append(
            (
                (part.sum(dim=2)[:, 0] @ position) / mass,
                (part.sum(dim=3)[:, 0] @ position) / mass,
            )
        )
    (x, y), (right_x, right_y) = found
    angle = torch.rad2deg(torch.atan2(right_y - y, right_x - x))
    apart = torch.hypot(right_x - x, right_y - y)
    # a mirrored film has its second dot left of the first; 6.4 px are 5 % of the side, and the
    # middle of the film moves with the scale, too
    assert 6 < angle.abs().max() <= 7.3
    assert angle.min() < -4 < 4 < angle.max()
    assert 5 < (x - 64).abs().max() < 7.8
    assert 5 < (y - 64).abs().max() < 7.8
    assert torch.allclose(apart / 40, torch.exp(log_scale), atol=0.03)


def test_greys_change_by_gamma_contrast_and_noise_alone() -> None:
    films = torch.full((400, 1, 16, 16), 0.5)

    changed = _change_greys(films, generator(4))

    level = changed.mean(dim=(1, 2, 3))
    # 0.5 to the power of 0.8 to 1.25, times 0.9 to 1.1, plus or minus 0.05
    assert 0.30 < level.min() < 0.38
    assert 0.60 < level.max() < 0.70
    noise = changed.std(dim=(1, 2, 3))
    assert noise.min() < 0.001
    assert 0.015 < noise.max() < 0.024


def test_some_films_are_blurred_a_little() -> None:
    edge = torch.zeros(300, 1, 32, 32) + 0.2
    edge[..., 16:] = 0.8

    changed = _change_greys(edge, generator(5))

    step = changed[..., 16].mean(dim=(1, 2)) - changed[..., 15].mean(dim=(1, 2))
    whole = changed[..., 24:].mean(dim=(1, 2, 3)) - changed[..., :8].mean(dim=(1, 2, 3))
    blurred = step / whole < 0.9
    assert 0.15 < blurred.float().mean() < 0.35
    assert (step / whole).min() > 0.3


def test_some_films_lose_their_lower_edge_and_some_a_rectangle() -> None:
    films = torch.full((600, 1, 100, 100), 0.5)

    covered = _cover(films, generator(6))

    lost = (covered[:, 0] == 0).all(dim=2).sum(dim=1)
    assert 0.12 < (lost > 0).float().mean() < 0.24
    assert lost.max() <= 8
    assert (covered[:, 0, 0] != 0).any(dim=1).all()
    changed = (covered != films) & (covered != 0)
    share = changed.float().mean(dim=(1, 2, 3))
    assert 0.18 < (share > 0).float().mean() < 0.32
    assert share.max() <= 0.13**2


def test_padding_stays_black() -> None:
    films = torch.zeros(16, 1, 64, 64)
    films[:, :, :, 24:40] = 0.5

    changed, _ = augment_films(films, clinical(16), generator(1))

    assert float((changed[:, :, :, :4] == 0).float().mean()) > 0.9


def test_heights_and_weights_go_missing_as_often_as_is_said() -> None:
    told = forget_at_random(clinical(20_000), generator())

    height, weight = told[:, HEIGHT_KNOWN] == 0, told[:, WEIGHT_KNOWN] == 0
    shares = [
        float((height & weight).float().mean()),
        float((height & ~weight).float().mean()),
        float((~height & weight).float().mean()),
    ]
    assert shares == pytest.approx(MISSING_SHARES, abs=0.015)
    assert not told[height, HEIGHT].any()
    assert not told[weight, WEIGHT].any()


def test_what_is_missing_never_comes_back() -> None:
    unknown = clinical(500)
    unknown[:, [HEIGHT, HEIGHT_KNOWN, WEIGHT, WEIGHT_KNOWN]] = 0.0

    assert torch.equal(forget_at_random(unknown, generator()), unknown)
