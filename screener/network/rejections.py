"""How we reject associations: result, source and diagnostic of each reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from screener.network.peers import RejectionReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """The three numbers of an A-ASSOCIATE-RJ, and the standard's words for them.

    Notes
    -----
    Source: PS3.8 table 9-21.
    """

    result: int
    source: int
    diagnostic: int
    meaning: str


_UNKNOWN_CALLER = Rejection(
    result=1,
    source=1,
    diagnostic=3,
    meaning="rejected-permanent, service-user, calling-AE-title-not-recognized",
)

#: What the caller of an association is told. The limit is watched over, and the last one sent, by
#: pynetdicom.
REJECTIONS: Mapping[RejectionReason, Rejection] = {
    RejectionReason.UNKNOWN_CALLER: _UNKNOWN_CALLER,
    # a stranger does not learn that the AE title exists
    RejectionReason.WRONG_ADDRESS: _UNKNOWN_CALLER,
    RejectionReason.WRONG_CALLED_AE: Rejection(
        result=1,
        source=1,
        diagnostic=7,
        meaning="rejected-permanent, service-user, called-AE-title-not-recognized",
    ),
    RejectionReason.TOO_MANY: Rejection(
        result=2,
        source=3,
        diagnostic=2,
        meaning="rejected-transient, service-provider (presentation), local-limit-exceeded",
    ),
}
