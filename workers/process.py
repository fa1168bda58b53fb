"""One process of the node: a worker that takes nudges, or the beat that sends them."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

from celery import Celery, signals

from screener.config import Settings
from screener.domain.stage import Role
from screener.pipeline.life import Life
from screener.pipeline.ports import Predictor, Services
from screener.telemetry.logging import configure_logging, get_logger
from screener.wiring import build_services, predictor_folder, require_current_database
from workers.app import make_app
from workers.nudge import Nudger
from workers.queues import QUEUES_OF
from workers.relay import Relay
from workers.tasks import register
from workers.workplace import Workplace


def work(settings: Settings, role: Role, stop: threading.Event) -> int:
    """Take nudges of a role until told to stop; return the exit code.

    Parameters
    ----------
    stop
        Ends the worker when it is set, once the stage in hand is done.

    Notes
    -----
    Celery's solo pool: the process that takes a nudge runs its stage. None is forked, so that
    torch, CUDA and open databases stay in the process that made them; more at a time are more
    processes.

    Raises
    ------
    ConfigurationError, PredictorMismatch
        A part is missing or does not fit; says which and what to do.
    """
    app = make_app(settings)
    services = _services(settings, role)
    life = Life(services, role, facts={"predictor": services.predictor.identity.label})
    workplace = Workplace(
        services,
        role,
        Nudger(app),
        load_predictor=partial(_load_predictor, settings),
        on_work=life.worked,
    )
    register(app, workplace, settings.drive)
    signs = threading.Thread(target=life.keep, args=(stop,), name="life", daemon=True)
    signs.start()
    try:
        return _consume(app, role, stop)
    finally:
        stop.set()
        signs.join(10)
        services.database.dispose()


def beat(settings: Settings, stop: threading.Event) -> int:
    """Nudge the workers of what is due until told to stop; return the exit code."""
    app = make_app(settings)
    services = _services(settings, Role.BEAT)
    get_logger().info("beating")
    Relay(services, Nudger(app), Life(services, Role.BEAT)).run(stop)
    services.database.dispose()
    return 0


def _services(settings: Settings, role: Role) -> Services:
    configure_logging(role=role.value)
    services = build_services(settings)
    require_current_database(services.database)
    return services


def _load_predictor(settings: Settings) -> Predictor:
    from screener.predictor.predict import TorchPredictor  # noqa: PLC0415 - loads torch

    predictor = TorchPredictor.load(
        predictor_folder(settings),
        device=settings.predictor.device,
        threads=settings.predictor.threads or os.cpu_count() or 1,
    )
    get_logger().info("predictor_loaded", predictor=predictor.identity.label)
    return predictor


def _consume(app: Celery, role: Role, stop: threading.Event) -> int:
    # ours is set up already
    signals.setup_logging.connect(keep_logging, weak=False)
    worker = app.Worker(
        hostname=f"{role.value}@%h.{os.getpid()}",
        pool="solo",
        concurrency=1,
        queues=[queue.value for queue in QUEUES_OF[role]],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    ended = threading.Event()
    threading.Thread(target=_end_on, args=(stop, ended), name="stop", daemon=True).start()
    get_logger().info("taking_nudges")
    worker.start()
    ended.set()
    return int(worker.exitcode or 0)


def _end_on(stop: threading.Event, ended: threading.Event) -> None:
    # Celery ends on its signal alone, after the stage in hand
    stop.wait()
    if not ended.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def keep_logging(**_: object) -> None:
    """Celery leaves logging alone where somebody answers this signal."""
