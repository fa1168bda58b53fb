"""The main job: DCMTK sends the worklist to `screener up`, and Orthanc commits the reports."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
import pytest

from screener.config import load_settings
from screener.demo.outcome import Outcome, collect, objects_in
from screener.dicom.uids import is_own_uid
from screener.domain.delivery import DeliveryState
from screener.domain.identifiers import AeTitle
from screener.domain.report import ResultKind
from screener.network.peers import Peer
from screener.wiring import build_services
from tests.support.modality import MODALITY, send_worklist
from tests.support.servers import OrthancServer, findscu, free_port, orthanc, storescu
from tests.system.conftest import Node, Worklist, node_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(900), pytest.mark.xdist_group("system")]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The node after the whole worklist, still running."""

    node: Node
    archive: OrthancServer
    outcome: Outcome

    @property
    def low_studies(self) -> set[str]:
        """Study Instance UIDs of the children found low."""
        return {
            child.entries[0].study_instance_uid
            for child in self.outcome.children
            if child.found_low
        }


@pytest.fixture(scope="module")
def finished(worklist: Worklist, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("system")
    port = free_port()
    us = Peer(name="node", ae_title=AeTitle("BMDSCREEN"), host="127.0.0.1", port=port)
    with orthanc(folder / "orthanc", modalities=[us], dicomweb=True) as archive:
        pacs = {
            "name": "orthanc",
            "ae_title": str(archive.peer.ae_title),
            "host": archive.peer.host,
            "port": archive.peer.port,
            "mode": "test",
        }
        with node_in(folder / "node", [pacs], port=port) as node:
            node.up()
            send_worklist(node.peer, worklist.folder)
            node.await_films(len(worklist.entries))
            services = build_services(load_settings(folder / "node" / "screener.toml"))
            archived = objects_in(archive.peer, worklist.entries)
            outcome = collect(
                services, worklist.entries, archived=archived, before=frozenset(), refused=()
            )
            services.database.dispose()
            yield Finished(node=node, archive=archive, outcome=outcome)


def test_every_child_is_found_or_left_alone_and_everything_is_committed(finished: Finished) -> None:
    assert finished.outcome.problems == ()
    assert {made.state for child in finished.outcome.children for made in child.objects} == {
        DeliveryState.COMMITTED
    }


def test_what_must_not_be_scored_has_a_reason_of_its_own(finished: Finished) -> None:
    reasons = {
        row.file.removesuffix(".dcm"): row.reason
        for row in finished.outcome.rows
        if row.verdict is None
    }

    assert reasons == {
        "child-01-again": "SAME_INSTANCE_AGAIN",
        "child-12-again": "SAME_INSTANCE_AGAIN",
        # its field ends at T11, which the predictor's gate sees
        "child-14": "SPINE_NOT_IN_FIELD",
        "lateral": "LATERAL_VIEW",
        "not-adult-of-45": "AGE_ABOVE_RANGE",
        "not-babygram": "BABYGRAM",
        "not-blank-film": "BLANK_FILM",
        "not-ct-slice": "NOT_A_RADIOGRAPH",
        "not-derived-capture": "DERIVED_IMAGE",
        "not-dx-for-processing": "FOR_PROCESSING",
        "not-film-without-pixel-data": "NO_PIXEL_DATA",
        "not-hand": "NOT_CHEST",
        "not-infant-of-1": "AGE_BELOW_RANGE",
        "not-one-day-past-18": "AGE_ABOVE_RANGE",
        "not-our-own-earlier-report": "OWN_OBJECT",
        "not-truncated-file": "TRUNCATED_PIXELS",
        "not-whole-spine-film": "WHOLE_SPINE",
    }


def test_c_find_lists_one_report_for_each_low_child_and_none_for_the_others(
    finished: Finished, worklist: Worklist, tmp_path: Path
) -> None:
    reports = {}
    for number, study in enumerate(sorted({e.study_instance_uid for e in worklist.entries})):
        answers = tmp_path / str(number)
        asked = findscu(
            finished.archive.peer,
            "QueryRetrieveLevel=SERIES",
            f"StudyInstanceUID={study}",
            "Modality=SR",
            "SeriesInstanceUID",
            "SeriesDescription",
            calling_ae="BMDSCREEN",
            extract_to=answers,
        )
        assert asked.returncode == 0, asked.stderr
        found = [pydicom.dcmread(path, force=True) for path in sorted(answers.glob("*.dcm"))]
        if found:
            reports[study] = [str(one.SeriesDescription) for one in found]

    assert set(reports) == finished.low_studies
    assert all(len(of_study) == 1 for of_study in reports.values())
    assert all("RESEARCH" in text for of_study in reports.values() for text in of_study)


def test_dicomweb_finds_the_reports_and_serves_them_byte_for_byte(finished: Finished) -> None:
    archive = finished.archive

    listed = archive.get("/dicom-web/instances?Modality=SR&includefield=all")

    studies = {one["0020000D"]["Value"][0] for one in listed}
    assert studies == finished.low_studies
    assert len(listed) == len(studies)
    vault = {
        made.sop_instance_uid: made.vault_key
        for child in finished.outcome.children
        for made in child.objects
    }
    for one in listed:
        sop_instance_uid = one["00080018"]["Value"][0]
        metadata = _metadata(archive, one)
        assert is_own_uid(sop_instance_uid)
        assert metadata["00080016"]["Value"] == ["1.2.840.10008.5.1.4.1.1.88.34"]
        assert metadata["0040A043"]["Value"][0]["00080100"]["Value"] == ["126000"]
        assert metadata["0040A493"]["Value"] == ["UNVERIFIED"]
        assert "SYNTHETIC" in json.dumps(metadata)
        (found,) = archive.post("/tools/lookup", sop_instance_uid.encode())
        kept = pydicom.dcmread(io.BytesIO(archive.get_bytes(f"{found['Path']}/file")))
        made = finished.node.settings.storage.folder / "vault" / vault[sop_instance_uid]
        assert kept == pydicom.dcmread(made)


def _metadata(archive: OrthancServer, listed: dict[str, Any]) -> dict[str, Any]:
    study, series, instance = (
        listed[tag]["Value"][0] for tag in ("0020000D", "0020000E", "00080018")
    )
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}/metadata"
    (metadata,) = archive.get(path)
    found: dict[str, Any] = metadata
    return found


def test_the_captures_are_there_and_can_be_drawn(finished: Finished) -> None:
    archive = finished.archive

    captures = archive.get("/dicom-web/instances?Modality=OT&includefield=all")

    made = [
        one
        for child in finished.outcome.children
        for one in child.objects
        if one.kind != ResultKind.REPORT.value
    ]
    assert {one["00080018"]["Value"][0] for one in captures} == {o.sop_instance_uid for o in made}
    (found,) = archive.post("/tools/lookup", made[0].sop_instance_uid.encode())
    assert archive.get_bytes(f"{found['Path']}/preview").startswith(b"\x89PNG")


def test_a_film_sent_once_more_changes_nothing_and_a_restart_sends_nothing_twice(
    finished: Finished, worklist: Worklist
) -> None:
    before = finished.archive.get("/statistics")["CountInstances"]
    first = next(entry for entry in worklist.entries if entry.file == "child-01.dcm")

    assert finished.node.stop() == 0
    finished.node.up()
    sent = storescu(finished.node.peer, worklist.path(first), calling_ae=MODALITY, options=["-R"])
    finished.node.await_films(len(worklist.entries) + 1)

    assert sent.returncode == 0
    assert finished.archive.get("/statistics")["CountInstances"] == before


def test_status_and_studies_say_what_came_of_it(finished: Finished) -> None:
    status = json.loads(finished.node.run("status", "--json").stdout)
    studies = json.loads(finished.node.run("studies", "--json", "--verdict", "LOW").stdout)
    shown = finished.node.run("status").stdout

    assert len(studies) == len(finished.low_studies)
    assert {study["report_state"] for study in studies} == {"COMMITTED"}
    assert shown.startswith("The predictor in force is SYNTHETIC")
    assert status["synthetic"] is not None
    rejected = finished.node.run(
        "echo", f"BMDSCREEN@127.0.0.1:{finished.node.peer.port}", "--calling-ae", "NOBODY"
    )
    assert rejected.returncode == 1
    assert "Traceback" not in rejected.stderr


def test_the_log_names_no_patient(finished: Finished, worklist: Worklist) -> None:
    text = finished.node.log.read_text(errors="replace")

    assert "film_scored" in text
    assert "ZZ-SYNTHETIC" not in text
    for entry in worklist.entries:
        assert entry.sop_instance_uid not in text
        assert entry.study_instance_uid not in text
