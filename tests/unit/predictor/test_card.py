"""The card: read strictly, refused when anything is not as it was written."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from screener.domain.errors import PredictorMismatch
from screener.domain.patient import Sex
from screener.predictor.card import (
    PredictorCard,
    load_card,
    load_identity,
    parse_card,
    verify_weights,
)
from screener.predictor.facts import MISSING_PATTERNS, Interval
from tests.unit.predictor.conftest import make_full_card


def document(card: PredictorCard) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(card)))
    return read


def test_card_is_read_as_it_was_written(card: PredictorCard) -> None:
    assert parse_card(json.dumps(document(card)).encode()) == card


def test_a_full_card_is_read_as_it_was_written() -> None:
    full = make_full_card()

    assert parse_card(json.dumps(document(full)).encode()) == full


def test_a_card_of_schema_1_stays_readable(card: PredictorCard) -> None:
    old = document(card)
    old["schema"] = 1
    for name in ("gates_sha256", "probability", "decision", "gates", "attention"):
        del old[name]
    del old["calibration"]["origin"]
    del old["interval"]["quantile_levels"], old["interval"]["error_quantiles_z"]

    read = parse_card(json.dumps(old).encode())

    assert read == dataclasses.replace(card, schema=1)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("probability", "slope"), 1.0, "probability.slope"),
        (("decision", "definition_z"), -1.4, "definition_z"),
        (("decision", "sensitivity", "value"), "high", "sensitivity.value"),
        (("gates_sha256",), None, "gates"),
        (("interval", "quantile_levels"), [0.5, 0.1, 0.9], "quantile_levels"),
        (("interval", "quantile_levels"), [0.0, 0.5, 0.9], "quantile_levels"),
        (("interval", "error_quantiles_z", "none"), [0.0, -1.0, 1.0], "error_quantiles_z"),
        (("interval", "error_quantiles_z", "height"), [0.0, 1.0], "error_quantiles_z"),
    ],
)
def test_wrong_field_of_a_full_card_is_refused_by_its_name(
    path: tuple[str, ...], value: object, named: str
) -> None:
    changed = document(make_full_card())
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value

    with pytest.raises(PredictorMismatch, match=named):
        parse_card(json.dumps(changed).encode())


def test_a_threshold_says_what_it_was_chosen_for() -> None:
    decision = make_full_card().decision

    assert decision is not None
    assert decision.chosen_for == "85 % sensitivity"


def test_reference_comes_back_whole(card: PredictorCard) -> None:
    reference = card.reference.reference()

    abmd = reference.abmd_g_cm2(sex=Sex.MALE, age_years=10.0, z_score=-2.0)

    assert reference.z_score(sex=Sex.MALE, age_years=10.0, abmd_g_cm2=abmd) == pytest.approx(-2.0)
    assert reference.name == "made-up"


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("size_px",), "64", "card.size_px"),
        (("size_px",), 64.0, "card.size_px"),
        (("synthetic",), 1, "card.synthetic"),
        (("age_years",), [3.0], "card.age_years"),
        (("age_years",), [18.0, 3.0], "age_years"),
        (("calibration", "slope"), None, "card.calibration.slope"),
        (("calibration", "slope"), -1.0, "slope"),
        (("calibration", "sloppy"), 1.0, "sloppy"),
        (("interval", "half_width_z", "none"), "wide", "card.interval.half_width_z.none"),
        (("interval", "level"), 90.0, "level"),
        (("reference",), "synthetic-demo", "card.reference"),
        (("reference", "curves", "M", "m"), [0.5], "curve"),
        (("schema",), 3, "schema"),
        (("synthetic",), False, "synthetic"),
    ],
)
def test_wrong_field_is_refused_by_its_name(
    card: PredictorCard, path: tuple[str, ...], value: object, named: str
) -> None:
    changed = document(card)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value

    with pytest.raises(PredictorMismatch, match=named):
        parse_card(json.dumps(changed).encode())


def test_missing_field_is_refused_by_its_name(card: PredictorCard) -> None:
    changed = document(card)
    del changed["calibration"]

    with pytest.raises(PredictorMismatch, match="calibration"):
        parse_card(json.dumps(changed).encode())


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(PredictorMismatch, match="JSON"):
        parse_card(b"size_px: 64")


def test_every_pattern_of_missing_variables_needs_its_width(card: PredictorCard) -> None:
    with pytest.raises(PredictorMismatch, match="height and weight"):
        dataclasses.replace(
            card, interval=Interval(level=0.9, half_width_z={"none": 1.0}, statement="")
        )


def test_width_follows_what_is_missing(card: PredictorCard, child: Any) -> None:
    widths = [
        card.half_width_z(child(height_m=height, weight_kg=weight))
        for height, weight in ((1.4, 33.0), (None, 33.0), (1.4, None), (None, None))
    ]

    assert widths == [card.interval.half_width_z[name] for name in MISSING_PATTERNS.values()]


@pytest.mark.parametrize("age_years", [2.99, 18.0, 40.0])
def test_age_outside_the_card_is_refused(card: PredictorCard, age_years: float) -> None:
    with pytest.raises(PredictorMismatch, match="3 to under 18 years"):
        card.check_age(age_years)


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors", "SHA256SUMS"])
def test_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(PredictorMismatch, match=name):
        load_card(folder)


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PredictorMismatch, match="cannot be read"):
        load_card(tmp_path / "nowhere")


def test_any_changed_byte_of_the_card_is_refused(folder: Path) -> None:
    path = folder / "card.json"
    content = path.read_bytes()

    for at in range(0, len(content), 97):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(PredictorMismatch):
            load_card(folder)


def test_a_changed_byte_of_the_weights_is_refused(folder: Path) -> None:
    card = load_card(folder)
    path = folder / "weights.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(PredictorMismatch, match="install the predictor again"):
        verify_weights(folder, card)


def test_sums_are_those_that_sha256sum_reads(folder: Path) -> None:
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, check=False)

    assert checked.returncode == 0


def test_identity_changes_with_the_weights(folder: Path, tmp_path: Path, card: Any) -> None:
    first = load_identity(folder)

    assert (first.name, first.version, first.synthetic) == ("tiny", "0.0.1", True)
    assert len(first.checksum) == 64
    assert first.label in f"tiny 0.0.1 ({first.checksum[:8]})"


def test_reading_a_card_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys, pathlib; from screener.predictor.card import load_identity; "
        f"load_identity(pathlib.Path({str(folder)!r})); "
        "sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
