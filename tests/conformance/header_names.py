"""Names in the character sets of the world: as bytes, and as they must be read.

The bytes come from Python's codecs and from the annexes of PS3.5, not from what is tested.
"""

from __future__ import annotations

from dataclasses import dataclass

UTF_8 = "ISO_IR 192"


@dataclass(frozen=True, kw_only=True)
class NameVariant:
    """A name as a machine wrote it.

    Parameters
    ----------
    declared
        (0008,0005) as it is encoded; None where it is left out.
    written
        The same of every result object.
    error
        Code of the error where the name cannot be read.
    """

    make: str
    odd: str
    declared: bytes | None
    encoded: bytes
    name: str
    written: str | None
    error: str | None = None


def _name(
    make: str,
    odd: str,
    declared: str | None,
    encoded: bytes,
    name: str,
    written: str | None = "as declared",
    error: str | None = None,
) -> NameVariant:
    return NameVariant(
        make=make,
        odd=odd,
        declared=None if declared is None else declared.encode("ascii"),
        encoded=encoded,
        name=name,
        written=declared if written == "as declared" else written,
        error=error,
    )


def _katakana(text: str) -> bytes:
    return text.encode("shift_jis")


_KOREAN = "Hong^Gildong=洪^吉洞=홍^길동"
_KOREAN_BYTES = (
    b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"
)
_JAPANESE = "Yamada^Tarou=山田^太郎=やまだ^たろう"
_JAPANESE_BYTES = (
    b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
)

NAMES: tuple[NameVariant, ...] = (
    _name("Samsung", "Korean, three parts", "\\ISO 2022 IR 149", _KOREAN_BYTES, _KOREAN),
    _name(
        "DRGEM",
        "Korean set alone",
        "ISO 2022 IR 149",
        _KOREAN_BYTES,
        _KOREAN,
        "\\ISO 2022 IR 149",
    ),
    _name(
        "DRGEM",
        "Korean without escapes",
        "ISO 2022 IR 149",
        "Hong^Gildong=洪^吉洞=홍^길순".encode("euc_kr"),
        "Hong^Gildong=洪^吉洞=홍^길순",
        "\\ISO 2022 IR 149",
    ),
    _name(
        "DRGEM",
        "a syllable that the Korean set does not have",
        "\\ISO 2022 IR 149",
        b"Kim^A=" + b"\x1b$)C" + "똠".encode("cp949"),
        "Kim^A=똠",
        UTF_8,
    ),
    _name("DRGEM", "Korean in UTF-8", UTF_8, _KOREAN.encode(), _KOREAN),
    _name("Fuji", "Japanese, three parts", "\\ISO 2022 IR 87", _JAPANESE_BYTES, _JAPANESE),
    _name(
        "Fuji",
        "Japanese with bytes of delimiters",
        "\\ISO 2022 IR 87",
        b"Akiyama^Hon=\x1b$B=);3\x1b(B^\x1b$BK\\\x1b(B",
        "Akiyama^Hon=秋山^本",
    ),
    _name(
        "Konica",
        "two Japanese sets",
        "ISO 2022 IR 6\\ISO 2022 IR 87\\ISO 2022 IR 159",
        b"Kano^A=\x1b$(D0\x21\x1b(B^\x1b$B;3ED\x1b(B",
        "Kano^A=丂^山田",
    ),
    _name(
        "Konica",
        "katakana and kanji",
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        _katakana("ﾔﾏﾀﾞ^ﾀﾛｳ") + b"=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
    ),
    _name("Konica", "katakana alone", "ISO_IR 13", _katakana("ﾔﾏﾀﾞ^ﾀﾛｳ"), "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    _name(
        "Carestream",
        "Chinese, GB18030",
        "GB18030",
        "Wang^Xiao=王^小东".encode("gb18030"),
        "Wang^Xiao=王^小东",
    ),
    _name(
        "Carestream", "Chinese, GBK", "GBK", "Wang^Xiao=王^小东".encode("gbk"), "Wang^Xiao=王^小东"
    ),
    _name(
        "Carestream",
        "a Chinese letter of which half is a backslash",
        "GB18030",
        "Zhang^Cheng=誠".encode("gb18030"),
        "Zhang^Cheng=誠",
    ),
    _name(
        "Carestream",
        "Chinese with escapes",
        "\\ISO 2022 IR 58",
        b"Zhang^A=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab",
        "Zhang^A=张^小东",
    ),
    _name("Carestream", "Chinese, UTF-8", UTF_8, "Wang^Xiao=王^小东".encode(), "Wang^Xiao=王^小东"),
    _name(
        "Agfa",
        "Greek",
        "ISO_IR 126",
        "Παπαδοπούλου^Ελένη".encode("iso8859-7"),
        "Παπαδοπούλου^Ελένη",
    ),
    _name("Siemens", "German", "ISO_IR 100", "Müller^Jörg".encode("latin-1"), "Müller^Jörg"),
    _name("Siemens", "Polish", "ISO_IR 101", "Żółć^Łucja".encode("iso8859-2"), "Żółć^Łucja"),
    _name("Philips", "Cyrillic", "ISO_IR 144", "Иванова^Анна".encode("iso8859-5"), "Иванова^Анна"),
    _name("Philips", "Turkish", "ISO_IR 148", "Yıldız^Şule".encode("iso8859-9"), "Yıldız^Şule"),
    _name("Philips", "Arabic", "ISO_IR 127", "قباني^لنزار".encode("iso8859-6"), "قباني^لنزار"),
    _name("GE", "Thai", "ISO_IR 166", "สมชาย^ใจดี".encode("tis-620"), "สมชาย^ใจดี"),
    _name(
        "GE",
        "Latin with an extension in Greek",
        "ISO 2022 IR 100\\ISO 2022 IR 126",
        b"M\xfcller^A=\x1b-F\xc4\xe9^A",
        "Müller^A=Δι^A",
    ),
    _name("GE", "no set, UTF-8 bytes", None, "홍^길동".encode(), "홍^길동", UTF_8),
    _name("GE", "no set, Latin bytes", None, "Müller^Jörg".encode("latin-1"), "Müller^Jörg", UTF_8),
    _name("GE", "unknown set", "KLINGON", "Müller^Jörg".encode("latin-1"), "Müller^Jörg", UTF_8),
    _name(
        "GE", "default repertoire in a wrong word", "ISO_IR 6", b"Plain^Name", "Plain^Name", None
    ),
    _name(
        "GE",
        "bytes that are no text in their set",
        UTF_8,
        b"\xb1\xe8^\xb9\xce",
        "",
        error="UNREADABLE_INSTANCE",
    ),
)
