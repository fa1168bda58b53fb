"""`studies`, `show`, `retry`: what came of films, and what an operator does about it."""

from __future__ import annotations

from typing import Annotated

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import NODE, print_json, print_table, say
from screener.config import load_settings
from screener.domain.errors import ConfigurationError
from screener.domain.finding import Verdict
from screener.domain.identifiers import DeliveryId, ScreeningId, StudyId
from screener.domain.screening import ScreeningState
from screener.domain.study import StudyState
from screener.doors import synthetic_statement
from screener.storage.clinical import StoredCorrection
from screener.storage.codec import plain
from screener.storage.queries import LARGEST_NUMBER, FilmView, ObjectView, StudyView

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

#: More studies than a table can be read with.
_MANY = 100_000

_Study = Annotated[str, typer.Argument(help="Our number of the study, or its Study Instance UID.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=NODE)(studies)
    app.command(rich_help_panel=NODE)(show)
    app.command(rich_help_panel=NODE)(retry)


def studies(
    context: typer.Context,
    state: Annotated[StudyState | None, typer.Option(help="Only studies in this state.")] = None,
    verdict: Annotated[Verdict | None, typer.Option(help="Only studies with this verdict.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MANY, help="At most so many.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=1, max=LARGEST_NUMBER, help="Go on before this number.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """List studies, the newest first: state, verdict, Z and how far the report is."""
    settings = load_settings(context.obj)
    with opened(settings) as database, database.read() as uow:
        found = uow.queries.studies(state=state, verdict=verdict, limit=limit, before=before)
    if as_json:
        print_json([plain(study) for study in found])
        return
    _say_synthetic(synthetic_statement(settings))
    print_table(
        ("study>", "state", "films>", "verdict", "Z>", "reason", "report", "last film"),
        [_study_row(study) for study in found],
    )


def show(context: typer.Context, study: _Study, as_json: _Json = False) -> None:
    """Show one study: its films with their reasons, its finding, its objects and deliveries."""
    settings = load_settings(context.obj)
    with opened(settings) as database, database.read() as uow:
        study_id = find_study(uow.queries.study_id(study), study)
        view = uow.queries.study(study_id)
        finding = uow.queries.finding(study_id)
        films = uow.queries.films(study_id)
        objects = uow.queries.objects(study_id)
        corrections = uow.clinical.corrections(StudyId(study_id))
    if as_json:
        print_json(
            {
                "study": plain(view),
                "finding": plain(finding) if finding else None,
                "films": [_film_facts(film) for film in films],
                "objects": [_object_facts(made) for made in objects],
                "corrections": [_correction_facts(one) for one in corrections],
            }
        )
        return
    _say_synthetic(synthetic_statement(settings))
    print_table(
        ("study>", "state", "films>", "verdict", "Z>", "reason", "report", "last film"),
        [_study_row(view)],
    )
    print_table(
        ("film>", "state", "view", "aBMD g/cm2>", "reasons", "rules>", "from", "error"),
        [
            (
                film.screening_id,
                film.state.value,
                film.view,
                f"{film.prediction.abmd_g_cm2:.2f}" if film.prediction else "",
                ", ".join(film.reasons),
                film.rules_version,
                film.calling_ae,
                film.error_message,
            )
            for film in films
        ],
    )
    if corrections:
        print_table(
            (
                "corrected at",
                "by",
                "height m>",
                "weight kg>",
                "sex",
                "born on",
                "measured",
                "reason",
            ),
            [_correction_row(one) for one in corrections],
        )
    if objects:
        print_table(
            ("object>", "kind", "archive", "state", "since", "held", "last error"),
            [
                (
                    made.result_object_id,
                    made.kind,
                    made.archive,
                    made.state.value if made.state else "MADE",
                    f"{made.changed_at:%Y-%m-%d %H:%M:%S}",
                    made.hold_reason,
                    made.error_message,
                )
                for made in objects
            ],
        )


def retry(context: typer.Context, study: _Study) -> None:
    """Take up again what has FAILED, was REFUSED or is HELD in a study. Audited."""
    taken = []
    with opened(load_settings(context.obj)) as database, database.write() as uow:
        study_id = StudyId(find_study(uow.queries.study_id(study), study))
        for film in uow.queries.films(study_id):
            again = ScreeningId(film.screening_id)
            if film.state is ScreeningState.FAILED and uow.screenings.retry(again):
                uow.studies.reopen(study_id)
                taken.append(f"film {film.screening_id}")
        view = uow.queries.study(study_id)
        if view.state is StudyState.FAILED and uow.studies.retry(study_id):
            taken.append(f"study {study_id}")
        for made in uow.queries.objects(study_id):
            if made.delivery_id and uow.deliveries.retry(DeliveryId(made.delivery_id)):
                taken.append(f"delivery {made.delivery_id} to {made.archive}")
        if taken:
            uow.announce()
            uow.audit.add(
                actor=operator_name(), action="RETRY", subject=f"study {study_id}", taken=taken
            )
    for line in taken:
        say(f"taken up again: {line}")
    if not taken:
        say("nothing in this study has failed, was refused or is held")


def find_study(study_id: int | None, text: str) -> int:
    """Return our number of a study that a person named, or raise `ConfigurationError`."""
    if study_id is None:
        raise ConfigurationError(
            f"there is no study {text if len(text) < 12 else 'with this UID'}; "  # noqa: PLR2004
            "`screener studies` lists them"
        )
    return study_id


def _say_synthetic(statement: str | None) -> None:
    if statement:
        say((statement, "bold yellow"))


def _study_row(study: StudyView) -> tuple[object, ...]:
    covered = f"covered by finding {study.covered_by}" if study.covered_by else None
    return (
        study.study_id,
        study.state.value,
        study.films,
        study.verdict,
        f"{study.z:.1f}" if study.z is not None else "",
        study.reason or covered or study.error_message,
        study.report_state,
        f"{study.last_received_at:%Y-%m-%d %H:%M:%S}",
    )


def _film_facts(film: FilmView) -> dict[str, object]:
    prediction = film.prediction
    return {
        "screening_id": film.screening_id,
        "revision": film.revision,
        "state": film.state.value,
        "reasons": list(film.reasons),
        "view": film.view,
        "abmd_g_cm2": prediction.abmd_g_cm2 if prediction else None,
        "rules_version": film.rules_version,
        "calling_ae": film.calling_ae,
        "received_at": film.received_at,
        "error": film.error_message,
    }


def _correction_row(stored: StoredCorrection) -> tuple[object, ...]:
    one = stored.correction
    measured = one.height_m is not None or one.weight_kg is not None
    return (
        f"{stored.at:%Y-%m-%d %H:%M:%S}",
        stored.operator,
        f"{one.height_m:.3f}" if one.height_m is not None else "",
        f"{one.weight_kg:.1f}" if one.weight_kg is not None else "",
        one.sex.value if one.sex else "",
        one.birth_date,
        (one.measured_on or "with the film") if measured else "",
        stored.reason,
    )


def _correction_facts(stored: StoredCorrection) -> dict[str, object]:
    facts: dict[str, object] = plain(stored.correction)
    return facts | {"reason": stored.reason, "operator": stored.operator, "at": stored.at}


def _object_facts(made: ObjectView) -> dict[str, object]:
    return {
        "result_object_id": made.result_object_id,
        "kind": made.kind,
        "variant": made.variant,
        "archive": made.archive,
        "state": made.state.value if made.state else None,
        "hold_reason": made.hold_reason,
        "error": made.error_message,
    }
