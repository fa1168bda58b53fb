"""The commented example of a settings file holds every setting, and loads as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from screener.config import Settings, load_settings

EXAMPLE = Path(__file__).parents[3] / "docs" / "screener.example.toml"


def settings_of(model: Any, section: str = "") -> Iterator[tuple[str, str]]:
    """Yield every (section, key) of the settings."""
    for name, kind in _fields(model).items():
        inner = next((part for part in (kind, *get_args(kind)) if _fields(part)), None)
        if inner is None:
            yield section, name
        else:
            yield from settings_of(inner, f"{section}.{name}".lstrip("."))


def _fields(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        return get_type_hints(kind)
    return {}


def test_the_example_loads_as_it_is() -> None:
    assert isinstance(load_settings(EXAMPLE), Settings)


def test_every_section_and_key_is_in_the_example_commented_or_not() -> None:
    present: set[tuple[str, str]] = set()
    section = ""
    for line in EXAMPLE.read_text(encoding="utf-8").splitlines():
        bare = line.lstrip("# ")
        if found := re.match(r"\[{1,2}([a-z_.]+)\]{1,2}\s*(#.*)?$", bare):
            section = found[1]
        elif found := re.match(r"([a-z0-9_]+)\s*=", bare):
            present.add((section, found[1]))

    # `rules.archives` is a section of the site's own names
    wanted = {pair for pair in settings_of(Settings) if pair != ("rules", "archives")}

    assert sorted(wanted - present) == []
