"""Every byte string of a name here is one that PS3.5 prints, or was made with another codec."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.dicom.character_sets import CharacterSet, read_character_set

#: Terms, name, and its bytes as PS3.5 annexes H, I, J and K print them.
PRINTED = [
    (
        ["", "ISO 2022 IR 87"],
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    ),
    (
        ["ISO 2022 IR 13", "ISO 2022 IR 87"],
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
        (
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J"
            b"=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J"
        ),
    ),
    (
        ["", "ISO 2022 IR 149"],
        "Hong^Gildong=洪^吉洞=홍^길동",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
    ),
    (
        ["", "ISO 2022 IR 58"],
        "Zhang^XiaoDong=张^小东=",
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
    ),
    (
        ["ISO_IR 192"],
        "Wang^XiaoDong=王^小东=",
        b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe4\xb8\x9c=",
    ),
    (["GB18030"], "Wang^XiaoDong=王^小东=", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab="),
    (["ISO_IR 100"], "Buc^Jérôme", b"Buc^J\xe9r\xf4me"),
    (["ISO_IR 126"], "Διονυσιος", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2"),
    (["ISO_IR 144"], "Люкceмбypг", b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3"),
    (["ISO_IR 127"], "قباني^لنزار", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1"),
    (["ISO_IR 138"], "שרון^דבורה", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4"),
    (["ISO_IR 166"], "นามสกุล", b"\xb9\xd2\xc1\xca\xa1\xd8\xc5"),
    (["ISO_IR 148"], "Yıldız^Şule", b"Y\xfdld\xfdz^\xdeule"),
    (["ISO_IR 13"], "ﾔﾏﾀﾞ^ﾀﾛｳ", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3"),
]


@pytest.mark.parametrize(("terms", "name", "encoded"), PRINTED)
def test_a_name_is_the_bytes_that_the_standard_prints(
    terms: list[str], name: str, encoded: bytes
) -> None:
    charset = read_character_set(terms)

    assert charset.well_declared
    assert charset.encode(name, name=True) == encoded
    assert charset.decode_exactly(encoded, name=True) == (name, True)


@pytest.mark.parametrize(
    ("terms", "name", "trap"),
    [
        (["", "ISO 2022 IR 87"], "Akiyama=秋山", b"="),
        (["", "ISO 2022 IR 87"], "Yamamoto=山本", b"\\"),
        (["", "ISO 2022 IR 87"], "Yamada=やまだ", b"^"),
        (["GB18030"], "Zhang=誠", b"\\"),
        (["GBK"], "Zhang=誠", b"\\"),
    ],
)
def test_a_byte_of_a_character_is_no_delimiter(terms: list[str], name: str, trap: bytes) -> None:
    charset = read_character_set(terms)

    encoded = charset.encode(name, name=True)

    assert encoded.count(trap) > name.encode("utf-8").count(trap)
    assert charset.decode_exactly(encoded, name=True) == (name, True)


def test_a_set_that_follows_another_is_in_use_from_its_escape_on() -> None:
    charset = read_character_set(["ISO 2022 IR 6", "ISO 2022 IR 87", "ISO 2022 IR 159"])
    text = "Noma=\u91ce\u9593^\u4e02\u611b"  # the third character is in JIS X 0212 only

    encoded = charset.encode(text, name=True)

    assert b"\x1b$(D" in encoded
    assert b"\x1b$B" in encoded
    assert encoded.endswith(b"\x1b(B")
    assert charset.decode_exactly(encoded, name=True) == (text, True)


@pytest.mark.parametrize(
    ("declared", "terms"),
    [
        ([], ()),
        ([""], ()),
        (["ISO_IR 6"], ()),
        (["ISO 2022 IR 6"], ()),
        (["ISO_IR 100"], ("ISO_IR 100",)),
        (["ISO IR 100"], ("ISO_IR 100",)),
        (["ISO 2022 IR 100"], ("ISO_IR 100",)),
        (["ISO 2022 IR 149"], ("", "ISO 2022 IR 149")),
        (["ISO-2022-IR-149"], ("", "ISO 2022 IR 149")),
        (["ISO_IR 149"], ("", "ISO 2022 IR 149")),
        (["ISO_IR 100", "ISO 2022 IR 149"], ("ISO 2022 IR 100", "ISO 2022 IR 149")),
        (["ISO_IR 192", ""], ("ISO_IR 192",)),
        (["utf8"], ("ISO_IR 192",)),
        (["GBK"], ("GBK",)),
        (["ISO_IR 100", "ISO_IR 192"], ()),
        (["KLINGON"], ()),
    ],
)
def test_a_set_is_written_in_the_standards_spelling(
    declared: list[str], terms: tuple[str, ...]
) -> None:
    assert read_character_set(declared).terms == terms


def test_an_unknown_set_is_badly_declared() -> None:
    assert not read_character_set(["KLINGON"]).well_declared
    assert not read_character_set(["ISO 2022 IR 149"]).well_declared
    assert read_character_set([]).well_declared


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ([], "ü"),
        (["ISO_IR 100"], "한"),
        (["ISO_IR 100"], "\x85"),
        (["", "ISO 2022 IR 149"], "ü"),
        (["", "ISO 2022 IR 87"], "한"),
        (["", "ISO 2022 IR 87"], "ﾔ"),
        (["ISO_IR 13"], "山"),
        (["ISO_IR 13"], "a~b"),
        (["GBK"], "𠮷"),
        (["ISO_IR 192"], "\ud800"),
    ],
)
def test_what_a_set_cannot_hold_is_an_error_and_no_question_mark(
    terms: list[str], text: str
) -> None:
    with pytest.raises(UnicodeEncodeError):
        read_character_set(terms).encode(text)


@pytest.mark.parametrize(
    ("terms", "encoded", "text"),
    [
        # nobody says what they are
        ([], "홍길동".encode(), "홍길동"),
        ([], "Müller".encode("latin-1"), "Müller"),
        ([], b"\x81\x41", "\ufffdA"),
        (["KLINGON"], "Müller".encode(), "Müller"),
        # no escape, or none after a delimiter
        (["", "ISO 2022 IR 149"], b"Hong=\xfb\xf3^\xd1\xce", "Hong=洪^吉"),
        # more than the set has: cp949, cp1252
        (["", "ISO 2022 IR 149"], b"\x1b$)C\x8cc", "똠"),
        (["ISO_IR 100"], b"\x80", "€"),
        (["ISO_IR 192"], b"\xb1\xe8", "\ufffd\ufffd"),
    ],
)
def test_what_machines_write_against_the_rules_is_read_and_known_to_be_inexact(
    terms: list[str], encoded: bytes, text: str
) -> None:
    shown, exact = read_character_set(terms).decode_exactly(encoded, name=True)

    assert shown == text
    assert not exact


@given(
    st.sampled_from(
        [
            (),
            ("ISO_IR 100",),
            ("ISO_IR 13",),
            ("ISO_IR 166",),
            ("", "ISO 2022 IR 149"),
            ("", "ISO 2022 IR 87"),
            ("", "ISO 2022 IR 58"),
            ("ISO 2022 IR 13", "ISO 2022 IR 87", "ISO 2022 IR 159"),
            ("ISO 2022 IR 100", "ISO 2022 IR 126", "ISO 2022 IR 149"),
            ("ISO_IR 192",),
            ("GB18030",),
        ]
    ),
    st.text(st.sampled_from("aZ ^=\\\r\n~ü€Σท홍洪吉山本秋やまダ丂ﾔ张诚"), max_size=12),
    st.booleans(),
)
def test_what_is_encoded_reads_as_before(terms: tuple[str, ...], text: str, name: bool) -> None:
    charset = CharacterSet(terms)
    try:
        encoded = charset.encode(text, name=name)
    except UnicodeEncodeError:
        return
    assert charset.decode_exactly(encoded, name=name) == (text, True)


@given(st.binary(max_size=24), st.booleans())
def test_no_bytes_make_a_set_fail(encoded: bytes, name: bool) -> None:
    for terms in ((), ("ISO_IR 13",), ("", "ISO 2022 IR 149"), ("", "ISO 2022 IR 87"), ("GBK",)):
        CharacterSet(terms).decode(encoded, name=name)
