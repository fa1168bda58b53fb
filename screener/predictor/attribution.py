"""Where an estimate comes from, without a backward pass: Grad-CAM and exact Shapley values.

Both need only the features before the mean over pixels, which the forward pass keeps.
"""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from screener.predictor.architecture import Head
from screener.predictor.encoding import (
    AGE,
    HEIGHT,
    HEIGHT_KNOWN,
    LOG_MM,
    MALE,
    WEIGHT,
    WEIGHT_KNOWN,
)

#: The inputs that share an estimate among them, in the order of every Shapley result.
PLAYERS = ("image", "age", "sex", "height", "weight")

#: The clinical columns that each player brings. The film's scale is a property of the film.
_COLUMNS = ((LOG_MM,), (AGE,), (MALE,), (HEIGHT, HEIGHT_KNOWN), (WEIGHT, WEIGHT_KNOWN))

#: Every set of players, ``[32, 5]``, 1 where a player is in.
_COALITIONS = torch.tensor(list(itertools.product((0.0, 1.0), repeat=len(PLAYERS))))


def pooled_gradient(head: Head, pooled: Tensor, clinical: Tensor) -> Tensor:
    """Return the gradient of the raw Z with respect to the pooled features.

    Parameters
    ----------
    head
        In evaluation mode: without dropout.
    pooled, clinical
        ``[B, C]`` and ``[B, 7]`` float32.

    Returns
    -------
    Tensor
        ``[B, C]``, reference SDs per unit of feature. The head is linear but for its ReLUs, so
        the chain rule is three products.
    """
    embedded = head.embed(pooled)
    clinical_features = head.clinical(head.standardise(clinical))
    joined = head.join(torch.cat([torch.relu(embedded), clinical_features], dim=1))
    at_joined = head.answer.weight[0] * (joined > 0)
    at_embedded = (at_joined @ head.join.weight)[:, : embedded.shape[1]] * (embedded > 0)
    gradient: Tensor = at_embedded @ head.embed.weight * head.z_sd
    return gradient


def class_activation(features: Tensor, gradient: Tensor, direction: Tensor) -> Tensor:
    """Return Grad-CAM: where the film moved the estimate in a direction.

    Parameters
    ----------
    features
        ``[B, C, h, w]``, the last feature map.
    gradient
        ``[B, C]``, of `pooled_gradient`.
    direction
        ``[B]``; 1 shows what raised the Z, -1 what lowered it.

    Returns
    -------
    Tensor
        ``[B, h, w]`` float32, 0 to 1, the highest value 1; all 0 where nothing moved it that way.

    Notes
    -----
    Source: Selvaraju RR et al. Grad-CAM. ICCV 2017. Behind a mean over pixels its channel weights
    are the gradient there over the number of pixels; the number drops out of the scaling.
    """
    weighted = torch.einsum("bchw,bc->bhw", features.float(), gradient)
    positive = torch.relu(direction[:, None, None] * weighted)
    highest = positive.amax(dim=(1, 2), keepdim=True)
    return positive / torch.where(highest > 0, highest, torch.ones_like(highest))


def shapley_values(head: Head, pooled: Tensor, clinical: Tensor) -> tuple[Tensor, Tensor]:
    """Share each film's raw Z among its inputs, exactly, in one batch through the head.

    Parameters
    ----------
    head
        In evaluation mode; its baseline buffers are what an absent player is replaced by: the
        mean film of the training part, its mean age and share of boys, height and weight unknown.
    pooled, clinical
        ``[B, C]`` and ``[B, 7]`` float32.

    Returns
    -------
    tuple of Tensor
        ``[B, 5]`` reference SDs in the order of `PLAYERS`, and the baseline ``[B]``: with it they
        add up to the raw Z. A variable that is missing anyway moves nothing.

    Notes
    -----
    Source: Shapley LS. A value for n-person games, 1953; Lundberg SM, Lee SI. NeurIPS 2017.
    """
    batch, players = pooled.shape[0], len(PLAYERS)
    present = _COALITIONS.to(pooled.device).bool()
    rows = clinical[:, None, :].repeat(1, len(present), 1)
    for player, columns in enumerate(_COLUMNS):
        absent = ~present[:, player]
        for column in columns:
            rows[:, absent, column] = head.clinical_baseline[column]
    films = torch.where(present[None, :, :1], pooled[:, None, :], head.pooled_baseline)
    z = head(films.flatten(0, 1), rows.flatten(0, 1)).z.reshape(batch, 2**players)
    return z @ _shapley_matrix().to(z), z[:, 0]


def _shapley_matrix() -> Tensor:
    """Return ``[32, 5]``: how much the value of each coalition counts for each player."""
    players = len(PLAYERS)
    size = _COALITIONS.sum(dim=1)
    matrix = torch.zeros(len(_COALITIONS), players, dtype=torch.float64)
    for row, members in enumerate(_COALITIONS):
        for player in range(players):
            inside = bool(members[player])
            others = int(size[row]) - inside
            weight = math.factorial(others) * math.factorial(players - others - 1)
            matrix[row, player] = (1 if inside else -1) * weight / math.factorial(players)
    return matrix
