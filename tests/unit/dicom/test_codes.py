from __future__ import annotations

from typing import Any

import pytest
from pydicom.sr import _concepts_dict
from pydicom.sr.coding import Code

from screener.dicom import codes
from screener.domain.finding import Verdict

ALL = {
    **{name: value for name, value in vars(codes).items() if isinstance(value, Code)},
    **{f"{verdict.value} result": code for verdict, code in codes.SCREENING_RESULTS.items()},
}
#: SNOMED CT's or UMLS's own, and units: not in the dictionary of PS3.16 codes.
OUTSIDE_PS3_16 = {"449781000", "260753009", "C0034375", "g/cm2", "{SD}"}


@pytest.mark.parametrize("name", ALL)
def test_a_code_fits_its_attributes(name: str) -> None:
    code = ALL[name]

    assert 0 < len(code.value) <= 16
    assert 0 < len(code.meaning) <= 64
    assert len(code.scheme_designator) <= 16


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, code in ALL.items()
        if code.scheme_designator != codes.PRIVATE_SCHEME and code.value not in OUTSIDE_PS3_16
    ],
)
def test_a_standard_code_has_the_standard_meaning(name: str) -> None:
    code = ALL[name]

    concepts: Any = _concepts_dict.concepts[code.scheme_designator]
    meanings = {entry[code.value][0] for entry in concepts.values() if code.value in entry}

    assert code.meaning in meanings


def test_private_codes_are_told_apart() -> None:
    private = [c.value for c in ALL.values() if c.scheme_designator == codes.PRIVATE_SCHEME]

    assert len(private) == len(set(private))


def test_the_code_for_normal_is_never_used() -> None:
    assert "17621005" not in {code.value for code in ALL.values()}


def test_every_verdict_has_a_screening_result() -> None:
    assert set(codes.SCREENING_RESULTS) == set(Verdict)


def test_the_private_scheme_is_declared_with_an_organisation() -> None:
    item = codes.coding_scheme()

    assert item.CodingSchemeDesignator == "99CXRBMD"
    assert item.CodingSchemeResponsibleOrganization
