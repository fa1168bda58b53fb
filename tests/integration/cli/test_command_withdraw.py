"""`withdraw` and `deletions`: what an operator signs, does, and hands to an administrator."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from screener.config import Settings
from screener.network.status import StoreOutcome
from screener.pipeline.conclude import conclude
from screener.pipeline.deliver import deliver
from screener.pipeline.judge import judge
from screener.pipeline.ports import Archive
from screener.pipeline.receive import receive
from screener.pipeline.report import report
from screener.pipeline.score import score
from screener.storage.tables import AuditRow
from screener.wiring import build_database, prepare
from tests.integration.cli.command_line import Ended, run_command
from tests.integration.cli.conftest import Configure
from tests.integration.cli.populated import services_of
from tests.support.pipeline_rig import RecordingArchive, incoming, make_film
from tests.support.stub_predictor import HeightPredictor

PACS = {"name": "pacs", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104, "mode": "test"}
WHY = ("--reason", "wrong weights")
PREDICTOR = HeightPredictor().identity


@pytest.fixture
def reported(configure: Configure) -> Settings:
    """Return a node with two reported children, 1 and 2, and one that is not low, 3."""
    settings = configure(
        archives=[PACS], rules={"conclusion": {"settle_s": 0.0, "threshold_z": -2.0}}
    )
    prepare(settings)
    with services_of(settings) as services:
        for number, z in ((1, -3.0), (2, -2.5), (3, 0.0)):
            film = make_film(number, z=z, child=number, AccessionNumber=f"ACC-{number}")
            assert receive(services, incoming(film)) is StoreOutcome.STORED
    run_stages(settings)
    return settings


def run_stages(settings: Settings) -> RecordingArchive:
    """Do all that is due; return the archive, which takes everything."""
    archive = RecordingArchive("pacs")
    archives: dict[str, Archive] = {"pacs": archive}
    with services_of(settings) as services:
        object.__setattr__(services, "archives", archives)
        predictor = HeightPredictor()
        stages = (
            judge,
            lambda s: score(s, predictor),
            conclude,
            report,
            lambda s: deliver(s, "pacs"),
        )
        while sum(stage(services) for stage in stages):
            pass
    return archive


def states() -> dict[int, str]:
    return {s["study_id"]: s["state"] for s in run_command("studies", "--json").json}


def listed(ended: Ended) -> list[int]:
    return [one["study_id"] for one in ended.json["reports"]]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_one_study_is_withdrawn_by_its_number(reported: Settings) -> None:
    ended = run_command("withdraw", 1, *WHY)

    assert (ended.code, ended.err) == (0, "")
    assert "withdrawn: study 1" in ended.out
    assert states() == {1: "WITHDRAWING", 2: "REPORTED", 3: "CLOSED"}

    run_stages(reported)
    assert states()[1] == "WITHDRAWN"


def test_one_study_is_withdrawn_by_its_uid(reported: Settings) -> None:
    del reported
    uid = str(make_film(2).StudyInstanceUID)

    assert run_command("withdraw", uid, *WHY, "--json").json["withdrawn"] == [2]


@pytest.mark.parametrize(
    ("study", "why"), [("3", "study 3 has no report to withdraw"), ("99", "there is no study 99")]
)
def test_what_cannot_be_withdrawn_is_said_in_one_line(
    reported: Settings, study: str, why: str
) -> None:
    del reported
    ended = run_command("withdraw", study, *WHY)

    assert ended.code == 2
    assert why in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        WHY,
        ("1", "--predictor", "x", *WHY),
        ("1", "--reason", " "),
        ("1", "--reason", "x" * 301),
        ("--since", "yesterday", *WHY),
    ],
)
def test_wrong_usage_withdraws_nothing(reported: Settings, arguments: tuple[str, ...]) -> None:
    del reported
    ended = run_command("withdraw", *arguments)

    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert "WITHDRAWING" not in states().values()


def test_a_dry_run_lists_and_changes_nothing(reported: Settings, tmp_path: Path) -> None:
    del reported
    signed = tmp_path / "list.csv"

    ended = run_command(
        "withdraw", "--predictor", PREDICTOR.label, *WHY, "--dry-run", "--list", signed
    )

    heading, first, second = rows_of(signed)
    assert ended.code == 0
    assert heading == [
        "study",
        "report revision",
        "reported at",
        "verdict",
        "Z",
        "archives",
        "checked by",
        "signature",
    ]
    assert (first[0], first[1], first[3:]) == ("1", "1", ["LOW", "-3.0", "pacs", "", ""])
    assert second[0] == "2"
    assert "archives holding it" in ended.out
    assert states() == {1: "REPORTED", 2: "REPORTED", 3: "CLOSED"}


def test_many_are_withdrawn_only_where_that_is_said_twice(reported: Settings) -> None:
    del reported
    without = run_command("withdraw", "--reference", "synthetic-demo@1", *WHY)
    before = states()

    run = run_command("withdraw", "--since", "2000-01-01", *WHY, "--yes", "--json")

    assert without.code == 2
    assert "add --yes to withdraw these 2 reports" in without.err
    assert "REPORTED" in before[1]
    assert (run.code, run.json["withdrawn"], run.json["refused"]) == (0, [1, 2], {})
    assert states() == {1: "WITHDRAWING", 2: "WITHDRAWING", 3: "CLOSED"}
    assert (
        listed(run_command("withdraw", "--since", "2000-01-01", *WHY, "--dry-run", "--json")) == []
    )


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("--predictor", PREDICTOR.checksum), [1, 2]),
        (("--predictor", PREDICTOR.checksum[:8]), [1, 2]),
        (("--predictor", PREDICTOR.checksum[:7]), []),
        (("--predictor", f"{PREDICTOR.name}@{PREDICTOR.version}"), [1, 2]),
        (("--predictor", "another 1"), []),
        (("--reference", "synthetic-demo 1"), [1, 2]),
        (("--reference", "another@1"), []),
        (("--since", "2999-01-01"), []),
        (("--until", "2000-01-01"), []),
        (("--since", "2000-01-01", "--until", "2999-01-01"), [1, 2]),
        (("--since", "2000-01-01", "--reference", "another@1"), []),
    ],
)
def test_filters_say_which_and_are_combined(
    reported: Settings, filters: tuple[str, ...], found: list[int]
) -> None:
    del reported
    ended = run_command("withdraw", *filters, *WHY, "--dry-run", "--json")

    assert listed(ended) == found


def test_deletions_are_listed_for_the_archives_administrator_and_closed(
    reported: Settings, tmp_path: Path
) -> None:
    assert run_command("deletions").out == "nothing is to be deleted\n"
    run_command("withdraw", 1, *WHY)
    run_stages(reported)
    table = tmp_path / "deletions.csv"

    people, script = run_command("deletions", "--csv", table), run_command("deletions", "--json")

    found = script.json
    assert len(found) == 3
    assert {one["accession_number"] for one in found} == {"ACC-1"}
    assert {one["series_description"] for one in found} == {
        "AI BMD report (SYNTHETIC, RESEARCH)",
        "AI BMD overlay (SYNTHETIC, RESEARCH)",
        "AI BMD card (SYNTHETIC, RESEARCH)",
    }
    assert len(rows_of(table)) == 4
    for one in found:
        assert one["sop_instance_uid"] in people.out
        assert one["study_instance_uid"] in people.out
    assert "ACC-1" in people.out

    ended = run_command("deletions", "--confirm", "1", "--archive", "pacs")

    assert "confirmed: 3 objects" in ended.out
    assert run_command("deletions", "--json").json == []
    assert all(one["confirmed_by"] for one in run_command("deletions", "--all", "--json").json)


def test_open_deletions_need_a_look(reported: Settings) -> None:
    run_command("withdraw", 1, *WHY)
    run_stages(reported)

    attention: list[dict[str, Any]] = run_command("status", "--json").json["attention"]

    assert {"what": "deletion", "state": "OPEN", "count": 3, "studies": [1]} in attention


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--confirm", "1"), "belong together"),
        (("--archive", "pacs"), "belong together"),
        (("--confirm", "1", "--archive", "pacs"), "nothing to delete at pacs"),
        (("--confirm", "99", "--archive", "pacs"), "no study 99"),
    ],
)
def test_there_is_nothing_to_confirm_that_is_not_open(
    reported: Settings, options: tuple[str, ...], why: str
) -> None:
    del reported
    ended = run_command("deletions", *options)

    assert ended.code == 2
    assert why in ended.err


def test_withdrawals_and_confirmations_are_audited(reported: Settings) -> None:
    run_command("withdraw", 1, *WHY)
    run_stages(reported)
    run_command("deletions", "--confirm", "1", "--archive", "pacs")

    database = build_database(reported)
    with database.read() as uow:
        actions = list(uow.session.scalars(select(AuditRow.action)))
    database.dispose()
    assert actions[-2:] == ["WITHDRAW", "DELETIONS_CONFIRMED"]


def test_retry_takes_nothing_up_of_what_was_cancelled(configure: Configure) -> None:
    settings = configure(archives=[PACS | {"mode": "off"}], rules={"conclusion": {"settle_s": 0.0}})
    prepare(settings)
    with services_of(settings) as services:
        assert receive(services, incoming(make_film(1, z=-3.0))) is StoreOutcome.STORED
    run_stages(settings)
    run_command("withdraw", 1, *WHY)
    run_stages(settings)

    ended = run_command("retry", 1)

    assert "nothing in this study has failed" in ended.out
    shown = run_command("show", 1, "--json").json["objects"]
    assert {one["state"] for one in shown} == {"CANCELLED", None}
