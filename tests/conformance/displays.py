"""Ways in which films ask to be shown, as changes of `contents.make_source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from tests.conformance.contents import COLUMNS, ROWS

_LEVELS = np.arange(4096)
#: A gradient that uses 12 bits.
PIXELS = (np.add.outer(np.arange(ROWS) * 3, np.arange(COLUMNS) * 4) % 4096).astype("<u2").tobytes()


def lut(entries: Any, *, first: int = 0, bits: int = 12, **texts: str) -> Dataset:
    """Return a Modality or VOI LUT item with words as entries."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries).astype("<u2").tobytes())
    for keyword, text in texts.items():
        setattr(item, keyword, text)
    return item


def packed_lut() -> Dataset:
    """Return a VOI LUT item of 8 bits, two entries to a word."""
    item = lut(range(256), bits=8)
    item.LUTData = bytes(range(256))
    return item


_WINDOW = {"WindowCenter": 2000, "WindowWidth": 3000}
#: dciodvfy takes a Modality LUT of 16 bits for bad where its entries do not use the highest one.
_REVERSED = lut(65535 - 16 * _LEVELS, bits=16, ModalityLUTType="OD")

#: Those that say how their values become grey, and that DCMTK can show.
TELLING: Mapping[str, Mapping[str, Any]] = {
    "window": _WINDOW,
    "monochrome1": {"PhotometricInterpretation": "MONOCHROME1", **_WINDOW},
    "three windows": {
        "WindowCenter": [2000, 1500, 2500],
        "WindowWidth": [3000, 1000, 4000],
        "WindowCenterWidthExplanation": ["FIRST", "HARDER", "SOFTER"],
    },
    "VOI LUT": {
        "VOILUTSequence": [lut((_LEVELS / 4095) ** 2 * 4095, LUTExplanation="FILM LIKE")],
        **_WINDOW,
    },
    "VOI LUT of 10 bits": {"VOILUTSequence": [lut(_LEVELS // 4, bits=10)]},
    "rescale": {
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
        "RescaleType": "US",
        "WindowCenter": "40.123456789",
        "WindowWidth": 400,
    },
    "Modality LUT": {
        "ModalityLUTSequence": [_REVERSED],
        "WindowCenter": 32000,
        "WindowWidth": 28000,
    },
    "CR film": {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "Modality": "CR",
        "PatientOrientation": None,
        **_WINDOW,
    },
    "Korean": {
        "SpecificCharacterSet": ["", "ISO 2022 IR 149"],
        "PatientName": "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9",
        "WindowCenterWidthExplanation": "\ud45c\uc900",
        **_WINDOW,
    },
}
DISPLAYS: Mapping[str, Mapping[str, Any]] = {
    **TELLING,
    "no window": {},
    "window of width 0": {"WindowCenter": 40, "WindowWidth": 0},
    "slope 0": {"RescaleSlope": 0, "RescaleIntercept": 0},
    "sigmoid": {"VOILUTFunction": "SIGMOID", **_WINDOW},
    "packed VOI LUT": {"VOILUTSequence": [packed_lut()]},
    "Modality LUT without a window": {"ModalityLUTSequence": [_REVERSED]},
    "pixels that are not square": {"ImagerPixelSpacing": [0.143, 0.2], **_WINDOW},
    "aspect ratio": {"ImagerPixelSpacing": None, "PixelAspectRatio": [2, 3], **_WINDOW},
    "no body part": {"BodyPartExamined": None, **_WINDOW},
    "shutter": {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": 10,
        "ShutterRightVerticalEdge": 480,
        "ShutterUpperHorizontalEdge": 5,
        "ShutterLowerHorizontalEdge": 590,
    },
    "two shutters": {
        "ShutterShape": ["POLYGONAL", "CIRCULAR"],
        "VerticesOfThePolygonalShutter": [1, 1, 1, 480, 590, 480, 590, 1],
        "CenterOfCircularShutter": [300, 250],
        "RadiusOfCircularShutter": 200,
    },
    "names left out": dict.fromkeys(
        ("AccessionNumber", "StudyID", "StudyTime", "ReferringPhysicianName", "PatientBirthDate")
    ),
}
