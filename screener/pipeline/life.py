"""A process's signs of life: for `screener status`, health checks, and how many nudges to send."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping

from screener.domain.errors import TransientError
from screener.pipeline.ports import Services
from screener.storage.processes import Process
from screener.telemetry.logging import get_logger

#: How often a process says that it is alive, s.
SIGN_EVERY_S = 5.0


class Life:
    """Says that a process is alive, and that it works.

    Parameters
    ----------
    role
        What it does: listener, intake, scoring, delivery or beat.
    slots
        How many stages it can run at a time.
    facts
        What else `screener status` may say of it.
    pid
        Of the process that the sign stands for: a worker's children work for it.
    """

    def __init__(
        self,
        services: Services,
        role: str,
        *,
        slots: int = 1,
        facts: Mapping[str, str] | None = None,
        pid: int | None = None,
    ) -> None:
        self._database = services.database
        self._slots = slots
        self._last_worked = float("-inf")
        self.process = process_here(role, pid)
        self.facts = dict(facts or {})

    def begin(self) -> None:
        """Say that the process has started; `TransientError` where the database is away."""
        with self._database.write() as uow:
            uow.processes.begin(self.process, self.facts, slots=self._slots)

    def sign(self) -> None:
        """Say that the process is alive; a database that is away is logged, no more."""
        try:
            with self._database.write() as uow:
                uow.processes.sign(self.process, self.facts, slots=self._slots)
        except TransientError as error:
            get_logger().warning("sign_of_life_failed", code=error.code)

    def keep(self, stop: threading.Event) -> None:
        """Go on saying that the process is alive until `stop` is set, then say that it ends."""
        try:
            self.begin()
        except TransientError as error:
            get_logger().warning("sign_of_life_failed", code=error.code)
        while not stop.wait(SIGN_EVERY_S):
            self.sign()
        self.end()

    def worked(self) -> None:
        """Say that a stage was run; not more often than the signs come."""
        if time.monotonic() - self._last_worked < SIGN_EVERY_S:
            return
        self._last_worked = time.monotonic()
        try:
            with self._database.write() as uow:
                uow.processes.worked(self.process)
        except TransientError as error:
            get_logger().warning("sign_of_life_failed", code=error.code)

    def end(self) -> None:
        """Say that the process stops in order."""
        try:
            with self._database.write() as uow:
                uow.processes.ended(self.process)
        except TransientError as error:
            get_logger().warning("sign_of_life_failed", code=error.code)


def process_here(role: str, pid: int | None = None) -> Process:
    """Return the name under which a process of this machine gives its signs."""
    return Process(role=role, host=socket.gethostname()[:64], pid=pid or os.getpid())
