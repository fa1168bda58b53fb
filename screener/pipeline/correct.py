"""What comes in beside the films: corrections and imports, and the films that they are told of.

No stage: it happens when an operator asks. What it takes back to RECEIVED the stages judge again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from screener.domain.clinical import gains_by_import
from screener.domain.clinical_table import Child, ChildMeasured
from screener.domain.correction import Correction, objection
from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import ScreeningId, StudyId
from screener.domain.reference import GrowthReference
from screener.pipeline.film import clinical_of
from screener.storage.clinical import Kept, LackingFilm
from screener.storage.database import UnitOfWork


def correct_study(
    uow: UnitOfWork,
    study_id: StudyId,
    correction: Correction,
    *,
    growth: GrowthReference,
    reason: str,
    operator: str,
) -> list[ScreeningId]:
    """Keep a correction, and take up again every film of the study that speaks.

    Returns
    -------
    list of ScreeningId
        The films that are judged again.

    Raises
    ------
    ConfigurationError
        The correction cannot be true, the reason is empty, or the study is withdrawn.
    """
    # before any film, and before what is known of them is read
    uow.studies.lock(study_id)
    if uow.withdrawals.is_taken_back(study_id):
        raise ConfigurationError(f"study {study_id} is withdrawn: it cannot be corrected any more")
    if not reason.strip():
        raise ConfigurationError("give a reason: it is kept with the correction")
    films = uow.screenings.films_of(study_id)
    said = objection(
        correction,
        before=[one.correction for one in uow.clinical.corrections(study_id)],
        headers=[film.header for film in films if film.header is not None],
        growth=growth,
        today=uow.now.date(),
    )
    if said is not None:
        raise ConfigurationError(said)
    uow.clinical.add_correction(study_id, correction, reason=reason.strip(), operator=operator)
    uow.audit.add(
        actor=operator,
        action="CORRECTED",
        subject=f"study {study_id}",
        values=correction.values,
        reason=reason.strip(),
    )
    return _take_up(uow, study_id, [film.screening_id for film in films])


def import_measurements(
    uow: UnitOfWork,
    measurements: Sequence[ChildMeasured],
    *,
    growth: GrowthReference,
    operator: str,
    skipped: int = 0,
) -> tuple[Kept, list[StudyId]]:
    """Keep a site's measurements, and take up again the films that lacked one of them.

    Every child of the table is looked at, also where its rows are known already: a film that was
    being judged while they were imported is then found by the next import.

    Returns
    -------
    tuple
        What became of the measurements, and the studies that are taken up again.
    """
    kept = uow.clinical.keep(measurements)
    gaining: dict[StudyId, list[ScreeningId]] = defaultdict(list)
    for film in uow.clinical.lacking(_children(measurements)):
        if _gains(uow, growth, film):
            gaining[film.study_id].append(film.screening_id)
    # before any study, as whoever concludes one and may reopen others; then always in one order
    uow.studies.lock_children()
    taken = [study for study in sorted(gaining) if _may_be_taken_up(uow, study, gaining[study])]
    if kept.new or kept.changed or taken:
        uow.audit.add(
            actor=operator,
            action="CLINICAL_IMPORTED",
            subject=None,
            new=kept.new,
            changed=kept.changed,
            unchanged=kept.unchanged,
            skipped_lines=skipped,
            studies_taken_up=len(taken),
        )
    return kept, taken


def _children(measurements: Sequence[ChildMeasured]) -> list[Child]:
    return sorted({one.child for one in measurements})


def _gains(uow: UnitOfWork, growth: GrowthReference, film: LackingFilm) -> bool:
    identity = film.header.identity
    now = clinical_of(
        growth,
        film.header,
        age_years=film.clinical.age_years,
        sex=film.clinical.sex,
        elsewhere=uow.clinical.elsewhere(identity.patient_id, identity.issuer, film.study_id),
    )
    return gains_by_import(film.clinical, now)


def _may_be_taken_up(
    uow: UnitOfWork, study_id: StudyId, screening_ids: Collection[ScreeningId]
) -> bool:
    uow.studies.lock(study_id)
    if uow.withdrawals.is_taken_back(study_id):
        return False
    return bool(_take_up(uow, study_id, screening_ids))


def _take_up(
    uow: UnitOfWork, study_id: StudyId, screening_ids: Collection[ScreeningId]
) -> list[ScreeningId]:
    uow.studies.reopen(study_id)
    taken = uow.screenings.judge_again(screening_ids)
    uow.announce()
    return taken
