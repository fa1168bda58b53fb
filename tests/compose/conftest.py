"""The image, built once, and what the embedded node makes of the same films."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.compose.embedded import Embedded
from tests.compose.project import IMAGE, Project, new_project
from tests.structure.repository import ROOT

_NO_ENGINE = (
    "These tests need a Docker engine with the compose plugin, and none answers: {said}\n"
    "Install Docker, or let DOCKER_HOST name an engine that you may use."
)

#: What the demo's sender printed, for the end of the run.
_SHOWN = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def image() -> str:
    """Build the image of docker-compose.yml; end the run where there is no engine."""
    if shutil.which("docker") is None:
        pytest.exit(_NO_ENGINE.format(said="there is no program `docker`"), returncode=1)
    for command in (["docker", "version"], ["docker", "compose", "version"]):
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            said = (tried.stderr.strip() or tried.stdout.strip()).splitlines()[-1:]
            pytest.exit(_NO_ENGINE.format(said=" ".join(said)), returncode=1)
    built = subprocess.run(
        ["docker", "compose", "build"],
        cwd=ROOT,
        env=os.environ | {"SCREENER_IMAGE": IMAGE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return IMAGE


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """Run `screener demo` on this machine, without any container."""
    out = tmp_path_factory.mktemp("embedded") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "screener", "demo", "--json", "--out", str(out)],
        cwd=out.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    films = out / "films"
    # the containers' user reads them, too
    films.chmod(0o755)
    for film in films.iterdir():
        film.chmod(0o644)
    return Embedded(films=films, rows=json.loads(done.stdout)["films"])


@pytest.fixture(scope="module")
def node(image: str) -> Iterator[Project]:
    """Start a node and an archive that several tests look at."""
    with new_project() as project:
        project.up()
        yield project


@pytest.fixture
def project(image: str) -> Iterator[Project]:
    """Return a project of this test's own, with nothing in it yet."""
    with new_project() as project:
        yield project


@pytest.fixture
def show(pytestconfig: pytest.Config) -> list[str]:
    """Return a list; what a test puts into it is printed at the end of the run."""
    return pytestconfig.stash.setdefault(_SHOWN, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the demo's table last."""
    for text in terminalreporter.config.stash.get(_SHOWN, []):
        terminalreporter.section("docker compose --profile demo up")
        terminalreporter.write_line(text)
