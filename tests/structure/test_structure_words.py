"""What people read: no forbidden word, and every coded state and reason explained."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum

import pytest

import screener.domain
from screener.domain.catalogue import ENGLISH
from screener.domain.phrases import reason_words
from tests.structure.repository import ROOT, committed_texts
from tests.structure.words import forbidden_words

#: Enumerations whose members are shown to people as codes.
_SHOWN = ("State", "Reason", "Verdict", "Absence")

#: Codes whose own words say it best.
_PLAIN = {"NO_PIXEL_DATA", "LATERAL_VIEW"}


def codes() -> Iterator[tuple[str, str]]:
    """Yield the enumeration and value of every state and reason of the domain."""
    for module in pkgutil.iter_modules(screener.domain.__path__):
        found = importlib.import_module(f"screener.domain.{module.name}")
        for name, value in vars(found).items():
            is_own = isinstance(value, type) and value.__module__ == found.__name__
            if is_own and issubclass(value, StrEnum) and name.endswith(_SHOWN):
                yield from ((name, member.value) for member in value)


def texts_in(source: str) -> Iterator[str]:
    """Yield the string literals of a Python file that are not docstrings."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.value


def prose(markdown: str) -> str:
    """Return a document without what it only quotes: code, quotations, and words never to use."""
    bare = re.sub(r"```.*?```|`[^`\n]*`|\"[^\"\n]*\"|“[^”\n]*”", "", markdown, flags=re.DOTALL)
    return "\n".join(line for line in bare.splitlines() if not re.search(r"\b[Nn]ever\b", line))


@pytest.mark.parametrize(
    "text",
    ["Osteoporosis", "osteopenic", "T-score", "T scores", "fracture risk", "a normal value"],
)
def test_a_forbidden_word_is_found(text: str) -> None:
    assert forbidden_words(f"This says: {text}.")


@pytest.mark.parametrize(
    "text",
    ["Z-score", "abnormality", "normalise", "Does not look for fractures.", "low bone mineral"],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert forbidden_words(text) == []


def test_no_text_of_the_product_has_a_forbidden_word() -> None:
    found = {}
    for name, text in committed_texts():
        if name.startswith("tests/"):
            continue
        shown = " \n ".join(texts_in(text)) if name.endswith(".py") else text
        if name.endswith(".md"):
            shown = prose(text)
        if words := forbidden_words(shown):
            found[name] = words

    assert found == {}


def test_every_state_and_reason_is_explained_in_the_docs() -> None:
    docs = [ROOT / "docs" / name for name in ("glossary.md", "architecture.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in docs if path.is_file())
    wanted = set(codes())

    missing = sorted(pair for pair in wanted if not re.search(rf"\b{pair[1]}\b", text))

    assert len(wanted) > 50
    assert missing == []


def test_every_reason_has_words_of_its_own() -> None:
    """A code without any would be shown as itself, in lower case."""
    bare = [
        code
        for name, code in codes()
        if name in {"IneligibilityReason", "NotScoredReason", "FindingReason"}
        and reason_words(ENGLISH, code) == code.lower().replace("_", " ")
        and code not in _PLAIN
    ]

    assert bare == []
