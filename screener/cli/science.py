"""`train`: a predictor from a table of film-DXA pairs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from screener.cli.output import ERR, SCIENCE, say
from screener.telemetry.logging import configure_logging

_Processes = Annotated[int, typer.Option(min=1, help="Processes at a time; default: one per core.")]

_CORES = os.cpu_count() or 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=SCIENCE)(train)


def train(  # noqa: PLR0917 - a command's options
    manifest: Annotated[
        Path, typer.Argument(help="Table of film-DXA pairs (CSV), such as `phantom make` writes.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the run; the same one again resumes it.")],
    name: Annotated[str, typer.Option(help="Of the predictor, in its card.")] = "screener",
    version: Annotated[str, typer.Option(help="Of the predictor, in its card.")] = "0.1.0",
    size_px: Annotated[
        int, typer.Option(min=64, max=1024, help="Side of the network's input, pixels.")
    ] = 320,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 36,
    batch: Annotated[int, typer.Option(min=2, help="Films in a step.")] = 16,
    width: Annotated[
        float,
        typer.Option(min=0.125, max=1.0, help="Of the trunk; 1 is ResNet-50 as published."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of split, weights and augmentation.")] = 1,
    reference: Annotated[
        str, typer.Option(help="BMD reference: a name that ships, or a table's path.")
    ] = "synthetic-demo",
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to train.")] = "cpu",
    processes: _Processes = _CORES,
) -> None:
    """Train, calibrate and test a predictor on film-DXA pairs; writes its folder with its card.

    Patients are split once into training, validation, calibration and test parts. A run that was
    stopped goes on where it was. What was trained on synthetic films says so in its card.
    """
    configure_logging(role="train")
    from screener.training.train import Recipe  # noqa: PLC0415 - loads torch
    from screener.training.train import train as run  # noqa: PLC0415

    recipe = Recipe(
        size_px=size_px,
        epochs=epochs,
        batch_size=batch,
        widen_factor=width,
        seed=seed,
        reference=reference,
    )
    folder = run(
        manifest,
        out,
        recipe,
        device=device,
        workers=processes,
        name=name,
        version=version,
        console=ERR,
    )
    say(f"predictor: {folder}")
