"""The stages by name, who runs which, and how a process that does not do its work is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class StageName(StrEnum):
    """A stage of the one way through."""

    JUDGE = "judge"
    SCORE = "score"
    CONCLUDE = "conclude"
    REPORT = "report"
    DELIVER = "deliver"
    CONFIRM = "confirm"
    CHASE = "chase"
    RECOVER = "recover"


class Role(StrEnum):
    """What a process of the node does."""

    LISTENER = "listener"
    INTAKE = "intake"
    SCORING = "scoring"
    DELIVERY = "delivery"
    #: Tells workers that there is work; a node on one machine needs none.
    BEAT = "beat"


#: Who runs a stage.
ROLE_OF: Mapping[StageName, Role] = {
    StageName.JUDGE: Role.INTAKE,
    StageName.CONCLUDE: Role.INTAKE,
    StageName.REPORT: Role.INTAKE,
    StageName.RECOVER: Role.INTAKE,
    StageName.SCORE: Role.SCORING,
    StageName.DELIVER: Role.DELIVERY,
    StageName.CONFIRM: Role.DELIVERY,
    StageName.CHASE: Role.DELIVERY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What is known of one process.

    Parameters
    ----------
    silent_s
        Seconds since its last sign of life.
    idle_s
        Seconds since it last ran a stage, or since its start where it never did.
    has_work
        Whether a stage of its role is due.
    """

    silent_s: float
    idle_s: float
    has_work: bool


def trouble(pulse: Pulse, *, silent_after_s: float, idle_after_s: float) -> str | None:
    """Return what is wrong with a process, in a sentence, or None where it does its work.

    Parameters
    ----------
    pulse
        What is known of it.
    silent_after_s
        After so many seconds without a sign of life it is taken for dead.
    idle_after_s
        After so many seconds without running a stage, while there is work, it is taken for stuck.
    """
    if pulse.silent_s > silent_after_s:
        return f"no sign of life for {pulse.silent_s:.0f} s"
    if pulse.has_work and pulse.idle_s > idle_after_s:
        return f"there is work and it has done none for {pulse.idle_s:.0f} s"
    return None
