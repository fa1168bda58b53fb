"""The tasks: one a stage. Each runs its stage and nudges what comes next, once it has committed."""

from __future__ import annotations

from functools import partial

from celery import Celery

from screener.config import DriveSettings
from screener.domain.stage import StageName
from workers.queues import limit_s
from workers.workplace import Workplace, at_most


def register(app: Celery, workplace: Workplace, drive: DriveSettings) -> None:
    """Give an app the tasks of a workplace's stages."""
    for name in workplace.names:
        app.task(partial(work, workplace, name, limit_s(name, drive)), name=name.value)


def work(workplace: Workplace, stage: StageName, limit: float) -> None:
    """Run a stage, within its limit."""
    with at_most(limit):
        workplace.run(stage)
