"""What Celery makes of a nudge that a worker has taken, but for one thing."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.worker.request import Request


class NudgeRequest(Request):  # type: ignore[misc]  # Celery has no types
    """A nudge in hand, whose acknowledgement must reach the broker."""

    acknowledged: bool

    def acknowledge(self) -> None:
        """Acknowledge the nudge, or let the worker know that the broker is gone.

        Celery logs that and goes on. But a worker that takes one nudge at a time then holds one
        for ever that it never acknowledged: it asks for no other, not even on a connection that it
        would find broken. A connection error that is raised makes it connect anew.
        """
        if not self.acknowledged:
            self.message.ack()
            self.acknowledged = True


class NudgedTask(Task):  # type: ignore[misc]  # Celery has no types
    """A stage's task."""

    Request: Any = NudgeRequest
