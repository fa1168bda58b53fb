"""No patient's name, id, birth date or UID reaches a log, whatever goes wrong."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from screener.domain.errors import ArchiveUnreachable
from screener.domain.stage import StageName
from screener.pipeline.drive import Stage, drive
from screener.pipeline.recover import recover
from screener.telemetry.logging import configure_logging
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import (
    Commits,
    Crash,
    RecordingArchive,
    Rig,
    film_pixels,
    incoming,
    make_film,
    once,
)

SECRETS: dict[str, Any] = {
    "PatientName": "Zwirnlein^Ottokar",
    "PatientID": "KRANK-4711",
    "IssuerOfPatientID": "HAUS-SIEBEN",
    "PatientBirthDate": "20151017",
    "AccessionNumber": "ACC-90210",
    "InstitutionName": "Klinik am Birnbaum",
}
#: As a date may be written, too.
MORE_SECRETS = ("Zwirnlein", "Ottokar", "2015-10-17", "17.10.2015", "datetime.date(2015, 10, 17)")


@contextlib.contextmanager
def logging_as_in_service() -> Iterator[None]:
    """Log as a process of the product does; undo it afterwards."""
    root = logging.getLogger()
    before = structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        with warnings.catch_warnings():
            configure_logging(role="test")
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers = handlers
        root.setLevel(level)
        structlog.contextvars.clear_contextvars()
        structlog.configure(**before)


def bad_day(rig: Rig) -> None:
    """Let about everything happen that is logged."""
    film = make_film(1, study=1, z=-3, **SECRETS)
    rig.store(replace(incoming(film), data_set=b"no data set"))
    rig.store(replace(incoming(film), sop_instance_uid="1.2.3"))
    rig.archive.is_away = True
    rig.send(film)
    rig.screen(film)
    rig.screen(make_film(1, study=1, z=-2.5, **SECRETS))
    rig.screen(make_film(1, study=1, z=-2.5, pixels=film_pixels(2), **SECRETS))
    rig.screen(make_film(3, study=1, **SECRETS | {"PatientBirthDate": "17.10.2015 KRANK-4711"}))
    rig.screen(make_film(4, study=1, PatientAge=b"KRANK-4711 x", **SECRETS))
    cut_short = make_film(5, study=1, **SECRETS)
    cut_short.PixelData = cut_short.PixelData[:100]
    rig.screen(cut_short)
    rig.archive.is_away = False
    rig.archive.after_send = once(Crash("Zwirnlein^Ottokar"))
    rig.clock.advance(1000)
    _drive_once(rig, "deliver pacs")
    rig.archive.before_send = once(ArchiveUnreachable("it broke off"))
    for _ in range(4):
        rig.pass_time(1500)
    rig.archive.report_later(rig.services)
    gone = make_film(6, study=2, z=-3, **SECRETS)
    rig.send(gone)
    rig.services.spool.discard(rig.films(2)[0].spool_key)
    rig.settle()
    recover(rig.services)
    warnings.warn("Invalid value for VR DA: '17.10.2015'", stacklevel=1)
    for library in ("pydicom", "some.library"):  # pynetdicom's settings silence the first
        logging.getLogger(library).warning("PatientName %s", SECRETS["PatientName"])


def _drive_once(rig: Rig, stage: str) -> None:
    """Run a stage as the driver does, which logs what breaks it."""
    stop = threading.Event()

    def run() -> int:
        stop.set()
        return rig.run(stage)

    drive([Stage(name=StageName(stage.split(maxsplit=1)[0]), run=run)], poll_s=0.01, stop=stop)


def test_no_identity_is_logged_over_a_whole_flow_with_failures(
    make_rig: MakeRig, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = make_rig(RecordingArchive(commits=Commits.LATER))

    with logging_as_in_service():
        bad_day(rig)

    captured = capsys.readouterr()
    text = captured.out + captured.err
    events = {json.loads(line)["event"] for line in text.splitlines()}
    uids: set[str] = {film.sop_instance_uid for film in rig.films()}
    uids |= {film.header.study_instance_uid for film in rig.films() if film.header}
    uids |= {uid for uid, _ in rig.archive.sent}
    assert len(uids) > 5
    secrets = {*SECRETS.values(), *MORE_SECRETS, *uids, "1.2.3"}
    assert {secret for secret in secrets if secret in text} == set()
    assert events >= {
        "instance_received",
        "instance_unreadable",
        "instance_does_not_match_request",
        "film_judged",
        "film_scored",
        "film_not_scored",
        "judging_failed",
        "study_concluded",
        "study_reported",
        "archive_away",
        "stage_broke",
        "object_sent",
        "commitment_asked",
        "commitment_report",
        "library_record",
    }


def test_no_identity_stands_in_the_error_messages_of_rows(make_rig: MakeRig) -> None:
    rig = make_rig(RecordingArchive(commits=Commits.LATER))
    with logging_as_in_service():
        bad_day(rig)

    with rig.services.database.read() as uow:
        messages = [film.error_message or "" for film in uow.queries.films()]
        messages += [study.error_message or "" for study in uow.queries.studies()]
    messages += [made.error_message or "" for made in rig.objects()]
    text = "\n".join(messages)
    assert text.strip()
    assert not [secret for secret in (*SECRETS.values(), *MORE_SECRETS) if secret in text]
