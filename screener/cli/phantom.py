"""`phantom make` and `phantom sheet`: synthetic children, and a page of their films."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from screener.cli.output import ERR, SYNTHETIC, say
from screener.domain.errors import ConfigurationError
from screener.telemetry.logging import configure_logging

_Seed = Annotated[
    int, typer.Option(min=0, help="Of the set. Another seed shares no child with it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True, help="Films of synthetic children with exact truth; no real child."
    )
    group.command()(make)
    group.command()(sheet)
    app.add_typer(group, name="phantom", rich_help_panel=SYNTHETIC)


def make(  # noqa: PLR0917 - a command's options
    count: Annotated[int, typer.Option(min=1, help="How many films.")],
    out: Annotated[Path, typer.Option(help="Folder for the films, spine masks and manifest.csv.")],
    seed: _Seed = 1,
    site: Annotated[
        Literal["A", "B", "C", "D", "E"] | None,
        typer.Option(help="Make and processing of all films; default: all five, mixed."),
    ] = None,
    cohort: Annotated[
        Literal["main", "null", "twins", "cropped", "trap", "odd"],
        typer.Option(
            help="main: sick children, about one in five low. null: the film says nothing of the "
            "label. twins: two films of each child, one SD more and less mineral. cropped: the "
            "field ends above the lumbar spine. trap: ports go with low Z, and each film again "
            "without its port. odd: films that must not be estimated, `kind` says why."
        ),
    ] = "main",
    films_per_child: Annotated[
        int, typer.Option(min=1, help="Films of each child, on different days.")
    ] = 1,
    spacing_mm: Annotated[
        float | None,
        typer.Option(min=0.1, max=1.0, help="Pixel size; default: each site's own."),
    ] = None,
    z_spread: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="0 draws Z as a cohort of sick children has it, 1 evenly from -4.5 to 3: "
            "a training set that sees as much of the ends as of the middle.",
        ),
    ] = 0.0,
    clear: Annotated[
        bool, typer.Option("--clear", help="Without opacities, lead shields and rods.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="Processes at a time; default: one per core.")
    ] = os.cpu_count() or 1,
) -> None:
    """Write synthetic chest films (DICOM) and manifest.csv with the truth of each.

    The same options give the same films on every machine. About 4 films a second on two cores at
    0.3 mm.
    """
    configure_logging(role="phantom")
    from screener.phantom.make import make_films  # noqa: PLC0415 - loads OpenCV

    try:
        manifest = make_films(
            count,
            seed,
            out,
            site=site,
            processes=processes,
            spacing_mm=spacing_mm,
            z_spread=z_spread,
            cohort=cohort,
            films_per_child=films_per_child,
            clear=clear,
            console=ERR,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    say(f"{count} synthetic film(s): {manifest}")


def sheet(
    out: Annotated[Path, typer.Option(help="The picture, a PNG.")],
    count: Annotated[int, typer.Option(min=1, help="How many films, or of each kind.")] = 12,
    seed: _Seed = 1,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Films that must not be estimated, such as brace; may be repeated."),
    ] = None,
) -> None:
    """Draw a page of sample films, each with what it shows and the word synthetic."""
    configure_logging(role="phantom")
    from screener.phantom.sets import REFUSED_KINDS  # noqa: PLC0415 - loads OpenCV
    from screener.phantom.sheet import draw_sheet  # noqa: PLC0415

    kinds = tuple(kind or ())
    if unknown := set(kinds) - set(REFUSED_KINDS):
        raise ConfigurationError(
            f"kind {', '.join(sorted(unknown))}: it is one of {', '.join(REFUSED_KINDS)}"
        )
    if out.suffix.lower() != ".png":
        raise ConfigurationError(f"{out}: the page is a PNG; give a name that ends in .png")
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_sheet(out, count=count, seed=seed, kinds=kinds)
    say(f"{count * max(len(kinds), 1)} synthetic film(s): {out}")
