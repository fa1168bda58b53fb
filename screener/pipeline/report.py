"""Report: a flagged study's finding becomes result objects and their deliveries, in one commit.

So does the finding of a study whose report is withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from screener.config import Withdrawal
from screener.dicom.rejection import build_rejection_note
from screener.domain.delivery import hold_reason
from screener.domain.errors import ScreenerError
from screener.domain.finding import Verdict
from screener.domain.identifiers import ResultObjectId, StudyId
from screener.domain.report import (
    DEFAULT_FORM,
    EarlierResult,
    Predecessor,
    ResultForm,
    ResultKind,
    ResultObject,
    is_meant_for,
)
from screener.domain.screening import NotScoredReason, ScreeningState
from screener.domain.study import StudyState
from screener.pipeline.content import is_listed, make_results, report_content, speaks
from screener.pipeline.ports import Services, rules_in_force
from screener.storage.database import UnitOfWork
from screener.storage.findings import StoredFinding
from screener.storage.screenings import StudyFilm
from screener.storage.studies import ClaimedStudy
from screener.storage.withdrawals import TakenObject
from screener.telemetry.logging import get_logger

_BATCH = 4

#: The vault's folders; a finding's objects lie together in one.
_VAULT_FOLDERS = 256

#: Digits of a UID that tell the notes of one finding apart.
_TELLING_APART = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """Everything that a study's result objects are made from.

    Parameters
    ----------
    taken
        Of a withdrawal: what each archive has of the study; None of any other report.
    replaced
        Of a later report: which pictures of the earlier one each archive has.
    """

    stored: StoredFinding
    films: tuple[StudyFilm, ...]
    predecessors: Mapping[ResultForm, Predecessor | None]
    earlier: tuple[EarlierResult, ...] = ()
    taken: Mapping[str, tuple[TakenObject, ...]] | None = None
    replaced: Mapping[str, tuple[TakenObject, ...]] = field(default_factory=dict)

    @property
    def void(self) -> Mapping[str, tuple[TakenObject, ...]]:
        """What each archive has that nobody is to look at any more."""
        return self.replaced if self.taken is None else self.taken


def report(services: Services) -> int:
    """Make the reports that are due; return how many studies were claimed."""
    with services.database.write() as uow:
        claimed = uow.studies.claim_flagged(limit=_BATCH, lease=services.lease)
        claimed += uow.studies.claim_withdrawing(limit=_BATCH, lease=services.lease)
    for held in claimed:
        try:
            loaded = _load(services, held)
            _settle(services, held, loaded, tuple(_make(services, loaded)))
        except ScreenerError as error:
            get_logger().warning("reporting_failed", study_id=held.study_id, code=error.code)
            with services.database.write() as uow:
                uow.studies.settle_failure(held, error)
    return len(claimed)


def _load(services: Services, held: ClaimedStudy) -> _Loaded:
    if held.finding_id is None:
        raise AssertionError("a flagged study has a finding")
    forms = {archive.form for archive in services.archives.values()} or {DEFAULT_FORM}
    with services.database.read() as uow:
        stored = uow.findings.get(held.finding_id)
        before = stored.predecessor_id
        films, taken = _films(uow, held.study_id), None
        if stored.finding.verdict is Verdict.WITHDRAWN:
            films = tuple(_without_estimate(film) for film in films)
            taken = uow.withdrawals.taken(held.study_id, without=stored.finding_id)
        return _Loaded(
            stored=stored,
            films=films,
            taken=taken,
            replaced=uow.withdrawals.replaced(before) if before and taken is None else {},
            predecessors={
                form: uow.findings.predecessor(before, form.look(ResultKind.REPORT))
                if before
                else None
                for form in sorted(forms, key=str)
            },
            earlier=_earlier(uow, held.study_id, stored),
        )


def _earlier(
    uow: UnitOfWork, study_id: StudyId, stored: StoredFinding
) -> tuple[EarlierResult, ...]:
    """Return what the child's other studies gave; nothing where it is not certain whose they are.

    A value of synthetic origin does not stand beside one of a child.
    """
    films = uow.screenings.films_of(study_id)
    children = {film.header.identity.child for film in films if film.header and speaks(film)}
    child = children.pop() if len(children) == 1 else None
    estimate = stored.finding.estimate
    if child is None or estimate is None:
        return ()
    found = [
        (other.finding.estimate, other.synthetic)
        for other in uow.findings.current(uow.studies.of_child(child, without=study_id))
    ]
    earlier = [
        EarlierResult(
            age_years=e.age_years,
            abmd_g_cm2=e.abmd_g_cm2,
            abmd_low_g_cm2=e.abmd_low_g_cm2,
            abmd_high_g_cm2=e.abmd_high_g_cm2,
        )
        for e, synthetic in found
        if e is not None and synthetic is stored.synthetic and e.age_years < estimate.age_years
    ]
    return tuple(sorted(earlier, key=lambda one: one.age_years))


def _films(uow: UnitOfWork, study_id: StudyId) -> tuple[StudyFilm, ...]:
    """Return the films that a report lists.

    A correction or a rejection note may have left a study without any: its correcting report names
    what there is, for it must still say whose it is.
    """
    films = uow.screenings.films_of(study_id)
    listed = [film for film in films if is_listed(film)]
    if listed:
        return tuple(listed)
    rejected = _silent(uow.screenings.rejected_films_of(study_id), NotScoredReason.REJECTED_BY_NOTE)
    named = rejected or tuple(f for f in films if f.header is not None and speaks(f))
    return named or _silent(uow.screenings.superseded_films_of(study_id), ScreeningState.SUPERSEDED)


def _silent(films: Iterable[StudyFilm], reason: StrEnum) -> tuple[StudyFilm, ...]:
    return tuple(replace(f, reasons=(reason.value,)) for f in films if f.header is not None)


def _without_estimate(film: StudyFilm) -> StudyFilm:
    """Return a film as a withdrawing report names it: its estimate must not be used."""
    return replace(film, prediction=None, reasons=(Verdict.WITHDRAWN.value,))


def _make(services: Services, loaded: _Loaded) -> Iterable[ResultObject]:
    stored = loaded.stored
    contents = {
        form: report_content(
            services,
            loaded.films,
            finding=stored.finding,
            concluded_at=stored.concluded_at,
            revision=stored.report_revision or 1,
            predecessor=predecessor,
            synthetic=stored.synthetic,
            language=form.language,
            earlier=loaded.earlier,
        )
        for form, predecessor in loaded.predecessors.items()
    }
    sources = {film.screening_id: services.spool.read(film.spool_key) for film in loaded.films}
    yield from make_results(services, contents, sources)
    source = next(iter(sources.values()))
    for name, objects in loaded.void.items():
        archive = services.archives.get(name)
        if archive is not None and archive.withdrawal is Withdrawal.IOCM:
            rejected = [taken.reference for taken in objects]
            content = contents[archive.form]
            yield build_rejection_note(content, name, rejected, source, archive.form)


def _withdrawal(services: Services, archive: str) -> Withdrawal:
    """Return how an archive learns of a withdrawal; one that the settings do not know does not."""
    known = services.archives.get(archive)
    return known.withdrawal if known is not None else Withdrawal.NONE


def _settle(
    services: Services,
    held: ClaimedStudy,
    loaded: _Loaded,
    made: tuple[ResultObject, ...],
) -> None:
    """Write the bytes, then rows and deliveries in one commit: the outbox."""
    stored = loaded.stored
    to = StudyState.REPORTED if loaded.taken is None else StudyState.WITHDRAWN
    folder = f"{stored.finding_id % _VAULT_FOLDERS:02x}"
    kept = []
    for number, result in enumerate(made):
        # the key follows from our own numbers: a re-run writes the same bytes to the same file
        name = f"{number}-{result.kind.value.lower()}"
        if result.kind is ResultKind.REJECTION_NOTE:
            # what an archive has may be more at a re-run: another note must not take this one's key
            name += f"-{result.sop_instance_uid[-_TELLING_APART:]}"
        key = f"{folder}/{stored.finding_id}-{name}.dcm"
        kept.append((result, services.vault.put(result.encoded, key=key)))
    with services.database.write() as uow:
        ours = uow.studies.settle(held, to, reported_finding_id=stored.finding_id)
        if not ours:
            return
        for result, file in kept:
            result_id = uow.findings.add_result(
                stored.finding_id,
                result,
                vault_key=file.key,
                sha256=file.sha256,
                synthetic=stored.synthetic,
            )
            _add_deliveries(services, uow, result_id, result, loaded)
        _take_back(services, uow, held.study_id, loaded)
        uow.findings.mark_reported(stored.finding_id)
    get_logger().info(
        f"study_{to.value.lower()}",
        study_id=held.study_id,
        finding_id=stored.finding_id,
        count=len(made),
    )


def _add_deliveries(
    services: Services,
    uow: UnitOfWork,
    result_id: ResultObjectId,
    result: ResultObject,
    loaded: _Loaded,
) -> None:
    stored = loaded.stored
    rules = rules_in_force(uow)
    before = stored.predecessor_id
    informed = uow.deliveries.archives_of(before) if before is not None else frozenset()
    for archive in services.archives.values():
        form = archive.form
        if result.kind is ResultKind.REJECTION_NOTE:
            if result.variant != archive.name:
                continue
        elif result.kind not in form.kinds or result.look != form.look(result.kind):
            continue
        if loaded.taken is not None:
            wanted = archive.name in loaded.taken  # else it never had what is withdrawn
        else:
            wanted = rules.conclusion.report_all or is_meant_for(
                form, stored.finding, has_earlier=archive.name in informed
            )
        if not wanted:
            continue
        hold = hold_reason(rules.mode(archive.name), synthetic=stored.synthetic)
        uow.deliveries.add(result_id, archive.name, hold)


def _take_back(services: Services, uow: UnitOfWork, study_id: StudyId, loaded: _Loaded) -> None:
    """Cancel what of a withdrawn study could not be sent since, and list what is to be deleted."""
    if loaded.taken is not None:
        uow.withdrawals.cancel_unsent(study_id, without=loaded.stored.finding_id)
    for name, objects in loaded.void.items():
        if _withdrawal(services, name) is Withdrawal.NONE:
            for taken in objects:
                uow.withdrawals.open_deletion(taken.result_object_id, name)
