"""What character set our objects are written in, by that of the film. Tried, one by one."""

from __future__ import annotations

from screener.conformance.markdown import code, table
from screener.conformance.specimens import KINDS, case_in
from screener.dicom.dataset import quiet
from screener.dicom.describe import read_attributes
from screener.domain.report import ResultKind

#: Specific Character Set (0008,0005) of a film (PS3.3 tables C.12-2 to C.12-5), with its name.
_SETS: tuple[tuple[str | list[str], str], ...] = (
    ("ISO_IR 6", "default repertoire"),
    ("ISO_IR 100", "Latin 1"),
    ("ISO_IR 101", "Latin 2"),
    ("ISO_IR 109", "Latin 3"),
    ("ISO_IR 110", "Latin 4"),
    ("ISO_IR 203", "Latin 9"),
    ("ISO_IR 144", "Cyrillic"),
    ("ISO_IR 127", "Arabic"),
    ("ISO_IR 126", "Greek"),
    ("ISO_IR 138", "Hebrew"),
    ("ISO_IR 148", "Latin 5"),
    ("ISO_IR 13", "Japanese, katakana"),
    ("ISO_IR 166", "Thai"),
    ("ISO_IR 192", "Unicode in UTF-8"),
    ("GB18030", "Chinese"),
    ("GBK", "Chinese"),
    (["", "ISO 2022 IR 87"], "Japanese, with code extensions"),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "Japanese, with code extensions"),
    (["", "ISO 2022 IR 149"], "Korean, with code extensions"),
    (["", "ISO 2022 IR 58"], "simplified Chinese, with code extensions"),
    (["ISO 2022 IR 100", "ISO 2022 IR 144"], "Latin 1 and Cyrillic, with code extensions"),
)
_CHARACTER_SET = ("SpecificCharacterSet",)
_DEFAULT = "absent: the default repertoire"


def character_sets() -> str:
    """Return the table of character sets: the film's, and that of our objects."""
    rows = []
    for declared, name in _SETS:
        shown = "\\".join(declared) if isinstance(declared, list) else declared
        rows.append((code(shown), name, _written(declared)))
    return table(("Film", "Repertoire", "Our objects"), rows)


def _written(declared: str | list[str]) -> str:
    with quiet():  # of a set that pydicom does not know
        # all kinds are written in one way, and this one is the fastest made
        overlay = KINDS[ResultKind.OVERLAY].build(case_in(declared))[0]
        seen = {attribute.path: attribute for attribute in read_attributes(overlay.encoded)}
    if _CHARACTER_SET not in seen:
        return _DEFAULT
    return code(seen[_CHARACTER_SET].values[0])
