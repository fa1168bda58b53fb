"""`train`: a predictor from a table of film-DXA pairs."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from screener.cli.output import ERR, SCIENCE, say
from screener.config import load_settings
from screener.domain.errors import ConfigurationError
from screener.storage.references import find_reference
from screener.telemetry.logging import configure_logging
from screener.wiring import reference_folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=SCIENCE)(train)


def train(  # noqa: PLR0917 - a command's options
    context: typer.Context,
    manifest: Annotated[
        Path,
        typer.Argument(
            help="Table of film-DXA pairs, CSV or Parquet, such as `phantom make` writes; "
            "docs/training.md says which columns."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the run; the same one again resumes it.")],
    name: Annotated[str, typer.Option(help="Of the predictor, in its card.")] = "screener",
    version: Annotated[str, typer.Option(help="Of the predictor, in its card.")] = "0.1.0",
    size_px: Annotated[
        int,
        typer.Option(
            min=64, max=1024, help="Side of the network's input, pixels; a multiple of 32."
        ),
    ] = 512,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 60,
    batch: Annotated[int, typer.Option(min=2, help="Films in a step.")] = 16,
    width: Annotated[
        float,
        typer.Option(min=0.125, max=1.0, help="Of the trunk; 1 is ResNet-50 as published."),
    ] = 1.0,
    seed: Annotated[
        int, typer.Option(min=0, help="Of split, weights and augmentation; kept in the card.")
    ] = 1,
    folds: Annotated[
        int,
        typer.Option(
            min=1,
            max=20,
            help="1 holds a calibration part out. More train a network for each fold and one on "
            "all, and calibrate it from what each child's own fold never saw.",
        ),
    ] = 1,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            help="What the estimate may come from: fused, clinical-only, image-only, spine-masked, "
            "spine-only or label-shuffled; may be repeated, and `all` is each in turn. Several go "
            "to OUT/ARM."
        ),
    ] = None,
    pair_days: Annotated[
        int, typer.Option(min=0, help="Most days between film and DXA of a pair.")
    ] = 90,
    external_site: Annotated[
        list[str] | None,
        typer.Option(
            help="A site of the manifest whose patients are for the test alone; may be repeated."
        ),
    ] = None,
    temporal_from: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Patients with films from this day are for the test."
        ),
    ] = None,
    initial: Annotated[
        Path | None,
        typer.Option(
            help="ImageNet weights to start from: a ResNet-50 with torchvision's names, "
            ".safetensors or .pt. Nothing is downloaded."
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=20,
            help="Runs with so many seeds, from --seed on, tested on the same children: how much "
            "chance moves the figures. `evaluate --seed-run` reads their test.csv.",
        ),
    ] = 1,
    reference: Annotated[
        str,
        typer.Option(help="BMD reference: a name that `reference list` shows, or a table's path."),
    ] = "synthetic-demo",
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to train.")] = "cpu",
    processes: Annotated[
        int, typer.Option(min=1, help="Processes that prepare films; default: one per core.")
    ] = os.cpu_count() or 1,
) -> None:
    """Train, calibrate and test a predictor on film-DXA pairs; writes its folder with its card.

    Patients are split once into training, validation, calibration and test parts. A run that was
    stopped goes on where it was. What was trained on synthetic films says so in its card.
    """
    configure_logging(role="train")
    from screener.training.arms import Arm  # noqa: PLC0415 - loads torch
    from screener.training.recipe import Recipe  # noqa: PLC0415
    from screener.training.split import HeldOut  # noqa: PLC0415
    from screener.training.study import train_arms  # noqa: PLC0415

    if unknown := set(arm or ()) - {"all", *Arm}:
        raise ConfigurationError(
            f"arm {', '.join(sorted(unknown))}: it is one of {', '.join([*Arm, 'all'])}"
        )
    known = find_reference(reference, reference_folder(load_settings(context.obj)))
    day: date | None = temporal_from.date() if temporal_from else None
    folders = train_arms(
        manifest,
        out,
        Recipe(
            size_px=size_px,
            epochs=epochs,
            batch_size=batch,
            widen_factor=width,
            seed=seed,
            reference=known,
            folds=folds,
            pair_days=pair_days,
            held_out=HeldOut(sites=tuple(external_site or ()), from_day=day),
        ),
        None if "all" in (arm or ()) else [Arm(one) for one in arm or ("fused",)],
        seeds=seeds,
        device=device,
        workers=processes,
        name=name,
        version=version,
        initial=initial,
        console=ERR,
    )
    for folder in folders.values():
        say(f"{'predictor' if folder.name == 'predictor' else 'predictions'}: {folder}")
