"""The stages run by both drivers: called as one machine does, and by a nudge through Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.celery_driver import CeleryDriver
from tests.support.servers import redis


@pytest.fixture(scope="session")
def celery_driver() -> Iterator[CeleryDriver]:
    """Return a worker, with a Redis that no test takes away."""
    with redis() as server, closing(CeleryDriver(server.url)) as driver:
        yield driver


@pytest.fixture(params=["embedded", "celery"])
def driver(request: pytest.FixtureRequest) -> CeleryDriver | None:
    """Return each of the two drivers in turn."""
    if request.param == "embedded":
        return None
    found: CeleryDriver = request.getfixturevalue("celery_driver")
    return found
