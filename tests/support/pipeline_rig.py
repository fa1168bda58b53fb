"""The stages over a fresh database, spool and vault, with archives that a test can make misbehave.

Time stands still until a test lets it pass; the predictor reads Z off the film's height.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from screener.config import ConfirmBy, RulesDocument, Withdrawal
from screener.dicom.header import read_header
from screener.domain.delivery import ArchiveMode, CommitmentAnswer, DeliveryState, StoreAnswer
from screener.domain.eligibility import EligibilityRules
from screener.domain.errors import ArchiveUnreachable, AssociationRejected, ScreenerError
from screener.domain.finding import ConclusionRules
from screener.domain.identifiers import (
    DeliveryId,
    SeriesInstanceUid,
    SopInstanceUid,
    StudyId,
    StudyInstanceUid,
    Uid,
)
from screener.domain.report import DEFAULT_FORM, ResultForm
from screener.domain.stage import StageName
from screener.network.commitment import CommitmentReport
from screener.network.listener import IncomingInstance
from screener.network.status import STORE_STATUS
from screener.pipeline.commitment import take_report
from screener.pipeline.drive import delivery_stages, intake_stages, scoring_stages
from screener.pipeline.ports import Archive, Predictor, PredictorFacts, Services
from screener.pipeline.receive import receive
from screener.pipeline.withdraw import withdraw
from screener.storage.database import Database
from screener.storage.queries import FilmView, ObjectView, StudyView
from screener.storage.references import load_bmd_reference, load_growth_reference
from screener.storage.spool import Spool
from tests.support.celery_driver import CeleryDriver
from tests.support.clock import FrozenClock
from tests.support.stub_predictor import HeightPredictor, height_for
from tests.support.synthetic_dicom import chest_pixels, encode_bare, synthetic_film, synthetic_uid

SETTLE_S = 180.0
LEASE_S = 60.0
OVERDUE_S = 24 * 3600.0
INPUT_SIZE_PX = 64

Hook: TypeAlias = Callable[[str], None]

_SUCCESS, _BUSY, _REFUSED = 0x0000, 0xA700, 0xA900
_MANY_ROUNDS = 200

#: Read once: each test's own copy would cost as much as its films.
_REFERENCE, _GROWTH = load_bmd_reference("synthetic-demo"), load_growth_reference()


class Crash(Exception):
    """The process is gone: nothing of ours catches this."""


class Commits(Enum):
    """When an archive reports on a commitment request."""

    #: On the association of the request.
    IN_THE_CALL = auto()
    #: When the test says so: `RecordingArchive.report_later`.
    LATER = auto()
    #: Never.
    NEVER = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to one C-STORE; fits `pipeline.ports.StoreResult`."""

    answer: StoreAnswer
    status: int


class RecordingArchive:
    """An archive in memory that keeps what it is sent; fits `pipeline.ports.Archive`."""

    def __init__(
        self,
        name: str = "pacs",
        *,
        confirm_by: ConfirmBy = ConfirmBy.COMMITMENT,
        commits: Commits = Commits.IN_THE_CALL,
        form: ResultForm = DEFAULT_FORM,
        withdrawal: Withdrawal = Withdrawal.NONE,
    ) -> None:
        self.name = name
        self.withdrawal = withdrawal
        self.confirm_by = confirm_by
        self.form = form
        self.commits = commits
        #: What it keeps, by SOP Instance UID.
        self.kept: dict[str, bytes] = {}
        #: SOP Instance UID and bytes of everything that it was ever sent.
        self.sent: list[tuple[str, bytes]] = []
        #: Associations and requests that were tried.
        self.calls = 0
        self.asked: list[Sequence[tuple[str, SopInstanceUid]]] = []
        self.looked_up: list[SopInstanceUid] = []
        self.is_away = False
        #: C-STORE is answered with 0xA700 or 0xA900.
        self.is_busy = False
        self.refuses = False
        #: It has no context for these SOP classes, or offers no query.
        self.rejected_classes: set[str] = set()
        self.rejects_queries = False
        #: Says success and forgets the object.
        self.forgets = False
        #: What its commitment reports say of an object that it has not, or of every object.
        self.says: CommitmentAnswer | None = None
        #: Called with the SOP class of each object, before and after it is kept.
        self.before_send: Hook = nothing
        self.after_send: Hook = nothing
        #: Called when a commitment request has arrived, before it is answered.
        self.after_ask: Hook = nothing
        #: What `report_later` hands over.
        self.reports_to_come: list[CommitmentReport] = []

    @contextmanager
    def open(self, contexts: Collection[tuple[str, str]]) -> Iterator[RecordingArchive]:
        assert contexts
        self._answer_or_raise()
        yield self

    def send(self, data: bytes) -> Answer:
        header = read_header(data)
        self.before_send(header.sop_class_uid)
        self._answer_or_raise()
        if header.sop_class_uid in self.rejected_classes:
            raise AssociationRejected("no context for this object")
        if self.is_busy:
            return Answer(answer=StoreAnswer.BUSY, status=_BUSY)
        if self.refuses:
            return Answer(answer=StoreAnswer.REFUSED, status=_REFUSED)
        self.sent.append((header.sop_instance_uid, data))
        if not self.forgets:
            self.kept[header.sop_instance_uid] = data
        self.after_send(header.sop_class_uid)
        return Answer(answer=StoreAnswer.KEPT, status=_SUCCESS)

    def request_commitment(
        self,
        transaction_uid: str,
        instances: Sequence[tuple[str, SopInstanceUid]],
        on_report: Callable[[CommitmentReport], bool],
    ) -> None:
        self._answer_or_raise()
        self.asked.append(instances)
        made = self._report(transaction_uid, instances)
        if self.commits is Commits.IN_THE_CALL:
            on_report(made)
        elif self.commits is Commits.LATER:
            self.reports_to_come.append(made)
        self.after_ask(transaction_uid)

    def find_instances(
        self,
        study: StudyInstanceUid,
        series: SeriesInstanceUid,
        instances: Collection[SopInstanceUid],
    ) -> set[SopInstanceUid]:
        self._answer_or_raise()
        if self.rejects_queries:
            raise AssociationRejected("no query service")
        self.looked_up.extend(instances)
        headers = {uid: read_header(data) for uid, data in self.kept.items() if uid in instances}
        return {
            uid
            for uid in instances
            if uid in headers
            and (headers[uid].study_instance_uid, headers[uid].series_instance_uid)
            == (study, series)
        }

    def report_later(self, services: Services) -> list[bool]:
        """Hand over the reports that are due, as the listener does."""
        due, self.reports_to_come = self.reports_to_come, []
        return [take_report(services, made) for made in due]

    def _answer_or_raise(self) -> None:
        self.calls += 1
        if self.is_away:
            raise ArchiveUnreachable(f"{self.name} does not answer")

    def _report(
        self, transaction_uid: str, instances: Sequence[tuple[str, SopInstanceUid]]
    ) -> CommitmentReport:
        def said(uid: SopInstanceUid) -> CommitmentAnswer:
            if self.says is not None:
                return self.says
            return CommitmentAnswer.COMMITTED if uid in self.kept else CommitmentAnswer.MISSING

        good = CommitmentAnswer.COMMITTED
        return CommitmentReport(
            calling_ae="ARCHIVE",
            transaction_uid=Uid(transaction_uid),
            committed=tuple((c, uid) for c, uid in instances if said(uid) is good),
            failed=tuple((c, uid, said(uid)) for c, uid in instances if said(uid) is not good),
        )


class Rig:
    """Services, a clock and archives, and the stages as a test runs them.

    Parameters
    ----------
    folder
        With `spool` and `vault` prepared in it, and without files.
    database
        Migrated, without rows; the rig's own one has its engine and another clock.
    archives
        One that commits in the call where none are given.
    mode
        Of every archive by version 1 of the rules.
    driver
        Runs a stage by its name, at an archive where it talks to one; None calls its function.
    rules
        Values of `ConclusionRules` in version 1.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        *archives: RecordingArchive,
        mode: ArchiveMode = ArchiveMode.TEST,
        predictor: HeightPredictor | None = None,
        driver: CeleryDriver | None = None,
        **rules: Any,
    ) -> None:
        self._driver = driver
        self.clock = FrozenClock()
        self.archives = archives or (RecordingArchive(),)
        self.predictor: Predictor = predictor or HeightPredictor()
        own_database = Database(database.url, clock=self.clock)
        own_database.engine = database.engine
        by_name: dict[str, Archive] = {archive.name: archive for archive in self.archives}
        self.services = Services(
            database=own_database,
            spool=Spool(folder / "spool"),
            vault=Spool(folder / "vault"),
            reference=_REFERENCE,
            growth=_GROWTH,
            height_adjustment=None,
            predictor=facts_of(self.predictor),
            archives=by_name,
            lease=timedelta(seconds=LEASE_S),
            score_batch=8,
            commitment_overdue=timedelta(seconds=OVERDUE_S),
        )
        self._mode = mode
        self.change_rules(mode=mode, **rules)

    @property
    def archive(self) -> RecordingArchive:
        """The first archive."""
        return self.archives[0]

    def close(self) -> None:
        """Close the database's connections, as a process that ends does."""
        self.services.database.dispose()

    def change_rules(
        self,
        *,
        mode: ArchiveMode | None = None,
        eligibility: EligibilityRules | None = None,
        **rules: Any,
    ) -> int:
        """Bring a new version of the rules into force, as `screener rules import` does."""
        self._mode = mode or self._mode
        document = RulesDocument(
            eligibility=eligibility or EligibilityRules(),
            conclusion=ConclusionRules(**{"settle_s": SETTLE_S} | rules),
            archives={archive.name: self._mode for archive in self.archives},
        )
        with self.services.database.write() as uow:
            return uow.rules.add(document, by="test", reason="test")

    def change_services(self, **values: Any) -> None:
        """Restart with other settings."""
        self.services = replace(self.services, **values)

    def change_predictor(self, predictor: Predictor) -> None:
        """Restart with another predictor."""
        self.predictor = predictor
        self.change_services(predictor=facts_of(predictor))

    def send(self, *films: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> None:
        """Send films, each of which must be answered with 0x0000."""
        for film in films:
            assert self.store(incoming(film, transfer_syntax)) == _SUCCESS

    def store(self, instance: IncomingInstance) -> int:
        """Send one instance and return the status that the sender sees."""
        return STORE_STATUS[receive(self.services, instance)]

    def stages(self) -> dict[str, Callable[[], int]]:
        """Return every stage by name."""
        names: list[tuple[StageName, str | None]] = [
            (name, None)
            for name in (StageName.JUDGE, StageName.SCORE, StageName.CONCLUDE, StageName.REPORT)
        ]
        names += [
            (name, archive)
            for archive in self.services.archives
            for name in (StageName.DELIVER, StageName.CONFIRM, StageName.CHASE)
        ]
        return {" ".join(filter(None, name)): partial(self._run, *name) for name in names}

    def run(self, stage: str) -> int:
        """Run one stage once."""
        return self.stages()[stage]()

    def _run(self, name: StageName, archive: str | None) -> int:
        if self._driver is not None:
            return self._driver.drive(self.services, lambda: self.predictor, name, archive)
        if archive is not None:
            stages = delivery_stages(self.services, archive)
        else:
            stages = scoring_stages(self.services, self.predictor) + intake_stages(self.services)
        return next(stage for stage in stages if stage.name is name).run()

    def run_until_idle(self, *names: str) -> None:
        """Run all stages, or some, until none finds anything due at this moment."""
        idle = 0
        for name in list(names or self.stages()) * _MANY_ROUNDS:
            idle = 0 if self.run(name) else idle + 1
            if idle == len(names or self.stages()):
                return
        raise AssertionError("the stages find no rest")

    def settle(self) -> None:
        """Do all there is to do, before and after the settle time."""
        self.run_until_idle()
        self.pass_time(SETTLE_S)

    def pass_time(self, seconds: float, *names: str) -> None:
        """Let time pass, and do all that is due then, or what some stages find."""
        self.clock.advance(seconds)
        self.run_until_idle(*names)

    def screen(self, *films: Dataset) -> None:
        """Send films and do all there is to do."""
        self.send(*films)
        self.settle()

    def films(self, study_id: int | None = None) -> list[FilmView]:
        """Return the films of a study, or all, in order of arrival."""
        with self.services.database.read() as uow:
            return uow.queries.films(study_id)

    def film_states(self, study_id: int | None = None) -> list[str]:
        """Return each film's state, with its first reason where it has one."""
        return [":".join((f.state.value, *f.reasons[:1])) for f in self.films(study_id)]

    def study(self, study_id: int = 1) -> StudyView:
        """Return a study."""
        with self.services.database.read() as uow:
            return uow.queries.study(study_id)

    def objects(self, study_id: int = 1) -> list[ObjectView]:
        """Return a study's result objects, each beside each of its deliveries."""
        with self.services.database.read() as uow:
            return uow.queries.objects(study_id)

    def kinds(self, study_id: int = 1) -> Counter[str]:
        """Return how many result objects of each kind a study has."""
        return Counter(
            {made.result_object_id: made.kind for made in self.objects(study_id)}.values()
        )

    def delivery_states(self, study_id: int = 1, archive: str | None = None) -> set[str]:
        """Return the states in which a study's deliveries are."""
        return {
            made.state.value
            for made in self.objects(study_id)
            if made.state is not None and archive in {None, made.archive}
        }

    def retry(self, study_id: int = 1) -> int:
        """Take a study's deliveries up again, as `screener retry` does; return how many."""
        with self.services.database.write() as uow:
            return sum(
                uow.deliveries.retry(DeliveryId(made.delivery_id))
                for made in uow.queries.objects(study_id)
                if made.delivery_id is not None
            )

    def withdraw(self, study_id: int = 1, because: str = "the predictor was wrong") -> str | None:
        """Take a study's report back, as `screener withdraw` does."""
        with self.services.database.write() as uow:
            return withdraw(uow, StudyId(study_id), because, actor="test")

    def vault_files(self) -> dict[str, bytes]:
        """Return every file of the vault."""
        return files_in(self.services.vault.folder)

    def spool_files(self) -> dict[str, bytes]:
        """Return every file of the spool."""
        return files_in(self.services.spool.folder)

    def at_an_end(self) -> bool:
        """Return whether there is nothing left to do, whatever time passes."""
        with self.services.database.read() as uow:
            counts = uow.queries.counts()
        deliveries = {DeliveryState(state) for _, state in counts.deliveries}
        open_deliveries = deliveries - {
            DeliveryState.COMMITTED,
            DeliveryState.VERIFIED,
            DeliveryState.HELD,
            DeliveryState.CANCELLED,
        }
        return (
            counts.oldest_open is None
            and set(counts.studies) <= {"CLOSED", "REPORTED", "WITHDRAWN"}
            and not open_deliveries
        )


def facts_of(predictor: Predictor) -> PredictorFacts:
    """Return what is known of a predictor without loading it."""
    return PredictorFacts(
        identity=predictor.identity,
        min_age_years=4.0,
        max_age_years=18.0,
        input_size_px=INPUT_SIZE_PX,
        interval_statement="90 % of synthetic children lie in it",
    )


def make_film(
    number: int = 1, *, z: float = 0.0, study: int | None = None, child: int = 1, **overrides: Any
) -> Dataset:
    """Return a film of a synthetic child of ten.

    Parameters
    ----------
    number
        Its own: another number has another UID and other pixels.
    z
        What the predictor reads from it.
    study
        The film's own number where it is not given: a study of one film.
    child
        Patient ID; the birth date is the same for all.
    overrides
        As in `synthetic_film`.
    """
    study = number if study is None else study
    day = "20260301"
    values: dict[str, Any] = {
        "SOPInstanceUID": synthetic_uid("film", number),
        "StudyInstanceUID": synthetic_uid("study", study),
        "SeriesInstanceUID": synthetic_uid("series", study),
        "StudyDate": day,
        "SeriesDate": day,
        "AcquisitionDate": day,
        "ContentDate": day,
        "PatientBirthDate": "20151001",
        "PatientAge": "010Y",
        "PatientID": f"ZZ-SYNTHETIC-{child}",
        "PatientSize": str(height_for(z)),
    }
    return synthetic_film(**{"pixels": film_pixels(number)} | values | overrides)


def film_pixels(number: int) -> Any:
    """Return the pixels of a film: the same chest, with a marker that no other number has."""
    pixels = np.array(chest_pixels())
    pixels[4, 4 + number % 32] += np.uint16(1 + number)
    return pixels


def incoming(film: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> IncomingInstance:
    """Return a film as the listener hands it over."""
    return IncomingInstance(
        sop_class_uid=str(film.SOPClassUID),
        sop_instance_uid=str(film.SOPInstanceUID),
        transfer_syntax_uid=transfer_syntax,
        calling_ae="MODALITY",
        called_ae="BMDSCREEN",
        address="127.0.0.1",
        data_set=encode_bare(film, transfer_syntax),
    )


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files of a spool, by key."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.glob("*/*"))
        if path.is_file()
    }


def at_each(sop_class_uid: str, error: ScreenerError | Crash) -> Hook:
    """Return a hook that raises at each object of a class."""

    def hook(sent: str) -> None:
        if sent == sop_class_uid:
            raise error

    return hook


def once(error: ScreenerError | Crash) -> Hook:
    """Return a hook that raises the first time only."""
    left = [error]

    def hook(_: str) -> None:
        if left:
            raise left.pop()

    return hook


def nothing(_: str) -> None:
    """Do what a hook does where a test sets none."""
