"""Who may import whom: the contracts in pyproject.toml, and names that say nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.structure.repository import ROOT, committed_files

SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}


def test_every_import_contract_holds() -> None:
    """In a process of its own, for it sets up logging for all of one."""
    lint = Path(sys.executable).with_name("lint-imports")

    ended = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )

    assert ended.returncode == os.EX_OK, ended.stdout
    assert " kept, 0 broken" in ended.stdout


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
