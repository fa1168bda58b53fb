from screener.config import DriveSettings
from screener.domain.stage import ROLE_OF, Role, StageName
from workers.queues import (
    QUEUE_OF,
    QUEUES_OF,
    TAKER_OF,
    QueueName,
    declared,
    limit_s,
    visibility_timeout_s,
)


def test_every_stage_has_a_queue_that_the_workers_of_its_role_take_from() -> None:
    assert {stage: TAKER_OF[queue] for stage, queue in QUEUE_OF.items()} == dict(ROLE_OF)


def test_every_queue_is_taken_by_one_role() -> None:
    taken = [queue for queues in QUEUES_OF.values() for queue in queues]

    assert sorted(taken) == sorted(QueueName)
    assert set(QUEUES_OF) == {Role.INTAKE, Role.SCORING, Role.DELIVERY}


def test_a_queue_needs_no_binding_that_a_flush_could_lose() -> None:
    queue = declared(QueueName.GPU)

    assert (queue.exchange.name, queue.routing_key) == ("", "gpu")


def test_a_stage_may_take_as_long_as_its_lease_and_redis_waits_for_120_s_more() -> None:
    drive = DriveSettings(lease_s=300)

    limits = {stage: limit_s(stage, drive) for stage in StageName}

    assert limits[StageName.SCORE] == 300
    assert visibility_timeout_s(drive) == max(limits.values()) + 120
