"""Every error the product raises.

    ScreenerError
    ├── ConfigurationError          at start only; names the setting
    ├── PermanentError              the same input will fail again
    │   ├── UnreadableInstance
    │   ├── MissingAttribute
    │   ├── UnsupportedPixels
    │   ├── UnencodableText         our bug, or a text of nobody's alphabet
    │   ├── PredictorMismatch
    │   ├── ImplausibleValue
    │   ├── OutsideReference
    │   └── IllegalTransition       our bug
    └── TransientError              waiting may help
        ├── ArchiveUnreachable
        ├── AssociationRejected
        ├── ArchiveBusy
        ├── SpoolFull
        ├── FileUnavailable
        ├── OutOfMemory
        ├── DatabaseUnavailable
        ├── RowConflict
        └── DeviceUnavailable

A message says what is wrong, with what, and what to do. It never holds a patient's name, id, birth
date or UID: messages end up in logs, metrics and the console.
"""

from __future__ import annotations

from typing import ClassVar


class ScreenerError(Exception):
    """Something the screener could not do."""

    #: Short and stable: metrics, rows and the console carry it.
    code: ClassVar[str] = "ERROR"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or self.code)


class ConfigurationError(ScreenerError):
    """A setting is wrong."""

    code = "CONFIGURATION"


class PermanentError(ScreenerError):
    """The same input will fail again; an operator has to look."""

    code = "PERMANENT"


class UnreadableInstance(PermanentError):
    """The bytes are not a DICOM data set that can be read."""

    code = "UNREADABLE_INSTANCE"


class MissingAttribute(PermanentError):
    """A DICOM attribute that is needed is missing or empty."""

    code = "MISSING_ATTRIBUTE"

    def __init__(self, keyword: str) -> None:
        super().__init__(f"the attribute {keyword} is missing or empty")
        self.keyword = keyword


class UnsupportedPixels(PermanentError):
    """The pixel data cannot be decoded."""

    code = "UNSUPPORTED_PIXELS"

    def __init__(self, why: str, *, truncated: bool = False) -> None:
        super().__init__(why)
        #: Fewer pixel bytes than the header promises.
        self.truncated = truncated


class UnencodableText(PermanentError):
    """A text of a result object cannot be written in any character set without a loss."""

    code = "UNENCODABLE_TEXT"


class PredictorMismatch(PermanentError):
    """A predictor's files, card or input do not fit together."""

    code = "PREDICTOR_MISMATCH"


class ImplausibleValue(PermanentError):
    """A number lies outside what can be true."""

    code = "IMPLAUSIBLE_VALUE"

    def __init__(self, name: str, value: float, unit: str, low: float, high: float) -> None:
        super().__init__(f"{name} is {value:g} {unit}; it must be {low:g} to {high:g} {unit}")
        self.name = name


class OutsideReference(PermanentError):
    """The reference has no values for this age or sex."""

    code = "OUTSIDE_REFERENCE"


class IllegalTransition(PermanentError):
    """A state was left in a way that its transition table does not allow."""

    code = "ILLEGAL_TRANSITION"


class TransientError(ScreenerError):
    """Waiting may help; the next attempt is scheduled."""

    code = "TRANSIENT"


class ArchiveUnreachable(TransientError):
    """The archive does not answer, or broke the association."""

    code = "ARCHIVE_UNREACHABLE"


class AssociationRejected(TransientError):
    """The archive refuses our association, or every presentation context that we need."""

    code = "ASSOCIATION_REJECTED"


class ArchiveBusy(TransientError):
    """The archive took the request and cannot store the object now."""

    code = "ARCHIVE_BUSY"


class SpoolFull(TransientError):
    """There is too little free space to take another film."""

    code = "SPOOL_FULL"


class FileUnavailable(TransientError):
    """A file cannot be read now: the disk or its rights, not the bytes in it."""

    code = "FILE_UNAVAILABLE"


class OutOfMemory(TransientError):
    """There is too little memory to read this film now."""

    code = "OUT_OF_MEMORY"


class DatabaseUnavailable(TransientError):
    """The database cannot be reached, or is locked."""

    code = "DATABASE_UNAVAILABLE"


class RowConflict(TransientError):
    """Two transactions added the same row at the same time; the second is to be tried again."""

    code = "ROW_CONFLICT"


class DeviceUnavailable(TransientError):
    """The device that the predictor runs on cannot be used now."""

    code = "DEVICE_UNAVAILABLE"
