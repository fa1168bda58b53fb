"""The embedded driver: runs due stages in this process, for one machine and no broker."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from screener.domain.errors import ScreenerError, TransientError
from screener.pipeline.commitment import chase, confirm
from screener.pipeline.conclude import conclude
from screener.pipeline.deliver import deliver
from screener.pipeline.judge import judge
from screener.pipeline.ports import Predictor, Services
from screener.pipeline.recover import recover
from screener.pipeline.report import report
from screener.pipeline.score import score
from screener.telemetry.logging import get_logger
from screener.telemetry.metrics import STAGE_ITEMS, STAGE_SECONDS

#: How long a stage that failed unexpectedly is left alone, s.
_AFTER_A_BUG_S = 5.0
#: How often orphans are looked for, s.
_RECOVER_EVERY_S = 600.0
#: How often a process says that it is alive, s.
SIGN_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage as the driver sees it: runs what is due and returns how much there was."""

    name: str
    run: Callable[[], int]
    every_s: float = 0.0


def intake_stages(services: Services) -> tuple[Stage, ...]:
    """Return what needs neither the predictor nor an archive."""
    return (
        Stage(name="judge", run=lambda: judge(services)),
        Stage(name="conclude", run=lambda: conclude(services)),
        Stage(name="report", run=lambda: report(services)),
        Stage(name="recover", run=lambda: recover(services), every_s=_RECOVER_EVERY_S),
    )


def scoring_stages(services: Services, predictor: Predictor) -> tuple[Stage, ...]:
    """Return what needs the predictor."""
    return (Stage(name="score", run=lambda: score(services, predictor)),)


def delivery_stages(services: Services, archive: str) -> tuple[Stage, ...]:
    """Return what talks to one archive; each archive has a thread of its own."""
    return (
        Stage(name="deliver", run=lambda: deliver(services, archive)),
        Stage(name="confirm", run=lambda: confirm(services, archive)),
        Stage(name="chase", run=lambda: chase(services, archive)),
    )


def drive(stages: Sequence[Stage], *, poll_s: float, stop: threading.Event) -> None:
    """Run stages in turn until `stop` is set; rest for `poll_s` when none had anything to do.

    A stage that raises is logged and left alone for a while: its rows keep their leases, and come
    up again when those expire.
    """
    last_run: dict[str, float] = {}
    while not stop.is_set():
        done = 0
        for stage in stages:
            now = time.monotonic()
            if stop.is_set() or now < last_run.get(stage.name, -stage.every_s) + stage.every_s:
                continue
            last_run[stage.name] = now
            done += _run(stage, last_run)
        if not done:
            stop.wait(poll_s)


def sign_of_life(
    services: Services, role: str, *, facts: Mapping[str, str], stop: threading.Event
) -> None:
    """Keep writing that this process is alive, until `stop` is set."""
    while True:
        try:
            with services.database.write() as uow:
                uow.processes.sign(role, os.getpid(), facts)
        except TransientError as error:
            get_logger().warning("sign_of_life_failed", code=error.code)
        if stop.wait(SIGN_EVERY_S):
            return


def _run(stage: Stage, last_run: dict[str, float]) -> int:
    began = time.perf_counter()
    try:
        done = stage.run()
    except ScreenerError as error:
        get_logger().warning("stage_failed", stage=stage.name, code=error.code)
        last_run[stage.name] = time.monotonic() + _AFTER_A_BUG_S
        return 0
    except Exception as error:  # noqa: BLE001 - the task wrapper: one bug must not stop the node
        get_logger().error("stage_broke", stage=stage.name, exc_info=error)
        last_run[stage.name] = time.monotonic() + _AFTER_A_BUG_S
        return 0
    if done:
        STAGE_SECONDS.labels(stage=stage.name).observe(time.perf_counter() - began)
        STAGE_ITEMS.labels(stage=stage.name).inc(done)
    return done
