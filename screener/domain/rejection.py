"""Rejection notes: what an archive says of instances that must no longer be used.

Source: IHE Radiology, Imaging Object Change Management (IOCM); PS3.16 CID 7010, TID 2010.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from screener.domain.identifiers import SopInstanceUid


class NoteTitle(StrEnum):
    """The titles (DCM codes) that make a Key Object Selection Document a rejection note."""

    #: Rejected for Quality Reasons.
    QUALITY = "113001"
    #: Rejected for Patient Safety Reasons.
    PATIENT_SAFETY = "113037"
    #: Incorrect Modality Worklist Entry.
    WRONG_WORKLIST_ENTRY = "113038"
    #: Data Retention Policy Expired.
    RETENTION_EXPIRED = "113039"


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionNote:
    """A rejection note: its title, and the instances that it names, each once."""

    title: NoteTitle
    instances: tuple[SopInstanceUid, ...]

    @property
    def takes_out(self) -> bool:
        """Whether what it names must not be used; what was kept long enough was good to use."""
        return self.title is not NoteTitle.RETENTION_EXPIRED
