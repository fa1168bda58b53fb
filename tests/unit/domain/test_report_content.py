from dataclasses import replace
from datetime import UTC, datetime

import pytest

from screener.domain.catalogue import Language
from screener.domain.finding import ConclusionRules, Verdict, conclude
from screener.domain.identifiers import ScreeningId
from screener.domain.report import (
    CaptureModality,
    NotScoredFilm,
    ReportClass,
    ReportContent,
    ResultForm,
    ResultKind,
    ScoredFilm,
    film_variant,
    is_meant_for,
)
from tests.unit.domain.values import BMD, GROWTH, HEADER, clinical, film, prediction, unscored


def test_forms_that_may_share_an_object_look_alike() -> None:
    plain, korean = ResultForm(), ResultForm(language=Language.KOREAN)
    old = ResultForm(report_class=ReportClass.ENHANCED)

    assert plain.look(ResultKind.REPORT) == "comprehensive-3d.en"
    assert old.look(ResultKind.REPORT) == "enhanced.en"
    assert plain.look(ResultKind.CARD) == old.look(ResultKind.CARD) == ""
    assert korean.look(ResultKind.CARD) == "ko"
    assert film_variant(ScreeningId(7), korean.look(ResultKind.OVERLAY)) == "film-7.ko"


@pytest.mark.parametrize(
    "other",
    [
        ResultForm(capture_modality=CaptureModality.SECONDARY_CAPTURE),
        ResultForm(first_series_number=701),
        ResultForm(language=Language.KOREAN),
    ],
    ids=str,
)
def test_forms_that_differ_share_nothing(other: ResultForm) -> None:
    assert all(other.look(kind) != ResultForm().look(kind) for kind in ResultKind)


def test_a_form_has_the_same_name_in_every_process() -> None:
    """Forms are gone through by name, and the files of their objects are numbered on the way."""
    assert str(ResultForm()) == "comprehensive-3d.en CARD+OVERLAY+REPORT low"
    assert str(ResultForm(not_low=True)) == "comprehensive-3d.en CARD+OVERLAY+REPORT all"


def test_a_report_that_may_refer_to_overlays_is_another_than_one_that_may_not() -> None:
    bare = ResultForm(kinds=frozenset({ResultKind.REPORT}))

    assert bare.look(ResultKind.REPORT) != ResultForm().look(ResultKind.REPORT)


def test_a_rows_column_holds_the_longest_variant() -> None:
    longest = ResultForm(
        report_class=ReportClass.COMPREHENSIVE_3D,
        kinds=frozenset({ResultKind.REPORT}),
        capture_modality=CaptureModality.DIGITAL_RADIOGRAPHY,
        first_series_number=999_990,
    )

    assert len(longest.look(ResultKind.REPORT)) <= 50


@pytest.mark.parametrize(
    ("verdict", "not_low", "has_earlier", "meant"),
    [
        (Verdict.LOW, False, False, True),
        (Verdict.NOT_LOW, False, False, False),
        (Verdict.NOT_LOW, True, False, True),
        (Verdict.NOT_LOW, False, True, True),
        (Verdict.NOT_ASSESSED, False, False, False),
    ],
)
def test_who_has_an_earlier_report_also_learns_that_it_is_no_longer_low(
    verdict: Verdict, not_low: bool, has_earlier: bool, meant: bool
) -> None:
    low = conclude([film(1, z=-2.5)], rules=ConclusionRules(), reference=BMD, growth=GROWTH)

    found = is_meant_for(
        ResultForm(not_low=not_low), replace(low, verdict=verdict), has_earlier=has_earlier
    )

    assert found is meant


def test_a_report_names_scored_films_first_and_then_the_others() -> None:
    scored = ScoredFilm(
        screening_id=ScreeningId(2),
        header=HEADER,
        clinical=clinical(),
        prediction=prediction(-2.5),
        z=-2.5,
        z_low=-3.5,
        z_high=-1.5,
    )
    lateral = NotScoredFilm(screening_id=ScreeningId(1), header=HEADER, reason="LATERAL_VIEW")
    content = ReportContent(
        finding=conclude(
            [unscored(1), film(2, z=-2.5)],
            rules=ConclusionRules(),
            reference=BMD,
            growth=GROWTH,
        ),
        concluded_at=datetime(2026, 9, 20, tzinfo=UTC),
        revision=1,
        films=(scored,),
        not_scored=(lateral,),
        predecessor=None,
        synthetic=True,
        interval_statement="90 % of the calibration set",
        reference_statement="flat 1",
        growth_name="flat",
    )

    assert content.named_films == (scored, lateral)
