"""docker-compose.yml as a hospital runs it: the worklist through it, whole and broken."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.compose.embedded import Embedded
from tests.compose.project import SERVICES, START_S, Project
from tests.support.modality import batches, send_cut_short, send_worklist
from tests.support.servers import await_condition

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

#: How long the broker is away, s.
_AWAY_S = 60.0

#: Rows that show that a service has work in hand; the others always have.
_AT_WORK = {"scoring": ("screenings", "SCORING"), "intake": ("studies", "GROWING")}


def _assert_nothing_is_missing_or_twice(project: Project, embedded: Embedded) -> None:
    assert project.rows(embedded.films) == embedded.rows
    archive = project.archive
    reports = archive.get("/dicom-web/instances?Modality=SR&includefield=all")
    captures = archive.get("/dicom-web/instances?Modality=OT&includefield=all")
    of_reports = [one["0020000D"]["Value"][0] for one in reports]
    assert sorted(of_reports) == sorted(embedded.low_studies)
    assert {one["0020000D"]["Value"][0] for one in captures} == embedded.low_studies
    committed = project.status()["archives"]["orthanc"]["deliveries"]
    in_archive = archive.get("/statistics")["CountInstances"]
    assert committed == {"COMMITTED": in_archive}
    assert in_archive == len(reports) + len(captures)


def test_the_worklist_that_dcmtk_sends_is_reported_as_by_the_embedded_node(
    node: Project, embedded: Embedded
) -> None:
    send_worklist(node.peer, embedded.films)

    _assert_nothing_is_missing_or_twice(node, embedded)


def test_no_log_names_a_patient_or_a_password(node: Project, embedded: Embedded) -> None:
    text = node.logs()
    keys = node.compose(
        "exec", "-T", "listener", "sh", "-c", "cat /keys/database/password /keys/broker/password"
    ).stdout

    assert "film_scored" in text
    assert "ZZ-SYNTHETIC" not in text
    assert not [study for study in embedded.low_studies if study in node.logs("scoring")]
    assert len(keys) == 128
    assert keys[:64] not in text
    assert keys[64:] not in text


def test_a_node_that_was_taken_down_is_as_it_was_and_the_same_films_change_nothing(
    node: Project, embedded: Embedded
) -> None:
    before = node.status()
    in_archive = node.archive.get("/statistics")["CountInstances"]

    node.compose("down", "--timeout", "60")
    node.up()

    assert node.status() == before
    send_worklist(node.peer, embedded.films)
    assert node.rows(embedded.films) == embedded.rows
    after = node.status()
    assert after["archives"] == before["archives"]
    assert after["studies"] == before["studies"]
    assert node.archive.get("/statistics")["CountInstances"] == in_archive


@pytest.mark.parametrize("service", [*SERVICES, "keys", "migrate"])
def test_a_container_may_do_little_and_names_no_password(node: Project, service: str) -> None:
    found = node.inspect(service)
    environment = found["Config"]["Env"]

    assert found["HostConfig"]["ReadonlyRootfs"]
    assert not found["HostConfig"]["Privileged"]
    assert found["HostConfig"]["Memory"] > 0
    assert found["HostConfig"]["PidsLimit"] > 0
    assert not [one for one in environment if "PASSWORD" in one and "_FILE=" not in one]
    # a port that an image names and nobody publishes has no binding
    published = [port for port, on in (found["HostConfig"]["PortBindings"] or {}).items() if on]
    assert published == (["11112/tcp"] if service == "listener" else [])


@pytest.mark.parametrize("service", ["listener", "intake", "scoring", "delivery", "beat"])
def test_our_containers_run_without_root_or_capabilities_and_write_to_volumes_alone(
    node: Project, service: str
) -> None:
    look = (
        "id -u; grep CapBnd /proc/self/status; grep NoNewPrivs /proc/self/status;"
        "touch /tmp/a /var/lib/screener/a && rm /tmp/a /var/lib/screener/a && echo can;"
        "touch /opt/screener/a /etc/screener/a /keys/database/a 2>/dev/null || echo cannot"
    )

    said = node.compose("exec", "-T", service, "sh", "-c", look).stdout.split()

    assert said == ["10001", "CapBnd:", "0" * 16, "NoNewPrivs:", "1", "can", "cannot"]


def test_every_service_killed_in_the_middle_loses_nothing_and_doubles_nothing(
    project: Project, embedded: Embedded
) -> None:
    project.up()
    to_send = batches(embedded.films)
    first, rest = to_send[: len(SERVICES)], to_send[len(SERVICES) :]

    for service, batch in zip(SERVICES, first, strict=True):
        with ThreadPoolExecutor(1) as modality:
            sending = modality.submit(batch.send, project.peer)
            if service in _AT_WORK:
                await_condition(partial(project.count, *_AT_WORK[service]), START_S, service)
            project.compose("kill", "--signal", "KILL", service)
            project.up(healthy=False)
            sending.result()
    for batch in rest:
        batch.send(project.peer)
    send_cut_short(project.peer, embedded.films)

    _assert_nothing_is_missing_or_twice(project, embedded)


def test_a_broker_that_is_away_for_a_minute_delays_and_loses_nothing(
    project: Project, embedded: Embedded
) -> None:
    project.up()
    to_send = batches(embedded.films)
    half = len(to_send) // 2
    for batch in to_send[:half]:
        batch.send(project.peer)

    project.compose("stop", "redis")
    began = time.monotonic()
    for batch in to_send[half:]:
        batch.send(project.peer)
    send_cut_short(project.peer, embedded.films)
    time.sleep(max(0.0, _AWAY_S - (time.monotonic() - began)))
    waiting = project.status()["screenings"].get("RECEIVED", 0)
    project.compose("start", "redis")

    assert waiting > 0
    _assert_nothing_is_missing_or_twice(project, embedded)
