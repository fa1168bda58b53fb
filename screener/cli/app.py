"""The command tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from screener import __version__
from screener.cli import (
    calibrate,
    clinical,
    conformance,
    correct,
    deletions,
    demo,
    dicom,
    evaluate,
    node,
    phantom,
    predictor,
    reference,
    rules,
    score,
    studies,
    train,
    withdraw,
)
from screener.telemetry.logging import configure_logging

app = typer.Typer(
    name="screener",
    help="Estimate children's lumbar bone mineral density from chest films they already had. "
    "Research use only; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(value: bool) -> None:
    if value:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            metavar="FILE",
            help="Settings file; default: $SCREENER_CONFIG, else screener.toml where it exists.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep what all commands need."""
    del version
    # what is logged before a command says who it is must not end up on standard output
    configure_logging(role="command")
    context.obj = config


node.register(app)
studies.register(app)
withdraw.register(app)
deletions.register(app)
correct.register(app)
clinical.register(app)
score.register(app)
dicom.register(app)
rules.register(app)
conformance.register(app)
demo.register(app)
phantom.register(app)
train.register(app)
calibrate.register(app)
evaluate.register(app)
predictor.register(app)
reference.register(app)
