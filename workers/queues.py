"""Which queue a stage's nudges go to, who takes them, and how long a stage may take."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kombu.entity import Exchange, Queue

from screener.config import DriveSettings
from screener.domain.stage import Role, StageName


class QueueName(StrEnum):
    """The queues."""

    INTAKE = "intake"
    #: Named by what its workers need most; they run without one, too.
    GPU = "gpu"
    DELIVERY = "delivery"
    UPKEEP = "upkeep"


#: Each stage's queue.
QUEUE_OF: Mapping[StageName, QueueName] = {
    StageName.JUDGE: QueueName.INTAKE,
    StageName.CONCLUDE: QueueName.INTAKE,
    StageName.REPORT: QueueName.INTAKE,
    StageName.SCORE: QueueName.GPU,
    StageName.DELIVER: QueueName.DELIVERY,
    StageName.CONFIRM: QueueName.DELIVERY,
    StageName.CHASE: QueueName.DELIVERY,
    StageName.RECOVER: QueueName.UPKEEP,
}

#: The queues that a role's workers take nudges from.
QUEUES_OF: Mapping[Role, tuple[QueueName, ...]] = {
    Role.INTAKE: (QueueName.INTAKE, QueueName.UPKEEP),
    Role.SCORING: (QueueName.GPU,),
    Role.DELIVERY: (QueueName.DELIVERY,),
}

#: Who takes a queue's nudges.
TAKER_OF: Mapping[QueueName, Role] = {
    queue: role for role, queues in QUEUES_OF.items() for queue in queues
}

#: Looking through a full spool for orphans takes longer than any claim, s.
_RECOVER_LIMIT_S = 900.0
#: How much later than the longest limit Redis takes a nudge for lost, s.
_VISIBILITY_MARGIN_S = 120.0


def declared(queue: QueueName) -> Queue:
    """Return a queue as the broker sees it.

    The default exchange needs no bindings: those would lie in Redis, and a flush would lose them
    with nobody to make them again.
    """
    return Queue(queue.value, Exchange(""), routing_key=queue.value)


def limit_s(stage: StageName, drive: DriveSettings) -> float:
    """Return how long a stage may take, s: beyond its lease what it holds is another's."""
    return _RECOVER_LIMIT_S if stage is StageName.RECOVER else drive.lease_s


def visibility_timeout_s(drive: DriveSettings) -> float:
    """Return after how long Redis gives a nudge that nobody acknowledged to another worker, s."""
    return max(limit_s(stage, drive) for stage in StageName) + _VISIBILITY_MARGIN_S
