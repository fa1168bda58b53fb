"""The demo's node and archive, whoever runs them: sent to, followed, waited for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from screener.config import Settings
from screener.demo.worklist import Entry
from screener.dicom.header import file_kind
from screener.domain.delivery import DELIVERY_ENDS, ArchiveMode, DeliveryState, StoreAnswer
from screener.domain.errors import (
    ArchiveBusy,
    AssociationRejected,
    ConfigurationError,
    TransientError,
)
from screener.domain.identifiers import AeTitle, SopInstanceUid
from screener.domain.rules import SiteRules
from screener.domain.screening import SCREENING_ENDS
from screener.domain.study import STUDY_ENDS
from screener.network.peers import Peer
from screener.network.store_scu import Sender, echo
from screener.storage.database import UnitOfWork
from screener.wiring import build_archive, build_database, build_predictor_facts, rules_for_files

_T = TypeVar("_T")

#: Who sends the films.
MODALITY = AeTitle("SYNTHMOD")
#: The node that the demo starts itself.
NODE = AeTitle("BMDSCREEN")

#: A node that makes no step for so long, beyond what its rules let it wait, is stuck, s.
_PATIENCE_S = 180.0
_LOOK_EVERY_S = 0.25
#: Between two looks at the rows, which cost a tenth of a second of a core.
_STEP_EVERY_S = 1.0
#: Rejections in a row, a second apart, after which it is no passing crowd.
_REJECTIONS = 4
_REJECTED_PAUSE_S = 1.0
#: States in which a delivery waits for nobody but an operator.
_RESTING = DELIVERY_ENDS | {DeliveryState.HELD}
#: Films that a message names.
_SOME = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far the node is: films at an end of all that there are, objects at an end of all made."""

    films: int
    films_done: int
    objects: int
    objects_done: int
    studies_open: int

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return (
            self.films_done == self.films
            and self.objects_done == self.objects
            and not self.studies_open
        )


class Watch:
    """Follows the worklist through a node, whatever else that node has to do.

    Parameters
    ----------
    entries
        What is sent; a film that comes twice is waited for twice.
    archive
        Deliveries to this archive are waited for.
    """

    def __init__(self, entries: Sequence[Entry], archive: str) -> None:
        self._archive = archive
        self._entries: dict[str, list[Entry]] = {}
        for entry in entries:
            self._entries.setdefault(entry.study_instance_uid, []).append(entry)
        self._missing = {study: tuple(of_study) for study, of_study in self._entries.items()}
        self._steps = {study: _nothing_of(of_study) for study, of_study in self._entries.items()}

    @property
    def missing(self) -> list[str]:
        """Files that had not arrived at the last look."""
        return [entry.file for of_study in self._missing.values() for entry in of_study]

    def look(self, uow: UnitOfWork) -> Step:
        """Return how far the worklist is; a study that has settled is not looked at again."""
        for study, step in self._steps.items():
            if not step.settled:
                self._steps[study] = self._read(uow, study)
        steps = self._steps.values()
        return Step(**{f.name: sum(getattr(step, f.name) for step in steps) for f in fields(Step)})

    def _read(self, uow: UnitOfWork, study: str) -> Step:
        study_id = uow.queries.study_id(study)
        if study_id is None:
            return _nothing_of(self._entries[study])
        wanted = Counter(SopInstanceUid(e.sop_instance_uid) for e in self._entries[study])
        # films before their study: it was taken back to GROWING before they came to an end
        films = [film for film in uow.queries.films(study_id) if film.sop_instance_uid in wanted]
        is_open = uow.queries.study(study_id).state not in STUDY_ENDS
        deliveries = [o.state for o in uow.queries.objects(study_id) if o.archive == self._archive]
        here = Counter(film.sop_instance_uid for film in films)
        self._missing[study] = _not_among(self._entries[study], here)
        return Step(
            films=(wanted | here).total(),
            films_done=sum(film.state in SCREENING_ENDS for film in films),
            objects=len(deliveries),
            objects_done=sum(state in _RESTING for state in deliveries),
            studies_open=int(is_open),
        )


class Node:
    """A node that runs, and the archive that it reports to.

    Parameters
    ----------
    settings
        The node's own.
    peer
        The node as a modality sees it.
    advice
        Where to look when the node is stuck; ends a message.
    """

    def __init__(self, settings: Settings, peer: Peer, *, advice: str) -> None:
        self.settings = settings
        self.peer = peer
        self._advice = advice

    @property
    def ae_title(self) -> AeTitle:
        """The node's own AE title, under which it calls its archive."""
        return AeTitle(self.settings.listener.ae_title)

    def keep_alive(self) -> None:
        """Start what does not run: nothing, where somebody else sees to that."""

    def await_ready(self) -> Peer:
        """Wait until node and archive answer C-ECHO, and return the archive.

        Raises
        ------
        ConfigurationError
            The node does not let us call, or its rules have no archive for tests; says what to do.
        ArchiveUnreachable
            One of them does not answer in time.
        """
        try:
            self.patiently(lambda: echo(self.peer, calling_ae=MODALITY))
        except AssociationRejected as error:
            raise ConfigurationError(
                f"{error}; add {{ ae_title = {str(MODALITY)!r} }} to listener.callers in its "
                "settings (a host in that line is the address that we call from), and start its "
                "listener again"
            ) from error
        archive = choose_archive(self.settings, self._rules())
        self.patiently(lambda: echo(archive, calling_ae=self.ae_title))
        return archive

    def send(
        self, films: Path, entries: Sequence[Entry], on_sent: Callable[[Entry], None]
    ) -> list[Entry]:
        """Send the worklist, each film until the node has it; return what it refused.

        Raises
        ------
        TransientError
            The node cannot be reached, or has no room, for too long.
        """
        kinds = {entry.file: file_kind(films / entry.file) for entry in entries}
        waiting, refused = list(entries), []
        deadline = time.monotonic() + _PATIENCE_S
        while waiting:
            self.keep_alive()
            try:
                with Sender(self.peer, calling_ae=MODALITY, kinds=set(kinds.values())) as sender:
                    while waiting:
                        reply = sender.send(films / waiting[0].file)
                        if reply.answer is StoreAnswer.BUSY:
                            raise ArchiveBusy(f"{self.peer} has no room for films")
                        entry = waiting.pop(0)
                        if reply.answer is not StoreAnswer.KEPT:
                            refused.append(entry)
                        on_sent(entry)
                        deadline = time.monotonic() + _PATIENCE_S
            except TransientError as error:
                # a listener that was killed is back within seconds
                if time.monotonic() > deadline:
                    raise type(error)(f"{error}; {self._advice}") from error
                time.sleep(_LOOK_EVERY_S)
        return refused

    def await_settled(
        self, entries: Sequence[Entry], archive: Peer, on_step: Callable[[Step], None]
    ) -> None:
        """Wait until the worklist has arrived, and its films, studies and deliveries are at an end.

        Raises
        ------
        TransientError
            Nothing in the node has moved for a long time; says what is open.
        """
        patience_s = _PATIENCE_S + self._rules().conclusion.settle_s + self.settings.drive.lease_s
        watch = Watch(entries, archive.name)
        database = build_database(self.settings)

        def look() -> tuple[Step, Step]:
            with database.read() as uow:
                return watch.look(uow), read_step(uow)

        moved, last = time.monotonic(), None
        try:
            while True:
                seen = self.patiently(look)
                step, _ = seen
                on_step(step)
                if step.settled:
                    return
                if seen != last:
                    moved, last = time.monotonic(), seen
                if time.monotonic() - moved > patience_s:
                    raise TransientError(
                        f"nothing has moved for {patience_s:.0f} s: {step.films_done} of "
                        f"{step.films} films and {step.objects_done} of {step.objects} objects "
                        f"are at an end, {step.studies_open} studies are not{_named(watch.missing)}"
                        f"; {self._advice}"
                    )
                time.sleep(_STEP_EVERY_S)
        finally:
            database.dispose()

    def patiently(self, call: Callable[[], _T]) -> _T:
        """Call until it succeeds: node, archive and database may be on their way.

        Raises
        ------
        AssociationRejected
            It was rejected several times.
        TransientError
            It has not succeeded for a long time.
        """
        deadline, rejections = time.monotonic() + _PATIENCE_S, 0
        while True:
            self.keep_alive()
            try:
                return call()
            except AssociationRejected:
                rejections += 1
                if rejections == _REJECTIONS:
                    raise
                time.sleep(_REJECTED_PAUSE_S)
            except TransientError as error:
                if time.monotonic() > deadline:
                    raise type(error)(f"{error}; {self._advice}") from error
                time.sleep(_LOOK_EVERY_S)

    def _rules(self) -> SiteRules:
        rules = self.patiently(lambda: rules_for_files(self.settings))
        if rules is None:
            raise ConfigurationError(
                f"{self.peer} answers, and the database of these settings is empty: give the "
                "settings that the node runs with, by --config or SCREENER_CONFIG"
            )
        return rules


def read_step(uow: UnitOfWork) -> Step:
    """Return how far a node is with all that it has, by its rows."""
    counts = uow.queries.counts()
    deliveries: dict[str, int] = {}
    for (_, state), count in counts.deliveries.items():
        deliveries[state] = deliveries.get(state, 0) + count
    return Step(
        films=sum(counts.screenings.values()),
        films_done=sum(counts.screenings.get(state.value, 0) for state in SCREENING_ENDS),
        objects=sum(deliveries.values()),
        objects_done=sum(deliveries.get(state.value, 0) for state in _RESTING),
        studies_open=sum(counts.studies.values())
        - sum(counts.studies.get(state.value, 0) for state in STUDY_ENDS),
    )


def node_peer(settings: Settings, address: tuple[str, int] | None = None) -> Peer:
    """Return a node as a modality sees it.

    Parameters
    ----------
    address
        Host and port; None for those of the listener, as this machine reaches them.
    """
    listener = settings.listener
    everywhere = listener.host in {"0.0.0.0", "::"}  # noqa: S104 - compared only
    host, port = address or ("127.0.0.1" if everywhere else listener.host, listener.port)
    return Peer(name="node", ae_title=AeTitle(listener.ae_title), host=host, port=port)


def choose_archive(settings: Settings, rules: SiteRules) -> Peer:
    """Return the node's first archive that is for tests by the rules in force.

    Raises
    ------
    ConfigurationError
        There is none, or an archive is live; says what to do.
    """
    if live := [name for name, mode in rules.archives.items() if mode is ArchiveMode.LIVE]:
        raise ConfigurationError(
            f"archive {', '.join(live)} is live: synthetic children belong into a node that "
            "reports to test archives alone"
        )
    for archive in settings.archives:
        if rules.mode(archive.name) is ArchiveMode.TEST:
            return build_archive(settings, archive).peer
    modes = ", ".join(f"{a.name} is {rules.mode(a.name).value}" for a in settings.archives)
    raise ConfigurationError(
        f'no archive is in mode "test" by the rules in force ({modes or "there is none"}): name a '
        "test archive in the settings, and set its mode by `screener rules export` and "
        "`screener rules import`"
    )


def refuse_real_predictor(settings: Settings) -> None:
    """Raise `ConfigurationError` unless the predictor in force is synthetic."""
    identity = build_predictor_facts(settings).identity
    if not identity.synthetic:
        raise ConfigurationError(
            f"the predictor in force ({identity.label}) is not synthetic, and scores no synthetic "
            "child: use a node of its own, with the predictor that ships in force"
        )


def _nothing_of(entries: Sequence[Entry]) -> Step:
    """Return how far a study is of which nothing has arrived."""
    return Step(films=len(entries), films_done=0, objects=0, objects_done=0, studies_open=1)


def _not_among(entries: Sequence[Entry], here: Counter[SopInstanceUid]) -> tuple[Entry, ...]:
    """Return the entries beyond what is here; of a film that comes twice, the second first."""
    left = Counter(here)
    missing = []
    for entry in entries:
        uid = SopInstanceUid(entry.sop_instance_uid)
        if left[uid]:
            left[uid] -= 1
        else:
            missing.append(entry)
    return tuple(missing)


def _named(files: Sequence[str]) -> str:
    if not files:
        return ""
    more = f" and {len(files) - _SOME} more" if len(files) > _SOME else ""
    return f"; not arrived: {', '.join(files[:_SOME])}{more}"
