"""A recording listener, and a watch over threads and file descriptors."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from screener.network.peers import Peer
from tests.integration.network.recording_node import RecordingNode, Start, peer_of
from tests.support.servers import await_condition


@pytest.fixture
def node() -> RecordingNode:
    return RecordingNode()


@pytest.fixture
def start(node: RecordingNode) -> Iterator[Start]:
    """Return a starter of the node's listener, which is stopped after the test."""
    with ExitStack() as running:

        def begin(**settings: object) -> Peer:
            return peer_of(running.enter_context(node.listener(**settings)))

        yield begin


@pytest.fixture
def flat() -> Iterator[None]:
    """Fail where the test leaves threads or file descriptors behind."""

    def usage() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    before = usage()
    yield
    await_condition(
        lambda: all(now <= then for now, then in zip(usage(), before, strict=True)),
        what=f"usage of threads and descriptors back at {before}",
    )
