"""docs/conformance.md is current, and says all that there is to say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from string import Template

import pytest
from pydicom.sr.coding import Code
from pydicom.uid import UID

from screener.conformance.document import conformance_statement, template
from screener.conformance.remarks import remarks
from screener.conformance.specimens import KINDS, built
from screener.conformance.wire import sent_kinds
from screener.dicom import codes
from screener.dicom.contexts import ACCEPTED_CLASSES
from screener.dicom.decoders import DECODERS, NATIVE_TRANSFER_SYNTAXES
from screener.dicom.describe import describe_keyword, read_attributes, uid_name
from screener.dicom.source import PATIENT_AND_STUDY
from screener.domain.report import ResultKind
from screener.network import sop_classes, status
from screener.network.peers import RejectionReason
from screener.network.rejections import REJECTIONS
from screener.network.status import StatusRange
from tests.structure.repository import ROOT

PAGE = ROOT / "docs" / "conformance.md"
RENEW = "to renew it: screener conformance --out docs/conformance.md"


@cache
def statement() -> str:
    return conformance_statement()


def rows() -> list[str]:
    return [line for line in statement().splitlines() if line.startswith("|")]


def status_numbers() -> Iterator[int]:
    """Yield every number that `network/status.py` names, however it holds it."""
    for name, value in vars(status).items():
        if name.startswith("_") or isinstance(value, bool):
            continue
        if isinstance(value, int):
            yield value
        elif isinstance(value, frozenset):
            yield from value
        elif isinstance(value, StatusRange):
            yield from (value.first, value.last)
        elif isinstance(value, Mapping):
            yield from (n for pair in value.items() for n in pair if isinstance(n, int))
        elif isinstance(value, tuple):
            yield from (n for known, _ in value for n in (known.first, known.last))


def defined_codes() -> Iterator[Code]:
    for value in vars(codes).values():
        held = value.values() if isinstance(value, Mapping) else [value]
        yield from (one for one in held if isinstance(one, Code))


def test_the_page_is_what_the_command_prints() -> None:
    kept = PAGE.read_text(encoding="utf-8")

    assert kept == statement(), f"{PAGE.name} is not current; {RENEW}"


def test_every_accepted_sop_class_appears() -> None:
    missing = [
        one.name
        for one in ACCEPTED_CLASSES
        if not any(f"| {one.sop_class_uid} |" in row and one.name in row for row in rows())
    ]

    assert missing == []


def test_every_service_beside_storage_appears() -> None:
    named = [
        uid
        for uid in vars(sop_classes).values()
        if isinstance(uid, UID) and uid.type == "SOP Class"
    ]

    assert {one.sop_class_uid for one in sop_classes.SERVICE_CLASSES} == set(named)
    assert [uid for uid in named if f"| {uid} |" not in statement()] == []


def test_every_status_appears() -> None:
    numbers = set(status_numbers())

    assert {0x0000, 0xA700, 0xC000, 0x0110, 0x0111, 0x0112, 0x0211, 0xB000, 0xBFFF} <= numbers
    assert [f"0x{n:04X}" for n in sorted(numbers) if f"0x{n:04X}" not in statement()] == []


def test_every_error_comment_appears() -> None:
    assert [text for text in status.STORE_COMMENT.values() if text not in statement()] == []


def test_every_reason_of_rejection_has_its_numbers() -> None:
    said = remarks(RejectionReason)

    assert set(REJECTIONS) == set(RejectionReason)
    for reason in RejectionReason:
        answer = REJECTIONS[reason]
        numbers = f"{answer.result}, {answer.source}, {answer.diagnostic}"
        assert any(said[reason.name] in row and numbers in row for row in rows())


def test_every_transfer_syntax_appears_with_its_decoders() -> None:
    for uid in (*NATIVE_TRANSFER_SYNTAXES, *DECODERS):
        names = [decoder.name for decoder in DECODERS.get(uid, ())] or ["none needed"]
        wanted = f"| {uid_name(uid)} | {uid} | {', then '.join(names)} |"
        assert any(row.startswith(wanted) for row in rows()), uid


def test_every_code_appears_with_its_meaning() -> None:
    found = set(defined_codes())
    missing = [
        one
        for one in found
        if f"| `{one.value}` | {one.scheme_designator} | {one.meaning} |" not in statement()
    ]

    assert len(found) > 40
    assert missing == []


@pytest.mark.parametrize("kind", ResultKind)
def test_every_kind_of_object_is_described_and_tabulated(kind: ResultKind) -> None:
    """A new kind needs an entry in `KINDS` of `conformance/specimens.py`."""
    assert kind in KINDS, f"describe {kind.value} in KINDS of screener/conformance/specimens.py"

    heading = re.compile(rf"^#### 10\.1\.\d+ {re.escape(KINDS[kind].title)}$", re.MULTILINE)

    assert heading.search(statement())
    assert KINDS[kind].description in statement()
    assert built(kind)


def test_every_sop_class_that_is_sent_is_proposed() -> None:
    proposed = statement().split("#### 5.2.1")[1].split("#### 5.2.2")[0]

    assert len(sent_kinds()) >= 4
    assert [uid for uid, _ in sent_kinds() if f"| {uid} |" not in proposed] == []


@pytest.mark.parametrize("kind", ResultKind)
def test_every_attribute_of_an_object_appears(kind: ResultKind) -> None:
    annex = statement().split("### 10.1 ")[1]
    tags = {
        seen.tag
        for _, objects in built(kind)
        for one in objects
        for seen in read_attributes(one.encoded)
        if seen.tag and seen.path != ("FileMetaInformationGroupLength",)
    }

    assert len(tags) > 30
    assert [tag for tag in sorted(tags) if f"| {tag} |" not in annex] == []


def test_every_attribute_that_is_taken_over_appears() -> None:
    table = statement().split("### 10.2 ")[1].split("### 10.3 ")[0]

    missing = [k for k in PATIENT_AND_STUDY if f"| {describe_keyword(k)[0]} |" not in table]

    assert missing == []


def test_every_parameter_has_a_meaning() -> None:
    section = statement().split("### 6.2 ")[1].split("## 7 ")[0]
    bare = [
        line for line in section.splitlines() if line.startswith("| `") and line.endswith("|  |")
    ]

    assert section.count("\n| `") > 15
    assert bare == []


def test_it_says_what_it_is_not() -> None:
    opening = statement()[:1200]

    assert "Research use only; not a medical device." in opening
    assert "synthetic" in opening
    assert "No conformance to an\nIHE profile is claimed." in opening


def test_every_placeholder_of_the_prose_is_filled_and_none_is_made_in_vain() -> None:
    text = Template(template())

    assert text.is_valid()
    assert len(text.get_identifiers()) > 30
    assert not re.search(r"\$[a-z_{]", statement())


def test_the_parts_of_ps3_2_follow_each_other() -> None:
    headings = re.findall(r"^## (\d+) ", statement(), re.MULTILINE)

    assert headings == [str(number) for number in range(1, 11)]


def test_links_within_the_page_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", statement(), re.MULTILINE)
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", statement())) <= anchors


def test_links_to_other_pages_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", statement())

    assert len(targets) > 3
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []


@pytest.mark.parametrize("text", [template(), PAGE.read_text(encoding="utf-8")])
def test_lines_that_are_no_table_are_short(text: str) -> None:
    assert [line for line in text.splitlines() if len(line) > 128 and line[0] != "|"] == []


def run(program: str, **environment: str) -> str:
    """Run a program in a Python of its own, so that nothing is cached."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_no_decoder_is_tried_for_it() -> None:
    """So the text cannot depend on which of them work here."""
    tried = run(
        "from screener.conformance.document import conformance_statement\n"
        "from screener.dicom import decoders\n"
        "conformance_statement()\n"
        "print(decoders.decoder_report.cache_info().misses, decoders._working.cache_info().misses)"
    )

    assert tried.split() == ["0", "0"]


def test_it_is_the_same_in_another_environment() -> None:
    program = (
        "import sys\n"
        "from screener.conformance.document import conformance_statement\n"
        "sys.stdout.write(conformance_statement())"
    )

    said = run(
        program,
        PYTHONHASHSEED="7",
        TZ="Asia/Seoul",
        LC_ALL="C",
        SCREENER_LISTENER__PORT="104",
        SCREENER_LISTENER__AE_TITLE="OTHER",
    )

    assert said == statement()


def test_a_kind_without_a_description_stands_there_by_its_name() -> None:
    """The page never hides what is made, nor breaks for it."""
    said = run(
        "import sys\n"
        "from screener.conformance.specimens import KINDS\n"
        "from screener.domain.report import ResultKind\n"
        "del KINDS[ResultKind.CARD]\n"
        "from screener.conformance.document import conformance_statement\n"
        "sys.stdout.write(conformance_statement())"
    )

    assert "| card | The result card |" in said
    assert "Card\n\nNot tabulated in this version." in said
