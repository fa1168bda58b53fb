"""Starting from ImageNet weights with torchvision's names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from screener.domain.errors import ConfigurationError
from screener.predictor.architecture import ScreenerNet
from screener.training.initial import start_from

#: Bottlenecks of each stage, and its width: He K et al. CVPR 2016, table 1.
STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))


def torchvision_like() -> dict[str, Tensor]:
    """Return random weights with the names and shapes of torchvision's ResNet-50."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return 0.01 * torch.randn(shape, generator=generator)

    def norm(name: str, channels: int) -> dict[str, Tensor]:
        return {
            f"{name}.weight": drawn(channels),
            f"{name}.bias": drawn(channels),
            f"{name}.running_mean": drawn(channels),
            f"{name}.running_var": drawn(channels).abs(),
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    state = {"conv1.weight": drawn(64, 3, 7, 7), **norm("bn1", 64)}
    inputs = 64
    for stage, (blocks, width) in enumerate(STAGES, start=1):
        for block in range(blocks):
            name = f"layer{stage}.{block}"
            state[f"{name}.conv1.weight"] = drawn(width, inputs, 1, 1)
            state[f"{name}.conv2.weight"] = drawn(width, width, 3, 3)
            state[f"{name}.conv3.weight"] = drawn(4 * width, width, 1, 1)
            for i, channels in ((1, width), (2, width), (3, 4 * width)):
                state |= norm(f"{name}.bn{i}", channels)
            if block == 0:
                state[f"{name}.downsample.0.weight"] = drawn(4 * width, inputs, 1, 1)
                state |= norm(f"{name}.downsample.1", 4 * width)
            inputs = 4 * width
    return state | {"fc.weight": drawn(1000, 2048), "fc.bias": drawn(1000)}


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return torchvision_like()


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_the_trunk_gets_the_weights_and_grey_the_sum_of_three_colours(
    state: dict[str, Tensor], tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"resnet50{suffix}"
    if suffix == ".pt":
        torch.save(state, file)
    else:
        save_file(state, file)
    network = ScreenerNet()

    start_from(network, file)

    trunk = network.trunk.state_dict()
    assert torch.equal(trunk["layer3.5.conv2.weight"], state["layer3.5.conv2.weight"])
    assert torch.equal(trunk["bn1.running_var"], state["bn1.running_var"])
    assert torch.allclose(trunk["conv1.weight"][:, 0], state["conv1.weight"].sum(dim=1))


def test_a_narrow_trunk_is_told_to_be_wide(state: dict[str, Tensor], tmp_path: Path) -> None:
    save_file(state, tmp_path / "w.safetensors")

    with pytest.raises(ConfigurationError, match="--width 1"):
        start_from(ScreenerNet(widen_factor=0.25), tmp_path / "w.safetensors")


def test_weights_that_lack_a_layer_are_refused(state: dict[str, Tensor], tmp_path: Path) -> None:
    partly = {k: v for k, v in state.items() if k != "layer2.0.conv1.weight"}
    save_file(partly, tmp_path / "w.safetensors")

    with pytest.raises(ConfigurationError, match=r"layer2\.0\.conv1\.weight is missing"):
        start_from(ScreenerNet(), tmp_path / "w.safetensors")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no weights")

    with pytest.raises(ConfigurationError, match="cannot be read"):
        start_from(ScreenerNet(), tmp_path / name)


def test_what_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "w.pt")

    with pytest.raises(ConfigurationError, match="no state dict"):
        start_from(ScreenerNet(), tmp_path / "w.pt")
