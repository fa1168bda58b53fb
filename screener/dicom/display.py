"""How a film asks to be shown, as the modules of a presentation state.

A presentation state takes the place of all that the film says of its own display: what is not
copied is lost. Real films have it incomplete, or with wrong VRs; everything here is written anew
from what could be read, and what could not be read is left out.

Source: PS3.4 section N.2 (pixel transformations); PS3.3 C.11.8 (Softcopy VOI LUT), C.11.1 (Modality
LUT), C.11.6 (Softcopy Presentation LUT), C.10.4 (Displayed Area), C.7.6.11 (Display Shutter).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from screener.dicom.attributes import Attributes
from screener.dicom.character_sets import CharacterSet
from screener.dicom.dataset import quiet
from screener.dicom.grey import (
    LookupTable,
    Rescale,
    Values,
    Window,
    WindowFunction,
    read_grey_rules,
)
from screener.dicom.source import legal_element

_SIGN_BIT = 1 << 15
_ALL_VALUES = 1 << 16
_PAIR = 2
_LUT_BITS, _TOP = 16, 65535
#: (0070,0102) has whole numbers.
_FINEST_RATIO = 1000
_SHUTTERS = {
    "RECTANGULAR": (
        "ShutterLeftVerticalEdge",
        "ShutterRightVerticalEdge",
        "ShutterUpperHorizontalEdge",
        "ShutterLowerHorizontalEdge",
    ),
    "CIRCULAR": ("CenterOfCircularShutter", "RadiusOfCircularShutter"),
    "POLYGONAL": ("VerticesOfThePolygonalShutter",),
}
#: How many numbers each has; of vertices any even number.
_PAIRS = frozenset({"CenterOfCircularShutter", "VerticesOfThePolygonalShutter"})


def film_display(film: Dataset, *, rows: int, columns: int) -> Dataset:
    """Return the display modules that show a film as it asks to be shown.

    Parameters
    ----------
    film
        As it was sent, up to its pixels.
    rows, columns
        Its size.

    Returns
    -------
    pydicom.dataset.Dataset
        Modality LUT and Softcopy VOI LUT where the film has them; Presentation LUT Shape; the
        whole film as displayed area, with the shape of its pixels; its Display Shutter, if any.

    Notes
    -----
    A film without a window gets none: then the standard's identity holds, as for the film alone.
    """
    shown = Dataset()
    with quiet():
        attributes = Attributes(film)
        grey = read_grey_rules(attributes)
        _add_modality_lut(shown, film, attributes, grey.modality)
        voi = _voi_lut(film, attributes, grey.voi, grey.modality)
        shown.DisplayedAreaSelectionSequence = [_whole_film(attributes, rows, columns)]
        _add_shutter(shown, attributes, rows, columns)
    if voi is not None:
        shown.SoftcopyVOILUTSequence = [voi]
    shown.PresentationLUTShape = "INVERSE" if grey.bright_is_low else "IDENTITY"
    return shown


def _add_modality_lut(
    shown: Dataset, film: Dataset, attributes: Attributes, modality: Rescale | LookupTable | None
) -> None:
    if isinstance(modality, LookupTable):
        signed = attributes.count("PixelRepresentation") == 1
        item = _lut_item(modality, modality.entries, signed=signed)
        own = attributes.items("ModalityLUTSequence")[0]
        item.ModalityLUTType = _text(own, "ModalityLUTType") or "US"
        shown.ModalityLUTSequence = [item]
    elif isinstance(modality, Rescale) and {"RescaleSlope", "RescaleIntercept"} & _given(film):
        shown.RescaleIntercept = _decimal(modality.intercept)
        shown.RescaleSlope = _decimal(modality.slope)
        shown.RescaleType = _text(film, "RescaleType") or "US"  # unspecified


def _voi_lut(
    film: Dataset,
    attributes: Attributes,
    voi: Window | LookupTable | None,
    modality: Rescale | LookupTable | None,
) -> Dataset | None:
    """Return the film's first VOI LUT or window, or None.

    Notes
    -----
    A film may offer several to choose from, a presentation state is one choice: DCMTK refuses
    several. Without one, the entries of a Modality LUT table are shown over their full range.
    """
    item = Dataset()
    if isinstance(voi, LookupTable):
        negative = attributes.count("PixelRepresentation") == 1
        negative |= (attributes.number("RescaleIntercept") or 0) < 0
        lut = _lut_item(voi, voi.entries * (_TOP / voi.top), signed=negative)
        _add_explanation(lut, "LUTExplanation", attributes.items("VOILUTSequence")[0])
        item.VOILUTSequence = [lut]
        return item
    if voi is None and isinstance(modality, LookupTable):
        voi = Window(centre=(modality.top + 1) / 2, width=modality.top + 1)
    elif voi is not None:
        _add_explanation(item, "WindowCenterWidthExplanation", film)
    if voi is None:
        return None
    item.WindowCenter, item.WindowWidth = _decimal(voi.centre), _decimal(voi.width)
    if voi.function is not WindowFunction.LINEAR:
        item.VOILUTFunction = voi.function.value
    return item


def _lut_item(table: LookupTable, entries: Values, *, signed: bool) -> Dataset:
    """Return a table as an item, in 16 bits: a presentation state has 8 or 16.

    Notes
    -----
    The first input is negative where inputs can be and its top bit is set; then the descriptor's
    VR is SS (PS3.3 C.11.1.1.1). The entries are OW: as US they would not fit their length field.
    """
    first, vr = table.first, "US"
    numbers = [len(entries) % _ALL_VALUES, first, _LUT_BITS]
    if signed and first >= _SIGN_BIT:
        vr = "SS"
        numbers = [n - _ALL_VALUES if n >= _SIGN_BIT else n for n in numbers]
    item = Dataset()
    item.add(DataElement("LUTDescriptor", vr, numbers, validation_mode=config.IGNORE))
    item.add(DataElement("LUTData", "OW", np.rint(entries).astype("<u2").tobytes()))
    return item


def _whole_film(attributes: Attributes, rows: int, columns: int) -> Dataset:
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [columns, rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    area.PresentationPixelAspectRatio = list(_aspect_ratio(attributes))
    return area


def _aspect_ratio(attributes: Attributes) -> tuple[int, int]:
    """Return height and width of a pixel as whole numbers; 1, 1 where the film does not say."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        spacing = attributes.numbers(keyword)
        if len(spacing) == _PAIR and min(spacing) > 0:
            ratio = Fraction(spacing[0] / spacing[1]).limit_denominator(_FINEST_RATIO)
            if ratio > 0:
                return ratio.numerator, ratio.denominator
    return 1, 1


def _add_shutter(shown: Dataset, attributes: Attributes, rows: int, columns: int) -> None:
    """Take over a shutter whose every shape can be read; without it a film's rim would glare."""
    shapes = [shape for shape in attributes.codes("ShutterShape") if shape]
    if not shapes or not set(shapes) <= set(_SHUTTERS):
        return
    limit = 4 * max(rows, columns)
    edges = {}
    for keyword in (keyword for shape in dict.fromkeys(shapes) for keyword in _SHUTTERS[shape]):
        numbers = [round(number) for number in attributes.numbers(keyword)]
        legal = len(numbers) == 1 if keyword not in _PAIRS else _are_points(keyword, numbers)
        if not legal or max(map(abs, numbers)) > limit:
            return
        edges[keyword] = numbers if len(numbers) > 1 else numbers[0]
    shown.ShutterShape = list(dict.fromkeys(shapes))
    for keyword, value in edges.items():
        setattr(shown, keyword, value)
    shown.ShutterPresentationValue = 0


def _are_points(keyword: str, numbers: list[int]) -> bool:
    least = _PAIR if keyword == "CenterOfCircularShutter" else 3 * _PAIR
    most = _PAIR if keyword == "CenterOfCircularShutter" else len(numbers)
    return len(numbers) % _PAIR == 0 and least <= len(numbers) <= most


def _given(film: Dataset) -> set[str]:
    return {element.keyword for element in film.group_dataset(0x0028) if not element.is_empty}


def _add_explanation(
    item: Dataset, keyword: str, source: Dataset, charset: CharacterSet | None = None
) -> None:
    """Take over what the film calls its first LUT or window."""
    element = legal_element(source, keyword, charset)
    if element is not None:
        first = element.value if isinstance(element.value, str) else element.value[0]
        if first:
            setattr(item, keyword, first)


def _text(dataset: Dataset, keyword: str) -> str:
    """Return a text that the standard allows, or nothing."""
    element = legal_element(dataset, keyword)
    return element.value if element is not None and isinstance(element.value, str) else ""


def _decimal(number: float) -> DSfloat:
    """Return a number in the 16 characters that a decimal string has."""
    return DSfloat(number, auto_format=True)
