"""The whole flow in any order, with crashes anywhere: nothing lost, nothing doubled."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from screener.config import ConfirmBy
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Prediction
from screener.imaging.preprocess import ModelInput
from screener.pipeline.recover import recover
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import (
    LEASE_S,
    SETTLE_S,
    Commits,
    Crash,
    RecordingArchive,
    Rig,
    film_pixels,
    make_film,
    nothing,
)
from tests.support.stub_predictor import HeightPredictor

_STEPS = 120


class Weather:
    """Crashes, absences and delays, as a seed has them; none once it has cleared."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.is_bad = True

    def strike(self, _: str = "") -> None:
        if self.is_bad and self._chance.random() < 0.15:
            raise Crash


class MortalPredictor(HeightPredictor):
    """Dies now and then."""

    def __init__(self, weather: Weather) -> None:
        super().__init__()
        self._weather = weather

    def predict(
        self, items: Sequence[tuple[ModelInput, ClinicalVariables]]
    ) -> Sequence[Prediction]:
        self._weather.strike()
        predictions = super().predict(items)
        self._weather.strike()
        return predictions


def arrivals() -> list[tuple[Dataset, str]]:
    """Return what arrives: (film, transfer syntax), in no particular order.

    Studies 1 and 5 are LOW, 1 with two films; 2 is not; 3 is INDETERMINATE; 4 is a lateral; 6 is
    LOW and of the child of study 5.
    """
    explicit = str(ExplicitVRLittleEndian)
    return [
        (make_film(1, study=1, child=1, z=-3.0), explicit),
        (make_film(2, study=1, child=1, z=-2.6), explicit),
        (make_film(2, study=1, child=1, z=-2.6), str(RLELossless)),
        (make_film(3, study=2, child=2, z=0.5), explicit),
        (make_film(4, study=3, child=3, z=-3.0), explicit),
        (make_film(5, study=3, child=3, z=-1.0), explicit),
        (make_film(6, study=4, child=4, ViewPosition="LL", ViewCodeSequence=None), explicit),
        (make_film(7, study=5, child=5, z=-2.4), explicit),
        (make_film(8, study=6, child=5, z=-2.8), explicit),
        (make_film(9, study=2, child=2, z=0.5, pixels=film_pixels(3)), explicit),
    ]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_whatever_happens_in_between_the_right_objects_are_in_the_archive_once(
    make_rig: MakeRig, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, nothing secret
    weather = Weather(chance)
    archives = (
        RecordingArchive("commits", commits=Commits.LATER),
        RecordingArchive("lists", confirm_by=ConfirmBy.QUERY),
    )
    for archive in archives:
        archive.before_send = archive.after_send = weather.strike
    rig = make_rig(*archives, predictor=MortalPredictor(weather))
    to_come = arrivals()
    chance.shuffle(to_come)

    for _ in range(_STEPS):
        _something_happens(rig, chance, to_come)
    for film, transfer_syntax in to_come:
        rig.send(film, transfer_syntax=transfer_syntax)
    _clear_up(rig, weather)

    assert rig.at_an_end(), (rig.film_states(), [made.state for made in rig.objects()])
    _assert_right(rig)


def _something_happens(rig: Rig, chance: random.Random, to_come: list[tuple[Dataset, str]]) -> None:
    what = chance.random()
    if what < 0.1 and to_come:
        film, transfer_syntax = to_come.pop()
        rig.send(film, transfer_syntax=transfer_syntax)
    elif what < 0.2:
        rig.clock.advance(chance.choice([1, 10, LEASE_S, SETTLE_S]))
    elif what < 0.25:
        archive = chance.choice(rig.archives)
        archive.is_away = not archive.is_away
    elif what < 0.3:
        rig.archive.report_later(rig.services)
    else:
        stage = chance.choice(list(rig.stages().values()))
        for _ in range(chance.choice([1, 1, 2])):
            with suppress(Crash):
                stage()


def _clear_up(rig: Rig, weather: Weather) -> None:
    """Let the weather clear, and time pass; an operator takes up what has failed."""
    weather.is_bad = False
    for archive in rig.archives:
        archive.is_away = False
        archive.before_send = archive.after_send = nothing
    for _ in range(8):
        rig.pass_time(1500)
        rig.archive.report_later(rig.services)
        _retry_everything(rig)
    recover(rig.services)


def _retry_everything(rig: Rig) -> None:
    with rig.services.database.write() as uow:
        for film in uow.queries.films():
            if film.state == "FAILED" and uow.screenings.retry(film.screening_id):  # type: ignore[arg-type]
                uow.studies.reopen(film.study_id)  # type: ignore[arg-type]
        studies = uow.queries.studies()
        for study in studies:
            uow.studies.retry(study.study_id)  # type: ignore[arg-type]
    for study in studies:
        if rig.delivery_states(study.study_id) & {"FAILED", "REFUSED"}:
            rig.retry(study.study_id)


def _assert_right(rig: Rig) -> None:
    with rig.services.database.read() as uow:
        by_uid = {uow.queries.study(s.study_id) for s in uow.queries.studies()}
    verdicts = sorted(str(study.verdict) for study in by_uid)
    assert verdicts == ["INDETERMINATE", "LOW", "LOW", "LOW", "NOT_ASSESSED", "NOT_LOW"]
    assert sum(study.covered_by is not None for study in by_uid) == 1

    with rig.services.database.read() as uow:
        to_delete = {
            archive.name: {
                one.sop_instance_uid
                for one in uow.withdrawals.deletions()
                if one.archive == archive.name
            }
            for archive in rig.archives
        }
    results = [made for study in by_uid for made in rig.objects(study.study_id)]
    for archive in rig.archives:
        # pictures that a later report had replaced before they could be sent are not sent
        made = {
            result.sop_instance_uid: rig.services.vault.read(result.vault_key)
            for result in results
            if result.archive == archive.name and result.state != "CANCELLED"
        }
        sent = defaultdict(set)
        for uid, data in archive.sent:
            sent[uid].add(data)
        assert all(len(versions) == 1 for versions in sent.values())
        assert made.items() <= archive.kept.items()
        assert archive.kept.keys() - made.keys() <= to_delete[archive.name]
