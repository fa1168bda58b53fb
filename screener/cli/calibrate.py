"""`calibrate`: what a predictor's numbers mean at a site, and which films it turns away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from screener.cli.output import ERR, SCIENCE, say
from screener.config import load_settings
from screener.storage.references import find_reference
from screener.telemetry.logging import configure_logging
from screener.wiring import reference_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=SCIENCE)(calibrate)


def calibrate(  # noqa: PLR0917 - a command's options
    context: typer.Context,
    predictor: Annotated[
        Path, typer.Argument(help="Folder of the predictor, such as RUN/predictor.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the new predictor, picture and tables.")],
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Manifest of film-DXA pairs that the network has not learnt from: a few hundred "
            "of the site's own. CSV or Parquet, as for `train`."
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Or predictions of a training run: RUN/out-of-fold.csv. No film is read."
        ),
    ] = None,
    refused: Annotated[
        Path | None,
        typer.Option(
            help="Manifest of films that must not be estimated, with their `kind`: they teach the "
            "gates. Without it the predictor keeps the gates that it has."
        ),
    ] = None,
    target: Annotated[
        str,
        typer.Option(
            help="What the decision threshold is chosen for: sensitivity=… or specificity=…"
        ),
    ] = "sensitivity=0.85",
    prevalence: Annotated[
        float,
        typer.Option(help="Share of low children among those that the site screens: 0.05 is 5 %."),
    ] = 0.05,
    reference: Annotated[
        str | None,
        typer.Option(help="BMD reference that the threshold is for; default: the predictor's own."),
    ] = None,
    missing: Annotated[
        Literal["none", "height", "weight", "height and weight"],
        typer.Option(help="What is missing of the children that the threshold is chosen for."),
    ] = "height and weight",
    local: Annotated[
        bool,
        typer.Option(
            "--local",
            help="The pairs are this site's own children: reports may then print a probability.",
        ),
    ] = False,
    version: Annotated[
        str | None, typer.Option(help="Of the new predictor; default: the old one's and the day.")
    ] = None,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to compute.")] = "cpu",
    processes: Annotated[
        int, typer.Option(min=1, help="Processes that prepare films; default: one per core.")
    ] = os.cpu_count() or 1,
) -> None:
    """Calibrate a predictor: recalibration, probability, intervals, threshold, gates.

    Two numbers are never mixed. The definition of low is a measured Z of -2.0 or below, and fixed.
    The decision threshold is a cut on the estimate, chosen here for a target; it stands in the card
    of the new predictor, together with what is to be expected of it. The network itself stays as it
    is, and so does the folder given.
    """
    configure_logging(role="calibrate")
    from screener.training.recalibrate import Wishes, recalibrate  # noqa: PLC0415 - loads torch
    from screener.training.threshold import Target  # noqa: PLC0415

    known = None
    if reference is not None:
        known = find_reference(reference, reference_folder(load_settings(context.obj)))
    folder = recalibrate(
        predictor,
        out,
        wishes=Wishes(
            target=Target.parse(target),
            prevalence=prevalence,
            reference=known,
            missing=missing,
            local=local,
            version=version,
        ),
        pairs=pairs,
        predictions=predictions,
        refused=refused,
        device=device,
        workers=processes,
        console=ERR,
    )
    say(f"predictor: {folder}")
