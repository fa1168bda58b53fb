"""Values to JSON and back, by their annotations, so that a row can hold a whole value."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, TypeVar

import cattrs
from cattrs.preconf.json import make_converter

from screener.domain.identifiers import Uid


def _converter() -> cattrs.Converter:
    converter = make_converter()
    # dates as ISO text; a Uid is checked again when it is read
    converter.register_unstructure_hook(datetime, lambda v: v.isoformat())
    converter.register_structure_hook(datetime, lambda v, _: datetime.fromisoformat(v))
    converter.register_unstructure_hook(date, lambda v: v.isoformat())
    converter.register_structure_hook(date, lambda v, _: date.fromisoformat(v))
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Uid), lambda v, kind: kind(v)
    )
    return converter


T = TypeVar("T")

_CONVERTER = _converter()


def to_json(value: object) -> str:
    """Write a frozen value as JSON text."""
    return json.dumps(_CONVERTER.unstructure(value), ensure_ascii=False, separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """Read a value that `to_json` wrote; fields that it lacks get their defaults.

    Raises
    ------
    ValueError
        The text is not such a value.
    """
    try:
        return _CONVERTER.structure(json.loads(text), kind)
    except (cattrs.BaseValidationError, KeyError, TypeError) as error:
        raise ValueError(f"a row does not hold a {kind.__name__}") from error


def plain(value: object) -> Any:
    """Turn a value into what JSON knows: dicts, lists, texts and numbers."""
    return _CONVERTER.unstructure(value)
