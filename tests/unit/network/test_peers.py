"""Who may associate with us."""

from __future__ import annotations

import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import AeTitle
from screener.network.peers import AllowedCaller, Peer, RejectionReason, why_reject


def decide(
    calling_ae: str = "CR1",
    called_ae: str = "BMDSCREEN",
    address: str = "10.1.2.3",
    *,
    callers: tuple[AllowedCaller, ...] = (AllowedCaller(ae_title=AeTitle("CR1")),),
    allow_any_caller: bool = False,
) -> RejectionReason | None:
    return why_reject(
        calling_ae=calling_ae,
        called_ae=called_ae,
        address=address,
        our_ae_title="BMDSCREEN",
        callers=callers,
        allow_any_caller=allow_any_caller,
    )


def caller(host: str | None) -> AllowedCaller:
    return AllowedCaller(ae_title=AeTitle("CR1"), host=host)


def test_a_known_caller_that_asks_for_us_is_let_in() -> None:
    assert decide() is None


def test_padding_of_ae_titles_does_not_matter() -> None:
    assert decide("CR1             ", "BMDSCREEN       ") is None


def test_case_of_ae_titles_matters() -> None:
    assert decide("cr1") is RejectionReason.UNKNOWN_CALLER


def test_nobody_is_known_where_no_caller_is_listed() -> None:
    assert decide(callers=()) is RejectionReason.UNKNOWN_CALLER


def test_a_stranger_does_not_learn_whether_it_guessed_our_title() -> None:
    assert decide("X", "X") is decide("X", "BMDSCREEN") is RejectionReason.UNKNOWN_CALLER


def test_a_known_caller_that_asks_for_another_is_rejected() -> None:
    assert decide(called_ae="OTHER") is RejectionReason.WRONG_CALLED_AE


def test_any_caller_still_has_to_ask_for_us() -> None:
    assert decide("X", callers=(), allow_any_caller=True) is None
    assert decide("X", "X", allow_any_caller=True) is RejectionReason.WRONG_CALLED_AE


@pytest.mark.parametrize(
    ("host", "address", "admitted"),
    [
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", False),
        ("10.1.0.0/16", "10.1.255.255", True),
        ("10.1.0.0/16", "10.2.0.0", False),
        ("10.1.2.3/16", "10.1.9.9", True),
        ("10.1.2.3", "::ffff:10.1.2.3", True),
        ("fd00::/8", "fd00::1", True),
        ("10.1.2.3", "fd00::1", False),
    ],
)
def test_an_address_is_held_against_the_one_that_is_listed(
    host: str, address: str, admitted: bool
) -> None:
    reason = decide(address=address, callers=(caller(host),))

    assert reason is (None if admitted else RejectionReason.WRONG_ADDRESS)


def test_one_title_may_be_listed_with_several_addresses() -> None:
    callers = (caller("10.1.2.3"), caller("10.1.2.4"))

    assert decide(address="10.1.2.4", callers=callers) is None


@pytest.mark.parametrize("host", ["modality-7", "10.1.2", "10.1.2.3:104", ""])
def test_a_host_that_is_no_address_is_a_wrong_setting(host: str) -> None:
    with pytest.raises(ConfigurationError, match="CR1"):
        caller(host)


def test_a_peer_is_written_with_all_that_is_needed_to_find_it() -> None:
    peer = Peer(name="main", ae_title=AeTitle("PACS"), host="pacs.example", port=104)

    assert str(peer) == "main (PACS@pacs.example:104)"
