"""Films prepared once, by the service's own code, into an array on disk that training maps."""

from __future__ import annotations

import contextlib
import json
import math
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from screener.dicom.header import read_header
from screener.dicom.pixels import read_radiograph
from screener.domain.errors import ConfigurationError, PermanentError
from screener.domain.prediction import InputField
from screener.imaging.masks import cover, keep_only, on_network, read_picture
from screener.imaging.preprocess import PREPARATION_VERSION, ModelInput, prepare
from screener.imaging.quality import assess
from screener.predictor.encoding import encode_clinical
from screener.training.manifest import Exclusion, ExclusionReason, Manifest, Pair
from screener.training.progress import tracked

_FULL_SCALE = 65535
_FILMS, _SPINES = "films.npy", "spines.npy"
#: A spine mask has one pixel for so many of the network's, each way.
SPINE_SHRINK = 4
#: Films that a process takes at a time.
_CHUNK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFacts:
    """What preparing one film gave beside its pixels.

    `reason` says why there are none; the rest is as in `ModelInput`, and `synthetic` whether the
    film is marked as a quality control image.
    """

    reason: ExclusionReason | None
    mm_per_pixel: float = math.nan
    corners: tuple[tuple[float, float], ...] = ()
    digest: str = ""
    synthetic: bool = False


class Dress(StrEnum):
    """What is done to a film before the network sees it, in arms of a study."""

    #: Nothing.
    NONE = "NONE"
    #: The spine is filled with the greys beside it.
    WITHOUT_SPINE = "WITHOUT_SPINE"
    #: Nothing but the spine is left.
    SPINE_ALONE = "SPINE_ALONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmSet:
    """Prepared films and what is known of each.

    Parameters
    ----------
    pairs, facts
        One per film.
    array, places
        ``[rows, size, size]`` uint16, 0 to 65535 for 0 to 1, mapped from disk; and each film's row.
    clinical
        ``[films, 7]`` float32, as `predictor.encoding` has them.
    z
        ``[films]`` float32, measured Z.
    spines
        ``[rows, size / 4, size / 4]`` uint8, 0 to 255 for no to all spine, mapped from disk; None
        where no film has a mask.
    dress
        What is done to a film before it is shown.
    """

    pairs: tuple[Pair, ...]
    facts: tuple[PreparedFacts, ...]
    array: npt.NDArray[np.uint16]
    places: npt.NDArray[np.int64]
    clinical: npt.NDArray[np.float32]
    z: npt.NDArray[np.float32]
    spines: npt.NDArray[np.uint8] | None = None
    dress: Dress = Dress.NONE

    @property
    def has_spine(self) -> bool:
        """Whether every film has a mask of its spine."""
        return self.spines is not None and all(pair.spine_mask for pair in self.pairs)

    def spine(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return how much of each pixel is spine, ``[n, size / 4, size / 4]`` float32, 0 to 1."""
        if self.spines is None:
            raise ConfigurationError("these films have no spine masks: the manifest has none")
        return self.spines[self.places[rows]].astype(np.float32) / np.float32(255)

    def subset(self, rows: Sequence[int]) -> FilmSet:
        """Return some of the films, in the order given."""
        kept = list(rows)
        return replace(
            self,
            pairs=tuple(self.pairs[i] for i in kept),
            facts=tuple(self.facts[i] for i in kept),
            places=self.places[kept],
            clinical=self.clinical[kept],
            z=self.z[kept],
        )

    @property
    def size_px(self) -> int:
        """Side of each film's square, pixels."""
        return int(self.array.shape[1])

    @property
    def synthetic(self) -> bool:
        """Whether any film is marked as a quality control image: then it is no real child's."""
        return any(facts.synthetic for facts in self.facts)

    def films(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return films ``[n, size, size]`` float32, 0 to 1, dressed."""
        shown = self.array[self.places[rows]].astype(np.float32) / np.float32(_FULL_SCALE)
        if self.dress is Dress.NONE:
            return shown
        worn = cover if self.dress is Dress.WITHOUT_SPINE else keep_only
        spines = np.repeat(np.repeat(self.spine(rows), SPINE_SHRINK, 1), SPINE_SHRINK, 2)
        return np.stack([worn(film, spine) for film, spine in zip(shown, spines, strict=True)])

    def model_input(self, row: int) -> ModelInput:
        """Return one film as `prepare` gave it, its greys rounded to the 65535th."""
        facts = self.facts[row]
        return ModelInput(
            pixels=self.films([row])[0],
            mm_per_pixel=facts.mm_per_pixel,
            input_field=InputField(corners=facts.corners),  # type: ignore[arg-type]  # four, from JSON
            digest=facts.digest,
        )


def prepare_films(
    manifest: Manifest, folder: Path, *, size_px: int, workers: int, console: Console
) -> tuple[FilmSet, tuple[Exclusion, ...]]:
    """Prepare every film, or take them from `folder` where an earlier run left them.

    Parameters
    ----------
    manifest
        Its pairs are prepared.
    folder
        Gets ``films.npy`` (2 bytes a pixel), ``spines.npy`` where films have masks, and
        ``films.json``.
    size_px
        Side of the network's square.
    workers
        Processes; 1 prepares in this one.
    console
        Shows progress.

    Returns
    -------
    tuple
        The films that could be prepared, and every row of the manifest that is not used.

    Raises
    ------
    ConfigurationError
        No film could be prepared.
    """
    # an earlier run's films are only taken for the same rows, size and preparation
    key = {
        "manifest_sha256": manifest.checksum,
        "size_px": size_px,
        "preparation_version": PREPARATION_VERSION,
        "lines": [pair.line for pair in manifest.pairs],
    }
    facts_path, array_path = folder / "films.json", folder / _FILMS
    document = json.loads(facts_path.read_text()) if facts_path.is_file() else None
    if document is None or document["key"] != key:
        folder.mkdir(parents=True, exist_ok=True)
        facts_path.unlink(missing_ok=True)
        made = _prepare_all(manifest.pairs, folder, size_px, workers, console)
        document = {"key": key, "films": made}
        # written last: an interrupted preparation leaves no facts and is made anew
        facts_path.write_text(json.dumps(document))
    all_facts = [_facts(found) for found in document["films"]]
    excluded = tuple(
        Exclusion(line=pair.line, reason=facts.reason)
        for pair, facts in zip(manifest.pairs, all_facts, strict=True)
        if facts.reason is not None
    )
    places = [i for i, facts in enumerate(all_facts) if facts.reason is None]
    if not places:
        raise ConfigurationError("none of the manifest's films could be prepared")
    facts = [all_facts[i] for i in places]
    # a mask that is there and cannot be read is none
    pairs = [
        manifest.pairs[i]
        if document["films"][i].get("masked", True)
        else replace(manifest.pairs[i], spine_mask=None)
        for i in places
    ]
    spines_path = folder / _SPINES
    film_set = FilmSet(
        pairs=tuple(pairs),
        facts=tuple(facts),
        array=np.load(array_path, mmap_mode="r"),
        places=np.array(places, np.int64),
        clinical=np.stack(
            [
                encode_clinical(pair.clinical, found.mm_per_pixel)
                for pair, found in zip(pairs, facts, strict=True)
            ]
        ),
        z=np.array([pair.z for pair in pairs], np.float32),
        spines=np.load(spines_path, mmap_mode="r") if spines_path.is_file() else None,
    )
    return film_set, manifest.exclusions + excluded


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFilms:
    """Films of one kind that must not be estimated.

    Parameters
    ----------
    array
        ``[n, size, size]`` uint16, as prepared.
    of_patients
        How many of them are no phantoms.
    """

    array: npt.NDArray[np.uint16]
    of_patients: int


def prepare_refused(
    paths: Sequence[Path], *, size_px: int, workers: int, console: Console
) -> RefusedFilms:
    """Prepare films of which nothing but their kind is known.

    Films that cannot be read, or show nothing, are left out: nothing can be learnt from them.
    """
    with _mapped(workers) as run:
        outcomes = run(partial(_prepare_one, size_px=size_px), [(path, None) for path in paths])
        made = [
            (pixels, facts["synthetic"])
            for facts, pixels, _ in tracked(
                outcomes, "preparing films", total=len(paths), console=console
            )
            if pixels is not None
        ]
    return RefusedFilms(
        array=np.stack([pixels for pixels, _ in made])
        if made
        else np.zeros((0, size_px, size_px), np.uint16),
        of_patients=sum(not synthetic for _, synthetic in made),
    )


def _prepare_all(
    pairs: Sequence[Pair], folder: Path, size_px: int, workers: int, console: Console
) -> list[dict[str, Any]]:
    array = np.lib.format.open_memmap(
        folder / _FILMS, mode="w+", dtype=np.uint16, shape=(len(pairs), size_px, size_px)
    )
    (folder / _SPINES).unlink(missing_ok=True)
    side = size_px // SPINE_SHRINK
    spines = (
        np.lib.format.open_memmap(
            folder / _SPINES, mode="w+", dtype=np.uint8, shape=(len(pairs), side, side)
        )
        if any(pair.spine_mask for pair in pairs)
        else None
    )
    made = []
    with _mapped(workers) as run:
        outcomes = run(
            partial(_prepare_one, size_px=size_px), [(p.path, p.spine_mask) for p in pairs]
        )
        for i, (facts, pixels, spine) in enumerate(
            tracked(outcomes, "preparing films", total=len(pairs), console=console)
        ):
            if pixels is not None:
                array[i] = pixels
            if spines is not None and spine is not None:
                spines[i] = spine
            made.append(facts)
    array.flush()
    if spines is not None:
        spines.flush()
    return made


@contextlib.contextmanager
def _mapped(workers: int) -> Iterator[Any]:
    """Give a map over this process or several, spawned: a fork would copy torch's threads."""
    if workers == 1:
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield partial(pool.map, chunksize=_CHUNK)


_Prepared = tuple[dict[str, Any], npt.NDArray[np.uint16] | None, npt.NDArray[np.uint8] | None]


def _prepare_one(film_and_mask: tuple[Path, Path | None], size_px: int) -> _Prepared:
    """Return a film's facts, as JSON has them, its pixels ``[size, size]`` and its spine, or None.

    The mask goes the film's own way: through the same crop, scale and padding.
    """
    path, mask = film_and_mask
    try:
        data = path.read_bytes()
        synthetic = read_header(data).quality_control_image
        radiograph = read_radiograph(data)
        if assess(radiograph).reason is not None:
            return {"reason": ExclusionReason.BLANK_FILM.value}, None, None
        film = prepare(radiograph, size_px)
    except (PermanentError, OSError):
        return {"reason": ExclusionReason.UNREADABLE_FILM.value}, None, None
    facts = {
        "reason": None,
        "mm_per_pixel": film.mm_per_pixel,
        "corners": film.input_field.corners,
        "digest": film.digest,
        "synthetic": synthetic,
    }
    spine = None
    if mask is not None and (picture := read_picture(mask)) is not None:
        side = size_px // SPINE_SHRINK
        spine = on_network(picture, radiograph.pixels.shape, film.input_field, side)
    facts["masked"] = spine is not None
    return facts, np.round(film.pixels * _FULL_SCALE).astype(np.uint16), spine


def _facts(found: dict[str, Any]) -> PreparedFacts:
    if found["reason"] is not None:
        return PreparedFacts(reason=ExclusionReason(found["reason"]))
    return PreparedFacts(
        reason=None,
        mm_per_pixel=found["mm_per_pixel"],
        corners=tuple((column, row) for column, row in found["corners"]),
        digest=found["digest"],
        synthetic=found["synthetic"],
    )
