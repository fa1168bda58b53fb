"""Bytes on disk: the spool of films as received, and the vault of objects that we made.

Nothing is announced before it is durable: temporary file, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from screener.domain.errors import FileUnavailable, SpoolFull, UnreadableInstance

_TEMPORARY = ".in-"
_FOLDERS = 256
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where bytes lie, and what they are."""

    key: str
    size_bytes: int
    sha256: str


class Spool:
    """A folder of files under keys of our own; no name on disk comes from a data set.

    Parameters
    ----------
    folder
        Made with its 256 subfolders where it is missing.
    min_free_bytes
        Below this much free space nothing more is taken.
    """

    def __init__(self, folder: Path, *, min_free_bytes: int = 0) -> None:
        self.folder = folder
        self._min_free_bytes = min_free_bytes

    def prepare(self) -> None:
        """Make the folders, durably; call once before the first `put`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(_FOLDERS):
            (self.folder / f"{number:02x}").mkdir(exist_ok=True)
        _fsync_folder(self.folder)
        _fsync_folder(self.folder.parent)

    def free_bytes(self) -> int:
        """Return how much space is left on the spool's disk."""
        return shutil.disk_usage(self.folder).free

    def put(self, *parts: bytes | memoryview, key: str | None = None) -> Stored:
        """Write bytes durably and return where they lie.

        Parameters
        ----------
        parts
            Written one after the other; the digest is of the last one, the data set itself.
        key
            Of our own making: a folder of two hexadecimal digits, a slash, a name; where None, a
            new one. Bytes that lie under the key already are replaced at once or not at all.

        Raises
        ------
        SpoolFull
            Too little space is left, or the disk refuses.
        """
        size = sum(len(part) for part in parts)
        try:
            if self.free_bytes() - size < self._min_free_bytes:
                raise SpoolFull(
                    f"less than {self._min_free_bytes // _MEBIBYTE} MiB would be left free under "
                    f"{self.folder}; free some space or lower storage.min_free_mb"
                )
            key = key or _new_key()
            path = self._path(key)
            temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
            try:
                _write(temporary, parts)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            _fsync_folder(path.parent)
        except OSError as error:
            raise SpoolFull(f"cannot write under {self.folder}: {error.strerror}") from error
        return Stored(key=key, size_bytes=size, sha256=hashlib.sha256(parts[-1]).hexdigest())

    def path(self, key: str) -> Path:
        """Return the file that lies under a key, or raise `UnreadableInstance`."""
        path = self._path(key)
        if not path.is_file():
            raise UnreadableInstance(f"the file {key} is missing under {self.folder}")
        return path

    def read(self, key: str) -> bytes:
        """Return the bytes that lie under a key.

        Raises
        ------
        UnreadableInstance
            There are none.
        FileUnavailable
            They cannot be read now.
        """
        path = self.path(key)
        try:
            return path.read_bytes()
        except OSError as error:
            raise FileUnavailable(f"cannot read {key}: {error.strerror}") from error

    def discard(self, key: str) -> None:
        """Remove the bytes under a key; nothing to remove is no error."""
        self._path(key).unlink(missing_ok=True)

    def older_than(self, seconds: float) -> Iterator[str]:
        """Yield the keys of files that are older: those without a row are orphans of a crash."""
        before = time.time() - seconds
        for path in self.folder.glob("*/*"):
            if path.is_file() and path.stat().st_mtime < before:
                yield path.relative_to(self.folder).as_posix()

    def _path(self, key: str) -> Path:
        path = (self.folder / key).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise UnreadableInstance("a spool key points outside the spool")
        return path


def _new_key() -> str:
    name = uuid.uuid4().hex
    return f"{name[:2]}/{name}.dcm"


def _write(path: Path, parts: tuple[bytes | memoryview, ...]) -> None:
    with path.open("xb", buffering=0) as file:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
