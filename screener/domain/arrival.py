"""The same SOP Instance UID again: the same film, a correction, or other pixels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Arrival(StrEnum):
    """What an instance is beside the one with its UID that speaks now."""

    #: The first with this UID.
    NEW = "NEW"
    #: Equal pixels and attributes, in whatever transfer syntax: nothing changes.
    DUPLICATE = "DUPLICATE"
    #: Equal pixels, other attributes: a correction; it speaks from now on.
    REVISION = "REVISION"
    #: Other pixels under the same UID: kept apart, for an operator.
    CONFLICT = "CONFLICT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What instances with one UID are compared by.

    Parameters
    ----------
    header_digest
        `InstanceHeader.digest`; None where the header cannot be read.
    pixel_digest
        Of the decoded pixels; None where there are none, or they cannot be decoded.
    file_digest
        SHA-256 of the data set's bytes: equal ones need no further look.
    """

    header_digest: str | None
    pixel_digest: str | None
    file_digest: str


def compare(new: Content, speaking: Content | None) -> Arrival:
    """Decide what a new instance is beside the one that speaks for its UID.

    An earlier one whose pixels cannot be read (it was cut short) never stands in the way of a
    whole one.
    """
    if speaking is None:
        return Arrival.NEW
    if new.file_digest == speaking.file_digest:
        return Arrival.DUPLICATE
    if new.pixel_digest == speaking.pixel_digest:
        same = new.header_digest == speaking.header_digest
        return Arrival.DUPLICATE if same and new.header_digest else Arrival.REVISION
    if speaking.pixel_digest is None:
        return Arrival.REVISION
    return Arrival.CONFLICT
