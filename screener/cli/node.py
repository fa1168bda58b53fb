"""`up`, `listen`, `drive`, `db`, `status`, `check`: the node itself."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import typer

from screener.cli.database import opened
from screener.cli.output import NODE, print_json, print_table, say
from screener.config import Settings, export_settings, load_settings
from screener.domain.errors import PredictorMismatch
from screener.domain.stage import Role
from screener.doors import Door, synthetic_statement, try_doors
from screener.health import health
from screener.pipeline.drive import delivery_stages, drive, intake_stages, scoring_stages
from screener.pipeline.due import SILENT_AFTER_S
from screener.pipeline.life import Life
from screener.pipeline.ports import Services
from screener.storage import migrate
from screener.storage.codec import plain
from screener.storage.processes import ProcessSign
from screener.storage.queries import Counts
from screener.supervisor import Supervisor, stop_on_signals, stop_with_supervisor
from screener.telemetry.logging import configure_logging, get_logger
from screener.telemetry.metrics import serve_metrics
from screener.wiring import (
    build_database,
    build_listener,
    build_predictor_facts,
    build_services,
    predictor_folder,
    prepare,
    require_current_database,
)

_ROLES = (Role.INTAKE, Role.SCORING, Role.DELIVERY)

_Lifeline = Annotated[
    bool, typer.Option("--lifeline", hidden=True, help="Stop when standard input closes.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=NODE)(up)
    app.command(rich_help_panel=NODE)(listen)
    app.command(name="drive", hidden=True)(drive_role)
    app.command(rich_help_panel=NODE)(status)
    app.command(rich_help_panel=NODE)(check)
    app.command(name="health", rich_help_panel=NODE)(health_of)
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command()(upgrade)
    app.add_typer(database, name="db", rich_help_panel=NODE)


def up(context: typer.Context, lifeline: _Lifeline = False) -> None:
    """Run the whole node on this machine: listener and drivers, restarted when they die.

    Makes the database and its folders where they are missing. Stops cleanly on Ctrl-C or
    SIGTERM, and starts again where it was.
    """
    settings = load_settings(context.obj)
    configure_logging(role="supervisor")
    prepare(settings)
    _log_synthetic(settings)
    stop = _stop_event(lifeline=lifeline)
    config = ("--config", str(context.obj)) if context.obj else ()
    children = [("listener", (*config, "listen", "--lifeline"))]
    children += [(role.value, (*config, "drive", role.value, "--lifeline")) for role in _ROLES]
    Supervisor(children).run(stop)


def listen(context: typer.Context, lifeline: _Lifeline = False) -> None:
    """Run the listener alone: take films by C-STORE, and archives' commitment reports."""
    settings = load_settings(context.obj)
    configure_logging(role="listener")
    services = _services_of_process(settings)
    stop = _stop_event(lifeline=lifeline)
    serve_metrics(settings.metrics.port)
    listener = build_listener(settings, services)
    listener.start()
    get_logger().info(
        "listening",
        called_ae=settings.listener.ae_title,
        host=settings.listener.host,
        port=listener.port,
    )
    Life(services, Role.LISTENER, facts={"port": str(listener.port)}).keep(stop)
    listener.stop()


def drive_role(
    context: typer.Context,
    role: Annotated[Literal["intake", "scoring", "delivery"], typer.Argument()],
    lifeline: _Lifeline = False,
) -> None:
    """Run one driver process."""
    settings = load_settings(context.obj)
    configure_logging(role=role)
    services = _services_of_process(settings)
    stop = _stop_event(lifeline=lifeline)
    life = Life(services, role, facts={"predictor": services.predictor.identity.label})
    signs = threading.Thread(target=life.keep, args=(stop,), name="life", daemon=True)
    run = partial(drive, poll_s=settings.drive.poll_s, stop=stop, on_work=life.worked)
    if role == "scoring":
        from screener.predictor.predict import TorchPredictor  # noqa: PLC0415 - loads torch

        predictor = TorchPredictor.load(
            predictor_folder(settings),
            device=settings.predictor.device,
            threads=settings.predictor.threads or os.cpu_count() or 1,
        )
        get_logger().info("predictor_loaded", predictor=predictor.identity.label)
        signs.start()
        run(scoring_stages(services, predictor))
    elif role == "intake":
        signs.start()
        run(intake_stages(services))
    else:
        signs.start()
        threads = [
            threading.Thread(
                target=partial(run, delivery_stages(services, name)), name=f"deliver {name}"
            )
            for name in services.archives
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()
    signs.join()
    services.database.dispose()


def upgrade(context: typer.Context) -> None:
    """Bring the database to this version's tables; rows are moved along. Safe to repeat."""
    settings = load_settings(context.obj)
    database = build_database(settings)
    before = migrate.current_revision(database)
    database.dispose()
    prepare(settings)
    after = migrate.newest_revision()
    say(f"database at migration level {after}" + ("" if before != after else " already"))


def status(context: typer.Context, as_json: _Json = False) -> None:
    """Say whether the node works: processes, films, findings, archives, who was refused."""
    settings = load_settings(context.obj)
    with opened(settings) as database, database.read() as uow:
        counts = uow.queries.counts()
        rules = uow.rules.in_force()
        strangers = uow.queries.strangers()
        attention = uow.queries.attention()
        answers = {a.name: uow.archives.health(a.name) for a in settings.archives}
        signs = uow.processes.all()
        now = uow.now
    synthetic = synthetic_statement(settings)
    alive = [s for s in signs if (now - s.alive_at).total_seconds() <= SILENT_AFTER_S]
    beat = (Role.BEAT,) if settings.broker.url else ()
    processes = {
        role.value: any(sign.process.role == role for sign in alive)
        for role in (Role.LISTENER, *_ROLES, *beat)
    }
    running = all(processes.values())
    if as_json:
        print_json(
            {
                "synthetic": synthetic is not None,
                "predictor": _predictor_label(settings),
                "running": running,
                "processes": processes,
                "process_list": [_process(sign, now) for sign in signs],
                "screenings": counts.screenings,
                "studies": counts.studies,
                "verdicts": counts.verdicts,
                "oldest_open": counts.oldest_open,
                "attention": [plain(one) for one in attention],
                "rules_version": rules.version if rules else None,
                "archives": {
                    name: {
                        "mode": rules.mode(name).value if rules else None,
                        "failures": h.failures if h else 0,
                        "error": h.error_message if h else None,
                        "deliveries": _deliveries_of(counts, name),
                    }
                    for name, h in answers.items()
                },
                "rejected": [
                    {
                        "calling_ae": s.calling_ae,
                        "called_ae": s.called_ae,
                        "address": s.address,
                        "reason": s.reason,
                        "count": s.count,
                        "last_at": s.last_at,
                    }
                    for s in strangers
                ],
            }
        )
        return
    if synthetic:
        say((synthetic, "bold yellow"))
    stopped = [role for role, runs in processes.items() if not runs]
    state = ("running", "green") if running else (f"not running: {', '.join(stopped)}", "red")
    version = rules.version if rules else "-"
    say(f"{settings.site.name}: ", state, f"; rules version {version}")
    if settings.broker.url:
        print_table(
            ("process", "on", "at once>", "last sign, s>", "last work"),
            [
                (
                    sign.process.role,
                    sign.process.host,
                    sign.slots,
                    f"{(now - sign.alive_at).total_seconds():.0f}"
                    + ("" if sign in alive else " (gone)"),
                    f"{sign.worked_at:%Y-%m-%d %H:%M:%S}" if sign.worked_at else "none yet",
                )
                for sign in signs
            ],
        )
    print_table(
        ("films", "number>"), [*counts.screenings.items(), *_waiting(counts, now)], title=""
    )
    print_table(("studies", "number>"), counts.studies.items())
    print_table(("verdict", "number>"), counts.verdicts.items())
    archives = [
        (
            name,
            rules.mode(name).value if rules else "",
            ", ".join(f"{n} {s}" for s, n in _deliveries_of(counts, name).items()),
            (h.error_message or "") if h else "never tried",
        )
        for name, h in answers.items()
    ]
    unknown = sorted({name for name, _ in counts.deliveries} - answers.keys())
    archives += [
        (
            name,
            "",
            ", ".join(f"{n} {s}" for s, n in _deliveries_of(counts, name).items()),
            "not among the settings any more",
        )
        for name in unknown
    ]
    if archives:
        print_table(("archive", "mode", "deliveries", "last error"), archives)
    if attention:
        print_table(
            ("needs a look", "state", "number>", "studies, the latest first (screener show)"),
            [(a.what, a.state, a.count, ", ".join(map(str, a.studies))) for a in attention],
        )
    if strangers:
        print_table(
            ("refused caller", "called", "from", "why", "times>"),
            [(s.calling_ae, s.called_ae, s.address, s.reason, s.count) for s in strangers],
        )


def check(context: typer.Context, as_json: _Json = False) -> None:
    """Print the effective settings without secrets, and try every door.

    Exits with 1 where a door does not open.
    """
    settings = load_settings(context.obj)
    configure_logging(role="check")
    synthetic = synthetic_statement(settings)
    shown = _without_secrets(settings)
    if as_json:
        doors = list(try_doors(settings))
        print_json(
            {
                "synthetic": synthetic is not None,
                "settings": shown,
                "doors": [_door(door) for door in doors],
            }
        )
    else:
        if synthetic:
            say((synthetic, "bold yellow"))
        for line in export_settings(shown).splitlines():
            say((line, "bold") if line.startswith("[") else line)
        say("")
        doors = []
        for door in try_doors(settings):
            doors.append(door)
            mark = ("ok  ", "green") if door.ok else ("FAIL", "red")
            advice = f" → {door.advice}" if door.advice else ""
            say(mark, f" {door.name}: {door.said}", (advice, "bold"))
    if not all(door.ok for door in doors):
        raise typer.Exit(1)


def _door(door: Door) -> dict[str, Any]:
    """Return a door as JSON; what an archive accepts only where it was asked."""
    told = {"name": door.name, "ok": door.ok, "said": door.said, "advice": door.advice}
    return told if door.accepts is None else {**told, "accepts": dict(door.accepts)}


def health_of(
    context: typer.Context,
    role: Annotated[Role, typer.Argument(help="Which process of this machine or container.")],
) -> None:
    """Say whether one process of this machine does its work; exits with 1 where it does not.

    Made for container health checks. The listener must answer C-ECHO; the others must give signs
    of life, and take up work while there is some.
    """
    settings = load_settings(context.obj)
    configure_logging(role="health")
    well, said = health(settings, role)
    say(said if well else (said, "red"))
    if not well:
        raise typer.Exit(1)


def _services_of_process(settings: Settings) -> Services:
    services = build_services(settings)
    require_current_database(services.database)
    return services


def _stop_event(*, lifeline: bool) -> threading.Event:
    stop = threading.Event()
    stop_on_signals(stop)
    if lifeline:
        stop_with_supervisor(stop)
    return stop


def _log_synthetic(settings: Settings) -> None:
    identity = build_predictor_facts(settings).identity
    if identity.synthetic:
        get_logger().warning("predictor_is_synthetic", predictor=identity.label)


def _process(sign: ProcessSign, now: datetime) -> dict[str, object]:
    return {
        "role": sign.process.role,
        "host": sign.process.host,
        "pid": sign.process.pid,
        "slots": sign.slots,
        "started_at": sign.started_at,
        "silent_s": round((now - sign.alive_at).total_seconds(), 1),
        "worked_at": sign.worked_at,
        **sign.facts,
    }


def _predictor_label(settings: Settings) -> str | None:
    try:
        return build_predictor_facts(settings).identity.label
    except PredictorMismatch:
        return None  # `screener check` says why


def _deliveries_of(counts: Counts, archive: str) -> dict[str, int]:
    return {state: n for (name, state), n in counts.deliveries.items() if name == archive}


def _waiting(counts: Counts, now: datetime) -> list[tuple[str, str]]:
    if counts.oldest_open is None:
        return []
    return [("oldest at work, s", f"{(now - counts.oldest_open).total_seconds():.0f}")]


def _without_secrets(settings: Settings) -> dict[str, object]:
    values = settings.model_dump(mode="json", exclude={"rules"})
    values["storage"]["database_url"] = build_database(settings).shown_url
    values["broker"]["url"] = settings.broker.shown_url
    return values
