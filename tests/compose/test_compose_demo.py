"""`docker compose --profile demo up`, the whole command that a laptop needs."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.compose.project import SETTLE_S, START_S, Project
from tests.structure.repository import ROOT
from tests.support.servers import await_condition

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]


def test_one_command_starts_everything_and_ends_with_the_table(
    project: Project, show: list[str]
) -> None:
    with subprocess.Popen(
        [*project.command, "up", "--no-build", "--pull", "never"],
        cwd=ROOT,
        env=os.environ | project.variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as everything:
        try:
            await_condition(
                lambda: "demo" in _ended(project), START_S + SETTLE_S, "the end of the demo"
            )
        finally:
            everything.send_signal(signal.SIGINT)

    table = project.compose("logs", "--no-color", "--no-log-prefix", "demo").stdout
    show.append(table)
    assert project.inspect("demo")["State"]["ExitCode"] == 0, table
    assert " of 12 low, " in table
    assert table.count(" COMMITTED") >= 9


def _ended(project: Project) -> list[str]:
    options = ("--all", "--status", "exited", "--services")
    return project.compose("ps", *options, check=False).stdout.split()
