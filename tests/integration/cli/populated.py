"""A node's database with studies in several states, made by its own stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pydicom.dataset import Dataset

from screener.config import Settings
from screener.network.status import StoreOutcome
from screener.pipeline.conclude import conclude
from screener.pipeline.judge import judge
from screener.pipeline.ports import Services
from screener.pipeline.receive import receive
from screener.pipeline.report import report
from screener.pipeline.score import score
from screener.wiring import build_services
from tests.support.pipeline_rig import facts_of, incoming, make_film
from tests.support.stub_predictor import HeightPredictor

LOW, NOT_LOW, ADULT, BROKEN = 1, 2, 3, 4


@contextmanager
def services_of(settings: Settings) -> Iterator[Services]:
    """Return the node's services, with a predictor that reads Z off the height."""
    services = build_services(settings)
    try:
        yield replace(services, predictor=facts_of(HeightPredictor()))
    finally:
        services.database.dispose()


def populate(settings: Settings) -> None:
    """Screen four children: one low, one not, one grown up, and one whose film was lost."""
    films: dict[int, Dataset] = {
        LOW: make_film(1, z=-3.0, child=1),
        NOT_LOW: make_film(2, z=0.5, child=2),
        ADULT: make_film(3, child=3, PatientBirthDate="19800101", PatientAge="046Y"),
        BROKEN: make_film(4, child=4),
    }
    with services_of(settings) as services:
        for film in films.values():
            assert receive(services, incoming(film)) is StoreOutcome.STORED
        with services.database.read() as uow:
            lost = uow.queries.films(BROKEN)[0]
        services.spool.discard(lost.spool_key)
        predictor = HeightPredictor()
        stages = (judge, lambda s: score(s, predictor), conclude, report)
        while sum(stage(services) for stage in stages):
            pass
