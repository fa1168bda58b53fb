"""The repository's own files, without what is made or installed in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Folders and files that are not committed; dot folders are left out but for these.
_MADE = {"build", "dist", "demo-out", "screener-data", "screener.toml", "test-output", "work"}
_DOT = {".ci", ".editorconfig", ".gitignore", ".pre-commit-config.yaml"}


def committed_files() -> Iterator[Path]:
    """Yield every file that is, or is to be, committed."""
    for top in sorted(ROOT.iterdir()):
        if top.name in _MADE or (top.name.startswith(".") and top.name not in _DOT):
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def committed_texts() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every committed file that is a text."""
    for path in committed_files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
