import copy
import pickle

import pytest

from screener.domain.identifiers import (
    AeTitle,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
    Uid,
)


@pytest.mark.parametrize(
    ("text", "uid"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3\0", "1.2.3"),
        (" 1.2.3  ", "1.2.3"),
        ("1.02.3", "1.02.3"),
        ("9" * 64, "9" * 64),
        ("0", "0"),
    ],
)
def test_a_uid_loses_its_padding_and_nothing_else(text: str, uid: str) -> None:
    assert Uid(text) == uid


@pytest.mark.parametrize(
    "text", ["", "\0", " ", ".1", "1.2.x", "1\\2", "9" * 65, "1.2 .3", "1.２", "1.2\n3", "-1"]
)
@pytest.mark.parametrize("kind", [SopInstanceUid, StudyInstanceUid, SeriesInstanceUid])
def test_what_is_no_uid_is_refused_by_its_kind_and_without_its_value(
    text: str, kind: type[Uid]
) -> None:
    with pytest.raises(ValueError, match=f"not a valid {kind.__name__}") as refused:
        kind(text)

    assert not text.strip("\0 ") or text not in str(refused.value)


def test_a_uid_does_not_show_itself_in_a_traceback() -> None:
    assert repr(StudyInstanceUid("1.2.3")) == "<StudyInstanceUid>"
    assert f"{StudyInstanceUid('1.2.3')}" == "1.2.3"


def test_a_uid_stays_what_it_is_when_it_is_copied_or_sent_to_another_process() -> None:
    uid = SopInstanceUid("1.2.3")

    for again in (copy.deepcopy(uid), pickle.loads(pickle.dumps(uid))):  # noqa: S301 - our own
        assert again == uid
        assert type(again) is SopInstanceUid


@pytest.mark.parametrize(
    ("text", "title"),
    [("BMDSCREEN", "BMDSCREEN"), (" PACS ", "PACS"), ("A\0", "A"), ("x" * 16, "x" * 16)],
)
def test_an_ae_title_loses_its_padding(text: str, title: str) -> None:
    assert AeTitle(text) == title


@pytest.mark.parametrize("text", ["", "   ", "x" * 17, "A\\B", "A\nB", "Ä", "A\x7f", "A\tB"])
def test_what_is_no_ae_title_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an AE title"):
        AeTitle(text)
