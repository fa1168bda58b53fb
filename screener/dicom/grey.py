"""From stored values to grey: modality LUT, VOI LUT, polarity and padding in one table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from screener.dicom.attributes import Attributes
from screener.domain.errors import UnsupportedPixels

Values = npt.NDArray[np.float64]

_ALL_VALUES = 1 << 16
_SIGN_BIT = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescale:
    """A linear modality LUT."""

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, values: Values) -> Values:
        """Return modality values of stored values."""
        return values * self.slope + self.intercept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookupTable:
    """A modality or VOI LUT by table.

    Parameters
    ----------
    first
        Input of the first entry, as 16 bits without sign.
    entries
        Outputs; inputs off the ends get the first or the last.
    top
        The largest output that the entries' bits allow.
    """

    first: int
    entries: Values
    top: float

    def apply(self, values: Values) -> Values:
        """Return the entries of input values."""
        first = self.first
        if first >= _SIGN_BIT and values.min() < 0:
            first -= _ALL_VALUES
        index = np.clip(np.rint(values) - first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[index.astype(np.int64)])


class WindowFunction(StrEnum):
    """(0028,1056) VOI LUT Function."""

    #: From c - 0.5 - (w - 1) / 2 to c - 0.5 + (w - 1) / 2.
    LINEAR = "LINEAR"
    #: From c - w / 2 to c + w / 2.
    LINEAR_EXACT = "LINEAR_EXACT"
    #: Logistic, with slope 1 / w at c.
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A VOI LUT by window centre and width.

    Notes
    -----
    Source: PS3.3 C.11.2.1.2 (Window Center and Window Width) and C.11.2.1.3 (VOI LUT Function).
    """

    centre: float
    width: float
    function: WindowFunction = WindowFunction.LINEAR

    def apply(self, values: Values) -> Values:
        """Return the grey of modality values; 0 is black and 1 is white, to be cut off there."""
        if self.function is WindowFunction.SIGMOID:
            return 1 / (1 + np.exp(-4 * (values - self.centre) / self.width))
        centre, width = self.centre, self.width
        if self.function is WindowFunction.LINEAR:
            centre, width = centre - 0.5, width - 1
        if width == 0:
            return (values > centre).astype(np.float64)
        return (values - centre) / width + 0.5

    @property
    def usable(self) -> bool:
        """Whether the width is one that its function allows."""
        return self.width >= 1 if self.function is WindowFunction.LINEAR else self.width > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreyRules:
    """How a film's stored values become grey.

    Parameters
    ----------
    modality
        None where the film has a Modality LUT that cannot be read.
    voi
        The film's own presentation; None where it has none: then its values' full range.
    bright_is_low
        Photometric interpretation MONOCHROME1.
    padding
        Stored values, lowest and highest, of pixels outside the picture, as 16 bits without sign.
    """

    modality: Rescale | LookupTable | None
    voi: Window | LookupTable | None
    bright_is_low: bool
    padding: tuple[int, int] | None

    def digest(self) -> str:
        """Return a digest that two films share only where their values become the same grey."""
        told = hashlib.sha256(f"{self.bright_is_low} {self.padding}".encode())
        for rule in (self.modality, self.voi):
            if isinstance(rule, LookupTable):
                told.update(f"{rule.first} {rule.top}".encode() + rule.entries.tobytes())
            else:
                told.update(repr(rule).encode())
        return told.hexdigest()

    def table(self, cells: npt.NDArray[np.uint16], *, signed: bool) -> npt.NDArray[np.float32]:
        """Return the grey of each of the 65,536 values that a cell of 16 bits can hold.

        Parameters
        ----------
        cells
            The film's stored values as 16 bits without sign; asked for their range only.
        signed
            Whether the cells hold signed values.

        Returns
        -------
        numpy.ndarray
            65,536 float32 in 0..1, to be indexed by cells. Bone is bright. Padding is 0 and takes
            no part in the range.

        Raises
        ------
        UnsupportedPixels
            The film has a Modality LUT that cannot be read.
        """
        if self.modality is None:
            raise UnsupportedPixels("the Modality LUT Sequence cannot be read")
        every_cell = np.arange(_ALL_VALUES, dtype=np.uint16)
        stored = (every_cell.view(np.int16) if signed else every_cell).astype(np.float64)
        outside = self._outside(stored, signed=signed)
        # a header may ask for numbers that no float holds; what comes of them is cut off below
        with np.errstate(all="ignore"):
            values = self.modality.apply(stored)
            if isinstance(self.voi, LookupTable):
                grey = self.voi.apply(values) / self.voi.top
            elif self.voi is not None:
                grey = self.voi.apply(values)
            else:
                grey = _stretched(values, _present(cells) & ~outside)
        grey = np.clip(np.nan_to_num(grey), 0, 1)
        if self.bright_is_low:
            grey = 1 - grey
        grey[outside] = 0
        return grey.astype(np.float32)

    def _outside(self, stored: Values, *, signed: bool) -> npt.NDArray[np.bool_]:
        if self.padding is None:
            return np.zeros(_ALL_VALUES, dtype=bool)
        bounds = np.array(self.padding, dtype=np.uint16)
        low, high = sorted((bounds.view(np.int16) if signed else bounds).tolist())
        return np.asarray((stored >= low) & (stored <= high))


def read_grey_rules(attributes: Attributes) -> GreyRules:
    """Read how a film's stored values become grey; use inside `screener.dicom.dataset.quiet`.

    Of several windows or VOI LUTs the first speaks, and a VOI LUT before a window: PS3.3 C.11.2
    leaves the choice to us. What cannot be read of the VOI LUT is passed over.
    """
    return GreyRules(
        modality=_modality(attributes),
        voi=_first_voi_lut(attributes) or _first_window(attributes),
        bright_is_low=attributes.code("PhotometricInterpretation") == "MONOCHROME1",
        padding=_padding(attributes),
    )


def _modality(attributes: Attributes) -> Rescale | LookupTable | None:
    items = attributes.items("ModalityLUTSequence")
    if items:
        return _lookup_table(items[0])
    slope = attributes.number("RescaleSlope")
    intercept = attributes.number("RescaleIntercept")
    # a slope of 0 would make every film blank: it is sent for "none"
    return Rescale(slope=slope or 1.0, intercept=intercept or 0.0)


def _first_voi_lut(attributes: Attributes) -> LookupTable | None:
    items = attributes.items("VOILUTSequence")
    return _lookup_table(items[0]) if items else None


def _first_window(attributes: Attributes) -> Window | None:
    centres, widths = attributes.numbers("WindowCenter"), attributes.numbers("WindowWidth")
    if not centres or not widths:
        return None
    name = attributes.code("VOILUTFunction")
    function = WindowFunction(name) if name in set(WindowFunction) else WindowFunction.LINEAR
    window = Window(centre=centres[0], width=widths[0], function=function)
    return window if window.usable else None


def _padding(attributes: Attributes) -> tuple[int, int] | None:
    """Return the range of padding values.

    Source: PS3.3 C.7.5.1.1.2 (Pixel Padding Value and Pixel Padding Range Limit).
    """
    value = attributes.number("PixelPaddingValue")
    limit = attributes.number("PixelPaddingRangeLimit")
    if value is None:
        return None
    return int(value) % _ALL_VALUES, int(value if limit is None else limit) % _ALL_VALUES


def _lookup_table(item: Dataset) -> LookupTable | None:
    """Return a table from its encoded bytes, or None where they are none.

    Source: PS3.3 C.11.1.1.1 and C.11.2.1.1: number of entries (0 for 65,536), first input, bits.
    Their VR, US or SS, depends on other attributes and is often wrong; their bytes do not.
    """
    descriptor, order = _encoded(item, "LUTDescriptor")
    data, _ = _encoded(item, "LUTData")
    if len(descriptor) != 6:  # noqa: PLR2004 - three numbers of two bytes
        return None
    count, first, bits = np.frombuffer(descriptor, f"{order}u2").tolist()
    count = count or _ALL_VALUES
    if len(data) >= 2 * count:
        entries = np.frombuffer(data, f"{order}u2", count)
    elif len(data) >= count:
        entries = np.frombuffer(data, np.uint8, count)
    else:
        return None
    top = max((1 << min(bits, 16)) - 1, int(entries.max()), 1)
    return LookupTable(first=first, entries=entries.astype(np.float64), top=float(top))


def _encoded(item: Dataset, keyword: str) -> tuple[bytes, str]:
    """Return the bytes of an element and their order, ``<`` or ``>``."""
    tag = tag_for_keyword(keyword) or 0
    element = item.get_item(tag) if tag in item else None
    value = getattr(element, "value", None)
    little = getattr(element, "is_little_endian", True)
    return (value if isinstance(value, bytes) else b""), "<" if little else ">"


def _stretched(values: Values, used: npt.NDArray[np.bool_]) -> Values:
    """Return values so that those in use fill 0..1; all 0 where there is one value or none."""
    if not used.any():
        return np.zeros_like(values)
    low, high = values[used].min(), values[used].max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _present(cells: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
    present = np.zeros(_ALL_VALUES, dtype=bool)
    present[cells.reshape(-1)] = True
    return present
