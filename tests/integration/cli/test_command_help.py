"""What every command says of itself, and what it says to people who get it wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup, TyperOption

from screener import __version__
from screener.cli.app import app
from screener.config import Settings
from tests.integration.cli.command_line import run_command, start_command
from tests.integration.cli.conftest import Configure
from tests.structure.words import forbidden_words


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield every command of the tree, groups too, by the words that call it."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


TREE = typer.main.get_command(app)
assert isinstance(TREE, TyperGroup)
ALL = sorted(commands(TREE))

#: What the issue promises.
PROMISED = {
    "up", "listen", "score", "explain", "send", "echo", "status", "studies", "show", "retry",
    "check", "demo", "rules show", "rules import", "rules export", "db upgrade",
}  # fmt: skip


def test_every_promised_command_is_there() -> None:
    assert PROMISED - {" ".join(path) for path in ALL} == set()


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "screener")
def test_help_prints_and_has_no_forbidden_word(path: tuple[str, ...]) -> None:
    ended = run_command(*path, "--help")

    assert ended.code == 0
    assert "Usage: screener" in ended.out
    assert ended.err == ""
    assert forbidden_words(ended.out) == []


def test_every_command_and_option_says_what_it_is_for() -> None:
    silent = []
    for path in ALL:
        command: Any = TREE
        for name in path:
            assert isinstance(command, TyperGroup)
            command = command.commands[name]
        if not command.hidden and not command.help:
            silent.append(" ".join(path))
        silent += [
            f"{' '.join(path)} {option.opts[0]}"
            for option in command.params
            if isinstance(option, TyperOption) and not option.hidden and not option.help
        ]

    assert silent == []


def test_without_a_command_the_help_is_shown() -> None:
    ended = run_command()

    assert "Usage: screener" in ended.out + ended.err


def test_the_version_is_printed_alone() -> None:
    assert run_command("--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    "arguments", [("nosuch",), ("echo",), ("score",), ("status", "--nosuch"), ("rules", "nosuch")]
)
def test_wrong_usage_ends_with_2_and_says_how_to_get_help(arguments: tuple[str, ...]) -> None:
    ended = run_command(*arguments)

    assert ended.code == 2
    assert ended.out == ""
    assert "--help" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", [path for path in PROMISED if path != "demo"])
def test_wrong_settings_end_every_command_with_an_error_that_names_them(
    command: str, configure: Configure
) -> None:
    configure()
    Path("screener.toml").write_text("[listener]\nport = 99999\n")
    needed = {
        "score": ["x"], "explain": ["x"], "send": ["A@h:1", "x"], "echo": ["A@h:1"], "show": ["1"],
        "retry": ["1"], "rules import": ["x", "--reason", "y"],
    }  # fmt: skip

    ended = run_command(*command.split(), *needed.get(command, []))

    assert ended.code == 2
    assert ended.err.startswith("error: wrong settings in screener.toml")
    assert "listener.port" in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_a_settings_file_that_is_missing_is_one_line(configure: Configure) -> None:
    configure()

    ended = run_command("--config", "gone.toml", "check")

    assert ended.code == 2
    assert ended.err == "error: there is no settings file gone.toml\n"


def test_a_bug_is_said_without_what_was_raised(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback shows values, and a value may be a patient's."""

    def broken(*_: object) -> None:
        raise RuntimeError("ZZ-SYNTHETIC^MARKED")

    configure()
    monkeypatch.setattr("screener.cli.dicom.find_peer", broken)

    ended = run_command("echo", "A@h:1")

    log, said = ended.err.splitlines()
    assert ended.code == 1
    assert json.loads(log)["exception"].startswith("RuntimeError at ")
    assert said.startswith("error: this is a bug (RuntimeError)")
    assert "MARKED" not in ended.err


class TestAsAProcess:
    """A few runs as people start it."""

    def test_help_and_version(self) -> None:
        with start_command("--version") as process:
            out, err = process.communicate(timeout=60)

        assert (process.returncode, out, err) == (0, f"{__version__}\n", "")

    def test_an_error_is_one_line_on_standard_error(self, configure: Configure) -> None:
        configure()
        with start_command("status") as process:
            out, err = process.communicate(timeout=60)

        assert (process.returncode, out) == (2, "")
        assert re.fullmatch(r"error: .*`screener db upgrade`\n", err)

    @pytest.mark.parametrize("command", ["rules export", "rules show", "status --json", "check"])
    def test_a_reader_that_has_seen_enough_is_no_error(self, command: str, node: Settings) -> None:
        with start_command(*command.split()) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            err = process.stderr.read()
            process.wait(60)

        assert err == ""
