"""Which files a command means."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from screener.domain.errors import ConfigurationError

_MAGIC_AT = 128
_MAGIC = b"DICM"


def dicom_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that some paths name: a file as it is, a folder's DICOM files in order.

    Raises
    ------
    ConfigurationError
        A path does not exist.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if _is_dicom(file))
        elif path.is_file():
            found.append(path)
        else:
            raise ConfigurationError(f"there is no file or folder {path}")
    return found


def _is_dicom(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        file.seek(_MAGIC_AT)
        return file.read(len(_MAGIC)) == _MAGIC
