"""Our UIDs: the implementation class, and stable ones for result objects."""

from __future__ import annotations

import hashlib
import uuid

from screener import __version__

#: The first 48 bits of the UUID behind each UID that we make (RFC 9562, version 8): "BMDSCR".
_MARK = int.from_bytes(b"BMDSCR")

_UUID_BITS = 128
_MARK_BITS = 48


def own_uid(*parts: str) -> str:
    """Return the UID that belongs to some parts, the same whenever and wherever it is asked.

    Notes
    -----
    A UUID-derived UID under 2.25, of UUID version 8: our mark, then 74 bits of SHA-256 over the
    parts. The mark lets a node recognise our objects, also those of another node, when they come
    back, whatever an archive did to their descriptions.

    Source: PS3.5 annex B.2; RFC 9562 section 5.8.
    """
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    value = (_MARK << (_UUID_BITS - _MARK_BITS)) | int.from_bytes(digest[:10])
    value = value & ~(0xF << 76) | (8 << 76)  # version
    value = value & ~(0x3 << 62) | (2 << 62)  # variant
    return f"2.25.{uuid.UUID(int=value).int}"


def is_own_uid(uid: str) -> bool:
    """Return whether a UID is one that `own_uid` makes."""
    root, _, number = uid.rpartition(".")
    if root != "2.25" or not number.isdecimal():
        return False
    return int(number) >> (_UUID_BITS - _MARK_BITS) == _MARK


#: (0002,0012): who wrote the file meta information.
IMPLEMENTATION_CLASS_UID = own_uid("implementation class")
#: (0002,0013): at most 16 characters.
IMPLEMENTATION_VERSION_NAME = f"BMDSCREEN_{__version__.replace('.', '_')}"[:16]
#: (0008,1090) of every object that we make, and of nothing else.
DEVICE_MODEL = "bmd-screener"
