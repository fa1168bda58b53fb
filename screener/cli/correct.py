"""`correct`: what an operator knows better of a study's child than the films' headers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import NODE, say
from screener.cli.studies import find_study
from screener.config import load_settings
from screener.domain.clinical import PLAUSIBLE_HEIGHT_M, PLAUSIBLE_WEIGHT_KG
from screener.domain.correction import Correction
from screener.domain.identifiers import StudyId
from screener.domain.patient import Sex
from screener.pipeline.correct import correct_study
from screener.storage.references import load_growth_reference

_DAY = ["%Y-%m-%d"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=NODE)(correct)


def correct(
    context: typer.Context,
    study: Annotated[str, typer.Argument(help="Our number of the study, or its UID.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the correction and audited.")],
    height_cm: Annotated[
        float | None,
        typer.Option(
            min=round(PLAUSIBLE_HEIGHT_M[0] * 100),
            max=round(PLAUSIBLE_HEIGHT_M[1] * 100),
            help="Height in cm.",
        ),
    ] = None,
    weight_kg: Annotated[
        float | None,
        typer.Option(min=PLAUSIBLE_WEIGHT_KG[0], max=PLAUSIBLE_WEIGHT_KG[1], help="Weight in kg."),
    ] = None,
    sex: Annotated[Sex | None, typer.Option(help="Sex.")] = None,
    birth_date: Annotated[
        datetime | None, typer.Option(formats=_DAY, metavar="YYYY-MM-DD", help="Birth date.")
    ] = None,
    measured_on: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY,
            metavar="YYYY-MM-DD",
            help="When height and weight were taken, at most 90 days from the film; default: the "
            "film's day.",
        ),
    ] = None,
) -> None:
    """Correct height, weight, sex or birth date of one study's child. Audited.

    The study's films are judged and scored again with these values, also films that come later. The
    films and the archive's own objects stay as they are. Where a report was made and says something
    else now, a new one takes its place.
    """
    with opened(load_settings(context.obj)) as database, database.write() as uow:
        study_id = StudyId(find_study(uow.queries.study_id(study), study))
        films = correct_study(
            uow,
            study_id,
            Correction(
                height_m=None if height_cm is None else round(height_cm / 100, 4),
                weight_kg=weight_kg,
                sex=sex,
                birth_date=_day(birth_date),
                measured_on=_day(measured_on),
            ),
            growth=load_growth_reference(),
            reason=reason,
            operator=operator_name(),
        )
    say(f"study {study_id} is corrected; films that are judged again: {len(films)}")


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()
