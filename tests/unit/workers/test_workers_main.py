"""`screener-worker`: what is said of wrong use, before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.__main__ import main


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCREENER_CONFIG", raising=False)


def test_its_help_names_every_role(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    said = capsys.readouterr().out
    assert end.value.code == 0
    assert all(f"\n  {role} " in said for role in ("intake", "scoring", "delivery", "beat"))


def test_without_a_broker_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intake"]) == 2

    assert "broker.url is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["gpu"], [], ["intake", "--processes", "0"], ["intake", "--processes", "many"]]
)
def test_wrong_use_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(wrong)

    assert end.value.code == 2
    assert "usage: screener-worker" in capsys.readouterr().err


def test_a_settings_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intake", "--config", "nowhere.toml"]) == 2

    assert "nowhere.toml" in capsys.readouterr().err
