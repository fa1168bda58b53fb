"""Reads a data set's attributes as hospitals send them, and remembers what it forgave."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from screener.dicom.character_sets import CharacterSet
from screener.dicom.dataset import LIBRARY_ERRORS
from screener.dicom.texts import declared_character_set, decoded_texts

_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_PLAIN_DATE = re.compile(r"\d{8}")
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})[\d.+\-]*")
#: Padding of texts and UIDs.
_PADDING = " \0\t\r\n"


class Attributes:
    r"""Lenient access to one data set; use inside `screener.dicom.dataset.quiet`.

    Nothing here raises. Where one value is expected and several come, a text keeps them all, for
    ``CHEST\ABDOMEN`` is not CHEST; a number or a date is missing, for nobody can say which is
    meant.

    Parameters
    ----------
    dataset
        Data set or sequence item.
    inherited
        Character set of what it lies in; see `within`.
    """

    def __init__(self, dataset: Dataset, inherited: CharacterSet | None = None) -> None:
        self._dataset = dataset
        self._forgiven: set[str] = set()
        self._charset = declared_character_set(dataset, inherited=inherited)
        if not self._charset.well_declared:
            self._forgiven.add("SpecificCharacterSet")

    def within(self, item: Dataset) -> Attributes:
        """Return access to an item: its texts are in this data set's character set."""
        return Attributes(item, self._charset)

    @property
    def forgiven(self) -> tuple[str, ...]:
        """Keywords of the attributes that broke the standard, in alphabetical order."""
        return tuple(sorted(self._forgiven))

    def forgive(self, keyword: str) -> None:
        """Remember that an attribute broke the standard."""
        self._forgiven.add(keyword)

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Return all values as texts without padding; empty ones keep their place."""
        values = self._values(keyword)
        texts = [str(value).strip(_PADDING) for value in values]
        while texts and not texts[-1]:
            texts.pop()
        if any("\ufffd" in text for text in texts):
            self.forgive(keyword)
        return tuple(texts)

    def text(self, keyword: str) -> str | None:
        """Return the text of a single-valued attribute, or None where it is empty."""
        texts = self.texts(keyword)
        if len(texts) > 1:
            self.forgive(keyword)
        return "\\".join(texts) or None

    def codes(self, keyword: str) -> tuple[str, ...]:
        """Return the values of a code string, in capitals as they are defined."""
        texts = self.texts(keyword)
        capitals = tuple(text.upper() for text in texts)
        if capitals != texts:
            self.forgive(keyword)
        return capitals

    def code(self, keyword: str) -> str | None:
        """Return the value of a single-valued code string in capitals, or None."""
        codes = self.codes(keyword)
        if len(codes) > 1:
            self.forgive(keyword)
        return "\\".join(codes) or None

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """Return all values as finite numbers, or none at all where one of them is none.

        A decimal comma is read as a point.
        """
        numbers = []
        for text in self.texts(keyword):
            number = _number(text.replace(",", "."))
            if number is None or "," in text:
                self.forgive(keyword)
            if number is None:
                return ()
            numbers.append(number)
        return tuple(numbers)

    def number(self, keyword: str) -> float | None:
        """Return the number of a single-valued attribute, or None."""
        numbers = self.numbers(keyword)
        if len(numbers) > 1:
            self.forgive(keyword)
        return numbers[0] if len(numbers) == 1 else None

    def count(self, keyword: str, *, default: int = 0) -> int:
        """Return a whole number of 0 or more: the default where it is missing, else 0."""
        if not self.texts(keyword):
            return default
        number = self.number(keyword)
        if number is None or number < 0 or number != int(number):
            self.forgive(keyword)
            return 0
        return int(number)

    def day(self, keyword: str) -> date | None:
        """Return a date, also written with dots, dashes or slashes; None where it is none."""
        text = self.text(keyword)
        if text is None:
            return None
        found = _DATE.fullmatch(text)
        if found is None or not _PLAIN_DATE.fullmatch(text):
            self.forgive(keyword)
        return self._as_day(keyword, found)

    def day_of_time(self, keyword: str) -> date | None:
        """Return the date of a date and time, or None."""
        text = self.text(keyword)
        if text is None:
            return None
        found = _DATE_TIME.fullmatch(text)
        if found is None:
            self.forgive(keyword)
        return self._as_day(keyword, found)

    def items(self, keyword: str) -> tuple[Dataset, ...]:
        """Return the items of a sequence."""
        value = self._value(keyword)
        if isinstance(value, Sequence):
            return tuple(value)
        if value not in (None, "", b""):
            self.forgive(keyword)
        return ()

    def _as_day(self, keyword: str, found: re.Match[str] | None) -> date | None:
        if found is None:
            return None
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            self.forgive(keyword)
            return None

    def _values(self, keyword: str) -> tuple[Any, ...]:
        value = self._value(keyword)
        if isinstance(value, Sequence):
            self.forgive(keyword)
            return ()
        if isinstance(value, bytes):
            # an unknown or wrong VR, or a value that pydicom could not convert
            self.forgive(keyword)
            value = value.decode("latin-1").split("\\")
        if value is None:
            return ()
        if isinstance(value, Iterable) and not isinstance(value, str):
            return tuple(value)
        return (value,)

    def _value(self, keyword: str) -> Any:
        tag = tag_for_keyword(keyword)
        if tag is None or tag not in self._dataset:
            return None
        texts = decoded_texts(self._dataset.get_item(tag), dictionary_VR(tag), self._charset)
        if texts is not None:
            return texts
        try:
            return self._dataset[tag].value
        except LIBRARY_ERRORS:
            self.forgive(keyword)
            return self._dataset.get_item(tag).value


def _number(text: str) -> float | None:
    """Return the finite number that a text stands for, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
