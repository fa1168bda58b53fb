"""`rules show | import | export`: versions, their audit rows, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from screener.config import RulesDocument, Settings, read_rules
from screener.storage.tables import AuditRow
from screener.wiring import build_database
from tests.integration.cli.command_line import Ended, run_command
from tests.integration.cli.conftest import Configure

ARCHIVES = [{"name": "pacs", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 104}]


@pytest.fixture
def node(configure: Configure) -> Settings:
    settings = configure(archives=ARCHIVES)
    assert run_command("db", "upgrade").code == 0
    return settings


def write(text: str) -> Path:
    file = Path("rules.toml")
    file.write_text(text, encoding="utf-8")
    return file


def import_rules(text: str, reason: str = "a test") -> Ended:
    return run_command("rules", "import", write(text), "--reason", reason)


def changes(settings: Settings) -> list[tuple[str, str | None, dict[str, object]]]:
    database = build_database(settings)
    with database.read() as uow:
        rows = uow.session.scalars(select(AuditRow).order_by(AuditRow.id)).all()
        found = [(row.action, row.subject, json.loads(row.detail)) for row in rows]
    database.dispose()
    return found


def test_imported_rules_are_the_next_version_with_an_audit_row(node: Settings) -> None:
    ended = import_rules("[rules.conclusion]\nthreshold_z = -2.5\n", "the board decided so")

    assert ended.out == "version 2 of the rules is in force\n"
    said = run_command("rules", "show", "--json").json
    assert said["version"] == 2
    assert said["rules"]["conclusion"]["threshold_z"] == -2.5
    assert changes(node)[-1] == ("RULES_CHANGED", "rules 2", {"reason": "the board decided so"})


def test_an_earlier_version_is_still_shown(node: Settings) -> None:
    import_rules("[rules.conclusion]\nthreshold_z = -2.5\n")

    said = run_command("rules", "show", "--version", 1, "--json").json

    assert (said["version"], said["rules"]["conclusion"]["threshold_z"]) == (1, None)


def test_the_table_shows_who_changed_the_rules_and_why(node: Settings) -> None:
    import_rules("[rules.archives]\npacs = 'test'\n", "first [trial] week")

    out = run_command("rules", "show").out

    assert "version 2" in out
    assert "first [trial] week" in out
    assert "the first rules" in out
    assert "threshold_z" in out


def test_exported_rules_can_be_imported_and_change_nothing(node: Settings) -> None:
    exported = run_command("rules", "export", "mine.toml")
    printed = run_command("rules", "export")

    again = run_command("rules", "import", "mine.toml", "--reason", "a test")

    assert exported.out == "wrote mine.toml\n"
    assert printed.out == Path("mine.toml").read_text(encoding="utf-8")
    assert "nothing changes: version 1" in again.out
    assert len(changes(node)) == 1


def test_an_edited_export_brings_exactly_the_edit(node: Settings) -> None:
    text = run_command("rules", "export").out
    before = read_rules(write(text))

    import_rules(text.replace("max_age_days = 14", "max_age_days = 30"))

    after = RulesDocument.model_validate(run_command("rules", "show", "--json").json["rules"])
    assert after.eligibility.max_age_days == 30
    assert after.conclusion == before.conclusion
    assert after.archives == before.archives


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[rules.archives]\npacs = "live"\n', "synthetic"),
        ('[rules.archives]\nother = "test"\n', "known: pacs"),
        ("[rules.conclusion]\nthreshold_z = 3\n", "threshold_z is 3"),
        ("[rules.conclusion]\ntreshold_z = -3\n", "did you mean 'threshold_z'"),
        ('[rules.eligibility]\npa_patterns = ["("]\n', "pa_patterns"),
        ("", "[rules]"),
        ("[rules", "rules.toml"),
    ],
)
def test_refused_rules_leave_the_version_as_it_is(text: str, said: str, node: Settings) -> None:
    ended = import_rules(text)

    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert said in ended.err
    assert run_command("rules", "show", "--json").json["version"] == 1
    assert len(changes(node)) == 1


def test_an_import_without_a_reason_is_refused(node: Settings) -> None:
    ended = run_command("rules", "import", write("[rules.conclusion]\nsettle_s = 1\n"))

    assert ended.code == 2
    assert "--reason" in ended.err


@pytest.mark.parametrize("version", ["7", "0", "-1", "9" * 30])
def test_a_version_that_is_not_there_is_said(version: str, node: Settings) -> None:
    ended = run_command("rules", "show", "--version", version)

    assert ended.code == 2
    assert ended.err


def test_a_file_that_cannot_be_written_is_one_line(node: Settings) -> None:
    ended = run_command("rules", "export", "no/such/folder/rules.toml")

    assert ended.code == 1
    assert ended.err == "error: No such file or directory: no/such/folder/rules.toml\n"


def test_db_upgrade_is_safe_to_repeat(node: Settings) -> None:
    ended = run_command("db", "upgrade")

    assert ended.code == 0
    assert ended.out.endswith(" already\n")
