"""Services beside storage and how associations are rejected: tables that the code uses."""

from __future__ import annotations

from pynetdicom.presentation import build_context

from screener.network.peers import RejectionReason
from screener.network.rejections import REJECTIONS
from screener.network.sop_classes import (
    SERVICE_CLASSES,
    STORAGE_COMMITMENT,
    STUDY_ROOT_FIND,
    VERIFICATION,
    service_context,
)


def test_a_service_is_proposed_in_every_syntax_without_pixels() -> None:
    context = service_context(VERIFICATION)

    assert context.abstract_syntax == VERIFICATION
    assert context.transfer_syntax == build_context(VERIFICATION).transfer_syntax


def test_only_verification_is_offered_to_others() -> None:
    offered = [one.sop_class_uid for one in SERVICE_CLASSES if one.as_scp]

    assert offered == [VERIFICATION]
    assert {one.sop_class_uid for one in SERVICE_CLASSES if one.as_scu} == {
        VERIFICATION,
        STORAGE_COMMITMENT,
        STUDY_ROOT_FIND,
    }


def test_commitment_alone_is_taken_with_its_roles_reversed() -> None:
    assert [one.sop_class_uid for one in SERVICE_CLASSES if one.reversed_roles] == [
        STORAGE_COMMITMENT
    ]


def test_a_wrong_address_looks_like_an_unknown_caller() -> None:
    assert REJECTIONS[RejectionReason.WRONG_ADDRESS] == REJECTIONS[RejectionReason.UNKNOWN_CALLER]


def test_only_the_limit_is_worth_another_try() -> None:
    passing = [reason for reason, answer in REJECTIONS.items() if answer.result == 2]

    assert passing == [RejectionReason.TOO_MANY]
