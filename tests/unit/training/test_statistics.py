"""Each statistic against the library that takes one resample at a time, or a value by hand."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from screener.training.predictions import Flags, Floats
from screener.training.statistics import (
    agreement,
    calibration_error,
    calibration_error_if_calibrated,
    confusion,
    delong,
    equal_count_bins,
    logistic_recalibration,
    net_benefit,
    partial_correlation,
    ranking,
    share,
)

ONCE = np.ones((1, 200))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def pair(rng: np.random.Generator) -> tuple[Floats, Floats]:
    measured = rng.normal(-1, 1.4, 200)
    return measured, 0.3 + 0.7 * measured + rng.normal(0, 0.5, 200)


def test_agreement_is_that_of_scipy_and_of_the_definitions(pair: tuple[Floats, Floats]) -> None:
    a, b = pair
    found = {name: float(value[0]) for name, value in agreement(ONCE, a, b).items()}
    line = stats.linregress(b, a)
    apart = b - a
    limits = apart.mean() + np.array([-1, 1]) * 1.959964 * apart.std(ddof=1)

    assert found["r"] == pytest.approx(stats.pearsonr(a, b)[0])
    assert found["slope"] == pytest.approx(line.slope)
    assert found["intercept"] == pytest.approx(line.intercept)
    assert found["mae"] == pytest.approx(np.abs(apart).mean())
    assert found["rmse"] == pytest.approx(np.sqrt((apart**2).mean()))
    assert found["bias"] == -found["citl"] == pytest.approx(apart.mean())
    assert [found["limit_low"], found["limit_high"]] == pytest.approx(limits)
    assert found["difference_slope"] == pytest.approx(stats.linregress((a + b) / 2, apart).slope)
    ccc = 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    assert found["ccc"] == pytest.approx(ccc)


def test_icc_is_that_of_the_analysis_of_variance(pair: tuple[Floats, Floats]) -> None:
    table = np.stack(pair, axis=1)
    n, k = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    msr = k * ((rows - table.mean()) ** 2).sum() / (n - 1)
    msc = n * ((columns - table.mean()) ** 2).sum() / (k - 1)
    rest = table - rows[:, None] - columns + table.mean()
    mse = (rest**2).sum() / ((n - 1) * (k - 1))

    expected = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)

    assert agreement(ONCE, *pair)["icc"][0] == pytest.approx(expected)


def test_a_weight_counts_a_film_as_often(
    pair: tuple[Floats, Floats], rng: np.random.Generator
) -> None:
    times = rng.integers(0, 4, 200)
    repeated = [np.repeat(values, times) for values in pair]
    low = pair[0] <= -2
    weighted = agreement(times[None, :].astype(float), *pair)
    plain = agreement(np.ones((1, times.sum())), *repeated)
    ranked = ranking(times[None, :].astype(float), -pair[1], low)

    for name, value in plain.items():
        assert weighted[name] == pytest.approx(value), name
    assert ranked["auc"][0] == pytest.approx(roc_auc_score(np.repeat(low, times), -repeated[1]))
    assert ranked["average_precision"][0] == pytest.approx(
        average_precision_score(low, -pair[1], sample_weight=times)
    )


@pytest.mark.parametrize("decimals", [6, 1, 0])
def test_areas_are_those_of_scikit_learn_with_ties(
    pair: tuple[Floats, Floats], decimals: int
) -> None:
    low, score = pair[0] <= -2, np.round(-pair[1], decimals)

    found = ranking(ONCE, score, low)

    assert found["auc"][0] == pytest.approx(roc_auc_score(low, score))
    assert found["average_precision"][0] == pytest.approx(average_precision_score(low, score))


def test_what_cannot_be_shown_is_not_a_number() -> None:
    same = np.ones(5)
    with np.errstate(all="ignore"):
        assert np.isnan(agreement(np.ones((1, 5)), same, np.arange(5.0))["r"][0])
        assert np.isnan(agreement(np.ones((1, 2)), np.arange(2.0), np.arange(2.0))["r"][0])
        assert np.isnan(ranking(np.ones((1, 5)), np.arange(5.0), np.zeros(5, bool))["auc"][0])


def test_delong_is_the_variance_of_all_pairs(pair: tuple[Floats, Floats]) -> None:
    low, score = pair[0] <= -2, np.round(-pair[1], 1)
    ups, downs = score[low][:, None], score[~low][None, :]
    wins = (ups > downs) + 0.5 * (ups == downs)
    auc = wins.mean()
    variance = (
        wins.mean(axis=1).var(ddof=1) / low.sum() + wins.mean(axis=0).var(ddof=1) / (~low).sum()
    )

    found = delong(score, low, range(200))

    assert found is not None
    assert found.value == pytest.approx(auc)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * np.sqrt(variance))


def test_the_same_film_twice_of_every_child_tells_delong_nothing_new(
    pair: tuple[Floats, Floats],
) -> None:
    low, score = pair[0] <= -2, -pair[1]
    once = delong(score, low, range(200))
    twice = delong(np.tile(score, 2), np.tile(low, 2), [*range(200), *range(200)])
    naive = delong(np.tile(score, 2), np.tile(low, 2), range(400))

    assert once is not None
    assert twice is not None
    assert naive is not None
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
    assert naive.high - naive.low < 0.75 * (once.high - once.low)


def test_areas_of_one_child_have_no_delong() -> None:
    assert delong(np.arange(4.0), np.array([True, False, False, False]), range(4)) is None
    assert delong(np.arange(4.0), np.array([True, True, False, False]), [0, 0, 1, 1]) is None


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(50, 84, 48.8, 69.4), (54, 66, 70.9, 89.3), (210, 248, 79.7, 88.6), (276, 292, 91.3, 96.6)],
)
def test_wilsons_bounds_are_those_of_the_published_counts(
    hits: int, n: int, low: float, high: float
) -> None:
    found = share(hits, n)

    assert found is not None
    assert (found.value, found.n) == (hits / n, n)
    assert (100 * found.low, 100 * found.high) == pytest.approx((low, high), abs=0.06)


def test_a_share_of_nothing_is_none() -> None:
    assert share(0, 0) is None


def test_confusion_counts_by_weight() -> None:
    positive = np.array([True, True, False, False])
    flagged = np.array([True, False, True, False])

    counted = confusion(np.array([[1.0, 2.0, 3.0, 4.0]]), positive, flagged)

    assert [value[0] for value in counted] == [1, 3, 2, 4]


@pytest.fixture
def probable(rng: np.random.Generator) -> tuple[Floats, Flags]:
    probability = rng.uniform(0.02, 0.95, 200)
    return probability, rng.random(200) < probability**1.3


def test_logistic_recalibration_is_that_of_statsmodels(
    probable: tuple[Floats, Flags], rng: np.random.Generator
) -> None:
    probability, low = probable
    times = rng.integers(0, 4, 200).astype(float)
    logit = np.log(probability / (1 - probability))
    family = sm.families.Binomial()
    free = sm.GLM(low, sm.add_constant(logit), family=family, freq_weights=times).fit()
    held = sm.GLM(low, np.ones(200), family=family, freq_weights=times, offset=logit).fit()

    intercept, slope = logistic_recalibration(times[None, :], probability, low)
    in_the_large, one = logistic_recalibration(times[None, :], probability, low, fixed=True)

    assert [intercept[0], slope[0]] == pytest.approx(free.params)
    assert in_the_large[0] == pytest.approx(held.params[0])
    assert one[0] == 1


def test_a_probability_that_parts_films_perfectly_has_no_slope() -> None:
    probability = np.linspace(0.01, 0.99, 50)

    _, slope = logistic_recalibration(np.ones((1, 50)), probability, probability > 0.5)

    assert np.isnan(slope[0])


def test_calibration_error_is_the_mean_gap_of_its_bins() -> None:
    probability = np.array([0.1, 0.2, 0.3, 0.8])
    low = np.array([0.0, 1.0, 0.0, 1.0])
    bins = equal_count_bins(probability, 2)

    assert bins.tolist() == [0, 0, 1, 1]
    by_hand = (abs(0.3 - 1) + abs(1.1 - 1)) / 4
    assert calibration_error(np.ones((1, 4)), probability, low, bins)[0] == pytest.approx(by_hand)


def test_true_probabilities_have_a_calibration_error_by_chance(rng: np.random.Generator) -> None:
    errors = {}
    for count in (100, 10_000):
        probability = rng.uniform(0, 1, count)
        bins = equal_count_bins(probability, 10)
        expected = calibration_error_if_calibrated(probability, bins)
        low = (rng.random(count) < probability).astype(float)
        found = calibration_error(np.ones((1, count)), probability, low, bins)[0]
        assert expected.low < expected.value < expected.high
        assert expected.low * 0.8 < found < expected.high * 1.2
        errors[count] = expected.value

    assert errors[10_000] < errors[100] / 5


def test_net_benefit_is_found_less_flagged_in_vain_at_its_rate() -> None:
    probability = np.array([0.1, 0.3, 0.6, 0.9])
    low = np.array([False, True, False, True])

    found = net_benefit(np.ones((1, 4)), probability, low, np.array([0.2, 0.5]))

    assert found[0].tolist() == pytest.approx([2 / 4 - 1 / 4 * 0.25, 1 / 4 - 1 / 4 * 1.0])


def test_partial_correlation_is_that_of_residuals(
    pair: tuple[Floats, Floats], rng: np.random.Generator
) -> None:
    held = 0.5 * pair[0] + rng.normal(0, 1, 200)

    def without(values: Floats) -> Floats:
        line = stats.linregress(held, values)
        return np.asarray(values - line.intercept - line.slope * held)

    expected = stats.pearsonr(without(pair[0]), without(pair[1]))[0]

    assert partial_correlation(ONCE, *pair, held)[0] == pytest.approx(expected)


def test_brier_of_scikit_learn_is_the_mean_square(probable: tuple[Floats, Flags]) -> None:
    probability, low = probable

    assert brier_score_loss(low, probability) == pytest.approx(((probability - low) ** 2).mean())
