"""Headers as machines and hospitals write them: a table of what is odd, and what must come of it.

Every value is invented; the oddities are those of the makes that the names say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from screener.dicom.source import TYPE_2
from tests.conformance.displays import lut
from tests.conformance.header_names import NAMES
from tests.support.synthetic_dicom import encode, synthetic_film

CR = "1.2.840.10008.5.1.4.1.1.1"
#: What eligibility says of a film that may be scored.
ELIGIBLE: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HeaderVariant:
    """One way to write a header.

    Parameters
    ----------
    make
        Whose style it is.
    odd
        What is out of the ordinary.
    changes
        Of `synthetic_film`: None leaves out, bytes are the value as it is encoded.
    reasons
        Of eligibility; none where the film may be scored.
    error
        Code of the error that reading or building ends in; None where objects are made.
    kept
        Attributes that every object must have with these values; None for those left empty.
    charset
        (0008,0005) of the objects, backslashes between its values.
    edit
        What keywords cannot say.
    """

    make: str
    odd: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[str, ...] = ELIGIBLE
    error: str | None = None
    kept: Mapping[str, str | None] = field(default_factory=dict)
    charset: str | None = None
    edit: Callable[[Dataset], None] | None = None

    @property
    def encoded(self) -> bytes:
        """The film as a Part 10 file."""
        film = synthetic_film(**{**_STYLES[self.make], **self.changes})
        if self.edit is not None:
            self.edit(film)
        return encode(film)


def _style(maker: str, model: str, **more: Any) -> Mapping[str, Any]:
    return {"Manufacturer": maker, "ManufacturerModelName": model, **more}


_PLATE = {"SOPClassUID": CR, "Modality": "CR", "PresentationIntentType": None}
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "GE": _style("GE Healthcare", "Thunder Platform", DeviceSerialNumber="A1"),
    "Siemens": _style("SIEMENS", "Fluorospot Compact FD", SoftwareVersions="VF10C"),
    "Philips": _style("Philips Medical Systems", "DigitalDiagnost", StationName="ROOM 1"),
    "Fuji": _style("FUJIFILM Corporation", "5000PlusR", **_PLATE),
    "Carestream": _style("Carestream Health", "DRX-Revolution", InstitutionName=""),
    "Agfa": _style("Agfa-Gevaert", "ADC 5175", **_PLATE),
    "Samsung": _style("SAMSUNG ELECTRONICS", "GC85A"),
    "DRGEM": _style("DRGEM Corporation", "DIAMOND"),
    "Konica": _style("KONICA MINOLTA", "0402", **_PLATE),
    "no name": {"Manufacturer": None, "ManufacturerModelName": None, "InstitutionName": None},
}


def _variant(make: str, odd: str, **given: Any) -> HeaderVariant:
    """Return a variant: its own fields by their names, and everything else changes the film."""
    own = {name: given.pop(name) for name in _FIELDS & given.keys()}
    return HeaderVariant(make=make, odd=odd, changes=given, **own)


_FIELDS = frozenset({"reasons", "error", "kept", "charset", "edit"})


def _private(film: Dataset) -> None:
    block = film.private_block(0x0019, "SYNTHETIC PRIVATE 01", create=True)
    item = Dataset()
    item.private_block(0x0019, "SYNTHETIC PRIVATE 01", create=True).add_new(1, "LO", "inner")
    item.PatientName = "Somebody^Else"
    block.add_new(0x10, "SQ", Sequence([item]))
    block.add_new(0x11, "UN", b"\x00\x01\x02\x03")
    block.add_new(0x12, "OB", bytes(64))


def _overlay_plane(film: Dataset) -> None:
    for tag, vr, value in (
        (0x60000010, "US", 48),
        (0x60000011, "US", 64),
        (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60003000, "OW", bytes(48 * 64 // 8)),
    ):
        film.add_new(tag, vr, value)


def _region(value: str, scheme: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "Chest"
    return item


def _empty_item() -> Sequence:
    return Sequence([Dataset()])


def _grey(bits: int, *, signed: bool = False) -> Mapping[str, Any]:
    levels = np.linspace(0, (1 << bits) - 1, 48 * 64).reshape(48, 64)
    pixels = (levels - (1 << bits - 1) if signed else levels).astype("i2" if signed else "u2")
    return {
        "pixels": pixels,
        "BitsStored": bits,
        "WindowCenter": None,
        "WindowWidth": None,
        "PixelRepresentation": int(signed),
    }


_MISSING = {"PatientSex": ("SEX_UNKNOWN",), "PatientBirthDate": ("BIRTH_DATE_MISSING",)}
_NO_SIDES = {"PatientOrientation": None}
_AGES = {
    "013Y": {"PatientBirthDate": "20130301"},
    "156M": {"PatientBirthDate": "20130801"},
}

VARIANTS: tuple[HeaderVariant, ...] = (
    # --- makes as they come
    _variant(
        "GE",
        "three LUTs with names, private groups",
        edit=_private,
        VOILUTSequence=[
            lut(np.arange(4096), LUTExplanation=word) for word in ("HARDER", "STANDARD", "SOFTER")
        ],
    ),
    _variant("GE", "sigmoid window", VOILUTFunction="SIGMOID"),
    _variant("Siemens", "derived, primary", ImageType=["DERIVED", "PRIMARY", "", "", "RAD"]),
    _variant(
        "Siemens",
        "sequences that are empty",
        RequestAttributesSequence=[],
        ProcedureCodeSequence=[],
        AnatomicRegionSequence=[],
        ViewCodeSequence=[],
    ),
    _variant(
        "Philips",
        "MONOCHROME1",
        PhotometricInterpretation="MONOCHROME1",
        PresentationLUTShape="INVERSE",
    ),
    _variant(
        "Philips",
        "three windows",
        WindowCenter=["2000", "1500", "2500"],
        WindowWidth=["3000", "1000", "4000"],
        WindowCenterWidthExplanation=["FIRST", "HARDER", "SOFTER"],
    ),
    _variant(
        "Fuji",
        "10 bits, bone black",
        PhotometricInterpretation="MONOCHROME1",
        **_grey(10),
        **_NO_SIDES,
    ),
    _variant("Fuji", "Pixel Spacing only", ImagerPixelSpacing=None, PixelSpacing=["0.2", "0.2"]),
    _variant(
        "Carestream",
        "compressed once",
        LossyImageCompression="01",
        LossyImageCompressionRatio="11.3",
        LossyImageCompressionMethod="ISO_10918_1",
    ),
    _variant(
        "Carestream",
        "compressed twice",
        LossyImageCompression="01",
        LossyImageCompressionRatio=["4", "11.3"],
        LossyImageCompressionMethod=["ISO_10918_1", "ISO_15444_1"],
    ),
    _variant("Carestream", "compressed, nobody says how", LossyImageCompression="01"),
    _variant(
        "Agfa",
        "15 bits, LUT of 16",
        **_grey(15),
        VOILUTSequence=[lut(2 * np.arange(32768), bits=16)],
    ),
    _variant(
        "Samsung",
        "14 bits, Rescale",
        **_grey(14),
        RescaleIntercept="-1024",
        RescaleSlope="0.5",
        RescaleType="OD",
    ),
    _variant("DRGEM", "16 bits", **_grey(16)),
    _variant("DRGEM", "signed", **_grey(14, signed=True)),
    _variant("Konica", "overlay plane", edit=_overlay_plane),
    _variant("Konica", "11 bits", **_grey(11)),
    # --- type 2 attributes that are not there
    *(
        _variant(
            "no name",
            f"no {key}",
            **{key: None},
            kept={key: None},
            reasons=_MISSING.get(key, ELIGIBLE),
        )
        for key in TYPE_2
    ),
    _variant(
        "no name",
        "nothing of type 2",
        **dict.fromkeys(TYPE_2),
        reasons=("BIRTH_DATE_MISSING", "SEX_UNKNOWN"),
    ),
    _variant(
        "no name",
        "no date at all",
        StudyDate=None,
        AcquisitionDate=None,
        SeriesDate=None,
        ContentDate=None,
        reasons=("ACQUISITION_DATE_MISSING",),
    ),
    _variant("no name", "no series", SeriesInstanceUID=None, error="MISSING_ATTRIBUTE"),
    _variant("no name", "no study", StudyInstanceUID=None, error="MISSING_ATTRIBUTE"),
    _variant("no name", "series is no UID", SeriesInstanceUID=b"1.2.x", error="MISSING_ATTRIBUTE"),
    # --- geometry
    _variant("Agfa", "orientation empty", PatientOrientation=b""),
    _variant("Agfa", "orientation of one value", PatientOrientation=b"L"),
    _variant("Agfa", "plate turned", PatientOrientation=["F", "R"]),
    _variant(
        "Agfa",
        "plate flipped",
        PatientOrientation=["R", "F"],
        FieldOfViewRotation="180",
        FieldOfViewHorizontalFlip="YES",
    ),
    _variant("GE", "oblique orientation", PatientOrientation=["LF", "FR"]),
    _variant("GE", "orientation that is none", PatientOrientation=["X", "?"]),
    _variant(
        "Fuji",
        "no spacing",
        ImagerPixelSpacing=None,
        reasons=("SPACING_UNKNOWN",),
        error="MISSING_ATTRIBUTE",
    ),
    _variant(
        "Fuji",
        "no spacing, no orientation",
        ImagerPixelSpacing=None,
        **_NO_SIDES,
        reasons=("SPACING_UNKNOWN",),
        error="MISSING_ATTRIBUTE",
    ),
    _variant(
        "Fuji",
        "spacing of one value",
        ImagerPixelSpacing=b"0.2",
        reasons=("SPACING_UNKNOWN",),
        error="MISSING_ATTRIBUTE",
    ),
    _variant("Siemens", "pixels that are not square", ImagerPixelSpacing=["0.143", "0.2"]),
    _variant(
        "Siemens",
        "decimals beyond 16 characters",
        ImagerPixelSpacing=b"0.14300000000000000002\\0.14300000000000000002",
        WindowCenter=b"2047.99999999999999999",
        RescaleSlope=b"1.00000000000000000000",
    ),
    _variant("Siemens", "decimal comma", ImagerPixelSpacing=b"0,143\\0,143"),
    _variant(
        "Philips",
        "calibrated",
        PixelSpacing=["0.139", "0.139"],
        EstimatedRadiographicMagnificationFactor="1.08",
    ),
    _variant("Philips", "padding around the film", PixelPaddingValue=b"\x00\x00"),
    _variant(
        "Philips",
        "padding to a limit",
        PixelPaddingValue=b"\x00\x00",
        PixelPaddingRangeLimit=b"\x10\x00",
    ),
    # --- age, sex, birth
    *(
        _variant("Samsung", f"age {age}", PatientAge=age, **more, kept={"PatientAge": age})
        for age, more in _AGES.items()
    ),
    _variant("Samsung", "age empty", PatientAge=b""),
    _variant("Samsung", "age without zeros", PatientAge=b"10Y"),
    _variant("Samsung", "age in words", PatientAge=b"TEN"),
    _variant("Samsung", "age of another child", PatientAge="003Y", reasons=("AGE_CONFLICT",)),
    _variant("DRGEM", "sex O", PatientSex="O", kept={"PatientSex": "O"}, reasons=("SEX_UNKNOWN",)),
    _variant(
        "DRGEM", "sex empty", PatientSex=b"", kept={"PatientSex": None}, reasons=("SEX_UNKNOWN",)
    ),
    _variant(
        "DRGEM", "sex U", PatientSex=b"U", kept={"PatientSex": None}, reasons=("SEX_UNKNOWN",)
    ),
    _variant("DRGEM", "sex in small letters", PatientSex=b"m", kept={"PatientSex": None}),
    _variant(
        "no name", "born with dots", PatientBirthDate=b"2016.03.01", kept={"PatientBirthDate": None}
    ),
    _variant(
        "no name",
        "born on 30 February",
        PatientBirthDate=b"20160230",
        kept={"PatientBirthDate": None},
        reasons=("BIRTH_DATE_MISSING",),
    ),
    _variant(
        "no name",
        "born in words",
        PatientBirthDate=b"UNKNOWN",
        kept={"PatientBirthDate": None},
        reasons=("BIRTH_DATE_MISSING",),
    ),
    _variant(
        "no name",
        "born in 1900",
        PatientBirthDate="19000101",
        reasons=("BIRTH_DATE_PLACEHOLDER", "AGE_CONFLICT"),
    ),
    _variant(
        "no name", "born after the film", PatientBirthDate="20270101", reasons=("AGE_CONFLICT",)
    ),
    _variant("no name", "size in cm, weight 0", PatientSize="140", PatientWeight="0"),
    _variant("no name", "size in words", PatientSize=b"tall", PatientWeight=b"?"),
    # --- body parts
    _variant(
        "GE",
        "body part of the hospital's own",
        BodyPartExamined=b"CHEST PA KIDS",
        AnatomicRegionSequence=None,
        reasons=("NOT_CHEST",),
    ),
    _variant("GE", "retired region code", AnatomicRegionSequence=[_region("T-D3000", "SNM3")]),
    _variant("GE", "body part in small letters", BodyPartExamined=b"chest"),
    _variant(
        "GE", "two body parts", BodyPartExamined=b"CHEST\\ABDOMEN", reasons=("REGION_UNKNOWN",)
    ),
    _variant("GE", "no body part", BodyPartExamined=None),
    # --- texts, times, numbers of values
    _variant("Siemens", "times with colons", StudyTime=b"10:15:00", kept={"StudyTime": None}),
    _variant("Siemens", "hour and fraction", StudyTime="101500.123456", AcquisitionTime="10"),
    _variant("Siemens", "hour 25", StudyTime=b"250000", kept={"StudyTime": None}),
    _variant(
        "Siemens", "date and time in one", StudyDate=b"20260914101500", kept={"StudyDate": None}
    ),
    _variant(
        "Philips",
        "texts over 64 characters",
        StudyDescription=b"Chest PA " * 12,
        StationName=b"ROOM " * 8,
        InstitutionName=b"Hospital " * 12,
    ),
    _variant(
        "Philips",
        "long numbers",
        AccessionNumber=b"A12345678901234567890",
        kept={"AccessionNumber": "A12345678901234567890"},
    ),
    _variant(
        "Philips",
        "two values where one is allowed",
        StudyDescription=b"Chest\\PA",
        PatientSex=b"M\\M",
        reasons=("SEX_UNKNOWN",),
        kept={"PatientSex": None},
    ),
    _variant(
        "Konica",
        "empty items in sequences",
        ProcedureCodeSequence=_empty_item(),
        IssuerOfAccessionNumberSequence=_empty_item(),
        OtherPatientIDsSequence=_empty_item(),
        RequestAttributesSequence=_empty_item(),
    ),
    _variant(
        "Konica",
        "time zone",
        TimezoneOffsetFromUTC="+0900",
        kept={"TimezoneOffsetFromUTC": "+0900"},
    ),
    _variant("Konica", "time zone that is none", TimezoneOffsetFromUTC=b"KST"),
    _variant("Konica", "time zone too far", TimezoneOffsetFromUTC=b"+9900"),
    # --- names and character sets
    *(
        _variant(
            n.make,
            n.odd,
            SpecificCharacterSet=n.declared,
            PatientName=n.encoded,
            kept={"PatientName": n.name},
            charset=n.written,
            error=n.error,
        )
        for n in NAMES
    ),
)
