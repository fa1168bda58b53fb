"""Tries every door of a node: what works, what does not, and what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from screener.config import ArchiveSettings, Settings, Withdrawal
from screener.dicom.decoders import decoder_report
from screener.domain.errors import (
    AssociationRejected,
    ConfigurationError,
    PredictorMismatch,
    ScreenerError,
    SpoolFull,
)
from screener.domain.identifiers import AeTitle
from screener.domain.report import ArchiveObject, ResultKind
from screener.network.class_probe import KIND_CLASSES, REPORT_CLASSES, probe_classes
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.store_scu import echo
from screener.predictor.card import load_card, verify_gates, verify_weights
from screener.storage import migrate
from screener.storage.references import find_reference, load_bmd_reference
from screener.storage.spool import Spool
from screener.wiring import (
    build_archive,
    build_database,
    build_predictor_facts,
    build_reference,
    check_rules,
    predictor_folder,
    predictor_origin,
    reference_folder,
    require_current_database,
)

_MEBIBYTE = 1 << 20
_NOTE_CLASS = KIND_CLASSES[ResultKind.REJECTION_NOTE]

#: Our own listener is on this machine and answers at once.
_OWN_TIMEOUTS = Timeouts(connect_s=3.0, acse_s=3.0, dimse_s=3.0, idle_s=3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One door that was tried.

    Parameters
    ----------
    advice
        What to do; empty where it opened.
    accepts
        Of an archive that answered, whether it takes each class of our objects, by name.
    """

    name: str
    ok: bool
    said: str
    advice: str = ""
    accepts: Mapping[str, bool] | None = None


def synthetic_statement(settings: Settings) -> str | None:
    """Return what must stand first wherever the node speaks, or None for a real predictor."""
    try:
        identity = build_predictor_facts(settings).identity
    except ScreenerError:
        return None
    if not identity.synthetic:
        return None
    return (
        f"The predictor in force is SYNTHETIC ({identity.name} {identity.version}): it has never "
        "seen a child and scores no real film. Research use only."
    )


def try_doors(settings: Settings) -> Iterator[Door]:
    """Try each door in turn."""
    database = _try(
        "database",
        lambda: _database(settings),
        "run `screener db upgrade`, or change storage.database_url or storage.folder",
    )
    yield database
    if database.ok and settings.storage.url.startswith("postgresql"):
        yield _try(
            "durability",
            lambda: _durability(settings),
            "set it to on in the server's postgresql.conf, and reload that",
        )
    yield _try(
        "rules", lambda: _rules(settings), "mend the database, or run `screener rules import FILE`"
    )
    for name in ("spool", "vault"):
        yield _try(
            name,
            partial(_folder, settings, name),
            "free some space, or change storage.folder or storage.min_free_mb",
        )
    yield _try("predictor", lambda: _predictor(settings), "install the predictor again")
    yield _try("reference", lambda: _reference(settings), "change reference.bmd")
    for decoder in decoder_report():
        yield Door(
            name=f"decoder {decoder.name}",
            ok=decoder.works,
            said=decoder.said,
            advice="" if decoder.works else "install the package again; films in it are refused",
        )
    yield _try("listener", lambda: _listener(settings), "change listener.port")
    for archive in settings.archives:
        yield _archive(settings, archive)
    if not settings.archives:
        said = "none configured: reports are made and stay on this node"
        yield Door(name="archives", ok=True, said=said)


def _try(name: str, door: Callable[[], str], advice: str) -> Door:
    try:
        return Door(name=name, ok=True, said=door())
    except ScreenerError as error:
        return Door(name=name, ok=False, said=str(error), advice=advice)
    except OSError as error:
        said = f"{error.strerror}: {error.filename}"
        return Door(name=name, ok=False, said=said, advice=advice)


def _database(settings: Settings) -> str:
    database = build_database(settings)
    try:
        require_current_database(database)
        return f"{database.engine.dialect.name} at migration level {migrate.newest_revision()}"
    finally:
        database.dispose()


def _durability(settings: Settings) -> str:
    database = build_database(settings)
    try:
        with database.read() as uow:
            unsafe = uow.queries.unsafe_settings()
    finally:
        database.dispose()
    if unsafe:
        raise ConfigurationError(
            f"of the server, {' and '.join(f'{name} is off' for name in unsafe)}: a power cut may "
            "take a film that was answered with 0x0000"
        )
    return "what the server commits outlives a power cut"


def _rules(settings: Settings) -> str:
    database = build_database(settings)
    try:
        require_current_database(database)
        with database.read() as uow:
            rules = uow.rules.in_force()
            document = uow.rules.document(rules.version) if rules else None
    finally:
        database.dispose()
    if rules is None or document is None:
        return "none yet: version 1 will be what the settings say"
    check_rules(settings, document)
    modes = ", ".join(f"{a.name} {rules.mode(a.name).value}" for a in settings.archives)
    same = document == settings.first_rules()
    note = "" if same else "; the settings file says otherwise, and is not asked any more"
    return f"version {rules.version} in force ({modes or 'no archives'}){note}"


def _folder(settings: Settings, name: str) -> str:
    spool = Spool(settings.storage.folder / name)
    spool.prepare()
    free_mb = spool.free_bytes() // _MEBIBYTE
    needed = settings.storage.min_free_mb if name == "spool" else 0
    if free_mb < needed:
        raise SpoolFull(f"{free_mb} MiB free, below storage.min_free_mb = {needed}")
    return f"{spool.folder}, {free_mb:,} MiB free"


def _predictor(settings: Settings) -> str:
    folder = predictor_folder(settings)
    card = load_card(folder)
    verify_weights(folder, card)
    verify_gates(folder, card)
    low, high = card.age_years
    return (
        f"{card.label}, {card.size_px} px, ages {low:g} to {high:g}, checksum verified; "
        f"{predictor_origin(settings)}"
    )


def _reference(settings: Settings) -> str:
    try:
        reference = build_reference(settings, build_predictor_facts(settings))
    except PredictorMismatch:  # another door says so
        reference = load_bmd_reference(
            find_reference(settings.reference.bmd, reference_folder(settings))
        )
    note = "; synthetic, not a clinical reference" if reference.synthetic else ""
    return f"{reference.label}, {reference.region}, {reference.device}{note}"


def _listener(settings: Settings) -> str:
    host, port = settings.listener.host, settings.listener.port
    name = f"{settings.listener.ae_title} at {host}:{port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            peer = Peer(
                name="this node", ae_title=AeTitle(settings.listener.ae_title), host=host, port=port
            )
            known = [caller.ae_title for caller in settings.listener.callers]
            known += [archive.ae_title for archive in settings.archives]
            caller = known[0] if known else settings.listener.ae_title
            try:
                echo(peer, calling_ae=caller, timeouts=_OWN_TIMEOUTS)
            except AssociationRejected:
                return f"{name} is running, and takes no call of {caller} from this machine"
            return f"{name} is running and answers C-ECHO"
    callers = len(settings.listener.callers)
    anybody = "anybody may call" if settings.listener.allow_any_caller else f"{callers} caller(s)"
    return f"{name} can be bound; {anybody}"


def _archive(settings: Settings, archive: ArchiveSettings) -> Door:
    """Ask an archive whether it is there, then what it takes of us."""
    peer = build_archive(settings, archive)
    accepts: dict[str, bool] = {}

    def ask() -> str:
        seconds = echo(peer.peer, calling_ae=peer.calling_ae, timeouts=peer.timeouts)
        accepts.update(probe_classes(peer.peer, calling_ae=peer.calling_ae, timeouts=peer.timeouts))
        return f"{peer.peer} answers C-ECHO in {seconds * 1000:.0f} ms; {_accepted(accepts)}"

    door = _try(
        f"archive {archive.name}",
        ask,
        f"check host, port and AE title, and that the archive knows {settings.listener.ae_title}",
    )
    if not accepts:
        return door
    advice = _class_advice(archive, accepts)
    return replace(door, ok=not advice, advice=advice, accepts=accepts)


def _accepted(accepts: Mapping[str, bool]) -> str:
    lists = [
        f"{verb}: {', '.join(names)}"
        for verb, answer in (("takes", True), ("refuses", False))
        if (names := [name for name, taken in accepts.items() if taken is answer])
    ]
    return "; ".join(lists)


def _class_advice(archive: ArchiveSettings, accepts: Mapping[str, bool]) -> str:
    """Return what to do where an archive refuses an object that it is set to get, or ""."""
    kinds = archive.form.kinds
    if ResultKind.REPORT in kinds and not accepts[REPORT_CLASSES[archive.report_class]]:
        taken = [form for form, name in REPORT_CLASSES.items() if accepts[name]]
        if not taken:
            return f"ask who runs archive {archive.name} to let it take structured reports"
        return f'set report_class = "{taken[0].value}" for archive {archive.name}'
    if archive.withdrawal is Withdrawal.IOCM and not accepts[_NOTE_CLASS]:
        return f'set withdrawal = "none" for archive {archive.name}: it takes no rejection notes'
    refused = [
        one.value
        for one in ArchiveObject
        if (name := KIND_CLASSES.get(ResultKind[one.name]))
        and ResultKind[one.name] in kinds
        and not accepts[name]
    ]
    if refused:
        return f"take {', '.join(refused)} out of objects of archive {archive.name}"
    return ""
