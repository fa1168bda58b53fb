"""The node's folder of predictors: what is installed in it, and which one is in force. No torch.

    predictors/
        NAME-VERSION-CHECKSUM8/     a predictor: the files that its SHA256SUMS lists, and no other
        in-force.json               which of them estimates, since when, by whom and why

A predictor appears under its name at once or not at all: copied beside it, checked, synced, and
then renamed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.domain.prediction import PredictorIdentity
from screener.predictor.card import CARD_FILE, SUMS_FILE, load_card, load_identity
from screener.predictor.strict_json import read_as
from screener.predictor.unpack import copy_folder, unpack_zip

IN_FORCE_FILE = "in-force.json"

_INCOMING = ".incoming-"
#: What a crash left behind may go after so long, s.
_ABANDONED_S = 86_400.0
_SUM_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<name>[^/\\]+)")
_BLOCK = 1 << 20
#: Longest name and version in a folder's name; the checksum tells apart what is cut.
_NAME_PART = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Which predictor estimates, and whose decision that was.

    Parameters
    ----------
    name, version, checksum
        Of the predictor; the checksum is that of its card, and through it of every byte.
    operator, reason
        Who put it in force, and why.
    since
        When, ISO 8601, UTC.
    """

    name: str
    version: str
    checksum: str
    operator: str
    reason: str
    since: str

    @property
    def label(self) -> str:
        """Name, version and the beginning of the checksum."""
        return f"{self.name} {self.version} ({self.checksum[:8]})"

    @property
    def decision(self) -> str:
        """Whose decision it was, when and why, in words."""
        at = self.since[:16].replace("T", " ")
        return f"put in force by {self.operator} on {at} UTC: {self.reason}"


class PredictorStore:
    """A folder of predictors.

    Parameters
    ----------
    folder
        Made at the first installation.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def installed(self) -> list[Path]:
        """Return the folders of what is installed, in order of name; one may be damaged."""
        if not self.folder.is_dir():
            return []
        return sorted(p for p in self.folder.iterdir() if p.is_dir() and p.name[0] != ".")

    def install(
        self,
        source: Path,
        *,
        beside: Iterable[Path] = (),
        check: Callable[[Path], object] = lambda folder: None,  # noqa: ARG005 - checks nothing
    ) -> Path:
        """Copy a predictor into the folder, and return where it lies. It is not put in force.

        Parameters
        ----------
        source
            Its folder, or a zip of that.
        beside
            Folders of predictors that are known without being installed: no other content may have
            their name and version.
        check
            Called with the copy before it gets its name; may raise.

        Returns
        -------
        Path
            One that was there already is left as it is; a damaged one is replaced.

        Raises
        ------
        ConfigurationError
            There is no such source, it is no zip that can be taken, or another content has its name
            and version.
        PredictorMismatch
            It is no predictor, or a byte of it has changed.
        """
        self._prepare()
        staged = self.folder / f"{_INCOMING}{uuid.uuid4().hex}"
        staged.mkdir()
        try:
            if source.is_dir():
                copy_folder(source, staged)
            elif source.is_file():
                unpack_zip(source, staged)
            else:
                raise ConfigurationError(f"there is no folder or zip {source}")
            if faults := faults_of(staged):
                raise PredictorMismatch(f"{source} is no predictor as it was written: {faults[0]}")
            check(staged)
            identity = load_identity(staged)
            self._refuse_another(identity, beside)
            target = self.folder / folder_name(identity)
            self._move(staged, target)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return target

    def in_force(self) -> InForce | None:
        """Return which predictor is in force, or None where nobody has decided yet.

        Raises
        ------
        PredictorMismatch
            The file that says so cannot be read.
        """
        path = self.folder / IN_FORCE_FILE
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PredictorMismatch(f"{path} cannot be read ({error.strerror})") from error
        try:
            return read_as(InForce, json.loads(content), IN_FORCE_FILE)
        except (ValueError, PredictorMismatch) as error:
            raise PredictorMismatch(
                f"{path} does not say which predictor is in force ({error}): put one in force by "
                "`screener predictor use NAME --reason …`"
            ) from error

    def folder_in_force(self) -> Path | None:
        """Return the folder of the predictor in force, or None where nobody has decided yet.

        Raises
        ------
        PredictorMismatch
            It is not there any more, or not what was put in force; says what to do.
        """
        pin = self.in_force()
        if pin is None:
            return None
        folder = self.folder / folder_name(pin)
        if not (folder / CARD_FILE).is_file():
            raise PredictorMismatch(
                f"the predictor in force, {pin.label}, is not in {self.folder} any more: install "
                "it again by `screener predictor install FOLDER`, or put another one in force by "
                "`screener predictor use NAME --reason …`"
            )
        if load_identity(folder).checksum != pin.checksum:
            raise PredictorMismatch(
                f"{folder} is not the predictor that was put in force, {pin.label}: install that "
                "one again by `screener predictor install FOLDER`"
            )
        return folder

    def put_in_force(self, folder: Path, *, operator: str, reason: str, now: datetime) -> InForce:
        """Write down that an installed predictor estimates from the next start on; durably.

        Raises
        ------
        PredictorMismatch
            A byte of it has changed, or it is not in this folder.
        """
        if faults := faults_of(folder):
            raise PredictorMismatch(f"{folder} is not as it was installed: {faults[0]}")
        identity = load_identity(folder)
        if folder != self.folder / folder_name(identity):
            raise PredictorMismatch(f"{folder} is not installed: `screener predictor install` it")
        pin = InForce(
            name=identity.name,
            version=identity.version,
            checksum=identity.checksum,
            operator=operator,
            reason=reason,
            since=now.astimezone(UTC).isoformat(timespec="seconds"),
        )
        text = json.dumps(dataclasses.asdict(pin), indent=2, ensure_ascii=False) + "\n"
        temporary = self.folder / f"{_INCOMING}{uuid.uuid4().hex}"
        try:
            temporary.write_text(text, encoding="utf-8")
            _sync(temporary)
            temporary.replace(self.folder / IN_FORCE_FILE)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(self.folder)
        return pin

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        _sync(self.folder.parent)
        before = time.time() - _ABANDONED_S
        for left in self.folder.glob(f"{_INCOMING}*"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime >= before:
                    continue
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _refuse_another(self, identity: PredictorIdentity, beside: Iterable[Path]) -> None:
        for folder in (*self.installed(), *beside):
            try:
                there = load_identity(folder)
            except PredictorMismatch:
                continue
            same = (there.name, there.version) == (identity.name, identity.version)
            if same and there.checksum != identity.checksum:
                raise ConfigurationError(
                    f"{identity.name} {identity.version} is there already with another content "
                    f"({there.checksum[:8]}; this one has {identity.checksum[:8]}): give what is "
                    "new a version of its own"
                )

    def _move(self, staged: Path, target: Path) -> None:
        for path in (*staged.iterdir(), staged):
            _sync(path)
        if target.exists():
            if not faults_of(target):
                return
            damaged = self.folder / f"{_INCOMING}{uuid.uuid4().hex}"
            target.rename(damaged)
            shutil.rmtree(damaged, ignore_errors=True)
        try:
            staged.rename(target)
        except OSError:
            # somebody else installs it at this moment, and was first
            if faults_of(target):
                raise
        _sync(self.folder)


def folder_name(predictor: PredictorIdentity | InForce) -> str:
    """Return the name of an installed predictor's folder, of letters that any file system takes."""
    parts = (predictor.name, predictor.version, predictor.checksum[:8])
    return "-".join(re.sub(r"[^A-Za-z0-9.+_-]+", "_", p).lstrip(".")[:_NAME_PART] for p in parts)


def faults_of(folder: Path) -> list[str]:
    """Return what is wrong with a predictor's files, each in a sentence; nothing where all is well.

    Every byte is held against SHA256SUMS, the card against the checksums of the others. A file that
    is not listed is a fault, too: nobody vouches for it.
    """
    if not folder.is_dir():
        return [f"there is no folder {folder}"]
    try:
        listed = _read_sums(folder)
    except PredictorMismatch as error:
        return [str(error)]
    faults = []
    for name, sha256 in listed.items():
        if not (folder / name).is_file():
            faults.append(f"{name} is missing: install the predictor again")
        elif sha256_of(folder / name) != sha256:
            faults.append(f"{name} is not as it was written: install the predictor again")
    faults += [
        f"{path.name} is not listed in {SUMS_FILE}: take it away"
        for path in sorted(folder.iterdir())
        if path.name not in {*listed, SUMS_FILE}
    ]
    if faults:
        return faults
    try:
        load_card(folder)
    except PredictorMismatch as error:
        faults.append(str(error))
    return faults


def find(text: str, folders: Iterable[Path]) -> Path:
    """Return the predictor that a name means.

    Parameters
    ----------
    text
        ``NAME``, ``NAME@VERSION``, or the name of its folder.
    folders
        Those to choose from; the first one of the same content is taken.

    Raises
    ------
    ConfigurationError
        None is meant, or more than one; says what there is.
    """
    found: dict[str, tuple[PredictorIdentity, Path]] = {}
    known: dict[str, None] = {}
    for folder in folders:
        try:
            identity = load_identity(folder)
        except PredictorMismatch:
            continue
        known[f"{identity.name}@{identity.version}"] = None
        meant = {identity.name, f"{identity.name}@{identity.version}", folder_name(identity)}
        if text in meant:
            found.setdefault(identity.checksum, (identity, folder))
    if not found:
        raise ConfigurationError(
            f"there is no predictor {text!r}; there is {', '.join(known) or 'none at all'}"
        )
    if len(found) > 1:
        names = [f"{i.name}@{i.version}" for i, _ in found.values()]
        if len(set(names)) < len(names):
            names = [folder_name(i) for i, _ in found.values()]
        raise ConfigurationError(f"{text!r} is more than one predictor: name {' or '.join(names)}")
    return next(iter(found.values()))[1]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read_sums(folder: Path) -> dict[str, str]:
    try:
        text = (folder / SUMS_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PredictorMismatch(
            f"{SUMS_FILE} cannot be read ({type(error).__name__}): a predictor is a folder as "
            "`screener train` and `screener calibrate` write it"
        ) from error
    sums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        found = _SUM_LINE.fullmatch(line)
        if found is None or found["name"] in {".", "..", SUMS_FILE} or found["name"] in sums:
            raise PredictorMismatch(f"{SUMS_FILE}, line {number}, names no file of the folder")
        sums[found["name"]] = found["sha256"]
    return sums


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
