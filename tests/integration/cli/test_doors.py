"""`screener check`: every door is tried, and a closed one says what to do."""

from __future__ import annotations

import shutil
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from screener.config import Settings
from screener.dicom.decoders import decoder_report
from screener.domain.delivery import ArchiveMode
from screener.doors import Door, synthetic_statement, try_doors
from screener.network.archive_scp import SmallArchive
from screener.predictor.card import WEIGHTS_FILE
from screener.storage import migrate
from screener.wiring import build_database, prepare
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.support.choosy_archive import choosy_archive
from tests.support.servers import PostgresqlServer, free_port

COMPREHENSIVE_3D = "1.2.840.10008.5.1.4.1.1.88.34"
COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.33"
ENHANCED = "1.2.840.10008.5.1.4.1.1.88.22"
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def doors_of(settings: Settings) -> dict[str, Door]:
    return {door.name: door for door in try_doors(settings)}


def archive_settings(port: int, **values: object) -> dict[str, object]:
    return {
        "name": "pacs",
        "ae_title": "ARCHIVE",
        "host": "127.0.0.1",
        "port": port,
        "timeout_s": 2.0,
    } | values


@contextmanager
def changed(server: PostgresqlServer, setting: str) -> Iterator[None]:
    """Turn a setting on that is off on the tests' server."""
    server.set_option(setting, "on")
    try:
        yield
    finally:
        server.set_option(setting, None)


@pytest.fixture
def on_postgresql(configure: Configure, postgresql_server: PostgresqlServer) -> Settings:
    """Return the settings of a node whose PostgreSQL database is ready."""
    settings = configure(storage={"database_url": postgresql_server.make_database("doors")})
    prepare(settings)
    return settings


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Return a port on which something that speaks no DICOM hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_on_a_ready_node_every_door_opens(configure: Configure, archive: SmallArchive) -> None:
    settings = configure(archives=[archive_settings(archive.port)])
    prepare(settings)

    doors = doors_of(settings)

    assert [door for door in doors.values() if not door.ok or door.advice] == []
    assert {"database", "rules", "spool", "vault", "predictor", "reference", "listener"} <= set(
        doors
    )
    assert "answers C-ECHO" in doors["archive pacs"].said
    assert "version 1 in force (pacs off)" in doors["rules"].said


def test_there_is_a_door_for_the_decoder_of_every_transfer_syntax(node: Settings) -> None:
    names = {door.name for door in try_doors(node)}

    assert {f"decoder {decoder.name}" for decoder in decoder_report()} <= names


def test_a_missing_database_says_to_make_it_and_is_not_made(configure: Configure) -> None:
    settings = configure()

    doors = doors_of(settings)

    assert not doors["database"].ok
    assert "screener db upgrade" in doors["database"].advice
    assert not doors["rules"].ok
    assert not (settings.storage.folder / "screener.db").exists()


def test_an_old_database_says_to_upgrade_it(node: Settings) -> None:
    database = build_database(node)
    migrate.downgrade(database, "base")
    database.dispose()

    doors = doors_of(node)

    assert "migration level none" in doors["database"].said
    assert "screener db upgrade" in doors["database"].advice
    assert not doors["rules"].ok


def test_a_database_that_is_none_says_which_setting_to_change(
    configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * 16)
    settings = configure(storage={"database_url": f"sqlite:///{tmp_path / 'file'}"})

    door = doors_of(settings)["database"]

    assert not door.ok
    assert "storage.database_url" in door.advice


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_may_lose_what_it_committed_says_which_setting_to_change(
    setting: str, on_postgresql: Settings, postgresql_server: PostgresqlServer
) -> None:
    other = {"fsync": "full_page_writes", "full_page_writes": "fsync"}[setting]
    with changed(postgresql_server, other):
        doors = doors_of(on_postgresql)

    assert doors["database"].ok
    assert not doors["durability"].ok
    assert f"{setting} is off" in doors["durability"].said
    assert other not in doors["durability"].said
    assert "0x0000" in doors["durability"].said
    assert "postgresql.conf" in doors["durability"].advice


def test_a_server_that_keeps_what_it_committed_is_said_to(
    on_postgresql: Settings, postgresql_server: PostgresqlServer
) -> None:
    with changed(postgresql_server, "fsync"), changed(postgresql_server, "full_page_writes"):
        doors = doors_of(on_postgresql)

    assert doors["durability"].ok
    assert "postgresql at migration level" in doors["database"].said


def test_a_server_that_does_not_answer_is_not_asked_whether_it_is_durable(
    configure: Configure,
) -> None:
    url = f"postgresql+psycopg://screener@127.0.0.1:{free_port()}/node"

    doors = doors_of(configure(storage={"database_url": url}))

    assert not doors["database"].ok
    assert "durability" not in doors


def test_a_full_spool_says_how_much_is_free_and_what_to_do(configure: Configure) -> None:
    settings = configure(storage={"min_free_mb": 10**9})

    doors = doors_of(settings)

    assert "MiB free, below storage.min_free_mb = 1000000000" in doors["spool"].said
    assert "free some space" in doors["spool"].advice
    assert doors["vault"].ok


def test_a_folder_that_cannot_be_made_is_said(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = configure(storage={"folder": str(tmp_path / "file" / "data")})

    doors = doors_of(settings)

    for name in ("spool", "vault"):
        assert not doors[name].ok
        assert "storage.folder" in doors[name].advice


@pytest.mark.parametrize("name", [WEIGHTS_FILE, "card.json"])
def test_a_changed_byte_of_the_predictor_is_found(
    name: str, configure: Configure, predictor: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(predictor, tmp_path / "copy")
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    settings = configure(predictor={"folder": str(copy)})

    door = doors_of(settings)["predictor"]

    assert not door.ok
    assert name in door.said
    assert "install the predictor again" in door.advice


def test_an_unknown_reference_is_named_with_its_setting(configure: Configure) -> None:
    door = doors_of(configure(reference={"bmd": "nosuch"}))["reference"]

    assert not door.ok
    assert "nosuch" in door.said
    assert "reference.bmd" in door.advice


def test_an_archive_that_is_down_is_named_with_what_to_check(configure: Configure) -> None:
    settings = configure(archives=[archive_settings(free_port())])

    door = doors_of(settings)["archive pacs"]

    assert not door.ok
    assert "pacs (ARCHIVE@127.0.0.1:" in door.said
    assert "check host, port and AE title" in door.advice
    assert "BMDSCREEN" in door.advice


def test_one_archive_that_is_down_does_not_hide_another(
    configure: Configure, archive: SmallArchive
) -> None:
    other = archive_settings(archive.port, name="other")
    settings = configure(archives=[archive_settings(free_port()), other])

    doors = doors_of(settings)

    assert not doors["archive pacs"].ok
    assert doors["archive other"].ok


def test_an_archive_says_what_it_takes_and_what_it_refuses(configure: Configure) -> None:
    with choosy_archive([COMPREHENSIVE_3D, COMPREHENSIVE, CAPTURE]) as archive:
        door = doors_of(configure(archives=[archive_settings(archive.peer.port)]))["archive pacs"]

    assert door.ok
    assert door.advice == ""
    assert door.said.endswith(
        "; takes: Comprehensive 3D SR, Comprehensive SR, Secondary Capture; refuses: Enhanced SR, "
        "Grayscale Softcopy Presentation State, Encapsulated PDF, Key Object Selection"
    )
    assert door.accepts is not None
    assert door.accepts["Comprehensive SR"]
    assert not door.accepts["Enhanced SR"]


@pytest.mark.parametrize(
    ("report_class", "taken", "advised"),
    [
        ("comprehensive-3d", [COMPREHENSIVE, ENHANCED], "comprehensive"),
        ("comprehensive-3d", [ENHANCED], "enhanced"),
        ("enhanced", [COMPREHENSIVE_3D, COMPREHENSIVE], "comprehensive-3d"),
    ],
)
def test_an_archive_that_refuses_the_form_of_its_reports_says_which_to_set(
    report_class: str, taken: list[str], advised: str, configure: Configure
) -> None:
    with choosy_archive([*taken, CAPTURE]) as archive:
        chosen = archive_settings(archive.peer.port, report_class=report_class)
        door = doors_of(configure(archives=[chosen]))["archive pacs"]

    assert not door.ok
    assert door.advice == f'set report_class = "{advised}" for archive pacs'
    assert "answers C-ECHO" in door.said


def test_an_archive_that_takes_no_form_of_report_says_whom_to_ask(configure: Configure) -> None:
    with choosy_archive([CAPTURE]) as archive:
        door = doors_of(configure(archives=[archive_settings(archive.peer.port)]))["archive pacs"]

    assert not door.ok
    assert door.advice == "ask who runs archive pacs to let it take structured reports"


@pytest.mark.parametrize(
    ("set_to", "advised"),
    [
        ({"objects": ["report", "presentation"]}, "take presentation out of objects of archive"),
        ({"objects": ["document", "card"]}, "take document out of objects of archive"),
        ({"withdrawal": "iocm"}, 'set withdrawal = "none" for archive pacs'),
    ],
)
def test_an_archive_that_refuses_what_it_is_set_to_get_says_what_to_set(
    set_to: dict[str, object], advised: str, configure: Configure
) -> None:
    with choosy_archive([COMPREHENSIVE_3D, CAPTURE]) as archive:
        chosen = archive_settings(archive.peer.port) | set_to
        door = doors_of(configure(archives=[chosen]))["archive pacs"]

    assert not door.ok
    assert advised in door.advice


def test_an_archive_of_captures_alone_may_refuse_every_report(configure: Configure) -> None:
    with choosy_archive([CAPTURE]) as archive:
        chosen = archive_settings(archive.peer.port) | {"objects": ["card"]}
        door = doors_of(configure(archives=[chosen]))["archive pacs"]

    assert door.ok


def test_check_as_json_says_what_an_archive_accepts_and_of_other_doors_nothing(
    configure: Configure,
) -> None:
    with choosy_archive([COMPREHENSIVE]) as archive:
        configure(archives=[archive_settings(archive.peer.port)])
        assert run_command("db", "upgrade").code == 0
        ended = run_command("check", "--json")

    told = [door for door in ended.json["doors"] if "accepts" in door]
    assert ended.code == 1
    assert [door["name"] for door in told] == ["archive pacs"]
    assert [name for name, taken in told[0]["accepts"].items() if taken] == ["Comprehensive SR"]
    assert "report_class" in told[0]["advice"]


def test_a_port_that_something_else_has_taken_says_which_setting_to_change(
    configure: Configure, taken_port: int
) -> None:
    door = doors_of(configure(listener={"port": taken_port}))["listener"]

    assert not door.ok
    assert "listener.port" in door.advice


def test_live_rules_with_a_synthetic_predictor_fail(configure: Configure) -> None:
    settings = configure(archives=[archive_settings(free_port())])
    prepare(settings)
    database = build_database(settings)
    with database.write() as uow:
        live = settings.first_rules().model_copy(update={"archives": {"pacs": ArchiveMode.LIVE}})
        uow.rules.add(live, by="test", reason="test")
    database.dispose()

    door = doors_of(settings)["rules"]

    assert not door.ok
    assert "synthetic" in door.said
    assert "screener rules import" in door.advice


def test_rules_that_differ_from_the_file_are_said_to_be_in_force(configure: Configure) -> None:
    prepare(configure())

    door = doors_of(configure(rules={"conclusion": {"settle_s": 7.0}}))["rules"]

    assert door.ok
    assert "not asked any more" in door.said


def test_the_first_line_of_check_says_that_the_predictor_is_synthetic(node: Settings) -> None:
    ended = run_command("check")

    assert ended.code == 0
    assert ended.out.splitlines()[0] == synthetic_statement(node)
    assert "SYNTHETIC" in ended.out.splitlines()[0]


def test_check_prints_one_line_for_a_door_with_what_to_do(configure: Configure) -> None:
    configure(archives=[archive_settings(free_port())])

    ended = run_command("check")

    assert ended.code == 1
    failed = [line for line in ended.out.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0].removeprefix("FAIL ") for line in failed] == [
        "database",
        "rules",
        "archive pacs",
    ]
    assert all(" → " in line for line in failed)


def test_check_prints_settings_as_the_file_has_them(configure: Configure) -> None:
    settings = configure(listener={"callers": [{"ae_title": "CR1", "host": "10.0.0.0/8"}]})
    assert run_command("db", "upgrade").code == 0

    out = run_command("check").out

    printed = "\n".join(out.splitlines()[1:]).split("\nok ")[0]
    assert tomllib.loads(printed)["listener"] == settings.listener.model_dump(mode="json")


def test_check_as_json_is_json_with_every_door(node: Settings) -> None:
    ended = run_command("check", "--json")

    said = ended.json
    assert said["synthetic"] is True
    assert [door["name"] for door in said["doors"]] == [door.name for door in try_doors(node)]
    assert set(said["settings"]) == set(Settings.model_fields) - {"rules"}


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://screener:hunter2@127.0.0.1:1/screener",
        "postgresql+psycopg://127.0.0.1:1/screener?user=screener&password=hunter2",
        "nosuch://screener:hunter2@127.0.0.1/screener",
    ],
)
def test_check_never_shows_the_password_of_the_database(
    url: str, as_json: tuple[str, ...], configure: Configure
) -> None:
    configure(storage={"database_url": url})

    ended = run_command("check", *as_json)

    assert ended.code == 1
    assert "hunter2" not in ended.out + ended.err
