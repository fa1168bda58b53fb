from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from screener.domain.catalogue import ENGLISH
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.domain.report import ReportContent
from screener.imaging.card import HEIGHT_PX, WIDTH_PX, render_card
from screener.imaging.chart import ChartPoint, growth_chart, point_of
from screener.imaging.lettering import lines, width_px
from screener.storage.references import load_growth_reference
from tests.conformance.contents import (
    CASES,
    CLINICAL,
    MISSING,
    REFERENCE,
    lateral,
    make_content,
    make_film,
    make_finding,
)

GROWTH = load_growth_reference()
GROUND = np.array((15, 19, 24))
PALE = np.array((223, 233, 243))


def card(content: ReportContent) -> npt.NDArray[np.uint8]:
    pixels = np.full((600, 500), 0.4, np.float32)
    return render_card(pixels, content, reference=REFERENCE, growth=GROWTH)


def is_ground(area: npt.NDArray[np.uint8]) -> bool:
    return bool((area == GROUND).all())


@pytest.mark.parametrize("name", CASES)
def test_nothing_runs_into_anything_else(name: str) -> None:
    made = card(CASES[name].content)

    assert made.shape == (HEIGHT_PX, WIDTH_PX, 3)
    if CASES[name].content.finding.estimate is not None:
        # between numbers and chart, left of the film; between chart and notes; above the footer
        assert is_ground(made[500:509, 12:780])
        assert is_ground(made[938:950, 12:1188])
    assert is_ground(made[1208:1213, 12:1188])
    assert is_ground(made[100:1200, 12:28])
    assert is_ground(made[100:1200, 1172:1188])
    assert is_ground(made[1294:, 12:1188]) or "correction" in name


def test_nothing_runs_over_when_everything_is_said_at_once() -> None:
    no_height = replace(CLINICAL, height_m=MISSING, weight_kg=MISSING)
    before = make_finding((make_film(1, z=-2.9),))
    before = replace(before, threshold_z=-1.5, reference="another reference 2008-2011")
    content = make_content(
        (make_film(1, clinical=no_height), make_film(2, z=-2.7, clinical=no_height)),
        not_scored=tuple(lateral(number) for number in range(3, 9)),
        predecessor=before,
    )

    made = card(content)

    assert is_ground(made[938:950, 12:1188])
    assert is_ground(made[1208:1213, 12:1188])


def test_a_correcting_card_is_plainly_different() -> None:
    low, corrected = card(CASES["low-one-film"].content), card(CASES["correction"].content)

    assert (corrected[80, 100:200] == PALE).all()
    assert (corrected[2, :] == PALE).all()
    assert not (low[80, 100:200] == PALE).any()
    # no large orange number
    orange = (np.abs(corrected[100:500, :700].astype(int) - (240, 162, 2)) < 30).all(axis=2)
    assert not orange.any()


def test_a_revised_card_says_so_in_its_header() -> None:
    first, revised = card(CASES["low-one-film"].content), card(CASES["revised"].content)

    blue = (np.abs(revised[:88].astype(int) - (86, 180, 233)) < 12).all(axis=2)
    assert blue.sum() > 1500
    assert not (np.abs(first[:88].astype(int) - (86, 180, 233)) < 12).all(axis=2).any()


def test_a_synthetic_card_says_so_in_its_header() -> None:
    synthetic, real = card(CASES["low-one-film"].content), card(CASES["low-real-film"].content)

    def orange_px(made: npt.NDArray[np.uint8]) -> int:
        return int((np.abs(made[:88].astype(int) - (240, 162, 2)) < 12).all(axis=2).sum())

    assert orange_px(synthetic) > orange_px(real) + 2000


def test_the_same_content_gives_the_same_card() -> None:
    content = CASES["low-three-films"].content

    assert np.array_equal(card(content), card(content))


def draw(sex: Sex, point: ChartPoint, reference: BmdReference = REFERENCE) -> npt.NDArray[np.uint8]:
    return growth_chart(reference, sex, [(point, (1, 2, 250))], (670, 370), say=ENGLISH)


@pytest.mark.parametrize("sex", Sex)
def test_the_childs_point_lies_where_its_age_and_density_are(sex: Sex) -> None:
    content = make_content((make_film(1),))
    estimate = content.finding.estimate
    assert estimate is not None

    charts = [draw(sex, replace(point_of(estimate), age_years=age)) for age in (6.0, 9.0, 12.0)]

    middles = []
    for chart in charts:
        blue = (chart[:, :, 2] > 240) & (chart[:, :, 0] < 20)
        rows, columns = np.nonzero(blue)
        middles.append((columns.mean(), rows.mean()))
    steps = np.diff([x for x, _ in middles])
    assert steps[0] == pytest.approx(steps[1], abs=1.0)
    assert steps[0] > 60
    assert np.ptp([y for _, y in middles]) < 1.0


def test_a_value_far_below_the_curves_stays_on_the_chart() -> None:
    content = make_content((make_film(1, z=-4.4),))
    estimate = content.finding.estimate
    assert estimate is not None

    chart = draw(Sex.MALE, point_of(estimate))

    blue = (chart[:, :, 2] > 240) & (chart[:, :, 0] < 20)
    assert blue.sum() > 150
    assert np.nonzero(blue)[0].max() < 370 - 64


def test_a_missing_input_is_marked_at_its_bar() -> None:
    known = card(CASES["low-one-film"].content)
    missing = card(CASES["low-without-height"].content)

    names = np.s_[560:930, 750:880]

    def orange_px(made: npt.NDArray[np.uint8]) -> int:
        return int((made[names].astype(int) @ [1, 0, -1] > 120).sum())

    assert orange_px(missing) > orange_px(known) + 100


def test_a_reference_that_ends_early_is_drawn_as_far_as_it_goes() -> None:
    curve = LmsCurve(ages_years=(3.0, 18.0), l=(-3.0, -3.0), m=(0.45, 0.9), s=(0.2, 0.2))
    skewed = replace(REFERENCE, table=LmsTable(curves={Sex.MALE: curve}))
    estimate = make_content((make_film(1),)).finding.estimate
    assert estimate is not None

    chart = draw(Sex.MALE, point_of(estimate), skewed)

    assert chart.shape == (370, 670, 3)


def test_a_prediction_without_contributions_gets_a_card() -> None:
    film = make_film(1)
    bare = replace(film, prediction=replace(film.prediction, contributions=()))

    made = card(make_content((bare,)))

    assert not (made[640:930, 750:1160] == (240, 162, 2)).all(axis=2).any()


def test_a_study_without_a_film_to_show_gets_a_card() -> None:
    content = CASES["correction-no-scored-film"].content

    made = render_card(None, content, reference=REFERENCE, growth=GROWTH)

    assert is_ground(made[330:488, 800:1170])


def test_lines_fit_their_width() -> None:
    text = "The estimate is in the range that, on DXA, is termed low bone mineral density for age."

    broken = lines(text, 24, 300)

    assert " ".join(broken) == text
    assert all(width_px(line, 24) <= 300 for line in broken)


def test_a_z_is_never_torn_from_its_number() -> None:
    broken = lines("from the average training child (Z -0.2) to this one (Z -2.5)", 24, 120)

    assert not any(line.endswith("(Z") for line in broken)


def test_a_withdrawing_card_draws_no_chart() -> None:
    made = card(CASES["correction-withdrawn"].content)

    assert is_ground(made[510:930, 12:1188])
