"""Pictures that cover a film, seen through the network's square."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from screener.dicom.pixels import Radiograph
from screener.domain.prediction import InputField
from screener.imaging.masks import cover, keep_only, on_network, read_picture
from screener.imaging.preprocess import prepare

WHOLE = InputField(corners=((0, 0), (400, 0), (400, 400), (0, 400)))


def test_a_picture_of_another_size_lands_on_the_same_place() -> None:
    picture = np.zeros((100, 100), np.uint8)
    picture[20:40, 50:70] = 255

    seen = on_network(picture, (400, 400), WHOLE, 80)

    inside = np.zeros((80, 80), bool)
    inside[16:32, 40:56] = True
    assert seen[inside].min() > 120
    assert seen[inside].mean() > 245
    assert seen[~inside].mean() < 3


def test_a_crop_and_its_padding_are_followed() -> None:
    # the lower half of the film, padded to a square at both sides
    field = InputField(corners=((-100, 200), (300, 200), (300, 600), (-100, 600)))
    picture = np.full((200, 200), 255, np.uint8)

    seen = on_network(picture, (400, 200), field, 40)

    assert seen[:19, 11:29].min() == 255
    assert seen[21:].max() == 0
    assert seen[:, :9].max() == 0


def test_a_mask_goes_the_way_of_its_film() -> None:
    rng = np.random.default_rng(0)
    film = (0.5 + 0.1 * rng.standard_normal((500, 400))).astype(np.float32).clip(0.1, 0.9)
    film[:40], film[-30:] = 0.0, 0.0
    mask = np.zeros((125, 100), np.uint8)
    mask[60:90, 40:60] = 255
    film[240:360, 160:240] = 1.0
    prepared = prepare(Radiograph(pixels=film, spacing_mm=(0.4, 0.4)), 160)

    seen = on_network(mask, film.shape, prepared.input_field, 40)

    bright = cv2.resize(
        (prepared.pixels > 0.95).astype(np.float32), (40, 40), interpolation=cv2.INTER_AREA
    )
    overlap = np.minimum(bright, seen / 255).sum() / np.maximum(bright, seen / 255).sum()
    assert overlap > 0.8


def test_covering_leaves_nothing_of_the_region_and_all_of_the_rest() -> None:
    film = np.full((200, 200), 0.3, np.float32)
    film[50:150, 90:110] = 0.9
    region = np.zeros_like(film)
    region[50:150, 90:110] = 1.0

    covered = cover(film, region)

    assert covered[50:150, 90:110] == pytest.approx(0.3, abs=0.02)
    assert covered[:, :60] == pytest.approx(film[:, :60])


def test_padding_stays_padding_when_the_spine_is_covered() -> None:
    film = np.full((100, 100), 0.5, np.float32)
    film[:, 60:] = 0.0
    region = np.zeros_like(film)
    region[:, 50:70] = 1.0

    assert cover(film, region)[:, 60:].max() == 0.0


def test_what_is_kept_is_the_region_and_a_little_about_it() -> None:
    film = np.full((200, 200), 0.5, np.float32)
    region = np.zeros_like(film)
    region[:, 90:110] = 1.0

    kept = keep_only(film, region)

    assert kept[:, 92:108] == pytest.approx(0.5, abs=1e-3)
    assert kept[:, :75].max() == 0.0


def test_a_picture_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_picture(tmp_path / "none.png") is None
