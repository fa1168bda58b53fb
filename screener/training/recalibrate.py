"""`screener calibrate`: a predictor learns what its numbers mean, at a site, and what to turn away.

    predictions (or a predictor and film-DXA pairs) -> recalibration, probability, intervals
    -> decision threshold for a target -> gates from films to be refused -> a new predictor's folder

The network stays as it is, byte for byte.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.domain.threshold import DEFINITION_Z
from screener.predictor.card import CARD_SCHEMA, GATES_FILE, WEIGHTS_FILE, PredictorCard, write_card
from screener.predictor.checkpoint import load_network
from screener.predictor.facts import MISSING_PATTERNS, Decision, Gate
from screener.predictor.gates import save_gates
from screener.predictor.predict import Device
from screener.storage.references import load_bmd_reference, load_growth_reference
from screener.training.asking import predict_table
from screener.training.calibrate import Fitted, calibrate, first_films
from screener.training.calibration_figure import draw_calibration
from screener.training.dataset import FilmSet, prepare_films, prepare_refused
from screener.training.gates import Learnt, learn
from screener.training.manifest import describe_exclusions, read_manifest, read_refused
from screener.training.predictions import Floats, PredictionTable, read_table, write_table
from screener.training.progress import say
from screener.training.threshold import Target, choices, choose_decision

#: What most headers give of height and weight: nothing. A threshold is chosen for that.
HEADLINE = "height and weight"

#: Fewer pairs recalibrate nothing: the interval alone needs nine children.
_FEWEST_PAIRS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a site asks of a calibration.

    Parameters
    ----------
    target
        What the decision threshold is chosen for.
    prevalence
        Share of low children among those that the site screens, 0 to 1: expected predictive values
        depend on it.
    reference
        Name or path of the BMD reference that the threshold is for; None is the predictor's own.
    missing
        The pattern of missing variables that the threshold is chosen for.
    local
        Whether the pairs are the site's own children. Only then may a report print a probability.
    version
        Of the new predictor; None adds the day to the old one's.
    """

    target: Target = dataclasses.field(
        default_factory=lambda: Target(kind="sensitivity", value=0.85)
    )
    prevalence: float = 0.05
    reference: str | None = None
    missing: str = HEADLINE
    local: bool = False
    version: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 < self.prevalence < 1:
            raise ConfigurationError("prevalence must lie between 0 and 1: 0.05 is 5 %")
        if self.missing not in MISSING_PATTERNS.values():
            raise ConfigurationError(
                f"missing {self.missing!r}: it is one of {', '.join(MISSING_PATTERNS.values())}"
            )


def recalibrate(
    predictor: Path,
    out: Path,
    *,
    wishes: Wishes,
    pairs: Path | None = None,
    predictions: Path | None = None,
    refused: Path | None = None,
    device: Device = "cpu",
    workers: int = 2,
    console: Console | None = None,
) -> Path:
    """Calibrate a predictor, and return the folder of the new one.

    Parameters
    ----------
    predictor
        The folder of the old one, which is left as it is.
    out
        Gets ``predictor/``, ``predictions.csv``, ``calibration.json`` and ``calibration.png``.
    wishes
        Target, prevalence, reference.
    pairs
        Manifest of film-DXA pairs that the network has not learnt from.
    predictions
        Or a table of predictions, such as ``out-of-fold.csv`` of a training run: no film is read.
    refused
        Manifest of films that must not be estimated, by ``kind``: they teach the gates, together
        with the films of `pairs`. Without it the predictor keeps the gates that it has.
    device, workers, console
        As for training.

    Raises
    ------
    ConfigurationError
        Neither or both of `pairs` and `predictions`, too few pairs, or files that are none.
    PredictorMismatch
        The predictor's folder is not as it was written.
    """
    console = console or Console()
    if (pairs is None) == (predictions is None):
        raise ConfigurationError("give either pairs (a manifest) or predictions (a table)")
    if refused is not None and pairs is None:
        raise ConfigurationError("gates are learnt from films: give pairs, not predictions")
    network, card = load_network(predictor)
    network.to(device)
    out.mkdir(parents=True, exist_ok=True)

    learnt, synthetic = None, card.synthetic
    if predictions is not None:
        table = read_table(predictions)
    else:
        films = _in_range(_needed(pairs), out / "prepared", card, workers, console)
        rows = range(len(films.pairs))
        table = predict_table(network, films, rows, device=device, console=console)
        synthetic = synthetic or films.synthetic
        if refused is not None:
            turned_away = {
                kind: prepare_refused(paths, size_px=card.size_px, workers=workers, console=console)
                for kind, paths in read_refused(refused).items()
            }
            learnt = learn(network, films, turned_away, device=device, console=console)
    if len(first_films(table)) < _FEWEST_PAIRS:
        raise ConfigurationError(
            f"{len(first_films(table))} children are too few to calibrate on: "
            f"{_FEWEST_PAIRS} are needed, and a few hundred say something"
        )
    write_table(out / "predictions.csv", table)

    fitted = calibrate(
        table,
        synthetic=synthetic,
        local=wishes.local,
        origin="the site's own children" if wishes.local else "children held out of training",
    )
    reference = load_bmd_reference(wishes.reference) if wishes.reference else None
    truth, estimates = _by_reference(table, fitted, card, reference, wishes.missing)
    decision = choose_decision(
        truth,
        estimates,
        target=wishes.target,
        prevalence=wishes.prevalence,
        films=len(table),
        reference=(reference or card.reference).label,
        missing=wishes.missing,
    )
    made = _write_predictor(
        predictor, out / "predictor", card, fitted, decision, learnt, version=wishes.version
    )
    _write_account(out / "calibration.json", made)
    draw_calibration(
        out / "calibration.png",
        z=truth,
        z_estimate=estimates,
        cuts=choices(truth, estimates),
        card=made,
    )
    for line in describe(made):
        say(console, line)
    return out / "predictor"


def describe(card: PredictorCard) -> list[str]:
    """Return what a calibration says, in lines for the console."""
    label = "synthetic: " if card.synthetic else ""
    c, widths = card.calibration, card.interval.half_width_z
    level, missing = 100 * card.interval.level, ", ".join(f"{n} {w:.2f}" for n, w in widths.items())
    line = f"Z = {c.intercept:.2f} + {c.slope:.2f} x raw, from {c.patients} children ({c.origin})"
    lines = [
        f"{label}{line}",
        f"{label}{level:.0f} % interval, half width in Z by what is missing: {missing}",
    ]
    d = card.decision
    if d is None:
        lines.append(f"{label}no decision threshold: too few children were low, or none reaches it")
    else:
        lines.append(
            f"{label}decision threshold Z <= {d.threshold_z:.1f} ({d.reference}), chosen for "
            f"{d.chosen_for} with {d.missing} missing: sensitivity {d.sensitivity.value:.2f} "
            f"({d.sensitivity.low:.2f} to {d.sensitivity.high:.2f}, n {d.sensitivity.n}), "
            f"specificity {d.specificity.value:.2f} ({d.specificity.low:.2f} to "
            f"{d.specificity.high:.2f}, n {d.specificity.n})"
        )
        at = f"{d.prevalence:g}"
        flags, worth = d.expected_flags_per_1000[at], d.expected_ppv[at]
        lines.append(
            f"{label}at a prevalence of {100 * d.prevalence:g} %: {flags:.0f} flags per 1,000 "
            f"films, {100 * worth:.0f} % of them low"
        )
    lines += [
        f"{label}gate {gate.reason}: turns away {100 * gate.false_rejection.value:.1f} % of films "
        f"in range, and {_detected(gate)}"
        for gate in card.gates
    ]
    return lines


def _detected(gate: Gate) -> str:
    return ", ".join(f"{100 * share.value:.0f} % of {k}" for k, share in gate.detected.items())


def _needed(pairs: Path | None) -> Path:
    if pairs is None:
        raise AssertionError("checked above")
    return pairs


def _in_range(
    manifest: Path, folder: Path, card: PredictorCard, workers: int, console: Console
) -> FilmSet:
    read = read_manifest(
        manifest,
        reference=card.reference.reference(),
        growth=load_growth_reference(),
        age_years=card.age_years,
    )
    films, excluded = prepare_films(
        read, folder, size_px=card.size_px, workers=workers, console=console
    )
    say(console, f"{len(films.pairs)} films; {describe_exclusions(excluded)}")
    return films


def _by_reference(
    table: PredictionTable,
    fitted: Fitted,
    card: PredictorCard,
    reference: BmdReference | None,
    missing: str,
) -> tuple[Floats, Floats]:
    """Return true and estimated Z by the threshold's reference, one film of each patient."""
    own = card.reference.reference()
    first = first_films(table)
    c = fitted.calibration
    estimates = (c.intercept + c.slope * table.raw_z[missing])[first]
    if reference is None or reference.label == own.label:
        return table.z[first], estimates
    truth, moved = np.empty(len(first)), np.empty(len(first))
    for i, row in enumerate(first):
        child = {"sex": Sex(table.sex[row]), "age_years": float(table.age_years[row])}
        abmd = own.abmd_g_cm2(z_score=float(estimates[i]), **child)  # type: ignore[arg-type]
        moved[i] = reference.z_score(abmd_g_cm2=abmd, **child)  # type: ignore[arg-type]
        truth[i] = reference.z_score(abmd_g_cm2=float(table.abmd_g_cm2[row]), **child)  # type: ignore[arg-type]
    return truth, moved


def _write_predictor(
    old: Path,
    folder: Path,
    card: PredictorCard,
    fitted: Fitted,
    decision: Decision | None,
    learnt: Learnt | None,
    *,
    version: str | None,
) -> PredictorCard:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(old / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    gates_sha256 = card.gates_sha256
    if learnt is not None:
        content = save_gates(learnt.gates)
        (folder / GATES_FILE).write_bytes(content)
        gates_sha256 = hashlib.sha256(content).hexdigest()
    elif gates_sha256 is not None:
        shutil.copyfile(old / GATES_FILE, folder / GATES_FILE)
    today = datetime.now(UTC).date()
    made = dataclasses.replace(
        card,
        schema=CARD_SCHEMA,
        version=version or f"{card.version.partition('+')[0]}+{today:%Y%m%d}",
        created=today.isoformat(),
        calibration=fitted.calibration,
        interval=fitted.interval,
        probability=fitted.probability,
        decision=decision,
        gates_sha256=gates_sha256,
        gates=card.gates if learnt is None else learnt.facts,
        attention=card.attention if learnt is None else learnt.attention,
        # they were measured with another calibration
        metrics={},
        decision_notes=_NOTES,
    )
    write_card(folder, made)
    return made


_NOTES = (
    "The decision threshold and the probability hold for children like those that they were fitted "
    "on; the interval likewise. Metrics, where there are any, are on films of no other use."
)


def _write_account(path: Path, card: PredictorCard) -> None:
    document = {
        "synthetic": card.synthetic,
        "predictor": card.label,
        "definition_z": DEFINITION_Z,
        "calibration": dataclasses.asdict(card.calibration),
        "interval": dataclasses.asdict(card.interval),
        "probability": dataclasses.asdict(card.probability) if card.probability else None,
        "decision": dataclasses.asdict(card.decision) if card.decision else None,
        "gates": [dataclasses.asdict(gate) for gate in card.gates],
        "attention": dataclasses.asdict(card.attention) if card.attention else None,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
