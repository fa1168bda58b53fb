"""What stops a process: signals, and the end of its supervisor."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from screener.supervisor import stop_on_signals, stop_with_supervisor

WAIT_S = 5.0


@pytest.fixture(autouse=True)
def _own_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event(number: signal.Signals) -> None:
    stop = threading.Event()
    stop_on_signals(stop)

    signal.raise_signal(number)

    assert stop.wait(WAIT_S)


@pytest.mark.timeout(30)
def test_a_signal_in_the_middle_of_a_wait_does_not_lock_the_process_up() -> None:
    """The handler runs in the main thread, which may hold the event's own lock just then."""
    stop = threading.Event()
    stop_on_signals(stop)

    with stop._cond:  # type: ignore[attr-defined]
        signal.raise_signal(signal.SIGTERM)

    assert stop.wait(WAIT_S)


def test_a_second_signal_is_taken_quietly() -> None:
    stop = threading.Event()
    stop_on_signals(stop)

    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)

    assert stop.wait(WAIT_S)


def test_the_end_of_the_supervisor_sets_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    stop = threading.Event()
    with os.fdopen(reading) as standard_input:
        monkeypatch.setattr(sys, "stdin", standard_input)
        stop_with_supervisor(stop)
        os.write(writing, b"alive")

        set_before = stop.wait(0.05)
        os.close(writing)
        set_after = stop.wait(WAIT_S)

    assert (set_before, set_after) == (False, True)
