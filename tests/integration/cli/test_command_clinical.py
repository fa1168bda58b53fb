"""`clinical import` and `correct`: what an operator brings, is told, and finds again in `show`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from screener.config import Settings
from screener.network.status import StoreOutcome
from screener.pipeline.conclude import conclude
from screener.pipeline.judge import judge
from screener.pipeline.receive import receive
from screener.pipeline.report import report
from screener.pipeline.score import score
from screener.storage.database import Database
from screener.storage.tables import AuditRow
from screener.wiring import build_database
from tests.integration.cli.command_line import Ended, run_command
from tests.integration.cli.conftest import Configure
from tests.integration.cli.populated import services_of
from tests.support.pipeline_rig import incoming, make_film
from tests.support.stub_predictor import HeightPredictor
from tests.support.synthetic_dicom import synthetic_uid

#: With and without a height in the header.
WITH, WITHOUT = 1, 2
PATIENT = "ZZ-SYNTHETIC-2"
HEADING = "patient_id,issuer,height_cm,weight_kg,measured_on"
GOOD = f"{HEADING}\n{PATIENT},,110,,2026-02-17\nZZ-OTHER,,140,30,2026-02-17\n"


def work(settings: Settings) -> None:
    """Do all there is to do but to deliver."""
    predictor = HeightPredictor()
    with services_of(settings) as services:
        stages = (judge, lambda s: score(s, predictor), conclude, report)
        while sum(stage(services) for stage in stages):
            pass


@pytest.fixture
def node(configure: Configure) -> Settings:
    """Return a node that has reported two children, one of them without a height."""
    settings = configure(
        rules={"conclusion": {"settle_s": 0.0, "report_all": True}},
        archives=[
            {"name": "pacs", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104, "mode": "off"}
        ],
    )
    assert run_command("db", "upgrade").code == 0
    films = (
        make_film(WITH, child=1, z=-0.5, IssuerOfPatientID=None),
        make_film(WITHOUT, child=2, PatientSize=None, IssuerOfPatientID=None),
    )
    with services_of(settings) as services:
        for film in films:
            assert receive(services, incoming(film)) is StoreOutcome.STORED
    work(settings)
    return settings


@pytest.fixture
def database(node: Settings) -> Iterator[Database]:
    made = build_database(node)
    yield made
    made.dispose()


def write(text: str, encoding: str = "utf-8") -> Path:
    path = Path("heights.csv")
    path.write_bytes(text.encode(encoding))
    return path


def bring(text: str, *options: str) -> Ended:
    return run_command("clinical", "import", write(text), *options)


def audited(database: Database) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Return what was audited since the node was made."""
    asked = select(AuditRow).where(AuditRow.action != "RULES_CHANGED").order_by(AuditRow.id)
    with database.read() as uow:
        rows = uow.session.scalars(asked).all()
    return [(row.action, row.subject, json.loads(row.detail)) for row in rows]


def shown(study: int) -> Any:
    return run_command("show", study, "--json").json


def reports(study: int) -> int:
    return [made["kind"] for made in shown(study)["objects"]].count("REPORT")


def test_an_import_ends_in_a_new_report_of_the_film_that_lacked_a_height(
    node: Settings, database: Database
) -> None:
    before = shown(WITHOUT)["study"]["verdict"]

    ended = bring(GOOD)
    work(node)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "measurements: 3 new, 0 with another value than before, 0 known already",
        "studies taken up again: 1",
    ]
    assert (before, shown(WITHOUT)["study"]["verdict"]) == ("NOT_LOW", "LOW")
    assert (reports(WITHOUT), reports(WITH)) == (2, 1)
    assert audited(database) == [
        (
            "CLINICAL_IMPORTED",
            None,
            {"new": 3, "changed": 0, "unchanged": 0, "skipped_lines": 0, "studies_taken_up": 1},
        )
    ]


def test_the_same_table_again_imports_nothing(node: Settings, database: Database) -> None:
    bring(GOOD)
    work(node)

    again = bring(GOOD, "--json").json

    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 3)
    assert again["studies_taken_up"] == []
    assert len(audited(database)) == 1


def test_a_dry_run_says_what_would_come_and_keeps_nothing(
    node: Settings, database: Database
) -> None:
    said = bring(GOOD, "--json", "--dry-run").json
    for_people = bring(GOOD, "--dry-run").out

    assert (said["dry_run"], said["new"], said["studies_taken_up"]) == (True, 3, [WITHOUT])
    assert "nothing was kept" in for_people
    assert audited(database) == []
    with database.read() as uow:
        assert uow.clinical.measurements() == 0
    assert shown(WITHOUT)["study"]["state"] == "REPORTED"


def test_a_wrong_line_stops_the_import_and_is_named_without_its_patient(
    node: Settings, database: Database
) -> None:
    ended = bring(f"{GOOD}ZZ-SECRET,,900,,2026-02-17\n")

    assert (ended.code, ended.out) == (2, "")
    named, stopped = ended.err.splitlines()
    assert named == "line 4, height_cm: must be 30 to 230"
    assert stopped.startswith("error: nothing was imported: 1 of 3 lines are wrong")
    with database.read() as uow:
        assert uow.clinical.measurements() == 0


def test_of_many_wrong_lines_the_first_twenty_are_named(node: Settings) -> None:
    table = HEADING + "\n" + "A,,900,,2026-02-17\n" * 25

    lines = bring(table).err.splitlines()
    as_json = bring(table, "--json")

    assert [line.split(",")[0] for line in lines[:20]] == [f"line {n}" for n in range(2, 22)]
    assert lines[20] == "and 5 more"
    assert (as_json.code, as_json.json["wrong_lines"]) == (2, 25)
    assert as_json.json["faults"][0] == {
        "line": 2,
        "column": "height_cm",
        "what": "must be 30 to 230",
    }


def test_wrong_lines_may_be_left_out(node: Settings, database: Database) -> None:
    ended = bring(f"{GOOD}ZZ-SECRET,,900,,2026-02-17\n", "--skip-bad")

    assert ended.code == 0
    assert "line 4, height_cm" in ended.err
    assert "wrong lines left out: 1" in ended.out
    assert "ZZ-SECRET" not in ended.out + ended.err
    assert audited(database)[0][2]["skipped_lines"] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8"])
def test_a_table_as_a_spreadsheet_writes_it_is_read(encoding: str, node: Settings) -> None:
    text = f"PatientID;Height (cm);Measured on\r\n{PATIENT};110,5;2026-02-17\r\n"

    said = run_command("clinical", "import", write(text, encoding), "--json").json

    assert (said["new"], said["studies_taken_up"]) == (1, [WITHOUT])


def test_what_is_no_table_is_one_line(node: Settings) -> None:
    missing = run_command("clinical", "import", "nowhere.csv")
    no_columns = bring("a,b\n1,2\n")

    assert (missing.code, no_columns.code) == (2, 2)
    assert missing.err == "error: there is no file nowhere.csv\n"
    assert no_columns.err.startswith("error: the table has no column patient_id")
    assert no_columns.err.count("\n") == 1


def test_a_correction_gives_a_new_finding_is_shown_and_audited(
    node: Settings, database: Database
) -> None:
    ended = run_command(
        "correct", WITH, "--height-cm", "110", "--measured-on", "2026-02-17", "--sex", "F",
        "--reason", "read from the chart",
    )  # fmt: skip
    work(node)

    said = shown(WITH)
    (one,) = said["corrections"]
    table = run_command("show", WITH).out
    assert (ended.code, ended.out) == (
        0,
        f"study {WITH} is corrected; films that are judged again: 1\n",
    )
    assert (said["study"]["verdict"], reports(WITH)) == ("LOW", 2)
    assert one.pop("at")
    assert one.pop("operator")
    assert one == {
        "height_m": 1.1,
        "weight_kg": None,
        "sex": "F",
        "birth_date": None,
        "measured_on": "2026-02-17",
        "reason": "read from the chart",
    }
    assert all(word in table for word in ("1.100", "2026-02-17", "read from the chart"))
    assert audited(database) == [
        (
            "CORRECTED",
            f"study {WITH}",
            {"values": ["height", "sex"], "reason": "read from the chart"},
        )
    ]


def test_show_lists_no_corrections_where_there_are_none(node: Settings) -> None:
    assert shown(WITH)["corrections"] == []
    assert "corrected at" not in run_command("show", WITH).out


def test_a_study_is_named_by_its_uid_too(node: Settings) -> None:
    uid = synthetic_uid("study", WITH)

    ended = run_command("correct", uid, "--weight-kg", "31", "--reason", "scales")

    assert ended.code == 0
    assert uid not in ended.out
    assert shown(WITH)["corrections"][0]["weight_kg"] == 31.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--reason", "x"), "give one or more of height"),
        (("--weight-kg", "31", "--reason", " "), "give a reason"),
        (("--weight-kg", "31"), "--reason"),
        (("--weight-kg", "nan", "--reason", "x"), ""),
        (("--height-cm", "1.42", "--reason", "x"), "--height-cm"),
        (("--sex", "X", "--reason", "x"), "--sex"),
        (("--birth-date", "1.2.2015", "--reason", "x"), "--birth-date"),
        (("--birth-date", "2026-03-02", "--reason", "x"), "lies after the film"),
        (
            ("--height-cm", "140", "--measured-on", "2025-11-30", "--reason", "x"),
            "more than 90 days from every film",
        ),
    ],
)
def test_a_wrong_correction_is_refused_with_what_is_wrong(
    options: tuple[str, ...], said: str, node: Settings
) -> None:
    ended = run_command("correct", WITH, *options)

    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""
    assert shown(WITH)["corrections"] == []


def test_an_unknown_study_cannot_be_corrected(node: Settings) -> None:
    ended = run_command("correct", "99", "--weight-kg", "31", "--reason", "x")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: there is no study 99")


@pytest.mark.parametrize(
    "words",
    [("clinical", "import", "heights.csv"), ("correct", "1", "--weight-kg", "31", "--reason", "x")],
)
def test_without_a_database_nothing_is_made(words: tuple[str, ...], configure: Configure) -> None:
    configure()
    write(GOOD)

    ended = run_command(*words)

    assert ended.code == 2
    assert "screener db upgrade" in ended.err
    assert not Path("screener-data").exists()
