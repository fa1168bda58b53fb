"""What a film might have looked like: small changes that leave the child's Z as it is.

Of a whole batch at once, on the network's device. No left-right flip: the heart has a side.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from screener.predictor.encoding import (
    HEIGHT,
    HEIGHT_KNOWN,
    LOG_MM,
    WEIGHT,
    WEIGHT_KNOWN,
)

_ROTATION_DEG = 7.0
_TRANSLATION = 0.05
_SCALE = 1.1
_GAMMA = 1.25
_CONTRAST = 0.1
_BRIGHTNESS = 0.05
_NOISE_SD = 0.02
_BLUR_SHARE = 0.3
_CROP_SHARE, _CROP_MOST = 0.2, 0.08
_ERASE_SHARE, _ERASE_SIDE = 0.25, (0.03, 0.12)

#: How often a film's child is shown without height and weight, without height, without weight.
#: The first is what most headers give, and so what most children will be scored by.
MISSING_SHARES = (0.35, 0.075, 0.075)


def augment_films(films: Tensor, clinical: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Change each film at random, and the scale that goes with it.

    Parameters
    ----------
    films
        ``[B, 1, S, S]`` float32, 0 to 1, padding 0.
    clinical
        ``[B, 7]`` float32, encoded.
    generator
        The only source of chance, on the films' device.

    Returns
    -------
    tuple of Tensor
        The same shapes. Magnified films cover fewer millimetres a pixel, and their clinical row
        says so.

    Notes
    -----
    Source: domain.md 1.4: rotation 7 degrees, translation 5 %, scale 0.9 to 1.1, gamma 0.8 to
    1.25, contrast, noise, blur, collimation from below, random erasing.
    """
    greys = _change_greys(films, generator)
    moved, log_scale = _move(greys, generator)
    covered = _cover(moved, generator)
    told = clinical.clone()
    told[:, LOG_MM] -= log_scale
    return covered, told


def forget_at_random(clinical: Tensor, generator: Generator) -> Tensor:
    """Return the encoded rows ``[B, 7]`` with heights and weights missing at random."""
    both, height, weight = MISSING_SHARES
    draw = _uniform(len(clinical), 0.0, 1.0, clinical, generator)
    no_height = draw < both + height
    no_weight = (draw < both) | ((draw >= both + height) & (draw < both + height + weight))
    told = clinical.clone()
    for column, mask, missing in (
        (HEIGHT, HEIGHT_KNOWN, no_height),
        (WEIGHT, WEIGHT_KNOWN, no_weight),
    ):
        told[missing, column] = 0.0
        told[missing, mask] = 0.0
    return told


def _change_greys(films: Tensor, generator: Generator) -> Tensor:
    count = len(films)
    gamma = torch.exp(_uniform(count, -math.log(_GAMMA), math.log(_GAMMA), films, generator))
    contrast = _uniform(count, 1 - _CONTRAST, 1 + _CONTRAST, films, generator)
    brightness = _uniform(count, -_BRIGHTNESS, _BRIGHTNESS, films, generator)
    noise_sd = _uniform(count, 0.0, _NOISE_SD, films, generator)
    blur = _uniform(count, 0.0, 1.0, films, generator)
    blurred = functional.avg_pool2d(films, 3, stride=1, padding=1, count_include_pad=False)
    share = torch.where(blur < _BLUR_SHARE, blur / _BLUR_SHARE, torch.zeros_like(blur))
    sharp = films + _per_film(share) * (blurred - films)
    noise = torch.randn(films.shape, generator=generator, device=films.device)
    changed = sharp.clamp(min=1e-6) ** _per_film(gamma) * _per_film(contrast)
    changed = changed + _per_film(brightness) + _per_film(noise_sd) * noise
    # padding stays what it is in every film: 0
    return torch.where(films > 0, changed.clamp(0.0, 1.0), films)


def _move(films: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    count = len(films)
    angle = _uniform(count, -1.0, 1.0, films, generator) * math.radians(_ROTATION_DEG)
    log_scale = _uniform(count, -1.0, 1.0, films, generator) * math.log(_SCALE)
    shift_x = _uniform(count, -1.0, 1.0, films, generator) * 2 * _TRANSLATION
    shift_y = _uniform(count, -1.0, 1.0, films, generator) * 2 * _TRANSLATION
    shrink = torch.exp(-log_scale)
    cosine, sine = torch.cos(angle) * shrink, torch.sin(angle) * shrink
    to_source = torch.stack(
        [torch.stack([cosine, -sine, shift_x], 1), torch.stack([sine, cosine, shift_y], 1)], 1
    )
    grid = functional.affine_grid(to_source, list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, align_corners=False), log_scale


def _cover(films: Tensor, generator: Generator) -> Tensor:
    """Black out a strip at the bottom of some films, and a rectangle of one grey in some."""
    count, side = len(films), films.shape[-1]
    position = (torch.arange(side, device=films.device) + 0.5) / side
    crop = _uniform(count, 0.0, 1.0, films, generator)
    depth = torch.where(crop < _CROP_SHARE, crop / _CROP_SHARE * _CROP_MOST, torch.zeros_like(crop))
    kept = position[None, :] < 1 - depth[:, None]
    films = films * kept[:, None, :, None]
    erased = _uniform(count, 0.0, 1.0, films, generator) < _ERASE_SHARE
    inside = []
    for _ in range(2):
        extent = _uniform(count, *_ERASE_SIDE, films, generator)
        start = _uniform(count, 0.0, 1.0, films, generator) * (1 - extent)
        inside.append(
            (position[None, :] >= start[:, None]) & (position[None, :] < (start + extent)[:, None])
        )
    box = (inside[0][:, :, None] & inside[1][:, None, :] & erased[:, None, None])[:, None]
    grey = _per_film(_uniform(count, 0.0, 1.0, films, generator))
    return torch.where(box, grey, films)


def _uniform(count: int, low: float, high: float, like: Tensor, generator: Generator) -> Tensor:
    drawn = torch.rand(count, generator=generator, device=like.device)
    return low + (high - low) * drawn


def _per_film(values: Tensor) -> Tensor:
    return values[:, None, None, None]
