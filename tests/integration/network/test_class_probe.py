"""Which classes archives take, asked of real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.domain.errors import ArchiveUnreachable, AssociationRejected
from screener.domain.identifiers import AeTitle
from screener.domain.report import ReportClass
from screener.network.archive_scp import SmallArchive
from screener.network.class_probe import REPORT_CLASSES, probe_classes
from screener.network.peers import Peer
from tests.integration.network.recording_node import DX, SHORT, SR
from tests.support.choosy_archive import choosy_archive
from tests.support.servers import await_condition, free_port, orthanc

IMPLICIT = "1.2.840.10008.1.2"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
NAMES = [
    "Comprehensive 3D SR",
    "Comprehensive SR",
    "Enhanced SR",
    "Secondary Capture",
    "Grayscale Softcopy Presentation State",
    "Encapsulated PDF",
    "Key Object Selection",
]


def probe(peer: Peer) -> dict[str, bool]:
    return probe_classes(peer, calling_ae="BMDSCREEN", timeouts=SHORT)


def test_every_form_of_the_report_is_asked_for() -> None:
    assert set(REPORT_CLASSES) == set(ReportClass)
    assert list(REPORT_CLASSES.values()) == NAMES[: len(ReportClass)]


def test_orthanc_takes_them_all(tmp_path: Path) -> None:
    with orthanc(tmp_path) as archive:
        answer = probe(archive.peer)
        kept = archive.get("/instances")

    assert answer == dict.fromkeys(NAMES, True)
    assert kept == []


@pytest.mark.usefixtures("flat")
def test_an_archive_that_takes_some_says_which() -> None:
    with choosy_archive([SR, PDF]) as archive:
        answer = probe(archive.peer)

    assert list(answer) == NAMES
    assert [name for name, taken in answer.items() if taken] == [
        "Comprehensive SR",
        "Encapsulated PDF",
    ]


def test_one_association_is_opened_and_released_and_nothing_is_sent_on_it() -> None:
    with choosy_archive([SR]) as archive:
        probe(archive.peer)
        await_condition(lambda: archive.releases, what="the release")

    (proposed,) = archive.proposals
    assert len(proposed) == len(set(proposed)) == len(NAMES) + 1
    assert archive.messages == []


def test_an_archive_that_takes_nothing_of_ours_still_answers() -> None:
    with choosy_archive([]) as archive:
        assert probe(archive.peer) == dict.fromkeys(NAMES, False)


def test_a_class_that_is_taken_only_in_another_transfer_syntax_is_refused() -> None:
    with choosy_archive([SR], transfer_syntax=IMPLICIT) as archive:
        assert not any(probe(archive.peer).values())


def test_our_small_archive_takes_them_all(tmp_path: Path) -> None:
    with SmallArchive(tmp_path, timeouts=SHORT) as archive:
        assert all(probe(archive.peer).values())


def test_an_archive_that_takes_not_even_verification_is_said_to() -> None:
    with choosy_archive([DX], echo=False) as archive, pytest.raises(AssociationRejected):
        probe(archive.peer)


def test_an_archive_that_is_down_is_not_reached() -> None:
    peer = Peer(name="pacs", ae_title=AeTitle("ARCHIVE"), host="127.0.0.1", port=free_port())

    with pytest.raises(ArchiveUnreachable):
        probe(peer)
