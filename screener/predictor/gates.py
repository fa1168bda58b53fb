"""Films that must not be estimated, told by what the network sees in them.

Everything here reads feature maps that the forward pass has anyway. A gate is a linear probe on the
means and maxima of an early map in the parts of a film, the distance from the training films there,
or the share of clipped pixels; the finder of the spine is a linear probe on each cell of the last
map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import functional

from screener.domain.errors import PredictorMismatch
from screener.domain.screening import NotScoredReason
from screener.predictor.architecture import FeatureMaps
from screener.predictor.card import PredictorCard, verify_gates
from screener.predictor.facts import Gate

#: A film is described by this many parts each way: what lies where tells a rod from a rib.
PARTS = 3

#: Half a step of the 16-bit greys that training keeps: less than that is 0 there, and padding.
_SHOWN_FROM = 0.5 / 65535

#: Pixels this near to an end of the grey scale are clipped.
CLIPPED_END = 0.004

#: The order in which a film's gates are asked: what it is, what lies over it, how it lies.
PROBES: tuple[NotScoredReason, ...] = (
    NotScoredReason.NOT_FRONTAL_CHEST,
    NotScoredReason.SPINE_NOT_IN_FIELD,
    NotScoredReason.HARDWARE_OVER_SPINE,
    NotScoredReason.CONTRAST_MEDIUM,
    NotScoredReason.BRACE_OR_CAST,
    NotScoredReason.SCOLIOSIS_OR_ROTATION,
)

_TENSORS = (
    "centre",
    "scale",
    "probe_weight",
    "probe_bias",
    "component",
    "component_variance",
    "rest_variance",
    "spine_weight",
    "spine_bias",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """What the gates file holds, float32.

    Parameters
    ----------
    centre, scale
        ``[D]``: they standardise a film's `described` features. Gates taught before 0.2.1 of the
        predictor that ships have ``[2C]``, of the last map as a whole, wherever D stands here.
    probe_weight, probe_bias
        ``[G, D]`` and ``[G]``, one probe for each of `PROBES`.
    component, component_variance, rest_variance
        ``[k, D]``, ``[k]`` and ``[]``: directions in which training films differ, how far they do,
        and how far beside them.
    spine_weight, spine_bias
        ``[C]`` and ``[]``: of a cell of the last feature map that shows spine. All 0 where training
        had no spine masks: then `finds_spine` is false.
    """

    centre: Tensor
    scale: Tensor
    probe_weight: Tensor
    probe_bias: Tensor
    component: Tensor
    component_variance: Tensor
    rest_variance: Tensor
    spine_weight: Tensor
    spine_bias: Tensor

    @property
    def finds_spine(self) -> bool:
        """Whether it was taught where the spine is."""
        return bool(self.spine_weight.abs().sum() > 0)

    def to(self, device: torch.device | str) -> Gates:
        """Return the same on a device."""
        return Gates(**{name: getattr(self, name).to(device) for name in _TENSORS})

    def statistics(self, maps: FeatureMaps, films: Tensor) -> dict[NotScoredReason, Tensor]:
        """Return what each gate compares, ``[B]`` each.

        Parameters
        ----------
        maps, films
            What the trunk sees in films ``[B, 1, S, S]`` float32, 0 to 1, padding 0.
        """
        # gates of before look at the last map as a whole: a node keeps the predictor it has
        whole = len(self.centre) == _whole_width(maps.last.shape[1])
        seen = described(maps.last, parts=1) if whole else described(maps.early)
        standard = (seen - self.centre) / self.scale
        logits = standard @ self.probe_weight.T + self.probe_bias
        found = {reason: logits[:, i] for i, reason in enumerate(PROBES)}
        found[NotScoredReason.CLIPPED_FILM] = clipped_share(films)
        found[NotScoredReason.UNLIKE_TRAINING] = self.distance(standard)
        return found

    def distance(self, standard: Tensor) -> Tensor:
        """Return how far films lie from those of training, ``[B]``; about 1 for one of them.

        Parameters
        ----------
        standard
            ``[B, D]`` standardised features.

        Notes
        -----
        The root of the mean squared distance along each component and beside them, in standard
        deviations. Source: Lee K et al. A simple unified framework for detecting
        out-of-distribution samples. NeurIPS 2018 (Mahalanobis distance of features); Tipping ME,
        Bishop CM. J R Stat Soc B 1999;61:611 (probabilistic PCA: one variance beside the
        components).
        """
        along = standard @ self.component.T
        beside = (standard**2).sum(dim=1) - (along**2).sum(dim=1)
        rest = standard.shape[1] - len(self.component)
        squared = (along**2 / self.component_variance).mean(dim=1)
        return ((squared + beside.clamp(min=0) / rest / self.rest_variance) / 2).sqrt()

    def spine(self, features: Tensor) -> Tensor:
        """Return the probability that a cell of the feature map shows spine, ``[B, h, w]``."""
        logit = torch.einsum("bchw,c->bhw", features.float(), self.spine_weight) + self.spine_bias
        return torch.sigmoid(logit)


def described(maps: Tensor, *, parts: int = PARTS) -> Tensor:
    """Return the means, then the maxima, of a map's channels in each part of the film.

    Parameters
    ----------
    maps
        ``[B, K, h, w]``.
    parts
        Into how many the film is cut, each way.

    Returns
    -------
    Tensor
        ``[B, D]`` float32, D = 2 * parts * parts * K.
    """
    floats = maps.float()
    return torch.cat(
        [
            functional.adaptive_avg_pool2d(floats, parts).flatten(1),
            functional.adaptive_max_pool2d(floats, parts).flatten(1),
        ],
        dim=1,
    )


def described_width(trunk_channels: int) -> int:
    """Return the D of a described early map, of a trunk that ends with so many channels."""
    return 2 * PARTS**2 * (trunk_channels // 4)


def _whole_width(trunk_channels: int) -> int:
    """Return the D of a last map that is described as a whole."""
    return 2 * trunk_channels


def clipped_share(films: Tensor) -> Tensor:
    """Return the share of the exposed pixels at an end of the grey scale, ``[B]``.

    Parameters
    ----------
    films
        ``[B, 1, S, S]`` float32, 0 to 1. Zeros are padding and do not count; so is what rounds to
        zero, or a gate would count otherwise on a node than where it was taught.
    """
    shown = films > _SHOWN_FROM
    clipped = shown & ((films > 1 - CLIPPED_END) | (films < CLIPPED_END))
    return clipped.sum(dim=(1, 2, 3)) / shown.sum(dim=(1, 2, 3)).clamp(min=1)


def first_reason(
    statistics: Mapping[NotScoredReason, Tensor], gates: Sequence[Gate]
) -> list[NotScoredReason | None]:
    """Return the first of a card's gates that each film does not pass, or None."""
    count = len(next(iter(statistics.values())))
    reasons: list[NotScoredReason | None] = [None] * count
    for gate in gates:
        values = statistics[NotScoredReason(gate.reason)].tolist()
        for i, value in enumerate(values):
            if reasons[i] is None and value > gate.limit:
                reasons[i] = NotScoredReason(gate.reason)
    return reasons


def exposed_cells(films: Tensor, rows: int, columns: int) -> Tensor:
    """Return the share of each cell that is film and not padding, ``[B, rows, columns]``."""
    return functional.adaptive_avg_pool2d((films > _SHOWN_FROM).float(), (rows, columns))[:, 0]


def share_within(attention: Tensor, region: Tensor, exposed: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much of an attention map lies in a region, and the region's share of the film.

    Parameters
    ----------
    attention, region, exposed
        ``[B, h, w]``: at least 0; 0 to 1; 0 to 1.

    Returns
    -------
    tuple of Tensor
        ``[B]`` each, 0 to 1; 0 where there is no attention at all.
    """
    inside = (attention * exposed * region).sum(dim=(1, 2))
    area = (exposed * region).sum(dim=(1, 2)) / exposed.sum(dim=(1, 2)).clamp(min=1e-6)
    return inside / (attention * exposed).sum(dim=(1, 2)).clamp(min=1e-9), area


def save_gates(gates: Gates) -> bytes:
    """Return the bytes of a gates file."""
    return save({name: getattr(gates, name).float().contiguous() for name in _TENSORS})


def load_gates(folder: Path, card: PredictorCard, trunk_channels: int) -> Gates | None:
    """Load a predictor's gates; None where it has none.

    Raises
    ------
    PredictorMismatch
        A byte has changed, or the file does not fit card and network.
    """
    content = verify_gates(folder, card)
    if content is None:
        return None
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise PredictorMismatch(f"the gates in {folder} cannot be read: {error}") from error
    known = {reason.value for reason in (*PROBES, *_OTHERS)}
    widths = {described_width(trunk_channels), _whole_width(trunk_channels)}
    fits = set(tensors) == set(_TENSORS) and tensors["centre"].numel() in widths
    if not fits or not {gate.reason for gate in card.gates} <= known:
        raise PredictorMismatch(
            f"the gates in {folder} do not fit its card and network: install the predictor again, "
            "or teach gates with screener calibrate --refused"
        )
    return Gates(**tensors)


_OTHERS = (NotScoredReason.CLIPPED_FILM, NotScoredReason.UNLIKE_TRAINING)
