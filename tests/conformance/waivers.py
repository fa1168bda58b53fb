"""What validators say against our objects although it is no fault: each by name, with its reason.

Errors are waived for single films only, whose own values bring them about, and where a validator
does not know the standard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Patterns = tuple[re.Pattern[str], ...]

_OF_DCIODVFY = (
    # Our own coding scheme, which (0008,0110) declares; the validator knows public ones only.
    re.compile(r"^Warning.*Unrecognized defined term = <99CXRBMD>"),
    # Type 2 attributes that the source has empty, too; nothing is invented for a directory on disc.
    re.compile(r"^Warning.*Missing attribute or value that would be needed to build DICOMDIR"),
    # It is unknown: the source states no body part.
    re.compile(r"^Warning.*Laterality.* is only permitted to be empty when actually unknown"),
)
_OF_PIXELMED = (
    # TID 1500 is extensible: what matters most stands at its beginning, and what no template has
    # a row for stands behind the rows.
    re.compile(r"^Warning.*Content Item not in template"),
)
_OF_DCMPSCHK = (
    # DCMTK 3.6.7 knows no UTF-8 here, and takes letters in it for control characters.
    re.compile(r"does not conform to data type definition.*(Type (PN|ST|LO|SH))"),
    # Type 2: it may be empty, as it is in the film.
    re.compile(
        r"Testing: [^|]*\| patientName absent or empty in presentation state \| Test failed"
    ),
)
#: By validator: of every object.
OF_VALIDATORS: Mapping[str, Patterns] = {
    "dciodvfy": _OF_DCIODVFY,
    "DicomSRValidator": _OF_PIXELMED,
    "dcmpschk": _OF_DCMPSCHK,
}

#: Both dciodvfy and DCMTK part a value at the byte of a backslash, also where that is half of a
#: character, which PS3.5 section 6.1.2.3 forbids to readers; the film itself has the same bytes.
_PARTED = (
    re.compile(r"PatientName.*Bad attribute Value Multiplicity"),
    re.compile(r"PatientName.*Retired Person Name form"),
    re.compile(r"Value Multiplicity too large.*patientName VM != 1"),
)
#: dciodvfy does not know the set.
_UNKNOWN_SET = (re.compile(r"PatientName.*Character invalid for character repertoire"),)
#: DCMTK with the iconv of this C library does not know the set.
_NOT_IN_ICONV = (re.compile(r"'ISO 2022 IR (87|159)' is not supported by the utilized"),)

#: By `HeaderVariant.odd`: of objects of that film.
OF_FILMS: Mapping[str, Patterns] = {
    "Japanese, three parts": _NOT_IN_ICONV,
    "Japanese with bytes of delimiters": (*_PARTED, *_NOT_IN_ICONV),
    "two Japanese sets": _NOT_IN_ICONV,
    "katakana and kanji": _NOT_IN_ICONV,
    "a Chinese letter of which half is a backslash": _PARTED,
    "katakana alone": _UNKNOWN_SET,
    "Chinese, GBK": _UNKNOWN_SET,
    # An archive files by it: too long is no reason to leave it out.
    "long numbers": (
        re.compile(r"AccessionNumber.*Length invalid"),
        re.compile(r"Value Length too large.*AccessionNumber"),
    ),
    # The film's own word for its body part; terms are defined, and may be extended.
    "body part of the hospital's own": (
        re.compile(r"^Warning - </BodyPartExamined.*Unrecognized defined term"),
    ),
}
