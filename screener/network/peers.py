"""Who we call, and who may call us."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import AeTitle


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A remote application entity that we call.

    Parameters
    ----------
    name
        Ours for it; messages and logs carry it.
    host
        Name or address.
    """

    name: str
    ae_title: AeTitle
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.name} ({self.ae_title}@{self.host}:{self.port})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedCaller:
    """A remote application entity that may associate with us.

    Parameters
    ----------
    host
        An IP address, or a network such as ``10.1.0.0/16``; None for any. Not a name: what a name
        resolves to changes, and looking it up would hold up every association.

    Raises
    ------
    ConfigurationError
        `host` is neither.
    """

    ae_title: AeTitle
    host: str | None = None

    def __post_init__(self) -> None:
        if self.host is None:
            return
        try:
            ipaddress.ip_network(self.host, strict=False)
        except ValueError as error:
            raise ConfigurationError(
                f"caller {self.ae_title}: host {self.host!r} is neither an IP address nor a "
                "network such as 10.1.0.0/16; leave it out to allow any address"
            ) from error

    def admits(self, address: str) -> bool:
        """Return whether the caller may call from this IP address."""
        if self.host is None:
            return True
        return _address(address) in ipaddress.ip_network(self.host, strict=False)


class RejectionReason(StrEnum):
    """Why we rejected an association."""

    #: The calling AE title is not on the list.
    UNKNOWN_CALLER = "UNKNOWN_CALLER"
    #: It is, but not from this address.
    WRONG_ADDRESS = "WRONG_ADDRESS"
    #: The caller wants another AE title than ours.
    WRONG_CALLED_AE = "WRONG_CALLED_AE"
    #: As many associations as we allow are open already.
    TOO_MANY = "TOO_MANY"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationRejection:
    """Who asked us for what, in vain. AE titles are as sent, without padding."""

    calling_ae: str
    called_ae: str
    address: str
    reason: RejectionReason


def why_reject(
    *,
    calling_ae: str,
    called_ae: str,
    address: str,
    our_ae_title: str,
    callers: Iterable[AllowedCaller],
    allow_any_caller: bool = False,
) -> RejectionReason | None:
    """Decide whether to reject an association; None lets it in.

    The caller comes first: a stranger does not learn whether it guessed our AE title. AE titles
    are compared exactly, case included (PS3.5 section 6.2), without outer spaces.
    """
    if not allow_any_caller:
        known = [caller for caller in callers if caller.ae_title == calling_ae.strip(" ")]
        if not known:
            return RejectionReason.UNKNOWN_CALLER
        if not any(caller.admits(address) for caller in known):
            return RejectionReason.WRONG_ADDRESS
    if called_ae.strip(" ") != our_ae_title:
        return RejectionReason.WRONG_CALLED_AE
    return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address; one that came in through an IPv6 socket may stand for an IPv4 one."""
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
