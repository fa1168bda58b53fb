"""Deliver: PENDING becomes SENT, archive by archive; a dead archive delays no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from screener.dicom.header import transfer_syntax_of
from screener.domain.delivery import DeliveryState, StoreAnswer, hold_reason
from screener.domain.errors import (
    ArchiveBusy,
    ArchiveUnreachable,
    AssociationRejected,
    PermanentError,
    ScreenerError,
    TransientError,
)
from screener.domain.retry import REFUSALS, delay
from screener.pipeline.ports import Archive, Sender, Services, StoreResult, rules_in_force
from screener.storage.database import UnitOfWork
from screener.storage.deliveries import ClaimedDelivery
from screener.telemetry.logging import get_logger

_BATCH = 16

_D = DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """An object in hand."""

    held: ClaimedDelivery
    data: bytes
    transfer_syntax_uid: str


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
    if _cancel(services, held):
        return True
    with services.database.write() as uow:
        known = held.archive in services.archives
        mode = rules_in_force(uow).mode(held.archive) if known else None
        reason = hold_reason(mode, synthetic=held.synthetic)
        if reason is not None:
            uow.deliveries.settle(held, _D.HELD, hold_reason=reason.value)
    return reason is not None


def _cancel(services: Services, held: ClaimedDelivery) -> bool:
    """Ask just before sending whether the report was withdrawn, or its pictures replaced.

    Then it is never sent: nobody is to see what is known not to hold. Where it was being sent when
    a worker died or an archive broke off, the archive may have it: then somebody has to look.
    """
    with services.database.write() as uow:
        uid = held.sop_instance_uid
        void = uow.withdrawals.is_withdrawn(uid) or uow.withdrawals.is_replaced(uid)
        if void:
            uow.deliveries.settle(held, _D.CANCELLED)
            if held.lease.attempts > 1:
                uow.withdrawals.open_deletion_of(uid, held.archive)
    return void


def _send(services: Services, archive: Archive, due: Sequence[ClaimedDelivery]) -> None:
    left = [file for held in due if (file := _load(services, held)) is not None]
    if not left:
        return
    kinds = {(file.held.sop_class_uid, file.transfer_syntax_uid) for file in left}
    is_open = False
    try:
        with archive.open(kinds) as sender:
            is_open = True
            while left and not _is_late(services, left):
                _send_one(services, sender, left[0])
                left.pop(0)
    except (ArchiveUnreachable, AssociationRejected) as error:
        held = [file.held for file in left]
        _archive_is_away(services, archive.name, held, error, in_hand=is_open)
    else:
        with services.database.write() as uow:
            uow.archives.succeeded(archive.name)


def _is_late(services: Services, left: Sequence[_File]) -> bool:
    """Give the rest of a batch back where half of its lease is over: a slow archive gets it later.

    One object may take as long as the archive's timeout; beyond the lease the rest is another's.
    """
    with services.database.write() as uow:
        if uow.now <= left[0].held.lease.until - services.lease / 2:
            return False
        for file in left:
            uow.deliveries.put_back(file.held, _D.PENDING)
    return True


def _load(services: Services, held: ClaimedDelivery) -> _File | None:
    """Read an object from the vault; settle its delivery here where it cannot be read."""
    try:
        data = services.vault.read(held.vault_key)
        return _File(held=held, data=data, transfer_syntax_uid=transfer_syntax_of(data))
    except ScreenerError as error:
        _fail(services, held, error)
    return None


def _send_one(services: Services, sender: Sender, file: _File) -> None:
    # others of its batch were sent before it, which may have taken long
    if _cancel(services, file.held):
        return
    try:
        result = sender.send(file.data)
    except AssociationRejected as error:
        # the archive is well, it has no context for this object
        with services.database.write() as uow:
            _refused(uow, file.held, code=error.code, message=str(error), status=None)
    except PermanentError as error:
        _fail(services, file.held, error)
    else:
        _settle(services, file.held, result)


def _fail(services: Services, held: ClaimedDelivery, error: ScreenerError) -> None:
    get_logger().warning("sending_failed", delivery_id=held.delivery_id, code=error.code)
    with services.database.write() as uow:
        uow.deliveries.settle_failure(held, error, again=_D.PENDING)


def _refused(
    uow: UnitOfWork, held: ClaimedDelivery, *, code: str, message: str, status: int | None
) -> DeliveryState:
    """Try again some times, for archives change their minds; then leave it to an operator."""
    refusals = held.refusals + 1
    to = _D.REFUSED if refusals >= REFUSALS else _D.PENDING
    uow.deliveries.settle(
        held,
        to,
        keep_attempts=True,
        refusals=refusals,
        store_status=status,
        next_attempt_at=uow.now + delay(refusals),
        error_code=code,
        error_message=message,
    )
    return to


def _settle(services: Services, held: ClaimedDelivery, result: StoreResult) -> None:
    with services.database.write() as uow:
        if result.answer is StoreAnswer.KEPT:
            to = _D.SENT
            uow.deliveries.settle(held, to, sent_at=uow.now, store_status=result.status)
        elif result.answer is StoreAnswer.BUSY:
            to = _D.PENDING
            error = ArchiveBusy(f"the archive answered 0x{result.status:04X}: it is busy or full")
            uow.deliveries.settle_failure(held, error, again=to, store_status=result.status)
        else:
            message = f"the archive refuses the object with 0x{result.status:04X}"
            to = _refused(uow, held, code="REFUSED", message=message, status=result.status)
    get_logger().info(
        "object_sent",
        delivery_id=held.delivery_id,
        archive=held.archive,
        state=to.value,
        status=f"0x{result.status:04X}",
    )


def _archive_is_away(
    services: Services,
    archive: str,
    left: Sequence[ClaimedDelivery],
    error: TransientError,
    *,
    in_hand: bool,
) -> None:
    """Back off from the archive; the object in hand, if one was, waits longer than the archive.

    An archive that breaks off at one object each time must not be stopped by it for ever: when it
    is due again, the others and the commitment of what it took come first.
    """
    first, *others = left
    why = {"error_code": error.code, "error_message": str(error)}
    with services.database.write() as uow:
        due_at = uow.archives.failed(archive, error)
        wait = max(due_at - uow.now, delay(first.lease.attempts))
        if in_hand:
            at = uow.now + 1.5 * wait
            uow.deliveries.put_back(
                first, _D.PENDING, keep_attempts=True, next_attempt_at=at, **why
            )
        else:
            uow.deliveries.put_back(first, _D.PENDING, **why)
        for held in others:
            uow.deliveries.put_back(held, _D.PENDING)
    get_logger().warning("archive_away", archive=archive, code=error.code, count=len(left))
