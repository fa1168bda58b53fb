"""Recalibration and conformal intervals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from screener.domain.errors import ConfigurationError
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import MISSING_PATTERNS
from screener.training.calibrate import calibrate, conformal_half_width, fit_recalibration
from screener.training.dataset import FilmSet


def test_recalibration_finds_the_line() -> None:
    raw = np.random.default_rng(0).normal(-1, 1.2, 500)

    slope, intercept = fit_recalibration(raw, 1.3 * raw - 0.4)

    assert (slope, intercept) == pytest.approx((1.3, -0.4))


@pytest.mark.parametrize("raw", [np.zeros(50), -np.arange(50.0), np.zeros(0)])
def test_estimates_that_do_not_rise_with_the_truth_are_refused(
    raw: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    with pytest.raises(ConfigurationError, match="do not rise"):
        fit_recalibration(raw, np.arange(float(len(raw))))


@pytest.mark.parametrize(("count", "expected"), [(9, 9.0), (10, 10.0), (19, 18.0), (99, 90.0)])
def test_half_width_is_the_next_errors_quantile(count: int, expected: float) -> None:
    errors = np.random.default_rng(0).permutation(np.arange(1.0, count + 1))

    assert conformal_half_width(errors, 0.9) == expected


def test_too_few_errors_have_no_half_width() -> None:
    assert conformal_half_width(np.ones(8), 0.9) is None


def test_half_width_covers_new_errors_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)

    covered = [
        np.abs(rng.standard_t(3)) <= (conformal_half_width(np.abs(rng.standard_t(3, 60)), 0.9) or 0)
        for _ in range(4000)
    ]

    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


@pytest.fixture
def network(toy_films: FilmSet) -> ScreenerNet:
    """A network that sees nothing and knows the Z by the height: enough to calibrate."""
    torch.manual_seed(0)
    network = ScreenerNet(widen_factor=1 / 16).eval()
    with torch.no_grad():
        network.head.embed.weight.zero_()
    return network


def rising(network: ScreenerNet, films: FilmSet) -> FilmSet:
    """Return the films with a Z that the network's own estimate rises with, and noise."""
    with torch.inference_mode():
        raw = network.head(
            torch.zeros(len(films.z), 128), torch.from_numpy(films.clinical)
        ).z.numpy()
    noise = np.random.default_rng(0).normal(0, 0.5 * raw.std(), len(raw))
    return dataclasses.replace(films, z=(2 * raw + 1 + noise).astype(np.float32))


def test_calibration_has_a_line_and_a_width_for_every_pattern(
    network: ScreenerNet, toy_films: FilmSet
) -> None:
    films = rising(network, toy_films)

    calibration, interval = calibrate(network, films, range(240), device="cpu")

    assert calibration.slope == pytest.approx(2.0, rel=0.2)
    assert (calibration.films, calibration.patients) == (240, 240)
    assert set(interval.half_width_z) == set(MISSING_PATTERNS.values())
    assert interval.half_width_z["height and weight"] > interval.half_width_z["none"]
    assert (
        interval.statement == "90 % split-conformal interval, calibrated on 240 synthetic children."
    )


def test_films_of_a_patient_count_once_for_the_interval(
    network: ScreenerNet, toy_films: FilmSet
) -> None:
    films = rising(network, toy_films)
    films = dataclasses.replace(
        films,
        pairs=tuple(
            dataclasses.replace(pair, patient=f"child-{i // 4}")
            for i, pair in enumerate(films.pairs)
        ),
    )

    calibration, _ = calibrate(network, films, range(240), device="cpu")

    assert (calibration.films, calibration.patients) == (240, 60)


def test_pattern_that_no_child_can_show_has_the_widest_width(
    network: ScreenerNet, toy_films: FilmSet
) -> None:
    films = rising(network, toy_films)
    unknown = films.clinical.copy()
    unknown[:, [2, 5]] = 0.0

    _, interval = calibrate(
        network, dataclasses.replace(films, clinical=unknown), range(240), device="cpu"
    )

    widths = interval.half_width_z
    assert widths["none"] == widths["weight"] == max(widths.values())


def test_too_few_patients_are_refused(network: ScreenerNet, toy_films: FilmSet) -> None:
    with pytest.raises(ConfigurationError, match="at least 9"):
        calibrate(network, rising(network, toy_films), range(8), device="cpu")
