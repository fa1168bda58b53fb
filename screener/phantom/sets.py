"""Which child, and which film of it, is number `i` of a set: the cohorts and their controls."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from screener.phantom.cohort import Child, draw_child, stream
from screener.phantom.film import Staging
from screener.phantom.odd import ODD_KINDS
from screener.phantom.vendors import VENDORS

#: What a set is made for.
COHORTS = ("main", "null", "twins", "cropped", "trap", "odd")
#: Those that have two films of each child.
PAIRED = frozenset({"twins", "trap"})

#: Seeds of the children of one set: as many as a set can have.
SET_SIZE = 10**7
#: Cohorts of one seed share no child.
_COHORT_STRIDE = 10**12

#: Frontal chests that must not be estimated, beside those of `odd.ODD_KINDS`.
FRONTAL_KINDS = ("rods", "contrast", "brace", "scoliosis", "rotated", "cropped")
#: Kinds of the cohort ``odd``, in turn.
REFUSED_KINDS = (*ODD_KINDS, *FRONTAL_KINDS)

#: The kind of a film that may be estimated.
CHEST = "chest"
#: A curve from here on, by Cobb, is marked: the vertebrae are turned and overlap.
MARKED_COBB_DEG = 40.0
#: A film whose lowest vertebra is one of these ends too far above the lumbar spine.
CROPPED_AT = ("T9", "T10")

#: Of port and low Z in the trap (domain.md 5.5), and the share of children with a port.
_TRAP_RHO, _TRAP_SHARE_SCORE = 0.6, 0.5
_TWINS_APART = 1.0
_TWINS_LIMITS = (-3.5, 3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One film of a set, before it is taken.

    Parameters
    ----------
    child
        Whose label the manifest has.
    shown
        Whose mineral the film shows: another's in the null cohort, whose film says nothing.
    film_seed, site, staging
        For `screener.phantom.film.expose`.
    kind
        ``chest``, or the reason for which it must not be estimated.
    group, variant
        What belongs together, and which of them it is; empty where nothing does.
    """

    child: Child
    shown: Child
    film_seed: int
    site: str
    staging: Staging
    kind: str = CHEST
    group: str = ""
    variant: str = ""


def plan(
    index: int,
    seed: int,
    *,
    cohort: str = "main",
    site: str | None = None,
    z_spread: float = 0.0,
    films_per_child: int = 1,
    clear: bool = False,
) -> Planned:
    """Return film number `index` of a set, from 0.

    Parameters
    ----------
    index, seed
        A larger set of the same seed begins with the smaller one.
    cohort
        Of `COHORTS`. *null*: the film shows the mineral of Z = 0, whatever the label. *twins*: two
        films of each child, alike but for the mineral, one SD above and one below. *cropped*: the
        field ends above the lumbar spine. *trap*: ports go with low Z; each child's film with what
        was drawn and then without a port. *odd*: films that must not be estimated.
    site
        ``A`` to ``E``; None draws one for each child.
    z_spread
        See `screener.phantom.cohort.draw_child`.
    films_per_child
        Films of the same child, on different days; of cohorts that do not pair films.
    clear
        Without opacities, shields and rods.

    Notes
    -----
    Source: domain.md 5.5 and 5.6.
    """
    paired = cohort in PAIRED
    number, which = divmod(index, 2 if paired else films_per_child)
    child_seed = seed * SET_SIZE + number + _COHORT_STRIDE * COHORTS.index(cohort)
    child = draw_child(child_seed, z_spread=z_spread)
    drawn_site = str(stream(child.seed, "make").choice(list(VENDORS)))
    planned = Planned(
        child=child,
        shown=child,
        film_seed=1 if paired else 1 + which,
        site=site or drawn_site,
        staging=Staging(clear=clear),
    )
    match cohort:
        case "null":
            return replace(planned, shown=draw_child(child_seed, z=0.0))
        case "twins":
            return _twin(planned, child_seed, upper=which == 1)
        case "cropped":
            return _refused(planned, "cropped")
        case "trap":
            return _trapped(planned, with_port=which == 0)
        case "odd":
            return _refused(planned, REFUSED_KINDS[number % len(REFUSED_KINDS)])
    return planned


def _twin(planned: Planned, child_seed: int, *, upper: bool) -> Planned:
    middle = min(max(planned.child.z, _TWINS_LIMITS[0]), _TWINS_LIMITS[1])
    apart = _TWINS_APART if upper else -_TWINS_APART
    child = draw_child(child_seed, z=middle + apart)
    return replace(
        planned,
        child=child,
        shown=child,
        group=f"{child_seed}",
        variant="higher" if upper else "lower",
    )


def _trapped(planned: Planned, *, with_port: bool) -> Planned:
    child = planned.child
    # the cohort's own distribution of Z: N(-0.9, 1.45)
    low = -(child.z + 0.9) / 1.45
    noise = float(stream(child.seed, "trap").standard_normal())
    score = _TRAP_RHO * low + math.sqrt(1 - _TRAP_RHO**2) * noise
    port = with_port and score > _TRAP_SHARE_SCORE
    return replace(
        planned,
        staging=replace(planned.staging, port=port),
        group=f"{child.seed}",
        variant="as_drawn" if with_port else "port_removed",
    )


def _refused(planned: Planned, kind: str) -> Planned:
    rng = stream(planned.child.seed, "refused", kind)
    staging = replace(planned.staging, clear=True)
    match kind:
        case "rods" | "contrast" | "brace":
            staging = replace(staging, over_spine=kind, lowest=str(rng.choice(["L1", "L2", "L3"])))
        case "scoliosis":
            staging = replace(staging, cobb_deg=float(rng.uniform(MARKED_COBB_DEG, 70)))
        case "rotated":
            side = 1 if rng.random() < 0.5 else -1
            staging = replace(staging, turn_deg=side * float(rng.uniform(25, 40)))
        case "cropped":
            staging = replace(staging, lowest=str(rng.choice(list(CROPPED_AT))))
    return replace(planned, staging=staging, kind=kind)
