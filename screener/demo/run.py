"""The demo, top to bottom: films, node and archive, sending, waiting, and what came of it.

make the films -> start archive and node -> send -> wait -> compare with the truth -> show

`run_demo` starts node and archive itself; `run_through` uses those that somebody else runs.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from screener.config import Settings
from screener.demo.node import Node, node_peer, refuse_real_predictor
from screener.demo.outcome import Outcome, collect, objects_in
from screener.demo.own import OwnNode
from screener.demo.page import write_demo
from screener.demo.processes import DemoFolder
from screener.demo.worklist import Entry, film_count, make_worklist, read_worklist
from screener.domain.identifiers import SopInstanceUid
from screener.network.entity import configure_pynetdicom
from screener.network.peers import Peer
from screener.wiring import build_services

#: Called with what is being done, how much of it is done, and how much there is.
OnStep = Callable[[str, int, int], None]

#: Films are made in so many processes at most; each takes 320 MB.
_PROCESSES = 4

_WAITING = "waiting for node and archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo that has run.

    Parameters
    ----------
    own
        The node that the demo started; None for one that somebody else runs.
    """

    outcome: Outcome
    page: Path
    seconds: float
    own: OwnNode | None

    @property
    def headline(self) -> str:
        """The line that sums it up."""
        return _headline(self.outcome)


def run_demo(
    out: Path,
    *,
    archive: Peer | None,
    listen: tuple[str, int] | None,
    keep: bool,
    films: Path | None,
    on_step: OnStep,
) -> Demo:
    """Run the demo with a node of its own.

    Parameters
    ----------
    out
        Made anew; must be empty or an earlier demo's.
    archive
        A real test archive; None starts a small one of ours.
    listen
        Where the node listens; None for a free port of 127.0.0.1.
    keep
        Leave node and archive running; the caller stops them.
    films
        Folder of a worklist that `write_films` wrote; None to make one.

    Raises
    ------
    ConfigurationError
        The folder is not ours.
    ScreenerError
        The node got stuck, or an archive cannot be reached.
    """
    began = time.monotonic()
    configure_pynetdicom()
    given = (films, read_worklist(films)) if films else None
    folder = DemoFolder(out, keep=films)
    node = OwnNode(folder.path, archive=archive, listen=listen)
    refuse_real_predictor(node.settings)
    node.keep_alive()
    finished = False
    try:
        outcome, page = _run(folder, node, given, send=True, on_step=on_step)
        finished = True
        return Demo(outcome=outcome, page=page, seconds=time.monotonic() - began, own=node)
    finally:
        if not (keep and finished):
            node.stop()


def run_through(
    out: Path,
    settings: Settings,
    *,
    address: tuple[str, int] | None,
    send: bool,
    films: Path | None,
    on_step: OnStep,
) -> Demo:
    """Run the demo through a node that somebody else runs; nothing of it is started or stopped.

    Parameters
    ----------
    out, films
        As in `run_demo`.
    settings
        The node's own: its database, spool, vault and archives are asked what came of the films.
    address
        Where the node listens; None for what the settings say.
    send
        Whether to send the films; if not, somebody else does, and they are waited for.

    Raises
    ------
    ConfigurationError
        The folder is not ours, or the node is none that synthetic children may be sent to.
    ScreenerError
        The node got stuck, or node or archive cannot be reached.
    """
    began = time.monotonic()
    configure_pynetdicom()
    given = (films, read_worklist(films)) if films else None
    refuse_real_predictor(settings)
    node = Node(settings, node_peer(settings, address), advice="see the log of the node")
    on_step(_WAITING, 0, 1)
    # before an earlier page is thrown away, and films are made for a node that wants none
    node.await_ready()
    outcome, page = _run(DemoFolder(out, keep=films), node, given, send=send, on_step=on_step)
    return Demo(outcome=outcome, page=page, seconds=time.monotonic() - began, own=None)


def write_films(out: Path, on_step: OnStep) -> Path:
    """Write the worklist's films alone, for another sender, and return their folder.

    Raises
    ------
    ConfigurationError
        The folder is not ours.
    """
    films, _ = _make_films(DemoFolder(out), on_step)
    return films


def _run(
    folder: DemoFolder,
    node: Node,
    given: tuple[Path, list[Entry]] | None,
    *,
    send: bool,
    on_step: OnStep,
) -> tuple[Outcome, Path]:
    films, entries = given or _make_films(folder, on_step)
    on_step(_WAITING, 0, 1)
    archive = node.await_ready()

    def archived() -> frozenset[SopInstanceUid]:
        return objects_in(archive, entries, calling_ae=node.ae_title)

    before = node.patiently(archived)
    refused, what = list[Entry](), "scoring, reporting, storage commitment"
    if send:
        refused = node.send(films, entries, _counted(on_step, "sending by C-STORE", len(entries)))
    else:
        what = f"waiting for the films, {what}"
    node.await_settled(
        [entry for entry in entries if entry not in refused],
        archive,
        lambda step: on_step(
            what,
            step.films_done + step.objects_done,
            step.films + step.objects + step.studies_open,
        ),
    )
    services = build_services(node.settings)
    after = node.patiently(archived)
    outcome = node.patiently(
        lambda: collect(
            services,
            entries,
            archived=after,
            before=before,
            refused=refused,
            archive=archive.name,
        )
    )
    page = write_demo(
        folder.path,
        services,
        entries,
        outcome,
        films=films,
        headline=_headline(outcome),
        on_child=_counted(on_step, "drawing the page", _pictures(outcome, entries)),
    )
    services.database.dispose()
    return outcome, page


def _make_films(folder: DemoFolder, on_step: OnStep) -> tuple[Path, list[Entry]]:
    films = folder.folder("films")
    entries = make_worklist(
        films,
        processes=min(os.cpu_count() or 1, _PROCESSES),
        on_film=_counted(on_step, "making synthetic films", film_count()),
    )
    return films, entries


def _counted(on_step: OnStep, what: str, total: int) -> Callable[[object], None]:
    """Return what counts the parts of a step that are done."""
    on_step(what, 0, total)
    done = itertools.count(1)
    return lambda _: on_step(what, next(done), total)


def _pictures(outcome: Outcome, entries: list[Entry]) -> int:
    others = sum(entry.child is None and entry.again is None for entry in entries)
    return len(outcome.children) + others


def _headline(outcome: Outcome) -> str:
    return f"found {outcome.found} of {outcome.low} low, {outcome.falsely_flagged} false; synthetic"
