"""Which DXA belongs to which film: the days of both, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from screener.dicom.header import read_header


def film_day(film: Path) -> date | None:
    """Return the day that a film's header gives: of the acquisition, else of the study.

    Raises
    ------
    PermanentError
        The file's header cannot be read.

    Notes
    -----
    Source: PS3.3 C.7.10.1 (Acquisition Date) and C.7.2.1 (Study Date).
    """
    return read_header(film).acquired_on


def days_apart(acquired_on: date | None, dxa_on: date | None) -> int | None:
    """Return the days between film and DXA, either first; None where one of them is not known."""
    if acquired_on is None or dxa_on is None:
        return None
    return abs((acquired_on - dxa_on).days)


def nearest(apart: Sequence[int | None]) -> int:
    """Return which DXA is the nearest to its film; of equals, or where none is known, the first.

    Parameters
    ----------
    apart
        Days of each DXA from the film, 0 or more; None where they are not known.
    """
    return min(range(len(apart)), key=lambda i: (apart[i] is None, apart[i] or 0, i))
