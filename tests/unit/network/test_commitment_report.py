"""Reading an archive's storage commitment report."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from screener.domain.delivery import CommitmentAnswer
from screener.domain.errors import UnreadableInstance
from screener.network.commitment import read_report, reference

SR = "1.2.840.10008.5.1.4.1.1.88.33"


def report(*committed: str, failed: dict[str, int | None] | None = None) -> Dataset:
    information = Dataset()
    information.TransactionUID = "1.2.3"
    information.ReferencedSOPSequence = [reference(SR, uid) for uid in committed]
    items = []
    for uid, reason in (failed or {}).items():
        item = reference(SR, uid)
        if reason is not None:
            item.FailureReason = reason
        items.append(item)
    information.FailedSOPSequence = items
    return information


def test_committed_and_failed_instances_are_told_apart() -> None:
    read = read_report(report("1.1", "1.2", failed={"1.3": 0x0112, "1.4": 0x0110}), "PACS")

    assert (read.calling_ae, read.transaction_uid) == ("PACS", "1.2.3")
    assert read.committed == ((SR, "1.1"), (SR, "1.2"))
    assert read.failed == (
        (SR, "1.3", CommitmentAnswer.MISSING),
        (SR, "1.4", CommitmentAnswer.FAILED),
    )


def test_a_failure_without_a_reason_is_asked_about_again() -> None:
    assert read_report(report(failed={"1.3": None}), "PACS").failed == (
        (SR, "1.3", CommitmentAnswer.FAILED),
    )


def test_a_report_without_one_of_the_sequences_is_read() -> None:
    information = report("1.1")
    del information.FailedSOPSequence

    assert read_report(information, "PACS").failed == ()


@pytest.mark.parametrize("uid", ["", "not a uid"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_a_report_without_a_readable_transaction_is_unreadable(uid: str) -> None:
    information = report("1.1")
    information.TransactionUID = uid

    with pytest.raises(UnreadableInstance, match="PACS"):
        read_report(information, "PACS")


def test_a_report_without_a_transaction_is_unreadable() -> None:
    information = report("1.1")
    del information.TransactionUID

    with pytest.raises(UnreadableInstance):
        read_report(information, "PACS")


def test_a_report_with_an_item_without_an_instance_is_unreadable() -> None:
    information = report("1.1")
    del information.ReferencedSOPSequence[0].ReferencedSOPInstanceUID

    with pytest.raises(UnreadableInstance):
        read_report(information, "PACS")


def test_a_report_prints_no_instance() -> None:
    text = repr(read_report(report("1.2.99", failed={"1.2.98": 0x0112}), "PACS"))

    assert "1.2.9" not in text
    assert "1.2.3" not in text
