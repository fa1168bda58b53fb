"""A predictor's network for other programs: ONNX, torch.export (.pt2), or a MONAI bundle.

What leaves is the network with its calibration, and no more: a prepared film and encoded clinical
variables in, Z out. The gates, the limits of age, the interval and the decision threshold stay
behind; card and model card travel along and say what they are.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import shutil
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.domain.prediction import PredictorIdentity
from screener.predictor.architecture import ScreenerNet
from screener.predictor.bundle import write_bundle
from screener.predictor.card import CARD_FILE, PredictorCard, load_identity
from screener.predictor.card_words import as_markdown, headline
from screener.predictor.checkpoint import load_network
from screener.predictor.encoding import CLINICAL_COLUMNS
from screener.predictor.facts import Calibration
from screener.predictor.trial import check_input

Format = Literal["onnx", "pt2", "monai"]

#: What the exported network takes and gives, by name; each output is ``[1]`` float32.
INPUTS = ("film", "clinical")
OUTPUTS = ("z", "raw_z", "log_variance", "low_logit")

#: An export that differs by more from the network that it was made of is thrown away, Z.
TOLERANCE_Z = 1e-4

_OPSET = 20
_ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

_Arrays = tuple[npt.NDArray[np.float32], ...]


class Calibrated(nn.Module):
    """The network with the card's calibration, as one function of two tensors.

    Parameters
    ----------
    network
        In evaluation mode.
    calibration
        Of its card.
    """

    def __init__(self, network: ScreenerNet, calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.slope: Tensor
        self.intercept: Tensor
        self.register_buffer("slope", torch.tensor(calibration.slope))
        self.register_buffer("intercept", torch.tensor(calibration.intercept))

    def forward(self, film: Tensor, clinical: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return calibrated Z, raw Z, log variance and low logit, ``[1]`` each.

        Parameters
        ----------
        film
            ``[1, 1, S, S]`` float32, 0 to 1, prepared as the card says.
        clinical
            ``[1, 7]`` float32 in the order of `encoding.CLINICAL_COLUMNS`.
        """
        said = self.network(film, clinical)
        z = self.intercept + self.slope * said.z
        return z, said.z, said.log_variance, said.low_logit


def export(folder: Path, out: Path, form: Format) -> float:
    """Write a predictor's network for other programs.

    Parameters
    ----------
    folder
        Of the predictor.
    out
        File, or folder for a bundle; must not be there yet. It appears whole or not at all.
    form
        ``"onnx"``; ``"pt2"``, of `torch.export`, which has taken TorchScript's place; ``"monai"``,
        a bundle.

    Returns
    -------
    float
        Largest difference of an output from the predictor's own on the check input.

    Raises
    ------
    ConfigurationError
        Something lies at `out`, or a package is missing.
    PredictorMismatch
        The folder is no predictor, or the exported network does not say what the predictor says.
    """
    if out.exists():
        raise ConfigurationError(f"{out} is there already: name another place, or take it away")
    if form == "onnx":
        _require_onnx()
    network, card = load_network(folder)
    identity = load_identity(folder)
    whole = Calibrated(network, card.calibration).eval()
    inputs = tuple(torch.from_numpy(array) for array in check_input(card))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        with _quietly():
            program = _program_of(whole, inputs)
            if form == "onnx":
                _write_onnx(part, program, card, identity)
                said = _run_onnx(part, inputs)
            else:
                path = part
                if form == "monai":
                    path = write_bundle(part, network, card, identity, folder)
                _write_pt2(path, program, folder, card, identity)
                said = _run_pt2(path, inputs)
            with torch.inference_mode():
                wanted = tuple(output.numpy() for output in whole(*inputs))
        difference = _difference(said, wanted)
        if not difference <= TOLERANCE_Z:
            raise PredictorMismatch(
                f"the exported network differs by {difference:.2g} from predictor {card.label}; "
                "nothing is written: try another format, or another version of torch"
            )
        part.rename(out)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)
    return difference


def facts_of(card: PredictorCard, identity: PredictorIdentity) -> Mapping[str, str]:
    """Return what an exported file says of itself, by name."""
    return {
        "name": card.name,
        "version": card.version,
        "checksum": identity.checksum,
        "synthetic": str(card.synthetic).lower(),
        "statement": " ".join(headline(card)),
        "intended_use": card.intended_use,
        "z_reference": card.reference.label,
        "film": f"[1, 1, {card.size_px}, {card.size_px}] float32, 0 to 1, preparation "
        f"{card.preparation_version}",
        "clinical": f"[1, {len(CLINICAL_COLUMNS)}] float32: {', '.join(CLINICAL_COLUMNS)}",
        "ages": f"{card.age_years[0]:g} to under {card.age_years[1]:g} years; not checked here",
        "left_behind": "gates, interval, probability and decision threshold; see the card",
    }


def _program_of(whole: Calibrated, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    program = torch.export.export(whole, inputs)
    for node in program.graph.nodes:
        # it names the folders of this machine
        node.meta.pop("stack_trace", None)
    return program


def _write_onnx(
    path: Path, program: ExportedProgram, card: PredictorCard, identity: PredictorIdentity
) -> None:
    onnx = torch.onnx.export(
        program,
        input_names=INPUTS,
        output_names=OUTPUTS,
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if onnx is None:
        raise PredictorMismatch("torch made no ONNX program of the network")
    onnx.model.doc_string = f"{card.label}. {' '.join(headline(card))}"
    onnx.model.metadata_props.update(facts_of(card, identity))
    onnx.save(path, external_data=False)


def _run_onnx(path: Path, inputs: tuple[Tensor, ...]) -> _Arrays:
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    arrays = (tensor.numpy() for tensor in inputs)
    return tuple(session.run(OUTPUTS, dict(zip(INPUTS, arrays, strict=True))))


def _write_pt2(
    path: Path,
    program: ExportedProgram,
    folder: Path,
    card: PredictorCard,
    identity: PredictorIdentity,
) -> None:
    more = {
        "facts.json": json.dumps(facts_of(card, identity), indent=2),
        CARD_FILE: (folder / CARD_FILE).read_text(encoding="utf-8"),
        "model-card.md": as_markdown(card, identity),
    }
    with path.open("wb") as file:
        torch.export.save(program, file, extra_files=more)


def _run_pt2(path: Path, inputs: tuple[Tensor, ...]) -> _Arrays:
    with path.open("rb") as file:
        program: Callable[..., tuple[Tensor, ...]] = torch.export.load(file).module()
    with torch.inference_mode():
        return tuple(output.numpy() for output in program(*inputs))


def _difference(said: _Arrays, wanted: _Arrays) -> float:
    """Return the largest difference of any output; not a number where one is none."""
    return max(float(np.abs(a - b).max()) for a, b in zip(said, wanted, strict=True))


def _require_onnx() -> None:
    missing = [name for name in _ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"for ONNX, {' and '.join(missing)} must be installed: pip install "
            "'bmd-screener[export]'; the formats pt2 and monai need nothing more"
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep torch's remarks on its own inside, and on packages that nobody asked for, to itself."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
