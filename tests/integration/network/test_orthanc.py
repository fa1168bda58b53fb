"""Our pieces against a real archive: Orthanc."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from screener.domain.delivery import CommitmentAnswer, StoreAnswer
from screener.domain.identifiers import AeTitle
from screener.network.archive_scp import SmallArchive
from screener.network.commitment import request_commitment
from screener.network.peers import Peer
from screener.network.query import find_instances, find_series
from screener.network.store_scu import Sender, echo
from tests.integration.network.recording_node import (
    DX,
    EXPLICIT,
    SC,
    SERIES,
    SHORT,
    SR,
    STUDY,
    RecordingNode,
    instance_uid,
    make_instance,
)
from tests.support.servers import OrthancServer, await_condition, free_port, orthanc

NODE_PORT = free_port()
ARCHIVE_PORT = free_port()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    node = Peer(name="node", ae_title=AeTitle("BMDSCREEN"), host="127.0.0.1", port=NODE_PORT)
    small = Peer(name="small", ae_title=AeTitle("ARCHIVE"), host="127.0.0.1", port=ARCHIVE_PORT)
    with orthanc(tmp_path_factory.mktemp("orthanc"), modalities=[node, small]) as server:
        yield server


def send(peer: Peer, *files: bytes) -> list[StoreAnswer]:
    kinds = [(kind, EXPLICIT) for kind in (DX, SR, SC)]
    with Sender(peer, calling_ae="BMDSCREEN", kinds=kinds, timeouts=SHORT) as sender:
        return [sender.send(file).answer for file in files]


def test_it_answers_c_echo(archive: OrthancServer) -> None:
    assert 0 < echo(archive.peer, calling_ae="BMDSCREEN", timeouts=SHORT) < 3


def test_it_keeps_what_we_send_byte_for_byte_and_lists_it(archive: OrthancServer) -> None:
    files = [make_instance(1, side=200), make_instance(2), make_instance(3, kind=SC)]

    answers = send(archive.peer, *files)

    assert answers == [StoreAnswer.KEPT] * 3
    kept = [archive.get_bytes(f"/instances/{one}/file") for one in archive.get("/instances")]
    for file in files:
        data_set = file[file.index(b"\x08\x00\x16\x00UI") :]
        assert any(one.endswith(data_set) for one in kept)
    found = find_instances(
        archive.peer,
        calling_ae="BMDSCREEN",
        study_instance_uid=STUDY,
        series_instance_uid=SERIES,
        sop_instance_uids=[instance_uid(n) for n in (1, 2, 77)],
        timeouts=SHORT,
    )
    assert found == {instance_uid(1), instance_uid(2)}
    (series,) = find_series(
        archive.peer, calling_ae="BMDSCREEN", study_instance_uid=STUDY, timeouts=SHORT
    )
    assert series.series_instance_uid == SERIES
    assert series.instance_count == len(archive.get("/instances")) >= 3


def test_it_reports_commitment_to_our_listener(archive: OrthancServer, node: RecordingNode) -> None:
    send(archive.peer, make_instance(1), make_instance(2, kind=SR))

    with node.listener(port=NODE_PORT):
        request_commitment(
            archive.peer,
            calling_ae="BMDSCREEN",
            transaction_uid="1.2.826.0.1.987654321.9.1",
            instances=[(DX, instance_uid(1)), (SR, instance_uid(2)), (SR, instance_uid(99))],
            on_report=node.take_report,
            timeouts=SHORT,
        )
        await_condition(lambda: node.reports, 20, "Orthanc's report")

    (report,) = node.reports
    assert report.transaction_uid == "1.2.826.0.1.987654321.9.1"
    assert set(report.committed) == {(DX, instance_uid(1)), (SR, instance_uid(2))}
    assert report.failed == ((SR, instance_uid(99), CommitmentAnswer.MISSING),)


def test_it_sends_to_our_listener(archive: OrthancServer, node: RecordingNode) -> None:
    file = make_instance(5, side=300)
    uploaded = archive.post("/instances", file)

    with node.listener(port=NODE_PORT):
        archive.post("/modalities/node/store", [uploaded["ID"]])

    (instance,) = node.instances
    assert instance.calling_ae == "ORTHANC"
    assert file.endswith(instance.data_set)


def test_it_gets_a_commitment_from_our_small_archive(
    archive: OrthancServer, tmp_path: Path
) -> None:
    file = make_instance(6)
    uploaded = archive.post("/instances", file)

    with SmallArchive(tmp_path, port=ARCHIVE_PORT, report_to=archive.peer, timeouts=SHORT) as small:
        archive.post("/modalities/small/store", [uploaded["ID"]])
        asked = archive.post(
            "/modalities/small/storage-commitment",
            {"DicomInstances": [[DX, instance_uid(6)], [DX, instance_uid(98)]]},
        )
        report = await_condition(
            lambda: (answer := archive.get(asked["Path"]))["Status"] != "Pending" and answer,
            20,
            "the report to Orthanc",
        )

    assert len(small.instances) == 1
    assert report["RemoteAET"] == "ARCHIVE"
    assert [one["SOPInstanceUID"] for one in report["Success"]] == [instance_uid(6)]
    assert [one["SOPInstanceUID"] for one in report["Failures"]] == [instance_uid(98)]
