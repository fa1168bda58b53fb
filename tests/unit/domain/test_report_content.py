from datetime import UTC, datetime

from screener.domain.finding import ConclusionRules, conclude
from screener.domain.identifiers import ScreeningId
from screener.domain.report import (
    NotScoredFilm,
    ReportClass,
    ReportContent,
    ReportVariant,
    ScoredFilm,
)
from tests.unit.domain.values import BMD, GROWTH, HEADER, clinical, film, prediction, unscored


def test_a_variant_is_named_by_class_and_language() -> None:
    assert str(ReportVariant()) == "comprehensive-3d.en"
    assert str(ReportVariant(report_class=ReportClass.ENHANCED, language="ko")) == "enhanced.ko"


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
