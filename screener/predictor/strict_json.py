"""JSON as frozen values, strictly: nothing missing, nothing unknown, nothing converted.

A field with a default may be missing: documents written before it had the field stay readable.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from screener.domain.errors import PredictorMismatch

_T = TypeVar("_T")


def read_as(kind: type[_T], document: object, where: str) -> _T:
    """Return a decoded JSON object as a frozen dataclass.

    Parameters
    ----------
    kind
        The dataclass; its fields are str, int, float, bool, tuples, mappings of str, further
        dataclasses, and any of these or None.
    document
        What `json.loads` gave.
    where
        The document's name in messages.

    Raises
    ------
    PredictorMismatch
        A field is missing, unknown, or of another type; the message names it.
    """
    value: _T = _value(kind, document, where)
    return value


def _value(kind: Any, value: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _object(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _value(next(k for k in arguments if k is not types.NoneType), value, where)
    if origin is tuple and isinstance(value, list):
        kinds = arguments[:1] * len(value) if arguments[1:] == (...,) else arguments
        if len(kinds) == len(value):
            return tuple(
                _value(k, v, f"{where}[{i}]")
                for i, (k, v) in enumerate(zip(kinds, value, strict=True))
            )
    elif origin is Mapping and isinstance(value, dict):
        return {name: _value(arguments[1], v, f"{where}.{name}") for name, v in value.items()}
    elif kind is float and type(value) in (int, float):
        return float(typing.cast("float", value))
    elif type(value) is kind:
        return value
    raise PredictorMismatch(f"{where} is not what a card has there: {kind} is expected")


def _object(kind: Any, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise PredictorMismatch(f"{where} must be an object")
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    unset = dataclasses.MISSING
    needed = {f.name for f in fields if f.default is unset and f.default_factory is unset}
    missing = sorted(needed - set(value))
    unknown = sorted(set(value) - {f.name for f in fields})
    if missing or unknown:
        raise PredictorMismatch(f"{where}: missing {missing}, unknown {unknown}")
    return kind(**{name: _value(hints[name], value[name], f"{where}.{name}") for name in value})
