"""Conclude: a settled study's predictions become one finding; CLOSED, or FLAGGED for a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from screener.domain.errors import ScreenerError
from screener.domain.finding import Finding, Verdict
from screener.domain.finding import conclude as decide
from screener.domain.identifiers import FindingId
from screener.domain.retry import delay
from screener.domain.rules import SiteRules
from screener.domain.study import Close, Flag, Keep, StudyState, after_finding
from screener.pipeline.content import film_in_study, is_listed, is_synthetic, speaks
from screener.pipeline.ports import Services, rules_in_force
from screener.storage.database import UnitOfWork
from screener.storage.findings import Covering
from screener.storage.screenings import StudyFilm
from screener.storage.studies import ClaimedStudy
from screener.telemetry.logging import get_logger

_BATCH = 8


def conclude(services: Services) -> int:
    """Conclude studies that have settled; return how many were claimed."""
    with services.database.write() as uow:
        rules = rules_in_force(uow)
        claimed = uow.studies.claim_settled(
            settle_s=rules.conclusion.settle_s, limit=_BATCH, lease=services.lease
        )
    for held in claimed:
        try:
            with services.database.write() as uow:
                _conclude(services, uow, held, rules)
        except ScreenerError as error:
            get_logger().warning("concluding_failed", study_id=held.study_id, code=error.code)
            with services.database.write() as uow:
                uow.studies.settle_failure(held, error)
    return len(claimed)


def _conclude(services: Services, uow: UnitOfWork, held: ClaimedStudy, rules: SiteRules) -> None:
    """Load, decide and settle in one transaction: nothing can change a film in between."""
    # before the study itself: whoever has this lock may take another of the child's studies up
    # again, and would wait for us while we wait for him
    uow.studies.lock_children()
    if not uow.studies.still_settled(held):
        uow.studies.settle(held, held.state)
        return
    films = [film for film in uow.screenings.films_of(held.study_id) if speaks(film)]
    finding = decide(
        [film_in_study(film) for film in films],
        rules=rules.conclusion,
        reference=services.reference,
        growth=services.growth,
        height_adjustment=services.height_adjustment,
    )
    covering = _covering(uow, held, films, finding, rules)
    if covering is not None and not covering.is_reported:
        # its report is being made, and may yet fail: this study is asked again
        uow.studies.settle(held, held.state, next_attempt_at=uow.now + delay(1))
        return
    all_wanted = rules.conclusion.report_all or any(
        archive.form.not_low for archive in services.archives.values()
    )
    step = after_finding(
        finding,
        reported=uow.findings.reported(held.reported_finding_id),
        covering=covering.finding_id if covering else None,
        # a study of CT slices is nothing to report on
        report_all=all_wanted and any(is_listed(film) for film in films),
    )
    finding_id = _keep_finding(uow, held, films, finding, step, rules)
    if uow.studies.settle(held, _state_after(step, held), finding_id=finding_id):
        get_logger().info("study_concluded", study_id=held.study_id, verdict=finding.verdict.value)
        # who got no report because this study had one may need one now
        for covered in uow.findings.covered_studies(held.study_id):
            uow.studies.reopen(covered)


def _state_after(step: Close | Keep | Flag, held: ClaimedStudy) -> StudyState:
    if isinstance(step, Flag):
        return StudyState.FLAGGED
    if isinstance(step, Keep) or held.reported_finding_id is not None:
        return StudyState.REPORTED
    return StudyState.CLOSED


def _keep_finding(
    uow: UnitOfWork,
    held: ClaimedStudy,
    films: Sequence[StudyFilm],
    finding: Finding,
    step: Close | Keep | Flag,
    rules: SiteRules,
) -> FindingId:
    """Add the finding, or return the study's last one where nothing has changed."""
    if isinstance(step, Keep) and held.reported_finding_id is not None:
        return held.reported_finding_id
    covered_by = step.covered_by if isinstance(step, Close) else None
    if isinstance(step, Close) and held.finding_id is not None:
        last = uow.findings.get(held.finding_id)
        if last.finding.digest() == finding.digest() and last.covered_by == covered_by:
            return held.finding_id
    return uow.findings.add(
        held.study_id,
        finding,
        rules_version=rules.version,
        synthetic=is_synthetic(films, finding),
        covered_by=covered_by,
        flagged=isinstance(step, Flag),
        predecessor_id=step.predecessor if isinstance(step, Flag) else None,
    )


def _covering(
    uow: UnitOfWork,
    held: ClaimedStudy,
    films: Sequence[StudyFilm],
    finding: Finding,
    rules: SiteRules,
) -> Covering | None:
    """Return a recent report that this child already has, where the site does not repeat it."""
    if held.reported_finding_id is not None:
        return None  # a study with a report of its own keeps that up to date
    days = rules.conclusion.repeat_report_days
    children = {film.header.identity.child for film in films if film.header} - {None}
    if finding.verdict is not Verdict.LOW or not days or len(children) != 1:
        return None
    child = children.pop()
    if child is None or finding.predictor is None:
        return None
    return uow.findings.covering(
        uow.studies.of_child(child, without=held.study_id),
        predictor_checksum=finding.predictor.checksum,
        since=uow.now - timedelta(days=days),
    )
