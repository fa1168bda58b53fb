"""Due: which stages would find something to do now. Asked, never told: the rows know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from screener.domain.stage import StageName
from screener.pipeline.life import SIGN_EVERY_S
from screener.pipeline.ports import Services, rules_in_force
from screener.storage.database import UnitOfWork

#: A process that was silent for so long does not run, s.
SILENT_AFTER_S = 4 * SIGN_EVERY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What there is to do, and how many could do it.

    Parameters
    ----------
    due
        Stages that would find something.
    slots
        By role, how many stages its living processes can run at a time; a role of which none
        lives is missing.
    """

    due: frozenset[StageName]
    slots: Mapping[str, int]


def standing(services: Services) -> Standing:
    """Return what is due, and how many workers live.

    Notes
    -----
    A stage that talks to archives is due where one of them is well, has rows due, and no worker
    is at it: an archive is served by one association at a time, and one that hangs holds up
    one worker only.
    """
    with services.database.read() as uow:
        settle_s = rules_in_force(uow).conclusion.settle_s
        asked = {
            StageName.JUDGE: uow.screenings.any_received(),
            StageName.SCORE: uow.screenings.any_waiting(),
            StageName.CONCLUDE: uow.studies.any_settled(settle_s=settle_s),
            StageName.REPORT: uow.studies.any_flagged(),
        }
        due = {stage for stage, found in asked.items() if found}
        for archive in services.archives:
            due |= _due_at(uow, archive)
        slots: dict[str, int] = {}
        for sign in uow.processes.all():
            if (uow.now - sign.alive_at).total_seconds() <= SILENT_AFTER_S:
                role = sign.process.role
                slots[role] = slots.get(role, 0) + sign.slots
    return Standing(due=frozenset(due), slots=slots)


def archives_due(services: Services, stage: StageName) -> list[str]:
    """Return the archives at which a stage would find something to do."""
    with services.database.read() as uow:
        return [name for name in services.archives if stage in _due_at(uow, name)]


def _due_at(uow: UnitOfWork, archive: str) -> set[StageName]:
    asked = {
        StageName.DELIVER: uow.deliveries.any_to_send(archive),
        StageName.CONFIRM: uow.deliveries.any_to_confirm(archive),
        StageName.CHASE: uow.deliveries.any_overdue(archive),
    }
    due = {stage for stage, found in asked.items() if found}
    if due and (not uow.archives.is_due(archive) or uow.deliveries.is_served(archive)):
        return set()
    return due
