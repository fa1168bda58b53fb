"""Tables of predictions drawn from a model that is known: what calibration is to find again."""

from __future__ import annotations

from typing import Any

import numpy as np

from screener.domain.patient import Sex
from screener.storage.references import load_bmd_reference
from screener.training.predictions import RAW_COLUMNS, PredictionTable

#: By how much more an estimate errs where variables are missing, of the SD of its error.
_WORSE = {"none": 1.0, "height": 1.1, "weight": 1.15, "height and weight": 1.3}


def make_table(
    count: int = 400,
    seed: int = 0,
    *,
    error_z: float = 0.7,
    slope: float = 0.8,
    intercept: float = 0.3,
    films_per_patient: int = 1,
    **changes: Any,
) -> PredictionTable:
    """Return children of N(-0.9, 1.45) whose raw Z is ``(Z + error - intercept) / slope``."""
    rng = np.random.default_rng(seed)
    child = np.arange(count) // films_per_patient
    z = np.clip(rng.normal(-0.9, 1.45, child.max() + 1), -4.5, 3.5)[child]
    sex = np.where(rng.random(child.max() + 1) < 0.5, "M", "F")[child]
    age = rng.uniform(4, 17, child.max() + 1)[child]
    error = rng.normal(0, error_z, count)
    reference = load_bmd_reference("synthetic-demo")
    columns: dict[str, Any] = {
        "path": tuple(f"{i}.dcm" for i in range(count)),
        "patient": tuple(f"child-{i}" for i in child),
        "site": ("A",) * count,
        "vendor": ("",) * count,
        "view": ("PA",) * count,
        "sex": tuple(sex.tolist()),
        "kind": ("chest",) * count,
        "group": ("",) * count,
        "variant": ("",) * count,
        "age_years": age,
        "height_z": rng.normal(-0.5, 1.2, count),
        "height_known": np.ones(count, bool),
        "weight_known": np.ones(count, bool),
        "z": z,
        "abmd_g_cm2": np.array(
            [
                reference.abmd_g_cm2(sex=Sex(s), age_years=float(a), z_score=float(v))
                for s, a, v in zip(sex, age, z, strict=True)
            ]
        ),
        "raw_z": {name: (z + _WORSE[name] * error - intercept) / slope for name in RAW_COLUMNS},
        "raw_low_logit": -(z + error + 2),
        "on_spine": np.full(count, np.nan),
        "spine_area": np.full(count, np.nan),
    }
    return PredictionTable(**(columns | changes))
