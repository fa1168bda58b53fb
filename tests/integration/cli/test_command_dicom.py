"""`send` and `echo` to an archive of ours."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from screener.config import Settings
from screener.network.archive_scp import SmallArchive
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.support.pipeline_rig import make_film
from tests.support.servers import free_port
from tests.support.synthetic_dicom import encode, synthetic_uid


@pytest.fixture
def settings(configure: Configure, archive: SmallArchive) -> Settings:
    return configure(
        archives=[
            {"name": "pacs", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": archive.port}
        ]
    )


@pytest.fixture
def films(settings: Settings) -> Path:
    folder = Path("films")
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.dcm").write_bytes(encode(make_film(number)))
    return folder


def test_echo_says_that_a_peer_answers(archive: SmallArchive, settings: Settings) -> None:
    by_address = run_command("echo", f"ARCHIVE@127.0.0.1:{archive.port}")
    by_name = run_command("echo", "pacs")

    assert (by_address.code, by_name.code) == (0, 0)
    assert " answers in " in by_address.out
    assert by_name.out.startswith("pacs (ARCHIVE@127.0.0.1:")


def test_films_are_sent_exactly_as_they_are(
    archive: SmallArchive, films: Path, settings: Settings
) -> None:
    ended = run_command("send", "pacs", films)

    assert ended.code == 0
    assert ended.out.startswith("2 of 2 file(s) taken by pacs")
    kept = archive.instances.get(synthetic_uid("film", 1))
    assert kept is not None
    assert len(archive.instances) == 2


def test_a_file_that_the_disk_does_not_give_keeps_no_other_from_being_sent(
    archive: SmallArchive, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.open

    def open_(path: Path, *given: Any, **options: Any) -> Any:
        if path.name == "1.dcm":
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(path, *given, **options)

    monkeypatch.setattr(Path, "open", open_)

    ended = run_command("send", "pacs", films / "1.dcm", films / "2.dcm")

    assert ended.code == 1
    assert "1.dcm: a file cannot be read: Permission denied" in ended.err
    assert ended.out.startswith("1 of 2 file(s) taken")
    assert archive.instances.get(synthetic_uid("film", 2)) is not None


def test_send_as_json_says_so_of_each_file(films: Path) -> None:
    (films / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"nonsense")

    ended = run_command("send", "pacs", films, "--json")

    said = ended.json
    assert ended.code == 1
    assert said["ok"] is False
    assert {Path(f["file"]).name: f["ok"] for f in said["files"]} == {
        "1.dcm": True,
        "2.dcm": True,
        "broken.dcm": False,
    }
    assert all(f["said"] == "status 0x0000" for f in said["files"] if f["ok"])


def test_what_is_no_dicom_file_is_said_and_the_rest_is_sent(
    archive: SmallArchive, films: Path
) -> None:
    (films / "text.txt").write_text("not a film")

    ended = run_command("send", "pacs", films / "text.txt", films / "1.dcm")

    assert ended.code == 1
    assert "text.txt: " in ended.err
    assert "Traceback" not in ended.err
    assert "1 of 2 file(s) taken" in ended.out
    assert len(archive.instances) == 1


def test_a_peer_that_is_away_is_said_of_every_file(films: Path) -> None:
    ended = run_command("send", f"ARCHIVE@127.0.0.1:{free_port()}", films)

    assert ended.code == 1
    assert ended.err.count("cannot be reached") == 2
    assert "0 of 2 file(s) taken" in ended.out


def test_echo_of_a_peer_that_is_away_is_one_line(settings: Settings) -> None:
    ended = run_command("echo", f"ARCHIVE@127.0.0.1:{free_port()}")

    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("peer", "said"),
    [
        ("nosuch", "write AET@host:port, or an archive's name (pacs)"),
        ("ARCHIVE@127.0.0.1", "write AET@host:port"),
        ("ARCHIVE@127.0.0.1:0", "1 to 65535"),
        ("ARCHIVE@127.0.0.1:99999", "1 to 65535"),
        ("A TITLE THAT IS TOO LONG@127.0.0.1:104", "16"),
        ("BACK\\SLASH@127.0.0.1:104", "backslash"),
        ("@127.0.0.1:104", "AET@host:port"),
        ("[/red]@127.0.0.1:x", "AET@host:port"),
    ],
)
def test_a_peer_that_is_none_says_how_one_is_written(
    peer: str, said: str, settings: Settings
) -> None:
    ended = run_command("echo", peer)

    assert ended.code == 2
    assert ended.err.startswith(f"error: {peer!r}")
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", ["echo pacs", "send pacs films"])
def test_an_ae_title_that_is_none_is_one_line(command: str, films: Path) -> None:
    ended = run_command(*command.split(), "--calling-ae", "A TITLE THAT IS TOO LONG")

    assert ended.code == 2
    assert ended.err.startswith("error: 'A TITLE THAT IS TOO LONG'")
    assert ended.err.count("\n") == 1
