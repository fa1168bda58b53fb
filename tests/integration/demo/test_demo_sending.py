"""Sending to a node that has no room: waited for, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.config import ListenerSettings, Settings
from screener.demo import node as demo_node
from screener.demo.node import Node, node_peer
from screener.demo.worklist import Entry
from screener.domain.errors import ArchiveBusy
from screener.network.archive_scp import SmallArchive
from tests.support.synthetic_dicom import encode, synthetic_film

_NO_ROOM, _SUCCESS = 0xA700, 0x0000


class Full(SmallArchive):
    """Has no room for the first films that it is sent."""

    left = 0

    def answer_store(self, sop_class_uid: str, sop_instance_uid: str) -> int:
        self.left -= 1
        return _NO_ROOM if self.left >= 0 else _SUCCESS


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    film = synthetic_film()
    (tmp_path / "film.dcm").write_bytes(encode(film))
    return Entry(
        file="film.dcm",
        kind="a film",
        sop_instance_uid=str(film.SOPInstanceUID),
        study_instance_uid=str(film.StudyInstanceUID),
    )


def node_at(port: int) -> Node:
    settings = Settings(listener=ListenerSettings(ae_title="ARCHIVE", port=port))
    return Node(settings, node_peer(settings), advice="see its log")


def test_a_film_is_sent_until_there_is_room(tmp_path: Path, entry: Entry) -> None:
    with Full(tmp_path / "node") as full:
        full.left = 1

        refused = node_at(full.port).send(tmp_path, [entry], lambda _: None)

    assert refused == []
    assert full.answers == {_NO_ROOM: 1, _SUCCESS: 1}


def test_a_node_that_never_has_room_is_said_to_be_full(
    tmp_path: Path, entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_node, "_PATIENCE_S", 0.5)
    with Full(tmp_path / "node") as full:
        full.left = 1000

        with pytest.raises(ArchiveBusy, match=r"no room.*see its log"):
            node_at(full.port).send(tmp_path, [entry], lambda _: None)
