"""What the figures of an evaluation are called, and how they are written, for people."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from screener.domain.catalogue import ENGLISH
from screener.domain.phrases import reason_words
from screener.training.measures import AT_DEFINITION
from screener.training.resampling import Metric

#: A table, row by row.
Rows = list[tuple[str, ...]]

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A figure's name, decimals, unit, and what it would be in a perfect predictor."""

    name: str
    decimals: int = 2
    unit: str = ""
    ideal: str = ""


_WORDS = {
    "r_z": Wording(name="correlation of estimated and measured Z, r", ideal="1"),
    "r2_z": Wording(name="share of the variance of Z explained, r squared", ideal="1"),
    "r_abmd": Wording(name="correlation of estimated and measured aBMD, r", ideal="1"),
    "mae_z": Wording(name="mean absolute error", unit="Z", ideal="0"),
    "rmse_z": Wording(name="root mean square error", unit="Z", ideal="0"),
    "mae_abmd": Wording(name="mean absolute error of aBMD", decimals=3, unit="g/cm2", ideal="0"),
    "rmse_abmd": Wording(
        name="root mean square error of aBMD", decimals=3, unit="g/cm2", ideal="0"
    ),
    "bias_z": Wording(name="bias, estimated minus measured", unit="Z", ideal="0"),
    "limit_low_z": Wording(name="lower limit of agreement", unit="Z"),
    "limit_high_z": Wording(name="upper limit of agreement", unit="Z"),
    "difference_slope_z": Wording(name="slope of the difference on the mean", ideal="0"),
    "bias_abmd": Wording(
        name="bias of aBMD, estimated minus measured", decimals=3, unit="g/cm2", ideal="0"
    ),
    "limit_low_abmd": Wording(name="lower limit of agreement, aBMD", decimals=3, unit="g/cm2"),
    "limit_high_abmd": Wording(name="upper limit of agreement, aBMD", decimals=3, unit="g/cm2"),
    "difference_slope_abmd": Wording(name="slope of the difference on the mean, aBMD", ideal="0"),
    "ccc": Wording(name="concordance of Z, Lin's CCC", ideal="1"),
    "icc": Wording(name="intraclass correlation of Z, ICC(2,1)", ideal="1"),
    "ccc_abmd": Wording(name="concordance of aBMD, Lin's CCC", ideal="1"),
    "icc_abmd": Wording(name="intraclass correlation of aBMD, ICC(2,1)", ideal="1"),
    "auc": Wording(name="area under the ROC curve, AUC", decimals=3, ideal="1"),
    "auc_delong": Wording(
        name="the same with DeLong's bounds (Obuchowski's for several films of a child)",
        decimals=3,
        ideal="1",
    ),
    "average_precision": Wording(name="area under precision over recall", ideal="1"),
    "sensitivity": Wording(name="sensitivity", unit="%", ideal="100 %"),
    "specificity": Wording(name="specificity", unit="%", ideal="100 %"),
    "ppv": Wording(name="low among the flagged, PPV", unit="%", ideal="100 %"),
    "npv": Wording(name="not low among the others, NPV", unit="%", ideal="100 %"),
    "calibration_slope": Wording(name="slope of measured on estimated Z", ideal="1"),
    "calibration_intercept": Wording(name="intercept of that line", unit="Z", ideal="0"),
    "citl": Wording(name="in the large: mean measured minus mean estimated Z", unit="Z", ideal="0"),
    "logistic_slope": Wording(name="logistic slope of the probability", ideal="1"),
    "logistic_intercept": Wording(name="logistic intercept with that slope", ideal="0"),
    "logistic_citl": Wording(
        name="logistic intercept at slope 1: the probability in the large", ideal="0"
    ),
    "brier": Wording(name="Brier score", decimals=3, ideal="0"),
    "ece": Wording(name="expected calibration error, ten bins", decimals=3, ideal="0"),
    "ece_if_calibrated": Wording(
        name="the same to expect by chance were every probability true", decimals=3
    ),
    "coverage_90": Wording(name="measured Z inside the 90 % interval", unit="%", ideal="90 %"),
    "flags_per_1000": Wording(name="flags per 1,000 films", decimals=0),
    "mean": Wording(name="mean"),
}

_EXCLUSIONS = {
    "VALUE_MISSING": "age, sex, patient, path or aBMD missing or not readable",
    "FILE_MISSING": "the film is not there",
    "SAME_FILE_TWICE": "the same film in an earlier row",
    "NOT_FRONTAL": "not a frontal view",
    "AGE_OUTSIDE_RANGE": "age outside the reference or the predictor",
    "ABMD_IMPLAUSIBLE": "no child has such an aBMD",
    "MUST_NOT_BE_ESTIMATED": "of a kind that must not be estimated",
    "DXA_TOO_FAR_APART": "film and DXA too far apart",
    "NEARER_DXA": "another DXA of the same film lies nearer",
    "UNREADABLE_FILM": "the film cannot be read",
    "BLANK_FILM": "the film shows nothing",
}

_GROUPS = {
    "sex": "Sex",
    "age_band": "Age, years",
    "height_z": "Height Z (CDC 2000)",
    "view": "View",
    "vendor": "Make",
    "site": "Site",
}

_ARMS = {
    "no_height": "without height",
    "no_weight": "without weight",
    "no_height_no_weight": "without height and weight",
    "clinical_only": "clinical variables only, no film",
    "image_only": "film only",
    "spine_masked": "spine masked out of the film",
    "spine_only": "nothing but the spine in the film",
    "label_shuffled": "trained on shuffled labels",
    "ensemble": "ensemble of the folds",
}


def wording(name: str) -> Wording:
    """Return the words of a figure; its name itself where it has none."""
    if name.endswith(AT_DEFINITION):
        plain = wording(name.removesuffix(AT_DEFINITION))
        return replace(plain, name=f"{plain.name}, flagged at an estimate of {_MINUS}2.0")
    found = _WORDS.get(name)
    if found is None and (level := re.fullmatch(r"coverage_(\d+)", name)):
        per_cent = f"{level[1]} %"
        return Wording(name=f"measured Z inside the {per_cent} interval", unit="%", ideal=per_cent)
    return found or Wording(name=name.replace("_", " "))


def group_words(name: str) -> str:
    """Return what a subgroup is called."""
    return _GROUPS.get(name, name)


def level_words(group: str, level: str) -> str:
    """Return what a level of a subgroup is called."""
    if group == "sex":
        return {"M": "boys", "F": "girls"}.get(level, level)
    return level.replace("<= -", f"\N{LESS-THAN OR EQUAL TO} {_MINUS}").replace(
        "> -", f"> {_MINUS}"
    )


def arm_words(name: str) -> str:
    """Return what an arm is called."""
    return _ARMS.get(name, name.replace("_", " "))


def exclusion_words(reason: str) -> str:
    """Return why a row of a manifest was left out, or a film turned away."""
    return _EXCLUSIONS.get(reason) or reason_words(ENGLISH, reason)


def number(value: float, decimals: int = 2) -> str:
    """Write a number with a minus sign that is one; no minus before nothing."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def written(metric: Metric, name: str) -> str:
    """Write a figure with its bounds: ``0.85 (0.82 to 0.88)``, and its unit."""
    words = wording(name)
    return f"{value_of(metric, name)} ({range_of(metric, name)})" + (
        f" {words.unit}" if words.unit not in {"", "%"} else ""
    )


def value_of(metric: Metric, name: str) -> str:
    """Write a figure alone, in per cent where it is a share."""
    words = wording(name)
    if words.unit == "%":
        return f"{number(100 * metric.value, 1)} %"
    return number(metric.value, words.decimals)


def range_of(metric: Metric, name: str) -> str:
    """Write a figure's bounds: ``0.82 to 0.88``."""
    words = wording(name)
    scale, decimals = (100, 1) if words.unit == "%" else (1, words.decimals)
    return f"{number(scale * metric.low, decimals)} to {number(scale * metric.high, decimals)}"
