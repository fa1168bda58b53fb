"""A tiny predictor on disk: random weights, a synthetic reference, a whole card."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source
from screener.domain.prediction import InputField
from screener.domain.reference import BmdReference
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import CARD_SCHEMA, GATES_FILE, PredictorCard, write_card
from screener.predictor.checkpoint import save_weights
from screener.predictor.facts import (
    MISSING_PATTERNS,
    Architecture,
    AttentionFacts,
    Calibration,
    Decision,
    Gate,
    Interval,
    Probability,
    ReferenceFacts,
    ShapleyBaseline,
    Share,
    TrainingFacts,
)
from screener.predictor.gates import PROBES, Gates, described_width, save_gates

SIZE_PX = 64
WIDEN_FACTOR = 1 / 16


WHOLE_FILM = InputField(corners=((0, 0), (640, 0), (640, 640), (0, 640)))


@dataclass(frozen=True, kw_only=True)
class Film:
    """A prepared film, by shape alone."""

    pixels: npt.NDArray[np.float32]
    mm_per_pixel: float = 1.2
    input_field: InputField = WHOLE_FILM
    digest: str = "0" * 64
    preparation_version: int = 1


def make_film(seed: int = 0, size_px: int = SIZE_PX) -> Film:
    pixels = np.random.default_rng(seed).random((size_px, size_px), np.float32)
    return Film(pixels=pixels, digest=f"{seed:064x}")


def make_child(
    age_years: float = 10.0,
    sex: Sex = Sex.FEMALE,
    height_m: float | None = 1.4,
    weight_kg: float | None = 33.0,
) -> ClinicalVariables:
    def measured(value: float | None) -> Measurement:
        if value is None:
            return Measurement(value=None, absence=Absence.NOT_GIVEN)
        return Measurement(value=value, source=Source.HEADER)

    return ClinicalVariables(
        age_years=age_years, sex=sex, height_m=measured(height_m), weight_kg=measured(weight_kg)
    )


def make_reference() -> BmdReference:
    curve = LmsCurve(ages_years=(3.0, 18.0), l=(0.2, 0.4), m=(0.45, 0.95), s=(0.12, 0.13))
    return BmdReference(
        name="made-up",
        version="1",
        device="none",
        region="L1-L4",
        source="a test",
        table=LmsTable(curves={Sex.MALE: curve, Sex.FEMALE: curve}),
        synthetic=True,
        checksum="c" * 64,
    )


def make_network(seed: int = 0) -> ScreenerNet:
    """Return a network whose every part moves the estimate, so that tests can see it."""
    torch.manual_seed(seed)
    network = ScreenerNet(widen_factor=WIDEN_FACTOR).eval()
    with torch.no_grad():
        # fresh blocks are identities; norms that are not make every layer count
        for name, tensor in network.trunk.state_dict().items():
            if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.2)
        head = network.head
        head.clinical_mean.copy_(torch.tensor([11.0, 0.5, 1.4, 38.0, 0.1, 0.0, 0.0]))
        head.clinical_sd.copy_(torch.tensor([4.0, 0.5, 0.25, 16.0, 0.2, 1.0, 1.0]))
        head.z_mean.fill_(-0.8)
        head.z_sd.fill_(1.5)
        head.pooled_baseline.uniform_(0.0, 0.5)
        head.clinical_baseline.copy_(torch.tensor([11.0, 0.55, 0.0, 0.0, 0.1, 0.0, 0.0]))
    return network


def make_card(weights_sha256: str = "a" * 64) -> PredictorCard:
    return PredictorCard(
        schema=CARD_SCHEMA,
        name="tiny",
        version="0.0.1",
        synthetic=True,
        intended_use="a test",
        decision_notes="none",
        created="2026-11-24",
        training=TrainingFacts(
            data="nothing",
            machine="none",
            films=0,
            patients=0,
            epochs=0,
            seed=0,
            manifest_sha256="b" * 64,
            split_sha256="b" * 64,
        ),
        architecture=Architecture(trunk="resnet50", widen_factor=WIDEN_FACTOR),
        size_px=SIZE_PX,
        preparation_version=1,
        age_years=(3.0, 18.0),
        trained_ranges={"age_years": (3.0, 17.9)},
        reference=ReferenceFacts.of(make_reference()),
        calibration=Calibration(slope=1.1, intercept=-0.2, films=100, patients=90),
        interval=Interval(
            level=0.9,
            half_width_z=dict(zip(MISSING_PATTERNS.values(), (1.0, 1.1, 1.2, 1.3), strict=True)),
            statement="90 % interval of a test.",
        ),
        baseline=ShapleyBaseline(age_years=11.0, male_share=0.55, z=-0.8),
        metrics={"r_z": 0.5},
        weights_sha256=weights_sha256,
    )


CHANNELS = int(2048 * WIDEN_FACTOR)
DESCRIBED = described_width(CHANNELS)
SHARE = Share(value=0.9, low=0.8, high=0.95, n=40)


def make_gates(**changes: torch.Tensor) -> Gates:
    """Return gates that let every film pass, and find spine everywhere alike."""
    values = {
        "centre": torch.zeros(DESCRIBED),
        "scale": torch.ones(DESCRIBED),
        "probe_weight": torch.zeros(len(PROBES), DESCRIBED),
        "probe_bias": torch.full((len(PROBES),), -10.0),
        "component": torch.eye(2, DESCRIBED),
        "component_variance": torch.ones(2),
        "rest_variance": torch.tensor(1.0),
        "spine_weight": torch.full((CHANNELS,), 1e-6),
        "spine_bias": torch.tensor(0.0),
    }
    return Gates(**(values | changes))


def make_gate(reason: str, limit: float) -> Gate:
    return Gate(
        reason=reason,
        statistic="a number",
        limit=limit,
        false_rejection=SHARE,
        detected={"rods": SHARE},
        proven_on_patients=False,
    )


def make_full_card(weights_sha256: str = "a" * 64, gates_sha256: str = "c" * 64) -> PredictorCard:
    """Return a card with everything that a card may have."""
    plain = make_card(weights_sha256)
    levels, errors = (0.05, 0.5, 0.95), (-1.5, 0.0, 1.0)
    return dataclasses.replace(
        plain,
        interval=dataclasses.replace(
            plain.interval,
            quantile_levels=levels,
            error_quantiles_z=dict.fromkeys(MISSING_PATTERNS.values(), errors),
        ),
        probability=Probability(
            slope=-2.0, intercept=-4.0, prevalence=0.2, films=100, patients=90, local=True
        ),
        decision=Decision(
            threshold_z=-1.4,
            definition_z=-2.0,
            target="sensitivity",
            target_value=0.85,
            sensitivity=SHARE,
            specificity=SHARE,
            prevalence=0.05,
            expected_ppv={"0.05": 0.3},
            expected_flags_per_1000={"0.05": 150.0},
            films=100,
            patients=90,
            low_patients=40,
            reference="made-up 1",
            missing="height and weight",
        ),
        gates_sha256=gates_sha256,
        gates=(make_gate("HARDWARE_OVER_SPINE", 0.0), make_gate("UNLIKE_TRAINING", 1e6)),
        attention=AttentionFacts(least_ratio=1.0, median_ratio=3.0, shown=0.9, films=40),
    )


def write_full(folder: Path, network: ScreenerNet, gates: Gates) -> Path:
    """Write a predictor with gates, and return its folder."""
    content = save_gates(gates)
    weights = save_weights(folder, network)
    (folder / GATES_FILE).write_bytes(content)
    write_card(folder, make_full_card(weights, hashlib.sha256(content).hexdigest()))
    return folder


@pytest.fixture
def film() -> Callable[..., Film]:
    return make_film


@pytest.fixture
def child() -> Callable[..., ClinicalVariables]:
    return make_child


@pytest.fixture
def card() -> PredictorCard:
    return make_card()


@pytest.fixture
def network() -> ScreenerNet:
    return make_network()


@pytest.fixture
def folder(tmp_path: Path, network: ScreenerNet) -> Path:
    written = tmp_path / "predictor"
    write_card(written, make_card(save_weights(written, network)))
    return written
