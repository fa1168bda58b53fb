"""The small archive as others see it: DCMTK, and a process that is killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from screener.domain.delivery import StoreAnswer
from screener.domain.identifiers import AeTitle
from screener.network.archive_scp import SmallArchive, serve
from screener.network.peers import Peer
from screener.network.query import find_instances
from screener.network.store_scu import Sender
from tests.integration.network.recording_node import (
    DX,
    EXPLICIT,
    SC,
    SERIES,
    SHORT,
    SR,
    STUDY,
    instance_uid,
    make_instance,
)
from tests.support import servers


def send(peer: Peer, *files: bytes) -> list[StoreAnswer]:
    kinds = [(kind, EXPLICIT) for kind in (DX, SR, SC)]
    with Sender(peer, calling_ae="SENDER", kinds=kinds, timeouts=SHORT) as sender:
        return [sender.send(file).answer for file in files]


@pytest.mark.usefixtures("flat")
def test_dcmtk_stores_into_it_and_what_it_keeps_is_what_was_sent(tmp_path: Path) -> None:
    file = make_instance(1, side=300)
    path = tmp_path / "film.dcm"
    path.write_bytes(file)

    with SmallArchive(tmp_path / "archive", timeouts=SHORT) as archive:
        echoed = servers.echoscu(archive.peer, calling_ae="ANYBODY")
        sent = servers.storescu(archive.peer, path, calling_ae="ANYBODY", options=["-xe"])

    assert (echoed.returncode, sent.returncode) == (0, 0), sent.stdout + sent.stderr
    kept = (tmp_path / "archive" / f"{instance_uid(1)}.dcm").read_bytes()
    data_set = file[file.index(b"\x08\x00\x16\x00UI") :]
    assert kept.endswith(data_set)


@pytest.mark.usefixtures("flat")
def test_every_kind_is_kept_and_one_sent_again_is_one(tmp_path: Path) -> None:
    files = [make_instance(1), make_instance(2, kind=SR), make_instance(3, kind=SC)]

    with SmallArchive(tmp_path, timeouts=SHORT) as archive:
        answers = send(archive.peer, *files, files[0], make_instance(1, text="newer"))

    assert answers == [StoreAnswer.KEPT] * 5
    assert len(archive.instances) == 3
    assert archive.answers == {0x0000: 5}
    assert archive.replaced_count == 2
    assert b"newer" in (tmp_path / f"{instance_uid(1)}.dcm").read_bytes()


@pytest.mark.usefixtures("flat")
def test_it_says_that_it_has_no_space_when_its_folder_cannot_be_written(tmp_path: Path) -> None:
    with SmallArchive(tmp_path / "archive", timeouts=SHORT) as archive:
        (tmp_path / "archive").rename(tmp_path / "gone")
        (answer,) = send(archive.peer, make_instance(1))
        (tmp_path / "gone").rename(tmp_path / "archive")

    assert answer is StoreAnswer.BUSY


@contextmanager
def process(folder: Path) -> Iterator[tuple[multiprocessing.process.BaseProcess, Peer]]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(
        target=serve, args=(folder, "ARCHIVE", "127.0.0.1", 0, None, theirs.send)
    )
    child.start()
    try:
        assert ours.poll(30), "the archive did not get ready"
        yield (
            child,
            Peer(name="archive", ae_title=AeTitle("ARCHIVE"), host="127.0.0.1", port=ours.recv()),
        )
    finally:
        child.terminate()
        child.join(10)
        exit_code = child.exitcode
        child.close()
        ours.close()
        theirs.close()
    assert exit_code in (0, -9)


def test_a_process_that_is_killed_still_has_after_its_restart_what_it_answered_for(
    tmp_path: Path,
) -> None:
    with process(tmp_path) as (child, peer):
        send(peer, make_instance(1), make_instance(2))
        child.kill()
        child.join()

    with process(tmp_path) as (_, peer):
        found = find_instances(
            peer,
            calling_ae="SENDER",
            study_instance_uid=STUDY,
            series_instance_uid=SERIES,
            sop_instance_uids=[instance_uid(1), instance_uid(2), instance_uid(3)],
            timeouts=SHORT,
        )

    assert found == {instance_uid(1), instance_uid(2)}
