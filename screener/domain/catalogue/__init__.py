"""Every text of reports and cards, in each language that ships.

Sentences are whole: no language can be glued together from another's pieces.

A text is looked up by its key and filled with values by name (`str.format`). English is plain
ASCII, so that every character set of a hospital can hold it; `phrases.typeset` gives pictures and
pages their typographic signs. Tests hold that all languages have the same keys and values, that
every key is used, and that none says what must never be said: T-scores, names of diseases, advice
on therapy.

Source: ISCD 2019 Official Positions, Pediatric; AAP, Pediatrics 2016;138(4):e20162398.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from screener.domain.catalogue import english, korean


class Language(StrEnum):
    """The languages that reports and cards can be written in; values are those of RFC 5646."""

    #: English.
    ENGLISH = "en"
    #: Korean.
    KOREAN = "ko"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text with its values filled in. A key that does not exist is our bug."""
        return self.texts[key].format(**values)

    def known(self, key: str, /) -> str | None:
        """Return a text without values, or None where there is none under this key."""
        return self.texts.get(key)

    def both(self, names: Iterable[str]) -> str:
        """Return names as one phrase: "height and weight"."""
        return self.texts["join.and"].join(names)


CATALOGUES: Mapping[Language, Catalogue] = {
    Language.ENGLISH: Catalogue(Language.ENGLISH, english.TEXTS),
    Language.KOREAN: Catalogue(Language.KOREAN, korean.TEXTS),
}
#: What commands, pages and attributes of the header are written in.
ENGLISH = CATALOGUES[Language.ENGLISH]
