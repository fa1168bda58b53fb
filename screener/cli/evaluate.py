"""`evaluate`: how good a predictor is on films that it has not seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from screener.cli.output import ERR, SCIENCE, print_json, print_table, say
from screener.config import load_settings
from screener.domain.errors import ConfigurationError
from screener.storage.references import find_reference
from screener.telemetry.logging import configure_logging
from screener.wiring import predictor_folder, reference_folder

if TYPE_CHECKING:
    from screener.training.evaluation import Evaluation

_SYNTHETIC = (
    "SYNTHETIC: a property of computed films or of a predictor trained on them; says nothing about "
    "any child."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=SCIENCE)(evaluate)


def evaluate(  # noqa: PLR0917 - a command's options
    context: typer.Context,
    manifest: Annotated[
        Path | None,
        typer.Argument(
            help="Table of film-DXA pairs (CSV or Parquet) that the predictor has never seen.",
            show_default=False,
        ),
    ] = None,
    predictor: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the predictor. Default: the one in force.", show_default=False
        ),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a manifest: a table of this predictor's predictions, such as "
            "predictions.csv of an evaluation or test.csv of a run. No film is read."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html, model-card.md, evaluation.json, predictions.csv and "
            "figures."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
    arm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Predictions of another arm on the same films, such as clinical_only=test.csv of "
            "its run; may be repeated.",
        ),
    ] = None,
    seed_run: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Predictions on the same films of the same recipe trained with another seed; may "
            "be repeated.",
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="BMD reference that Z is given by. Default: the predictor's own."),
    ] = None,
    pair_days: Annotated[
        int, typer.Option(min=0, help="Most days between film and DXA of a pair.")
    ] = 90,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where to compute.")] = "cpu",
    processes: Annotated[
        int, typer.Option(min=1, help="Processes that prepare films; default: one per core.")
    ] = os.cpu_count() or 1,
) -> None:
    """Evaluate a predictor on children whose DXA is known: accuracy, calibration, subgroups.

    Correlation and error, areas under curves, sensitivity and specificity at the decision threshold
    of the predictor's card and at the definition of low, each with 95 % bounds over children; what
    they mean at other prevalences; calibration, decision curve, coverage; subgroups; what is lost
    without height and weight. Nothing is fitted on these films.

    `--out` writes a report that opens in any browser and prints, the same as JSON, and a model
    card. Arms and seeds are compared on the same films: what the film adds to age, sex, height and
    weight is told by the arm `clinical_only`.
    """
    settings = load_settings(context.obj)
    configure_logging(role="evaluate")
    if (manifest is None) == (predictions is None):
        raise ConfigurationError("give either a manifest of films, or --predictions with a table")
    folder = predictor or predictor_folder(settings)
    from screener.training.evaluate import (  # noqa: PLC0415 - loads torch
        Comparisons,
        evaluate_predictions,
    )
    from screener.training.evaluate import evaluate as run  # noqa: PLC0415
    from screener.training.evaluation_document import document_of  # noqa: PLC0415

    known = find_reference(reference, reference_folder(settings)) if reference else None
    comparisons = Comparisons(arms=arm or (), seed_runs=seed_run or (), reference=known)
    if predictions is not None:
        evaluation = evaluate_predictions(
            predictions, folder, out, comparisons=comparisons, console=ERR
        )
    elif manifest is not None:
        evaluation = run(
            manifest,
            folder,
            out,
            comparisons=comparisons,
            pair_days=pair_days,
            device=device,
            workers=processes,
            console=ERR,
        )
    else:
        raise AssertionError("one of them is given")
    if as_json:
        print_json(document_of(evaluation))
    else:
        _print(evaluation, out)


def _print(evaluation: Evaluation, out: Path | None) -> None:
    from screener.training import evaluation_facts as facts  # noqa: PLC0415 - loads matplotlib
    from screener.training import evaluation_rows as rows  # noqa: PLC0415

    label = " (synthetic)" if evaluation.synthetic else ""
    if evaluation.synthetic:
        say((_SYNTHETIC, "bold yellow"))
    say("An AI estimate; not a DXA measurement. Research use only.")
    say(
        f"{evaluation.predictor}: {evaluation.films:,} films of {evaluation.patients:,} children, "
        f"{evaluation.overall.positives:,} films of low children; "
        f"Z by {evaluation.rules.by.label}{label}"
    )
    say(f"flagged: {facts.threshold_words(evaluation)}")
    for remark in evaluation.remarks:
        say((remark, "yellow"))
    print_table(
        (f"figure{label}", "value>", "95 % bounds", "n>", "ideally>"), rows.in_short(evaluation)
    )
    say("")
    print_table(
        (f"low children{label}", "threshold", "PPV>", "NPV>", "flags per 1,000 films>"),
        rows.prevalences(evaluation),
    )
    say("")
    print_table(
        (f"arm{label}", "films>", "r of Z>", "AUC>", "MAE, Z>", "r less predictor>",
         "AUC less predictor>"),
        rows.arms(evaluation),
    )  # fmt: skip
    say("")
    print_table(
        (f"subgroup{label}", "", "films>", "low>", "r of Z>", "AUC>", "sensitivity>",
         "specificity>", "MAE, Z>", "coverage>"),
        rows.subgroups(evaluation),
    )  # fmt: skip
    say(rows.suppressed_words())
    for title, found in (
        ("test", rows.controls(evaluation)),
        ("seeds", rows.seeds(evaluation)),
    ):
        if found:
            say("")
            head = ("value", "n>") if title == "test" else ("runs>", "mean>", "SD>", "range")
            print_table((f"{title}{label}", *head), found)
    if out is not None:
        say("")
        say(f"report: {out / 'report.html'}")
