"""A predictor's files out of a folder or a zip, into an empty folder; nothing else gets in."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from screener.domain.errors import ConfigurationError

#: A predictor has three or four files; a published ResNet-50 has 50 MB in float16.
LARGEST_BYTES = 1 << 30
MOST_FILES = 16

_BLOCK = 1 << 20
_ENCRYPTED = 0x1


def copy_folder(source: Path, into: Path) -> None:
    """Copy the files of a folder.

    Raises
    ------
    ConfigurationError
        It holds a folder, too many files, too many bytes, or what cannot be read.
    """
    paths = sorted(source.iterdir())
    _refuse_many(source, len(paths))
    for path in paths:
        if not path.is_file():
            raise ConfigurationError(
                f"{source} holds {path.name}, which is no file: a predictor has files alone"
            )
    _refuse_large(source, sum(path.stat().st_size for path in paths))
    for path in paths:
        try:
            shutil.copyfile(path, into / path.name)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be copied ({error.strerror})") from error


def unpack_zip(archive: Path, into: Path) -> None:
    """Unpack a zip of a predictor's files, or of one folder that holds them.

    Raises
    ------
    ConfigurationError
        It is no zip, is encrypted or damaged, is too large, or has a member that would not be a
        file of the folder: a path that leads elsewhere, a link, a folder in the folder.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse_many(archive, len(members))
            _refuse_large(archive, sum(member.file_size for member in members))
            for member, name in zip(members, _names(archive, members), strict=True):
                with opened.open(member) as packed, (into / name).open("xb") as file:
                    # never more than its entry promises, which was counted
                    shutil.copyfileobj(packed, file, _BLOCK)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise ConfigurationError(
            f"{archive} cannot be unpacked ({type(error).__name__}): give a predictor's folder, or "
            "a zip of it"
        ) from error


def _names(archive: Path, members: list[zipfile.ZipInfo]) -> list[str]:
    """Return each member's plain file name, without the folder that all of them may lie in."""
    paths = [_checked(archive, member) for member in members]
    folders = {path.parent for path in paths}
    if len(folders) > 1 or any(len(folder.parts) > 1 for folder in folders):
        raise ConfigurationError(
            f"{archive} holds several folders: zip the files of one predictor, or its folder"
        )
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{archive} holds a file twice")
    return names


def _checked(archive: Path, member: zipfile.ZipInfo) -> PurePosixPath:
    path = PurePosixPath(member.filename)
    elsewhere = path.is_absolute() or ".." in path.parts or not path.name
    if elsewhere or any(letter in member.filename for letter in "\\:\0"):
        raise ConfigurationError(f"{archive} has a member whose path leads out of it; not unpacked")
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        raise ConfigurationError(f"{archive} holds {path.name}, which is no file; not unpacked")
    plain = member.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    if member.flag_bits & _ENCRYPTED or not plain:
        raise ConfigurationError(
            f"{archive} is encrypted, or packed in a rare way: unpack it and give the folder"
        )
    return path


def _refuse_many(source: Path, files: int) -> None:
    if files > MOST_FILES:
        raise ConfigurationError(
            f"{source} holds {files} files; a predictor has {MOST_FILES} at most"
        )


def _refuse_large(source: Path, size_bytes: int) -> None:
    if size_bytes > LARGEST_BYTES:
        raise ConfigurationError(
            f"{source} holds {size_bytes:,} bytes; a predictor has {LARGEST_BYTES:,} at most"
        )
