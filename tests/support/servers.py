"""Real servers that tests start on free ports of 127.0.0.1, and stop again.

Where a program is missing the test is skipped with the reason; with SCREENER_REQUIRE_SERVERS=1 it
fails instead.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer

_T = TypeVar("_T")

_LOCALHOST = "127.0.0.1"
_POLL_S = 0.02
_START_S = 30.0
_COMMAND_S = 60.0

#: Daemons live outside of an ordinary user's PATH on Debian.
_SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

_DICOMWEB_PLUGINS = (
    Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"),
    Path("/usr/local/share/orthanc/plugins/libOrthancDicomWeb.so"),
)


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((_LOCALHOST, 0))
        port: int = probe.getsockname()[1]
        return port


def await_condition(
    condition: Callable[[], _T], timeout_s: float = 10.0, what: str = "the condition"
) -> _T:
    """Return the first true value of `condition`, or fail the test after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {timeout_s:g} s")
        time.sleep(_POLL_S)
    return value


def program(name: str, package: str) -> str:
    """Return the path of a program; skip the test, or fail it, where it is not installed."""
    found = shutil.which(name, path=_SEARCH_PATH)
    if found:
        return found
    return _missing(f"{name} is not installed (Debian package {package})")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrthancServer:
    """A running Orthanc."""

    peer: Peer
    http_port: int

    def get(self, path: str) -> Any:
        """Return the JSON that a GET of the REST API answers."""
        return self._request("GET", path, None)

    def get_bytes(self, path: str) -> bytes:
        """Return the body that a GET of the REST API answers."""
        return self._fetch("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """Return the JSON that a POST to the REST API answers; bytes are sent as they are."""
        return self._request("POST", path, body)

    def _request(self, method: str, path: str, body: Any) -> Any:
        return json.loads(self._fetch(method, path, body))

    def _fetch(self, method: str, path: str, body: Any) -> bytes:
        payload = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection = http.client.HTTPConnection(_LOCALHOST, self.http_port, timeout=_COMMAND_S)
        try:
            connection.request(method, path, payload)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{method} {path}: {answer.status} {data.decode(errors='replace')}")
        return data


@contextmanager
def orthanc(
    folder: Path,
    *,
    modalities: Sequence[Peer] = (),
    ae_title: str = "ORTHANC",
    dicomweb: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Iterator[OrthancServer]:
    """Run Orthanc in a folder.

    Parameters
    ----------
    modalities
        Peers that it knows, under their names; it reports storage commitment to those only.
    dicomweb
        Load the DICOMweb plugin.
    options
        Added to its configuration.
    """
    executable = program("Orthanc", "orthanc")
    http_port, dicom_port = free_port(), free_port()
    configuration = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAet": ae_title,
        "DicomPort": dicom_port,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowStore": True,
        "DicomModalities": {
            modality.name: {
                "AET": modality.ae_title,
                "Host": modality.host,
                "Port": modality.port,
            }
            for modality in modalities
        },
        "OverwriteInstances": True,
        "StableAge": 1,
        "Plugins": [str(_dicomweb_plugin())] if dicomweb else [],
        **(options or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration))
    server = OrthancServer(
        peer=Peer(name="orthanc", ae_title=AeTitle(ae_title), host=_LOCALHOST, port=dicom_port),
        http_port=http_port,
    )

    def answers() -> bool:
        with suppress(OSError, http.client.HTTPException, RuntimeError):
            return bool(server.get("/system"))
        return False

    with _running([executable, str(file)], folder / "orthanc.log", answers):
        yield server


@contextmanager
def storescp(folder: Path, *, ae_title: str = "STORESCP") -> Iterator[Peer]:
    """Run DCMTK's receiver, which writes each data set as it came into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    peer = Peer(name="storescp", ae_title=AeTitle(ae_title), host=_LOCALHOST, port=port)
    command = [program("storescp", "dcmtk"), "-aet", ae_title, "-od", str(folder), "+B", str(port)]
    with _running(command, folder.with_suffix(".log"), lambda: _accepts(port)):
        yield peer


def echoscu(peer: Peer, *, calling_ae: str) -> subprocess.CompletedProcess[str]:
    """Run DCMTK's C-ECHO."""
    return _dcmtk("echoscu", peer, calling_ae)


def storescu(
    peer: Peer, *files: Path, calling_ae: str, options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run DCMTK's C-STORE over one association."""
    return _dcmtk("storescu", peer, calling_ae, *options, files=files)


def findscu(
    peer: Peer, *keys: str, calling_ae: str, extract_to: Path
) -> subprocess.CompletedProcess[str]:
    """Run DCMTK's Study Root C-FIND; answers are written as files into `extract_to`."""
    extract_to.mkdir(parents=True, exist_ok=True)
    options = ["-S", "-X", "-od", str(extract_to)]
    for key in keys:
        options += ["-k", key]
    return _dcmtk("findscu", peer, calling_ae, *options)


def _dcmtk(
    name: str, peer: Peer, calling_ae: str, *options: str, files: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    command = [program(name, "dcmtk"), "-v", "-aet", calling_ae, "-aec", peer.ae_title, *options]
    command += [peer.host, str(peer.port), *map(str, files)]
    return subprocess.run(
        command,
        env={**os.environ, "TCP_NODELAY": "1"},
        capture_output=True,
        text=True,
        timeout=_COMMAND_S,
        check=False,
    )


@contextmanager
def _running(
    command: Sequence[str], log: Path, is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            env={**os.environ, "TCP_NODELAY": "1"},
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            await_condition(
                lambda: process.poll() is not None or is_ready(), _START_S, f"start of {command[0]}"
            )
            if process.poll() is not None:
                pytest.fail(f"{command[0]} ended at once: {log.read_text(errors='replace')}")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_START_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _accepts(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_LOCALHOST, port), timeout=1):
        return True
    return False


def _dicomweb_plugin() -> Path:
    for path in _DICOMWEB_PLUGINS:
        if path.is_file():
            return path
    return Path(_missing("Orthanc's DICOMweb plugin is not installed (package orthanc-dicomweb)"))


def _missing(reason: str) -> str:
    if os.environ.get("SCREENER_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
