"""How commands speak: tables for people, JSON for scripts, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

#: What a command prints; errors and progress go to standard error.
OUT = Console(soft_wrap=True)
ERR = Console(stderr=True, soft_wrap=True)

#: Headings of `screener --help`.
NODE, FILMS = "The node", "Films and peers, without a node"
SCIENCE, SYNTHETIC = "Predictors and references", "Synthetic films, training"

_WIDE = 200


def say(*parts: str | tuple[str, str]) -> None:
    """Print one line; a part may come with a style. Brackets in it are text and never markup."""
    OUT.print(Text.assemble(*parts))


def complain(*parts: str | tuple[str, str]) -> None:
    """Print one line on standard error, as `say` does."""
    ERR.print(Text.assemble(*parts))


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output, and nothing else there."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
) -> None:
    """Print a table; a column whose name ends in ``>`` is set flush right.

    Cells are printed as they are: what a caller on the network has named itself is no markup.
    """
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        right = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = OUT if OUT.is_terminal else Console(width=_WIDE)
    console.print(table, soft_wrap=False)


def progress(what: str) -> Progress:
    """Return a progress bar on standard error: none where that is no terminal."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=ERR,
        disable=not ERR.is_terminal,
    )


def _cell(value: object) -> Text:
    if isinstance(value, Text):
        return value
    return Text("" if value is None else str(value))
