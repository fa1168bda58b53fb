"""Keeps the node's processes running: spawns them, restarts what dies, stops them cleanly.

Children are started anew and never forked, so that torch's threads and open databases stay in
the process that made them. Each holds the reading end of a pipe whose writing end only the
supervisor has: when the supervisor is gone, even by kill -9, the pipe closes and they stop.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from screener.telemetry.logging import get_logger

#: Pause before a child that died is started again, doubled each time it dies young, s.
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
#: A child that lived so long did not die young, s.
_GROWN_UP_S = 60.0
#: How long children may take to finish what they hold, s.
_STOP_S = 20.0
_LOOK_EVERY_S = 0.2


@dataclass(slots=True, kw_only=True)
class _Child:
    role: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    due: float = field(default=0.0)


class Supervisor:
    """Runs child processes of this program until it is told to stop.

    Parameters
    ----------
    children
        Role and command-line arguments of each.
    module
        What they run: Python's ``-m``.
    """

    def __init__(
        self, children: Sequence[tuple[str, Sequence[str]]], *, module: str = "screener"
    ) -> None:
        self._children = [_Child(role=role, arguments=args) for role, args in children]
        self._module = module

    def run(self, stop: threading.Event) -> None:
        """Start the children, keep them running until `stop` is set, then stop them."""
        try:
            while not stop.is_set():
                for child in self._children:
                    self._look_after(child)
                stop.wait(_LOOK_EVERY_S)
        finally:
            self._stop_all()

    def _look_after(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is not None:
            exit_code = child.process.poll()
            if exit_code is None:
                return
            _close_lifeline(child.process)
            child.process = None
            if now - child.started >= _GROWN_UP_S:
                child.pause_s = _FIRST_PAUSE_S
            child.due = now + child.pause_s
            get_logger().warning(
                "process_died", kind=child.role, exit_code=exit_code, seconds=child.pause_s
            )
            child.pause_s = min(child.pause_s * 2, _LONGEST_PAUSE_S)
        if now >= child.due:
            child.process = subprocess.Popen(  # noqa: S603 - this program, with our own arguments
                [sys.executable, "-m", self._module, *child.arguments], stdin=subprocess.PIPE
            )
            child.started = now
            get_logger().info("process_started", kind=child.role, pid=child.process.pid)

    def _stop_all(self) -> None:
        running = [c.process for c in self._children if c.process and c.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _STOP_S
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                get_logger().warning("process_killed", pid=process.pid)
                process.kill()
                process.wait()
        for child in self._children:
            if child.process is not None:
                _close_lifeline(child.process)


def stop_on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT: finish what is held, then end.

    A handler runs in the middle of whatever the main thread does. Were that `stop.wait` with its
    lock in hand, `stop.set` would wait for ever: so another thread sets it.
    """
    reading, writing = os.pipe()

    def watch() -> None:
        os.read(reading, 1)
        stop.set()

    threading.Thread(target=watch, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(writing, b"."))


def stop_with_supervisor(stop: threading.Event) -> None:
    """Set `stop` when the supervisor that started this process is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            pass
        stop.set()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def _close_lifeline(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
