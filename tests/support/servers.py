"""Real servers that tests start on free ports of 127.0.0.1, and stop again.

Where a program is missing the test is skipped with the reason; with SCREENER_REQUIRE_SERVERS=1 it
fails instead.
"""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
import pytest
import redis as redis_client
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

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


#: Debian keeps each version of PostgreSQL in a folder of its own.
_POSTGRESQL_FOLDERS = Path("/usr/lib/postgresql")

#: Of the servers that the tests start, and of nothing else.
_PASSWORD = "test"  # noqa: S105 - no secret

#: A client that asks a server whether it is there does not wait for one that is not, s.
_PROBE_S = 2


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
    return missing(f"{name} is not installed (Debian package {package})")


class Daemon:
    """A server program that a test may take away and bring back, on the port that it had.

    Parameters
    ----------
    command
        Runs it in the foreground.
    log
        Where its output goes.
    is_ready
        Whether it answers.
    stop_signal
        Makes it end in order, without waiting for its clients.
    user
        Runs it; None for the present user.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        is_ready: Callable[[], bool],
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: pwd.struct_passwd | None = None,
    ) -> None:
        self._command = command
        self._log = log
        self._is_ready = is_ready
        self._stop_signal = stop_signal
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; nothing where it runs."""
        if self._process is not None:
            return
        with self._log.open("ab") as output:
            process = self._process = subprocess.Popen(
                self._command,
                cwd=self._log.parent,
                stdout=output,
                stderr=subprocess.STDOUT,
                **_as_user(self._user),
            )
        await_condition(
            lambda: process.poll() is not None or self._is_ready(),
            _START_S,
            f"start of {self._command[0]}",
        )
        if process.poll() is not None:
            self._process = None
            text = self._log.read_text(errors="replace")
            pytest.fail(f"{self._command[0]} ended at once: {text}")

    def stop(self) -> None:
        """Let it end in order; nothing where it does not run."""
        if self._process is None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(_START_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it and its children without warning, as a power cut does."""
        if self._process is None:
            return
        parent = psutil.Process(self._process.pid)
        # stopped, it starts no more children meanwhile
        parent.suspend()
        family = [parent, *parent.children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        self._process.wait(_START_S)
        await_condition(lambda: not any(map(_lives, family[1:])), _START_S, "the end of children")
        self._process = None


#: Written into its configuration, so that a test can change them.
_POSTGRESQL_OPTIONS = {
    "listen_addresses": f"'{_LOCALHOST}'",
    "unix_socket_directories": "''",
    # a test's rows need not outlive a power cut, and every commit is so much cheaper; what is
    # committed still survives `kill`, for the machine goes on
    "fsync": "off",
    "full_page_writes": "off",
    # no work beside the tests': two of these servers run on a small machine
    "autovacuum": "off",
    "shared_buffers": "32MB",
}


class PostgresqlServer(Daemon):
    """A PostgreSQL of the test's own; `url` is that of its superuser's database."""

    def __init__(
        self, port: int, programs: Path, folder: Path, user: pwd.struct_passwd | None
    ) -> None:
        command = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
        # SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for every client to leave
        super().__init__(
            command,
            folder / "postgresql.log",
            self._answers,
            stop_signal=signal.SIGINT,
            user=user,
        )
        self.port = port
        self.url = self.url_of("postgres")

    def url_of(self, database: str, password: str = _PASSWORD) -> str:
        """Return the SQLAlchemy URL of a database that is there or not."""
        return f"postgresql+psycopg://screener:{password}@{_LOCALHOST}:{self.port}/{database}"

    def make_database(self, name: str, *, template: str = "template0") -> str:
        """Make a database, anew where there is one of that name, and return its URL.

        Parameters
        ----------
        template
            Is copied; nobody may be connected to it.
        """
        self.drop_database(name)
        self.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it."""
        self.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def set_option(self, name: str, value: str | None) -> None:
        """Change a setting of the running server; None takes it back to what it was."""
        change = "RESET {}" if value is None else "SET {} = {}"
        self.execute(
            sql.SQL(f"ALTER SYSTEM {change}").format(sql.Identifier(name), sql.Literal(value))
        )
        self.execute(sql.SQL("SELECT pg_reload_conf()"))
        wanted = value or _POSTGRESQL_OPTIONS[name]

        def is_set() -> bool:
            with self._connect("postgres") as connection:
                found = connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name)))
                return found.fetchone() == (wanted,)

        await_condition(is_set, what=f"{name} = {wanted}")

    def execute(self, statement: sql.Composed | sql.SQL, database: str = "postgres") -> None:
        """Run one statement as superuser, in no transaction."""
        with self._connect(database) as connection:
            connection.execute(statement)

    def _connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=_LOCALHOST,
            port=self.port,
            user="screener",
            password=_PASSWORD,
            dbname=database,
            connect_timeout=_PROBE_S,
            autocommit=True,
        )

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), self._connect("postgres"):
            return True
        return False


@contextmanager
def postgresql() -> Iterator[PostgresqlServer]:
    """Run PostgreSQL in a folder of its own, with one superuser who needs a password.

    It refuses to run as root, and whoever else runs it cannot enter pytest's folders: its own lies
    beside them.
    """
    programs = _postgresql_programs()
    user = _unprivileged("postgres")
    folder = Path(tempfile.mkdtemp(prefix="screener-postgresql-"))
    try:
        password = folder / "password"
        password.write_text(_PASSWORD)
        if user is not None:
            for path in (folder, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        subprocess.run(
            [
                str(programs / "initdb"),
                *("--pgdata", str(folder / "data"), "--no-sync", "--no-instructions"),
                *("--username", "screener", "--pwfile", str(password), "--auth", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=_COMMAND_S,
            **_as_user(user),
        )
        with (folder / "data" / "postgresql.conf").open("a") as configuration:
            for name, value in _POSTGRESQL_OPTIONS.items():
                configuration.write(f"{name} = {value}\n")
        server = PostgresqlServer(free_port(), programs, folder, user)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


class RedisServer(Daemon):
    """A Redis of the test's own, which forgets everything when it stops."""

    def __init__(self, port: int, folder: Path, password: str | None) -> None:
        command = [program("redis-server", "redis-server"), "--bind", _LOCALHOST]
        command += ["--port", str(port), "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no"]
        if password is not None:
            command += ["--requirepass", password]
        super().__init__(command, folder / "redis.log", self._answers)
        self.port = port
        self.password = password
        credentials = "" if password is None else f":{password}@"
        self.url = f"redis://{credentials}{_LOCALHOST}:{port}/0"

    def flush(self) -> None:
        """Lose every message."""
        with self._client() as client:
            client.flushall()

    def _client(self) -> redis_client.Redis:
        return redis_client.Redis(
            host=_LOCALHOST,
            port=self.port,
            password=self.password,
            socket_timeout=_PROBE_S,
            socket_connect_timeout=_PROBE_S,
            # whoever waits for it asks again soon enough: the client's own waits are longer
            retry=Retry(NoBackoff(), 0),
        )

    def _answers(self) -> bool:
        with suppress(redis_client.RedisError), self._client() as client:
            return bool(client.ping())
        return False


@contextmanager
def redis(*, password: str | None = None) -> Iterator[RedisServer]:
    """Run Redis in a folder of its own; without a password anybody on this machine may come in."""
    with tempfile.TemporaryDirectory(prefix="screener-redis-") as folder:
        server = RedisServer(free_port(), Path(folder), password)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        # an orphan that ended may stay listed for a while: it holds nothing any more
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _as_user(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """Return the arguments with which `subprocess` runs a program as another user."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


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
    return Path(missing("Orthanc's DICOMweb plugin is not installed (package orthanc-dicomweb)"))


def _postgresql_programs() -> Path:
    found = shutil.which("initdb", path=_SEARCH_PATH)
    if found:
        return Path(found).resolve().parent
    versions = [path for path in _POSTGRESQL_FOLDERS.glob("*/bin") if (path / "initdb").is_file()]
    if versions:
        return max(versions, key=lambda path: int(path.parent.name))
    return Path(missing("PostgreSQL is not installed (Debian package postgresql)"))


def _unprivileged(name: str) -> pwd.struct_passwd | None:
    """Return who runs a server that refuses to run as root, or None where we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        missing(f"there is no user {name} to run a server that refuses to run as root")
        return None


def missing(reason: str) -> str:
    """Skip the test, or fail it where servers are required."""
    if os.environ.get("SCREENER_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
