"""Teaches a predictor which films it must not estimate, and where the spine is.

In-range films, and films of each kind that is to be turned away, are each halved, by child where
the child is known: one half teaches a gate, the other says how often it is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from screener.domain.screening import NotScoredReason
from screener.predictor.architecture import ScreenerNet, pool
from screener.predictor.attribution import class_activation, pooled_gradient, shapley_values
from screener.predictor.facts import AttentionFacts, Gate, Share
from screener.predictor.gates import (
    PROBES,
    Gates,
    clipped_share,
    described,
    exposed_cells,
    share_within,
)
from screener.training.dataset import FilmSet, RefusedFilms
from screener.training.features import load_films, true_spine
from screener.training.progress import tracked
from screener.training.threshold import share_of

#: Which gate is to turn a kind of film away; the kinds are those of a manifest's column ``kind``.
REASON_OF_KIND: Mapping[str, NotScoredReason] = {
    "lateral": NotScoredReason.NOT_FRONTAL_CHEST,
    "hand": NotScoredReason.NOT_FRONTAL_CHEST,
    "whole_spine": NotScoredReason.NOT_FRONTAL_CHEST,
    "babygram": NotScoredReason.NOT_FRONTAL_CHEST,
    "cropped": NotScoredReason.SPINE_NOT_IN_FIELD,
    "rods": NotScoredReason.HARDWARE_OVER_SPINE,
    "contrast": NotScoredReason.CONTRAST_MEDIUM,
    "brace": NotScoredReason.BRACE_OR_CAST,
    "scoliosis": NotScoredReason.SCOLIOSIS_OR_ROTATION,
    "rotated": NotScoredReason.SCOLIOSIS_OR_ROTATION,
}

#: Share of the in-range films that a probe's limit may turn away.
_TURNED_AWAY = 0.005
#: In-range films that look more like the refused than half of those do are mislabelled, if they are
#: no more than this share. They set no limit: one film with rods too many would let all rods pass.
_MISLABELLED = 0.02
#: How far beyond the furthest in-range film the other limits lie: factors on the share of clipped
#: pixels and on the distance.
_BEYOND_CLIPPED, _BEYOND_DISTANCE = 2.0, 1.15

#: Fewer films of a kind, or in range, teach nothing.
_FEWEST_FILMS = 20
_COMPONENTS = 32
_RIDGE = 0.01
_BATCH = 16
_SPINE_FILMS = 400
#: A cell of the feature map shows spine where so much of it is.
_SPINE_CELL = 0.2
#: Attention spread evenly over the film has a ratio of 1: less than that is off the spine.
_LEAST_RATIO = 1.0
#: Gain about the middle grey that clips a film as a wrong window does.
_CLIPPING_GAIN = 3.0

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What gates look at, of ``n`` films.

    Parameters
    ----------
    features
        ``[n, D]`` float32, of `predictor.gates.described`.
    clipped, clipped_if_clipped
        ``[n]``, share of clipped pixels; and the same had the window been far too narrow.
    of_patients
        How many of the films are no phantoms.
    """

    features: Array
    clipped: Array
    clipped_if_clipped: Array
    of_patients: int = 0


@torch.inference_mode()
def look_at(
    network: ScreenerNet,
    films: npt.NDArray[np.uint16],
    *,
    of_patients: int,
    device: str,
    console: Console,
) -> Seen:
    """Return what the network sees in films, for the gates.

    Parameters
    ----------
    films
        ``[n, size, size]`` uint16, as prepared.
    of_patients
        How many of them are no phantoms.
    """
    network.eval()
    features, clipped, ruined = [], [], []
    starts = range(0, len(films), _BATCH)
    for start in tracked(starts, "looking at films", total=len(starts), console=console):
        greys = films[start : start + _BATCH].astype(np.float32) / np.float32(65535)
        loaded = torch.from_numpy(greys)[:, None].to(device)
        features.append(described(network.maps(loaded).early).cpu().numpy())
        clipped.append(clipped_share(loaded).cpu().numpy())
        narrow = torch.where(
            loaded > 0, ((loaded - 0.5) * _CLIPPING_GAIN + 0.5).clamp(1e-6, 1.0), loaded
        )
        ruined.append(clipped_share(narrow).cpu().numpy())
    return Seen(
        features=np.concatenate(features),
        clipped=np.concatenate(clipped),
        clipped_if_clipped=np.concatenate(ruined),
        of_patients=of_patients,
    )


def learn_gates(
    in_range: Seen,
    refused: Mapping[str, Seen],
    *,
    spine: tuple[Array, float],
    children: Sequence[str] = (),
    seed: int = 0,
) -> tuple[Gates, tuple[Gate, ...]]:
    """Teach the gates, and measure each on films that it was not taught with.

    Parameters
    ----------
    in_range
        Films that are to be estimated.
    refused
        Films that are not, by kind (`REASON_OF_KIND`).
    spine
        Weights ``[C]`` and bias of the finder of the spine; zeros without one.
    children
        Whose each film in range is; none where each is another's.
    seed
        Of the halving.

    Returns
    -------
    tuple
        The gates, and their facts in the order in which they are asked. A gate whose kinds are
        missing is not there: it would let everything pass.

    Notes
    -----
    A gate is proven on patients where twenty of the films that it is to turn away are of patients:
    those in range alone prove nothing, and phantoms do not stand in.

    A probe's limit turns away one in two hundred of the in-range half that taught it, out of fold
    in five, so that the probe does not know the film that it is judged by. Films that are
    mislabelled teach nothing, but count as turned away where they are.
    """
    count = len(in_range.features)
    teach, judge = _halves(children or range(count), seed)
    centre = in_range.features[teach].mean(axis=0)
    scale = np.maximum(in_range.features[teach].std(axis=0), 1e-3)

    def standard(seen: Seen) -> Array:
        return np.asarray((seen.features - centre) / scale, np.float32)

    ours, theirs = standard(in_range), {kind: standard(seen) for kind, seen in refused.items()}
    halves = {kind: _halves(range(len(films)), seed) for kind, films in theirs.items()}
    weights = np.zeros((len(PROBES), ours.shape[1]), np.float32)
    biases = np.full(len(PROBES), -1e3, np.float32)
    gates: list[Gate] = []
    for i, reason in enumerate(PROBES):
        kinds = [k for k in theirs if REASON_OF_KIND.get(k) is reason]
        shown = [theirs[k][halves[k][0]] for k in kinds]
        if sum(map(len, shown)) < _FEWEST_FILMS or len(teach) < _FEWEST_FILMS:
            continue
        weights[i], biases[i], limit = _probe(ours[teach], np.concatenate(shown), seed)
        gates.append(
            Gate(
                reason=reason.value,
                statistic="logit of a linear probe on the film's features",
                limit=limit,
                false_rejection=share_of(ours[judge] @ weights[i] + biases[i] > limit),
                detected={
                    k: share_of(theirs[k][halves[k][1]] @ weights[i] + biases[i] > limit)
                    for k in kinds
                },
                proven_on_patients=sum(refused[k].of_patients for k in kinds) >= _FEWEST_FILMS,
            )
        )
    space = PCA(
        n_components=min(_COMPONENTS, len(teach) // 2, ours.shape[1] - 1), random_state=seed
    )
    space.fit(ours[teach])
    made = Gates(
        centre=torch.from_numpy(centre),
        scale=torch.from_numpy(scale),
        probe_weight=torch.from_numpy(weights),
        probe_bias=torch.from_numpy(biases),
        component=torch.from_numpy(space.components_.astype(np.float32)),
        component_variance=torch.from_numpy(space.explained_variance_.astype(np.float32)),
        rest_variance=torch.tensor(max(float(space.noise_variance_), 1e-6)),
        spine_weight=torch.from_numpy(spine[0]),
        spine_bias=torch.tensor(spine[1]),
    )
    gates.append(_clipped_gate(in_range, teach, judge))
    proven = sum(seen.of_patients for seen in refused.values()) >= _FEWEST_FILMS
    gates.append(_novelty_gate(made, ours, theirs, teach, judge, proven=proven))
    return made, tuple(gates)


def _probe(ours: Array, theirs: Array, seed: int) -> tuple[Array, float, float]:
    """Return weights, bias and limit of a probe between two sets of films, ``[n, D]`` each."""
    scores = _out_of_fold(ours, theirs, seed)
    mislabelled = scores[: len(ours)] > np.median(scores[len(ours) :])
    if 0 < mislabelled.mean() <= _MISLABELLED:
        ours = ours[~mislabelled]
        scores = _out_of_fold(ours, theirs, seed)
    model = _logistic().fit(*_labelled(ours, theirs))
    limit = float(np.quantile(scores[: len(ours)], 1 - _TURNED_AWAY, method="higher"))
    return model.coef_[0].astype(np.float32), float(model.intercept_[0]), limit


def _out_of_fold(ours: Array, theirs: Array, seed: int) -> npt.NDArray[np.float64]:
    """Return the logit of each film, ours first, of a probe that the film did not teach."""
    films, answer = _labelled(ours, theirs)
    fold = np.random.default_rng(seed).permutation(len(films)) % 5
    scores = np.empty(len(films))
    for held in range(5):
        model = _logistic().fit(films[fold != held], answer[fold != held])
        scores[fold == held] = model.decision_function(films[fold == held])
    return scores


def _labelled(ours: Array, theirs: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    return np.concatenate([ours, theirs]), np.repeat([0, 1], [len(ours), len(theirs)])


def _logistic() -> LogisticRegression:
    return LogisticRegression(C=_RIDGE, class_weight="balanced", max_iter=400)


def _clipped_gate(seen: Seen, teach: npt.NDArray[np.int64], judge: npt.NDArray[np.int64]) -> Gate:
    limit = float(seen.clipped[teach].max()) * _BEYOND_CLIPPED
    return Gate(
        reason=NotScoredReason.CLIPPED_FILM.value,
        statistic="share of the exposed pixels at an end of the grey scale",
        limit=limit,
        false_rejection=share_of(seen.clipped[judge] > limit),
        detected={"window_too_narrow": share_of(seen.clipped_if_clipped[judge] > limit)},
        proven_on_patients=seen.of_patients >= _FEWEST_FILMS,
    )


def _novelty_gate(
    gates: Gates,
    ours: Array,
    theirs: Mapping[str, Array],
    teach: npt.NDArray[np.int64],
    judge: npt.NDArray[np.int64],
    *,
    proven: bool,
) -> Gate:
    def distance(films: Array) -> npt.NDArray[np.float64]:
        return gates.distance(torch.from_numpy(films)).numpy().astype(np.float64)

    limit = float(distance(ours[teach]).max()) * _BEYOND_DISTANCE
    return Gate(
        reason=NotScoredReason.UNLIKE_TRAINING.value,
        statistic="distance of the film's features from the training films', in their SDs",
        limit=limit,
        false_rejection=share_of(distance(ours[judge]) > limit),
        detected={kind: share_of(distance(films) > limit) for kind, films in theirs.items()},
        proven_on_patients=proven,
    )


def _halves(
    owners: Sequence[str] | range, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the films of one half of the owners, and those of the other."""
    of_film = np.unique(np.asarray(owners), return_inverse=True)[1]
    count = int(of_film.max(initial=-1)) + 1
    first = np.zeros(count, bool)
    first[np.random.default_rng(seed).permutation(count)[: (count + 1) // 2]] = True
    return np.flatnonzero(first[of_film]), np.flatnonzero(~first[of_film])


@torch.inference_mode()
def learn_spine(
    network: ScreenerNet, films: FilmSet, rows: Sequence[int], *, device: str, seed: int = 0
) -> tuple[Array, float]:
    """Teach which cells of the feature map show spine; returns weights ``[C]`` and bias.

    Parameters
    ----------
    films, rows
        With spine masks; at most 400 of them, drawn at random, teach. No finder comes of masks that
        fill every cell, or none.
    """
    order = np.random.default_rng(seed).permutation(len(rows))[:_SPINE_FILMS]
    cells, answers = [], []
    for start in range(0, len(order), _BATCH):
        taken = [rows[i] for i in order[start : start + _BATCH]]
        loaded = load_films(films, taken, films.size_px, device)
        features = network.features(loaded).float()
        mask = true_spine(films, taken, features.shape[2], features.shape[3])
        keep = exposed_cells(loaded, *features.shape[2:]).cpu() > 0.5  # noqa: PLR2004 - mostly film
        cells.append(features.permute(0, 2, 3, 1).cpu()[keep].numpy())
        answers.append((mask[keep] > _SPINE_CELL).numpy())
    shown, answer = np.concatenate(cells), np.concatenate(answers)
    if answer.all() or not answer.any():
        return nothing_found(network.trunk.in_planes)
    centre, scale = shown.mean(axis=0), np.maximum(shown.std(axis=0), 1e-3)
    model = LogisticRegression(C=0.01, max_iter=200)
    model.fit((shown - centre) / scale, answer)
    weights = model.coef_[0] / scale
    return weights.astype(np.float32), float(model.intercept_[0] - weights @ centre)


@torch.inference_mode()
def measure_attention(
    network: ScreenerNet,
    gates: Gates,
    films: FilmSet,
    rows: Sequence[int],
    *,
    device: str,
) -> AttentionFacts:
    """Return how the attention maps of films stand to the true spine, and how many are shown."""
    head = network.head
    true_ratios, shown = [], 0
    for start in range(0, len(rows), _BATCH):
        taken = list(rows[start : start + _BATCH])
        loaded = load_films(films, taken, films.size_px, device)
        features = network.features(loaded)
        pooled = pool(features)
        clinical = torch.from_numpy(films.clinical[taken]).to(device)
        shares, _ = shapley_values(head, pooled, clinical)
        maps = class_activation(
            features, pooled_gradient(head, pooled, clinical), torch.sign(shares[:, 0])
        )
        exposed = exposed_cells(loaded, *maps.shape[1:])
        found, area = share_within(maps, gates.spine(features), exposed)
        shown += int((found >= _LEAST_RATIO * area).sum())
        truth = true_spine(films, taken, maps.shape[1], maps.shape[2]).to(device)
        inside, of_film = share_within(maps, truth, exposed)
        true_ratios += (inside / of_film.clamp(min=1e-6)).tolist()
    return AttentionFacts(
        least_ratio=_LEAST_RATIO,
        median_ratio=float(np.median(true_ratios)),
        shown=shown / len(rows),
        films=len(rows),
    )


def nothing_found(trunk_channels: int) -> tuple[Array, float]:
    """Return the weights of no finder of the spine."""
    return np.zeros(trunk_channels, np.float32), 0.0


def share_turned_away(gates: Sequence[Gate], statistics: Mapping[str, Array]) -> Share:
    """Return the share of films that any gate turns away, from each gate's statistic by reason."""
    turned = np.zeros(len(next(iter(statistics.values()))), bool)
    for gate in gates:
        turned |= statistics[gate.reason] > gate.limit
    return share_of(turned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What films teach beside numbers: the gates with their facts, and how attention stands."""

    gates: Gates
    facts: tuple[Gate, ...]
    attention: AttentionFacts | None


def learn(
    network: ScreenerNet,
    films: FilmSet,
    refused: Mapping[str, RefusedFilms],
    *,
    device: str,
    console: Console,
) -> Learnt:
    """Teach a network's gates, and its finder of the spine where films have masks.

    Parameters
    ----------
    films
        That are to be estimated; one half of them teaches.
    refused
        That are not, by kind.
    """
    in_range = look_at(
        network,
        films.array[films.places],
        of_patients=0 if films.synthetic else len(films.pairs),
        device=device,
        console=console,
    )
    seen = {
        kind: look_at(
            network, one.array, of_patients=one.of_patients, device=device, console=console
        )
        for kind, one in refused.items()
        if len(one.array)
    }
    children = [pair.patient for pair in films.pairs]
    teach, judge = _halves(children, seed=0)
    spine = nothing_found(network.trunk.in_planes)
    if films.has_spine:
        spine = learn_spine(network, films, teach.tolist(), device=device)
    gates, facts = learn_gates(in_range, seen, spine=spine, children=children)
    attention = None
    if films.has_spine:
        attention = measure_attention(network, gates, films, judge.tolist(), device=device)
    return Learnt(gates=gates, facts=facts, attention=attention)
