"""Associations that we open."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pynetdicom import build_context

from screener.network.archive_scp import SmallArchive
from screener.network.association import open_association
from screener.network.entity import Timeouts
from screener.network.sop_classes import VERIFICATION
from tests.integration.network.recording_node import SHORT

pytestmark = pytest.mark.usefixtures("flat")

#: Without the cure about one answer in ten is lost to a reactor that never pauses.
MESSAGES = 100


class _OpenCheckpoint(threading.Event):
    """What the reactor waits at; as open as it is for a moment when messages follow closely."""

    def wait(self, timeout: float | None = None) -> bool:
        time.sleep(0.0005 if timeout is None else timeout)
        return True


def test_the_reactor_takes_no_answer_from_who_waits_for_it(tmp_path: Path) -> None:
    patience = Timeouts(connect_s=5, acse_s=5, dimse_s=2, idle_s=5)
    with (
        SmallArchive(tmp_path, timeouts=SHORT) as archive,
        open_association(
            archive.peer,
            calling_ae="SENDER",
            contexts=[build_context(VERIFICATION)],
            timeouts=patience,
        ) as association,
    ):
        association._reactor_checkpoint = _OpenCheckpoint()
        answers = [association.send_c_echo().get("Status") for _ in range(MESSAGES)]

    assert answers == [0] * MESSAGES
