"""`predictor list | show | verify | install | use | export`: predictors, from file to force."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import SCIENCE, print_json, print_table, say
from screener.config import Settings, load_settings
from screener.domain.errors import ConfigurationError, PredictorMismatch
from screener.predictor.card import PredictorCard, load_card, load_identity
from screener.predictor.card_words import as_figures, as_markdown, headline, sections
from screener.predictor.store import InForce, faults_of, find, folder_name
from screener.telemetry.logging import configure_logging
from screener.wiring import (
    install_predictor,
    predictor_folder,
    predictor_origin,
    predictor_store,
    put_predictor_in_force,
    shipped_predictors,
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Which = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME[@VERSION] | FOLDER",
        help="One that is installed or ships, or any folder. Default: the one in force.",
        show_default=False,
    ),
]

_SHORT = 8


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Predictors: which are here, which is in force, model cards, installation, export.",
    )
    group.command(name="list")(list_)
    for command in (show, verify, install, use, export):
        group.command()(command)
    app.add_typer(group, name="predictor", rich_help_panel=SCIENCE)


def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List the predictors that ship and that are installed, and say which one is in force.

    What is in force is what `predictor.folder` of the settings names; else what `predictor use` put
    in force; else, before a node's first start, the one that ships.
    """
    settings = load_settings(context.obj)
    problem, in_force = _in_force(settings)
    rows = list(_rows(settings, in_force))
    origin = problem or predictor_origin(settings)
    pinned = _pinned(settings)
    overruled = settings.predictor.folder is not None and pinned is not None
    if as_json:
        print_json(
            {
                "in_force": in_force,
                "origin": origin,
                "problem": problem,
                "put_in_force": dataclasses.asdict(pinned) if pinned else None,
                "overruled_by_settings": overruled,
                "predictors": rows,
            }
        )
        return
    print_table(
        ("", "name", "version", "trained on", "px>", "Z by", "r(Z)>", "checksum", "where"),
        [_cells(row) for row in rows],
    )
    say("r(Z): correlation of estimated and true Z, as the card has it; `predictor show` says more")
    say(("in force: ", "bold"), (origin, "red") if problem else origin)
    if overruled and pinned is not None:
        say(f"put in force on this node: {pinned.label}; predictor.folder of the settings wins")


def show(
    context: typer.Context,
    which: _Which = None,
    as_json: _Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a document, to be kept or passed on.")
    ] = False,
) -> None:
    """Show a predictor's model card: for whom, from what, how good, and what it turns away."""
    settings = load_settings(context.obj)
    if as_json and markdown:
        raise ConfigurationError("--json and --markdown: give one of them")
    folder = _meant(settings, which)
    card, identity = load_card(folder), load_identity(folder)
    if as_json:
        print_json({"checksum": identity.checksum, "card": dataclasses.asdict(card)})
        return
    if markdown:
        sys.stdout.write(as_markdown(card, identity))
        return
    say((card.label, "bold"))
    for sentence in headline(card):
        say((sentence, "bold yellow"))
    for section in sections(card, identity):
        say("")
        say((section.title, "bold"))
        if section.text:
            say(section.text)
        if section.rows:
            print_table(("", ""), section.rows)


def verify(context: typer.Context, which: _Which = None) -> None:
    """Hold a predictor's every byte against its checksums, load it, and let it estimate.

    Ends with 1 where a file is changed, missing or not listed, where card, weights and gates do not
    go together, or where it does not give the same number for the same check input; says what to
    do. The check input is made up: its Z tells one predictor from another, and nothing of a child.
    """
    settings = load_settings(context.obj)
    configure_logging(role="verify")
    folder = _meant(settings, which)
    if faults := faults_of(folder):
        for fault in faults:
            say(("FAIL", "red"), f" {fault}")
        raise typer.Exit(1)
    card, identity = load_card(folder), load_identity(folder)
    say(("ok  ", "green"), f" {card.label}, checksum {identity.checksum}: every byte")
    try:
        said = _try(folder)
    except PredictorMismatch as error:
        say(("FAIL", "red"), f" {error}")
        raise typer.Exit(1) from None
    say(("ok  ", "green"), f" it computes: {said} ({card.reference.label})")


def install(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER | ZIP", help="As `train` or `calibrate` wrote it, or a zip of that."
        ),
    ],
) -> None:
    """Copy a predictor into this node's folder of predictors; it is not put in force.

    It is verified first, as by `predictor verify`. Another content under a name and version that is
    here already is refused.
    """
    settings = load_settings(context.obj)
    configure_logging(role="install")
    folder = install_predictor(settings, source, check=_try)
    card = load_card(folder)
    say(f"installed {card.label}: {folder}")
    say(f"to put it in force: screener predictor use {card.name}@{card.version} --reason …")


def use(
    context: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="One that is installed, or ships.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")],
) -> None:
    """Put a predictor in force from the node's next start on.

    The choice is kept with the node's data, together with a copy of the predictor: an upgrade of
    this software changes neither. Refused where the BMD reference or the rules in force do not go
    with it. Films that are scored keep their estimates.
    """
    settings = load_settings(context.obj)
    configure_logging(role="use")
    if not reason.strip():
        raise ConfigurationError("--reason is empty: say why, for those who ask later")
    store = predictor_store(settings)
    with opened(settings) as database:
        folder = find(which, [*store.installed(), *shipped_predictors()])
        _refuse_other_preparation(load_card(folder))
        if folder.parent != store.folder:
            folder = install_predictor(settings, folder, check=_try)
        identity = load_identity(folder)
        before = _pinned(settings)
        if before is not None and before.checksum == identity.checksum:
            say(f"nothing changes: {before.label} is put in force already")
            return
        with database.write() as uow:
            put_predictor_in_force(settings, uow, folder, operator=operator_name(), reason=reason)
    say(f"{identity.label} is in force from the node's next start on: restart its processes")
    if settings.predictor.folder is not None:
        say(
            ("not before predictor.folder is taken out of the settings: ", "bold yellow"),
            f"it names {settings.predictor.folder}, and wins",
        )


def export(
    context: typer.Context,
    which: _Which = None,
    form: Annotated[
        Literal["onnx", "pt2", "monai"],
        typer.Option(
            "--format",
            help="ONNX; torch.export's .pt2 (TorchScript is deprecated); or a MONAI bundle.",
        ),
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(help="File, or folder of the bundle. Default: NAME-VERSION-CHECKSUM here."),
    ] = None,
) -> None:
    """Write a predictor's network for other programs: ONNX, torch.export, or a MONAI bundle.

    It takes a prepared film and encoded clinical variables, and gives the calibrated Z beside the
    raw outputs. Gates, limits of age, interval and decision threshold are not in it: it gives a Z
    for any picture. What was written is held against the predictor before it gets its name.
    """
    settings = load_settings(context.obj)
    configure_logging(role="export")
    folder = _meant(settings, which)
    card = load_card(folder)
    ending = {"onnx": ".onnx", "pt2": ".pt2", "monai": ""}[form]
    target = out or Path(folder_name(load_identity(folder)) + ending)
    from screener.predictor.export import export as write  # noqa: PLC0415 - loads torch

    difference = write(folder, target, form)
    say(f"wrote {target}: {card.label}, Z by {card.reference.label}")
    say(f"its outputs differ from the predictor's by {difference:.1g} at most on the check input")
    say(("without gates, limits of age, interval and decision threshold", "bold yellow"))


def _in_force(settings: Settings) -> tuple[str | None, str | None]:
    """Return what is wrong with the predictor in force, and its checksum: one of them."""
    try:
        return None, load_identity(predictor_folder(settings)).checksum
    except PredictorMismatch as error:
        return str(error), None


def _pinned(settings: Settings) -> InForce | None:
    try:
        return predictor_store(settings).in_force()
    except PredictorMismatch:
        return None


def _rows(settings: Settings, in_force: str | None) -> Iterator[dict[str, Any]]:
    """Yield each predictor once, whether it ships, is installed, or both; then what is damaged."""
    own = [settings.predictor.folder] if settings.predictor.folder is not None else []
    groups = (("settings", own), ("installed", predictor_store(settings).installed()))
    found: dict[str, dict[str, Any]] = {}
    damaged = []
    for where, folders in (*groups, ("shipped", shipped_predictors())):
        for folder in folders:
            try:
                card, checksum = load_card(folder), load_identity(folder).checksum
            except PredictorMismatch as error:
                damaged.append({"where": [where], "folder": str(folder), "problem": str(error)})
                continue
            row = found.setdefault(
                checksum,
                {
                    "in_force": checksum == in_force,
                    **as_figures(card),
                    "checksum": checksum,
                    "where": [],
                    "folder": str(folder),
                    "problem": None,
                },
            )
            row["where"].append(where)
    yield from found.values()
    yield from damaged


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    where = ", ".join(row["where"])
    if row["problem"] is not None:
        return ("damaged", Path(row["folder"]).name, "", "", "", "", "", "", row["problem"])
    return (
        "in force" if row["in_force"] else "",
        row["name"],
        row["version"],
        "synthetic children" if row["synthetic"] else "children",
        row["size_px"],
        row["reference"],
        "" if row["r_z"] is None else f"{row['r_z']:.2f}",
        row["checksum"][:_SHORT],
        where,
    )


def _meant(settings: Settings, which: str | None) -> Path:
    if which is None:
        return predictor_folder(settings)
    if Path(which).is_dir():
        return Path(which)
    own = [settings.predictor.folder] if settings.predictor.folder is not None else []
    return find(which, [*predictor_store(settings).installed(), *shipped_predictors(), *own])


def _try(folder: Path) -> str:
    """Let a predictor estimate the check input, and return what it says, in words."""
    from screener.predictor.trial import try_predictor  # noqa: PLC0415 - loads torch

    _refuse_other_preparation(load_card(folder))
    said = try_predictor(folder)
    return f"the check input, made up, has a raw Z of {said.raw_z:.4f} and a Z of {said.z:.4f}"


def _refuse_other_preparation(card: PredictorCard) -> None:
    from screener.imaging.preprocess import PREPARATION_VERSION  # noqa: PLC0415 - loads OpenCV

    if card.preparation_version != PREPARATION_VERSION:
        raise PredictorMismatch(
            f"predictor {card.label} was trained on films of preparation "
            f"{card.preparation_version}; this software makes {PREPARATION_VERSION}: use the "
            "software that it came with"
        )
