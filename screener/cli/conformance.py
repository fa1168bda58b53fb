"""`conformance`: the DICOM conformance statement of this version."""

from __future__ import annotations

import sys
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.output import NODE, complain, say
from screener.domain.errors import ConfigurationError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=NODE)(conformance)


def conformance(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it to this file, not to the screen.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Only tell whether this file is the statement."),
    ] = None,
) -> None:
    """Print the DICOM conformance statement (PS3.2) of this version, as Markdown.

    It is written from the tables that the code uses, and is the same on every machine. With --check
    it ends with 1 where the file differs.
    """
    # reads every library of DICOM: not at the start of every other command
    from screener.conformance.document import conformance_statement  # noqa: PLC0415

    if out is not None and check is not None:
        raise ConfigurationError("--out and --check: give one of them")
    statement = conformance_statement()
    if check is not None:
        _compare(check, statement)
    elif out is not None:
        out.write_text(statement, encoding="utf-8", newline="\n")
        say(f"written: {out}")
    else:
        sys.stdout.write(statement)


def _compare(file: Path, statement: str) -> None:
    """Say whether a file is the statement of this version, and end with 1 where it is not."""
    try:
        kept = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is no text in UTF-8") from None
    if kept == statement:
        say(("ok  ", "green"), f" {file} is current")
        return
    pairs = zip_longest(kept.splitlines(True), statement.splitlines(True))
    line = next(number for number, (ours, theirs) in enumerate(pairs, start=1) if ours != theirs)
    complain(
        ("FAIL", "red"),
        f" {file} differs from line {line} on; to renew it: screener conformance --out {file}",
    )
    raise typer.Exit(1)
