"""The tasks: one a stage. Each runs its stage and nudges what comes next, once it has committed."""

from __future__ import annotations

from collections.abc import Callable

from celery import Celery

from screener.config import DriveSettings
from screener.domain.stage import StageName
from workers.queues import limit_s
from workers.workplace import Workplace, at_most


def register(app: Celery, workplace: Workplace, drive: DriveSettings) -> None:
    """Give an app the tasks of a workplace's stages, each with its limit."""
    for stage in workplace.names:
        # this app's alone: another one in this process has a workplace of its own
        app.task(_task(workplace, stage, limit_s(stage, drive)), name=stage.value, shared=False)


def _task(workplace: Workplace, stage: StageName, limit: float) -> Callable[[], None]:
    def run() -> None:
        with at_most(limit):
            workplace.run(stage)

    return run
