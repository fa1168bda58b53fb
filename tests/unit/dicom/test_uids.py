import uuid

import pytest
from pydicom.uid import UID

from screener.dicom.uids import (
    DEVICE_MODEL,
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    is_own_uid,
    own_uid,
)


def test_the_same_parts_give_the_same_uid_and_other_parts_another() -> None:
    assert own_uid("a", "b") == own_uid("a", "b")
    assert len({own_uid("a", "b"), own_uid("b", "a"), own_uid("ab"), own_uid("a", "b", "")}) == 4


def test_a_uid_is_valid_and_stands_for_a_uuid_of_version_8() -> None:
    uid = own_uid("report", "1", "한국어")

    value = uuid.UUID(int=int(uid.removeprefix("2.25.")))
    assert UID(uid).is_valid
    assert (value.version, value.variant) == (8, uuid.RFC_4122)


def test_the_implementation_names_itself_within_the_lengths_that_the_standard_allows() -> None:
    assert is_own_uid(IMPLEMENTATION_CLASS_UID)
    assert 1 <= len(IMPLEMENTATION_VERSION_NAME) <= 16
    assert DEVICE_MODEL == "bmd-screener"


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.1",
        "2.25",
        "2.25.",
        "2.25.x",
        "2.25.1",
        f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, 'other').int}",
        "1" + own_uid("a")[1:],
        own_uid("a") + "0",
        own_uid("a") + ".1",
        "",
    ],
)
def test_other_uids_are_not_ours(uid: str) -> None:
    assert not is_own_uid(uid)
    assert is_own_uid(own_uid("a"))
