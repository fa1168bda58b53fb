"""Health of one process of this machine or container: whether it does its work."""

from __future__ import annotations

import time
from datetime import datetime

from screener.config import Settings
from screener.domain.errors import ScreenerError
from screener.domain.identifiers import AeTitle
from screener.domain.stage import ROLE_OF, Pulse, Role, trouble
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.store_scu import echo
from screener.pipeline.due import SILENT_AFTER_S, standing
from screener.pipeline.life import process_here
from screener.pipeline.ports import Services
from screener.storage.processes import ProcessSign
from screener.wiring import build_services

#: Work that has just become due is taken within a second or two: look again before complaining, s.
_SECOND_LOOK_S = 4.0
#: Beyond the lease, within which a stage is done or taken for dead, s.
_IDLE_GRACE_S = 60.0

_TIMEOUTS = Timeouts(connect_s=5.0, acse_s=5.0, dimse_s=5.0, idle_s=5.0)


def health(settings: Settings, role: Role) -> tuple[bool, str]:
    """Return whether a role's process on this machine does its work, and what there is to say.

    The listener must answer C-ECHO and be able to write rows; the others must give signs of life,
    and run stages while there is something for them to do; the beat must reach the broker.
    """
    try:
        services = build_services(settings)
    except ScreenerError as error:
        return False, str(error)
    try:
        if role is Role.LISTENER:
            _echo(settings)
        wrong, sign = _look(services, role, settings)
        if wrong is not None and sign is not None:
            time.sleep(_SECOND_LOOK_S)
            wrong, sign = _look(services, role, settings)
    except ScreenerError as error:
        return False, str(error)
    finally:
        services.database.dispose()
    if wrong is not None or sign is None:
        return False, f"{role.value} on {process_here(role).host}: {wrong}"
    facts = ", ".join(f"{name} {value}" for name, value in sign.facts.items())
    return True, f"{role.value} (process {sign.process.pid}) does its work" + (
        f"; {facts}" if facts else ""
    )


def _look(
    services: Services, role: Role, settings: Settings
) -> tuple[str | None, ProcessSign | None]:
    """Return what is wrong with one of a role's processes here, and the sign that tells."""
    here = process_here(role).host
    with services.database.read() as uow:
        signs = [
            sign
            for sign in uow.processes.all()
            if (sign.process.role, sign.process.host) == (role, here)
        ]
        now = uow.now
    if not signs:
        return "it has given no sign of life; is it running?", None
    # one that was killed leaves its last sign behind: another has taken its place
    last = max(sign.alive_at for sign in signs)
    has_work = role in {ROLE_OF[stage] for stage in standing(services).due}
    for sign in signs:
        if sign.alive_at != last and _seconds(now, sign.alive_at) > SILENT_AFTER_S:
            continue
        if role is Role.BEAT and sign.facts.get("broker") == "unreachable":
            return "the broker cannot be reached", sign
        wrong = trouble(
            Pulse(
                silent_s=_seconds(now, sign.alive_at),
                idle_s=_seconds(now, sign.worked_at or sign.started_at),
                has_work=has_work,
            ),
            silent_after_s=SILENT_AFTER_S,
            idle_after_s=settings.drive.lease_s + _IDLE_GRACE_S,
        )
        if wrong is not None:
            return wrong, sign
    return None, max(signs, key=lambda sign: sign.alive_at)


def _seconds(now: datetime, then: datetime) -> float:
    return (now - then).total_seconds()


def _echo(settings: Settings) -> None:
    listener = settings.listener
    known = [caller.ae_title for caller in listener.callers]
    known += [archive.ae_title for archive in settings.archives]
    peer = Peer(
        name="this node",
        ae_title=AeTitle(listener.ae_title),
        host="127.0.0.1" if listener.host in {"0.0.0.0", "::"} else listener.host,  # noqa: S104 - compared only
        port=listener.port,
    )
    echo(peer, calling_ae=(known or [listener.ae_title])[0], timeouts=_TIMEOUTS)
