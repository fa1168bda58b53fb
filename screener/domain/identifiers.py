"""Checked identifiers: a `StudyInstanceUid` is never mistaken for a `SopInstanceUid`."""

from __future__ import annotations

import re
from typing import NewType, Self

_UID = re.compile(r"[0-9][0-9.]{0,63}")
_AE_TITLE_FORBIDDEN = re.compile(r"[\\\x00-\x1f\x7f-\U0010ffff]")

ReceivedInstanceId = NewType("ReceivedInstanceId", int)
ScreeningId = NewType("ScreeningId", int)
StudyId = NewType("StudyId", int)
FindingId = NewType("FindingId", int)
ResultObjectId = NewType("ResultObjectId", int)
DeliveryId = NewType("DeliveryId", int)


class Uid(str):
    """A DICOM unique identifier: digits and dots, at most 64 characters.

    Reading is lenient: a component with a leading zero breaks the rule but is sent by real
    modalities, and refusing it would lose a film. Its `repr` hides the value, for UIDs identify a
    patient's study and must not reach a log by way of a traceback.

    Raises
    ------
    ValueError
        Any other character, an empty text, or more than 64 characters.

    Notes
    -----
    Source: PS3.5 section 9.1 and 6.2 (VR UI, padded with a null byte).
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Check a UID and cut its padding."""
        text = value.rstrip("\0 ").strip()
        if not _UID.fullmatch(text):
            raise ValueError(f"not a valid {cls.__name__}: 1 to 64 digits and dots are allowed")
        return super().__new__(cls, text)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class StudyInstanceUid(Uid):
    """(0020,000D)."""

    __slots__ = ()


class SeriesInstanceUid(Uid):
    """(0020,000E)."""

    __slots__ = ()


class SopInstanceUid(Uid):
    """(0008,0018)."""

    __slots__ = ()


class AeTitle(str):
    """An application entity title: 1 to 16 characters of ASCII, no backslash, outer spaces cut.

    Notes
    -----
    Source: PS3.5 section 6.2 (VR AE); PS3.8 section 9.3.2.
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Self:
        """Check an AE title and cut its padding."""
        text = value.strip(" \0")
        if not 1 <= len(text) <= 16 or _AE_TITLE_FORBIDDEN.search(text):  # noqa: PLR2004 - the clause's own number
            raise ValueError(
                f"{value[:32]!r} is not an AE title: 1 to 16 ASCII characters without a backslash"
            )
        return super().__new__(cls, text)
