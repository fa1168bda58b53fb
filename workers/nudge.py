"""Nudges: tell workers that there is work, never more often than they can take it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from celery import Celery
from kombu.exceptions import KombuError
from kombu.messaging import Producer
from redis.exceptions import RedisError

from screener.domain.stage import StageName
from screener.pipeline.due import Standing
from screener.telemetry.logging import get_logger
from workers.queues import QUEUE_OF, TAKER_OF, QueueName, declared

#: A nudge that nobody takes for so long is thrown away: what it says is said anew every second.
#: Longer than the clocks of two machines of a hospital differ, s.
EXPIRES_S = 300.0

_BROKER_ERRORS = (KombuError, RedisError, OSError)


class Nudger:
    """Sends nudges over a connection of its own, which it makes again when that breaks.

    A nudge names a stage and nothing else. A queue never holds more of them than there are
    workers to take them: how much there is to do stands in the database, not in Redis.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._producer: Producer | None = None
        self._sent_at: dict[StageName, float] = {}
        self._away = False

    def nudge(self, standing: Standing) -> bool:
        """Nudge workers to do what is due; return whether the broker could be reached."""
        try:
            for queue in QueueName:
                due = [stage for stage in standing.due if QUEUE_OF[stage] is queue]
                self._fill(queue, due, standing.slots)
        except _BROKER_ERRORS as error:
            self.close()
            if not self._away:
                get_logger().warning("broker_away", reason=type(error).__name__)
            self._away = True
            return False
        if self._away:
            get_logger().info("broker_back")
        self._away = False
        return True

    def close(self) -> None:
        """Close the connection; the next nudge makes another one."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.connection.collect()

    def _fill(self, queue: QueueName, due: Sequence[StageName], slots: Mapping[str, int]) -> None:
        """Send a queue's nudges in turn, the stage that was nudged longest ago first."""
        # where no worker has given a sign yet, one nudge waits for the first
        free = max(1, slots.get(TAKER_OF[queue], 0)) - self._held(queue)
        in_turn = sorted(due, key=lambda stage: self._sent_at.get(stage, float("-inf")))
        for number in range(free if due else 0):
            stage = in_turn[number % len(in_turn)]
            self._app.send_task(
                stage.value,
                producer=self._connected(),
                queue=declared(queue),
                expires=EXPIRES_S,
                retry=False,
            )
            self._sent_at[stage] = time.monotonic()

    def _held(self, queue: QueueName) -> int:
        """Return how many nudges wait in a queue."""
        return int(declared(queue)(self._connected().channel).queue_declare().message_count)

    def _connected(self) -> Producer:
        if self._producer is None:
            channel = self._app.connection_for_write().channel()
            self._producer = self._app.amqp.Producer(channel, auto_declare=False)
        return self._producer
