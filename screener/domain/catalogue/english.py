"""The English texts: plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping

_REASONS = {
    "UNREADABLE_HEADER": "the header cannot be read",
    "OWN_OBJECT": "one of this product's own objects",
    "DERIVED_IMAGE": "an image derived from another",
    "NOT_A_RADIOGRAPH": "not a CR or DX image",
    "NO_PIXEL_DATA": "no pixel data",
    "FOR_PROCESSING": "raw data for processing",
    "UNUSUAL_PIXELS": "colour, several frames or unusual bits",
    "WHOLE_SPINE": "a film of the whole spine",
    "BABYGRAM": "chest and abdomen on one film",
    "NOT_CHEST": "another part of the body",
    "REGION_UNKNOWN": "part of the body not stated",
    "LATERAL_VIEW": "lateral view",
    "OTHER_VIEW": "not a frontal view",
    "VIEW_UNKNOWN": "view not stated",
    "SEX_UNKNOWN": "sex neither M nor F",
    "ACQUISITION_DATE_MISSING": "no date of acquisition",
    "BIRTH_DATE_MISSING": "no birth date",
    "BIRTH_DATE_PLACEHOLDER": "the birth date is a placeholder",
    "AGE_CONFLICT": "age and birth date contradict each other",
    "AGE_BELOW_RANGE": "younger than the reference or the predictor reaches",
    "AGE_ABOVE_RANGE": "older than the reference or the predictor reaches",
    "FILM_TOO_OLD": "acquired too long ago, or in the future",
    "SPACING_UNKNOWN": "detector spacing not stated",
    "PREDICTOR_IS_SYNTHETIC": "the predictor has only seen synthetic children",
    "FILM_IS_SYNTHETIC": "a synthetic film",
    "TRUNCATED_PIXELS": "pixel data cut short",
    "UNREADABLE_PIXELS": "pixel data cannot be decoded",
    "BLANK_FILM": "no exposed area, or no contrast",
    "THRESHOLD_OF_OTHER_REFERENCE": "the predictor's decision threshold was fitted with another "
    "reference than the one in force",
    "NOT_HEIGHT_ADJUSTED": "the verdict rests on the height-adjusted Z, which cannot be computed "
    "for this child",
    "CLIPPED_FILM": "large parts of the film are at the ends of its grey scale",
    "NOT_FRONTAL_CHEST": "does not look like a frontal film of a chest",
    "SPINE_NOT_IN_FIELD": "the field ends above the lumbar spine",
    "HARDWARE_OVER_SPINE": "hardware over the spine",
    "CONTRAST_MEDIUM": "contrast medium over the spine",
    "BRACE_OR_CAST": "a brace or a cast over the spine",
    "SCOLIOSIS_OR_ROTATION": "marked scoliosis or rotation",
    "UNLIKE_TRAINING": "unlike the films that the predictor was trained on",
    "SAME_PIXELS_IN_STUDY": "the same pixels as another film of the study",
    "PREDICTOR_MISMATCH": "film and predictor do not fit",
    "SAME_INSTANCE_AGAIN": "received before",
    "PIXELS_DIFFER": "received before with other pixels",
    "SUPERSEDED": "superseded",
    "FAILED": "failed",
    "REJECTED_BY_NOTE": "a rejection note of the archive takes the film out of use",
    "WITHDRAWN": "its report is withdrawn",
    "NO_SCORED_FILM": "no film of the study could be scored",
    "FILMS_APART": "the films' estimates lie too far apart",
    "FILMS_DISAGREE": "the films name different patients, birth dates or sexes",
    "INTERVAL_TOO_WIDE": "the prediction interval is too wide",
}

_PHRASES = {
    "join.and": " and ",
    "join.list": "; ",
    "join.comma": ", ",
    "abmd": "{value:.2f} g/cm2 ({low:.2f} to {high:.2f})",
    "z": "{value:.1f} ({low:.1f} to {high:.1f})",
    "range.abmd": "{low:.2f} to {high:.2f}",
    "range.z": "{low:.1f} to {high:.1f}",
    "age": "{years:.1f} years",
    "sex.M": "male",
    "sex.F": "female",
    "children.M": "boys",
    "children.F": "girls",
    "input.image": "chest film",
    "input.age": "age",
    "input.sex": "sex",
    "input.height": "height",
    "input.weight": "weight",
    "used.age": "age {age} (birth date and acquisition date)",
    "used.sex": "sex {sex} (header)",
    "used.height": "height {value:.2f} m ({source})",
    "used.weight": "weight {value:.1f} kg ({source})",
    "missing.height": "height ({absence})",
    "missing.weight": "weight ({absence})",
    "variables": "used: {used}. Missing: {missing}.",
    "none": "none",
    "source.HEADER": "header",
    "source.HEADER_UNIT_CORRECTED": "header, unit corrected",
    "source.HEADER_DATES": "header dates",
    "used.age.corrected": "age {age} (birth date corrected at this node, and acquisition date)",
    "used.sex.corrected": "sex {sex} (corrected at this node)",
    "source.IMPORTED": "imported",
    "source.OPERATOR": "corrected at this node",
    "source.measured": "{source}, {measured}",
    "measured.same_day": "measured on the day of the film",
    "measured.before.one": "measured {days} day before the film",
    "measured.before.many": "measured {days} days before the film",
    "measured.after.one": "measured {days} day after the film",
    "measured.after.many": "measured {days} days after the film",
    "absence.NOT_GIVEN": "not in the header",
    "absence.ZERO": "entered as 0",
    "absence.IMPLAUSIBLE": "implausible in the header",
    "view.PA": "PA",
    "view.AP": "AP",
    "view.FRONTAL": "frontal",
    "film": "film {number} of {count}",
    "film.view": "film {number} of {count} ({view})",
}

_VERDICTS = {
    "correction": "Correction: {words}",
    "verdict.low": "estimate in the low range for age and sex",
    "verdict.low_site": "estimate at or below this site's referral threshold",
    "verdict.not_low": "estimate above the decision threshold",
    "verdict.indeterminate": "no statement from the estimates",
    "verdict.withdrawn": "earlier report withdrawn",
    "withdrawn": "The earlier report of this study is withdrawn.",
    "withdrawn.reason": "Reason: {reason}.",
    "withdrawn.not_used": "The estimate of the earlier report must not be used.",
    "withdrawn.child": "The withdrawal says nothing about the child's bone mineral density.",
    "replaced.pictures": "The pictures of the earlier report are replaced by those of report "
    "REVISED {number}. Use those.",
    "withdrawn.change": "WITHDRAWN: this report takes the place of the earlier report of this "
    "study.",
    "withdrawn.formation": "No value is given: the earlier report of this study is withdrawn.",
    "verdict.not_assessed": "no estimate",
    "low_range": "The estimate is in the range that, on DXA, is termed low bone mineral density "
    "for age and sex.",
    "low_range.above": "The estimate is in the range that, on DXA, is termed low bone mineral "
    "density for age and sex, and lies above the decision threshold (Z {threshold:.1f}).",
    "site_range": "The estimate lies above Z {definition:.1f}; at or below this site's referral "
    "threshold (Z {threshold:.1f}).",
    "site_range.chosen": "The estimate lies above Z {definition:.1f}; at or below this site's "
    "referral threshold (Z {threshold:.1f}), chosen for {chosen}.",
    "above": "The estimate lies above the decision threshold (Z {threshold:.1f}).",
    "above.height": "The height-adjusted estimate lies above the decision threshold "
    "(Z {threshold:.1f}).",
    "both_sides.age.basis_age": "By the decision threshold it is low for age, not low for height "
    "(Z {z:.1f}; height-adjusted Z {adjusted:.1f}); the verdict rests on the Z for age.",
    "both_sides.age.basis_height": "By the decision threshold it is low for age, not low for "
    "height (Z {z:.1f}; height-adjusted Z {adjusted:.1f}); the verdict rests on the "
    "height-adjusted Z.",
    "both_sides.height.basis_age": "By the decision threshold it is low for height, not low for "
    "age (Z {z:.1f}; height-adjusted Z {adjusted:.1f}); the verdict rests on the Z for age.",
    "both_sides.height.basis_height": "By the decision threshold it is low for height, not low for "
    "age (Z {z:.1f}; height-adjusted Z {adjusted:.1f}); the verdict rests on the height-adjusted "
    "Z.",
    "not_excluded": "This does not exclude low bone mineral density or skeletal fragility.",
    "no_statement": "No statement is made: {reason}.",
    "no_estimate": "Estimate not given: {reason}.",
    "crossing": "The interval crosses the decision threshold (Z {threshold:.1f}): the value may "
    "lie on either side of it.",
    "research": "Research use only.",
    "consider": "This is not a DXA measurement. Consider clinical assessment of bone health, and "
    "DXA if clinically indicated.",
    "values": "Estimated lumbar spine (L1-L4) aBMD {abmd:.2f} g/cm2 ({level:.0f} % prediction "
    "interval {abmd_low:.2f} to {abmd_high:.2f}); estimated Z {z:.1f} ({z_low:.1f} to "
    "{z_high:.1f}), reference {reference}, {adjusted}; {height}.",
    "values.not_adjusted": "not height-adjusted",
    "values.adjusted": "height-adjusted Z {z:.1f} ({coefficients})",
    "values.height_unknown": "height Z unknown",
    "values.height": "height Z {z:.1f} ({growth})",
    "probability": "Probability of a Z at or below {definition:.1f} on DXA: {value:.0f} %, "
    "calibrated on {children} children of this site, {prevalence:.0f} % of whom were low.",
    "summary": "{words}, Z {z}, aBMD {abmd}",
}

_FACTS = {
    "formation.none": "No value for the study; films scored: {scored}.",
    "formation.one": "The study's value is that of its {view} film.",
    "formation.mean": "The study's value is the mean of its {used} {view} films, with the widest "
    "of their intervals.",
    "formation.unused": "Scored films of another view, not used for it: {unused}.",
    "threshold": "{short}. Compared after rounding to one decimal. On DXA, low bone mineral "
    "density for age is defined as Z <= {definition:.1f}.",
    "threshold.age": "Z <= {z:.1f}",
    "threshold.height": "height-adjusted Z <= {z:.1f}",
    "threshold.PREDICTOR": "{cut}; the predictor's",
    "threshold.PREDICTOR.chosen": "{cut}; the predictor's, chosen for {chosen}",
    "threshold.SITE": "{cut}",
    "threshold.SITE.chosen": "{cut}; set by this site, chosen for {chosen}",
    "threshold.SITE_UNFITTED": "{cut}; set by this site, and not fitted with the reference "
    "{reference}: how many are found, and how many of those flagged are low, is not known",
    "threshold.DEFINITION": "{cut}; no threshold was chosen for this predictor",
    "reference": "{label} (device {device}; region {region})",
    "reference.synthetic": "{label} (device {device}; region {region}); a synthetic curve, not a "
    "clinical reference",
    "predictor.none": "none",
    "predictor": "{label}",
    "predictor.synthetic": "{label}, synthetic",
    "concluded": "{at:%Y-%m-%d %H:%M} {zone}",
    "film.values": "{film}: Z {z}, aBMD {abmd}.",
    "film.withheld": "{film}: estimate withheld.",
    "film.variables": "{film}: {variables}",
    "film.not_scored": "{film}: {reason} ({code}).",
    "film.region": "{film}: {label}.",
}

_CHANGES = {
    "change.withdrawn_low": "CORRECTION: the low estimate of the earlier report no longer holds.",
    "change.replaces": "This report replaces the earlier report of this study.",
    "change.summaries": "Earlier: {before}. Now: {now}.",
    "change.threshold": "The decision threshold changed from Z {before:.1f} to {now:.1f}.",
    "change.basis": "Which Z the verdict rests on has changed.",
    "change.reference": "The reference changed from {before} to {now}.",
    "change.predictor": "The predictor changed from {before} to {now}.",
    "change.known": "Now known: {names}.",
    "change.unknown": "No longer known: {names}.",
    "change.sex": "Sex changed from {before} to {now}.",
    "change.age": "Age changed from {before} to {now}.",
    "change.films": "Films in the value: {before} before, {now} now.",
}

_CAUTIONS = {
    "caution.missing": "Missing: {names}. The predictor was told so; nothing was put in its place.",
    "caution.adjusted": "Height-adjusted Z {adjusted:.1f} (height Z {height:.1f}; coefficients "
    "{coefficients}).",
    "caution.short_adjusted": "Short stature: areal density reads low in small children by size "
    "alone. Height-adjusted Z {adjusted:.1f} (height Z {height:.1f}; coefficients {coefficients}).",
    "caution.height_unknown": "Height unknown: short stature, which lowers areal density by size "
    "alone, cannot be recognised. Not height-adjusted.",
    "caution.no_height_z": "{growth} has no height Z at this age. Not height-adjusted.",
    "caution.short": "Short stature (height Z {height:.1f}): areal density reads low in small "
    "children by size alone. Not height-adjusted.",
    "caution.not_adjusted": "Not height-adjusted (height Z {height:.1f}).",
    "attention.withheld": "no attention map: the estimate came mostly from beside the spine, so "
    "that a map would mislead",
    "synthetic": "SYNTHETIC: made with a synthetic predictor or a synthetic film. Says nothing "
    "about any child.",
    "limit.research": "Research use only; not a medical device.",
    "limit.not_dxa": "An AI estimate from a chest radiograph; not a DXA measurement.",
    "limit.fractures": "Does not look for fractures.",
    "limit.rule_out": "Cannot rule out low bone mineral density or skeletal fragility.",
    "limit.urgency": "Not urgent.",
    "limit.follow_up": "Not for follow-up: differences between estimates are not change in a "
    "child.",
}

_REPORT = {
    "section.conclusion": "Conclusion",
    "section.changes": "What changed",
    "section.cautions": "Cautions",
    "section.formation": "How the value was formed",
    "section.films": "Films",
    "section.not_scored": "Films not scored",
    "section.variables": "Clinical variables",
    "section.method": "Method",
    "section.limits": "Limits of this report",
    "report.threshold": "Decision threshold: {threshold}",
    "report.predictor": "Predictor: {predictor}.",
    "report.reference": "Reference: {reference}.",
    "report.interval": "Interval: {interval}",
    "report.concluded": "Concluded {at}",
    "parameter.weights": "weights {digest}",
    "parameter.input": "input {digest}",
    "parameter.reference": "reference {reference}",
    "parameter.threshold": "threshold {threshold}",
    "parameter.missing": "missing: {names}",
    "algorithm": "{name}",
    "algorithm.synthetic": "{name} (synthetic)",
    "name.TXT-REGION": "Region shown",
    "name.TXT-CHANGE": "Change from the earlier report",
    "name.TXT-CAUTION": "Caution",
    "name.TXT-FORMATION": "How the value was formed",
    "name.TXT-THRESHOLD": "Decision threshold",
    "name.TXT-INTERVAL": "Prediction interval",
    "name.TXT-CONCLUDED": "Concluded",
    "name.TXT-VARIABLES": "Clinical variables",
    "name.TXT-NOT-SCORED": "Film not scored",
    "name.TXT-DISCLAIMER": "Limits of this report",
    "name.TXT-SYNTHETIC": "Synthetic",
}

_PICTURES = {
    "caption": "AI estimate - not DXA - RESEARCH USE ONLY",
    "caption.synthetic": "SYNTHETIC - AI estimate - not DXA - RESEARCH USE ONLY",
    "attention.legend": "where the estimate came from; not a measurement, not a finding",
    "field.label": "AI input field - not a measured area",
    "overlay.values": "Z {z}",
    "overlay.abmd": "aBMD {abmd}",
    "overlay.beside": "in brackets the {level:.0f} % prediction interval; reference {reference}",
    "overlay.in_report": "named in the report",
    "card.title": "AI estimate - not DXA",
    "card.correction": "CORRECTION",
    "card.withdrawn": "WITHDRAWN",
    "card.research": "RESEARCH USE ONLY",
    "card.synthetic": "SYNTHETIC",
    "card.revised": "REVISED {number}",
    "card.z": "Estimated Z-score for age and sex",
    "card.abmd": "Estimated aBMD, lumbar spine (L1-L4)",
    "card.interval": "{level:.0f} % prediction interval",
    "card.now": "Now: Z {z}",
    "card.now_abmd": "aBMD {abmd}; {level:.0f} % interval",
    "card.no_longer": "The low estimate of the earlier report no longer holds.",
    "card.earlier": "Earlier: {summary}.",
    "card.scored": "Films scored",
    "card.not_scored": "Films not scored",
    "card.chart": "aBMD for age, {children} - {reference}",
    "card.replaced": "grey: the replaced report",
    "card.earlier_points": "grey: earlier studies. Not for follow-up: differences within the "
    "interval are not change.",
    "card.replaced_and_earlier": "grey: the replaced report, and earlier studies. Not for "
    "follow-up: differences within the interval are not change.",
    "card.moved": "What moved the estimate",
    "card.moved_from": "in SDs, from the average training child (Z {start:.1f}) to this one "
    "(Z {z:.1f})",
    "card.missing": "missing",
    "card.about": "About this estimate",
    "card.limits": "Limits",
    "card.not_scored_count": "Films not scored: {count} ({reasons}).",
    "card.more": "More in the report.",
    "card.used": "Used: {measures}.",
    "card.used_charted": "Used: {measures}; {growth}.",
    "card.height": "height {value:.2f} m",
    "card.height_z": "height {value:.2f} m (Z {z:.1f})",
    "card.weight": "weight {value:.1f} kg",
    "card.weight_z": "weight {value:.1f} kg (Z {z:.1f})",
    "card.footer": "{formation} Concluded {at}.",
    "card.footer_films": "Predictor {predictor}. Reference {reference}. Decision threshold "
    "{threshold}. {formation} Concluded {at}.",
    "chart.curve": "{z}  P{centile}",
    "chart.age": "age, years",
    "chart.abmd": "aBMD, g/cm2",
}

TEXTS: Mapping[str, str] = {
    **{f"reason.{code}": words for code, words in _REASONS.items()},
    **_PHRASES,
    **_VERDICTS,
    **_FACTS,
    **_CHANGES,
    **_CAUTIONS,
    **_REPORT,
    **_PICTURES,
}
