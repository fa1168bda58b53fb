"""The image library of a report: what each scored film is, as far as its header says.

Source: PS3.16 TID 1600, 1601, 1602, 1603.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from highdicom.sr import ImageLibrary
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code
from pydicom.uid import UID

#: By attribute that a film may lack: a value for highdicom, and the items that it comes to.
_STAND_INS: Mapping[str, tuple[list[str] | list[float], tuple[Code, Code]]] = {
    "PatientOrientation": (
        ["L", "F"],
        (standard.DCM.PatientOrientationRow, standard.DCM.PatientOrientationColumn),
    ),
    "ImagerPixelSpacing": (
        [1.0, 1.0],
        (standard.DCM.HorizontalPixelSpacing, standard.DCM.VerticalPixelSpacing),
    ),
}


def fits_library(copy: Dataset) -> bool:
    """Return whether TID 1602 and 1603, which describe radiographs, can be met."""
    return _is_radiograph(copy.SOPClassUID) and all(
        keyword in copy for keyword in ("Modality", "Rows", "Columns")
    )


def image_library(copies: Sequence[Dataset]) -> ImageLibrary:
    """Return an entry for each film: of its orientation and spacing only what its header gives.

    Notes
    -----
    highdicom makes no entry without both. It gets stand-ins, whose items are taken out again.
    """
    library = ImageLibrary([_with_stand_ins(copy) for copy in copies])
    entries = library[0].ContentSequence[0].ContentSequence
    images = (entry for entry in entries if entry.ValueType == "IMAGE")
    for copy, entry in zip(copies, images, strict=True):
        lacking = [names for key, (_, names) in _STAND_INS.items() if not _has_both(copy, key)]
        unknown = {name.value for names in lacking for name in names}
        entry.ContentSequence = [
            item for item in entry.ContentSequence if item.name.value not in unknown
        ]
    return library


def _has_both(copy: Dataset, keyword: str) -> bool:
    """Return whether there is a value for rows and one for columns."""
    value = copy.get(keyword)
    return isinstance(value, MultiValue) and len(value) == 2 and all(v != "" for v in value)  # noqa: PLR2004


def _with_stand_ins(copy: Dataset) -> Dataset:
    filled = Dataset()
    filled.update(copy)
    for keyword, (stand_in, _) in _STAND_INS.items():
        if not _has_both(copy, keyword):
            # the elements are shared: one that is there, and empty, must not be changed
            filled.pop(keyword, None)
            setattr(filled, keyword, stand_in)
    return filled


def _is_radiograph(sop_class_uid: str) -> bool:
    name = UID(sop_class_uid).name
    return "Computed Radiography" in name or "Digital X-Ray" in name
