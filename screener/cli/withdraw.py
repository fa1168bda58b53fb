"""`withdraw`: take reports back, one by its study or many by what they have in common."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import NODE, print_json, print_table, say
from screener.cli.studies import find_study
from screener.config import load_settings
from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import StudyId
from screener.domain.withdrawal import LONGEST_REASON, check_reason
from screener.pipeline.withdraw import withdraw as take_back
from screener.storage.database import Database
from screener.storage.withdrawals import StandingReport

#: So much of a predictor's checksum names it.
_SHORTEST_CHECKSUM = 8
_COLUMNS = ("study", "report revision", "reported at", "verdict", "Z", "archives")
#: Filled in by hand.
_TO_SIGN = ("checked by", "signature")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=NODE)(withdraw)


def withdraw(  # noqa: PLR0917 - a command's options
    context: typer.Context,
    reason: Annotated[
        str,
        typer.Option(
            help=f"Why, in at most {LONGEST_REASON} characters. Printed in the withdrawing report: "
            "name no patient in it."
        ),
    ],
    study: Annotated[
        str | None, typer.Argument(help="Our number of the study, or its Study Instance UID.")
    ] = None,
    predictor: Annotated[
        str | None,
        typer.Option(help="Reports of this predictor: its checksum, its label, or NAME@VERSION."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Reports with this BMD reference, NAME@VERSION.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Reports from this day (UTC) on."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="Reports up to this day (UTC), it included."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; print the list.")
    ] = False,
    list_file: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Write the list as CSV, with room to sign."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Withdraw them all: needed without a study.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take back reports: archives get one that says so, and what was not sent never is. Audited.

    Name a study, or what the reports have in common; look first with --dry-run. A withdrawn study
    is never reported again.
    """
    filters = (predictor, reference, since, until)
    if (study is None) == all(value is None for value in filters):
        raise ConfigurationError(
            "name a study, or what the reports have in common (--predictor, --reference, --since, "
            "--until), and not both"
        )
    try:
        check_reason(reason)
    except ValueError as error:
        raise ConfigurationError(f"--reason: {error}") from error
    with opened(load_settings(context.obj)) as database:
        found = _of_study(database, study) if study else _chosen(database, *filters)
        if list_file is not None:
            _write_list(list_file, found)
        goes_ahead = not dry_run and (study is not None or yes)
        withdrawn, refused = _withdraw(database, found, reason) if goes_ahead else ([], {})
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "reports": [_facts(report) for report in found],
                "withdrawn": withdrawn,
                "refused": refused,
            }
        )
    else:
        _print(found, withdrawn, refused)
    if not dry_run and not goes_ahead and found:
        raise ConfigurationError(
            f"nothing was withdrawn: add --yes to withdraw these {len(found)} reports"
        )


def _of_study(database: Database, text: str) -> list[StandingReport]:
    with database.read() as uow:
        study_id = StudyId(find_study(uow.queries.study_id(text), text))
        why_not = uow.withdrawals.refusal(study_id)
        if why_not is not None:
            raise ConfigurationError(f"study {study_id} {why_not}")
        return uow.withdrawals.standing(study_id=study_id)


def _chosen(
    database: Database,
    predictor: str | None,
    reference: str | None,
    since: datetime | None,
    until: datetime | None,
) -> list[StandingReport]:
    with database.read() as uow:
        reports = uow.withdrawals.standing(
            since=since.replace(tzinfo=UTC) if since else None,
            until=until.replace(tzinfo=UTC) + timedelta(days=1) if until else None,
        )
    return [
        report
        for report in reports
        if (predictor is None or _is_by(report, predictor))
        and (reference is None or report.finding.reference == reference.replace("@", " "))
    ]


def _is_by(report: StandingReport, predictor: str) -> bool:
    identity = report.finding.predictor
    if identity is None:
        return False
    by_checksum = len(predictor) >= _SHORTEST_CHECKSUM and identity.checksum.startswith(predictor)
    named = {identity.label, f"{identity.name} {identity.version}"}
    return by_checksum or predictor.replace("@", " ") in named


def _withdraw(
    database: Database, reports: Sequence[StandingReport], reason: str
) -> tuple[list[int], dict[int, str]]:
    """Withdraw each in a commit of its own: what is done is done, wherever it is broken off."""
    withdrawn: list[int] = []
    refused: dict[int, str] = {}
    for report in reports:
        with database.write() as uow:
            why_not = take_back(uow, report.study_id, reason, actor=operator_name())
            if why_not is None:
                uow.announce()
        if why_not is None:
            withdrawn.append(report.study_id)
        else:
            refused[report.study_id] = why_not
    return withdrawn, refused


def _print(
    found: Sequence[StandingReport], withdrawn: Sequence[int], refused: dict[int, str]
) -> None:
    if not found:
        say("no report that can be withdrawn is like that")
        return
    columns = ("study>", "report revision>", "reported at", "verdict", "Z>", "archives holding it")
    print_table(columns, [_row(report) for report in found])
    for study_id in withdrawn:
        say(f"withdrawn: study {study_id}")
    for study_id, why_not in refused.items():
        say(f"study {study_id} {why_not}")


def _write_list(path: Path, reports: Sequence[StandingReport]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*_COLUMNS, *_TO_SIGN])
        writer.writerows([*_row(report), *("" for _ in _TO_SIGN)] for report in reports)


def _row(report: StandingReport) -> tuple[object, ...]:
    estimate = report.finding.estimate
    return (
        report.study_id,
        report.revision,
        f"{report.reported_at:%Y-%m-%d %H:%M:%S}",
        report.finding.verdict.value,
        f"{estimate.z:.1f}" if estimate else "",
        ", ".join(report.archives),
    )


def _facts(report: StandingReport) -> dict[str, object]:
    estimate = report.finding.estimate
    return {
        "study_id": report.study_id,
        "report_revision": report.revision,
        "reported_at": report.reported_at,
        "verdict": report.finding.verdict.value,
        "z": estimate.z if estimate else None,
        "archives": list(report.archives),
    }
