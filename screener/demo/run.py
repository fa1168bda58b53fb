"""The demo, top to bottom: films, node and archive, sending, waiting, and what came of it.

make the films -> start archive and node -> send -> wait -> compare with the truth -> show
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from screener.config import load_settings
from screener.demo.node import DemoNode
from screener.demo.outcome import Outcome, collect, objects_in
from screener.demo.page import write_demo
from screener.demo.processes import DemoFolder
from screener.demo.worklist import Entry, film_count, make_worklist
from screener.network.entity import configure_pynetdicom
from screener.network.peers import Peer
from screener.wiring import build_services

#: Called with what is being done, how much of it is done, and how much there is.
OnStep = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """A demo that has run."""

    outcome: Outcome
    page: Path
    seconds: float
    node: DemoNode

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
    on_step: OnStep,
) -> Demo:
    """Run the demo.

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

    Raises
    ------
    ConfigurationError
        The folder is not ours.
    ScreenerError
        The node got stuck, or an archive cannot be reached.
    """
    began = time.monotonic()
    configure_pynetdicom()
    folder = DemoFolder(out)
    node = DemoNode(folder.path, archive=archive, listen=listen)
    node.keep_alive()
    finished = False
    try:
        made = [0]

        def count(what: str, total: int) -> Callable[[object], None]:
            made[0] = 0
            on_step(what, 0, total)

            def one_more(_: object) -> None:
                made[0] += 1
                on_step(what, made[0], total)

            return one_more

        films = folder.folder("films")
        entries = make_worklist(
            films,
            processes=os.cpu_count() or 1,
            on_film=count("making synthetic films", film_count()),
        )
        on_step("waiting for node and archive", 0, 1)
        node.await_ready()
        before = objects_in(node.archive, entries)
        refused = node.send(films, entries, count("sending by C-STORE", len(entries)))
        node.await_settled(
            lambda step: on_step(
                "scoring, reporting, storage commitment",
                step.films_done + step.objects_done,
                step.films + step.objects + step.studies_open,
            )
        )
        services = build_services(load_settings(node.config))
        archived = objects_in(node.archive, entries)
        outcome = collect(services, entries, archived=archived, before=before, refused=refused)
        page = write_demo(
            folder.path,
            services,
            entries,
            outcome,
            headline=_headline(outcome),
            on_child=count("drawing the page", _pictures(outcome, entries)),
        )
        services.database.dispose()
        finished = True
        return Demo(outcome=outcome, page=page, seconds=time.monotonic() - began, node=node)
    finally:
        if not (keep and finished):
            node.stop()


def _pictures(outcome: Outcome, entries: list[Entry]) -> int:
    others = sum(entry.child is None and entry.again is None for entry in entries)
    return len(outcome.children) + others


def _headline(outcome: Outcome) -> str:
    return f"found {outcome.found} of {outcome.low} low, {outcome.falsely_flagged} false; synthetic"
