"""Deliver: PENDING becomes SENT, archive by archive; a dead archive delays no other."""

from __future__ import annotations

from collections.abc import Sequence

from screener.dicom.header import transfer_syntax_of
from screener.domain.delivery import DeliveryState, StoreAnswer, hold_reason
from screener.domain.errors import (
    ArchiveBusy,
    ArchiveUnreachable,
    AssociationRejected,
    PermanentError,
    TransientError,
)
from screener.domain.retry import REFUSALS, delay
from screener.pipeline.ports import Archive, Sender, Services, StoreResult, rules_in_force
from screener.storage.deliveries import ClaimedDelivery
from screener.telemetry.logging import get_logger

_BATCH = 16

_D = DeliveryState


def deliver(services: Services, archive_name: str) -> int:
    """Send what is due to one archive; return how many deliveries were claimed."""
    with services.database.write() as uow:
        if not uow.archives.is_due(archive_name):
            return 0
        claimed = uow.deliveries.claim_to_send(archive_name, limit=_BATCH, lease=services.lease)
    archive = services.archives.get(archive_name)
    due = [held for held in claimed if not _hold(services, held)]
    if due and archive is not None:
        _send(services, archive, due)
    return len(claimed)


def _hold(services: Services, held: ClaimedDelivery) -> bool:
    """Ask the rules again just before sending: an archive switched off gets nothing more."""
    with services.database.write() as uow:
        known = held.archive in services.archives
        mode = rules_in_force(uow).mode(held.archive) if known else None
        reason = hold_reason(mode, synthetic=held.synthetic)
        if reason is not None:
            uow.deliveries.settle(held, _D.HELD, hold_reason=reason.value)
    return reason is not None


def _send(services: Services, archive: Archive, due: Sequence[ClaimedDelivery]) -> None:
    left = list(due)
    try:
        files = {held.delivery_id: services.vault.read(held.vault_key) for held in due}
        kinds = {(held.sop_class_uid, transfer_syntax_of(files[held.delivery_id])) for held in due}
        with archive.open(kinds) as sender:
            while left:
                _send_one(services, sender, left[0], files[left[0].delivery_id])
                left.pop(0)
    except (ArchiveUnreachable, AssociationRejected) as error:
        _archive_is_away(services, archive.name, left, error)
    except PermanentError as error:  # a file of the vault is gone
        with services.database.write() as uow:
            for held in left:
                uow.deliveries.settle_failure(held, error, again=_D.PENDING)
    else:
        with services.database.write() as uow:
            uow.archives.succeeded(archive.name)


def _send_one(services: Services, sender: Sender, held: ClaimedDelivery, data: bytes) -> None:
    try:
        result = sender.send(data)
    except AssociationRejected as error:
        # the archive is well, it has no context for this object
        with services.database.write() as uow:
            uow.deliveries.settle_failure(held, error, again=_D.PENDING)
        return
    _settle(services, held, result)


def _settle(services: Services, held: ClaimedDelivery, result: StoreResult) -> None:
    with services.database.write() as uow:
        if result.answer is StoreAnswer.KEPT:
            to = _D.SENT
            uow.deliveries.settle(held, to, sent_at=uow.now, store_status=result.status)
        elif result.answer is StoreAnswer.BUSY:
            to = _D.PENDING
            error = ArchiveBusy(f"the archive answered 0x{result.status:04X}: it is busy or full")
            uow.deliveries.settle_failure(
                held, error, again=to, store_status=result.status, limit=None
            )
        else:
            refusals = held.refusals + 1
            to = _D.REFUSED if refusals >= REFUSALS else _D.PENDING
            uow.deliveries.settle(
                held,
                to,
                keep_attempts=True,
                refusals=refusals,
                store_status=result.status,
                next_attempt_at=uow.now + delay(refusals),
                error_code="REFUSED",
                error_message=f"the archive refuses the object with 0x{result.status:04X}",
            )
    get_logger().info(
        "object_sent",
        delivery_id=held.delivery_id,
        archive=held.archive,
        state=to.value,
        status=f"0x{result.status:04X}",
    )


def _archive_is_away(
    services: Services, archive: str, left: Sequence[ClaimedDelivery], error: TransientError
) -> None:
    """Back off from the archive; the object in hand waits a little longer than the others.

    An archive that breaks off at one object each time must not be stopped by it for ever.
    """
    with services.database.write() as uow:
        uow.archives.failed(archive, error)
        for number, held in enumerate(left):
            if number == 0:
                uow.deliveries.settle_failure(held, error, again=_D.PENDING, limit=None)
            else:
                uow.deliveries.put_back(held, _D.PENDING)
    get_logger().warning("archive_away", archive=archive, code=error.code, count=len(left))
