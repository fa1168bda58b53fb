"""What leaves for other programs says what the predictor says."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from monai.bundle.config_parser import ConfigParser

from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import CARD_FILE, WEIGHTS_FILE, PredictorCard, write_card
from screener.predictor.checkpoint import load_network, save_weights
from screener.predictor.encoding import encode_clinical, forget
from screener.predictor.export import OUTPUTS, export
from tests.unit.predictor.conftest import SIZE_PX, make_card, make_child, make_film, make_network

Arrays = list[npt.NDArray[np.float32]]

needs_onnx = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None
    or importlib.util.find_spec("onnxscript") is None,
    reason="ONNX is an extra",
)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predictor")
    write_card(folder, make_card(save_weights(folder, make_network())))
    return folder


@pytest.fixture(scope="module")
def loaded(predictor: Path) -> tuple[ScreenerNet, PredictorCard]:
    return load_network(predictor)


@pytest.fixture(scope="module")
def pt2(predictor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "tiny.pt2"
    export(predictor, path, "pt2")
    return path


@pytest.fixture(scope="module")
def onnx(predictor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    export(predictor, path, "onnx")
    return path


@pytest.fixture(scope="module")
def bundle(predictor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported") / "tiny"
    export(predictor, root, "monai")
    return root


def inputs() -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Return three films with children of whom more and more is missing."""
    whole = encode_clinical(make_child(), 1.2)
    rows = (whole, forget(whole, height=True), forget(whole, height=True, weight=True))
    return [(make_film(seed).pixels[None, None], row[None]) for seed, row in enumerate(rows)]


def agree(loaded: tuple[ScreenerNet, PredictorCard], run: Callable[..., Arrays]) -> None:
    """Assert that a program says what the loaded network says, calibrated and raw."""
    network, card = loaded
    for film, clinical in inputs():
        with torch.inference_mode():
            said = network(torch.from_numpy(film), torch.from_numpy(clinical))
        raw = said.z.numpy()
        wanted = (
            card.calibration.intercept + card.calibration.slope * raw,
            raw,
            said.log_variance.numpy(),
            said.low_logit.numpy(),
        )
        got = run(film, clinical)
        assert [output.shape for output in got] == [(1,)] * 4
        for theirs, ours in zip(got, wanted, strict=True):
            np.testing.assert_allclose(theirs, ours, atol=1e-4)


def run_pt2(path: Path) -> Callable[..., Arrays]:
    program = torch.export.load(path).module()

    def run(*arrays: npt.NDArray[np.float32]) -> Arrays:
        with torch.inference_mode():
            return [o.numpy() for o in program(*map(torch.from_numpy, arrays))]

    return run


def test_inputs_of_the_test_are_told_apart(loaded: tuple[ScreenerNet, PredictorCard]) -> None:
    """Else a program that gives one number for all would pass."""
    network, _ = loaded
    with torch.inference_mode():
        z = [network(*map(torch.from_numpy, pair)).z.item() for pair in inputs()]

    assert min(abs(a - b) for a, b in ((z[0], z[1]), (z[1], z[2]), (z[0], z[2]))) > 1e-2


def test_a_torch_program_agrees(loaded: tuple[ScreenerNet, PredictorCard], pt2: Path) -> None:
    agree(loaded, run_pt2(pt2))


@needs_onnx
def test_an_onnx_program_agrees(loaded: tuple[ScreenerNet, PredictorCard], onnx: Path) -> None:
    session = importlib.import_module("onnxruntime").InferenceSession(
        str(onnx), providers=["CPUExecutionProvider"]
    )

    agree(
        loaded,
        lambda film, clinical: list(session.run(OUTPUTS, {"film": film, "clinical": clinical})),
    )


def test_a_bundles_state_is_the_networks(
    loaded: tuple[ScreenerNet, PredictorCard], bundle: Path
) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    network, card = loaded

    assert set(state) == set(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor)
    assert card.architecture.widen_factor == metadata_of(bundle)["network"]["widen_factor"]


@needs_onnx
def test_an_onnx_program_says_what_it_is(onnx: Path) -> None:
    library = importlib.import_module("onnx")
    model = library.load(str(onnx))
    library.checker.check_model(model)
    facts = {entry.key: entry.value for entry in model.metadata_props}

    assert facts["synthetic"] == "true"
    assert facts["statement"].startswith("SYNTHETIC:")
    assert (facts["name"], facts["version"], facts["z_reference"]) == ("tiny", "0.0.1", "made-up 1")
    assert "gates" in facts["left_behind"]
    assert "SYNTHETIC" in model.doc_string
    shapes = {
        i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input
    }
    assert shapes == {"film": [1, 1, SIZE_PX, SIZE_PX], "clinical": [1, 7]}


def test_a_torch_program_brings_its_card_along(predictor: Path, pt2: Path) -> None:
    more = {"facts.json": "", CARD_FILE: "", "model-card.md": ""}
    torch.export.load(pt2, extra_files=more)

    assert json.loads(more["facts.json"])["synthetic"] == "true"
    assert more[CARD_FILE] == (predictor / CARD_FILE).read_text(encoding="utf-8")
    assert more["model-card.md"].startswith("# Model card: tiny 0.0.1 (synthetic)")


def test_no_exported_file_names_a_folder_of_this_machine(
    pt2: Path, bundle: Path, request: pytest.FixtureRequest
) -> None:
    files = [pt2, *(path for path in bundle.rglob("*") if path.is_file())]
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnxscript"):
        files.append(request.getfixturevalue("onnx"))
    here = os.fsencode(Path(__file__).parents[3])

    contents = [path.read_bytes() for path in files]
    with zipfile.ZipFile(pt2) as archive:
        contents += [archive.read(name) for name in archive.namelist()]

    assert [content for content in contents if here in content] == []


def metadata_of(bundle: Path) -> dict[str, Any]:
    text = (bundle / "configs" / "metadata.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


class TestBundle:
    def test_it_has_the_files_of_the_specification(self, bundle: Path) -> None:
        files = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*")}

        assert {
            "LICENSE",
            "configs/metadata.json",
            "configs/inference.json",
            "configs/card.json",
            "models/model.pt",
            "models/model.pt2",
            "docs/README.md",
        } <= files

    def test_its_metadata_has_what_the_specification_wants(self, bundle: Path) -> None:
        metadata = metadata_of(bundle)

        assert {
            "version", "monai_version", "pytorch_version", "numpy_version",
            "required_packages_version", "task", "description", "authors", "copyright",
            "network_data_format",
        } <= set(metadata)  # fmt: skip
        formats = metadata["network_data_format"]
        for tensor in (*formats["inputs"].values(), *formats["outputs"].values()):
            assert {
                "type", "format", "modality", "num_channels", "spatial_shape", "dtype",
                "value_range", "is_patch_data", "channel_def",
            } <= set(tensor)  # fmt: skip
            assert len(tensor["channel_def"]) == tensor["num_channels"]
        assert formats["inputs"]["image"]["spatial_shape"] == [SIZE_PX, SIZE_PX]
        assert set(formats["outputs"]) == set(OUTPUTS)

    def test_it_says_synthetic_wherever_it_speaks(self, bundle: Path) -> None:
        metadata = metadata_of(bundle)

        assert metadata["synthetic"] is True
        assert metadata["description"].startswith("SYNTHETIC:")
        assert "SYNTHETIC" in (bundle / "docs" / "README.md").read_text(encoding="utf-8")

    def test_its_configuration_runs_it(
        self,
        bundle: Path,
        loaded: tuple[ScreenerNet, PredictorCard],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        film, clinical = inputs()[0]
        np.save(tmp_path / "film.npy", film)
        np.save(tmp_path / "clinical.npy", clinical)
        parser = ConfigParser()
        parser.read_config(bundle / "configs" / "inference.json")
        parser.read_meta(bundle / "configs" / "metadata.json")
        parser["bundle_root"] = str(bundle)
        parser["film_file"] = str(tmp_path / "film.npy")
        parser["clinical_file"] = str(tmp_path / "clinical.npy")

        parser.get_parsed_content("run")

        network, card = loaded
        with torch.inference_mode():
            raw = network(torch.from_numpy(film), torch.from_numpy(clinical)).z.item()
        z = card.calibration.intercept + card.calibration.slope * raw
        words, _, number = capsys.readouterr().out.strip().rpartition(": ")
        assert words == "calibrated Z of a SYNTHETIC predictor, by made-up 1"
        assert float(number) == pytest.approx(z, abs=1e-3)

    def test_its_licence_speaks_for_the_code_and_not_for_the_weights(self, bundle: Path) -> None:
        text = (bundle / "LICENSE").read_text(encoding="utf-8")

        assert "Apache-2.0" in text
        assert "were given no licence in its card" in text


def test_what_is_there_is_not_written_over(predictor: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.pt2"
    kept.write_bytes(b"kept")

    with pytest.raises(ConfigurationError, match="is there already"):
        export(predictor, kept, "pt2")

    assert kept.read_bytes() == b"kept"


def test_a_predictor_with_a_changed_byte_is_not_exported(tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    write_card(folder, make_card(save_weights(folder, make_network())))
    weights = folder / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes() + b"x")

    with pytest.raises(PredictorMismatch, match="install the predictor again"):
        export(folder, tmp_path / "out.pt2", "pt2")

    assert [path.name for path in tmp_path.iterdir()] == ["changed"]


def test_an_export_that_disagrees_is_thrown_away(
    predictor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.predictor.export.TOLERANCE_Z", -1.0)

    with pytest.raises(PredictorMismatch, match=r"differs by .* nothing is written"):
        export(predictor, tmp_path / "out.pt2", "pt2")

    assert list(tmp_path.iterdir()) == []


def test_without_its_packages_onnx_says_what_to_install(
    predictor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.predictor.export._ONNX_PACKAGES", ("onnx", "no_such_package"))

    with pytest.raises(ConfigurationError, match=r"no_such_package.*bmd-screener\[export\]"):
        export(predictor, tmp_path / "out.onnx", "onnx")
