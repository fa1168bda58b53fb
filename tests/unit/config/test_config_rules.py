"""Rules as a document: from settings, to TOML, and back without loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.config import RulesDocument, export_rules, load_settings, read_rules
from screener.domain.delivery import ArchiveMode
from screener.domain.eligibility import EligibilityRules
from screener.domain.errors import ConfigurationError
from screener.domain.finding import ConclusionRules

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
documents = st.builds(
    RulesDocument,
    eligibility=st.builds(
        EligibilityRules,
        modalities=st.lists(texts, max_size=3).map(tuple),
        chest_body_parts=st.lists(texts, max_size=3).map(tuple),
        chest_patterns=st.sampled_from([(), (r"\bchest\b", "흉부"), (r'"\\"', "'''", "\t")]),
        min_age_years=st.floats(0, 5),
        max_age_years=st.floats(6, 20),
        max_age_days=st.integers(0, 10_000),
    ),
    conclusion=st.builds(
        ConclusionRules,
        settle_s=st.floats(0, 86_400),
        threshold_z=st.floats(-5, 0),
        max_interval_z=st.floats(0.1, 20),
        repeat_report_days=st.integers(0, 3650),
        report_all=st.booleans(),
    ),
    archives=st.dictionaries(
        st.from_regex("[a-z0-9_-]{1,8}", fullmatch=True), st.sampled_from(ArchiveMode), max_size=3
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rules")


@settings(max_examples=40, deadline=None)
@given(document=documents)
def test_rules_that_are_exported_and_read_again_are_the_same(
    document: RulesDocument, folder: Path
) -> None:
    file = folder / "rules.toml"
    file.write_text(export_rules(document), encoding="utf-8")

    assert read_rules(file) == document


@settings(max_examples=40, deadline=None)
@given(document=documents)
def test_rules_that_are_kept_as_json_and_read_again_are_the_same(document: RulesDocument) -> None:
    assert RulesDocument.model_validate_json(document.model_dump_json()) == document


def test_every_rule_is_written_out_when_rules_are_exported() -> None:
    text = export_rules(RulesDocument())
    decided = export_rules(RulesDocument(conclusion=ConclusionRules(threshold_z=-1.5)))

    # a threshold that the site leaves to the predictor is no rule of it
    names = [*EligibilityRules.__slots__, *ConclusionRules.__slots__]
    assert [name for name in names if f"\n{name} = " not in text] == ["threshold_z"]
    assert "\nthreshold_z = -1.5" in decided


def test_a_whole_settings_file_is_read_as_the_rules_that_it_starts_with(folder: Path) -> None:
    file = folder / "whole.toml"
    file.write_text(
        '[[archives]]\nname = "a"\nae_title = "A"\nhost = "h"\nport = 1\nmode = "test"\n'
        '[[archives]]\nname = "b"\nae_title = "B"\nhost = "h"\nport = 1\nmode = "test"\n'
        '[rules.archives]\nb = "off"\n[rules.conclusion]\nsettle_s = 9\n'
    )

    document = read_rules(file)

    assert document == load_settings(file).first_rules()
    assert document.archives == {"a": ArchiveMode.TEST, "b": ArchiveMode.OFF}
    assert document.conclusion.settle_s == 9


def test_a_file_without_rules_does_not_stand_for_the_default_ones(folder: Path) -> None:
    file = folder / "empty.toml"
    file.write_text("# nothing\n")

    with pytest.raises(ConfigurationError, match=r"empty\.toml has no \[rules\]"):
        read_rules(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rules.conclusion]\ntreshold_z = -1", "did you mean 'threshold_z'"),
        ('[rules.archives]\npacs = "on"', "'off', 'test' or 'live'"),
        ("rules = 3", "rules"),
        ("[rules\n", "line 1"),
    ],
)
def test_wrong_rules_say_what_is_wrong(text: str, said: str, folder: Path) -> None:
    file = folder / "wrong.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=r"wrong\.toml") as caught:
        read_rules(file)

    assert said in str(caught.value)


def test_a_rules_file_that_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no rules file .*gone\.toml"):
        read_rules(folder / "gone.toml")
