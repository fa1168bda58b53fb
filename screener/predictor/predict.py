"""Estimates from films: load a predictor once, then ask it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from screener.domain.errors import DeviceUnavailable, PredictorMismatch
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import (
    Abstention,
    AttentionMap,
    Contribution,
    InputField,
    Prediction,
    PredictorIdentity,
    SpineShare,
)
from screener.domain.screening import NotScoredReason
from screener.predictor.architecture import FeatureMaps, ScreenerNet, pool
from screener.predictor.attribution import (
    PLAYERS,
    class_activation,
    pooled_gradient,
    shapley_values,
)
from screener.predictor.card import PredictorCard, load_identity
from screener.predictor.checkpoint import load_network
from screener.predictor.encoding import encode_clinical
from screener.predictor.estimate import (
    decision_of,
    distribution_of,
    interval_of,
    low_probability_of,
)
from screener.predictor.gates import (
    Gates,
    exposed_cells,
    first_reason,
    load_gates,
    share_within,
)

Device = Literal["cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]

#: Films in one forward pass on a GPU. On a CPU a film goes alone: a batch is slower there, and the
#: last digits of an estimate would depend on its neighbours.
_GPU_BATCH = 32


class PreparedFilm(Protocol):
    """What we need of a prepared film; `imaging.preprocess.ModelInput` has this shape."""

    @property
    def pixels(self) -> npt.NDArray[np.float32]:
        """``[size, size]`` float32, 0 to 1."""

    @property
    def mm_per_pixel(self) -> float:
        """Detector millimetres per network pixel."""

    @property
    def input_field(self) -> InputField:
        """The network's square on the film."""

    @property
    def digest(self) -> str:
        """SHA-256 of the pixels."""

    @property
    def preparation_version(self) -> int:
        """Of the code that prepared it."""


class TorchPredictor:
    """A predictor, loaded. Deterministic: the same input gives the same numbers.

    Made by `load`.
    """

    def __init__(
        self,
        *,
        network: ScreenerNet,
        gates: Gates | None,
        card: PredictorCard,
        identity: PredictorIdentity,
        device: Device,
        precision: Precision,
    ) -> None:
        self.card = card
        self.identity = identity
        self._network = network
        self._gates = gates
        self._device = torch.device(device)
        self._precision = precision
        self._reference = card.reference.reference()

    @classmethod
    def load(
        cls,
        folder: Path,
        device: Device = "cpu",
        threads: int = 0,
        precision: Precision = "float32",
    ) -> TorchPredictor:
        """Load a predictor's folder, every byte of it checked.

        Parameters
        ----------
        folder
            With card, weights and checksums.
        device
            ``"cpu"`` or ``"cuda"``.
        threads
            Of this process, for the network on a CPU; 0 for one per core.
        precision
            Of the trunk. ``"bfloat16"`` takes a third of the time on a CPU that has it.

        Raises
        ------
        PredictorMismatch
            The folder is no predictor, or not as it was written.
        DeviceUnavailable
            There is no such device, or it has no memory left.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise DeviceUnavailable("this machine shows no CUDA device: set the device to cpu")
        if threads:
            torch.set_num_threads(threads)
        network, card = load_network(folder)
        gates = load_gates(folder, card, network.trunk.in_planes)
        with _device_errors():
            network.to(device)
            gates = gates.to(device) if gates else None
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stub
        return cls(
            network=network,
            gates=gates,
            card=card,
            identity=load_identity(folder),
            device=device,
            precision=precision,
        )

    def predict(
        self, items: Sequence[tuple[PreparedFilm, ClinicalVariables]]
    ) -> list[Prediction | Abstention]:
        """Estimate the aBMD of each film, with interval, attention map and contributions.

        Parameters
        ----------
        items
            A prepared film and what is known of its child, any number of pairs.

        Returns
        -------
        list of Prediction or Abstention
            In the order given. A film that one of the card's gates turns away has no estimate, and
            the gate's reason. aBMD in g/cm2 is what the card's reference has at the calibrated Z
            for age and sex; contributions are in reference SDs and add up, with the card's
            `baseline.z`, to that Z.

        Raises
        ------
        PredictorMismatch
            An age or an input size that the predictor was not made for. Nothing is estimated then;
            ask film by film to learn which.
        OutsideReference
            The card's reference does not reach the estimate, or a bound of its interval.
        DeviceUnavailable
            The device failed, or has no memory left.
        """
        for film, clinical in items:
            self.card.check_age(clinical.age_years)
            if film.pixels.shape != (self.card.size_px, self.card.size_px):
                raise PredictorMismatch(
                    f"predictor {self.card.label} takes films of {self.card.size_px} px; "
                    f"this one was prepared as {film.pixels.shape[1]} x {film.pixels.shape[0]}"
                )
            if film.preparation_version != self.card.preparation_version:
                raise PredictorMismatch(
                    f"predictor {self.card.label} was trained on films of preparation "
                    f"{self.card.preparation_version}; this software makes "
                    f"{film.preparation_version}: use the software that it came with"
                )
        step = _GPU_BATCH if self._device.type == "cuda" else 1
        return [
            prediction
            for start in range(0, len(items), step)
            for prediction in self._predict_batch(items[start : start + step])
        ]

    @torch.inference_mode()
    def _predict_batch(
        self, items: Sequence[tuple[PreparedFilm, ClinicalVariables]]
    ) -> list[Prediction | Abstention]:
        encoded = np.stack(
            [encode_clinical(clinical, film.mm_per_pixel) for film, clinical in items]
        )
        head, slope = self._network.head, self.card.calibration.slope
        with _device_errors():
            clinical_rows = torch.from_numpy(encoded).to(self._device)
            films = torch.from_numpy(np.stack([film.pixels for film, _ in items]))[:, None].to(
                device=self._device, memory_format=torch.channels_last
            )
            maps = self._maps(films)
            features = maps.last
            pooled = pool(features)
            shares, baseline = shapley_values(head, pooled, clinical_rows)
            gradient = pooled_gradient(head, pooled, clinical_rows)
            # the map shows what moved this estimate the way that its film moved it
            attention = class_activation(features, gradient, torch.sign(shares[:, 0]))
            z = self.card.calibration.intercept + slope * (baseline + shares.sum(dim=1))
            z_of, shares_of, heat = z.tolist(), (slope * shares).tolist(), attention.cpu().numpy()
            reasons = self._reasons(maps, films)
            spines = self._spines(features, films, attention)
        return [
            self._prediction(film, clinical, encoded[i], z_of[i], shares_of[i], heat[i], spines[i])
            if (reason := reasons[i]) is None
            else Abstention(reason=reason)
            for i, (film, clinical) in enumerate(items)
        ]

    def _reasons(self, maps: FeatureMaps, films: Tensor) -> list[NotScoredReason | None]:
        """Return why each film must not be estimated, or None."""
        if self._gates is None or not self.card.gates:
            return [None] * len(films)
        return first_reason(self._gates.statistics(maps, films), self.card.gates)

    def _spines(
        self, features: Tensor, films: Tensor, attention: Tensor
    ) -> list[SpineShare | None]:
        """Return how much of each film's attention lies on its spine, where that can be told."""
        facts = self.card.attention
        if self._gates is None or facts is None or not self._gates.finds_spine:
            return [None] * len(films)
        exposed = exposed_cells(films, *attention.shape[1:])
        shares, areas = share_within(attention, self._gates.spine(features), exposed)
        return [
            SpineShare(attention=share, area=area, trusted=share >= facts.least_ratio * area)
            for share, area in zip(shares.tolist(), areas.tolist(), strict=True)
        ]

    def _maps(self, films: Tensor) -> FeatureMaps:
        with torch.autocast(
            self._device.type,
            dtype=torch.bfloat16,
            enabled=self._precision == "bfloat16",
        ):
            return self._network.maps(films)

    def _prediction(
        self,
        film: PreparedFilm,
        clinical: ClinicalVariables,
        encoded: npt.NDArray[np.float32],
        z: float,
        shares: list[float],
        attention: npt.NDArray[np.float32],
        spine: SpineShare | None,
    ) -> Prediction:
        low, middle, high = interval_of(self.card, self._reference, clinical, z)
        shown = spine is None or spine.trusted
        return Prediction(
            abmd_g_cm2=middle,
            abmd_low_g_cm2=low,
            abmd_high_g_cm2=high,
            interval_level=self.card.interval.level,
            predictor=self.identity,
            contributions=tuple(
                Contribution(name=name, sd=sd) for name, sd in zip(PLAYERS, shares, strict=True)
            ),
            attention=_attention(attention) if shown else None,
            input_field=film.input_field,
            input_digest=hashlib.sha256(
                film.digest.encode() + np.ascontiguousarray(encoded).tobytes()
            ).hexdigest(),
            distribution=distribution_of(self.card, self._reference, clinical, z),
            low_probability=low_probability_of(self.card, z),
            decision=decision_of(self.card),
            spine=spine,
        )


def _attention(map_: npt.NDArray[np.float32]) -> AttentionMap:
    rows, columns = map_.shape
    values = tuple(float(value) for value in map_.reshape(-1))
    return AttentionMap(rows=rows, columns=columns, values=values)


@contextmanager
def _device_errors() -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, torch.AcceleratorError) as error:
        raise DeviceUnavailable(f"the device failed: {type(error).__name__}") from error
