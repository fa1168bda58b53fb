from typing import Any

import pytest

from screener.domain.prediction import AttentionMap
from tests.unit.domain.values import PREDICTOR, prediction


def test_a_predictor_is_printed_with_version_and_checksum() -> None:
    assert PREDICTOR.label == "phantom 1 (abababab)"


@pytest.mark.parametrize(
    "wrong",
    [
        {"abmd_low_g_cm2": 0.0},
        {"abmd_low_g_cm2": -0.1},
        {"abmd_low_g_cm2": 0.71},
        {"abmd_high_g_cm2": 0.69},
        {"abmd_g_cm2": float("nan")},
        {"abmd_high_g_cm2": float("nan")},
    ],
)
def test_an_estimate_lies_above_zero_and_inside_its_interval(wrong: dict[str, Any]) -> None:
    assert prediction(-1.0).abmd_g_cm2 == pytest.approx(0.7)
    with pytest.raises(ValueError, match="inside its interval"):
        prediction(-1.0, **wrong)


def test_an_interval_may_end_at_its_estimate() -> None:
    assert prediction(-1.0, width_z=0.0).abmd_low_g_cm2 == pytest.approx(0.7)


def test_an_attention_map_is_a_full_grid() -> None:
    assert AttentionMap(rows=2, columns=3, values=(0.0,) * 6).rows == 2
    with pytest.raises(ValueError, match="rows x columns"):
        AttentionMap(rows=2, columns=3, values=(0.0,) * 5)
