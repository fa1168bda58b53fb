"""A predictor that needs no network: it reads a child's Z off the height in the film's header.

A stand-in for torch in tests of the stages, with the contract of `pipeline.ports.Predictor`. The
film still goes through decoding and preparation.
"""

from __future__ import annotations

from collections.abc import Sequence

from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import (
    AttentionMap,
    Contribution,
    Prediction,
    PredictorIdentity,
)
from screener.imaging.preprocess import ModelInput
from screener.storage.references import load_bmd_reference

#: A child of this height has Z 0; each centimetre less is a tenth of an SD less.
MEDIAN_HEIGHT_M = 1.40


def height_for(z: float) -> float:
    """Return the height, m, from which the stub reads a Z."""
    return round(MEDIAN_HEIGHT_M + z / 10, 4)


class HeightPredictor:
    """Reads Z from height, with an interval of `half_width_z` on both sides."""

    def __init__(self, *, half_width_z: float = 1.0, checksum: str = "ab" * 32) -> None:
        self.identity = PredictorIdentity(
            name="stub", version="1", checksum=checksum, synthetic=True
        )
        self._half_width_z = half_width_z
        self._reference = load_bmd_reference("synthetic-demo")
        self.films_seen = 0

    def predict(
        self, items: Sequence[tuple[ModelInput, ClinicalVariables]]
    ) -> Sequence[Prediction]:
        """Estimate from the clinical variables alone."""
        self.films_seen += len(items)
        return [self._one(film, clinical) for film, clinical in items]

    def _one(self, film: ModelInput, clinical: ClinicalVariables) -> Prediction:
        height = clinical.height_m.value
        z = 0.0 if height is None else (height - MEDIAN_HEIGHT_M) * 10

        def abmd(at: float) -> float:
            return self._reference.abmd_g_cm2(
                sex=clinical.sex, age_years=clinical.age_years, z_score=at
            )

        return Prediction(
            abmd_g_cm2=abmd(z),
            abmd_low_g_cm2=abmd(z - self._half_width_z),
            abmd_high_g_cm2=abmd(z + self._half_width_z),
            interval_level=0.9,
            predictor=self.identity,
            contributions=(
                Contribution(name="image", sd=0.0),
                Contribution(name="age", sd=0.0),
                Contribution(name="sex", sd=0.0),
                Contribution(name="height", sd=z),
                Contribution(name="weight", sd=0.0),
            ),
            attention=AttentionMap(rows=2, columns=2, values=(0.0, 0.2, 0.9, 0.1)),
            input_field=film.input_field,
            input_digest=film.digest,
        )
