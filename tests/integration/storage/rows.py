"""Rows as the listener adds them, and as a worker claims them."""

from __future__ import annotations

import uuid
from datetime import timedelta

from screener.domain.identifiers import SopInstanceUid, StudyInstanceUid
from screener.storage.database import Database
from screener.storage.instances import Reception
from screener.storage.screenings import ClaimedScreening

LEASE = timedelta(seconds=60)


def receive(database: Database, number: int, study: str = "2.25.1") -> None:
    with database.write() as uow:
        study_id = uow.studies.receive(StudyInstanceUid(study))
        instance_id = uow.instances.add(
            Reception(
                sop_class_uid="1.2.840.10008.5.1.4.1.1.1",
                sop_instance_uid=SopInstanceUid(f"2.25.{number}"),
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                spool_key=f"00/{uuid.uuid4().hex}.dcm",
                size_bytes=1,
                file_digest=f"{number:064d}",
                calling_ae="MODALITY",
                called_ae="BMDSCREEN",
                address="127.0.0.1",
            ),
            study_id,
        )
        uow.screenings.add(instance_id, study_id)


def claim(database: Database, limit: int = 10) -> list[ClaimedScreening]:
    with database.write() as uow:
        return uow.screenings.claim_received(limit=limit, lease=LEASE)
