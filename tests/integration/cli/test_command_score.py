"""`score` and `explain`: films in files, no node needed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import EnhancedSRStorage, JPEGLosslessSV1, RLELossless

from screener.domain.eligibility import IneligibilityReason
from screener.domain.finding import Verdict
from tests.integration.cli.command_line import run_command
from tests.integration.cli.conftest import Configure
from tests.support.pipeline_rig import make_film
from tests.support.synthetic_dicom import encode

pytestmark = pytest.mark.usefixtures("configured")

FILM_KEYS = {"file", "verdict", "z", "z_low", "z_high", "abmd_g_cm2", "view", "reason"}


@pytest.fixture
def configured(configure: Configure) -> None:
    """Let every study be reported, whatever a predictor of random weights says of it."""
    configure(rules={"conclusion": {"threshold_z": 0.0}})


@pytest.fixture
def films(configured: None) -> Path:
    """Return a folder with two children's films, an adult's, a truncated one, and a text."""
    folder = Path("films")
    folder.mkdir()
    truncated = make_film(4, child=4)
    truncated.PixelData = truncated.PixelData[:100]
    for name, data in {
        "a.dcm": encode(make_film(1, child=1), JPEGLosslessSV1),
        "b.dcm": encode(make_film(2, child=2, PatientSize=None), RLELossless),
        "c.dcm": encode(make_film(3, child=3, PatientBirthDate="19800101", PatientAge="046Y")),
        "d": encode(truncated),
        "readme.txt": b"not a film",
    }.items():
        (folder / name).write_bytes(data)
    return folder


def test_scored_films_have_values_and_the_others_their_coded_reason(films: Path) -> None:
    ended = run_command("score", films, "--json")

    assert ended.code == 0
    said = ended.json
    assert said["synthetic"] is True
    assert said["threshold_z"] == 0.0
    rows = {Path(film["file"]).name: film for film in said["films"]}
    assert set(rows) == {"a.dcm", "b.dcm", "c.dcm", "d"}
    for name in ("a.dcm", "b.dcm"):
        row = rows[name]
        assert set(row) >= FILM_KEYS
        assert row["verdict"] in set(Verdict)
        assert row["z_low"] < row["z"] < row["z_high"]
        assert row["abmd_g_cm2"] > 0
        assert row["view"] == "PA"
        assert set(row["contributions_sd"]) == {"image", "age", "sex", "height", "weight"}
    assert rows["b.dcm"]["missing"] == ["height"]
    for name, reason in {"c.dcm": "AGE_ABOVE_RANGE", "d": "TRUNCATED_PIXELS"}.items():
        row = rows[name]
        assert (row["verdict"], row["z"], row["reason"]) == (None, None, reason)


def test_the_table_says_first_that_it_is_synthetic(films: Path) -> None:
    lines = run_command("score", films).out.splitlines()

    assert "SYNTHETIC" in lines[0]
    assert [line for line in lines if "c.dcm" in line and "AGE_ABOVE_RANGE" in line]


def test_csv_is_csv_with_one_row_for_a_film(films: Path) -> None:
    ended = run_command("score", films, "--csv")

    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert set(rows[0]) == FILM_KEYS
    assert len(rows) == 4
    assert [row["z"] == "" for row in rows] == [row["verdict"] == "" for row in rows]


def test_json_and_csv_at_once_are_refused(films: Path) -> None:
    ended = run_command("score", films, "--csv", "--json")

    assert ended.code == 2
    assert ended.out == ""


def test_scoring_again_says_the_same(films: Path) -> None:
    assert run_command("score", films, "--json").out == run_command("score", films, "--json").out


def test_result_objects_are_written_for_every_assessed_study(films: Path) -> None:
    ended = run_command("score", films, "--out", "results", "--json")

    written = [dcmread(path) for path in sorted(Path("results").iterdir())]
    assert ended.code == 0
    assert {str(made.Modality) for made in written} == {"SR", "OT"}
    assert {str(made.PatientName) for made in written} == {"ZZ-SYNTHETIC^Child"}
    assert len({made.StudyInstanceUID for made in written}) == 2
    assert ended.json["films"]


def test_what_is_written_in_which_language_and_class_can_be_chosen(films: Path) -> None:
    chosen = ("--language", "ko", "--report-class", "enhanced")
    wanted = ("--object", "report", "--object", "document", "--object", "presentation")

    ended = run_command("score", films / "a.dcm", "--out", "results", *chosen, *wanted)

    written = {made.Modality: made for made in map(dcmread, Path("results").iterdir())}
    assert ended.code == 0
    assert set(written) == {"SR", "DOC", "PR"}
    assert written["SR"].SOPClassUID == EnhancedSRStorage
    language = written["SR"].ContentSequence[0].ConceptCodeSequence[0]
    assert language.CodeValue == "ko"


def test_films_of_one_study_are_concluded_together(configured: None) -> None:
    Path("one.dcm").write_bytes(encode(make_film(1, study=1)))
    Path("two.dcm").write_bytes(encode(make_film(2, study=1, PatientID="ZZ-SYNTHETIC-OTHER")))

    films = run_command("score", "one.dcm", "two.dcm", "--json").json["films"]

    assert {(film["verdict"], film["reason"]) for film in films} == {
        ("INDETERMINATE", "FILMS_DISAGREE")
    }


def test_a_file_that_is_no_film_has_its_reason_like_any_other(films: Path) -> None:
    (film,) = run_command("score", films / "readme.txt", "--json").json["films"]

    assert (film["verdict"], film["reason"]) == (None, "UNREADABLE_HEADER")


@pytest.mark.parametrize("command", ["score", "explain", "send ARCHIVE@127.0.0.1:104"])
def test_a_file_that_is_missing_is_one_line(command: str) -> None:
    ended = run_command(*command.split(), "gone.dcm")

    assert ended.code == 2
    assert ended.err.startswith("error: there is no file ")
    assert "gone.dcm" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", ["score", "send ARCHIVE@127.0.0.1:104"])
def test_a_folder_without_films_is_one_line(command: str) -> None:
    Path("empty").mkdir()

    ended = run_command(*command.split(), "empty")

    assert ended.code == 2
    assert ended.err.startswith("error: no DICOM file was found")


def test_an_output_folder_that_is_a_file_is_one_line(films: Path) -> None:
    ended = run_command("score", films / "a.dcm", "--out", films / "b.dcm")

    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1


def test_a_predictor_that_is_missing_is_one_line(films: Path, configure: Configure) -> None:
    configure(predictor={"folder": "gone"})

    ended = run_command("score", films)

    assert ended.code == 1
    assert ended.err.startswith("error: gone/card.json cannot be read")
    assert ended.err.count("\n") == 1


def test_explain_gives_every_rules_answer_as_json(films: Path) -> None:
    said = run_command("explain", films / "a.dcm", "--json").json

    assert said["eligible"] is True
    assert said["pixels"] == "can be scored"
    assert {rule["answer"] for rule in said["rules"]} == {"YES"}
    assert len(said["rules"]) == len({rule["rule"] for rule in said["rules"]}) > 5
    assert said["clinical"]["age"]["source"] == "HEADER_DATES"
    assert said["clinical"]["height"] == {"value": 1.4, "unit": "m", "source": "HEADER"}


def test_explain_says_what_is_missing_and_why(films: Path) -> None:
    said = run_command("explain", films / "b.dcm", "--json").json

    assert said["clinical"]["height"] == {"value": None, "unit": "m", "source": "NOT_GIVEN"}


def test_explain_names_the_rule_that_says_no(films: Path) -> None:
    said = run_command("explain", films / "c.dcm", "--json").json

    assert said["eligible"] is False
    assert said["pixels"].startswith("not looked at")
    (no,) = [rule for rule in said["rules"] if rule["answer"] != "YES"]
    assert no["reason"] == "AGE_ABOVE_RANGE"


def test_explain_prints_a_row_for_every_rule(films: Path) -> None:
    names = [rule["rule"] for rule in run_command("explain", films / "d", "--json").json["rules"]]

    out = run_command("explain", films / "d").out

    assert "SYNTHETIC" in out.splitlines()[0]
    assert [name for name in names if f" {name} " not in out] == []
    assert "pixels: TRUNCATED_PIXELS" in out
    assert "height" in out


def test_explain_does_not_print_who_the_child_is(films: Path) -> None:
    for name in ("a.dcm", "c.dcm"):
        out = run_command("explain", films / name).out
        assert "ZZ-SYNTHETIC" not in out
        assert "19800101" not in out


def test_explain_of_what_is_not_dicom_is_one_line(films: Path) -> None:
    ended = run_command("explain", films / "readme.txt")

    assert ended.code == 1
    assert ended.err.startswith("error: the bytes cannot be read as a DICOM data set")
    assert ended.err.count("\n") == 1


def test_explain_tells_the_variables_of_a_film_that_must_not_be_scored(films: Path) -> None:
    said = run_command("explain", films / "c.dcm", "--json").json

    assert said["eligible"] is False
    assert said["clinical"]["age"]["value"] > 40
    assert set(said["clinical"]) == {"age", "sex", "height", "weight"}


def test_the_nodes_rules_in_force_are_asked_where_there_is_a_node(
    films: Path, configure: Configure
) -> None:
    configure(rules={"eligibility": {"modalities": ["CR"]}})
    assert run_command("db", "upgrade").code == 0
    configure()

    said = run_command("explain", films / "a.dcm", "--json").json
    scored = run_command("score", films / "a.dcm", "--json").json

    assert said["eligible"] is False
    assert said["asked"] == scored["rules"] == "version 1, in force on this node"
    assert "rules asked: version 1" in run_command("explain", films / "a.dcm").out
    assert [film["reason"] for film in scored["films"]] == ["NOT_A_RADIOGRAPH"]


@pytest.mark.parametrize("command", ["explain", "score"])
def test_rules_that_cannot_be_read_are_not_replaced_by_the_settings_in_silence(
    command: str, films: Path, configure: Configure
) -> None:
    Path("broken.db").write_bytes(b"no database" * 100)
    configure(storage={"database_url": "sqlite:///broken.db"})

    ended = run_command(command, films / "a.dcm", "--json")

    assert ended.code == 1
    assert ended.out == ""
    assert "storage.database_url" in ended.err


def test_the_settings_own_rules_are_asked_where_there_is_no_node(
    films: Path, configure: Configure
) -> None:
    configure(rules={"eligibility": {"modalities": ["CR"]}})

    said = run_command("explain", films / "a.dcm", "--json").json

    assert said["eligible"] is False
    assert said["asked"].startswith("those of the settings")
    assert not Path("screener-data").exists()
    assert IneligibilityReason.NOT_A_RADIOGRAPH in {rule["reason"] for rule in said["rules"]}
