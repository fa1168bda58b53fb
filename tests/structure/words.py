"""Words that nobody who reads the product's texts may meet, and how they are found."""

from __future__ import annotations

import re

#: "Normal" as a whole word alone: "abnormality" and `normalise` are other words.
_FORBIDDEN = re.compile(
    r"osteopor\w*|osteopen\w*|\bt[- ]?scores?\b|fracture[- ]risk|risk of fracture|\bnormal\b",
    re.IGNORECASE,
)


def forbidden_words(text: str) -> list[str]:
    """Return the forbidden words in a text that people read."""
    return [found[0] for found in _FORBIDDEN.finditer(text)]
