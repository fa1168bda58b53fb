"""Recover: what a crash or a change of settings has left behind."""

from __future__ import annotations

from collections.abc import Callable

from screener.pipeline.ports import Services
from screener.storage.database import UnitOfWork
from screener.storage.spool import Spool
from screener.telemetry.logging import get_logger

#: A file without a row that is younger may belong to a commit that is still under way.
_ORPHAN_AFTER_S = 3600.0
_CHUNK = 500


def recover(services: Services) -> int:
    """Remove orphan files and hold deliveries to archives that are gone; return how many.

    Expired leases need no sweeping: the claims find them.
    """
    orphans = _sweep(services, services.spool, lambda uow, keys: uow.instances.spool_keys(keys))
    orphans += _sweep(services, services.vault, lambda uow, keys: uow.findings.vault_keys(keys))
    with services.database.write() as uow:
        held = uow.deliveries.hold_unknown(services.archives.keys())
    if orphans or held:
        get_logger().info("recovered", count=orphans + held)
    return orphans + held


def _sweep(
    services: Services, spool: Spool, known: Callable[[UnitOfWork, list[str]], set[str]]
) -> int:
    old = list(spool.older_than(_ORPHAN_AFTER_S))
    removed = 0
    for start in range(0, len(old), _CHUNK):
        keys = old[start : start + _CHUNK]
        with services.database.read() as uow:
            with_row = known(uow, keys)
        for key in keys:
            if key not in with_row:
                spool.discard(key)
                removed += 1
    return removed
