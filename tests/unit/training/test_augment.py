"""Augmentation changes pictures and keeps what is true of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from screener.predictor.encoding import HEIGHT, HEIGHT_KNOWN, LOG_MM, WEIGHT, WEIGHT_KNOWN
from screener.training.augment import MISSING_SHARES, augment_films, forget_at_random


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
