"""`status`, `studies`, `show`, `retry`: what people and scripts are told of a node."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from screener.config import Settings
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState
from screener.network.status import StoreOutcome
from screener.pipeline.judge import judge
from screener.pipeline.receive import receive
from screener.storage.processes import Process
from screener.storage.tables import AuditRow
from screener.wiring import build_database, prepare
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.integration.cli.populated import ADULT, BROKEN, LOW, NOT_LOW, populate, services_of
from tests.support.pipeline_rig import film_pixels, incoming, make_film
from tests.support.servers import PostgresqlServer
from tests.support.synthetic_dicom import synthetic_uid

SECTIONS: dict[str, Any] = {
    "archives": [
        {
            "name": "pacs",
            "ae_title": "ARCHIVE",
            "host": "127.0.0.1",
            "port": 104,
            "mode": "test",
        }
    ],
    "rules": {"conclusion": {"settle_s": 0.0}},
}


@pytest.fixture(scope="session")
def full_data(tmp_path_factory: pytest.TempPathFactory, predictor: Path) -> Path:
    """Return a populated data folder, of which each test gets a copy."""
    data = tmp_path_factory.mktemp("populated") / "screener-data"
    settings = Settings(
        **SECTIONS | {"storage": {"folder": data}, "predictor": {"folder": predictor}}
    )
    prepare(settings)
    populate(settings)
    return data


@pytest.fixture
def full(configure: Configure, full_data: Path) -> Settings:
    settings = configure(**SECTIONS)
    shutil.copytree(full_data, settings.storage.folder)
    return settings


def test_studies_lists_the_newest_first_with_state_verdict_and_report(full: Settings) -> None:
    found = {study["study_id"]: study for study in run_command("studies", "--json").json}

    assert list(found) == [BROKEN, ADULT, NOT_LOW, LOW]
    assert [found[n]["verdict"] for n in (LOW, NOT_LOW, ADULT)] == [
        "LOW",
        "NOT_LOW",
        "NOT_ASSESSED",
    ]
    assert found[LOW]["z"] == -3.0
    assert (found[LOW]["state"], found[LOW]["report_state"]) == ("REPORTED", "PENDING")
    assert (found[NOT_LOW]["state"], found[NOT_LOW]["report_state"]) == ("CLOSED", None)
    assert found[ADULT]["reason"] == "NO_SCORED_FILM"
    assert found[LOW]["synthetic"] is True


def test_studies_are_filtered_by_state_and_verdict_and_paged(full: Settings) -> None:
    def numbers(*options: object) -> list[int]:
        return [study["study_id"] for study in run_command("studies", "--json", *options).json]

    assert numbers("--verdict", "LOW") == [LOW]
    assert numbers("--state", "REPORTED") == [LOW]
    assert numbers("--limit", 2) == [BROKEN, ADULT]
    assert numbers("--before", ADULT) == [NOT_LOW, LOW]


@pytest.mark.parametrize(
    "arguments",
    [("--state", "DONE"), ("--verdict", "HIGH"), ("--limit", "0"), ("--before", "9" * 30)],
)
def test_a_wrong_filter_is_refused_with_what_is_allowed(
    arguments: tuple[str, str], full: Settings
) -> None:
    ended = run_command("studies", *arguments)

    assert ended.code == 2
    assert arguments[0] in ended.err
    assert ended.out == ""


def test_the_table_of_studies_begins_by_saying_that_they_are_synthetic(full: Settings) -> None:
    lines = run_command("studies").out.splitlines()

    assert "SYNTHETIC" in lines[0]
    assert [line for line in lines if " LOW " in line and "-3.0" in line and "PENDING" in line]


def test_show_tells_of_films_finding_and_objects(full: Settings) -> None:
    said = run_command("show", LOW, "--json").json

    assert said["study"]["verdict"] == said["finding"]["verdict"] == "LOW"
    (film,) = said["films"]
    assert (film["state"], film["view"], film["rules_version"]) == ("SCORED", "PA", 1)
    assert film["abmd_g_cm2"] > 0
    kinds = [made["kind"] for made in said["objects"]]
    assert kinds.count("REPORT") == 1
    assert len(kinds) > 1
    assert {(made["archive"], made["state"]) for made in said["objects"]} == {("pacs", "PENDING")}


def test_show_gives_the_coded_reason_of_a_film_that_was_not_scored(full: Settings) -> None:
    (film,) = run_command("show", ADULT, "--json").json["films"]

    assert (film["state"], film["reasons"][0]) == ("INELIGIBLE", "AGE_ABOVE_RANGE")


def test_show_takes_the_study_uid_too(full: Settings) -> None:
    by_uid = run_command("show", synthetic_uid("study", NOT_LOW), "--json").json

    assert by_uid["study"]["study_id"] == NOT_LOW


def test_show_prints_tables_for_people(full: Settings) -> None:
    out = run_command("show", LOW).out

    assert "SYNTHETIC" in out.splitlines()[0]
    assert all(word in out for word in ("REPORTED", "SCORED", "REPORT", "PENDING", "pacs"))


@pytest.mark.parametrize("command", ["show", "retry"])
@pytest.mark.parametrize("study", ["99", "0", "9" * 30, "1.2.3.4", "nonsense", "-1", "²"])
def test_an_unknown_study_is_one_line(command: str, study: str, full: Settings) -> None:
    ended = run_command(command, "--", study)

    assert ended.code == 2
    assert ended.err.startswith("error: there is no study ")
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_study_uid_that_is_unknown_is_not_repeated(full: Settings) -> None:
    uid = "1.2.840.99999.424242"

    assert uid not in run_command("show", uid).err


def test_nothing_that_is_listed_names_a_patient(full: Settings) -> None:
    said = [run_command(*words) for words in (("studies",), ("show", LOW), ("status",))]
    said += [run_command(*words, "--json") for words in (("studies",), ("show", LOW), ("status",))]

    assert all("ZZ-SYNTHETIC" not in ended.out + ended.err for ended in said)
    assert all(synthetic_uid("study", LOW) not in ended.out for ended in said)


def test_retry_takes_a_failed_film_up_again_and_is_audited(full: Settings) -> None:
    first = run_command("retry", BROKEN)
    second = run_command("retry", BROKEN)

    database = build_database(full)
    with database.read() as uow:
        film = uow.queries.films(BROKEN)[0]
        study = uow.queries.study(BROKEN)
        audit = uow.session.scalars(select(AuditRow).where(AuditRow.action == "RETRY")).all()
    database.dispose()
    assert first.out == f"taken up again: film {film.screening_id}\n"
    assert "nothing in this study" in second.out
    assert film.state is ScreeningState.RECEIVED
    assert study.state is StudyState.GROWING
    assert [(row.subject, json.loads(row.detail)) for row in audit] == [
        (f"study {BROKEN}", {"taken": [f"film {film.screening_id}"]})
    ]


def test_retry_in_a_container_without_a_user_keeps_the_users_number(
    full: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])

    assert run_command("retry", BROKEN).code == 0

    database = build_database(full)
    with database.read() as uow:
        actors = uow.session.scalars(select(AuditRow.actor)).all()
    database.dispose()
    assert actors[-1].startswith("uid ")


def test_status_counts_films_studies_verdicts_and_deliveries(full: Settings) -> None:
    said = run_command("status", "--json").json

    assert said["synthetic"] is True
    assert said["running"] is False
    assert said["screenings"] == {"SCORED": 2, "INELIGIBLE": 1, "FAILED": 1}
    assert said["studies"] == {"REPORTED": 1, "CLOSED": 3}
    assert said["verdicts"] == {"LOW": 1, "NOT_LOW": 1, "NOT_ASSESSED": 2}
    assert said["rules_version"] == 1
    (pacs,) = said["archives"].values()
    assert pacs["mode"] == "test"
    assert set(pacs["deliveries"]) == {"PENDING"}


def test_status_says_what_an_operator_has_to_look_at_and_where(full: Settings) -> None:
    with services_of(full) as services:
        other = incoming(make_film(1, z=-3.0, child=1, pixels=film_pixels(7)))
        assert receive(services, other) is StoreOutcome.STORED
        judge(services)

    said = run_command("status", "--json").json["attention"]
    out = run_command("status").out

    assert said == [
        {"what": "film", "state": "CONFLICTING", "count": 1, "studies": [LOW]},
        {"what": "film", "state": "FAILED", "count": 1, "studies": [BROKEN]},
    ]
    assert "CONFLICTING" in out
    assert "screener show" in out


def test_status_shows_deliveries_to_an_archive_that_is_gone_from_the_settings(
    full: Settings, configure: Configure
) -> None:
    configure(archives=[])

    out = run_command("status").out

    assert "pacs" in out
    assert "not among the settings any more" in out


def test_status_works_without_a_predictor(full: Settings, configure: Configure) -> None:
    configure(predictor={"folder": "nowhere"})

    assert run_command("status", "--json").json["predictor"] is None
    assert run_command("status").code == 0


def test_status_says_who_was_refused_for_what_and_how_often(full: Settings) -> None:
    with services_of(full) as services:
        for _ in range(2):
            with services.database.write() as uow:
                uow.archives.count_rejection("STRANGER", "BMDSCREEN", "10.0.0.9", "UNKNOWN_CALLER")

    (refused,) = run_command("status", "--json").json["rejected"]
    out = run_command("status").out

    assert refused.pop("last_at")
    assert refused == {
        "calling_ae": "STRANGER",
        "called_ae": "BMDSCREEN",
        "address": "10.0.0.9",
        "reason": "UNKNOWN_CALLER",
        "count": 2,
    }
    assert all(word in out for word in ("STRANGER", "BMDSCREEN", "10.0.0.9", "UNKNOWN_CALLER"))


@pytest.mark.parametrize("title", ["[/bold]", "[red]X[/red]", "[link=x]"])
def test_a_caller_cannot_break_status_by_its_name(title: str, full: Settings) -> None:
    with services_of(full) as services, services.database.write() as uow:
        uow.archives.count_rejection(title, "BMDSCREEN", "10.0.0.9", "UNKNOWN_CALLER")

    ended = run_command("status")

    assert ended.code == 0
    assert title in ended.out


def test_the_name_of_a_site_is_printed_as_it_is(configure: Configure) -> None:
    prepare(configure(site={"name": "Ward [/3] [red]"}))

    assert "Ward [/3] [red]: not running" in run_command("status").out


def test_status_says_which_processes_run(full: Settings) -> None:
    with services_of(full) as services, services.database.write() as uow:
        uow.processes.sign(Process(role="listener", host="here", pid=1), {})

    said = run_command("status", "--json").json

    assert said["processes"] == {
        "listener": True,
        "intake": False,
        "scoring": False,
        "delivery": False,
    }
    (listener,) = said["process_list"]
    assert (listener["host"], listener["pid"], listener["slots"]) == ("here", 1, 1)
    assert "not running: intake, scoring, delivery" in run_command("status").out


def test_status_of_a_node_with_a_broker_lists_each_process_and_asks_for_the_beat(
    full: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCREENER_BROKER__URL", "redis://u:hush@127.0.0.1:1/0")
    with services_of(full) as services, services.database.write() as uow:
        for pid in (1, 2):
            uow.processes.sign(Process(role="scoring", host="here", pid=pid), {})

    said = run_command("status", "--json").json
    shown = run_command("status").out

    assert [process["pid"] for process in said["process_list"]] == [1, 2]
    assert said["processes"]["scoring"] is True
    assert said["processes"]["beat"] is False
    assert "not running: listener, intake, delivery, beat" in shown
    assert shown.count("none yet") == 2
    assert "hush" not in run_command("check").out


@pytest.mark.parametrize("command", ["status", "studies", "show 1", "retry 1", "rules show"])
def test_without_a_database_a_command_says_how_to_make_one(
    command: str, configure: Configure
) -> None:
    configure()

    ended = run_command(*command.split())

    assert ended.code == 2
    assert ended.err.startswith("error: the database is at migration level none")
    assert "screener db upgrade" in ended.err
    assert ended.err.count("\n") == 1
    assert not Path("screener-data").exists()


def test_a_database_that_cannot_be_opened_is_one_line(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 16)
    configure(storage={"database_url": f"sqlite:///{tmp_path / 'file'}"})

    ended = run_command("status")

    assert ended.code == 1
    assert ended.err.startswith("error: the database ")
    assert ended.err.count("\n") == 1


def test_what_an_operator_takes_up_again_rings_the_bell(
    configure: Configure, postgresql_server: PostgresqlServer
) -> None:
    url = postgresql_server.make_database("operator")
    settings = configure(**SECTIONS | {"storage": {"database_url": url}})
    prepare(settings)
    populate(settings)
    database = build_database(settings)

    with database.listening() as bell:
        nothing_failed = run_command("retry", LOW)
        rung_for_nothing = bell.wait(0.05)
        taken_up = run_command("retry", BROKEN)
        rung = bell.wait(10)

    assert (nothing_failed.code, taken_up.code) == (0, 0)
    assert (rung_for_nothing, rung) == (False, True)
