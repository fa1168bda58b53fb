"""Predictors small enough for a test: one that computes, and one that only has papers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from screener.predictor.card import WEIGHTS_FILE, write_card
from screener.predictor.checkpoint import save_weights
from screener.predictor.facts import ReferenceFacts
from screener.storage.references import load_bmd_reference
from tests.unit.predictor.conftest import make_card, make_network


def write_tiny_predictor(folder: Path) -> Path:
    """Write a predictor with random weights, whose Z is that of the reference that ships."""
    facts = ReferenceFacts.of(load_bmd_reference("synthetic-demo"))
    sha256 = save_weights(folder, make_network())
    write_card(folder, replace(make_card(sha256), reference=facts))
    return folder


def write_paper_predictor(folder: Path, **changes: Any) -> Path:
    """Write a predictor whose card is in order and whose weights are no network."""
    folder.mkdir(parents=True)
    weights = b"no network"
    (folder / WEIGHTS_FILE).write_bytes(weights)
    card = make_card(hashlib.sha256(weights).hexdigest())
    write_card(folder, replace(card, **changes))
    return folder
