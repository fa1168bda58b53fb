"""`rules show | import | export`: the site's rules, versioned and audited."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.database import opened
from screener.cli.operator import operator_name
from screener.cli.output import NODE, print_json, print_table, say
from screener.config import export_rules, load_settings, read_rules
from screener.domain.errors import ConfigurationError
from screener.storage.queries import LARGEST_NUMBER
from screener.wiring import check_rules


def register(app: typer.Typer) -> None:
    """Add the commands."""
    rules = typer.Typer(help="The site's rules: versioned, audited, taken up without a restart.")
    rules.command()(show)
    rules.command(name="import")(import_)
    rules.command()(export)
    app.add_typer(rules, name="rules", no_args_is_help=True, rich_help_panel=NODE)


def show(
    context: typer.Context,
    version: Annotated[
        int | None, typer.Option(min=1, max=LARGEST_NUMBER, help="An earlier version.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the rules in force, and who changed them when and why."""
    with opened(load_settings(context.obj)) as database, database.read() as uow:
        history = uow.rules.history()
        wanted = version or (history[-1][0] if history else 0)
        document = uow.rules.document(wanted)
    if document is None:
        raise ConfigurationError(f"there is no version {wanted} of the rules")
    if as_json:
        print_json({"version": wanted, "rules": document.model_dump(mode="json")})
        return
    say(f"version {wanted}")
    for section in ("eligibility", "conclusion"):
        values = getattr(document, section)
        print_table(
            (section, "value"), [(name, _cell(getattr(values, name))) for name in values.__slots__]
        )
    print_table(("archive", "mode"), [(n, mode.value) for n, mode in document.archives.items()])
    print_table(
        ("version>", "since", "by", "reason"),
        [(v, f"{at:%Y-%m-%d %H:%M}", by, reason) for v, at, by, reason in history],
    )


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="TOML as `rules export` writes it.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")],
) -> None:
    """Bring rules into force as a new version; a running node takes them up at once."""
    settings = load_settings(context.obj)
    document = read_rules(file)
    check_rules(settings, document)
    with opened(settings) as database, database.write() as uow:
        before = uow.rules.in_force()
        if before is not None and uow.rules.document(before.version) == document:
            say(f"nothing changes: version {before.version} says the same")
            return
        version = uow.rules.add(document, by=operator_name(), reason=reason)
        uow.audit.add(
            actor=operator_name(),
            action="RULES_CHANGED",
            subject=f"rules {version}",
            reason=reason,
        )
    say(f"version {version} of the rules is in force")


def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Default: standard output.")] = None,
) -> None:
    """Write the rules in force as TOML, to be edited and imported again."""
    with opened(load_settings(context.obj)) as database, database.read() as uow:
        rules = uow.rules.in_force()
        document = uow.rules.document(rules.version) if rules else None
    if document is None:
        raise ConfigurationError("the database has no rules yet; run `screener db upgrade`")
    text = export_rules(document)
    if file is None:
        sys.stdout.write(text)
    else:
        file.write_text(text, encoding="utf-8")
        say(f"wrote {file}")


def _cell(value: object) -> str:
    """Return a rule's value as people write it: a list without quotes and brackets."""
    if value is None:
        return "left to the predictor's card"
    return "   ".join(value) if isinstance(value, tuple) else str(value)
