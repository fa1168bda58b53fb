"""docker-compose.yml as a hospital runs it: the worklist, and what its containers may do."""

from __future__ import annotations

import pytest

from tests.compose.embedded import Embedded
from tests.compose.judging import assert_nothing_is_missing_or_twice
from tests.compose.project import SERVICES, SETTLE_S, Project
from tests.support.modality import send_worklist
from tests.support.servers import await_condition

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]


def test_the_worklist_that_dcmtk_sends_is_reported_as_by_the_embedded_node(
    node: Project, embedded: Embedded
) -> None:
    send_worklist(node.peer, embedded.films)

    assert_nothing_is_missing_or_twice(node, embedded)


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
    # the judge waits for no film that was there already
    await_condition(node.rests, SETTLE_S, "the end of what was sent again")
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
