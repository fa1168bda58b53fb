"""Fits an LMS table to measured healthy children: penalised likelihood, smooth in age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline
from scipy.optimize import brentq, minimize

from screener.domain.errors import ConfigurationError
from screener.domain.lms import LmsCurve, LmsTable
from screener.domain.patient import Sex
from screener.training.reference_data import Measured

Floats = npt.NDArray[np.float64]

#: Effective degrees of freedom of L, M and S unless a site says otherwise.
EDF = (3.0, 6.0, 4.0)
#: Ages of the table, years apart.
STEP_YEARS = 0.5
#: The table may begin and end so much, years, outside the children measured: a month.
_REACH_YEARS = 1 / 12

_DEGREE, _INTERVALS = 3, 16
#: Degrees of freedom of a straight line.
_STRAIGHT = 2
#: Fewer children of a sex make no curve.
_FEWEST = 100
#: Ages that reach over fewer years make no curve.
_LEAST_YEARS = 2.0
#: |L| below this is computed as L = 0.
_SMALL_L = 1e-4
#: The weights of the penalties depend on the curves, which depend on the weights.
_ROUNDS = 3
#: Log likelihood that a fit may leave unfound.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedSex:
    """The curve of one sex, and how it was found.

    Parameters
    ----------
    curve
        L, M and S at every half year that the children cover.
    children, per_year
        Numbers, in all and by completed year.
    edf
        Effective degrees of freedom of L, M and S.
    deviance
        Minus twice the log likelihood.
    z
        ``[children]``, each child's Z by the curve.
    """

    curve: LmsCurve
    children: int
    per_year: dict[int, int]
    edf: tuple[float, float, float]
    deviance: float
    z: Floats

    @property
    def bic(self) -> float:
        """Deviance with a price on degrees of freedom: of two fits the lower is the better.

        Notes
        -----
        Source: Schwarz G. Estimating the dimension of a model. Ann Stat 1978;6:461.
        """
        return self.deviance + float(np.log(self.children)) * sum(self.edf)


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedReference:
    """An LMS table by sex."""

    sexes: dict[Sex, FittedSex]

    @property
    def table(self) -> LmsTable:
        """The table."""
        return LmsTable(curves={sex: fitted.curve for sex, fitted in self.sexes.items()})


def fit_reference(measured: Measured, *, edf: tuple[float, float, float] = EDF) -> FittedReference:
    """Fit L, M and S as smooth functions of age, for each sex.

    Parameters
    ----------
    measured
        Healthy children.
    edf
        Of L, M and S; 2 is a straight line.

    Raises
    ------
    ConfigurationError
        A sex has fewer than 100 children or ages over less than two years, or `edf` cannot be had.

    Notes
    -----
    The measurement is Box-Cox transformed to a standard Gaussian; log M, log S and L are cubic
    B-splines with second-difference penalties, whose weights give the effective degrees of freedom
    asked for. Maximised within trust regions, with the expected information for the curvature.

    Source: Cole TJ, Green PJ. Stat Med 1992;11:1305; Eilers PHC, Marx BD. Stat Sci 1996;11:89.
    """
    if not all(_STRAIGHT <= one <= _INTERVALS for one in edf):
        raise ConfigurationError(f"edf {edf}: each lies between 2 (a line) and {_INTERVALS}")
    sexes = {}
    for sex in Sex:
        rows = measured.sex == sex.value
        if not rows.any():
            continue
        if rows.sum() < _FEWEST:
            raise ConfigurationError(
                f"{int(rows.sum())} children of sex {sex.value} are too few: {_FEWEST} are needed"
            )
        age = measured.age_years[rows]
        if np.ptp(age) < _LEAST_YEARS:
            raise ConfigurationError(
                f"children of sex {sex.value} are of {age.min():.1f} to {age.max():.1f} years: a "
                f"curve needs {_LEAST_YEARS:g} years or more"
            )
        sexes[sex] = _fit_sex(age, measured.abmd_g_cm2[rows], edf)
    if not sexes:
        raise ConfigurationError("there are no measurements of either sex")
    return FittedReference(sexes=sexes)


def _fit_sex(age: Floats, y: Floats, edf: tuple[float, float, float]) -> FittedSex:
    knots = _knots(float(age.min()), float(age.max()))
    basis = _basis(age, knots)
    values = _maximise(y, basis, edf)
    grid = _grid(float(age.min()), float(age.max()))
    l, m, s = (  # noqa: E741 - the field's own letter
        tuple(curve.tolist()) for curve in _curves(values, _basis(grid, knots))
    )
    years = np.floor(age).astype(int)
    numbers = np.bincount(years - years.min())
    bare = np.zeros((basis.shape[1], basis.shape[1]))
    return FittedSex(
        curve=LmsCurve(ages_years=tuple(grid.tolist()), l=l, m=m, s=s),
        children=len(y),
        per_year=dict(enumerate(numbers.tolist(), int(years.min()))),
        edf=edf,
        deviance=2 * _objective(values, y, basis, bare, (0.0, 0.0, 0.0))[0],
        z=_z(y, *_curves(values, basis)),
    )


def _maximise(y: Floats, basis: Floats, edf: tuple[float, float, float]) -> Floats:
    """Return the coefficients of L, log M and log S that are likeliest for the freedom given."""
    count = basis.shape[1]
    penalty = np.diff(np.eye(count), 2, axis=0)
    penalty = penalty.T @ penalty
    # start from a smooth median, a constant spread and no skew
    log_m = np.linalg.lstsq(basis.T @ basis + 1e-3 * penalty, basis.T @ np.log(y), rcond=None)[0]
    spread = float(np.log((np.log(y) - basis @ log_m).std()))
    values = np.concatenate([np.zeros(count), log_m, np.full(count, spread)])
    for _ in range(_ROUNDS):
        fixed = (y, basis, penalty, _weights(values, basis, penalty, edf))
        found = minimize(
            _objective, values, args=fixed, jac=True, hess=_information, method="trust-exact"
        )
        # its own word for success asks for a slope that rounding may not allow
        if 0.5 * found.jac @ np.linalg.solve(_information(found.x, *fixed), found.jac) > _TOLERANCE:
            raise ConfigurationError(
                f"the fit did not settle with edf {edf}: look at the measurements for values far "
                "from the others, or ask for fewer degrees of freedom"
            )
        values = np.asarray(found.x)
    return values


def _knots(low: float, high: float) -> Floats:
    step = (high - low) / _INTERVALS
    return np.asarray(low + step * np.arange(-_DEGREE, _INTERVALS + _DEGREE + 1))


def _basis(age: Floats, knots: Floats) -> Floats:
    # the last knot belongs to the interval before it
    inside = np.clip(age, knots[_DEGREE], np.nextafter(knots[-_DEGREE - 1], -np.inf))
    return np.asarray(BSpline.design_matrix(inside, knots, _DEGREE).toarray())


def _curves(values: Floats, basis: Floats) -> tuple[Floats, Floats, Floats]:
    l, log_m, log_s = (  # noqa: E741
        basis @ part for part in np.split(values, 3)
    )
    # held far beyond any child, where a search may step before it turns back
    return np.clip(l, -8, 8), np.exp(np.clip(log_m, -6, 6)), np.exp(np.clip(log_s, -6, 2))


def _z(y: Floats, l: Floats, m: Floats, s: Floats) -> Floats:  # noqa: E741 - the field's own letter
    u = np.log(y / m)
    small = np.abs(l) < _SMALL_L
    safe = np.where(small, 1.0, l)
    return np.asarray(np.where(small, u, np.expm1(safe * u) / safe) / s)


def _objective(
    values: Floats,
    y: Floats,
    basis: Floats,
    penalty: Floats,
    weights: tuple[float, float, float],
) -> tuple[float, Floats]:
    """Return the penalised negative log likelihood and its gradient."""
    l, m, s = _curves(values, basis)  # noqa: E741
    u = np.log(y / m)
    z = _z(y, l, m, s)
    power = np.exp(l * u)
    likelihood = l * u - np.log(s) - z**2 / 2 - np.log(y) - 0.5 * np.log(2 * np.pi)
    small = np.abs(l) < _SMALL_L
    safe = np.where(small, 1.0, l)
    z_by_l = np.where(small, u**2 / 2, (u * power - np.expm1(safe * u) / safe) / safe) / s
    gradients = (u - z * z_by_l, -l + z * power / s, -1 + z**2)
    value, slope = -float(likelihood.sum()), []
    for part, gradient, weight in zip(np.split(values, 3), gradients, weights, strict=True):
        bent = penalty @ part
        value += 0.5 * weight * float(part @ bent)
        slope.append(-basis.T @ gradient + weight * bent)
    return value, np.concatenate(slope)


def _information(
    values: Floats,
    y: Floats,  # noqa: ARG001 - the signature is scipy's
    basis: Floats,
    penalty: Floats,
    weights: tuple[float, float, float],
) -> Floats:
    """Return the expected information of L, log M and log S, with the penalties.

    Notes
    -----
    To the lowest orders of S (Cole and Green 1992, section 3), for log M and log S instead of M
    and S.
    """
    l, _, s = _curves(values, basis)  # noqa: E741
    one = np.ones_like(s)
    of_l, of_m, of_s = _diagonal(l, s)
    each = ((of_l, -0.5 * one, l * s**2), (-0.5 * one, of_m, 2 * l), (l * s**2, 2 * l, of_s))
    blocks = [[basis.T @ (basis * entry[:, None]) for entry in row] for row in each]
    for i, weight in enumerate(weights):
        blocks[i][i] += weight * penalty
    return np.block(blocks)


def _diagonal(l: Floats, s: Floats) -> tuple[Floats, Floats, Floats]:  # noqa: E741
    return 7 * s**2 / 4, (1 + 2 * l**2 * s**2) / s**2, np.full(len(s), 2.0)


def _weights(
    values: Floats, basis: Floats, penalty: Floats, edf: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Return the penalties' weights that give the effective degrees of freedom asked for.

    Notes
    -----
    Each curve's own, from its block of the expected information (Cole and Green 1992, section 4).
    """
    l, _, s = _curves(values, basis)  # noqa: E741
    found = []
    for wanted, information in zip(edf, _diagonal(l, s), strict=True):
        curved = basis.T @ (basis * information[:, None])
        scale = float(np.trace(curved) / np.trace(penalty))

        def freedom(log_weight: float, curved: Floats = curved, scale: float = scale) -> float:
            weighted = curved + scale * np.exp(log_weight) * penalty
            return float(np.trace(np.linalg.solve(weighted, curved)))

        # a straight line is the limit, reached at no finite weight
        least, most = -12.0, 18.0
        if (had := freedom(least)) < wanted:
            raise ConfigurationError(
                f"edf {wanted:g}: the ages measured give no more than {had:.1f}; are they decimal?"
            )
        if freedom(most) > wanted:
            found.append(scale * float(np.exp(most)))
        else:
            root = brentq(lambda x: freedom(x) - wanted, least, most)  # noqa: B023 - called here
            found.append(scale * float(np.exp(root)))
    return found[0], found[1], found[2]


def _grid(low: float, high: float) -> Floats:
    first = np.ceil((low - _REACH_YEARS) / STEP_YEARS)
    last = np.floor((high + _REACH_YEARS) / STEP_YEARS)
    return np.asarray(np.arange(first, last + 1) * STEP_YEARS)
