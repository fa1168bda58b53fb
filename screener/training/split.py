"""Which patient is trained on, watched, calibrated with and tested on: written to disk, kept."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from screener.domain.errors import ConfigurationError
from screener.training.manifest import Pair

#: Upper ends of the age bands by which patients are dealt out evenly, years.
_AGE_BANDS = (7.0, 11.0, 15.0)
#: Z at or below which a child counts as low when patients are dealt out.
_LOW_Z = -2.0


class Part(StrEnum):
    """What a patient's films are used for."""

    #: The network learns from them.
    TRAINING = "TRAINING"
    #: Looked at after every epoch; nothing learns from them.
    VALIDATION = "VALIDATION"
    #: Recalibration and intervals come from them.
    CALIBRATION = "CALIBRATION"
    #: Touched once, at the end.
    TEST = "TEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShares:
    """Shares of the patients; they must add up to 1. A test part of 0 is tested elsewhere."""

    training: float = 0.75
    validation: float = 0.05
    calibration: float = 0.10
    test: float = 0.10

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        shares = (self.training, self.validation, self.calibration, self.test)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:  # noqa: PLR2004 - rounding
            raise ConfigurationError("the shares of a split must be 0 or more and add up to 1")

    @property
    def without_test(self) -> SplitShares:
        """The same among patients of whom none is for the test."""
        rest = 1 - self.test
        validation, calibration = self.validation / rest, self.calibration / rest
        return SplitShares(
            training=1 - validation - calibration,
            validation=validation,
            calibration=calibration,
            test=0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Patients who are for the test whatever chance says.

    Parameters
    ----------
    sites
        Every patient of these sites: an external test.
    from_day
        Every patient with a film from this day on: a temporal one.
    """

    sites: tuple[str, ...] = ()
    from_day: date | None = None

    def __bool__(self) -> bool:
        """Return whether anybody is held out."""
        return bool(self.sites) or self.from_day is not None

    def why(self, pair: Pair) -> str:
        """Return why a pair's patient is for the test, or nothing."""
        if pair.site in self.sites:
            return "external site"
        if self.from_day and pair.acquired_on and pair.acquired_on >= self.from_day:
            return "temporal"
        return ""


#: Nobody but chance decides.
NOBODY = HeldOut()


def split_patients(pairs: Sequence[Pair], shares: SplitShares, seed: int) -> dict[str, Part]:
    """Deal the patients out to the parts, evenly by low Z, age band and sex.

    Parameters
    ----------
    pairs
        Of every patient; a patient with several films goes to one part with all of them.
    shares
        Of the patients, to one patient.
    seed
        Of the shuffling.

    Notes
    -----
    Patients are sorted by stratum, at random within it, and dealt along the line so that every
    stretch of it has each part in its share.
    """
    strata = _strata(pairs)
    patients = sorted(strata)
    order = np.random.default_rng(seed).permutation(len(patients))
    line = sorted((patients[i] for i in order), key=lambda patient: strata[patient])
    wanted = {
        Part.TRAINING: shares.training,
        Part.VALIDATION: shares.validation,
        Part.CALIBRATION: shares.calibration,
        Part.TEST: shares.test,
    }
    dealt: dict[Part, int] = dict.fromkeys(wanted, 0)
    parts = {}
    for count, patient in enumerate(line, start=1):
        # to the part that lags furthest behind its share of those dealt so far
        part = max(wanted, key=lambda p: wanted[p] * count - dealt[p])
        dealt[part] += 1
        parts[patient] = part
    return parts


def keep_split(
    path: Path,
    pairs: Sequence[Pair],
    shares: SplitShares,
    seed: int,
    held_out: HeldOut = NOBODY,
) -> dict[str, Part]:
    """Return the split that `path` holds, or make one and write it there.

    Parameters
    ----------
    path
        CSV with ``patient, part, why``.
    pairs, shares, seed
        As for `split_patients`.
    held_out
        Who is for the test; chance then leaves nobody else to it.

    Raises
    ------
    ConfigurationError
        The split on disk was made for other patients, or nobody is held out, or everybody.
    """
    patients = {pair.patient for pair in pairs}
    if not path.is_file():
        reasons: dict[str, str] = {}
        for pair in pairs:
            reasons[pair.patient] = reasons.get(pair.patient) or held_out.why(pair)
        others = [pair for pair in pairs if not reasons[pair.patient]]
        if unknown := set(held_out.sites) - {pair.site for pair in pairs}:
            raise ConfigurationError(
                f"external site {', '.join(sorted(unknown))}: no film that can be used is from "
                f"there; the sites are {', '.join(sorted({pair.site for pair in pairs}))}"
            )
        if held_out and (not others or len(others) == len(pairs)):
            raise ConfigurationError(
                "the external site or the day leaves nobody to test on, or to learn from: "
                "see the columns site and acquired_on of the manifest"
            )
        parts = split_patients(others, shares.without_test if held_out else shares, seed)
        parts |= {patient: Part.TEST for patient, why in reasons.items() if why}
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("patient", "part", "why"))
            writer.writerows(
                (patient, parts[patient].value, reasons[patient] or "dealt")
                for patient in sorted(parts)
            )
        return parts
    with path.open(newline="") as file:
        parts = {row["patient"]: Part(row["part"]) for row in csv.DictReader(file)}
    if set(parts) != patients:
        raise ConfigurationError(
            f"the split in {path} was made for other patients: train into another folder"
        )
    return parts


def rows_by_part(pairs: Sequence[Pair], parts: Mapping[str, Part]) -> dict[Part, list[int]]:
    """Return the positions of each part's pairs."""
    rows: dict[Part, list[int]] = defaultdict(list)
    for i, pair in enumerate(pairs):
        rows[parts[pair.patient]].append(i)
    return {part: rows[part] for part in Part}


def rows_that_teach(parts: Mapping[Part, Sequence[int]], folds: int) -> list[int]:
    """Return what the network that is kept learns from: with folds, everything but the test."""
    if folds == 1:
        return sorted(parts[Part.TRAINING])
    return sorted(row for part, rows in parts.items() if part is not Part.TEST for row in rows)


def deal_folds(
    pairs: Sequence[Pair], rows: Sequence[int], folds: int, seed: int
) -> list[list[int]]:
    """Deal rows out to folds, evenly by low Z, age band and sex; a patient lies in one fold.

    Raises
    ------
    ConfigurationError
        There are fewer patients than folds.

    Notes
    -----
    Source: scikit-learn, `StratifiedGroupKFold`.
    """
    patients = [pairs[row].patient for row in rows]
    if len(set(patients)) < folds:
        raise ConfigurationError(f"{len(set(patients))} patients cannot fill {folds} folds")
    strata = _strata([pairs[row] for row in rows])
    labels = [str(strata[patient]) for patient in patients]
    # a stratum with fewer patients than folds cannot be spread; its children are dealt all the same
    dealer = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    counts = {label: labels.count(label) for label in set(labels)}
    coarse = [label if counts[label] >= folds else "rare" for label in labels]
    if coarse.count("rare") < folds:
        coarse = [label if label != "rare" else coarse[0] for label in coarse]
    return [
        [rows[i] for i in held]
        for _, held in dealer.split(np.zeros(len(rows)), coarse, groups=patients)
    ]


def _strata(pairs: Sequence[Pair]) -> dict[str, tuple[bool, int, str]]:
    """Return each patient's stratum: low at any time, age band, sex."""
    strata: dict[str, tuple[bool, int, str]] = {}
    for pair in pairs:
        band = sum(pair.clinical.age_years >= end for end in _AGE_BANDS)
        stratum = (pair.z <= _LOW_Z, band, pair.clinical.sex.value)
        strata[pair.patient] = max(stratum, strata.get(pair.patient, stratum))
    return strata
