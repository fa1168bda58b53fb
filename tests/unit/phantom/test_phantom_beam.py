from __future__ import annotations

import numpy as np
import pytest

from screener.phantom.beam import (
    HYDROXYAPATITE_G_CM3,
    SOFT_G_CM3,
    Beam,
    half_value_layer_mm_al,
    primary,
    spectrum,
)

#: Of the beam quality table: kV, added Al and Cu in mm, half-value layer in mm Al.
_TABLE = [
    (60, 0.0, 0.0, 2.08),
    (60, 1.0, 0.1, 3.47),
    (70, 1.0, 0.1, 4.08),
    (80, 1.0, 0.2, 5.64),
    (100, 1.0, 0.1, 5.96),
    (110, 0.0, 0.0, 4.43),
    (120, 1.0, 0.2, 8.07),
]


def _signal(beam: Beam, soft_cm: float, mineral_g_cm2: float) -> float:
    """Return the primary behind tissue of which mineral displaces its own volume."""
    soft = SOFT_G_CM3 * (soft_cm - mineral_g_cm2 / HYDROXYAPATITE_G_CM3)
    return float(
        primary(
            beam,
            np.array([soft], dtype=np.float32),
            np.array([mineral_g_cm2], dtype=np.float32),
        )[0]
    )


@pytest.mark.parametrize(("kvp", "al_mm", "cu_mm", "expected_mm"), _TABLE)
def test_half_value_layer_is_within_ten_percent_of_the_table(
    kvp: float, al_mm: float, cu_mm: float, expected_mm: float
) -> None:
    beam = Beam(kvp=kvp, added_al_mm=al_mm, added_cu_mm=cu_mm)

    measured = half_value_layer_mm_al(beam)

    assert measured == pytest.approx(expected_mm, rel=0.10)


def test_a_tenth_of_a_gram_of_mineral_lowers_the_primary_by_five_point_six_percent() -> None:
    beam = Beam(kvp=70, added_al_mm=1.0, added_cu_mm=0.1)

    drop = 1 - _signal(beam, 12.0, 0.1) / _signal(beam, 12.0, 0.0)

    assert 100 * drop == pytest.approx(5.6, abs=0.5)


def test_mineral_shows_less_the_higher_the_tube_voltage() -> None:
    drops = [
        1 - _signal(Beam(kvp=kvp), 12.0, 0.1) / _signal(Beam(kvp=kvp), 12.0, 0.0)
        for kvp in (60, 80, 100, 120)
    ]

    assert drops == sorted(drops, reverse=True)


def test_bilinear_lookup_agrees_with_its_nodes_neighbours() -> None:
    beam = Beam(kvp=70)

    at_nodes = [_signal(beam, soft / SOFT_G_CM3, 0.0) for soft in (10.0, 10.25)]
    between = _signal(beam, 10.125 / SOFT_G_CM3, 0.0)

    assert between == pytest.approx(float(np.sqrt(at_nodes[0] * at_nodes[1])), rel=1e-4)


def test_nothing_leaves_the_tube_above_its_voltage() -> None:
    photons = spectrum(Beam(kvp=65))

    assert photons.sum() == pytest.approx(1.0)
    assert photons[56:].max() == 0.0


def test_a_voltage_outside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="tube voltage"):
        Beam(kvp=20)
