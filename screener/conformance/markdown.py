"""Tables and lists as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: What no cell may hold as it is.
_ESCAPES = str.maketrans({"|": "\\|", "\n": " "})


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a line for each row, however long."""
    lines = [_line(columns), "|" + "---|" * len(columns)]
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells in a table of {len(columns)}")
        lines.append(_line(row))
    return "\n".join(lines)


def code(text: object) -> str:
    """Return a text as code; nothing for an empty one."""
    shown = str(text)
    return f"`{shown}`" if shown else ""


def listed(values: Iterable[str], conjunction: str = "and") -> str:
    """Return values as a phrase: ``a, b and c``."""
    *most, last = values
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def nested(depth: int, text: str) -> str:
    """Return a text with one ``>`` for each sequence or item that it lies in."""
    return f"{'&gt;' * depth} {text}".strip()


def hexadecimal(status: int) -> str:
    """Return a status as the standard writes it."""
    return f"0x{status:04X}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.translate(_ESCAPES) for cell in cells) + " |"
