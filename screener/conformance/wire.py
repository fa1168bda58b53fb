"""Tables of what goes over the wire: SOP classes, transfer syntaxes, associations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from screener.config import ArchiveSettings
from screener.conformance.markdown import code, listed, table
from screener.conformance.parameters import default_of
from screener.conformance.remarks import remarks
from screener.conformance.specimens import KINDS, built
from screener.dicom.contexts import ACCEPTED_CLASSES, Use, accepted_contexts, transfer_syntax_name
from screener.dicom.decoders import DECODERS, NATIVE_TRANSFER_SYNTAXES, RARE_TRANSFER_SYNTAXES
from screener.dicom.describe import read_attributes, uid_name
from screener.dicom.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from screener.domain.report import ResultKind
from screener.network.class_probe import PROBED
from screener.network.entity import MAXIMUM_PDU_BYTES, Timeouts
from screener.network.peers import RejectionReason
from screener.network.rejections import REJECTIONS
from screener.network.sop_classes import SERVICE_CLASSES, SERVICE_TRANSFER_SYNTAXES, ServiceClass
from screener.network.store_scu import proposed_kinds

#: What `screener check` asks in.
_EXPLICIT = transfer_syntax_name(str(NATIVE_TRANSFER_SYNTAXES[0]))
_TRANSFER_SYNTAX = ("TransferSyntaxUID",)
_RARE = frozenset(map(str, RARE_TRANSFER_SYNTAXES))
_ALL_SYNTAXES = tuple(map(str, (*NATIVE_TRANSFER_SYNTAXES, *DECODERS)))


def services() -> str:
    """Return the overview: every SOP class with the roles in which we take it."""
    rows = [
        (uid_name(one.sop_class_uid), str(one.sop_class_uid), _yes(one.as_scu), _yes(one.as_scp))
        for one in SERVICE_CLASSES
    ]
    accepted = {str(one.sop_class_uid) for one in ACCEPTED_CLASSES if one.use is not Use.ECHO}
    sent = {sop_class for sop_class, _ in sent_kinds()}
    rows += [
        (uid_name(uid), uid, _yes(uid in sent), _yes(uid in accepted))
        for uid in sorted(accepted | sent, key=_order)
    ]
    return table(("SOP class", "UID", "SCU", "SCP"), rows)


def service_roles() -> str:
    """Return what we do in each service beside storage."""
    rows = [
        (one.service, one.as_scu or "not taken", one.as_scp or "not taken")
        for one in SERVICE_CLASSES
    ]
    return table(("Service", "As SCU", "As SCP"), rows)


def identification() -> str:
    """Return who we say that we are, and the size of our PDUs."""
    rows = (
        ("Implementation Class UID", code(IMPLEMENTATION_CLASS_UID)),
        ("Implementation Version Name", code(IMPLEMENTATION_VERSION_NAME)),
        ("Application Context Name", "1.2.840.10008.3.1.1.1 (DICOM Application Context Name)"),
        ("Maximum PDU received", f"{MAXIMUM_PDU_BYTES:,} bytes"),
    )
    return table(("Item", "Value"), rows)


def waits() -> str:
    """Return how long we wait for what."""
    ours = Timeouts()
    per_archive = "`timeout_s` of the archive"
    rows = (
        ("TCP connection", "as caller", per_archive, ours.connect_s),
        ("answer to an association request or release", "as caller", per_archive, ours.acse_s),
        ("answer to a DIMSE message, from the last byte sent", "as caller", per_archive, None),
        ("the caller's next PDU", "as called", "`listener.idle_timeout_s`", ours.idle_s),
        (
            "association request after the connection, and release",
            "as called",
            "fixed",
            ours.acse_s,
        ),
    )
    return table(
        ("We wait for", "Role", "How long", "Default, s"),
        [
            (what, role, how, _archive_default() if how == per_archive else f"{seconds:g}")
            for what, role, how, seconds in rows
        ],
    )


def rejections() -> str:
    """Return why associations are rejected, and with which numbers."""
    said = remarks(RejectionReason)
    rows = []
    for reason in RejectionReason:
        answer = REJECTIONS.get(reason)
        numbers = f"{answer.result}, {answer.source}, {answer.diagnostic}" if answer else ""
        rows.append(
            (said.get(reason.name, reason.value), numbers, answer.meaning if answer else "")
        )
    return table(("Rejected because", "Result, source, reason", "Meaning"), rows)


def proposed_contexts() -> str:
    """Return the presentation contexts that we propose."""
    rows = [
        (
            uid_name(one.sop_class_uid),
            str(one.sop_class_uid),
            _syntaxes(SERVICE_TRANSFER_SYNTAXES),
            "SCU",
        )
        for one in SERVICE_CLASSES
        if one.as_scu
    ]
    for uid in dict.fromkeys(sop_class for sop_class, _ in sent_kinds()):
        each = [syntax for sop_class, syntax in proposed_kinds(sent_kinds()) if sop_class == uid]
        rows.append((uid_name(uid), uid, f"{_syntaxes(each)}; a context for each", "SCU"))
    asked = [str(uid) for uid in PROBED.values() if str(uid) not in dict(sent_kinds())]
    rows += [
        (uid_name(uid), uid, f"{_EXPLICIT}; by `screener check` alone", "SCU") for uid in asked
    ]
    return table(("SOP class", "UID", "Transfer syntaxes", "Role"), rows)


def accepted_presentation_contexts() -> str:
    """Return the presentation contexts that we accept."""
    images, documents = "every one of section 10.6", _syntaxes(_document_syntaxes(), rare=_RARE)
    rows = [
        (
            uid_name(one.sop_class_uid),
            str(one.sop_class_uid),
            _syntaxes(SERVICE_TRANSFER_SYNTAXES),
            role,
        )
        for one in SERVICE_CLASSES
        if (role := _accepted_role(one))
    ]
    rows += [
        (one.name, str(one.sop_class_uid), images if one.image else documents, "SCP")
        for one in ACCEPTED_CLASSES
        if one.use is not Use.ECHO
    ]
    return table(("SOP class", "UID", "Transfer syntaxes", "Role"), rows)


def accepted_classes() -> str:
    """Return what becomes of instances of the SOP classes that we accept."""
    said = remarks(Use)
    rows = [
        (one.name, "image" if one.image else "document", _plain(said[one.use.name]))
        for one in ACCEPTED_CLASSES
        if one.use is not Use.ECHO
    ]
    return table(("SOP class", "Kind", "What becomes of it"), rows)


def transfer_syntaxes() -> str:
    """Return the transfer syntaxes with their decoders, in our order of preference."""
    documents = set(_document_syntaxes())
    rows = []
    for uid in _by_preference():
        decoders = [decoder.name for decoder in DECODERS.get(uid, ())]
        accepted = (
            "only with `listener.accept_rare_transfer_syntaxes`"
            if uid in RARE_TRANSFER_SYNTAXES
            else "where a decoder works"
            if decoders
            else "always"
        )
        rows.append(
            (
                transfer_syntax_name(uid),
                uid,
                ", then ".join(decoders) or "none needed",
                "images and documents" if uid in documents else "images",
                accepted,
            )
        )
    return table(("Transfer syntax", "UID", "Decoder", "For", "Accepted"), rows)


def result_objects() -> str:
    """Return the kinds of objects that we make, with their SOP classes and series."""
    rows = []
    for kind in ResultKind:
        words = KINDS.get(kind)
        first = next(iter(built(kind)), None)
        objects = first[1] if first else ()
        classes = dict.fromkeys(uid_name(one.sop_class_uid) for one in objects)
        numbers = dict.fromkeys(_value(one.encoded, "SeriesNumber") for one in objects)
        rows.append(
            (
                words.title if words else kind.value.lower(),
                words.description if words else _plain(remarks(ResultKind).get(kind.name, "")),
                listed(classes, "or") if classes else "",
                ", ".join(numbers),
            )
        )
    return table(("Object", "What it is", "SOP class", "Series Number"), rows)


@cache
def sent_kinds() -> tuple[tuple[str, str], ...]:
    """Return SOP class and transfer syntax of everything that we send, each once."""
    found: dict[tuple[str, str], None] = {}
    for kind in ResultKind:
        for _, objects in built(kind):
            for one in objects:
                found[str(one.sop_class_uid), _value(one.encoded, *_TRANSFER_SYNTAX)] = None
    return tuple(found)


def _value(encoded: bytes, keyword: str) -> str:
    return next(
        (a.values[0] for a in read_attributes(encoded) if a.path == (keyword,) and a.values), ""
    )


def _document_syntaxes() -> tuple[str, ...]:
    """Return what documents are accepted in, the rare ones included."""
    contexts = dict(accepted_contexts(_ALL_SYNTAXES))
    document = next(one for one in ACCEPTED_CLASSES if not one.image and one.use is not Use.ECHO)
    return contexts[str(document.sop_class_uid)]


def _by_preference() -> tuple[str, ...]:
    rare = [uid for uid in _ALL_SYNTAXES if uid in RARE_TRANSFER_SYNTAXES]
    return (*(uid for uid in _ALL_SYNTAXES if uid not in rare), *rare)


def _accepted_role(service: ServiceClass) -> str:
    """Return our role where a peer proposes a service; nothing where we refuse it."""
    if service.as_scp:
        return "SCP"
    return "SCU; the peer is SCP, by role selection" if service.reversed_roles else ""


def _syntaxes(uids: Sequence[str], *, rare: frozenset[str] = frozenset()) -> str:
    return listed(f"{transfer_syntax_name(u)}{' (rare)' if u in rare else ''}" for u in uids)


def _order(uid: str) -> list[int]:
    return [int(part) for part in uid.split(".")]


def _yes(flag: object) -> str:
    return "yes" if flag else "no"


def _plain(sentence: str) -> str:
    return sentence.rstrip(".")


def _archive_default() -> str:
    return default_of(ArchiveSettings, "timeout_s")
