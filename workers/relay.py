"""The relay: sees what is due, when the database rings and every second, and nudges workers."""

from __future__ import annotations

import threading
import time

from screener.domain.errors import ScreenerError
from screener.domain.stage import StageName
from screener.pipeline.drive import RECOVER_EVERY_S
from screener.pipeline.due import Standing, standing
from screener.pipeline.life import SIGN_EVERY_S, Life
from screener.pipeline.ports import Services
from screener.storage.bell import Bell
from screener.telemetry.logging import get_logger
from workers.nudge import Nudger

#: The safety net: a stage may become due by time alone, and a ring may be lost.
_LOOK_EVERY_S = 1.0
#: Films come in bursts: one look for those of so long, s.
_BURST_S = 0.05


class Relay:
    """Goes on looking until it is told to stop. Two of them do no harm."""

    def __init__(self, services: Services, nudger: Nudger, life: Life) -> None:
        self._services = services
        self._nudger = nudger
        self._life = life
        self._signed_at = float("-inf")
        self._recovered_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """Look and nudge until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                self._life.begin()
                with self._services.database.listening() as bell:
                    self._listen(bell, stop)
            except ScreenerError as error:
                get_logger().warning("relay_failed", code=error.code)
                stop.wait(_LOOK_EVERY_S)
        self._life.end()
        self._nudger.close()

    def look(self) -> bool:
        """Nudge workers to do what is due now; return whether the broker could be reached."""
        now = standing(self._services)
        if time.monotonic() >= self._recovered_at + RECOVER_EVERY_S:
            now = Standing(due=now.due | {StageName.RECOVER}, slots=now.slots)
        reached = self._nudger.nudge(now)
        if reached and StageName.RECOVER in now.due:
            self._recovered_at = time.monotonic()
        return reached

    def _listen(self, bell: Bell, stop: threading.Event) -> None:
        while not stop.is_set():
            self._sign(reached=self.look())
            if bell.wait(_LOOK_EVERY_S, stop):
                stop.wait(_BURST_S)

    def _sign(self, *, reached: bool) -> None:
        """Give a sign of life: here, and in no thread beside the one whose life is asked for."""
        broker = "reached" if reached else "unreachable"
        changed = self._life.facts.get("broker") != broker
        self._life.facts["broker"] = broker
        if changed or time.monotonic() >= self._signed_at + SIGN_EVERY_S:
            self._life.sign()
            self._signed_at = time.monotonic()
        if reached:
            self._life.worked()
