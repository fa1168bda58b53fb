"""Who may import whom: the contracts in pyproject.toml, and names that say nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.structure.repository import ROOT, committed_files

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}


def test_every_import_contract_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)

    exit_code = lint_imports(config_filename="pyproject.toml", no_cache=True)

    said = capsys.readouterr().out
    assert exit_code == os.EX_OK, said
    assert " kept, 0 broken" in said


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = [path for path in committed_files() if path.suffix == ".py"]

    assert len(modules) > 100
    assert [path for path in modules if {path.stem, path.parent.name} & SAYS_NOTHING] == []


def test_no_source_file_of_the_product_is_too_long_to_read() -> None:
    """Two or three screens are the rule; twice the longest sensible file is a mistake."""
    long = [
        path
        for path in (ROOT / "screener").rglob("*.py")
        if len(Path(path).read_text(encoding="utf-8").splitlines()) > 500
    ]

    assert long == []
