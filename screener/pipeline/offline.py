"""Scores files without a node: the same decisions, no rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from screener.dicom.header import read_header
from screener.domain.eligibility import IneligibilityReason, Ineligible, View
from screener.domain.errors import FileUnavailable, UnreadableInstance
from screener.domain.finding import Finding, conclude
from screener.domain.identifiers import ScreeningId
from screener.domain.instance import InstanceHeader
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Abstention, Prediction
from screener.domain.report import ResultForm, ResultObject
from screener.domain.rules import SiteRules
from screener.domain.screening import NotScoredReason
from screener.pipeline.content import (
    film_in_study,
    is_listed,
    is_synthetic,
    make_results,
    report_content,
    speaks,
)
from screener.pipeline.film import NotLoaded, judge_header, load_film
from screener.pipeline.ports import Predictor, Services


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineFilm:
    """One file and what came of it; fits `pipeline.content.Film`."""

    path: Path
    screening_id: ScreeningId
    header: InstanceHeader | None
    reasons: tuple[str, ...] = ()
    view: View | None = None
    clinical: ClinicalVariables | None = None
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineStudy:
    """The files of one study, and what they say together."""

    films: tuple[OfflineFilm, ...]
    finding: Finding


def score_files(
    services: Services,
    predictor: Predictor,
    paths: Sequence[Path],
    *,
    rules: SiteRules,
    today: date,
    on_film: Callable[[OfflineFilm], None],
) -> list[OfflineStudy]:
    """Judge, score and conclude films that lie in files.

    Parameters
    ----------
    paths
        In the order in which films of one study count as having arrived.
    on_film
        Called after each film.

    Returns
    -------
    list[OfflineStudy]
        In order of their first film. A file that is no DICOM is a study of its own.
    """
    studies: dict[str, list[OfflineFilm]] = defaultdict(list)
    seen: dict[str, set[str]] = defaultdict(set)
    for number, path in enumerate(paths):
        film = _judge(services, path, ScreeningId(number + 1), rules, today)
        study = film.header.study_instance_uid if film.header else f"file {number}"
        if not film.reasons:
            film = _score(services, predictor, film, seen[study])
        studies[study].append(film)
        on_film(film)
    return [
        OfflineStudy(films=tuple(films), finding=_conclude(services, films, rules))
        for films in studies.values()
    ]


def results_of(
    services: Services, study: OfflineStudy, form: ResultForm, concluded_at: datetime
) -> Iterable[ResultObject]:
    """Make the report and the captures of a study, as a node would send them."""
    films = [film for film in study.films if is_listed(film)]
    content = report_content(
        services,
        films,
        finding=study.finding,
        concluded_at=concluded_at,
        revision=1,
        predecessor=None,
        synthetic=is_synthetic(films, study.finding),
        language=form.language,
    )
    sources = {film.screening_id: film.path.read_bytes() for film in films}
    return make_results(services, {form: content}, sources)


def _judge(
    services: Services, path: Path, number: ScreeningId, rules: SiteRules, today: date
) -> OfflineFilm:
    try:
        header = read_header(path)
    except (UnreadableInstance, FileUnavailable):
        reason = IneligibilityReason.UNREADABLE_HEADER.value
        return OfflineFilm(path=path, screening_id=number, header=None, reasons=(reason,))
    film = OfflineFilm(path=path, screening_id=number, header=header)
    judged = judge_header(services, header, rules=rules.eligibility, today=today)
    if isinstance(judged, Ineligible):
        return replace(film, reasons=tuple(reason.value for reason in judged.reasons))
    return replace(film, view=judged.eligible.view, clinical=judged.clinical)


def _score(
    services: Services, predictor: Predictor, film: OfflineFilm, seen: set[str]
) -> OfflineFilm:
    loaded = load_film(services, film.path)
    if isinstance(loaded, NotLoaded):
        return replace(film, reasons=(loaded.reason.value,))
    if loaded.pixel_digest in seen:
        return replace(film, reasons=(NotScoredReason.SAME_PIXELS_IN_STUDY.value,))
    seen.add(loaded.pixel_digest)
    if film.clinical is None:
        raise AssertionError("a film that may be scored has clinical variables")
    prediction = predictor.predict([(loaded.network_input, film.clinical)])[0]
    if isinstance(prediction, Abstention):
        return replace(film, reasons=(prediction.reason.value,))
    return replace(film, prediction=prediction)


def _conclude(services: Services, films: Sequence[OfflineFilm], rules: SiteRules) -> Finding:
    return conclude(
        [film_in_study(film) for film in films if speaks(film)],
        rules=rules.conclusion,
        reference=services.reference,
        growth=services.growth,
        height_adjustment=services.height_adjustment,
    )
