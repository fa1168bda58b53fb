"""The network: a ResNet-50 over the film, a small branch over the clinical variables, one head.

    film [B,1,S,S] -> ResNet-50 -> [B,2048,s,s] -> mean over pixels -> 256 --+
                                                                             +--> 128 --> 3
    clinical [B,7] -> standardised -> 32 -> 32 ------------------------------+

The three answers are the Z, its log variance and the logit of the auxiliary question "Z <= -2".

The mean over pixels stands right before the head, so that the head's gradient there times the
features is Grad-CAM without a backward pass through the trunk (`attribution`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from monai.networks.nets.resnet import resnet50
from torch import Tensor, nn

from screener.predictor.encoding import (
    CLINICAL_COLUMNS,
    HEIGHT,
    HEIGHT_KNOWN,
    WEIGHT,
    WEIGHT_KNOWN,
)

#: Features of the film, of the clinical branch, and of both after they are joined.
IMAGE_FEATURES = 256
CLINICAL_FEATURES = 32
JOINED_FEATURES = 128

_TRUNK_CHANNELS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What the head says of each film of a batch, each ``[B]`` float32.

    Parameters
    ----------
    z
        Raw Z-score, before calibration.
    log_variance
        Of the standardised Z; how unsure the network is.
    low_logit
        Of the auxiliary question whether Z <= -2.
    """

    z: Tensor
    log_variance: Tensor
    low_logit: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMaps:
    """What the trunk sees in films, at two depths.

    Parameters
    ----------
    early
        ``[B, C/4, S/8, S/8]``, after the second of four stages: fine enough for a rod or the edge
        of a brace, which later stages average away.
    last
        ``[B, C, S/32, S/32]``, which the head answers from.
    """

    early: Tensor
    last: Tensor


class Head(nn.Module):
    """Everything after the mean over pixels; cheap, and always float32.

    Its buffers hold what the training set was standardised with, so a checkpoint is whole.
    """

    def __init__(self, trunk_channels: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Linear(trunk_channels, IMAGE_FEATURES)
        self.clinical = nn.Sequential(
            nn.Linear(len(CLINICAL_COLUMNS), CLINICAL_FEATURES),
            nn.ReLU(),
            nn.Linear(CLINICAL_FEATURES, CLINICAL_FEATURES),
            nn.ReLU(),
        )
        self.join = nn.Linear(IMAGE_FEATURES + CLINICAL_FEATURES, JOINED_FEATURES)
        self.answer = nn.Linear(JOINED_FEATURES, 3)
        self.dropout = nn.Dropout(dropout)
        self.clinical_mean: Tensor
        self.clinical_sd: Tensor
        self.z_mean: Tensor
        self.z_sd: Tensor
        self.pooled_baseline: Tensor
        self.clinical_baseline: Tensor
        self.register_buffer("clinical_mean", torch.zeros(len(CLINICAL_COLUMNS)))
        self.register_buffer("clinical_sd", torch.ones(len(CLINICAL_COLUMNS)))
        self.register_buffer("z_mean", torch.zeros(()))
        self.register_buffer("z_sd", torch.ones(()))
        # Shapley's child of which nothing is known: see `attribution`
        self.register_buffer("pooled_baseline", torch.zeros(trunk_channels))
        self.register_buffer("clinical_baseline", torch.zeros(len(CLINICAL_COLUMNS)))

    def forward(self, pooled: Tensor, clinical: Tensor) -> Outputs:
        """Answer from pooled features ``[B, C]`` and encoded clinical variables ``[B, 7]``."""
        image = torch.relu(self.embed(pooled))
        joined = torch.cat([image, self.clinical(self.standardise(clinical))], dim=1)
        answer = self.answer(self.dropout(torch.relu(self.join(self.dropout(joined)))))
        return Outputs(
            z=answer[:, 0] * self.z_sd + self.z_mean,
            log_variance=answer[:, 1],
            low_logit=answer[:, 2],
        )

    def standardise(self, clinical: Tensor) -> Tensor:
        """Centre and scale the clinical columns; a missing one lies at 0, its mask says why."""
        standard = (clinical - self.clinical_mean) / self.clinical_sd
        known = torch.ones_like(standard)
        known[:, HEIGHT] = clinical[:, HEIGHT_KNOWN]
        known[:, WEIGHT] = clinical[:, WEIGHT_KNOWN]
        return standard * known


class ScreenerNet(nn.Module):
    """ResNet-50 over the film, joined with the clinical branch.

    Parameters
    ----------
    widen_factor
        Width of the trunk; 1 is ResNet-50, small ones make tests fast.
    dropout
        Before and after the joined layer, in training alone.

    Notes
    -----
    Source: He K et al. Deep residual learning for image recognition. CVPR 2016; MONAI's
    implementation, with the published stride of 2 in the stem (MONAI's default of 1 costs four
    times the arithmetic). Joining by concatenation as in Choi JW et al. Radiology 2026
    (doi 10.1148/radiol.252761).
    """

    def __init__(self, *, widen_factor: float = 1.0, dropout: float = 0.2) -> None:
        super().__init__()
        self.trunk = resnet50(
            spatial_dims=2,
            n_input_channels=1,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
            widen_factor=widen_factor,
        )
        for module in self.trunk.modules():
            # blocks begin as identities: a deep net then learns from the first step
            last_norm = getattr(module, "bn3", None)
            if last_norm is not None:
                nn.init.zeros_(last_norm.weight)
        self.head = Head(self.trunk.in_planes, dropout)

    def maps(self, pixels: Tensor) -> FeatureMaps:
        """Return the feature maps of films ``[B, 1, S, S]``, 0 to 1."""
        trunk = self.trunk
        x = trunk.maxpool(trunk.act(trunk.bn1(trunk.conv1(pixels - 0.5))))
        early = trunk.layer2(trunk.layer1(x))
        return FeatureMaps(early=early, last=trunk.layer4(trunk.layer3(early)))

    def features(self, pixels: Tensor) -> Tensor:
        """Return the last feature map ``[B, C, S/32, S/32]`` of films ``[B, 1, S, S]``, 0 to 1."""
        return self.maps(pixels).last

    def forward(self, pixels: Tensor, clinical: Tensor) -> Outputs:
        """Answer from films ``[B, 1, S, S]`` and encoded clinical variables ``[B, 7]``."""
        outputs: Outputs = self.head(pool(self.features(pixels)), clinical)
        return outputs


def pool(features: Tensor) -> Tensor:
    """Return the mean over pixels of a feature map, in float32: ``[B, C, h, w]`` to ``[B, C]``."""
    return features.float().mean(dim=(2, 3))
