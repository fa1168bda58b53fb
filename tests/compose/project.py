"""One `docker compose` project of its own: started, broken, asked, and removed with its volumes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from screener.domain.errors import ScreenerError
from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer
from screener.network.store_scu import echo
from tests.structure.repository import ROOT
from tests.support.modality import MODALITY
from tests.support.servers import OrthancServer, await_condition, free_port

IMAGE = "bmd-screener:compose-test"
#: What runs for good; keys and migrate are done once.
SERVICES = ("listener", "intake", "scoring", "delivery", "beat", "redis", "postgres")

_COMMAND_S = 120.0
#: A machine with few cores starts nine containers, and asks for their health, in less.
START_S = 300.0
#: The demo gives up by itself where nothing moves.
SETTLE_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project that no other one knows."""

    name: str
    variables: dict[str, str] = field(repr=False)

    @property
    def peer(self) -> Peer:
        """The node as a modality sees it: by the published port."""
        return Peer(
            name="node", ae_title=AeTitle("BMDSCREEN"), host="127.0.0.1", port=self._port("PUBLISH")
        )

    @property
    def archive(self) -> OrthancServer:
        """The demo's archive, by its published HTTP port."""
        return OrthancServer(peer=self.peer, http_port=self._port("ORTHANC_PORT"))

    def compose(
        self, *arguments: object, timeout_s: float = _COMMAND_S, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` and return what it said."""
        done = subprocess.run(
            [*self.command, *map(str, arguments)],
            cwd=ROOT,
            env=os.environ | self.variables,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    @property
    def command(self) -> list[str]:
        """`docker compose` for this project, archive and sender included."""
        return ["docker", "compose", "--project-name", self.name, "--profile", "demo"]

    def up(self, *, healthy: bool = True) -> None:
        """Start whatever does not run, the demo's sender left out, and wait until it answers."""
        wait = ["--wait", "--wait-timeout", f"{START_S:.0f}"] if healthy else []
        services = [*SERVICES, "orthanc"]
        options = ["--detach", "--no-build", "--pull", "never"]
        self.compose("up", *options, *wait, *services, timeout_s=START_S + _COMMAND_S)
        await_condition(self._answers, START_S, "the node's answer to C-ECHO")

    def screener(self, *arguments: object) -> str:
        """Run a command of the program in the listener's container and return what it printed."""
        return self.compose("exec", "-T", "listener", "screener", *arguments).stdout

    def count(self, table: str, state: str) -> int:
        """Return how many rows of a table are in a state."""
        query = f"SELECT count(*) FROM {table} WHERE state = '{state}'"  # noqa: S608 - our own words
        psql = ["psql", "-U", "screener", "--no-psqlrc", "-At", "-c", query]
        return int(self.compose("exec", "-T", "postgres", *psql).stdout)

    def rests(self) -> bool:
        """Return whether no film is at work and no study waits to be concluded or reported."""
        films = ("RECEIVED", "WAITING", "SCORING")
        studies = ("GROWING", "FLAGGED")
        return not any(self.count("screenings", state) for state in films) and not any(
            self.count("studies", state) for state in studies
        )

    def status(self) -> dict[str, Any]:
        """Return what `screener status` says of films, studies and deliveries."""
        said: dict[str, Any] = json.loads(self.screener("status", "--json"))
        return {
            key: said[key] for key in ("screenings", "studies", "verdicts", "archives", "attention")
        }

    def rows(self, films: Path) -> list[dict[str, Any]]:
        """Wait until the worklist that somebody sent is at its end; return the demo's rows.

        Parameters
        ----------
        films
            Folder of the worklist, readable by everybody.
        """
        name = f"{self.name}-judge"
        options = ["--detach", "--name", name, "--no-deps", "--volume", f"{films}:/films:ro"]
        command = ["screener", "demo", "--running", "--no-send", "--films", "/films", "--json"]
        command += ["--node", "listener:11112", "--out", "/demo/of-somebody"]
        self.compose("run", *options, "demo", *command)
        try:
            ended = _docker("wait", name, timeout_s=SETTLE_S).stdout.strip()
            printed = _docker("logs", name)
            assert ended == "0", f"exit {ended}: {printed.stdout}{printed.stderr}"
        finally:
            _docker("rm", "--force", name)
        said = json.loads(printed.stdout)
        assert said["ok"], printed.stderr
        rows: list[dict[str, Any]] = said["films"]
        return rows

    def logs(self, *services: str) -> str:
        """Return what containers wrote, from their start."""
        return self.compose("logs", "--no-color", *services, check=False).stdout

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's first container."""
        (container, *_) = self.compose("ps", "--all", "--quiet", service).stdout.split()
        (found,) = json.loads(_docker("inspect", container).stdout)
        assert isinstance(found, dict)
        return found

    def _port(self, variable: str) -> int:
        return int(self.variables[f"SCREENER_{variable}"].rpartition(":")[2])

    def _answers(self) -> bool:
        with suppress(ScreenerError):
            return echo(self.peer, calling_ae=MODALITY) > 0
        return False


def _docker(*arguments: str, timeout_s: float = _COMMAND_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, timeout=timeout_s, check=True
    )


@contextmanager
def new_project(*, scoring_workers: int = 2) -> Iterator[Project]:
    """Make a project on free ports; afterwards remove it, its volumes too, whatever happened."""
    project = Project(
        name=f"screener-test-{uuid4().hex[:8]}",
        variables={
            "SCREENER_IMAGE": IMAGE,
            "SCREENER_PUBLISH": f"127.0.0.1:{free_port()}",
            "SCREENER_ORTHANC_PORT": str(free_port()),
            "SCREENER_SCORING_WORKERS": str(scoring_workers),
        },
    )
    try:
        yield project
    except BaseException:
        sys.stderr.write(project.logs()[-20_000:])
        sys.stderr.write(project.compose("ps", "--all", check=False).stdout)
        raise
    finally:
        project.compose("down", "--volumes", "--remove-orphans", "--timeout", "20", check=False)
