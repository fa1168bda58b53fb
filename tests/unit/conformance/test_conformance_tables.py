"""Tables of the conformance statement: form, remarks, tree, numbers."""

from __future__ import annotations

from enum import StrEnum

import pytest

from screener.conformance.character_sets import character_sets
from screener.conformance.content_tree import tree_table
from screener.conformance.markdown import listed, nested, table
from screener.conformance.remarks import remarks
from screener.conformance.statuses import ladder, numbers
from screener.conformance.terminology import own_codes


class Marked(StrEnum):
    """For the tests."""

    #: One line.
    ONE = "ONE"
    #: Two lines,
    #: the second of which goes on.
    TWO = "TWO"
    # an ordinary comment
    BARE = "BARE"


def test_the_remark_above_a_member_is_found() -> None:
    assert remarks(Marked) == {"ONE": "One line.", "TWO": "Two lines, the second of which goes on."}


def test_a_table_has_a_line_for_each_row_and_escapes_bars() -> None:
    assert table(("a", "b"), [("1 | 2", "x\ny")]) == "| a | b |\n|---|---|\n| 1 \\| 2 | x y |"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells in a table of 2"):
        table(("a", "b"), [("1",)])


def test_values_are_listed_as_a_phrase() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    assert nested(2, "x") == "&gt;&gt; x"
    assert nested(0, "x") == "x"


def test_the_tree_begins_with_its_root_and_says_how_often() -> None:
    lines = tree_table().splitlines()

    assert lines[2].startswith('| (126000, DCM, "Imaging Measurement Report") |  | CONTAINER | 1 |')
    assert any("Measurement Group" in line and "| 1-n | 1410 |" in line for line in lines)
    assert any("TXT-NOT-SCORED" in line and "| 0-n |" in line for line in lines)
    assert any("TXT-CHANGE" in line and "| 0-1 |" in line for line in lines)
    assert any("Conclusion" in line and "| CONTAINS | TEXT | 1 |" in line for line in lines)


def test_every_verdict_stands_at_the_screening_result() -> None:
    line = next(line for line in tree_table().splitlines() if "SCREEN-RESULT" in line)

    for value in ("SCREEN-POS", "SCREEN-NEG", "SCREEN-INDET", "SCREEN-NONE"):
        assert value in line


def test_a_code_names_the_object_and_the_sequence_that_it_stands_in() -> None:
    assert "| `CAPTURE-CARD` | 99CXRBMD | Result card drawn from estimate and film | Card: " in (
        own_codes()
    )


def test_character_sets_are_those_that_objects_are_written_in() -> None:
    said = character_sets()

    assert "| `ISO_IR 100` | Latin 1 | `ISO_IR 100` |" in said
    assert "| `GBK` | Chinese | `GBK` |" in said
    assert r"| `\ISO 2022 IR 149` | Korean, with code extensions | `\ISO 2022 IR 149` |" in said


def test_numbers_are_asked_of_the_rules() -> None:
    assert ladder() == "2 s, 10 s, 1 min, 5 min, then 15 min each time"
    assert numbers()["looks_before_sending_again"] == "3"
    assert numbers()["looks_before_giving_up"] == "9"
    assert numbers()["requests_before_giving_up"] == "9"
    assert numbers()["requests_before_listed_is_enough"] == "3"
