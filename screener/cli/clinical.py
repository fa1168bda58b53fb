"""`clinical import`: heights and weights that the site measured elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import NODE, complain, print_json, say
from screener.config import load_settings
from screener.domain.clinical_table import ClinicalTable, Fault, read_clinical_table
from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import StudyId
from screener.pipeline.correct import import_measurements
from screener.storage.clinical import Kept
from screener.storage.references import load_growth_reference

#: Wrong lines that are named.
_NAMED = 20


class _NothingIsKept(Exception):
    """Takes back what a dry run has done."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    clinical = typer.Typer(help="Heights and weights that the site measured elsewhere.")
    clinical.command(name="import")(import_)
    app.add_typer(clinical, name="clinical", no_args_is_help=True, rich_help_panel=NODE)

    # a Typer of one command would take its place
    @clinical.callback()
    def _group() -> None:
        pass


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="CSV", help="The table.")],
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Import the other lines where some are wrong.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what an import would do, and do nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import heights and weights for films that come without. Audited.

    A film whose header has no usable height or weight gets the nearest one of the same patient
    within 90 days. Films that lacked it are judged and scored again.

    The first line names the columns, in any order: **patient_id** (or PatientID, pid, mrn);
    **issuer** (or IssuerOfPatientID; may be left out); **height_cm**, or **height_m** (or
    PatientSize); **weight_kg** (or PatientWeight); **measured_on** (or date, measurement_date),
    written YYYY-MM-DD. Other columns are left alone. UTF-8; separated by commas, or by semicolons,
    and then a decimal comma may be used.

    Wrong lines are named by number, and nothing is imported, unless --skip-bad is given. The same
    table again imports nothing.
    """
    settings = load_settings(context.obj)
    if not file.is_file():
        raise ConfigurationError(f"there is no file {file}")
    table = read_clinical_table(file.read_bytes(), today=datetime.now(UTC).date())
    stop = bool(table.faults) and not skip_bad
    kept, taken = Kept(), list[StudyId]()
    if not stop:
        with opened(settings) as database, suppress(_NothingIsKept), database.write() as uow:
            kept, taken = import_measurements(
                uow,
                table.measurements,
                growth=load_growth_reference(),
                operator=operator_name(),
                skipped=table.wrong_lines,
            )
            if dry_run:
                raise _NothingIsKept
    if as_json:
        print_json(_facts(table, kept, taken, dry_run=dry_run))
    else:
        _say_faults(table.faults)
    if stop and not as_json:
        raise ConfigurationError(
            f"nothing was imported: {table.wrong_lines} of {table.lines} lines are wrong; mend "
            "them, or leave them out with --skip-bad"
        )
    if stop:
        raise typer.Exit(2)
    if not as_json:
        _say(table, kept, taken, dry_run=dry_run)


def _say_faults(faults: Sequence[Fault]) -> None:
    for fault in faults[:_NAMED]:
        complain(f"line {fault.line}, {fault.column}: {fault.what}")
    if len(faults) > _NAMED:
        complain(f"and {len(faults) - _NAMED} more")


def _say(table: ClinicalTable, kept: Kept, taken: Sequence[StudyId], *, dry_run: bool) -> None:
    if dry_run:
        say("a dry run: nothing was kept")
    if table.wrong_lines:
        say(f"wrong lines left out: {table.wrong_lines}")
    say(
        f"measurements: {kept.new} new, {kept.changed} with another value than before, "
        f"{kept.unchanged} known already"
    )
    say(f"studies taken up again: {len(taken)}")


def _facts(
    table: ClinicalTable, kept: Kept, taken: Sequence[StudyId], *, dry_run: bool
) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "lines": table.lines,
        "wrong_lines": table.wrong_lines,
        "faults": [
            {"line": fault.line, "column": fault.column, "what": fault.what}
            for fault in table.faults[:_NAMED]
        ],
        "new": kept.new,
        "changed": kept.changed,
        "unchanged": kept.unchanged,
        "studies_taken_up": list(taken),
    }
