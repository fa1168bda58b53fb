"""What a film's header says: keywords and values, as the made-up vendors write them.

Every vendor leaves out some of what the standard would like, as real ones do. Nothing here knows
of DICOM's encoding; `write_dicom` turns the values into a data set.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

import numpy as np

from screener.domain.patient import age_years
from screener.phantom.cohort import Child, stream
from screener.phantom.film import Film

#: A text, number or list of them for an attribute; a list of mappings for a sequence.
Value: TypeAlias = "str | float | int | bytes | list[str] | list[float] | list[Items] | None"
Items: TypeAlias = "dict[str, Value]"

_CR = "1.2.840.10008.5.1.4.1.1.1"
_DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
_FIRST_DAY = date(2025, 1, 2)
_DAYS = 300

#: PS3.16 CID 4009 and 4010: regions and views, coded.
_REGIONS = {
    "CHEST": ("816094009", "Chest"),
    "HAND": ("85562004", "Hand"),
    "WSPINE": ("421060004", "Vertebral column"),
}
_VIEWS = {
    "PA": ("272479007", "postero-anterior"),
    "AP": ("399348003", "antero-posterior"),
    "LL": ("399173006", "left lateral"),
}
#: By kind: body part, description, and view where the technique's does not say it.
_KINDS = {
    "chest": ("CHEST", "Chest", ""),
    "lateral": ("CHEST", "Chest lateral", "LL"),
    "hand": ("HAND", "Hand", "PA"),
    "whole_spine": ("WSPINE", "Whole spine", ""),
    "babygram": ("CHEST", "Babygram chest abdomen", "AP"),
    "blank": ("CHEST", "Chest", ""),
}


def phantom_uid(*parts: str) -> str:
    """Return the UID that belongs to some parts: 2.25 and a UUID made from them (PS3.5 B.2)."""
    text = "\0".join(("screener.phantom", *parts))
    return f"2.25.{uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4).int}"


def born_on(acquired_on: date, years: float) -> date:
    """Return the birth date of a child who has this age, to a day, on a date."""
    guess = acquired_on - timedelta(days=round(years * 365.2425))
    near = (guess + timedelta(days=shift) for shift in range(-3, 4))
    return min(near, key=lambda day: abs(age_years(day, acquired_on) - years))


def header(
    film: Film, child: Child, *, study: int = 0, height: bool = True, weight: bool = True
) -> Items:
    """Return a film's header.

    Parameters
    ----------
    film, child
        What, and of whom.
    study
        Number of the child's study; films with the same one share Study Instance UID, date and
        accession number.
    height, weight
        Whether the header has Patient's Size and Weight.
    """
    rng = stream(child.key, "header", study)
    acquired_on = _FIRST_DAY + timedelta(days=int(rng.integers(_DAYS)))
    minutes = int(rng.integers(7 * 60, 19 * 60))
    at = datetime.combine(acquired_on, time()) + timedelta(minutes=minutes, seconds=film.seed % 60)
    birth = born_on(acquired_on, child.age_years)
    number = int(child.key[:12], 16) % 10**8
    own = (child.key, str(study))
    named = (film.kind, film.site, str(film.seed), film.view.value, f"{film.spacing_mm:g}")
    description = _KINDS[film.kind][1]
    items: Items = {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPClassUID": _CR if film.vendor.modality == "CR" else _DX_FOR_PRESENTATION,
        "SOPInstanceUID": phantom_uid("instance", *own, *named, film.photometric_interpretation),
        "StudyInstanceUID": phantom_uid("study", *own),
        "SeriesInstanceUID": phantom_uid("series", *own, *named),
        "StudyDate": f"{acquired_on:%Y%m%d}",
        "SeriesDate": f"{acquired_on:%Y%m%d}",
        "AcquisitionDate": f"{acquired_on:%Y%m%d}",
        "ContentDate": f"{acquired_on:%Y%m%d}",
        "StudyTime": f"{at:%H%M%S}",
        "AcquisitionTime": f"{at:%H%M%S}",
        "ContentTime": f"{at:%H%M%S}",
        "AccessionNumber": f"SYN{int(phantom_uid('study', *own)[-7:]):07d}",
        "Modality": film.vendor.modality,
        "Manufacturer": film.vendor.manufacturer,
        "ManufacturerModelName": film.vendor.model,
        "InstitutionName": f"Synthetic Children's Hospital {film.site}",
        "StationName": f"SYN{film.site}01",
        "ReferringPhysicianName": "",
        # of the whole study: it names no view
        "StudyDescription": "Chest" if film.kind == "lateral" else description,
        "SeriesDescription": description,
        "PatientName": f"ZZ-SYNTHETIC^CHILD {number:08d}",
        "PatientID": f"ZZSYN{number:08d}",
        "IssuerOfPatientID": "SYNTHETIC",
        "PatientBirthDate": f"{birth:%Y%m%d}",
        "PatientSex": child.sex.value,
        "PatientSize": round(child.height_cm / 100, 3) if height else None,
        "PatientWeight": round(child.weight_kg, 1) if weight else None,
        "QualityControlImage": "YES",
        "BurnedInAnnotation": "YES",
        "ImageComments": "SYNTHETIC",
        "StudyID": f"{study + 1}",
        "SeriesNumber": 1 + film.seed % 89,
        "InstanceNumber": 1,
    }
    items |= _acquisition(film)
    items |= _image(film)
    items |= _positioning(film)
    return items


def _acquisition(film: Film) -> Items:
    technique = film.technique
    exposure_index = 100 * film.vendor.dose_ugy
    items: Items = {
        "KVP": technique.kvp,
        "ExposureTime": max(round(technique.mas * 4), 1),
        "XRayTubeCurrent": 250,
        "Exposure": max(round(technique.mas), 1),
        "ExposureInuAs": round(technique.mas * 1000),
        "DistanceSourceToDetector": round(technique.sid_cm * 10, 1),
        "Grid": "FOCUSED" if technique.grid else "NONE",
        "ExposureIndex": round(exposure_index),
        "TargetExposureIndex": 250,
        "DeviationIndex": round(float(10 * np.log10(exposure_index / 250)), 1),
        "FilterMaterial": ["ALUMINUM", "COPPER"] if technique.added_cu_mm else None,
    }
    if film.vendor.modality == "CR":
        items |= {
            "Grid": None,
            "Sensitivity": round(200 * 2.5 / film.vendor.dose_ugy, 1),
            "PlateType": "PHOSPHOR PLATE",
            "CassetteSize": "35CMX43CM",
            # readers of plates know nothing of the generator
            "ExposureTime": None,
            "XRayTubeCurrent": None,
            "ExposureInuAs": None,
            "FilterMaterial": None,
        }
    else:
        items["DetectorType"] = "SCINTILLATOR"
    if film.site == "D":
        items |= {"ExposureIndex": None, "TargetExposureIndex": None, "DeviationIndex": None}
    return items


def _image(film: Film) -> Items:
    scale = film.grey_scale
    spacing = [film.spacing_mm, film.spacing_mm]
    items: Items = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": film.photometric_interpretation,
        "Rows": film.pixels.shape[0],
        "Columns": film.pixels.shape[1],
        "BitsAllocated": 16,
        "BitsStored": film.bits_stored,
        "HighBit": film.bits_stored - 1,
        "PixelRepresentation": 0,
        "ImagerPixelSpacing": spacing,
        "ImageType": ["DERIVED", "PRIMARY"],
        "LossyImageCompression": "00",
    }
    if film.vendor.modality == "DX":
        items |= {
            "PresentationIntentType": "FOR PRESENTATION",
            "PixelIntensityRelationship": "LOG",
            "PixelIntensityRelationshipSign": -1
            if film.photometric_interpretation == "MONOCHROME2"
            else 1,
            "RescaleIntercept": 0,
            "RescaleSlope": 1,
            "RescaleType": "US",
            "PresentationLUTShape": "IDENTITY"
            if film.photometric_interpretation == "MONOCHROME2"
            else "INVERSE",
        }
    slope = film.vendor.rescale_slope
    if slope is not None:
        items |= {"RescaleIntercept": 0, "RescaleSlope": slope, "RescaleType": "US"}
    # after a Modality LUT the window is in its units; the standard's half values stay halves
    factor = 1.0 if slope is None else slope
    match scale.voi.value:
        case "LUT":
            lut = np.zeros(0, dtype=np.uint16) if scale.lut is None else scale.lut
            curve: Items = {
                "LUTDescriptor": [float(len(lut)), float(scale.first), 16.0],
                "LUTExplanation": "CHEST",
                "LUTData": lut.astype("<u2").tobytes(),
            }
            items["VOILUTSequence"] = [curve]
        case "SIGMOID":
            items |= {
                "WindowCenter": scale.center,
                "WindowWidth": scale.width,
                "VOILUTFunction": "SIGMOID",
            }
        case _:
            items |= {
                "WindowCenter": round((scale.center - 0.5) * factor + 0.5, 2),
                "WindowWidth": round((scale.width - 1) * factor + 1, 2),
                "WindowCenterWidthExplanation": "CHEST",
            }
    return items


def _positioning(film: Film) -> Items:
    part, _, fixed = _KINDS[film.kind]
    view = fixed or film.view.value
    items: Items = {
        "BodyPartExamined": part,
        "ViewPosition": view,
        # towards the film's right and its lower edge
        "PatientOrientation": {"LL": ["P", "F"]}.get(view, ["L", "F"]),
        "PatientPosition": None,
    }
    if film.vendor.modality == "DX":
        items["ImageLaterality"] = "U"
        items["AcquisitionContextSequence"] = []
        items["AnatomicRegionSequence"] = [_code(_REGIONS[part])]
        items["PositionerType"] = "NONE"
    if film.site in {"A", "B"}:
        items["ViewCodeSequence"] = [_code(_VIEWS[view])]
    if film.site == "D":
        # this vendor leaves the view to the texts
        items["ViewPosition"] = ""
        items["ProtocolName"] = f"{part.title()} {'lateral' if view == 'LL' else view}"
        items["SeriesDescription"] = items["ProtocolName"]
    if film.site == "C":
        items["PatientOrientation"] = ""
    return items


def _code(code: tuple[str, str]) -> Items:
    return {"CodeValue": code[0], "CodingSchemeDesignator": "SCT", "CodeMeaning": code[1]}


def stated_age(items: Mapping[str, Value]) -> str | None:
    """Return Patient's Age as the header's own dates make it, such as ``013Y``, or None."""
    birth, acquired = items.get("PatientBirthDate"), items.get("AcquisitionDate")
    acquired = acquired or items.get("StudyDate")
    try:
        years = age_years(_day(birth), _day(acquired))
    except ValueError:
        return None
    if years < 2:
        return f"{int(years * 12):03d}M"
    return f"{min(int(years), 999):03d}Y"


def _day(value: Value) -> date:
    return date.fromisoformat(str(value))
