"""The remark that stands above each member of a class: ``#:`` lines, as this code writes them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache

_MARK = "#:"


@cache
def remarks(kind: type) -> Mapping[str, str]:
    """Return the remark of each member of an enumeration, or field of a class, that has one.

    Notes
    -----
    Read from the source, which is installed with the product: so a page that lists members says of
    each what the code says of it, and nobody has to write it twice.
    """
    lines = textwrap.dedent(inspect.getsource(kind)).splitlines()
    tree = ast.parse("\n".join(lines))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for node in body:
        name = _name(node)
        if name and (text := _above(lines, node.lineno - 1)):
            found[name] = text
    return found


def _name(node: ast.stmt) -> str:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _above(lines: list[str], at: int) -> str:
    said: list[str] = []
    while at > 0 and lines[at - 1].strip().startswith(_MARK):
        at -= 1
        said.insert(0, lines[at].strip().removeprefix(_MARK).strip())
    return " ".join(said)
