"""`screener conformance`: prints the statement, writes it, and tells whether a copy is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.conformance.document import conformance_statement
from tests.integration.cli.command_line import run_command


def test_the_statement_is_printed() -> None:
    ended = run_command("conformance")

    assert ended.code == 0
    assert ended.out == conformance_statement()
    assert ended.err == ""


def test_a_written_statement_is_current(tmp_path: Path) -> None:
    file = tmp_path / "conformance.md"

    written = run_command("conformance", "--out", str(file))
    checked = run_command("conformance", "--check", str(file))

    assert written.code == checked.code == 0
    assert "is current" in checked.out
    assert file.read_bytes() == conformance_statement().encode()


@pytest.mark.parametrize("cut", [0, 10])
def test_a_statement_that_differs_is_reported_with_what_to_do(tmp_path: Path, cut: int) -> None:
    statement = conformance_statement()
    file = tmp_path / "conformance.md"
    file.write_text(statement[:-cut] if cut else statement + "another line\n", encoding="utf-8")

    ended = run_command("conformance", "--check", str(file))

    assert ended.code == 1
    assert "differs from line" in ended.err
    assert f"screener conformance --out {file}" in ended.err.replace("\n", " ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = run_command("conformance", "--check", str(tmp_path / "none.md"))

    assert ended.code == 1
    assert "none.md" in ended.err


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    file = str(tmp_path / "conformance.md")

    ended = run_command("conformance", "--out", file, "--check", file)

    assert ended.code == 2
    assert "give one of them" in ended.err
