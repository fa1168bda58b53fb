"""The demo's processes: the node and its archive, started again whenever one dies."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from screener.domain.errors import ConfigurationError

_STOP_S = 25.0


class Process:
    """A child process of this program that is started again when it dies.

    It stops by itself when this process is gone: its standard input closes then.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def keep_alive(self) -> None:
        """Start the process where it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this program, with our own arguments
                [sys.executable, "-m", "screener", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # Ctrl-C ends the demo, which then stops its children in order
                start_new_session=True,
            )
        self.starts += 1

    def stop(self) -> None:
        """Ask the process to stop and wait for it."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_ports(count: int) -> list[int]:
    """Return free ports of 127.0.0.1, each another one."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class DemoFolder:
    """`demo-out`: made anew for every run, and only where it is ours.

    The folder itself stays: it may be a volume of a container.

    Parameters
    ----------
    keep
        A folder that stays as it is where it lies in this one.

    Raises
    ------
    ConfigurationError
        The folder holds something else, or another demo is at work in it.
    """

    _MARK = ".screener-demo"

    def __init__(self, path: Path, *, keep: Path | None = None) -> None:
        self.path = path
        mark = path / self._MARK
        if path.exists() and any(path.iterdir()) and not mark.is_file():
            raise ConfigurationError(
                f"{path} holds something that no demo made; give another folder with --out"
            )
        if mark.is_file():
            _await_end(mark)
            _empty(path, keep)
        path.mkdir(parents=True, exist_ok=True)
        mark.write_text(str(os.getpid()))

    def folder(self, name: str) -> Path:
        """Return a folder in it, made where it is missing."""
        made = self.path / name
        made.mkdir(parents=True, exist_ok=True)
        return made


def _empty(folder: Path, keep: Path | None) -> None:
    kept = {keep.resolve(), *keep.resolve().parents} if keep else set()
    for path in folder.iterdir():
        if path.resolve() in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _await_end(mark: Path) -> None:
    """Wait for the processes of an earlier run that was killed: they stop within seconds."""
    text = mark.read_text().strip()
    if text.isdecimal() and _runs(int(text)):
        raise ConfigurationError(f"another demo (process {text}) is at work in {mark.parent}")
    deadline = time.monotonic() + _STOP_S
    data = mark.parent / "node"
    while time.monotonic() < deadline and any(_uses(data)):
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return "screener" in _command_line(pid)


def _uses(folder: Path) -> Sequence[int]:
    """Return the processes whose command line names a folder; none where /proc is missing."""
    wanted = str(folder.absolute())
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if wanted in _command_line(int(entry.name))
    ]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (OSError, UnicodeDecodeError):
        return ""
