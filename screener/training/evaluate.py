"""`screener evaluate`: films, or a table of predictions, become an evaluation and its files.

manifest -> films -> one table of predictions -> every figure -> JSON, pictures, report, card
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from screener.domain.errors import ConfigurationError
from screener.domain.reference import BmdReference
from screener.predictor.card import PredictorCard, load_card
from screener.predictor.checkpoint import load_network
from screener.predictor.gates import load_gates
from screener.predictor.predict import Device
from screener.storage.references import load_bmd_reference, load_growth_reference
from screener.training.asking import predict_table
from screener.training.comparisons import check_same_films, read_arms
from screener.training.dataset import FilmSet, prepare_films
from screener.training.evaluation import Circumstances, Evaluation, evaluate_table
from screener.training.evaluation_document import document_of
from screener.training.evaluation_report import write_report
from screener.training.manifest import describe_exclusions, read_manifest
from screener.training.predictions import PredictionTable, read_table, write_table
from screener.training.progress import say
from screener.training.turning_away import reasons_of

__all__ = ["Comparisons", "evaluate", "evaluate_predictions", "evaluate_table", "write_evaluation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparisons:
    """What a predictor is held against, as it is typed.

    Parameters
    ----------
    arms
        ``NAME=FILE`` each: tables of predictions of other arms, on the same films.
    seed_runs
        Tables of the same recipe, trained with other seeds.
    reference
        Name or path of the BMD reference that Z is given by; None is the predictor's own.
    """

    arms: Sequence[str] = ()
    seed_runs: Sequence[Path] = ()
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """`Comparisons`, read."""

    arms: Mapping[str, PredictionTable]
    seeds: tuple[PredictionTable, ...]
    reference: BmdReference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a network has said of a manifest's films."""

    table: PredictionTable
    card: PredictorCard
    films: FilmSet
    known: Circumstances = field(default_factory=Circumstances)


def evaluate(
    manifest: Path,
    predictor: Path,
    out: Path | None,
    *,
    comparisons: Comparisons | None = None,
    not_scored: Mapping[str, int] | None = None,
    pair_days: int | None = None,
    device: Device = "cpu",
    threads: int = 0,
    workers: int = 2,
    console: Console | None = None,
) -> Evaluation:
    """Evaluate a predictor on every film of a manifest, none of which it has seen.

    Parameters
    ----------
    manifest
        As `manifest.read_manifest` takes it.
    predictor
        Its folder.
    out
        Gets ``evaluation.json``, ``predictions.csv``, pictures, ``report.html``, ``model-card.md``
        and the prepared films; None keeps nothing.
    comparisons
        Arms, seeds, and another reference.
    not_scored
        Films that were turned away before, by reason; they are not among the manifest's. Those
        that the predictor's own gates turn away are counted with them.
    pair_days
        Most days between film and DXA.
    device, threads
        For the network.
    workers
        Processes that prepare films.
    console
        Shows progress; standard output if not given.

    Raises
    ------
    ConfigurationError
        The manifest cannot be used, or what it is compared with does not fit.
    PredictorMismatch
        The folder is no predictor.
    """
    console = console or Console()
    if threads:
        torch.set_num_threads(threads)
    compared = _compared(comparisons or Comparisons())
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        asked = _ask(manifest, predictor, folder, pair_days, device, workers, console, compared)
        turned = Counter(asked.known.not_scored) + Counter(not_scored or {})
        known = replace(asked.known, not_scored=dict(turned))
        evaluation = _evaluate(asked.table, asked.card, known, compared)
        if out is not None:
            films = {film.row: asked.films.films([film.row])[0] for film in evaluation.worst}
            write_results(out, evaluation, films)
    say(console, evaluation.summary())
    return evaluation


def evaluate_predictions(
    predictions: Path,
    predictor: Path,
    out: Path | None,
    *,
    comparisons: Comparisons | None = None,
    console: Console | None = None,
) -> Evaluation:
    """Evaluate a table of predictions by a predictor's card; no film is read, no network loaded.

    Parameters
    ----------
    predictions
        As `predictions.write_table` wrote it, such as ``predictions.csv`` of an evaluation.
    predictor, out, comparisons, console
        As for `evaluate`; the gallery of the worst has no pictures.

    Raises
    ------
    ConfigurationError
        The table is none, or belongs to a predictor with another reference.
    PredictorMismatch
        The folder is no predictor.
    """
    table, card = read_table(predictions), load_card(predictor)
    compared = _compared(comparisons or Comparisons())
    evaluation = _evaluate(table, card, Circumstances(), compared)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_results(out, evaluation, {})
    say(console or Console(), evaluation.summary())
    return evaluation


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation as JSON, each metric as ``{"value", "low", "high", "n"}``."""
    document = json.dumps(document_of(evaluation), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(document + "\n", encoding="utf-8")


def write_results(
    out: Path, evaluation: Evaluation, films: Mapping[int, npt.NDArray[np.float32]]
) -> None:
    """Write everything that an evaluation gives into a folder that is there.

    Parameters
    ----------
    out
        The folder.
    evaluation
        What to write.
    films
        Prepared films of the worst errors, ``[size, size]``, by row of the table.
    """
    write_evaluation(out / "evaluation.json", evaluation)
    write_table(out / "predictions.csv", evaluation.table)
    write_report(out, evaluation, films)


def _ask(
    manifest: Path,
    predictor: Path,
    folder: Path,
    pair_days: int | None,
    device: Device,
    workers: int,
    console: Console,
    compared: _Compared,
) -> _Asked:
    network, card = load_network(predictor)
    read = read_manifest(
        manifest,
        reference=card.reference.reference(),
        growth=load_growth_reference(),
        age_years=card.age_years,
        pair_days=pair_days,
    )
    # before the hour that the films take
    for table in (*compared.arms.values(), *compared.seeds):
        check_same_films([pair.film for pair in read.pairs], table)
    films, excluded = prepare_films(
        read,
        folder / f"prepared-{card.size_px}px",
        size_px=card.size_px,
        workers=workers,
        console=console,
    )
    say(console, f"{len(films.pairs)} films; {describe_exclusions(excluded)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigurationError("this machine shows no CUDA device: take --device cpu")
    network.to(device)
    everybody = range(len(films.pairs))
    gates = load_gates(predictor, card, network.trunk.in_planes)
    reasons = reasons_of(network, gates, card, films, everybody, device=device, console=console)
    rows = [row for row, reason in zip(everybody, reasons, strict=True) if reason is None]
    if not rows:
        raise ConfigurationError("the predictor's gates turn every film of the manifest away")
    asked = films.subset(rows)
    return _Asked(
        table=predict_table(network, asked, range(len(rows)), device=device, console=console),
        card=card,
        films=asked,
        known=Circumstances(
            synthetic=films.synthetic,
            exclusions=dict(Counter(exclusion.reason.value for exclusion in excluded)),
            not_scored=dict(Counter(reason.value for reason in reasons if reason is not None)),
            manifest_sha256=read.checksum,
        ),
    )


def _compared(comparisons: Comparisons) -> _Compared:
    return _Compared(
        arms=read_arms(comparisons.arms),
        seeds=tuple(read_table(path) for path in comparisons.seed_runs),
        reference=(load_bmd_reference(comparisons.reference) if comparisons.reference else None),
    )


def _evaluate(
    table: PredictionTable, card: PredictorCard, known: Circumstances, compared: _Compared
) -> Evaluation:
    with_arms = replace(known, arms=compared.arms, seeds=compared.seeds)
    return evaluate_table(table, card, with_arms, compared.reference)
