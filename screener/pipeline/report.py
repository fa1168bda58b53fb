"""Report: a flagged study's finding becomes result objects and their deliveries, in one commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from screener.domain.delivery import hold_reason
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import ResultObjectId, StudyId
from screener.domain.report import Predecessor, ReportVariant, ResultKind, ResultObject
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState
from screener.pipeline.content import is_listed, make_results, report_content, speaks
from screener.pipeline.ports import Services, rules_in_force
from screener.storage.database import UnitOfWork
from screener.storage.findings import StoredFinding
from screener.storage.screenings import StudyFilm
from screener.storage.studies import ClaimedStudy
from screener.telemetry.logging import get_logger

_BATCH = 4

#: The vault's folders; a finding's objects lie together in one.
_VAULT_FOLDERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """Everything that a study's result objects are made from."""

    stored: StoredFinding
    films: tuple[StudyFilm, ...]
    predecessors: Mapping[ReportVariant, Predecessor | None]


def report(services: Services) -> int:
    """Make the reports that are due; return how many studies were claimed."""
    with services.database.write() as uow:
        claimed = uow.studies.claim_flagged(limit=_BATCH, lease=services.lease)
    for held in claimed:
        try:
            loaded = _load(services, held)
            _settle(services, held, loaded.stored, tuple(_make(services, loaded)))
        except ScreenerError as error:
            get_logger().warning("reporting_failed", study_id=held.study_id, code=error.code)
            with services.database.write() as uow:
                uow.studies.settle_failure(held, error)
    return len(claimed)


def _load(services: Services, held: ClaimedStudy) -> _Loaded:
    if held.finding_id is None:
        raise AssertionError("a flagged study has a finding")
    variants = {archive.variant for archive in services.archives.values()} or {ReportVariant()}
    with services.database.read() as uow:
        stored = uow.findings.get(held.finding_id)
        before = stored.predecessor_id
        return _Loaded(
            stored=stored,
            films=_films(uow, held.study_id),
            predecessors={
                variant: uow.findings.predecessor(before, str(variant)) if before else None
                for variant in sorted(variants, key=str)
            },
        )


def _films(uow: UnitOfWork, study_id: StudyId) -> tuple[StudyFilm, ...]:
    """Return the films that a report lists.

    A correction may have left a study without any: its correcting report names what there is, for
    it must still say whose it is.
    """
    films = uow.screenings.films_of(study_id)
    listed = [film for film in films if is_listed(film)]
    named = listed or [film for film in films if film.header is not None and speaks(film)]
    if named:
        return tuple(named)
    moved = ScreeningState.SUPERSEDED.value
    return tuple(replace(f, reasons=(moved,)) for f in uow.screenings.superseded_films_of(study_id))


def _make(services: Services, loaded: _Loaded) -> Iterable[ResultObject]:
    stored = loaded.stored
    reports = {
        variant: report_content(
            services,
            loaded.films,
            finding=stored.finding,
            concluded_at=stored.concluded_at,
            revision=stored.report_revision or 1,
            predecessor=predecessor,
            synthetic=stored.synthetic,
        )
        for variant, predecessor in loaded.predecessors.items()
    }
    sources = {film.screening_id: services.spool.read(film.spool_key) for film in loaded.films}
    return make_results(services, reports, sources)


def _settle(
    services: Services,
    held: ClaimedStudy,
    stored: StoredFinding,
    made: tuple[ResultObject, ...],
) -> None:
    """Write the bytes, then rows and deliveries in one commit: the outbox."""
    folder = f"{stored.finding_id % _VAULT_FOLDERS:02x}"
    kept = []
    for number, result in enumerate(made):
        # the key follows from our own numbers: a re-run writes the same bytes to the same file
        key = f"{folder}/{stored.finding_id}-{number}-{result.kind.value.lower()}.dcm"
        kept.append((result, services.vault.put(result.encoded, key=key)))
    with services.database.write() as uow:
        ours = uow.studies.settle(held, StudyState.REPORTED, reported_finding_id=stored.finding_id)
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
            _add_deliveries(services, uow, result_id, result, synthetic=stored.synthetic)
        uow.findings.mark_reported(stored.finding_id)
    get_logger().info(
        "study_reported", study_id=held.study_id, finding_id=stored.finding_id, count=len(made)
    )


def _add_deliveries(
    services: Services,
    uow: UnitOfWork,
    result_id: ResultObjectId,
    result: ResultObject,
    *,
    synthetic: bool,
) -> None:
    rules = rules_in_force(uow)
    for archive in services.archives.values():
        if result.kind is ResultKind.REPORT and result.variant != str(archive.variant):
            continue
        hold = hold_reason(rules.mode(archive.name), synthetic=synthetic)
        uow.deliveries.add(result_id, archive.name, hold)
