"""How good is a predictor on films that it has not seen? Small; the full report comes later."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console

from screener.domain.patient import Absence, ClinicalVariables, Measurement
from screener.predictor.predict import Device, TorchPredictor
from screener.storage.references import load_growth_reference
from screener.training.dataset import FilmSet, prepare_films
from screener.training.manifest import describe_exclusions, read_manifest
from screener.training.progress import say, tracked

#: The definition of low, and the cut of the estimate that is reported here.
LOW_Z = -2.0

_RESAMPLES = 1000
_NOT_KNOWN = Measurement(value=None, absence=Absence.NOT_GIVEN)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Truth and estimate of each film, ``[n]`` each; Z in reference SDs, aBMD in g/cm2."""

    patients: tuple[str, ...]
    z: Floats
    z_estimate: Floats
    abmd: Floats
    abmd_estimate: Floats
    abmd_low: Floats
    abmd_high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure with its 95 % bounds, and the number of films behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a predictor does on films that it has not seen.

    Parameters
    ----------
    synthetic, predictor
        Whether the figures are a property of computed children; and whose they are.
    films, patients
        Numbers.
    overall
        ``r_z, r_abmd, mae_z, auc, sensitivity, specificity, coverage_90``; one that these children
        cannot show (no low one among them, say) is left out.
    arms
        The same with less told: ``no_height_no_weight``.
    """

    synthetic: bool
    predictor: str
    films: int
    patients: int
    overall: Mapping[str, Metric]
    arms: Mapping[str, Mapping[str, Metric]]

    def values(self) -> dict[str, float]:
        """Return the figures alone, for a card."""
        figures = {name: round(metric.value, 4) for name, metric in self.overall.items()}
        for arm, metrics in self.arms.items():
            figures |= {f"{arm}.{name}": round(m.value, 4) for name, m in metrics.items()}
        return figures

    def summary(self) -> str:
        """Return a line for the console."""
        label = "synthetic: " if self.synthetic else ""
        shown = ", ".join(
            f"{name} {m.value:.3f} ({m.low:.3f} to {m.high:.3f})"
            for name, m in self.overall.items()
        )
        return f"{label}{self.films} films of {self.patients} children: {shown}"


def evaluate(
    manifest: Path,
    predictor: Path,
    out: Path,
    *,
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
        Gets ``evaluation.json`` and the prepared films.
    device, threads
        For the network.
    workers
        Processes that prepare films.
    console
        Shows progress; standard output if not given.

    Raises
    ------
    ConfigurationError
        The manifest cannot be used.
    PredictorMismatch
        The folder is no predictor.
    """
    console = console or Console()
    loaded = TorchPredictor.load(predictor, device=device, threads=threads)
    read = read_manifest(
        manifest,
        reference=loaded.card.reference.reference(),
        growth=load_growth_reference(),
        age_years=loaded.card.age_years,
    )
    films, excluded = prepare_films(
        read,
        out / f"prepared-{loaded.card.size_px}px",
        size_px=loaded.card.size_px,
        workers=workers,
        console=console,
    )
    say(console, f"{len(films.pairs)} films; {describe_exclusions(excluded)}")
    evaluation = evaluate_films(loaded, films, range(len(films.pairs)), console=console)
    write_evaluation(out / "evaluation.json", evaluation)
    say(console, evaluation.summary())
    return evaluation


def evaluate_films(
    predictor: TorchPredictor, films: FilmSet, rows: Sequence[int], *, console: Console
) -> Evaluation:
    """Evaluate a predictor on prepared films: as the manifest has them, and without sizes."""
    told = estimate(predictor, films, rows, console=console)
    untold = estimate(predictor, films, rows, console=console, without_size=True)
    return Evaluation(
        synthetic=predictor.card.synthetic or films.synthetic,
        predictor=predictor.identity.label,
        films=len(rows),
        patients=len(set(told.patients)),
        overall=measure(told),
        arms={"no_height_no_weight": measure(untold)},
    )


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation as JSON, each metric as ``{"value", "low", "high", "n"}``."""
    path.write_text(json.dumps(dataclasses.asdict(evaluation), indent=2) + "\n")


def estimate(
    predictor: TorchPredictor,
    films: FilmSet,
    rows: Sequence[int],
    *,
    console: Console,
    without_size: bool = False,
) -> Estimates:
    """Ask the predictor about each film, as the service does."""
    reference = predictor.card.reference.reference()
    asked = [films.pairs[row] for row in rows]
    predictions = []
    both = list(zip(rows, asked, strict=True))
    for row, pair in tracked(both, "estimating", total=len(both), console=console):
        clinical = _without_size(pair.clinical) if without_size else pair.clinical
        predictions += predictor.predict([(films.model_input(row), clinical)])
    return Estimates(
        patients=tuple(pair.patient for pair in asked),
        z=np.array([pair.z for pair in asked]),
        z_estimate=np.array(
            [
                reference.z_score(
                    sex=pair.clinical.sex,
                    age_years=pair.clinical.age_years,
                    abmd_g_cm2=prediction.abmd_g_cm2,
                )
                for pair, prediction in zip(asked, predictions, strict=True)
            ]
        ),
        abmd=np.array([pair.abmd_g_cm2 for pair in asked]),
        abmd_estimate=np.array([p.abmd_g_cm2 for p in predictions]),
        abmd_low=np.array([p.abmd_low_g_cm2 for p in predictions]),
        abmd_high=np.array([p.abmd_high_g_cm2 for p in predictions]),
    )


def measure(estimates: Estimates) -> dict[str, Metric]:
    """Return each metric with 95 % bounds from a bootstrap over patients, 1000 resamples.

    Notes
    -----
    Source: Efron B, Tibshirani R. An introduction to the bootstrap, 1993 (percentile bounds);
    resampling whole patients keeps the films of one child together.
    """
    rows_of: dict[str, list[int]] = {}
    for i, patient in enumerate(estimates.patients):
        rows_of.setdefault(patient, []).append(i)
    groups = [np.array(rows) for rows in rows_of.values()]
    rng = np.random.default_rng(0)
    resamples = [
        np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))])
        for _ in range(_RESAMPLES)
    ]
    everyone = np.arange(len(estimates.patients))
    measured: dict[str, Metric] = {}
    for name, metric in METRICS.items():
        value = metric(estimates, everyone)
        drawn = [drawn for rows in resamples if (drawn := metric(estimates, rows)) is not None]
        if value is not None and drawn:
            low, high = np.percentile(drawn, (2.5, 97.5))
            measured[name] = Metric(value=value, low=float(low), high=float(high), n=len(everyone))
    return measured


def auc(scores: Floats, positive: npt.NDArray[np.bool_]) -> float | None:
    """Return the probability that a positive scores above a negative, ties counted half.

    Notes
    -----
    Source: Hanley JA, McNeil BJ. Radiology 1982;143:29 (Mann-Whitney form).
    """
    ups, downs = int(positive.sum()), int((~positive).sum())
    if not ups or not downs:
        return None
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = ((last - counts + 1 + last) / 2)[inverse]
    return float((ranks[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def _correlation(a: Floats, b: Floats) -> float | None:
    if len(a) < 3 or a.std() == 0 or b.std() == 0:  # noqa: PLR2004 - two points always correlate
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _share(hits: npt.NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None


def _r_z(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return _correlation(e.z[rows], e.z_estimate[rows])


def _r_abmd(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return _correlation(e.abmd[rows], e.abmd_estimate[rows])


def _mae_z(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return float(np.abs(e.z[rows] - e.z_estimate[rows]).mean())


def _auc(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return auc(-e.z_estimate[rows], e.z[rows] <= LOW_Z)


def _sensitivity(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return _share(e.z_estimate[rows][e.z[rows] <= LOW_Z] <= LOW_Z)


def _specificity(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return _share(e.z_estimate[rows][e.z[rows] > LOW_Z] > LOW_Z)


def _coverage(e: Estimates, rows: npt.NDArray[np.int64]) -> float | None:
    return _share((e.abmd_low[rows] <= e.abmd[rows]) & (e.abmd[rows] <= e.abmd_high[rows]))


#: Each from estimates and the rows to look at; None where those cannot show it.
METRICS: dict[str, Callable[[Estimates, npt.NDArray[np.int64]], float | None]] = {
    "r_z": _r_z,
    "r_abmd": _r_abmd,
    "mae_z": _mae_z,
    "auc": _auc,
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "coverage_90": _coverage,
}


def _without_size(clinical: ClinicalVariables) -> ClinicalVariables:
    return ClinicalVariables(
        age_years=clinical.age_years,
        sex=clinical.sex,
        height_m=_NOT_KNOWN,
        weight_kg=_NOT_KNOWN,
    )
