"""The stages as they are driven, and the embedded driver: one machine and no broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from screener.domain.errors import ScreenerError
from screener.domain.stage import StageName
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
RECOVER_EVERY_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage as a driver sees it: runs what is due and returns how much there was."""

    name: StageName
    run: Callable[[], int]
    every_s: float = 0.0


def intake_stages(services: Services) -> tuple[Stage, ...]:
    """Return what needs neither the predictor nor an archive."""
    return (
        Stage(name=StageName.JUDGE, run=lambda: judge(services)),
        Stage(name=StageName.CONCLUDE, run=lambda: conclude(services)),
        Stage(name=StageName.REPORT, run=lambda: report(services)),
        Stage(name=StageName.RECOVER, run=lambda: recover(services), every_s=RECOVER_EVERY_S),
    )


def scoring_stages(services: Services, predictor: Predictor) -> tuple[Stage, ...]:
    """Return what needs the predictor."""
    return (Stage(name=StageName.SCORE, run=lambda: score(services, predictor)),)


def delivery_stages(services: Services, archive: str) -> tuple[Stage, ...]:
    """Return what talks to one archive; each archive has a thread of its own."""
    return (
        Stage(name=StageName.DELIVER, run=lambda: deliver(services, archive)),
        Stage(name=StageName.CONFIRM, run=lambda: confirm(services, archive)),
        Stage(name=StageName.CHASE, run=lambda: chase(services, archive)),
    )


class Runner:
    """Runs stages for a driver: whatever one does, the others go on.

    A stage that raises is logged and left alone for a while: its rows keep their leases, and come
    up again when those expire.

    Parameters
    ----------
    on_work
        Called after a run that found something to do.
    """

    def __init__(self, on_work: Callable[[], None] = lambda: None) -> None:
        self._on_work = on_work
        self._resting_until: dict[StageName, float] = {}

    def run(self, stage: Stage) -> int:
        """Run a stage, unless it rests; return how many rows it claimed."""
        if time.monotonic() < self._resting_until.get(stage.name, 0.0):
            return 0
        began = time.perf_counter()
        try:
            done = stage.run()
        except ScreenerError as error:
            get_logger().warning("stage_failed", stage=stage.name.value, code=error.code)
            self._resting_until[stage.name] = time.monotonic() + _AFTER_A_BUG_S
            return 0
        except Exception as error:  # noqa: BLE001 - the task wrapper: one bug must not stop the node
            get_logger().error("stage_broke", stage=stage.name.value, exc_info=error)
            self._resting_until[stage.name] = time.monotonic() + _AFTER_A_BUG_S
            return 0
        if done:
            STAGE_SECONDS.labels(stage=stage.name.value).observe(time.perf_counter() - began)
            STAGE_ITEMS.labels(stage=stage.name.value).inc(done)
            self._on_work()
        return done


def drive(
    stages: Sequence[Stage],
    *,
    poll_s: float,
    stop: threading.Event,
    on_work: Callable[[], None] = lambda: None,
) -> None:
    """Run stages in turn until `stop` is set; rest for `poll_s` when none had anything to do."""
    runner = Runner(on_work)
    last_run: dict[StageName, float] = {}
    while not stop.is_set():
        done = 0
        for stage in stages:
            now = time.monotonic()
            if stop.is_set() or now < last_run.get(stage.name, -stage.every_s) + stage.every_s:
                continue
            last_run[stage.name] = now
            done += runner.run(stage)
        if not done:
            stop.wait(poll_s)
