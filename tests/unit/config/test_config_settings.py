"""Settings: the file, the environment, and what is said of a wrong one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from screener.config import ConfirmBy, Settings, Withdrawal, load_settings
from screener.domain.delivery import ArchiveMode
from screener.domain.errors import ConfigurationError
from screener.domain.report import ReportClass

ARCHIVE = '[[archives]]\nname = "{}"\nae_title = "PACS"\nhost = "pacs.example"\nport = 104\n'


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCREENER_CONFIG", raising=False)


def write(text: str, name: str = "screener.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def complaint() -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return str(caught.value)


def test_without_a_file_and_variables_the_defaults_hold() -> None:
    settings = load_settings()

    assert settings == Settings()
    assert (settings.listener.ae_title, settings.listener.port) == ("BMDSCREEN", 11112)
    assert settings.listener.host == "127.0.0.1"
    assert settings.rules.conclusion.threshold_z is None


def test_a_whole_file_is_read_section_by_section() -> None:
    write(
        '[site]\nname = "Ward 3"\n'
        '[storage]\nfolder = "/srv/films"\nmin_free_mb = 5\n'
        '[[listener.callers]]\nae_title = "CR1"\nhost = "10.1.0.0/16"\n'
        + ARCHIVE.format("pacs")
        + 'mode = "test"\nconfirm_by = "query"\nreport_class = "enhanced"\n'
        'withdrawal = "iocm"\ntimeout_s = 7.5\n'
        '[predictor]\nfolder = "p"\n[rules.conclusion]\nsettle_s = 3\n'
        "[rules.eligibility]\nchest_patterns = ['\\bbrustkorb\\b']\n"
    )

    settings = load_settings()

    assert settings.site.name == "Ward 3"
    assert settings.storage.folder == Path("/srv/films")
    assert settings.listener.callers[0].host == "10.1.0.0/16"
    assert settings.archives[0].mode is ArchiveMode.TEST
    assert settings.archives[0].confirm_by is ConfirmBy.QUERY
    assert settings.archives[0].form.report_class is ReportClass.ENHANCED
    assert settings.archives[0].withdrawal is Withdrawal.IOCM
    assert settings.predictor.folder == Path("p")
    assert settings.rules.conclusion.settle_s == 3
    assert settings.rules.eligibility.chest_patterns == (r"\bbrustkorb\b",)


def test_the_environment_wins_over_the_file_and_leaves_its_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('[listener]\nport = 1111\nae_title = "FROMFILE"\n[rules.conclusion]\nsettle_s = 4\n')
    monkeypatch.setenv("SCREENER_LISTENER__PORT", "2222")
    monkeypatch.setenv("SCREENER_RULES__CONCLUSION__THRESHOLD_Z", "-2.5")

    settings = load_settings()

    assert (settings.listener.port, settings.listener.ae_title) == (2222, "FROMFILE")
    conclusion = settings.rules.conclusion
    assert (conclusion.settle_s, conclusion.threshold_z) == (4, -2.5)


def test_a_list_in_a_variable_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = {"name": "pacs", "ae_title": "PACS", "host": "h", "port": 104, "mode": "test"}
    monkeypatch.setenv("SCREENER_ARCHIVES", json.dumps([archive]))
    monkeypatch.setenv("SCREENER_LISTENER__CALLERS", '[{"ae_title": "CR1"}, {"ae_title": "CR2"}]')

    settings = load_settings()

    assert [(a.name, a.mode) for a in settings.archives] == [("pacs", ArchiveMode.TEST)]
    assert [caller.ae_title for caller in settings.listener.callers] == ["CR1", "CR2"]


def test_a_variable_that_is_no_json_says_how_a_list_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCREENER_ARCHIVES", "pacs")

    said = complaint()

    assert "archives" in said
    assert "JSON" in said


def test_the_file_is_the_named_one_then_that_of_the_variable_then_the_one_in_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write('[site]\nname = "in the folder"\n')
    in_variable = write('[site]\nname = "in the variable"\n', "variable.toml")
    named = write('[site]\nname = "named"\n', "named.toml")

    found = [load_settings().site.name]
    monkeypatch.setenv("SCREENER_CONFIG", str(in_variable))
    found += [load_settings().site.name, load_settings(named).site.name]

    assert found == ["in the folder", "in the variable", "named"]


def test_a_file_that_is_named_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no settings file .*gone\.toml"):
        load_settings(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("text", "line"),
    [("[site\n", "line 1"), ("[site]\nname = \n", "line 2"), ("[site]\n[site]\n", "line 2")],
)
def test_what_is_not_toml_is_said_with_its_line(text: str, line: str) -> None:
    write(text)

    said = complaint()

    assert "screener.toml" in said
    assert line in said


def test_what_is_not_text_is_said() -> None:
    Path("screener.toml").write_bytes(b"\xff\xfe\x00")

    assert "screener.toml" in complaint()


@pytest.mark.parametrize(
    ("text", "name", "value", "allowed"),
    [
        ("[listener]\nport = 99999", "listener.port", "99999", "65535"),
        ('[listener]\nport = "abc"', "listener.port", "'abc'", "integer"),
        ("[listener]\nidle_timeout_s = 0", "listener.idle_timeout_s", "0", "greater than 0"),
        ("[listener]\nidle_timeout_s = inf", "listener.idle_timeout_s", "inf", "finite"),
        ('[listener]\nae_title = "far too long a title"', "listener.ae_title", "far too", "16"),
        ("[storage]\nmin_free_mb = 0", "storage.min_free_mb", "0", "1"),
        ('[predictor]\ndevice = "gpu"', "predictor.device", "'gpu'", "'cpu' or 'cuda'"),
        (
            ARCHIVE.format("pacs") + 'mode = "prod"',
            "archives.0.mode",
            "'prod'",
            "'off', 'test' or 'live'",
        ),
        (ARCHIVE.format("My PACS"), "archives.0.name", "'My PACS'", "pattern"),
        (
            '[[listener.callers]]\nae_title = "CR1"\nhost = "cr1.example"',
            "listener.callers.0.host",
            "'cr1.example'",
            "10.1.0.0/16",
        ),
        ("[rules.conclusion]\nthreshold_z = 1", "rules.conclusion", "threshold_z is 1", "-5.0 to"),
        ('[rules.conclusion]\nsettle_s = "x"', "rules.conclusion.settle_s", "'x'", "number"),
        ("[rules.eligibility]\nmax_age_years = inf", "eligibility.max_age_years", "inf", "finite"),
        ('[rules.eligibility]\npa_patterns = ["("]', "rules.eligibility", "'('", "pa_patterns"),
        ('[rules.archives]\npacs = "on"', "rules.archives.pacs", "'on'", "'off', 'test' or 'live'"),
    ],
)
def test_a_wrong_setting_names_itself_its_value_and_what_is_allowed(
    text: str, name: str, value: str, allowed: str
) -> None:
    write(text)

    said = complaint()

    assert all(part in said for part in (name, value, allowed)), said


def test_a_setting_that_is_missing_is_named() -> None:
    write('[[archives]]\nname = "pacs"\n')

    said = complaint()

    assert all(f"archives.0.{name}: field required" in said for name in ("ae_title", "port"))


def test_every_wrong_setting_is_named_at_once() -> None:
    write("[listener]\nport = 0\n[storage]\nmin_free_mb = 0\n")

    said = complaint()

    assert "listener.port" in said
    assert "storage.min_free_mb" in said


@pytest.mark.parametrize(
    ("text", "unknown", "near"),
    [
        ('[storage]\nfodler = "x"', "storage.fodler", "folder"),
        ("[listner]\nport = 1", "listner", "listener"),
        ("[rules.conclusion]\ntreshold_z = -1", "rules.conclusion.treshold_z", "threshold_z"),
        (ARCHIVE.format("pacs") + "prot = 1", "archives.0.prot", "port"),
    ],
)
def test_an_unknown_setting_suggests_the_near_one(text: str, unknown: str, near: str) -> None:
    write(text)

    assert f"{unknown}: there is no such setting; did you mean '{near}'?" in complaint()


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("SCREENER_LISTNER__PORT", "SCREENER_LISTENER__"),
        ("SCREENER_ARCHIVE", "SCREENER_ARCHIVES"),
        ("SCREENER_LISTENER__PROT", "'port'"),
        ("SCREENER_QQQQQ__X", "no such setting"),
    ],
)
def test_an_unknown_variable_is_refused_and_suggests_the_near_one(
    variable: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")

    assert hint in complaint()


def test_variables_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCREENER_REQUIRE_SERVERS", "1")
    monkeypatch.setenv("SCREENERS_LISTNER__PORT", "1")

    assert load_settings() == Settings()


def test_two_archives_of_one_name_are_refused() -> None:
    write(ARCHIVE.format("pacs") + ARCHIVE.format("other") + ARCHIVE.format("pacs"))

    assert "two archives are named 'pacs'" in complaint()


def test_settings_do_not_change_once_they_are_read() -> None:
    settings = load_settings()

    with pytest.raises(ValueError, match="frozen"):
        settings.listener.port = 1
    with pytest.raises(ValueError, match="frozen"):
        settings.site = settings.site


def test_no_complaint_shows_the_password_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[listener]\nport = 0\n")
    monkeypatch.setenv("SCREENER_STORAGE__DATABASE_URL", "postgresql://u:hunter2@h/d")
    monkeypatch.setenv("SCREENER_STORAGE__DATABASE_UR", "postgresql://u:hunter2@h/d")

    said = complaint()

    assert re.search("storage.database_ur:", said)
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        (
            "postgresql+psycopg://node@db/screener",
            "postgresql+psycopg://node:p%40ss%2Fword@db/screener",
        ),
        (
            "postgresql+psycopg://node@db:5433/s",
            "postgresql+psycopg://node:p%40ss%2Fword@db:5433/s",
        ),
    ],
)
def test_a_databases_password_may_lie_in_a_file_of_its_own(url: str, whole: str) -> None:
    secret = write("p@ss/word\n", "secret")
    write(f'[storage]\ndatabase_url = "{url}"\ndatabase_password_file = "{secret}"\n')

    assert load_settings().storage.url == whole


def test_a_brokers_password_may_lie_in_a_file_of_its_own_and_is_not_shown() -> None:
    secret = write("p@ss\n", "secret")
    write(f'[broker]\nurl = "redis://redis:6379/0"\npassword_file = "{secret}"\n')

    broker = load_settings().broker

    assert broker.full_url == "redis://:p%40ss@redis:6379/0"
    assert broker.shown_url == "redis://redis:6379/0"


def test_a_password_in_the_brokers_url_is_not_shown() -> None:
    write('[broker]\nurl = "redis://u:hush@redis:6379/0"\n')

    broker = load_settings().broker

    assert broker.full_url == "redis://u:hush@redis:6379/0"
    assert broker.shown_url == "redis://u:***@redis:6379/0"


@pytest.mark.parametrize(
    ("secret", "url", "said"),
    [
        (None, "redis://redis/0", "broker.password_file secret cannot be read"),
        ("", "redis://redis/0", "is empty"),
        ("x", "redis://:y@redis/0", "keep one"),
    ],
)
def test_a_password_file_that_does_not_help_is_named(
    secret: str | None, url: str, said: str
) -> None:
    if secret is not None:
        write(secret, "secret")
    write(f'[broker]\nurl = "{url}"\npassword_file = "secret"\n')

    with pytest.raises(ConfigurationError, match=said):
        _ = load_settings().broker.full_url


def test_a_node_without_a_broker_says_what_to_do_where_one_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="screener up"):
        _ = load_settings().broker.full_url


def test_a_broker_that_is_no_redis_is_refused() -> None:
    write('[broker]\nurl = "amqp://rabbit/"\n')

    assert "broker.url" in complaint()
