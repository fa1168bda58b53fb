"""The evaluation for people: one page that needs nothing else, its pictures, and a model card."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt

from screener import __version__
from screener.domain.phrases import typeset
from screener.training import evaluation_facts as facts
from screener.training import evaluation_rows as rows
from screener.training.evaluation import Evaluation
from screener.training.evaluation_curves import (
    draw_coverage,
    draw_decision_curve,
    draw_reliability,
)
from screener.training.evaluation_figures import (
    draw_bland_altman,
    draw_errors,
    draw_roc,
    draw_scatter,
)
from screener.training.evaluation_forests import draw_arms, draw_gallery, draw_subgroups
from screener.training.evaluation_style import Picture, styled
from screener.training.resampling import LEVEL, RESAMPLES

REPORT_FILE, CARD_FILE, FIGURES = "report.html", "model-card.md", "figures"

_TEMPLATES = Path(__file__).parent
_REPORT, _MODEL_CARD = "evaluation_report.html.jinja", "model_card.md.jinja"


def write_report(
    out: Path, evaluation: Evaluation, films: Mapping[int, npt.NDArray[np.float32]]
) -> None:
    """Write ``report.html``, ``model-card.md`` and ``figures/`` into a folder that is there.

    Parameters
    ----------
    out
        The folder.
    evaluation
        What to show.
    films
        Prepared films of the worst errors, ``[size, size]``, by row of the table; those that are
        not at hand are told in words alone.
    """
    folder = out / FIGURES
    folder.mkdir(exist_ok=True)
    pictures = draw_pictures(folder, evaluation, films)
    (out / REPORT_FILE).write_text(render_report(evaluation, pictures), encoding="utf-8")
    (out / CARD_FILE).write_text(render_model_card(evaluation), encoding="utf-8")


def draw_pictures(
    folder: Path, evaluation: Evaluation, films: Mapping[int, npt.NDArray[np.float32]]
) -> dict[str, Picture]:
    """Draw every picture that the evaluation can show, as PNG into a folder; by name."""
    with styled():
        drawn = (
            draw_scatter(folder, evaluation),
            draw_bland_altman(folder, evaluation),
            draw_errors(folder, evaluation),
            draw_roc(folder, evaluation),
            draw_reliability(folder, evaluation),
            draw_decision_curve(folder, evaluation),
            draw_coverage(folder, evaluation),
            draw_subgroups(folder, evaluation),
            draw_arms(folder, evaluation),
            draw_gallery(folder, evaluation, films),
        )
    return {picture.name: picture for picture in drawn if picture is not None}


def render_report(evaluation: Evaluation, pictures: Mapping[str, Picture]) -> str:
    """Return the report as one HTML document with its pictures inside."""
    shown = {
        name: {
            "source": f"data:{p.mime};base64,{base64.b64encode(p.data).decode()}",
            "alt": p.alt,
            "caption": p.caption,
            "wide": p.wide,
        }
        for name, p in pictures.items()
    }
    return _render(_REPORT, evaluation, pictures=shown)


def render_model_card(evaluation: Evaluation) -> str:
    """Return the model card as Markdown.

    Notes
    -----
    Source: Mitchell M et al. Model cards for model reporting. FAT* 2019:220 (its sections).
    """
    return _render(_MODEL_CARD, evaluation)


def _render(template: str, evaluation: Evaluation, **more: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=jinja2.select_autoescape(("html.jinja",)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["typeset"] = lambda text: typeset(str(text))
    environment.filters["cell"] = lambda text: " ".join(str(text).split()).replace("|", "\\|")
    return environment.get_template(template).render(
        e=evaluation,
        card=evaluation.card,
        rules=evaluation.rules,
        facts=facts,
        rows=rows,
        headings=[rows.point_heading(point) for point in rows.points_of(evaluation)],
        today=datetime.now(UTC).date().isoformat(),
        version=__version__,
        level=f"{100 * LEVEL:.0f} %",
        resamples=f"{RESAMPLES:,}",
        **more,
    )
