"""The wheel: everything that a node needs is in it, and it makes a database in an empty folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from screener.storage import migrate

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel without any network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=240)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_migrations_and_every_data_file(wheel: Path) -> None:
    listed = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "screener").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    migrations = {
        f"screener/migrations/{path.relative_to(ROOT / 'migrations').as_posix()}"
        for path in (ROOT / "migrations").rglob("*.py")
        if "__pycache__" not in path.parts
    }

    with ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert any(name.startswith("screener/data/references/") for name in listed)
    assert listed - names == set()
    assert migrations - names == set()
    assert [name for name in names if name.startswith("tests/")] == []


def test_db_upgrade_works_from_the_installed_wheel_in_an_empty_folder(
    wheel: Path, tmp_path: Path
) -> None:
    target, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, timeout=240)

    made = subprocess.run(
        [sys.executable, "-m", "screener", "db", "upgrade"],
        env={"PYTHONPATH": str(target), "PATH": ""},
        cwd=empty,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    where = subprocess.run(
        [sys.executable, "-c", "import screener; print(screener.__file__)"],
        env={"PYTHONPATH": str(target), "PATH": ""},
        cwd=empty,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert where.stdout.startswith(str(target))
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"database at migration level {migrate.newest_revision()}\n"
    assert (empty / "screener-data" / "screener.db").is_file()
