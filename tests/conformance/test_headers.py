"""Whatever a header holds, it ends in valid objects, or in a coded reason; never in a traceback."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from screener.dicom.dataset import quiet
from screener.dicom.header import read_header
from screener.dicom.texts import declared_character_set, decoded_texts
from screener.domain.errors import ScreenerError
from screener.domain.instance import InstanceHeader
from tests.conformance.header_objects import objects_of, reasons_of
from tests.conformance.headers import VARIANTS, HeaderVariant
from tests.conformance.validators import complaints, run
from tests.conformance.waivers import OF_FILMS

NAMED = [pytest.param(v, id=f"{v.make}: {v.odd}") for v in VARIANTS]
_PATIENT_NAME = 0x00100010


def _dcmtk_knows(variant: HeaderVariant) -> bool:
    """Return whether a name is given in a set that DCMTK reads with this C library."""
    charset = variant.charset or ""
    named = "SpecificCharacterSet" in variant.changes and variant.error is None
    return named and "IR 87" not in charset


def test_there_are_many_and_each_is_another() -> None:
    assert len(VARIANTS) >= 60
    assert len({(v.make, v.odd) for v in VARIANTS}) == len(VARIANTS)
    assert len({v.encoded for v in VARIANTS}) == len(VARIANTS)


def _header(variant: HeaderVariant) -> InstanceHeader | None:
    """Return what is read; None where the variant says that it is not."""
    try:
        return read_header(variant.encoded)
    except ScreenerError as error:
        if error.code != variant.error:
            raise
    return None


@pytest.mark.parametrize("variant", NAMED)
def test_a_header_is_judged_with_reasons(variant: HeaderVariant) -> None:
    header = _header(variant)
    if header is not None:
        assert reasons_of(header) == variant.reasons


@pytest.mark.parametrize("variant", NAMED)
def test_a_header_ends_in_valid_objects_or_in_a_coded_error(
    variant: HeaderVariant, tmp_path: Path
) -> None:
    source = variant.encoded
    if _header(variant) is None:
        return
    path = tmp_path / "object.dcm"
    errors = set()
    waived = OF_FILMS.get(variant.odd, ())

    for made in objects_of(source):
        if made.result is None:
            errors.add(made.error)
            continue
        path.write_bytes(made.result.encoded)
        assert list(complaints(path, waived_too=waived)) == [], made.what
        _says_what_it_must(variant, made.result.encoded)

    assert errors == ({variant.error} if variant.error else set())
    assert source == variant.encoded


def _says_what_it_must(variant: HeaderVariant, encoded: bytes) -> None:
    made = dcmread(BytesIO(encoded), stop_before_pixels=True)
    with quiet():
        charset = declared_character_set(made)
        name = decoded_texts(made.get_item(_PATIENT_NAME), "PN", charset)
        for keyword, value in variant.kept.items():
            shown = name if keyword == "PatientName" else made[keyword].value
            assert (str(shown) if shown else None) == value, keyword
        if variant.charset is not None or "SpecificCharacterSet" in variant.changes:
            assert "\\".join(charset.terms) == (variant.charset or "")


@pytest.mark.parametrize("variant", [v for v in VARIANTS if _dcmtk_knows(v)], ids=lambda v: v.odd)
def test_another_library_reads_the_same_name(variant: HeaderVariant, tmp_path: Path) -> None:
    path = tmp_path / "object.dcm"
    for made in objects_of(variant.encoded):
        assert made.result is not None
        path.write_bytes(made.result.encoded)

        code, said = run("dcmdump", "+U8", "+P", "PatientName", str(path))

        assert code == 0, said
        assert f"[{variant.kept['PatientName']}]" in said
