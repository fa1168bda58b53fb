"""`deletions`: withdrawn objects that archives without rejection notes still have."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import NODE, print_json, print_table, say
from screener.cli.studies import find_study
from screener.config import Settings, load_settings
from screener.dicom.labels import ArchiveLabels, archive_labels
from screener.domain.errors import ConfigurationError, UnreadableInstance
from screener.domain.identifiers import StudyId
from screener.storage.spool import Spool
from screener.storage.withdrawals import Deletion

_COLUMNS = (
    "archive",
    "study",
    "Study Instance UID",
    "accession number",
    "Series Instance UID",
    "series description",
    "SOP Instance UID",
    "open since",
    "confirmed at",
    "confirmed by",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel=NODE)(deletions)


def deletions(
    context: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="What is deleted and confirmed, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the list as CSV.")
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="STUDY", help="Close a study's: they are deleted at --archive."),
    ] = None,
    archive: Annotated[
        str | None, typer.Option(metavar="NAME", help="At which archive they are deleted.")
    ] = None,
) -> None:
    """List withdrawn objects that an archive's administrator has to delete, by archive and study.

    The list is for that administrator: it names accession numbers and UIDs. Archives with
    withdrawal = "iocm" get a rejection note instead, and are not on it.
    """
    settings = load_settings(context.obj)
    if (confirm is None) != (archive is None):
        raise ConfigurationError("--confirm STUDY and --archive NAME belong together")
    if confirm is not None and archive is not None:
        _confirm(settings, confirm, archive)
        return
    with opened(settings) as database, database.read() as uow:
        found = uow.withdrawals.deletions(closed=everything)
    vault = Spool(settings.storage.folder / "vault")
    listed = [(deletion, _labels(vault, deletion)) for deletion in found]
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows(_row(deletion, labels) for deletion, labels in listed)
    if as_json:
        print_json([_facts(deletion, labels) for deletion, labels in listed])
        return
    _print(listed)


def _confirm(settings: Settings, text: str, archive: str) -> None:
    with opened(settings) as database, database.write() as uow:
        study_id = StudyId(find_study(uow.queries.study_id(text), text))
        count = uow.withdrawals.confirm_deletions(study_id, archive, by=operator_name())
        if not count:
            raise ConfigurationError(
                f"study {study_id} has nothing to delete at {archive}; `screener deletions` "
                "lists what there is"
            )
        uow.audit.add(
            actor=operator_name(),
            action="DELETIONS_CONFIRMED",
            subject=f"study {study_id}",
            archive=archive,
            count=count,
        )
    say(f"confirmed: {count} objects of study {study_id} are deleted at {archive}")


def _labels(vault: Spool, deletion: Deletion) -> ArchiveLabels:
    try:
        return archive_labels(vault.path(deletion.vault_key))
    except UnreadableInstance:
        return ArchiveLabels()


def _print(listed: Sequence[tuple[Deletion, ArchiveLabels]]) -> None:
    if not listed:
        say("nothing is to be deleted")
        return
    for archive, study_id in dict.fromkeys((d.archive, d.study_id) for d, _ in listed):
        of_both = [(d, n) for d, n in listed if (d.archive, d.study_id) == (archive, study_id)]
        first, labels = of_both[0]
        say(
            (f"{archive}: study {study_id}", "bold"),
            f", accession number {labels.accession_number or '(none)'}, "
            f"Study Instance UID {first.study_instance_uid}",
        )
        print_table(
            ("series description", "Series Instance UID", "SOP Instance UID", "deleted"),
            [
                (
                    names.series_description or deletion.kind,
                    deletion.series_instance_uid,
                    deletion.sop_instance_uid,
                    f"{deletion.confirmed_at:%Y-%m-%d}, {deletion.confirmed_by}"
                    if deletion.confirmed_at
                    else "",
                )
                for deletion, names in of_both
            ],
        )


def _row(deletion: Deletion, labels: ArchiveLabels) -> tuple[object, ...]:
    closed = deletion.confirmed_at
    return (
        deletion.archive,
        deletion.study_id,
        deletion.study_instance_uid,
        labels.accession_number,
        deletion.series_instance_uid,
        labels.series_description,
        deletion.sop_instance_uid,
        f"{deletion.opened_at:%Y-%m-%d %H:%M:%S}",
        f"{closed:%Y-%m-%d %H:%M:%S}" if closed else "",
        deletion.confirmed_by or "",
    )


def _facts(deletion: Deletion, labels: ArchiveLabels) -> dict[str, object]:
    return {
        "archive": deletion.archive,
        "study_id": deletion.study_id,
        "study_instance_uid": deletion.study_instance_uid,
        "accession_number": labels.accession_number,
        "series_instance_uid": deletion.series_instance_uid,
        "series_description": labels.series_description,
        "sop_instance_uid": deletion.sop_instance_uid,
        "kind": deletion.kind,
        "opened_at": deletion.opened_at,
        "confirmed_at": deletion.confirmed_at,
        "confirmed_by": deletion.confirmed_by,
    }
