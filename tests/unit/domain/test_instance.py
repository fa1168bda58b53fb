from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.unit.domain.values import IDENTITY, header


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": {"patient_id": "other"}},
        {"identity": {"birth_date": date(2016, 3, 2)}},
        {"identity": {"accession_number": None}},
        {"patient_age": None},
        {"patient_size": 1.41},
        {"view_position": "AP"},
        {"descriptions": ("Chest",)},
        {"acquired_on": date(2026, 9, 13)},
        {"quality_control_image": False},
        {"pixels": {"spacing_mm": (0.15, 0.16)}},
        {"pixels": {"rows": 2501}},
        {"pixels": {"photometric_interpretation": "MONOCHROME1"}},
    ],
)
def test_another_attribute_that_we_use_is_another_digest(changes: dict[str, Any]) -> None:
    assert header(**changes).digest() != header().digest()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"transfer_syntax_uid": "1.2.840.10008.1.2.4.70"},
        {"forgiven": ("PatientSize",)},
        {"pixels": {"photometric_interpretation": "YBR_RCT"}},
    ],
)
def test_another_encoding_of_the_same_film_is_the_same_digest(changes: dict[str, Any]) -> None:
    assert header(**changes).digest() == header().digest()


def test_an_identity_does_not_show_itself_in_a_traceback() -> None:
    assert "ZZ" not in repr(IDENTITY)
    assert "ZZ" not in repr(header())
    assert "1.2.3" not in repr(header().sop_instance_uid)


def test_a_childs_studies_are_joined_by_id_issuer_birth_date_and_sex() -> None:
    assert IDENTITY.child == ("ZZ-SYNTHETIC-1", "ZZ", date(2016, 3, 1), "M")
    assert replace(IDENTITY, issuer=None).child == ("ZZ-SYNTHETIC-1", "", date(2016, 3, 1), "M")


@pytest.mark.parametrize("missing", ["patient_id", "birth_date", "sex"])
def test_an_identity_that_lacks_a_part_joins_nothing(missing: str) -> None:
    assert replace(IDENTITY, **{missing: None}).child is None
