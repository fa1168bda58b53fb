r"""Texts of a data set to bytes and back, in the character sets of the standard, losing nothing.

pydicom writes '?' for what a set cannot hold, cuts double-byte characters in two where a byte of
theirs looks like a delimiter (half of the Japanese kana hold '=' or '^'), and takes the default
repertoire for Latin-1. So texts of sources are decoded here, and texts of results encoded.

Source: PS3.3 C.12.1.1.2 (Specific Character Set); PS3.5 6.1.2 and annexes H, I, J, K (examples).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

UTF_8 = "ISO_IR 192"
GBK = "GBK"
GB18030 = "GB18030"
#: Stand for themselves, without code extensions.
_ALONE = {UTF_8: "utf-8", GBK: "gbk", GB18030: "gb18030"}

#: Number of the registry to Python's codec and final byte of the escape sequence: 96 characters.
_RIGHT_HALVES = {
    "100": ("latin_1", b"A"),
    "101": ("iso8859_2", b"B"),
    "109": ("iso8859_3", b"C"),
    "110": ("iso8859_4", b"D"),
    "126": ("iso8859_7", b"F"),
    "127": ("iso8859_6", b"G"),
    "138": ("iso8859_8", b"H"),
    "144": ("iso8859_5", b"L"),
    "148": ("iso8859_9", b"M"),
    "166": ("tis_620", b"T"),
    "203": ("iso8859_15", b"b"),
}
_KATAKANA = "13"
#: Two bytes to a character, in the upper half of the code table (G1) ...
_DOUBLE_RIGHT = {"149": ("euc_kr", b"\x1b$)C"), "58": ("gb2312", b"\x1b$)A")}
#: ... and in the lower half (G0), in the place of ASCII.
_DOUBLE_LEFT = {"87": b"\x1b$B", "159": b"\x1b$(D"}
#: Decoded with more than the set has: machines in Korea and China write these under its name.
_LENIENT = {"euc_kr": "cp949", "gb2312": "gbk", "latin_1": "cp1252"}

_ASCII = b"\x1b(B"
_ROMAJI = b"\x1b(J"
_KATAKANA_ESCAPE = b"\x1b)I"
#: Escape sequence to (half, registry number); "6" is ASCII, "14" that of JIS X 0201.
_ESCAPES = {
    _ASCII: (0, "6"),
    _ROMAJI: (0, "14"),
    _KATAKANA_ESCAPE: (1, _KATAKANA),
    **{b"\x1b-" + final: (1, n) for n, (_, final) in _RIGHT_HALVES.items()},
    **{escape: (1, n) for n, (_, escape) in _DOUBLE_RIGHT.items()},
    **{escape: (0, n) for n, escape in _DOUBLE_LEFT.items()},
    b"\x1b$@": (0, "87"),  # the edition of 1978
}
_TERM = re.compile(r"ISO[ _-]*(2022)?[ _-]*(?:IR)?[ _-]*(\d+)")
_OTHER_NAMES = {
    "UTF-8": UTF_8,
    "UTF8": UTF_8,
    "GBK": GBK,
    "ISO 2022 GBK": GBK,
    GB18030: GB18030,
    "ISO 2022 GB18030": GB18030,
}
_REPLACEMENT = "\ufffd"
_RESETS = "\t\n\f\r\\"
_NAME_RESETS = "^="
_CONTROLS = re.compile("[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class CharacterSet:
    r"""A Specific Character Set.

    Parameters
    ----------
    terms
        Defined terms as they are to be written; empty for the default repertoire, the first one
        empty or ``ISO 2022 IR 6`` where code extensions follow it.
    well_declared
        False where the source's own value was misspelt, or is not known.
    """

    terms: tuple[str, ...] = ()
    well_declared: bool = True

    @property
    def value(self) -> str | list[str]:
        """The value of (0008,0005); empty where the attribute is to be left out."""
        if len(self.terms) > 1:
            return list(self.terms)
        return self.terms[0] if self.terms else ""

    def decode(self, encoded: bytes, *, name: bool = False) -> str:
        """Return the text of an encoded value, U+FFFD where bytes are no characters.

        Parameters
        ----------
        encoded
            The whole value, the backslashes between several ones included.
        name
            Whether '^' and '=' are delimiters: a person's name.
        """
        return self.decode_exactly(encoded, name=name)[0]

    def decode_exactly(self, encoded: bytes, *, name: bool = False) -> tuple[str, bool]:
        """Return the text, and whether the bytes are what the set prescribes."""
        if encoded.isascii() and b"\x1b" not in encoded and _KATAKANA not in self._numbers():
            return encoded.decode("ascii"), True
        if self.terms and self.terms[0] in _ALONE:
            return _decoded(encoded, _ALONE[self.terms[0]])
        if not self.terms and b"\x1b" not in encoded:
            return _guessed(encoded), False
        return _Reader(self._numbers(), name=name).read(encoded)

    def encode(self, text: str, *, name: bool = False) -> bytes:
        """Return a text's bytes.

        Raises
        ------
        UnicodeEncodeError
            The set cannot hold it.
        """
        return _encode(self.terms, self._numbers(), text, name)

    def _numbers(self) -> tuple[str, ...]:
        return tuple(term.rpartition(" ")[2] or "6" for term in self.terms) or ("6",)


def read_character_set(declared: Sequence[str]) -> CharacterSet:
    """Return the set that a source declares, in the spelling of the standard.

    Parameters
    ----------
    declared
        The values of (0008,0005), as they are.

    Notes
    -----
    A set that nobody knows is the default repertoire, badly declared. A double-byte one alone
    gets the empty first value that it needs.
    """
    return _read(tuple(value.strip(" \0") for value in declared))


@lru_cache(maxsize=64)
def _read(declared: tuple[str, ...]) -> CharacterSet:
    terms = [_term(value) for value in declared]
    if not any(terms) or None in terms:
        return CharacterSet((), well_declared=None not in terms)
    known = [term for term in terms if term is not None]
    alone = [term for term in known if term in _ALONE]
    if alone:
        others = [term for term in known if term != alone[0] and term]
        if others and known[0] != alone[0]:
            return CharacterSet((), well_declared=False)
        return CharacterSet((alone[0],), well_declared=declared == (alone[0],))
    terms_kept = _with_extensions(known)
    return CharacterSet(terms_kept, well_declared=terms_kept == declared)


def _with_extensions(terms: list[str]) -> tuple[str, ...]:
    """Return terms for the numbers of single- and double-byte sets, the first a single-byte one."""
    if terms[0] in {*_DOUBLE_LEFT, *_DOUBLE_RIGHT}:
        terms = ["", *terms]
    unique = list(dict.fromkeys(terms))
    if len(unique) == 1:
        return () if unique[0] in {"", "6"} else (f"ISO_IR {unique[0]}",)
    first = f"ISO 2022 IR {unique[0]}" if unique[0] else ""
    rest = [term for term in unique[1:] if term]
    if not rest or (rest == ["6"] and not unique[0]):
        return _with_extensions([unique[0]])
    return (first, *(f"ISO 2022 IR {term}" for term in rest))


def _term(value: str) -> str | None:
    """Return a value's term or registry number, empty for the default repertoire; else None."""
    upper = value.upper()
    if upper in {"", "ISO_IR 6"}:
        return ""
    if upper in _OTHER_NAMES:
        return _OTHER_NAMES[upper]
    found = _TERM.fullmatch(upper)
    number = found[2] if found else ""
    if number == "192":
        return UTF_8
    known = {"6", _KATAKANA, *_RIGHT_HALVES, *_DOUBLE_RIGHT, *_DOUBLE_LEFT}
    return number if number in known else None


def _decoded(encoded: bytes, codec: str) -> tuple[str, bool]:
    try:
        return encoded.decode(codec), True
    except UnicodeDecodeError:
        return encoded.decode(codec, errors="replace"), False


def _guessed(encoded: bytes) -> str:
    """Return a text of which nobody says in what set it is.

    Few texts are valid UTF-8 by chance; most others are Latin-1, and are shown as such by most
    viewers. Controls of Latin-1 are in no text: those bytes are of some other set.
    """
    text, valid = _decoded(encoded, "utf-8")
    if valid:
        return text
    return _CONTROLS.sub(_REPLACEMENT, encoded.decode("latin-1"))


class _Reader:
    """Reads bytes with code extensions: two halves of a code table, and what each now holds."""

    def __init__(self, numbers: tuple[str, ...], *, name: bool) -> None:
        first = numbers[0]
        self._first = ("14" if first == _KATAKANA else "6", first if first != "6" else None)
        self._doubles = [number for number in numbers if number in _DOUBLE_RIGHT]
        self._allowed = {*numbers, "6", "14" if _KATAKANA in numbers else "6"}
        self._delimiters = _RESETS + (_NAME_RESETS if name else "")
        self._left, self._right = self._first
        self._exact = True

    def read(self, encoded: bytes) -> tuple[str, bool]:
        found: list[str] = []
        at = 0
        while at < len(encoded):
            byte = encoded[at]
            if byte == 0x1B:  # noqa: PLR2004 - ESC
                at += self._switch(encoded[at : at + 4])
                continue
            length, text = self._character(encoded[at:], byte)
            found.append(text)
            if length == 1 and text in self._delimiters:
                self._left, self._right = self._first
            at += length
        text = "".join(found)
        return text, self._exact and _REPLACEMENT not in text

    def _switch(self, encoded: bytes) -> int:
        for length in (3, 4):
            designated = _ESCAPES.get(encoded[:length])
            if designated is not None:
                half, number = designated
                self._exact = self._exact and number in self._allowed
                if half:
                    self._right = number
                else:
                    self._left = number
                return length
        self._exact = False
        return 1  # an unknown escape: the character is dropped, its rest is shown

    def _character(self, rest: bytes, byte: int) -> tuple[int, str]:
        if byte <= 0x20 or byte == 0x7F:  # noqa: PLR2004 - controls and the space
            return 1, chr(byte)
        if byte < 0x80:  # noqa: PLR2004 - the lower half
            if self._left in _DOUBLE_LEFT:
                return 2, _japanese(self._left, rest[:2])
            return 1, chr(byte)
        return self._upper(rest)

    def _upper(self, rest: bytes) -> tuple[int, str]:
        right = self._right
        if right is None and self._doubles:
            # many machines do not repeat the escape after a delimiter
            right, self._exact = self._doubles[0], False
        if right in _DOUBLE_RIGHT:
            codec = _DOUBLE_RIGHT[right][0]
            for candidate in (codec, _LENIENT[codec]):
                try:
                    text = rest[:2].decode(candidate)
                except UnicodeDecodeError:
                    self._exact = False
                    continue
                return 2, text
            return 1, _REPLACEMENT
        if right == _KATAKANA:
            text, _ = _decoded(rest[:1], "shift_jis")
            if text != _REPLACEMENT:
                return 1, text
            # kanji of a personal computer under the name of the katakana
            self._exact = False
            return 2, _decoded(rest[:2], "cp932")[0]
        if right is None:
            return 1, _REPLACEMENT
        codec = _RIGHT_HALVES[right][0]
        if rest[0] < 0xA0:  # noqa: PLR2004 - controls that no text has
            self._exact = False
            codec = _LENIENT.get(codec, "ascii")
        return 1, _decoded(rest[:1], codec)[0]


def _japanese(number: str, pair: bytes) -> str:
    upper = bytes(byte | 0x80 for byte in pair)
    return _decoded(upper if number == "87" else b"\x8f" + upper, "euc_jp")[0]


@lru_cache(maxsize=1024)
def _encode(terms: tuple[str, ...], numbers: tuple[str, ...], text: str, name: bool) -> bytes:
    if text.isascii() and numbers[0] != _KATAKANA:
        return text.encode("ascii")
    if terms and terms[0] in _ALONE:
        return text.encode(_ALONE[terms[0]])
    return b"".join(
        _encode_segment(numbers, segment) for segment in _segments(text, name=name) if segment
    )


def _segments(text: str, *, name: bool) -> Iterator[str]:
    """Yield what stands between delimiters, and the delimiters: at each one the sets begin anew."""
    delimiters = re.escape(_RESETS + (_NAME_RESETS if name else ""))
    yield from re.split(f"([{delimiters}])", text)


def _encode_segment(numbers: tuple[str, ...], segment: str) -> bytes:
    for number in numbers:
        if number in _DOUBLE_RIGHT and numbers[0] == "6" and not segment.isascii():
            codec, escape = _DOUBLE_RIGHT[number]
            encoded = segment.encode(codec, errors="ignore")
            wide = len(segment) - len(segment.encode("ascii", errors="ignore"))
            # what a codec spells with several letters is not in the set
            if len(encoded) == len(segment) + wide:
                return escape + encoded
    first_left = _ROMAJI if numbers[0] == _KATAKANA else _ASCII
    left, right = first_left, numbers[0]
    encoded_parts: list[bytes] = []
    for position, character in enumerate(segment):
        found = _character_in(numbers, right, character)
        if found is None:
            reason = f"is in none of the sets {', '.join(numbers)}"
            raise UnicodeEncodeError("DICOM", segment, position, position + 1, reason)
        half, number, encoded = found
        if half == 0:
            wanted = _DOUBLE_LEFT.get(number, first_left)
            encoded_parts += [wanted] * (wanted != left)
            left = wanted
        elif number != right:
            encoded_parts.append(_escape_of(number))
            right = number
        encoded_parts.append(encoded)
    # before the value ends, and before a delimiter, the first set is back
    return b"".join([*encoded_parts, *[first_left] * (left != first_left)])


def _escape_of(number: str) -> bytes:
    if number == _KATAKANA:
        return _KATAKANA_ESCAPE
    if number in _DOUBLE_RIGHT:
        return _DOUBLE_RIGHT[number][1]
    return b"\x1b-" + _RIGHT_HALVES[number][1]


def _character_in(
    numbers: tuple[str, ...], right: str, character: str
) -> tuple[int, str, bytes] | None:
    """Return half, set and bytes of a character: the set that is in use, or the first that can."""
    if character.isascii():
        # JIS X 0201 has yen and overline in their places
        if numbers[0] == _KATAKANA and character in "\\~":
            return None
        return 0, "6", character.encode("ascii")
    for number in (right, *numbers):
        encoded = _in_set(number, character)
        if encoded is not None:
            return int(number not in _DOUBLE_LEFT), number, encoded
    return None


def _in_set(number: str, character: str) -> bytes | None:
    try:
        if number in _RIGHT_HALVES:
            encoded = character.encode(_RIGHT_HALVES[number][0])
            return encoded if encoded[0] >= 0xA0 else None  # noqa: PLR2004 - no control
        if number in _DOUBLE_RIGHT:
            encoded = character.encode(_DOUBLE_RIGHT[number][0])
            return encoded if len(encoded) == 2 else None  # noqa: PLR2004 - one character
        if number in _DOUBLE_LEFT or number == _KATAKANA:
            encoded = character.encode("euc_jp")
        else:
            return None
    except UnicodeEncodeError:
        return None
    if encoded[0] == 0x8E:  # noqa: PLR2004 - single shift 2: katakana
        return encoded[1:] if number == _KATAKANA else None
    if encoded[0] == 0x8F:  # noqa: PLR2004 - single shift 3: JIS X 0212
        return bytes(byte & 0x7F for byte in encoded[1:]) if number == "159" else None
    return bytes(byte & 0x7F for byte in encoded) if number == "87" and len(encoded) > 1 else None
