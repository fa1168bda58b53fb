"""A whole evaluation from a table, and what of it is written."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.training.evaluation import Circumstances, Evaluation, evaluate_table
from screener.training.evaluation_document import document_of
from tests.unit.training.evaluation_tables import a_card, calibrated, simulated, without_rules

METRIC = {"value", "low", "high", "n"}


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    table = simulated(500)
    rng = np.random.default_rng(4)
    blind = dataclasses.replace(
        table, raw_z={name: calibrated(table.z, 0.4, rng) for name in table.raw_z}
    )
    known = Circumstances(
        exclusions={"BLANK_FILM": 2},
        not_scored={"HARDWARE_OVER_SPINE": 3},
        manifest_sha256="ab" * 32,
        arms={"clinical_only": blind},
        seeds=(table, blind),
    )
    return evaluate_table(table, a_card(), known)


@pytest.fixture(scope="module")
def document(evaluation: Evaluation) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(json.dumps(document_of(evaluation), allow_nan=False))
    return written


def test_every_figure_is_written_with_value_bounds_and_number(document: dict[str, Any]) -> None:
    wanted = {
        "r_z", "r_abmd", "mae_z", "auc", "sensitivity", "specificity", "ppv", "npv",
        "calibration_slope", "citl", "ece", "coverage_90", "rmse_z", "ccc", "icc", "auc_delong",
        "brier", "limit_low_z", "difference_slope_z", "sensitivity_at_definition",
    }  # fmt: skip
    blocks = [
        document["overall"],
        document["arms"]["no_height_no_weight"],
        document["subgroups"]["sex"]["M"],
    ]
    for block in blocks:
        assert wanted <= set(block)
        for name in wanted:
            assert set(block[name]) == METRIC, name
        assert block["films"] >= block["positives"] > 0
    assert set(document["arms"]) == {
        "no_height",
        "no_weight",
        "no_height_no_weight",
        "clinical_only",
    }
    assert set(document["arms"]["clinical_only"]["difference"]["auc"]) == METRIC
    assert set(document["subgroups"]) == {
        "sex", "age_band", "height_z", "view", "vendor", "site",
    }  # fmt: skip


def test_what_an_evaluation_rests_on_is_written(document: dict[str, Any]) -> None:
    assert document["synthetic"] is True
    assert document["predictor"] == "screener-synthetic 0.2.1 (synthetic)"
    assert document["reference"] == "synthetic-demo 1"
    assert (document["threshold_z"], document["threshold_source"]) == (-1.5, "PREDICTOR")
    assert document["threshold_chosen_for"] == "85 % sensitivity"
    assert document["definition_z"] == -2.0
    assert (document["films"], document["patients"]) == (500, 500)
    assert document["exclusions"] == {"BLANK_FILM": 2}
    assert document["not_scored"] == {"HARDWARE_OVER_SPINE": 3}
    assert document["bounds"]["resamples"] == 2000


def test_curves_prevalences_and_seeds_are_written(document: dict[str, Any]) -> None:
    rows = document["at_prevalence"]
    assert [(r["point"], r["prevalence"]) for r in rows[:3]] == [
        ("decision", 0.023), ("definition", 0.023), ("decision", 0.05),
    ]  # fmt: skip
    assert set(rows[0]["ppv"]) == set(rows[0]["flags_per_1000"]) == METRIC
    assert len(document["decision_curve"]["thresholds"]) == 36
    assert document["decision_curve"]["clinical_only"] is not None
    assert [b["low"]["n"] for b in document["reliability"]["bins"]] == [50] * 10
    assert document["seeds"]["runs"] == 2
    spread = document["seeds"]["r_z"]
    assert spread["min"] < spread["mean"] < spread["max"]
    assert spread["sd"] == pytest.approx(np.std(spread["values"], ddof=1), abs=1e-5)


def test_what_the_films_cannot_show_is_null_with_a_reason(document: dict[str, Any]) -> None:
    for name in ("twins", "trap", "repeatability"):
        assert document[name] is None
        assert document["not_computed"][name]
    assert document["films_per_child"] == []
    assert "seeds" not in document["not_computed"]


def test_nothing_written_tells_whose_a_film_is(document: dict[str, Any]) -> None:
    text = json.dumps(document)

    assert "child-" not in text
    assert ".dcm" not in text
    assert len(document["worst"]) == 12
    apart = [abs(film["z"] - film["z_estimate"]) for film in document["worst"]]
    assert apart == sorted(apart, reverse=True)
    assert all(isinstance(film["age_years"], int) for film in document["worst"])


def test_a_card_gets_the_figures_alone_and_sensitivity_at_the_definition(
    evaluation: Evaluation,
) -> None:
    values = evaluation.values()

    assert {"r_z", "mae_z", "coverage_90", "no_height_no_weight.r_z"} <= set(values)
    at_definition = evaluation.overall.metrics["sensitivity_at_definition"].value
    assert values["sensitivity"] == round(at_definition, 4)
    assert values["sensitivity"] < evaluation.overall.metrics["sensitivity"].value


def test_the_summary_begins_with_synthetic_and_names_the_reference(evaluation: Evaluation) -> None:
    assert evaluation.summary().startswith(
        "synthetic: 500 films of 500 children, Z by synthetic-demo 1: r_z 0."
    )


def test_the_manifest_that_it_was_trained_on_is_remarked() -> None:
    card = a_card()
    known = Circumstances(manifest_sha256=card.training.manifest_sha256)

    remarks = evaluate_table(simulated(40), card, known).remarks

    assert "trained on" in remarks[0]


def test_films_unlike_those_of_the_threshold_are_remarked(evaluation: Evaluation) -> None:
    assert any("chosen for films with nothing missing" in text for text in evaluation.remarks)
    assert any("turned away" in text for text in evaluation.remarks)


def test_films_that_must_not_be_estimated_are_counted_and_left_out() -> None:
    table = simulated(42, kind=("chest",) * 30 + ("rods",) * 2 + ("",) * 10)

    found = evaluate_table(table, a_card())

    assert found.films == 40
    assert found.exclusions == {"MUST_NOT_BE_ESTIMATED": 2}
    with pytest.raises(ConfigurationError, match="no film to evaluate"):
        evaluate_table(simulated(2, kind=("rods", "rods")), a_card())


def test_an_old_card_and_few_films_are_evaluated_as_far_as_they_go() -> None:
    found = evaluate_table(simulated(3), without_rules(a_card()))

    document = document_of(found)

    assert document["threshold_source"] == "DEFINITION"
    assert document["decision_curve"] is None
    assert document["reliability"] is None
    assert document["overall"]["not_computed"]["r_z"] == "3 films"
    assert found.values() == {}
    assert "too few films" in found.summary()


def test_attention_and_height_are_scrutinised(evaluation: Evaluation) -> None:
    assert evaluation.attention is not None
    assert evaluation.attention.on_spine.value == pytest.approx(0.35, abs=0.02)
    assert evaluation.attention.ratio.value == pytest.approx(3.5, abs=0.2)
    assert evaluation.r_given_height is not None
    assert evaluation.r_given_height.n == int(evaluation.table.height_known.sum())
