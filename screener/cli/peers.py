"""Peers as they are named on the command line."""

from __future__ import annotations

import re

from screener.config import Settings
from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import AeTitle
from screener.network.peers import Peer
from screener.wiring import build_archive

_FORM = re.compile(r"(?P<ae>[^@]+)@(?P<host>\[[0-9a-fA-F:]+\]|[^:@\s]+):(?P<port>\d{1,5})")


_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[^:@\s]+):(?P<port>\d{1,5})")


def listen_address(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``, or raise `ConfigurationError`."""
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 1 << 16:
        raise ConfigurationError(f"{text!r} is not an address: write host:port")
    return found["host"].strip("[]"), int(found["port"])


def calling_title(settings: Settings, given: str | None) -> str:
    """Return the AE title that we call under: the given one, else the listener's."""
    try:
        return AeTitle(given) if given is not None else settings.listener.ae_title
    except ValueError as error:
        raise ConfigurationError(f"{given!r}: {error}") from None


def find_peer(settings: Settings, text: str) -> Peer:
    """Return the peer that ``AET@host:port`` or an archive's name means.

    Raises
    ------
    ConfigurationError
        Neither; says what would be.
    """
    for archive in settings.archives:
        if archive.name == text:
            return build_archive(settings, archive).peer
    found = _FORM.fullmatch(text)
    if found is None:
        names = ", ".join(archive.name for archive in settings.archives) or "none configured"
        raise ConfigurationError(
            f"{text!r} is not a peer: write AET@host:port, or an archive's name ({names})"
        )
    if not 0 < int(found["port"]) < 1 << 16:
        raise ConfigurationError(f"{text!r}: a port is a number from 1 to 65535")
    try:
        return Peer(
            name=found["ae"],
            ae_title=AeTitle(found["ae"]),
            host=found["host"].strip("[]"),
            port=int(found["port"]),
        )
    except ValueError as error:
        raise ConfigurationError(f"{text!r}: {error}") from None
