"""The stages run by a real Celery worker over a real Redis, in a thread of the test's process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import cast

from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from kombu.message import Message

from screener.config import BrokerSettings, Settings
from screener.domain.stage import ROLE_OF, StageName
from screener.pipeline.drive import Runner, Stage
from screener.pipeline.ports import Predictor, Services
from workers.app import make_app
from workers.nudge import Nudger
from workers.process import keep_logging
from workers.queues import QUEUE_OF, QueueName, declared
from workers.tasks import register
from workers.workplace import Workplace

_ANSWER_S = 60.0

#: The drivers of this process whose worker runs.
_DRIVERS: list[CeleryDriver] = []


@contextmanager
def consuming(app: Celery, *queues: QueueName) -> Iterator[None]:
    """Run a worker of an app that takes the nudges of some queues, or of all.

    A worker that stops ends every other one of its process (Celery keeps that in a module's
    variable), so that the one of a driver, which starts again by itself, is stopped before.
    """
    for driver in list(_DRIVERS):
        driver.stop()
    signals.setup_logging.connect(keep_logging)
    with start_worker(
        app,
        pool="solo",
        concurrency=1,
        perform_ping_check=False,
        queues=[queue.value for queue in queues or QueueName],
        shutdown_timeout=_ANSWER_S,
    ):
        yield


def take(app: Celery, *queues: QueueName) -> list[Message]:
    """Take every nudge that waits in some queues, or in all, as a worker does."""
    taken = []
    with app.connection_for_read() as connection:
        for queue in queues or QueueName:
            waiting = declared(queue)(connection.default_channel)
            while (message := waiting.get(no_ack=True)) is not None:
                taken.append(message)
    return taken


def stages_of(messages: Sequence[Message]) -> Counter[str]:
    """Return which stages nudges name, and how often."""
    return Counter(str(message.headers["task"]) for message in messages)


class _Recording(Runner):
    """Keeps what a stage raised, which a driver logs and survives."""

    raised: Exception | None = None

    def run(self, stage: Stage) -> int:
        def recorded() -> int:
            try:
                return stage.run()
            except Exception as error:
                self.raised = error
                raise

        return super().run(replace(stage, run=recorded))


class CeleryDriver:
    """Runs one stage at a time, as a test asks, by a nudge through Redis.

    What a stage nudges when it is done goes to another database of Redis, where nobody takes it:
    a test says itself which stage runs next.
    """

    def __init__(self, redis_url: str) -> None:
        self.app = make_app(Settings(broker=BrokerSettings(url=redis_url)))
        another = redis_url.removesuffix("/0") + "/1"
        elsewhere = make_app(Settings(broker=BrokerSettings(url=another)))
        self._nudger = Nudger(elsewhere)
        self._current: Workplace | None = None
        self._done = threading.Event()
        self._claimed = 0
        self._is_busy = False
        self._worker = ExitStack()
        register(self.app, cast("Workplace", self), Settings().drive)

    def _start(self) -> None:
        """Start the worker, unless it runs."""
        if self not in _DRIVERS:
            self._worker.enter_context(consuming(self.app))
            _DRIVERS.append(self)

    def stop(self) -> None:
        """Stop the worker; the next stage starts one."""
        if self in _DRIVERS:
            _DRIVERS.remove(self)
            self._worker.close()

    def close(self) -> None:
        """Stop the worker, and leave the broker."""
        self.stop()
        self._nudger.close()

    @property
    def names(self) -> tuple[StageName, ...]:
        """Every stage: one worker takes them all."""
        return tuple(StageName)

    def run(self, name: StageName) -> int:
        """Run a stage at the workplace of the moment: what a task calls."""
        assert self._current is not None
        self._is_busy = True
        try:
            self._claimed = self._current.run(name)
        finally:
            self._is_busy = False
            self._done.set()
        return self._claimed

    def drive(
        self,
        services: Services,
        predictor: Callable[[], Predictor],
        name: StageName,
        archive: str | None,
    ) -> int:
        """Nudge a stage, await its end, and raise what it raised."""
        if archive is not None:
            services = replace(services, archives={archive: services.archives[archive]})
        self._current = Workplace(services, ROLE_OF[name], self._nudger, load_predictor=predictor)
        self._current._runner = runner = _Recording()
        if self._is_busy:
            # a test asks what another worker does meanwhile
            done = self._current.run(name)
            return _or_raise(done, runner)
        self._start()
        self._claimed = 0
        self._done.clear()
        self.app.send_task(name.value, queue=declared(QUEUE_OF[name]))
        assert self._done.wait(_ANSWER_S), f"no worker took the nudge {name}"
        return _or_raise(self._claimed, runner)


def _or_raise(claimed: int, runner: _Recording) -> int:
    if runner.raised is not None:
        raise runner.raised
    return claimed
