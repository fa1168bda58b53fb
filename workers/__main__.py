"""`screener-worker`: the processes of a node on many machines."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from screener.config import load_settings
from screener.domain.errors import ConfigurationError, ScreenerError
from screener.domain.stage import Role
from screener.supervisor import Supervisor, stop_on_signals, stop_with_supervisor
from screener.telemetry.logging import configure_logging
from workers.process import beat, work

_MOST_PROCESSES = 64

_ROLES = {
    Role.INTAKE: "judges films, concludes studies, makes reports, clears up",
    Role.SCORING: "scores films; loads the predictor once",
    Role.DELIVERY: "sends reports to archives and asks for storage commitment",
    Role.BEAT: "tells the others that there is work; one is enough, two do no harm",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one role until SIGTERM or Ctrl-C; return the exit code."""
    given = _parser().parse_args(arguments)
    role = Role(given.role)
    try:
        settings = load_settings(given.config)
        # before anything is started: a missing broker is said once
        _ = settings.broker.full_url
        stop = threading.Event()
        if given.processes > 1:
            configure_logging(role="supervisor")
            stop_on_signals(stop)
            _supervise(role, given.processes, given.config, stop)
            return 0
        if given.lifeline:
            stop_with_supervisor(stop)
        if role is Role.BEAT:
            stop_on_signals(stop)
            return beat(settings, stop)
        return work(settings, role, stop)
    except ScreenerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2 if isinstance(error, ConfigurationError) else 1


def _supervise(role: Role, count: int, config: Path | None, stop: threading.Event) -> None:
    arguments = [role.value, "--lifeline", *(("--config", str(config)) if config else ())]
    Supervisor(
        [(f"{role.value} {number}", arguments) for number in range(1, count + 1)],
        module="workers",
    ).run(stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="screener-worker",
        description="Run one role of a node on many machines, until SIGTERM or Ctrl-C.\n\nroles:\n"
        + "\n".join(f"  {role.value:9} {what}" for role, what in _ROLES.items()),
        epilog="Films are received by `screener listen`. One machine alone needs `screener up`,\n"
        "and none of this. Settings come from --config, the file that SCREENER_CONFIG names, or\n"
        "screener.toml, and from SCREENER_ variables; broker.url must name a Redis server.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "role",
        choices=[role.value for role in _ROLES],
        metavar="ROLE",
        help="intake, scoring, delivery or beat",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file")
    parser.add_argument(
        "--processes",
        type=_count,
        default=1,
        metavar="N",
        help="so many processes, each of which runs one stage at a time (default: 1)",
    )
    parser.add_argument("--lifeline", action="store_true", help=argparse.SUPPRESS)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_PROCESSES}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
