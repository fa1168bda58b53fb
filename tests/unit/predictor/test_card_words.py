"""The model card for people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from screener.domain.prediction import PredictorIdentity
from screener.predictor.card import PredictorCard
from screener.predictor.card_words import NOT_IN_CARD, as_figures, as_markdown, headline, sections
from screener.predictor.facts import (
    AttentionFacts,
    Calibration,
    Decision,
    Gate,
    Probability,
    ReferenceFacts,
    Share,
)
from tests.structure.words import forbidden_words
from tests.unit.predictor.conftest import make_card, make_reference

IDENTITY = PredictorIdentity(name="tiny", version="0.0.1", checksum="d" * 64, synthetic=True)


def share(value: float) -> Share:
    return Share(value=value, low=value - 0.05, high=value + 0.05, n=120)


def whole_card() -> PredictorCard:
    return replace(
        make_card(),
        calibration=Calibration(
            slope=1.1, intercept=-0.2, films=100, patients=90, origin="the site's own"
        ),
        probability=Probability(
            slope=-1.5, intercept=-2.5, prevalence=0.1, films=400, patients=390, local=False
        ),
        decision=Decision(
            threshold_z=-1.7,
            definition_z=-2.0,
            target="sensitivity",
            target_value=0.85,
            sensitivity=share(0.87),
            specificity=share(0.8),
            prevalence=0.05,
            expected_ppv={"0.05": 0.19, "0.2": 0.52},
            expected_flags_per_1000={"0.05": 233.0, "0.2": 334.0},
            films=400,
            patients=390,
            low_patients=61,
            reference="made-up 1",
            missing="height and weight",
        ),
        gates=(
            Gate(
                reason="CLIPPED_FILM",
                statistic="share of clipped pixels",
                limit=0.2,
                false_rejection=share(0.06),
                detected={"clipped": share(0.9)},
                proven_on_patients=False,
            ),
        ),
        gates_sha256="e" * 64,
        attention=AttentionFacts(least_ratio=1.2, median_ratio=2.5, shown=0.93, films=200),
    )


def text_of(card: PredictorCard, title: str) -> str:
    (found,) = [s for s in sections(card, IDENTITY) if s.title.startswith(title)]
    return "\n".join([found.text, *(f"{name}: {value}" for name, value in found.rows)])


def test_what_the_card_has_is_told_with_unit_and_reference() -> None:
    card = whole_card()

    assert "estimates children of: 3 to under 18 years" in text_of(card, "Ages")
    assert "as 64 x 64 pixels" in text_of(card, "Input")
    assert "made-up 1 (synthetic: no clinical reference)" in text_of(card, "BMD reference")
    assert "Z: -0.200 + 1.100 x the network's Z" in text_of(card, "Calibration")
    assert "whose: the site's own" in text_of(card, "Calibration")
    assert "without height and weight: 1.30 Z (made-up 1)" in text_of(card, "Prediction interval")
    assert "reports print no P" in text_of(card, "Probability")
    assert "checksum (SHA-256 of the card): " + "d" * 64 in text_of(card, "Identity")


def test_the_decision_threshold_stands_beside_the_definition_and_never_for_it() -> None:
    said = text_of(whole_card(), "Decision threshold")

    assert "flagged: an estimated Z at or below -1.7 (made-up 1)" in said
    assert "definition of low: a true Z at or below -2.0 (made-up 1)" in said
    assert "chosen for: 85 % sensitivity, without height and weight" in said
    assert "sensitivity: 87.0 % (82.0 to 92.0 %, of 120)" in said
    assert "prevalence of 5 %: 19 % of the flagged are low; 233 of 1,000 flagged" in said


def test_gates_are_told_with_their_mistakes_and_what_they_have_not_seen() -> None:
    said = text_of(whole_card(), "Films that its gates turn away")

    assert "finds clipped 90.0 % (of 120)" in said
    assert "by mistake 6.0 % (of 120) of films in range" in said
    assert "unproven on patients" in said


def test_figures_say_what_they_were_measured_on() -> None:
    card = replace(
        make_card(),
        metrics={"r_z": 0.5, "mae_z": 0.61, "no_height_no_weight.auc": 0.8, "novel_figure": 0.1},
        decision_notes="On the test part.",
    )

    said = text_of(card, "Figures (synthetic films), Z by made-up 1")

    assert "in the card's words: On the test part." in said
    assert "mean absolute error: 0.610 Z (made-up 1)" in said
    assert "at or below -2.0, without height and weight: 0.800" in said
    assert "novel_figure: 0.100" in said


@pytest.mark.parametrize(
    "title",
    ["Probability of a low Z", "Decision threshold", "Films that its gates turn", "Attention"],
)
def test_what_is_not_in_the_card_is_said_to_be_missing(title: str) -> None:
    assert text_of(make_card(), title) == NOT_IN_CARD


def test_a_card_without_figures_keeps_its_notes() -> None:
    card = replace(make_card(), metrics={})

    assert text_of(card, "Figures") == NOT_IN_CARD
    assert text_of(card, "Notes") == "none"


def test_a_synthetic_predictor_says_so_first_and_wherever_films_are_counted() -> None:
    card = whole_card()
    counting = [s.title for s in sections(card, IDENTITY) if "films" in str(s.rows)]

    assert headline(card)[0].startswith("SYNTHETIC:")
    assert as_markdown(card, IDENTITY).splitlines()[2].startswith("**SYNTHETIC:")
    assert all("synthetic" in title for title in counting)
    assert len(counting) >= 4


def test_a_predictor_for_children_is_not_called_synthetic() -> None:
    reference = replace(ReferenceFacts.of(make_reference()), synthetic=False)
    card = replace(whole_card(), synthetic=False, reference=reference)

    assert "synthetic" not in as_markdown(card, IDENTITY).lower()
    assert headline(card) == ("Research use only; not a medical device.",)


def test_the_document_survives_what_a_card_may_hold() -> None:
    card = replace(make_card(), intended_use="a | b\n<script>", name="x|y")

    text = as_markdown(card, IDENTITY)

    assert "a \\| b &lt;script>" in text
    assert "# Model card: x\\|y 0.0.1 (synthetic)" in text


def test_no_forbidden_word() -> None:
    assert forbidden_words(as_markdown(whole_card(), IDENTITY)) == []


def test_figures_for_a_list_leave_out_what_the_card_does_not_have() -> None:
    bare: dict[str, Any] = dict(as_figures(replace(make_card(), metrics={})))

    assert bare["r_z"] is None
    assert as_figures(make_card())["r_z"] == 0.5
    assert (bare["size_px"], bare["reference"], bare["synthetic"]) == (64, "made-up 1", True)
