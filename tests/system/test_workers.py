"""A node of many processes over real PostgreSQL and Redis: whatever dies, the same ledger."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import text

from screener.demo.worklist import film_count
from screener.domain.errors import DatabaseUnavailable
from screener.domain.stage import Role
from screener.storage.database import Database
from screener.wiring import build_database
from tests.support.cluster import Cluster, cluster_in
from tests.support.servers import await_condition

pytestmark = [pytest.mark.system, pytest.mark.timeout(900), pytest.mark.xdist_group("system")]

PATIENCE_S = 400.0

#: What is held while each stage runs, and by whose worker.
HELD_IN: Mapping[str, tuple[Role, str]] = {
    "judge": (Role.INTAKE, "screenings WHERE state = 'RECEIVED'"),
    "score": (Role.SCORING, "screenings WHERE state = 'SCORING'"),
    "conclude": (Role.INTAKE, "studies WHERE state = 'GROWING'"),
    "report": (Role.INTAKE, "studies WHERE state = 'REPORTING'"),
    "deliver": (Role.DELIVERY, "deliveries WHERE state = 'SENDING'"),
    "confirm": (Role.DELIVERY, "deliveries WHERE state IN ('SENT', 'AWAITING')"),
}


@pytest.fixture
def embedded_demo(undisturbed: tuple[Path, dict[str, Any]]) -> Mapping[str, Any]:
    """Return what one machine makes of the worklist."""
    return undisturbed[1]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with cluster_in(tmp_path / "cluster") as made:
        yield made


@contextmanager
def demo_in(cluster: Cluster) -> Iterator[subprocess.Popen[str]]:
    """Run the demo's worklist through a node, and end it with the block."""
    running = cluster.spawn("demo", "--running", "--json", "--out", cluster.folder / "demo-out")
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def ended(running: subprocess.Popen[str]) -> dict[str, Any]:
    said, complained = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, complained + said
    printed: dict[str, Any] = json.loads(said)
    return printed


def assert_same_ledger(
    cluster: Cluster, printed: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """The table is the embedded demo's, and the archive got each object once."""
    assert printed["films"] == expected["films"]
    assert printed["objects_in_archive"] == expected["objects_in_archive"]
    database = build_database(cluster.settings)
    with database.read() as uow:
        counts = uow.queries.counts()
    database.dispose()
    assert sum(counts.screenings.values()) == film_count()
    assert counts.deliveries == {("archive", "COMMITTED"): expected["objects_in_archive"]}


def test_workers_make_of_the_worklist_what_one_machine_makes(
    cluster: Cluster, embedded_demo: Mapping[str, Any]
) -> None:
    cluster.up()

    with demo_in(cluster) as running:
        printed = ended(running)

    assert_same_ledger(cluster, printed, embedded_demo)
    status = json.loads(cluster.run("status", "--json").stdout)
    assert status["running"] is True
    by_role = [process["role"] for process in status["process_list"]]
    assert by_role.count("scoring") == 2
    assert by_role.count("delivery") == 2
    for role in Role:
        said = cluster.run("health", role.value)
        assert said.returncode == 0, said.stdout
    cluster.down()
    assert set(cluster.exit_codes().values()) == {0}
    database = build_database(cluster.settings)
    with database.read() as uow:
        assert uow.processes.all() == []
    database.dispose()


def test_a_worker_killed_in_each_stage_changes_nothing(
    cluster: Cluster, embedded_demo: Mapping[str, Any]
) -> None:
    cluster.up()
    database = build_database(cluster.settings)
    killed: dict[str, int] = {}

    with demo_in(cluster) as running:
        while len(killed) < len(HELD_IN) and running.poll() is None:
            for stage, (role, held) in HELD_IN.items():
                if stage not in killed and (pid := killed_while(cluster, database, role, held)):
                    killed[stage] = pid
            cluster.revive()
        with reviving(cluster):
            printed = ended(running)
    database.dispose()

    assert set(killed) == set(HELD_IN)
    assert len(set(killed.values())) >= 3
    assert_same_ledger(cluster, printed, embedded_demo)


def test_a_broker_that_is_away_for_a_minute_changes_nothing(
    cluster: Cluster, embedded_demo: Mapping[str, Any]
) -> None:
    cluster.up()

    with demo_in(cluster) as running:
        await_condition(lambda: scored(cluster) >= 3, PATIENCE_S, "some films scored")
        cluster.broker.stop()
        away_since = time.monotonic()
        await_condition(lambda: received(cluster) == film_count(), PATIENCE_S, "every film taken")
        assert cluster.run("health", "beat").returncode == 1
        await_condition(lambda: time.monotonic() - away_since >= 60, 90, "a minute")
        cluster.broker.start()
        printed = ended(running)

    assert_same_ledger(cluster, printed, embedded_demo)


def test_servers_and_processes_killed_one_after_the_other_change_nothing(
    cluster: Cluster, embedded_demo: Mapping[str, Any]
) -> None:
    """Listener, beat, Redis with all it held, PostgreSQL: each without warning, in mid-work."""
    cluster.up()

    with demo_in(cluster) as running, reviving(cluster):
        await_condition(lambda: received(cluster) >= 5, PATIENCE_S, "some films taken")
        cluster.kill(Role.LISTENER)
        await_condition(lambda: scored(cluster) >= 3, PATIENCE_S, "some films scored")
        cluster.broker.kill()
        cluster.broker.start()
        cluster.kill(Role.BEAT)
        await_condition(lambda: scored(cluster) >= 10, PATIENCE_S, "more films scored")
        cluster.database.kill()
        cluster.database.start()
        await_condition(lambda: scored(cluster) >= 15, PATIENCE_S, "still more films scored")
        cluster.broker.flush()
        printed = ended(running)

    assert_same_ledger(cluster, printed, embedded_demo)


def killed_while(cluster: Cluster, database: Database, role: Role, held: str) -> int | None:
    """Kill the process that holds rows at this moment, or return None where none does."""
    if not is_held(database, held):
        return None
    for process in cluster.processes(role):
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        # what is held now stays held: nobody is left to settle it
        if is_held(database, held):
            victims = cluster.processes(role)
            cluster.kill(role)
            return int(victims[0].pid)
        return None
    finally:
        for process in cluster.processes(role):
            with suppress(psutil.NoSuchProcess):
                process.resume()


def is_held(database: Database, held: str) -> bool:
    statement = f"SELECT 1 FROM {held} AND leased_until > clock_timestamp() LIMIT 1"  # noqa: S608
    with suppress(DatabaseUnavailable), database.read() as uow:
        return uow.session.scalar(text(statement)) is not None
    return False


@contextmanager
def reviving(cluster: Cluster) -> Iterator[None]:
    """Start again whatever dies, as compose does."""
    stop = threading.Event()

    def revive() -> None:
        while not stop.wait(0.5):
            cluster.revive()

    thread = threading.Thread(target=revive)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def scored(cluster: Cluster) -> int:
    return count(cluster, lambda states: states.get("SCORED", 0))


def received(cluster: Cluster) -> int:
    return count(cluster, lambda states: sum(states.values()))


def count(cluster: Cluster, of: Callable[[Mapping[str, int]], int]) -> int:
    database = build_database(cluster.settings)
    try:
        with suppress(DatabaseUnavailable), database.read() as uow:
            return of(uow.queries.counts().screenings)
        return 0
    finally:
        database.dispose()
