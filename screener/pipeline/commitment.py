"""Commitment: SENT becomes AWAITING, then COMMITTED; or VERIFIED by a look-up."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence

from screener.config import ConfirmBy
from screener.domain.delivery import (
    CommitmentAnswer,
    Confirmation,
    DeliveryState,
    after_look_up,
    after_overdue,
)
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, TransientError
from screener.domain.identifiers import SopInstanceUid
from screener.domain.retry import delay
from screener.network.commitment import CommitmentReport
from screener.pipeline.ports import Archive, Services
from screener.storage.deliveries import ClaimedDelivery
from screener.telemetry.logging import get_logger

#: Objects of one request; some archives choke on thousands.
REQUEST_BATCH = 50

_D = DeliveryState


def confirm(services: Services, archive_name: str) -> int:
    """Ask one archive about objects that it took; return how many were claimed."""
    archive = services.archives.get(archive_name)
    if archive is None:
        return 0
    with services.database.write() as uow:
        if not uow.archives.is_due(archive_name):
            return 0
        claimed = uow.deliveries.claim_to_confirm(
            archive_name, limit=REQUEST_BATCH, lease=services.lease
        )
    if not claimed:
        return 0
    try:
        if archive.confirm_by is ConfirmBy.COMMITMENT:
            _ask(services, archive, claimed)
        else:
            _look_up(services, archive, claimed)
    except (ArchiveUnreachable, AssociationRejected) as error:
        _archive_is_away(services, archive_name, claimed, error)
    return len(claimed)


def chase(services: Services, archive_name: str) -> int:
    """Ask again about objects whose commitment report is overdue; return how many were claimed.

    The archive is asked again and looked into; an object is sent again only where the archive
    says that it has it not. One that has been set to be queried since is looked into only.
    """
    archive = services.archives.get(archive_name)
    if archive is None:
        return 0
    with services.database.write() as uow:
        if not uow.archives.is_due(archive_name):
            return 0
        claimed = uow.deliveries.claim_overdue(
            archive_name, limit=REQUEST_BATCH, lease=services.lease
        )
    if not claimed:
        return 0
    try:
        if archive.confirm_by is ConfirmBy.QUERY:
            _look_up(services, archive, claimed)
            return len(claimed)
        found = _found_or_unknown(archive, claimed)
        steps = [
            (
                held,
                after_overdue(
                    asked_count=held.asked_count,
                    found=None if found is None else held.sop_instance_uid in found,
                ),
            )
            for held in claimed
        ]
        _settle_steps(services, [(h, s) for h, s in steps if s is not Confirmation.ASK_AGAIN])
        again = [held for held, step in steps if step is Confirmation.ASK_AGAIN]
        if again:
            _ask(services, archive, again)
    except (ArchiveUnreachable, AssociationRejected) as error:
        _archive_is_away(services, archive_name, claimed, error)
    return len(claimed)


def take_report(services: Services, report: CommitmentReport) -> bool:
    """Settle deliveries by a commitment report; False for a transaction that is not ours.

    The report is on disk when this returns, and only then is it answered with success.
    """
    with services.database.write() as uow:
        archive = uow.deliveries.archive_of(report.transaction_uid)
        if archive is None:
            get_logger().warning("commitment_report_unknown", calling_ae=report.calling_ae)
            return False
        answers = [
            *((uid, CommitmentAnswer.COMMITTED) for _, uid in report.committed),
            *((uid, said) for _, uid, said in report.failed),
        ]
        moved = uow.deliveries.answer(report.transaction_uid, archive, answers)
    get_logger().info("commitment_report", archive=archive, count=moved)
    return True


def _ask(services: Services, archive: Archive, claimed: Sequence[ClaimedDelivery]) -> None:
    transaction_uid = f"2.25.{uuid.uuid4().int}"
    with services.database.write() as uow:
        # on disk first: the report may come before the answer to the request
        uow.deliveries.request_commitment(transaction_uid, archive.name)
        asking = [
            (held, waiting)
            for held in claimed
            if (waiting := uow.deliveries.begin_asking(held, lease=services.lease)) is not None
        ]
    if not asking:
        return
    try:
        archive.request_commitment(
            transaction_uid,
            [(held.sop_class_uid, held.sop_instance_uid) for held, _ in asking],
            lambda report: take_report(services, report),
        )
    except (ArchiveUnreachable, AssociationRejected) as error:
        with services.database.write() as uow:
            uow.archives.failed(archive.name, error)
            for held, waiting in asking:
                uow.deliveries.put_back(waiting, held.state, asked_count=held.asked_count)
        _log_away(archive.name, error, len(asking))
        return
    with services.database.write() as uow:
        uow.archives.succeeded(archive.name)
        for _, waiting in asking:
            overdue_at = uow.now + services.commitment_overdue
            uow.deliveries.settle(waiting, _D.AWAITING, next_attempt_at=overdue_at)
    get_logger().info("commitment_asked", archive=archive.name, count=len(asking))


def _look_up(services: Services, archive: Archive, claimed: Sequence[ClaimedDelivery]) -> None:
    found = _find(archive, claimed)
    with services.database.write() as uow:
        uow.archives.succeeded(archive.name)
    _settle_steps(
        services,
        [
            (
                held,
                after_look_up(
                    asked_count=held.asked_count + 1, found=held.sop_instance_uid in found
                ),
            )
            for held in claimed
        ],
    )


def _settle_steps(
    services: Services, steps: Sequence[tuple[ClaimedDelivery, Confirmation]]
) -> None:
    with services.database.write() as uow:
        for held, step in steps:
            asked = held.asked_count + 1
            if step is Confirmation.VERIFIED:
                uow.deliveries.settle(held, _D.VERIFIED, kept_at=uow.now, asked_count=asked)
                continue
            to = {
                Confirmation.ASK_AGAIN: held.state,
                Confirmation.SEND_AGAIN: _D.PENDING,
                Confirmation.GIVE_UP: _D.FAILED,
            }[step]
            uow.deliveries.settle(
                held,
                to,
                asked_count=asked,
                next_attempt_at=uow.now + delay(asked),
                error_code="NOT_LISTED",
                error_message="the archive took the object and does not list it",
            )


def _found_or_unknown(
    archive: Archive, claimed: Sequence[ClaimedDelivery]
) -> set[SopInstanceUid] | None:
    try:
        return _find(archive, claimed)
    except AssociationRejected:
        return None  # it cannot be queried: only its commitment report can tell


def _find(archive: Archive, claimed: Sequence[ClaimedDelivery]) -> set[SopInstanceUid]:
    by_series = defaultdict(list)
    for held in claimed:
        by_series[held.study_instance_uid, held.series_instance_uid].append(held.sop_instance_uid)
    found: set[SopInstanceUid] = set()
    for (study, series), instances in by_series.items():
        found |= archive.find_instances(study, series, instances)
    return found


def _archive_is_away(
    services: Services, archive: str, claimed: Sequence[ClaimedDelivery], error: TransientError
) -> None:
    with services.database.write() as uow:
        uow.archives.failed(archive, error)
        for held in claimed:
            uow.deliveries.put_back(held, held.state)
    _log_away(archive, error, len(claimed))


def _log_away(archive: str, error: TransientError, count: int) -> None:
    get_logger().warning("archive_away", archive=archive, code=error.code, count=count)
