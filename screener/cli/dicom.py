"""`send` and `echo`: DICOM from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.files import dicom_files
from screener.cli.output import FILMS, complain, print_json, progress, say
from screener.cli.peers import calling_title, find_peer
from screener.config import load_settings
from screener.dicom.header import file_kind
from screener.domain.delivery import StoreAnswer
from screener.domain.errors import (
    ArchiveUnreachable,
    AssociationRejected,
    ConfigurationError,
    FileUnavailable,
    UnreadableInstance,
)
from screener.network.peers import Peer
from screener.network.store_scu import Sender
from screener.network.store_scu import echo as c_echo
from screener.telemetry.logging import configure_logging

_Peer = Annotated[str, typer.Argument(metavar="PEER", help="AET@host:port, or an archive's name.")]
_Calling = Annotated[str | None, typer.Option(help="Our AE title; default: the listener's.")]


@dataclass(slots=True, kw_only=True)
class _Sent:
    file: Path
    ok: bool
    said: str


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=FILMS)(send)
    app.command(rich_help_panel=FILMS)(echo)


def send(
    context: typer.Context,
    peer: _Peer,
    paths: Annotated[list[Path], typer.Argument(metavar="FILE… | FOLDER", help="What to send.")],
    calling_ae: _Calling = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send DICOM files by C-STORE, each exactly as it is.

    Exits with 1 where one was not taken.
    """
    settings = load_settings(context.obj)
    configure_logging(role="send")
    to = find_peer(settings, peer)
    files = dicom_files(paths)
    if not files:
        raise ConfigurationError("no DICOM file was found; give files, or a folder that holds some")
    with progress("sending") as bar:
        task = bar.add_task("", total=len(files))
        sent = []
        for one in send_files(to, files, calling_ae=calling_title(settings, calling_ae)):
            sent.append(one)
            bar.update(task, advance=1, description=one.file.name)
    taken = sum(one.ok for one in sent)
    if as_json:
        print_json(
            {
                "ok": taken == len(sent),
                "files": [{"file": str(s.file), "ok": s.ok, "said": s.said} for s in sent],
            }
        )
    else:
        for one in sent:
            if not one.ok:
                complain(f"{one.file}: {one.said}")
        say(f"{taken} of {len(sent)} file(s) taken by {to}")
    if taken < len(sent):
        raise typer.Exit(1)


def echo(context: typer.Context, peer: _Peer, calling_ae: _Calling = None) -> None:
    """Ask a peer by C-ECHO whether it is there and accepts us."""
    settings = load_settings(context.obj)
    configure_logging(role="echo")
    to = find_peer(settings, peer)
    seconds = c_echo(to, calling_ae=calling_title(settings, calling_ae))
    say(f"{to} answers in {seconds * 1000:.0f} ms")


def send_files(peer: Peer, files: list[Path], *, calling_ae: str) -> list[_Sent]:
    """Send files over one association; a lost one ends the sending with what was not sent."""
    sent: list[_Sent] = []
    kinds: dict[Path, tuple[str, str]] = {}
    for file in files:
        try:
            kinds[file] = file_kind(file)
        except (UnreadableInstance, FileUnavailable) as error:
            sent.append(_Sent(file=file, ok=False, said=str(error)))
    try:
        with Sender(peer, calling_ae=calling_ae, kinds=set(kinds.values())) as sender:
            for file in kinds:
                sent.append(_send_one(sender, file))
    except ArchiveUnreachable as error:
        done = {one.file for one in sent}
        sent += [_Sent(file=f, ok=False, said=str(error)) for f in kinds if f not in done]
    return sent


def _send_one(sender: Sender, file: Path) -> _Sent:
    try:
        reply = sender.send(file)
    except (AssociationRejected, UnreadableInstance) as error:
        return _Sent(file=file, ok=False, said=str(error))
    kept = reply.answer is StoreAnswer.KEPT
    return _Sent(file=file, ok=kept, said=f"status 0x{reply.status:04X}")
