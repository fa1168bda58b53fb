"""What decides how a training run goes: everything that must be equal for it to be resumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from screener.domain.errors import ConfigurationError
from screener.predictor.facts import Architecture
from screener.training.arms import Arm
from screener.training.split import NOBODY, HeldOut, SplitShares

#: Up to this share of the epochs, films of this share of the full side: small ones teach where to
#: look at a quarter of the cost, full ones what to see there.
_STAGES = ((0.4, 0.5), (0.7, 0.75))
_SIDE_MULTIPLE, _SMALLEST_SIDE = 32, 64

_WARM_UP_SHARE, _LAST_RATE = 0.05, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides how a run goes. It is written beside the run, and must be equal to resume it.

    Parameters
    ----------
    size_px
        Side of the films that the predictor takes; a multiple of 32.
    epochs, batch_size
        Passes over the training part, and films in a step.
    rate, weight_decay, dropout
        Highest learning rate of AdamW, and what keeps the network plain.
    widen_factor
        Of the trunk; 1 is ResNet-50.
    seed
        Of the split, the first weights and every augmentation.
    reference, age_years
        BMD reference that gives the Z, and the ages that the predictor is made for.
    shares, held_out
        Of the patients, by part; and who is for the test whatever chance says.
    pair_days
        Most days between film and DXA.
    folds
        1 holds a calibration part out; more give every child an out-of-fold estimate.
    arm
        What the network is shown.
    """

    size_px: int = 512
    epochs: int = 60
    batch_size: int = 16
    rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.2
    widen_factor: float = 1.0
    seed: int = 1
    reference: str = "synthetic-demo"
    age_years: tuple[float, float] = (3.0, 18.0)
    shares: SplitShares = field(default_factory=SplitShares)
    held_out: HeldOut = NOBODY
    pair_days: int = 90
    folds: int = 1
    arm: Arm = Arm.FUSED

    def __post_init__(self) -> None:
        """Refuse a side that does not halve down to the last feature map."""
        if self.size_px < _SMALLEST_SIDE or self.size_px % _SIDE_MULTIPLE:
            raise ConfigurationError(
                f"a side of {self.size_px} px: it must be a multiple of {_SIDE_MULTIPLE}, from "
                f"{_SMALLEST_SIDE} px, such as 320 or 512"
            )

    @property
    def architecture(self) -> Architecture:
        """The form of the network."""
        return Architecture(trunk="resnet50", widen_factor=self.widen_factor)

    def side_px(self, epoch: int) -> int:
        """Return the side of the films in an epoch, counted from 0."""
        for until, share in _STAGES:
            if epoch < until * self.epochs:
                side = round(share * self.size_px / _SIDE_MULTIPLE) * _SIDE_MULTIPLE
                return min(max(side, _SMALLEST_SIDE), self.size_px)
        return self.size_px

    def rate_at(self, progress: float) -> float:
        """Return the learning rate after a share of all steps: warm-up, then a cosine."""
        if progress < _WARM_UP_SHARE:
            return self.rate * max(progress / _WARM_UP_SHARE, _LAST_RATE)
        fallen = (progress - _WARM_UP_SHARE) / (1 - _WARM_UP_SHARE)
        return self.rate * (_LAST_RATE + (1 - _LAST_RATE) * (1 + math.cos(math.pi * fallen)) / 2)
