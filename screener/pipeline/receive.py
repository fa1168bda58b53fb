"""Receive: bytes durable, row committed, and only then success."""

from __future__ import annotations

from screener.dicom.header import file_prefix, read_identifiers
from screener.domain.errors import PermanentError, RowConflict, SpoolFull, TransientError
from screener.domain.identifiers import AeTitle
from screener.network.listener import IncomingInstance
from screener.network.status import StoreOutcome
from screener.pipeline.ports import Services
from screener.storage.instances import Reception
from screener.telemetry.logging import get_logger
from screener.telemetry.metrics import RECEIVED

#: Two associations may bring the first two films of a study at the same moment.
_TRIES = 5


def receive(services: Services, incoming: IncomingInstance) -> StoreOutcome:
    """Take one instance: spool its bytes as they arrived, add its rows, then answer.

    Returns
    -------
    StoreOutcome
        UNREADABLE only where SOP Class, SOP Instance or Study UID cannot be read or do not match
        the request: anything else is kept, and gets its reason when it is judged.

    Notes
    -----
    A crash before the commit leaves a file without a row, which `recover` removes, and no answer:
    the sender sends again. A crash after it leaves both, and the sender's repetition is a
    duplicate that changes nothing.
    """
    outcome = _receive(services, incoming)
    RECEIVED.labels(outcome=outcome.value).inc()
    return outcome


def _receive(services: Services, incoming: IncomingInstance) -> StoreOutcome:
    log = get_logger()
    try:
        identifiers = read_identifiers(incoming.data_set, incoming.transfer_syntax_uid)
    except PermanentError as error:
        log.warning("instance_unreadable", code=error.code, calling_ae=incoming.calling_ae)
        return StoreOutcome.UNREADABLE
    if (
        identifiers.sop_class_uid != incoming.sop_class_uid
        or identifiers.sop_instance_uid != incoming.sop_instance_uid
    ):
        log.warning("instance_does_not_match_request", calling_ae=incoming.calling_ae)
        return StoreOutcome.UNREADABLE
    prefix = file_prefix(
        sop_class_uid=identifiers.sop_class_uid,
        sop_instance_uid=identifiers.sop_instance_uid,
        transfer_syntax_uid=incoming.transfer_syntax_uid,
        source_ae=AeTitle(incoming.calling_ae),
    )
    try:
        stored = services.spool.put(prefix, incoming.data_set)
    except SpoolFull as error:
        log.warning("spool_full", code=error.code)
        return StoreOutcome.LOW_SPACE
    reception = Reception(
        sop_class_uid=identifiers.sop_class_uid,
        sop_instance_uid=identifiers.sop_instance_uid,
        transfer_syntax_uid=incoming.transfer_syntax_uid,
        spool_key=stored.key,
        size_bytes=stored.size_bytes,
        file_digest=stored.sha256,
        calling_ae=incoming.calling_ae,
        called_ae=incoming.called_ae,
        address=incoming.address,
    )
    for last in (False,) * (_TRIES - 1) + (True,):
        try:
            with services.database.write() as uow:
                study_id = uow.studies.receive(identifiers.study_instance_uid)
                instance_id = uow.instances.add(reception, study_id)
                screening_id = uow.screenings.add(instance_id, study_id)
                uow.announce()
        except RowConflict:
            if not last:
                continue
            return StoreOutcome.FAILED
        except TransientError as error:
            # whether the commit went through is unknown: the file stays, the sender comes again
            log.warning("row_not_committed", code=error.code)
            return StoreOutcome.FAILED
        log.info("instance_received", screening_id=screening_id, size_bytes=stored.size_bytes)
        return StoreOutcome.STORED
    raise AssertionError("the last try returns")
