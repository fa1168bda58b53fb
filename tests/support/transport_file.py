"""Writes SAS transport files, version 5, for what pandas can only read."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path


def ibm(value: float | str | None) -> bytes:
    """Return a number as IBM's System/360 writes it, which SAS transport files hold.

    A missing value is a dot, or a letter for why it is missing, and zeros.
    """
    if value is None or isinstance(value, str):
        return (value or ".").encode() + bytes(7)
    if value == 0:
        return bytes(8)
    exponent, fraction = 64, abs(value)
    while fraction >= 1:
        fraction, exponent = fraction / 16, exponent + 1
    while fraction < 1 / 16:
        fraction, exponent = fraction * 16, exponent - 1
    sign = 0x80 if value < 0 else 0
    return bytes([sign | exponent]) + int(fraction * 2**56).to_bytes(7, "big")


def write_xport(path: Path, columns: Mapping[str, Sequence[float | str | None]]) -> Path:
    """Write numbers as a SAS transport file, version 5 (SAS TS-140)."""

    def card(text: str) -> bytes:
        return text.ljust(80).encode()

    stamp = "26NOV26:00:00:00"
    head = card("HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  ")
    head += card(f"SAS     SAS     SASLIB  9.4     LINUX   {'':24}{stamp}") + card(stamp)
    head += card("HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  ")
    head += card("HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  ")
    head += card(f"SAS     DATA    SASDATA 9.4     LINUX   {'':24}{stamp}") + card(stamp)
    count = f"{len(columns):04d}"
    head += card(
        f"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{count}00000000000000000000  "
    )
    names = b""
    for i, name in enumerate(columns):
        names += struct.pack(">hhhh8s40s8shhh2s8shhi52s", 1, 0, 8, i + 1, name.ljust(8).encode(),
                             b"".ljust(40), b"".ljust(8), 0, 0, 0, b"", b"".ljust(8), 0, 0, 8 * i,
                             b"")  # fmt: skip
    names += b" " * (-len(names) % 80)
    body = b"".join(b"".join(ibm(v) for v in row) for row in zip(*columns.values(), strict=True))
    body += b" " * (-len(body) % 80)
    observed = card(
        "HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  "
    )
    path.write_bytes(head + names + observed + body)
    return path
