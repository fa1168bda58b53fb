"""The table of heights and weights: how it may be written, and how its faults are named."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from screener.domain.clinical_table import ClinicalTable, read_clinical_table
from screener.domain.errors import ConfigurationError
from screener.domain.patient import MeasuredKind

TODAY = date(2026, 3, 20)
DAY = date(2026, 3, 1)

#: A patient whose number must not turn up in what is said of his line.
NUMBER = "ZZ-4711"


def read(text: str, encoding: str = "utf-8") -> ClinicalTable:
    return read_clinical_table(text.encode(encoding), today=TODAY)


def values(table: ClinicalTable) -> list[tuple[str, str, str, float, date]]:
    return [(*one.child, one.kind.value, one.value, one.measured_on) for one in table.measurements]


def faults(table: ClinicalTable) -> list[tuple[int, str]]:
    return [(fault.line, fault.column) for fault in table.faults]


def of_one(row: str, header: str = "patient_id,height_cm,weight_kg,measured_on") -> ClinicalTable:
    return read(f"{header}\n{row}\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_with_a_byte_order_mark_or_without(encoding: str, end: str) -> None:
    lines = ["patient_id,issuer,height_cm,weight_kg,measured_on", "A,SITE,142,33.5,2026-03-01"]

    table = read(end.join(lines), encoding)

    assert values(table) == [
        ("A", "SITE", "HEIGHT", 1.42, DAY),
        ("A", "SITE", "WEIGHT", 33.5, DAY),
    ]
    assert (table.lines, table.faults) == (1, ())


def test_semicolons_may_come_with_decimal_commas() -> None:
    table = read("patient_id;height_cm;measured_on\nA;142,5;2026-03-01\nB;1.4e2;2026-03-01\n")

    assert values(table) == [("A", "", "HEIGHT", 1.425, DAY)]
    assert faults(table) == [(3, "height_cm")]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("PatientID,PatientSize,PatientWeight,Date", "A,1.42,33.5,2026-03-01"),
        ("Measurement date,MRN,Height (cm),Weight [kg],ward", "2026-03-01,A,142,33.5,7"),
        ("pid;height_m;weight_kg;measured_on", "A;1,42;33,5;2026-03-01"),
        ("patient_id,height_m,height_cm,weight_kg,measured_on", "A,1.42,142.3,33.5,2026-03-01"),
    ],
)
def test_columns_go_by_several_names_and_in_any_order(header: str, row: str) -> None:
    found = [one[2:] for one in values(of_one(row, header))]

    assert found == [("HEIGHT", 1.42, DAY), ("WEIGHT", 33.5, DAY)]


def test_a_missing_issuer_is_one_of_its_own() -> None:
    table = read(
        "patient_id,issuer,height_cm,measured_on\nA,,142,2026-03-01\nA,SITE,150,2026-03-01"
    )

    assert [one.child for one in table.measurements] == [("A", ""), ("A", "SITE")]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",142,33,2026-03-01", "patient_id"),
        (f"{'A' * 65},142,33,2026-03-01", "patient_id"),
        ("A\x07,142,33,2026-03-01", "patient_id"),
        (f"{NUMBER},tall,33,2026-03-01", "height_cm"),
        (f"{NUMBER},1.42,33,2026-03-01", "height_cm"),
        (f"{NUMBER},-142,33,2026-03-01", "height_cm"),
        (f"{NUMBER},nan,33,2026-03-01", "height_cm"),
        (f"{NUMBER},142,33500,2026-03-01", "weight_kg"),
        (f"{NUMBER},142,0,2026-03-01", "weight_kg"),
        (f"{NUMBER},142,33,01.03.2026", "measured_on"),
        (f"{NUMBER},142,33,20260301", "measured_on"),
        (f"{NUMBER},142,33,2026-02-30", "measured_on"),
        (f"{NUMBER},142,33,", "measured_on"),
        (f"{NUMBER},142", "measured_on"),
        (f"{NUMBER},142,33,{TODAY + timedelta(days=2)}", "measured_on"),
        (f"{NUMBER},,,2026-03-01", "height and weight"),
    ],
)
def test_a_wrong_value_is_named_by_line_and_column_and_never_by_patient(
    row: str, column: str
) -> None:
    table = of_one(row)

    assert faults(table) == [(2, column)]
    assert table.measurements == ()
    assert NUMBER not in repr(table.faults)


def test_tomorrow_is_a_time_zone_apart() -> None:
    assert of_one(f"A,142,33,{TODAY + timedelta(days=1)}").faults == ()


@pytest.mark.parametrize("height_cm", ["30", "230"])
def test_the_bounds_of_a_height_can_be_had(height_cm: str) -> None:
    assert of_one(f"A,{height_cm},,2026-03-01").faults == ()


def test_two_heights_in_a_line_that_differ_are_a_fault() -> None:
    table = of_one(
        "A,1.42,150,33,2026-03-01", "patient_id,height_m,height_cm,weight_kg,measured_on"
    )

    assert faults(table) == [(2, "height_cm")]


def test_the_same_value_twice_is_one_and_another_value_is_a_fault() -> None:
    table = read(
        "patient_id,height_cm,weight_kg,measured_on\n"
        "A,142,33,2026-03-01\n"
        "A,142,,2026-03-01\n"
        "A,,34,2026-03-01\n"
        "A,143,,2026-03-02\n"
    )

    assert [one.value for one in table.measurements] == [1.42, 33.0, 1.43]
    assert faults(table) == [(4, "weight")]
    assert "line 2" in table.faults[0].what


def test_a_wrong_line_gives_none_of_its_values() -> None:
    table = of_one("A,142,330000,2026-03-01\nB,142,33,2026-03-01")

    assert {one.child for one in table.measurements} == {("B", "")}
    assert (table.lines, table.wrong_lines) == (2, 1)


def test_lines_are_counted_as_an_editor_does() -> None:
    table = of_one('"A",142,33,2026-03-01\n\n,,,\n"B\nC",142,33,2026-03-01\nD,x,33,2026-03-01')

    assert faults(table) == [(5, "patient_id"), (7, "height_cm")]
    assert table.lines == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"patient_id,height_cm\n", "no column measured_on"),
        (b"height_cm,weight_kg\n", "no column patient_id and no measured_on"),
        (b"patient_id,measured_on\n", "no column height_cm, height_m or weight_kg"),
        (b"patient_id,PatientID,height_cm,measured_on\n", "two columns for patient_id"),
        (b"patient_id,height_cm,measured_on\nA\xe4,142,2026-03-01\n", "not UTF-8 (line 2)"),
        (b'patient_id,height_cm,measured_on\n"A"B,142,2026-03-01\n', "from line 2 on"),
        (b'patient_id,height_cm,measured_on\n"A,142,2026-03-01\n', "from line 2 on"),
    ],
)
def test_what_is_no_such_table_is_refused_as_a_whole(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_clinical_table(data, today=TODAY)

    assert said in str(refused.value)


def test_a_measurement_does_not_show_whose_it_is() -> None:
    (one,) = of_one(f"{NUMBER},142,,2026-03-01").measurements

    assert NUMBER not in repr(one)
    assert one.kind is MeasuredKind.HEIGHT
