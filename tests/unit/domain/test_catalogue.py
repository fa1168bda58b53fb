from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest

from screener.domain import wording
from screener.domain.catalogue import CATALOGUES, ENGLISH, Catalogue, Language
from screener.domain.finding import Verdict, VerdictBasis
from screener.domain.report import ReportContent
from tests.conformance.contents import CASES, FORBIDDEN

SCREENER = Path(__file__).parents[3] / "screener"
OTHERS = [say for say in CATALOGUES.values() if say is not ENGLISH]
#: What must not be said in Korean: osteoporosis, osteopenia, T-score, fracture risk, normal,
#: diagnosis, treatment.
FORBIDDEN_KOREAN = re.compile(
    "골다공|골감소|T[ -]?(점수|값|스코어)|골절 ?위험|정상|진단|치료", re.I
)


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def in_language(content: ReportContent, language: Language) -> ReportContent:
    return replace(content, language=language)


@pytest.mark.parametrize("say", OTHERS, ids=lambda say: say.language)
def test_every_language_has_the_same_texts(say: Catalogue) -> None:
    assert set(say.texts) == set(ENGLISH.texts)


@pytest.mark.parametrize("say", OTHERS, ids=lambda say: say.language)
def test_a_text_names_the_same_values_in_every_language(say: Catalogue) -> None:
    differing = {
        key: (values_of(text), values_of(ENGLISH.texts[key]))
        for key, text in say.texts.items()
        if values_of(text) != values_of(ENGLISH.texts[key])
    }

    assert differing == {}


def test_english_is_ascii_so_that_every_character_set_holds_it() -> None:
    assert [key for key, text in ENGLISH.texts.items() if not text.isascii()] == []


def test_every_text_is_used_somewhere() -> None:
    """A key in use stands in the code as a literal, whole or up to what is put in at run time."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in SCREENER.rglob("*.py")
        if path.name not in {"english.py", "korean.py"}
    )
    literals = set(re.findall(r"""["']([a-zA-Z_.\-]+?)(?:\{|["'])""", code))

    unused = [
        key
        for key in ENGLISH.texts
        if not any(
            key == name or (name.endswith(".") and key.startswith(name)) for name in literals
        )
        and not key.startswith("both_sides.")
    ]

    assert unused == []


@pytest.mark.parametrize("name", CASES)
def test_korean_never_says_what_must_not_be_said(name: str) -> None:
    said = wording.report_text(in_language(CASES[name].content, Language.KOREAN))

    assert not FORBIDDEN_KOREAN.search(said)
    assert not FORBIDDEN.search(said)


def test_no_korean_text_says_it_either() -> None:
    texts = CATALOGUES[Language.KOREAN].texts

    assert [key for key, text in texts.items() if FORBIDDEN_KOREAN.search(text)] == []


@pytest.mark.parametrize("name", CASES)
def test_a_korean_report_has_no_english_sentence_of_ours(name: str) -> None:
    korean = in_language(CASES[name].content, Language.KOREAN)
    foreign = (korean.interval_statement, korean.reference_statement, korean.growth_name)

    said = wording.report_text(replace(korean, interval_statement="", reference_statement=""))

    sentences = [
        text
        for text in ENGLISH.texts.values()
        if len(text) > 12 and "{" not in text and text in said
    ]
    assert sentences == []
    assert foreign[1] in wording.report_text(korean) or not korean.films


def test_every_verdict_can_be_said_in_korean() -> None:
    content = CASES["low-one-film"].content
    for verdict in Verdict:
        for basis in VerdictBasis:
            finding = replace(content.finding, verdict=verdict, verdict_basis=basis)
            said = wording.headline(replace(content, finding=finding, language=Language.KOREAN))
            assert re.search("[\uac00-\ud7a3]", said)
