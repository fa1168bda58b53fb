"""Progress bars on a terminal; nothing in a log file, which gets whole lines only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

_T = TypeVar("_T")


def tracked(items: Iterable[_T], description: str, *, total: int, console: Console) -> Iterable[_T]:
    """Go through items with a progress bar that leaves no trace."""
    return track(
        items,
        description,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def say(console: Console, line: str) -> None:
    """Print a line whole, however narrow the terminal is said to be."""
    console.print(line, soft_wrap=True, highlight=False)
