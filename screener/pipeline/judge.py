"""Judge: RECEIVED becomes WAITING, INELIGIBLE, DUPLICATE, CONFLICTING or REJECTED."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from screener.dicom.header import read_header
from screener.dicom.pixels import decode
from screener.dicom.rejection import KEY_OBJECT_SELECTION, read_rejection_note
from screener.dicom.uids import is_own_uid
from screener.domain.arrival import Arrival, Content, compare
from screener.domain.eligibility import IneligibilityReason, Ineligible, View
from screener.domain.errors import ScreenerError, UnreadableInstance, UnsupportedPixels
from screener.domain.identifiers import StudyId
from screener.domain.instance import InstanceHeader
from screener.domain.patient import ClinicalVariables
from screener.domain.rejection import RejectionNote
from screener.domain.rules import SiteRules
from screener.domain.screening import NotScoredReason, ScreeningState
from screener.pipeline.film import judge_header
from screener.pipeline.ports import Services, rules_in_force
from screener.storage.database import UnitOfWork
from screener.storage.instances import Speaker
from screener.storage.screenings import ClaimedScreening
from screener.telemetry.logging import get_logger

_BATCH = 16

_S = ScreeningState


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """What becomes of one received instance."""

    arrival: Arrival
    to: ScreeningState
    reasons: Sequence[str]
    header: InstanceHeader | None
    pixel_digest: str | None
    view: View | None = None
    clinical: ClinicalVariables | None = None
    #: What it says of other instances.
    note: RejectionNote | None = None


def judge(services: Services) -> int:
    """Judge films that have been received; return how many were claimed."""
    with services.database.write() as uow:
        rules = rules_in_force(uow)
        claimed = uow.screenings.claim_received(limit=_BATCH, lease=services.lease)
    for held in claimed:
        try:
            _settle(services, held, _decide(services, held, rules), rules.version)
        except ScreenerError as error:
            get_logger().warning("judging_failed", screening_id=held.screening_id, code=error.code)
            with services.database.write() as uow:
                uow.screenings.settle_failure(held, error)
    return len(claimed)


def _decide(services: Services, held: ClaimedScreening, rules: SiteRules) -> _Decision:
    with services.database.read() as uow:
        speaker = uow.instances.speaker_before(held.instance_id)
    header = _header(services, held.spool_key)
    # pixels are decoded here only where there is something to compare them with
    pixel_digest = _pixel_digest(services, held.spool_key) if speaker else None
    content = Content(
        header_digest=header.digest() if header else None,
        pixel_digest=pixel_digest,
        file_digest=held.file_digest,
    )
    arrival = compare(content, _content(services, speaker) if speaker else None)
    if arrival is Arrival.DUPLICATE:
        to, reasons = _S.DUPLICATE, (NotScoredReason.SAME_INSTANCE_AGAIN.value,)
    elif arrival is Arrival.CONFLICT:
        to, reasons = _S.CONFLICTING, (NotScoredReason.PIXELS_DIFFER.value,)
    elif header is None:
        to, reasons = _S.INELIGIBLE, (IneligibilityReason.UNREADABLE_HEADER.value,)
    else:
        return _judge_header(services, held, header, rules, arrival, pixel_digest)
    return _Decision(
        arrival=arrival, to=to, reasons=reasons, header=header, pixel_digest=pixel_digest
    )


def _judge_header(
    services: Services,
    held: ClaimedScreening,
    header: InstanceHeader,
    rules: SiteRules,
    arrival: Arrival,
    pixel_digest: str | None,
) -> _Decision:
    decision = _Decision(
        arrival=arrival, to=_S.INELIGIBLE, reasons=(), header=header, pixel_digest=pixel_digest
    )
    with services.database.read() as uow:
        elsewhere = uow.clinical.elsewhere(
            header.identity.patient_id, header.identity.issuer, held.study_id
        )
    judged = judge_header(
        services,
        header,
        rules=rules.eligibility,
        # a film that is judged again is not too old for having been here a while
        today=held.received_at.date(),
        elsewhere=elsewhere,
    )
    if isinstance(judged, Ineligible):
        return replace(
            decision,
            reasons=[reason.value for reason in judged.reasons],
            note=_note(services, held.spool_key, header),
        )
    return replace(decision, to=_S.WAITING, view=judged.eligible.view, clinical=judged.clinical)


def _settle(
    services: Services, held: ClaimedScreening, decision: _Decision, rules_version: int
) -> None:
    with services.database.write() as uow:
        decision = _unless_rejected(uow, held, decision)
        if decision.arrival is not Arrival.REVISION:
            # before the film, as whoever corrects the study does
            uow.studies.lock(held.study_id)
        ours = uow.screenings.settle(
            held,
            decision.to,
            reasons=decision.reasons,
            rules_version=rules_version,
            view=decision.view,
            clinical=decision.clinical,
        )
        if not ours:
            return
        if decision.header is not None:
            uow.instances.set_header(held.instance_id, decision.header)
        if decision.pixel_digest is not None:
            uow.instances.set_pixel_digest(held.instance_id, decision.pixel_digest)
        if decision.arrival in {Arrival.NEW, Arrival.REVISION}:
            # a film that changes nothing must not make its study settle anew
            changed = {held.study_id}
            if decision.arrival is Arrival.REVISION:
                changed |= uow.screenings.supersede(held)
            if decision.note is not None:
                changed |= _reject(uow, held, decision.note)
            for study_id in changed:
                uow.studies.reopen(study_id)
                if study_id != held.study_id or decision.to is not _S.WAITING:
                    # what was silenced may have spoken for another film with its pixels
                    uow.screenings.judge_twins_again(study_id)
    get_logger().info(
        "film_judged",
        screening_id=held.screening_id,
        state=decision.to.value,
        reason=decision.reasons[0] if decision.reasons else None,
        rules_version=rules_version,
    )


def _unless_rejected(uow: UnitOfWork, held: ClaimedScreening, decision: _Decision) -> _Decision:
    """Ask whether a note that came before takes the instance out of use.

    A note and a film that it names may be judged at the same moment: whoever is second sees what
    the first one did.
    """
    uow.rejections.lock()
    kept_apart = decision.arrival not in {Arrival.NEW, Arrival.REVISION}
    if kept_apart or not uow.rejections.is_rejected(held.sop_instance_uid):
        return decision
    reasons = (NotScoredReason.REJECTED_BY_NOTE.value,)
    return replace(decision, to=_S.REJECTED, reasons=reasons, note=None)


def _reject(uow: UnitOfWork, held: ClaimedScreening, note: RejectionNote) -> set[StudyId]:
    """Take what a rejection note names out of its studies; return which studies that were.

    What it says of our own objects is kept for the operator, and changes nothing.
    """
    ours = [uid for uid in note.instances if is_own_uid(uid)]
    for study_id, objects in uow.rejections.own_objects(ours).items():
        uow.audit.add(
            actor="archive",
            action="OWN_OBJECTS_REJECTED",
            subject=f"study {study_id}",
            title=note.title.value,
            note=held.screening_id,
            objects=objects,
        )
    films = set(note.instances) - set(ours)
    if not note.takes_out or not films:
        return set()
    uow.rejections.add(held.instance_id, note.title, films)
    studies = uow.screenings.reject(held, films)
    for study_id in studies:
        uow.audit.add(
            actor="archive",
            action="FILMS_REJECTED",
            subject=f"study {study_id}",
            title=note.title.value,
            note=held.screening_id,
        )
    return studies


def _note(services: Services, spool_key: str, header: InstanceHeader) -> RejectionNote | None:
    """Return the rejection note that an instance is; our own one that comes back says nothing."""
    if header.sop_class_uid != KEY_OBJECT_SELECTION or header.made_by_screener:
        return None
    return read_rejection_note(services.spool.path(spool_key))


def _content(services: Services, speaker: Speaker) -> Content:
    """Return what an earlier instance holds, read again where its row does not know it yet."""
    content = speaker.content
    if content.header_digest is None:
        header = _header(services, speaker.spool_key)
        content = replace(content, header_digest=header.digest() if header else None)
    if content.pixel_digest is None:
        content = replace(content, pixel_digest=_pixel_digest(services, speaker.spool_key))
    return content


def _header(services: Services, spool_key: str) -> InstanceHeader | None:
    path = services.spool.path(spool_key)
    try:
        return read_header(path)
    except UnreadableInstance:
        return None


def _pixel_digest(services: Services, spool_key: str) -> str | None:
    path = services.spool.path(spool_key)
    try:
        return decode(path).digest
    except (UnsupportedPixels, UnreadableInstance):
        return None
