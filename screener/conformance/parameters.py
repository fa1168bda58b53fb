"""The configuration parameters with their defaults, from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from screener.config import ArchiveSettings, ListenerSettings, Settings
from screener.conformance.markdown import code, table
from screener.conformance.remarks import remarks

#: Sections of the settings that a peer may notice, and which of their parameters: None is all.
_SECTIONS: Mapping[str, tuple[str, ...] | None] = {
    "site": None,
    "listener": None,
    "storage": ("min_free_mb",),
    "drive": ("commitment_overdue_h",),
}
#: For parameters whose name says it all.
_PLAIN = {
    "ae_title": "AE title; compared exactly, case included.",
    "host": "Host name or IP address.",
    "port": "TCP port.",
    "max_associations": "Associations open at a time, of all callers together.",
}
_COLUMNS = ("Parameter", "Default", "Meaning")


def node_parameters() -> str:
    """Return the table of the node's own parameters."""
    rows = [
        row
        for name, shown in _SECTIONS.items()
        for row in _rows(name, _model(Settings.model_fields[name]), shown)
    ]
    return table(_COLUMNS, rows)


def archive_parameters() -> str:
    """Return the table of the parameters of each archive."""
    return table(_COLUMNS, _rows("archives[]", ArchiveSettings))


def caller_parameters() -> str:
    """Return the table of the parameters of each caller."""
    model = ListenerSettings.model_fields["callers"].annotation
    return table(_COLUMNS, _rows("listener.callers[]", _item(model)))


def default_of(model: type[BaseModel], field: str) -> str:
    """Return the default of a parameter, for prose."""
    return _shown(model.model_fields[field].default)


def _model(field: FieldInfo) -> type[BaseModel]:
    if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
        raise TypeError("not a section of the settings")
    return field.annotation


def _item(annotation: Any) -> type[BaseModel]:
    item = annotation.__args__[0]
    if not (isinstance(item, type) and issubclass(item, BaseModel)):
        raise TypeError("not a list of sections")
    return item


def _rows(
    section: str, model: type[BaseModel], shown: tuple[str, ...] | None = None
) -> Iterator[tuple[str, str, str]]:
    said = _PLAIN | dict(remarks(model))
    for name, field in model.model_fields.items():
        if shown is not None and name not in shown:
            continue
        default = "required" if field.is_required() else code(_shown(field.default))
        yield code(f"{section}.{name}"), default or "none", _meaning(said.get(name, ""), field)


def _meaning(said: str, field: FieldInfo) -> str:
    """Return what the code says of a parameter, and its values where it is a choice."""
    kind = field.annotation
    if not (isinstance(kind, type) and issubclass(kind, Enum)):
        return said
    values = "; ".join(
        f"{code(member.value)}: {_small(remarks(kind).get(member.name, ''))}" for member in kind
    )
    return f"{said} {values}.".strip()


def _small(sentence: str) -> str:
    return sentence.rstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or ""
    return "" if value is None else str(value)
