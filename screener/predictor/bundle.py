"""A MONAI bundle of a predictor: the network with metadata and a configuration that runs it.

    NAME/
        LICENSE
        configs/metadata.json     what it is, and what goes in and comes out
        configs/inference.json    runs it on a prepared film
        configs/card.json         the predictor's own card, byte for byte
        models/model.pt           the state dictionary, as the specification wants it
        models/model.pt2          the network with its calibration, of torch.export
        docs/README.md            the model card

Source: MONAI Bundle Specification. It allows a TorchScript file beside the state dictionary;
PyTorch has deprecated TorchScript, and `model.pt2` takes its place.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

import monai
import numpy as np
import torch

from screener import __version__
from screener.domain.prediction import PredictorIdentity
from screener.predictor.architecture import ScreenerNet
from screener.predictor.card import CARD_FILE, PredictorCard
from screener.predictor.card_words import NOT_IN_CARD, as_markdown, headline
from screener.predictor.encoding import CLINICAL_COLUMNS

_SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
_DISTRIBUTION = "bmd-screener"

_USE = """
## Use of this bundle

`models/model.pt2` takes a prepared film and encoded clinical variables, and gives the calibrated Z,
the network's own Z, the log variance of the standardised Z, and the logit of the auxiliary
question. With a film in `film.npy` (`[1, 1, S, S]` float32) and the variables in `clinical.npy`
(`[1, 7]` float32), in the bundle's folder:

    from monai.bundle import ConfigWorkflow
    workflow = ConfigWorkflow(
        "configs/inference.json", "configs/metadata.json", workflow_type=None
    )
    workflow.initialize()
    workflow.run()

Columns of the clinical variables: {columns}. The last two are 1 where height and weight are known,
else 0, and a value that is not known is 0. `screener.imaging.preprocess` prepares a film as the
network knows it.

**Not in this bundle**: the predictor's gates, limits of age, prediction interval, probability and
decision threshold. This network gives a Z for any picture. `configs/card.json` says what the
predictor itself would do.
"""


def write_bundle(
    root: Path,
    network: ScreenerNet,
    card: PredictorCard,
    identity: PredictorIdentity,
    folder: Path,
) -> Path:
    """Write a bundle but for its program, and return where that belongs.

    Parameters
    ----------
    root
        Made here.
    network
        The predictor's, float32.
    folder
        Of the predictor.
    """
    for name in ("configs", "models", "docs"):
        (root / name).mkdir(parents=True)
    _write_json(root / "configs" / "metadata.json", _metadata(card, identity))
    _write_json(root / "configs" / "inference.json", _inference(card))
    shutil.copyfile(folder / CARD_FILE, root / "configs" / CARD_FILE)
    torch.save(network.state_dict(), root / "models" / "model.pt")
    use = _USE.format(columns=", ".join(f"`{column}`" for column in CLINICAL_COLUMNS))
    (root / "docs" / "README.md").write_text(as_markdown(card, identity) + use, encoding="utf-8")
    (root / "LICENSE").write_text(_licence(card), encoding="utf-8")
    return root / "models" / "model.pt2"


def _metadata(card: PredictorCard, identity: PredictorIdentity) -> dict[str, Any]:
    side = [card.size_px, card.size_px]
    described = {
        "z": f"calibrated Z, SDs of {card.reference.label}",
        "raw_z": f"the network's own Z, SDs of {card.reference.label}",
        "log_variance": "log variance of the standardised Z",
        "low_logit": "logit of the auxiliary question whether Z <= -2.0",
    }
    return {
        "schema": _SCHEMA,
        "name": card.label,
        "version": card.version,
        "changelog": {card.version: f"exported by {_DISTRIBUTION} {__version__}"},
        "monai_version": monai.__version__,
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": np.__version__,
        # the program needs none; the state dictionary needs the network's class, see `network`
        "required_packages_version": {},
        "task": "Estimate the Z-score of the lumbar spine's areal bone mineral density (L1-L4) "
        "from a child's frontal chest film",
        "description": " ".join(headline(card)),
        "intended_use": card.intended_use,
        "synthetic": card.synthetic,
        "authors": NOT_IN_CARD,
        "copyright": "see LICENSE",
        "data_source": card.training.data,
        "data_type": "synthetic films" if card.synthetic else "DICOM",
        "checksum": identity.checksum,
        "network": {
            "class": "screener.predictor.architecture.ScreenerNet",
            "package": f"{_DISTRIBUTION} {__version__}",
            "widen_factor": card.architecture.widen_factor,
        },
        "eval_metrics": dict(card.metrics),
        "network_data_format": {
            "inputs": {
                "image": _tensor("image", "magnitude", 1, side, [0, 1], {"0": "film, bone bright"})
                | {"modality": "DX"},
                "clinical": _tensor(
                    "tuples",
                    "raw",
                    len(CLINICAL_COLUMNS),
                    [],
                    [],
                    {str(i): column for i, column in enumerate(CLINICAL_COLUMNS)},
                ),
            },
            "outputs": {
                name: _tensor("tuples", "raw", 1, [], [], {"0": words})
                for name, words in described.items()
            },
        },
    }


def _tensor(
    kind: str,
    form: str,
    channels: int,
    shape: list[int],
    values: list[int],
    names: dict[str, str],
) -> dict[str, Any]:
    return {
        "type": kind,
        "format": form,
        "modality": "n/a",
        "num_channels": channels,
        "spatial_shape": shape,
        "dtype": "float32",
        "value_range": values,
        "is_patch_data": False,
        "channel_def": names,
    }


def _inference(card: PredictorCard) -> dict[str, Any]:
    whose = "a SYNTHETIC predictor" if card.synthetic else "the predictor"
    return {
        "imports": ["$import torch", "$import numpy"],
        "bundle_root": ".",
        "device": "$torch.device('cpu')",
        "film_file": "$@bundle_root + '/film.npy'",
        "clinical_file": "$@bundle_root + '/clinical.npy'",
        "film": "$torch.from_numpy(numpy.load(@film_file)).float().to(@device)",
        "clinical": "$torch.from_numpy(numpy.load(@clinical_file)).float().to(@device)",
        "network_def": "$torch.export.load(@bundle_root + '/models/model.pt2').module()",
        "outputs": "$@network_def(@film, @clinical)",
        "z_is": f"calibrated Z of {whose}, by {card.reference.label}:",
        "run": ["$print(@z_is, round(@outputs[0].item(), 3))"],
    }


def _licence(card: PredictorCard) -> str:
    """Return the product's licence, which covers its code, and what is known of the weights'."""
    try:
        text = importlib.metadata.distribution(_DISTRIBUTION).read_text("licenses/LICENSE")
    except importlib.metadata.PackageNotFoundError:
        text = None
    weights = (
        f"The weights of {card.label} were given no licence in its card: ask whoever trained it "
        "before you pass them on."
    )
    return (
        f"The network's code and this bundle's form come from {_DISTRIBUTION} {__version__}, "
        f"SPDX-License-Identifier: Apache-2.0.\n{weights}\n\n{text or ''}"
    )


def _write_json(path: Path, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
