"""A site's table of heights and weights, as text: read as a whole, faults named by line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeAlias

from screener.domain.clinical import PLAUSIBLE_HEIGHT_M, PLAUSIBLE_WEIGHT_KG
from screener.domain.errors import ConfigurationError
from screener.domain.patient import MeasuredKind

#: Patient ID and issuer; a missing issuer is empty.
Child: TypeAlias = tuple[str, str]

#: Each column with the names that it goes by, in lower case and without signs.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "patient_id": ("patient_id", "patientid", "pid", "mrn"),
    "issuer": ("issuer", "issuer_of_patient_id", "issuerofpatientid"),
    "height_cm": ("height_cm",),
    "height_m": ("height_m", "patient_size", "patientsize"),
    "weight_kg": ("weight_kg", "patient_weight", "patientweight"),
    "measured_on": ("measured_on", "measurement_date", "date"),
}

#: As long as (0010,0020) and (0010,0021) may be, PS3.5 section 6.2 (VR LO).
_LONGEST = 64
#: Two columns of one height may differ by rounding, m.
_ROUNDING_M = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMeasured:
    """One measurement of a child, m or kg. It stays out of logs and messages."""

    child: Child = field(repr=False)
    kind: MeasuredKind
    value: float
    measured_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong in which line and column; never whose line it is, or what it says."""

    line: int
    column: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicalTable:
    """What a table says, and what is wrong with it; `lines` counts those with a patient's row."""

    lines: int
    measurements: tuple[ChildMeasured, ...]
    faults: tuple[Fault, ...]

    @property
    def wrong_lines(self) -> int:
        """How many lines have a fault."""
        return len({fault.line for fault in self.faults})


#: The line and what it says, by child, kind and day.
_Taken: TypeAlias = dict[tuple[Child, MeasuredKind, date], tuple[int, ChildMeasured]]


class _Wrong(Exception):
    """A value that cannot be taken."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what


def read_clinical_table(data: bytes, *, today: date) -> ClinicalTable:
    """Read a table of measurements.

    Parameters
    ----------
    data
        CSV as UTF-8, with a byte order mark or without; separated by commas or semicolons, which
        its first line tells. With semicolons a number may have a decimal comma.
    today
        A measurement of a later day is a fault; one day is left for time zones.

    Returns
    -------
    ClinicalTable
        The measurements of the lines without fault, of each child, kind and day one.

    Raises
    ------
    ConfigurationError
        The file is no such table at all: not UTF-8, or a column is missing.
    """
    text = _text(data)
    separator = ";" if text.partition("\n")[0].count(";") else ","
    rows = _rows(text, separator)
    header = next(rows, None)
    if header is None:
        raise ConfigurationError("the table is empty; its first line must name the columns")
    columns = _columns(header[1])
    lines = 0
    taken: _Taken = {}
    faults: list[Fault] = []
    for line, cells in rows:
        lines += 1
        try:
            measured = _read_line(cells, columns, separator, today)
            _take(taken, line, measured)
        except _Wrong as wrong:
            faults.append(Fault(line=line, column=wrong.column, what=wrong.what))
    return ClinicalTable(
        lines=lines,
        measurements=tuple(one for _, one in taken.values()),
        faults=tuple(faults),
    )


def _take(taken: _Taken, line: int, measured: Sequence[ChildMeasured]) -> None:
    """Keep what a line says, or raise `_Wrong` where an earlier one says something else."""
    keyed = {(one.child, one.kind, one.measured_on): one for one in measured}
    for key, one in keyed.items():
        first, other = taken.get(key, (line, one))
        if other.value != one.value:
            column = "height" if one.kind is MeasuredKind.HEIGHT else "weight"
            what = f"another value than in line {first} for the same patient and day"
            raise _Wrong(column, what)
    for key, one in keyed.items():
        taken.setdefault(key, (line, one))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"the table is not UTF-8 (line {line}); save it as CSV with UTF-8"
        ) from error


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ConfigurationError(
                f"the table cannot be read from line {line} on: a quotation mark or a line end is "
                "wrong"
            ) from error
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, [cell.strip() for cell in cells]
        line = reader.line_num + 1


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Return which cell holds which column; other columns are left alone."""
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        plain = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
        for column, names in COLUMNS.items():
            if plain not in names:
                continue
            if column in places:
                raise ConfigurationError(f"the table has two columns for {column}")
            places[column] = place
    wanted = [name for name in ("patient_id", "measured_on") if name not in places]
    if not {"height_cm", "height_m", "weight_kg"} & set(places):
        wanted.append("height_cm, height_m or weight_kg")
    if wanted:
        raise ConfigurationError(
            f"the table has no column {' and no '.join(wanted)}; "
            "`screener clinical import --help` says how columns are called"
        )
    return places


def _read_line(
    cells: Sequence[str], columns: Mapping[str, int], separator: str, today: date
) -> list[ChildMeasured]:
    """Return the measurements of one line, or raise `_Wrong`."""

    def cell(column: str) -> str:
        place = columns.get(column)
        return cells[place] if place is not None and place < len(cells) else ""

    child = _text_of(cell, "patient_id"), _text_of(cell, "issuer")
    if not child[0]:
        raise _Wrong("patient_id", "is empty")
    measured_on = _day(cell("measured_on"), today)
    heights = [
        _number(cell(column), column, separator, PLAUSIBLE_HEIGHT_M, per_unit)
        for column, per_unit in (("height_m", 1), ("height_cm", 100))
    ]
    height = next((value for value in heights if value is not None), None)
    if height is not None and any(v is not None and abs(v - height) > _ROUNDING_M for v in heights):
        raise _Wrong("height_cm", "says another height than height_m")
    weight = _number(cell("weight_kg"), "weight_kg", separator, PLAUSIBLE_WEIGHT_KG, 1)
    found = [
        ChildMeasured(child=child, kind=kind, value=value, measured_on=measured_on)
        for kind, value in ((MeasuredKind.HEIGHT, height), (MeasuredKind.WEIGHT, weight))
        if value is not None
    ]
    if not found:
        raise _Wrong("height and weight", "are both empty")
    return found


def _text_of(cell: Callable[[str], str], column: str) -> str:
    text = cell(column)
    if len(text) > _LONGEST:
        raise _Wrong(column, f"is longer than {_LONGEST} characters")
    if not text.isprintable():
        raise _Wrong(column, "has a character that cannot be printed")
    return text


def _day(text: str, today: date) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise _Wrong("measured_on", "is not a date as YYYY-MM-DD")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise _Wrong("measured_on", "is no day of the calendar") from None
    if day > today + timedelta(days=1):
        raise _Wrong("measured_on", "lies in the future")
    return day


def _number(
    text: str, column: str, separator: str, bounds: tuple[float, float], per_unit: int
) -> float | None:
    """Return a value in m or kg, or None where the cell is empty."""
    if not text:
        return None
    plain = text.replace(",", ".") if separator == ";" else text
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", plain, re.ASCII):
        raise _Wrong(column, "is not a number")
    low, high = (round(bound * per_unit, 6) for bound in bounds)
    if not low <= float(plain) <= high:
        raise _Wrong(column, f"must be {low:g} to {high:g}")
    return round(float(plain) / per_unit, 4)
