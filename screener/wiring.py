"""Puts the parts together: settings in, services out. The only composer; imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from screener.config import ArchiveSettings, ConfirmBy, RulesDocument, Settings, Withdrawal
from screener.dicom.contexts import accepted_contexts
from screener.dicom.decoders import working_transfer_syntaxes
from screener.domain.errors import ConfigurationError, PredictorMismatch, ScreenerError
from screener.domain.identifiers import (
    AeTitle,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyInstanceUid,
)
from screener.domain.reference import (
    BmdReference,
    HeightAdjustment,
    refuse_made_up_reference,
)
from screener.domain.report import ResultForm
from screener.domain.rules import SiteRules, refuse_live_if_synthetic
from screener.network.commitment import CommitmentReport, request_commitment
from screener.network.entity import Timeouts
from screener.network.listener import IncomingInstance, Listener
from screener.network.peers import AllowedCaller, AssociationRejection, Peer
from screener.network.query import find_instances
from screener.network.status import StoreOutcome
from screener.network.store_scu import Sender
from screener.pipeline.commitment import take_report
from screener.pipeline.ports import PredictorFacts, Services
from screener.pipeline.receive import receive
from screener.predictor.card import CARD_FILE, load_card, load_identity
from screener.predictor.estimate import decision_of
from screener.predictor.store import InForce, PredictorStore
from screener.storage import migrate
from screener.storage.database import Database, UnitOfWork
from screener.storage.references import (
    DATA_FOLDER,
    find_reference,
    load_bmd_reference,
    load_growth_reference,
    load_height_adjustment,
)
from screener.storage.spool import Spool
from screener.telemetry.logging import get_logger
from screener.telemetry.metrics import REJECTED

#: The predictor that ships.
SHIPPED_PREDICTOR = DATA_FOLDER / "predictors" / "synthetic-2"

_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerArchive:
    """An archive behind DICOM associations; fits `pipeline.ports.Archive`."""

    name: str
    confirm_by: ConfirmBy
    form: ResultForm
    withdrawal: Withdrawal
    peer: Peer
    calling_ae: str
    timeouts: Timeouts

    def open(self, kinds: Collection[tuple[str, str]]) -> AbstractContextManager[Sender]:
        """Open an association for some (SOP class, transfer syntax) pairs."""
        return Sender(self.peer, calling_ae=self.calling_ae, kinds=kinds, timeouts=self.timeouts)

    def request_commitment(
        self,
        transaction_uid: str,
        instances: Sequence[tuple[str, SopInstanceUid]],
        on_report: Callable[[CommitmentReport], bool],
    ) -> None:
        """Ask it to commit to some objects."""
        request_commitment(
            self.peer,
            calling_ae=self.calling_ae,
            transaction_uid=transaction_uid,
            instances=instances,
            on_report=on_report,
            timeouts=self.timeouts,
        )

    def find_instances(
        self,
        study: StudyInstanceUid,
        series: SeriesInstanceUid,
        instances: Collection[SopInstanceUid],
    ) -> set[SopInstanceUid]:
        """Return which of some objects it lists."""
        return find_instances(
            self.peer,
            calling_ae=self.calling_ae,
            study_instance_uid=study,
            series_instance_uid=series,
            sop_instance_uids=list(instances),
            timeouts=self.timeouts,
        )


def build_database(settings: Settings) -> Database:
    """Return the database; it is connected at first use."""
    return Database(settings.storage.url)


def build_archive(settings: Settings, archive: ArchiveSettings) -> PeerArchive:
    """Return one archive of the settings."""
    return PeerArchive(
        name=archive.name,
        confirm_by=archive.confirm_by,
        form=archive.form,
        withdrawal=archive.withdrawal,
        peer=Peer(
            name=archive.name,
            ae_title=AeTitle(archive.ae_title),
            host=archive.host,
            port=archive.port,
        ),
        calling_ae=settings.listener.ae_title,
        timeouts=Timeouts(
            connect_s=archive.timeout_s, acse_s=archive.timeout_s, dimse_s=archive.timeout_s
        ),
    )


def predictor_store(settings: Settings) -> PredictorStore:
    """Return the node's own folder of predictors."""
    return PredictorStore(settings.storage.folder / "predictors")


def shipped_predictors() -> list[Path]:
    """Return the folders of the predictors that ship, the default one first."""
    folders = (p for p in SHIPPED_PREDICTOR.parent.iterdir() if (p / CARD_FILE).is_file())
    return sorted(folders, key=lambda p: (p != SHIPPED_PREDICTOR, p.name))


def predictor_folder(settings: Settings) -> Path:
    """Return the folder of the predictor in force; the one place that decides.

    It is what `predictor.folder` names; else what was put in force on this node; else, before a
    node's first start and where there is no node, the one that ships.

    Raises
    ------
    PredictorMismatch
        What was put in force is not there any more, or is another; says what to do.
    """
    pinned = settings.predictor.folder or predictor_store(settings).folder_in_force()
    return pinned or SHIPPED_PREDICTOR


def predictor_origin(settings: Settings) -> str:
    """Return by whose decision the predictor in force is in force, in words."""
    if settings.predictor.folder is not None:
        return f"in force by predictor.folder of the settings, {settings.predictor.folder}"
    pin = predictor_store(settings).in_force()
    if pin is None:
        return "ships with this version; put in force at the node's first start"
    return pin.decision


def install_predictor(settings: Settings, source: Path, *, check: Callable[[Path], object]) -> Path:
    """Install a predictor on this node, and return its folder; `PredictorStore.install` says how.

    Raises
    ------
    ConfigurationError, PredictorMismatch
        It cannot be taken; says why.
    """
    # films and reports of patients will lie beside it
    settings.storage.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return predictor_store(settings).install(source, beside=shipped_predictors(), check=check)


def put_predictor_in_force(
    settings: Settings, uow: UnitOfWork, folder: Path, *, operator: str, reason: str
) -> InForce:
    """Put an installed predictor in force from the node's next start on; the audit trail says so.

    Raises
    ------
    ConfigurationError
        The reference or the rules in force do not go with it.
    PredictorMismatch
        A byte of it has changed.
    """
    with_it = settings.model_copy(
        update={"predictor": settings.predictor.model_copy(update={"folder": folder})}
    )
    facts = build_predictor_facts(with_it)
    build_reference(with_it, facts)
    if (rules := uow.rules.in_force()) is not None:
        refuse_live_if_synthetic(rules, predictor_is_synthetic=facts.identity.synthetic)
    store = predictor_store(settings)
    try:
        before = store.in_force()
    except PredictorMismatch:
        before = None  # nobody can tell any more, and this mends it
    uow.audit.add(
        actor=operator,
        action="PREDICTOR_CHANGED",
        subject=None,
        reason=reason,
        predictor=facts.identity.label,
        checksum=facts.identity.checksum,
        before=before.label if before else None,
    )
    return store.put_in_force(folder, operator=operator, reason=reason, now=uow.now)


def build_predictor_facts(settings: Settings) -> PredictorFacts:
    """Read the card of the predictor in force, without its weights and without torch."""
    folder = predictor_folder(settings)
    card = load_card(folder)
    return PredictorFacts(
        identity=load_identity(folder),
        min_age_years=card.age_years[0],
        max_age_years=card.age_years[1],
        input_size_px=card.size_px,
        interval_statement=card.interval.statement,
        decision=decision_of(card),
    )


def reference_folder(settings: Settings) -> Path:
    """Return the folder of the references that this site has added."""
    return settings.storage.folder / "references"


def build_reference(settings: Settings, predictor: PredictorFacts) -> BmdReference:
    """Return the BMD reference in force; a made-up one is refused for a child's predictor."""
    reference = load_bmd_reference(
        find_reference(settings.reference.bmd, reference_folder(settings))
    )
    refuse_made_up_reference(reference, predictor_is_synthetic=predictor.identity.synthetic)
    return reference


def build_height_adjustment(
    settings: Settings, predictor: PredictorFacts
) -> HeightAdjustment | None:
    """Return the coefficients in force, or None; made-up ones are refused for children."""
    path = settings.reference.height_adjustment
    if path is None:
        return None
    adjustment = load_height_adjustment(path)
    if adjustment.synthetic and not predictor.identity.synthetic:
        raise ConfigurationError(
            f"reference.height_adjustment: {adjustment.label} comes from synthetic children, and "
            "the predictor in force is for children"
        )
    return adjustment


def build_services(settings: Settings) -> Services:
    """Put together what the stages work with.

    Raises
    ------
    ConfigurationError, PredictorMismatch
        A part is missing or does not fit; says which and what to do.
    """
    folder = settings.storage.folder
    min_free_bytes = settings.storage.min_free_mb * _MEBIBYTE
    facts = build_predictor_facts(settings)
    return Services(
        database=build_database(settings),
        spool=Spool(folder / "spool", min_free_bytes=min_free_bytes),
        vault=Spool(folder / "vault"),
        reference=build_reference(settings, facts),
        growth=load_growth_reference(),
        height_adjustment=build_height_adjustment(settings, facts),
        predictor=facts,
        archives={a.name: build_archive(settings, a) for a in settings.archives},
        lease=timedelta(seconds=settings.drive.lease_s),
        score_batch=settings.drive.score_batch,
        commitment_overdue=timedelta(hours=settings.drive.commitment_overdue_h),
        zone=settings.site.zone,
    )


def prepare(settings: Settings) -> None:
    """Bring database and folders to where a node can start; what is there is kept.

    Raises
    ------
    ConfigurationError
        The reference, the first rules, or those in force, do not go with the predictor, or the
        database is newer than the code.
    PredictorMismatch
        The predictor in force is not there any more, or not as it was written.
    """
    # films and reports of patients: for the node's own user alone
    settings.storage.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = build_database(settings)
    try:
        migrate.upgrade(database)
        with database.write() as uow:
            _begin_rules(settings, uow)
            _begin_predictor(settings, uow)
    finally:
        database.dispose()
    for name in ("spool", "vault"):
        Spool(settings.storage.folder / name).prepare()


def check_rules(settings: Settings, document: RulesDocument) -> None:
    """Raise `ConfigurationError` where rules cannot come into force on this node."""
    rules = document.site_rules(0)
    known = {archive.name for archive in settings.archives}
    unknown = sorted(set(rules.archives) - known)
    if unknown:
        raise ConfigurationError(
            f"rules.archives names {', '.join(unknown)}, which the settings do not know; "
            f"known: {', '.join(sorted(known)) or 'none'}"
        )
    facts = build_predictor_facts(settings)
    refuse_live_if_synthetic(rules, predictor_is_synthetic=facts.identity.synthetic)


def require_current_database(database: Database) -> None:
    """Raise `ConfigurationError` where the database is not at this version's migration level."""
    current, newest = migrate.current_revision(database), migrate.newest_revision()
    if current is not None and not migrate.knows(current):
        raise ConfigurationError(
            f"the database is at migration level {current}, which a newer version of screener "
            "made; install that version"
        )
    if current != newest:
        raise ConfigurationError(
            f"the database is at migration level {current or 'none'} and this version needs "
            f"{newest}; run `screener db upgrade`"
        )


def rules_for_files(settings: Settings) -> SiteRules | None:
    """Return the rules in force on this machine's node, or None where there is no node yet.

    Raises
    ------
    ConfigurationError, DatabaseUnavailable
        There is a node, and its rules cannot be read: others must not be asked in their place.
    """
    database = build_database(settings)
    try:
        if migrate.current_revision(database) is None:
            return None
        require_current_database(database)
        with database.read() as uow:
            return uow.rules.in_force()
    finally:
        database.dispose()


def build_listener(settings: Settings, services: Services) -> Listener:
    """Put together the C-STORE service; `start` it in the process that owns it."""
    log = get_logger()

    def on_store(incoming: IncomingInstance) -> StoreOutcome:
        return receive(services, incoming)

    def on_commitment(report: CommitmentReport) -> bool:
        return take_report(services, report)

    def on_rejected(rejection: AssociationRejection) -> None:
        REJECTED.labels(reason=rejection.reason.value).inc()
        log.warning(
            "association_rejected",
            calling_ae=rejection.calling_ae,
            called_ae=rejection.called_ae,
            address=rejection.address,
            reason=rejection.reason.value,
        )
        with services.database.write() as uow:
            uow.archives.count_rejection(
                rejection.calling_ae,
                rejection.called_ae,
                rejection.address,
                rejection.reason.value,
            )

    def on_error(error: Exception) -> None:
        code = error.code if isinstance(error, ScreenerError) else "BUG"
        log.warning("listener_handler_failed", code=code, exc_info=error)

    callers = [
        *(
            AllowedCaller(ae_title=AeTitle(c.ae_title), host=c.host)
            for c in settings.listener.callers
        ),
        # archives call us with their commitment reports
        *(AllowedCaller(ae_title=AeTitle(a.ae_title)) for a in settings.archives),
    ]
    return Listener(
        ae_title=settings.listener.ae_title,
        host=settings.listener.host,
        port=settings.listener.port,
        contexts=accepted_contexts(
            working_transfer_syntaxes(rare=settings.listener.accept_rare_transfer_syntaxes)
        ),
        callers=callers,
        allow_any_caller=settings.listener.allow_any_caller,
        on_store=on_store,
        on_commitment=on_commitment,
        on_rejected=on_rejected,
        on_error=on_error,
        maximum_associations=settings.listener.max_associations,
        timeouts=Timeouts(idle_s=settings.listener.idle_timeout_s),
    )


def _begin_rules(settings: Settings, uow: UnitOfWork) -> None:
    facts = build_predictor_facts(settings)
    build_reference(settings, facts)
    in_force = uow.rules.in_force()
    if in_force is not None:
        # they were good with the predictor of that day
        refuse_live_if_synthetic(in_force, predictor_is_synthetic=facts.identity.synthetic)
        return
    document = settings.first_rules()
    check_rules(settings, document)
    uow.rules.add(document, by="screener.toml", reason="the first rules")
    uow.audit.add(actor="screener.toml", action="RULES_CHANGED", subject="rules 1")


def _begin_predictor(settings: Settings, uow: UnitOfWork) -> None:
    """Put the predictor that ships in force, as a copy: an upgrade then changes nothing."""
    store = predictor_store(settings)
    if settings.predictor.folder is not None or store.in_force() is not None:
        return
    folder = store.install(SHIPPED_PREDICTOR)
    put_predictor_in_force(
        settings, uow, folder, operator="screener", reason="the predictor that ships"
    )
