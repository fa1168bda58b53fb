"""Asking archives what they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import build_context, evt
from pynetdicom.events import Event

from screener.domain.errors import ArchiveUnreachable, AssociationRejected
from screener.domain.identifiers import AeTitle
from screener.network.archive_scp import SmallArchive
from screener.network.peers import Peer
from screener.network.query import FoundSeries, find_instances, find_series
from screener.network.server import Server
from screener.network.sop_classes import STUDY_ROOT_FIND
from screener.network.store_scu import Sender
from tests.integration.network.recording_node import (
    DX,
    EXPLICIT,
    NAME,
    SERIES,
    SHORT,
    STUDY,
    Start,
    instance_uid,
    make_instance,
)
from tests.support import servers

pytestmark = pytest.mark.usefixtures("flat")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SmallArchive]:
    with SmallArchive(tmp_path / "archive", timeouts=SHORT) as archive:
        with Sender(
            archive.peer, calling_ae="SENDER", kinds=[(DX, EXPLICIT)], timeouts=SHORT
        ) as sender:
            for number in (1, 2):
                sender.send(make_instance(number))
        yield archive


def instances_at(peer: Peer, *numbers: int, study: str = STUDY, series: str = SERIES) -> set[str]:
    found = find_instances(
        peer,
        calling_ae="SENDER",
        study_instance_uid=study,
        series_instance_uid=series,
        sop_instance_uids=[instance_uid(number) for number in numbers],
        timeouts=SHORT,
    )
    return {str(uid) for uid in found}


@contextmanager
def stubborn_archive(
    *, lists_fail_with: int | None = None, everything_fails_with: int | None = None
) -> Iterator[Peer]:
    """Run an archive that knows two instances, and cannot match a list of UIDs."""

    def find(event: Event) -> Iterator[tuple[int, Dataset | None]]:
        if everything_fails_with is not None:
            yield everything_fails_with, None
            return
        if event.identifier.SOPInstanceUID:
            if lists_fail_with is not None:
                yield lists_fail_with, None
            return
        for number in (1, 2):
            answer = Dataset()
            answer.QueryRetrieveLevel = "IMAGE"
            answer.SOPInstanceUID = instance_uid(number)
            yield 0xFF01, answer

    server = Server(
        ae_title="ARCHIVE",
        host="127.0.0.1",
        port=0,
        contexts=[build_context(STUDY_ROOT_FIND)],
        handlers=[(evt.EVT_C_FIND, find)],
        maximum_associations=5,
        timeouts=SHORT,
    )
    server.start()
    try:
        yield Peer(name="x", ae_title=AeTitle("ARCHIVE"), host="127.0.0.1", port=server.port)
    finally:
        server.stop()


class TestInstances:
    def test_those_that_are_there_are_found(self, archive: SmallArchive) -> None:
        assert instances_at(archive.peer, 1, 2) == {instance_uid(1), instance_uid(2)}

    def test_those_that_are_not_there_are_not_found(self, archive: SmallArchive) -> None:
        assert instances_at(archive.peer, 2, 3) == {instance_uid(2)}
        assert instances_at(archive.peer, 3) == set()

    def test_those_of_another_study_or_series_are_not_found(self, archive: SmallArchive) -> None:
        assert instances_at(archive.peer, 1, study="1.2.3") == set()
        assert instances_at(archive.peer, 1, series="1.2.3") == set()

    def test_more_than_a_list_holds_are_found(self, archive: SmallArchive) -> None:
        assert instances_at(archive.peer, *range(1, 2000)) == {instance_uid(1), instance_uid(2)}

    @pytest.mark.parametrize("status", [None, 0xA900, 0xC001], ids=["nothing", "0xA900", "0xC001"])
    def test_an_archive_that_cannot_match_lists_is_asked_for_the_series(
        self, status: int | None
    ) -> None:
        with stubborn_archive(lists_fail_with=status) as peer:
            assert instances_at(peer, 1, 3) == {instance_uid(1)}

    @pytest.mark.parametrize("status", [0xA700, 0xC001])
    def test_an_archive_that_fails_leaves_it_open(self, status: int) -> None:
        with (
            stubborn_archive(everything_fails_with=status) as peer,
            pytest.raises(ArchiveUnreachable, match=f"0x{status:04X}"),
        ):
            instances_at(peer, 1)

    def test_an_archive_without_query_says_so(self, start: Start) -> None:
        with pytest.raises(AssociationRejected, match="Study Root"):
            instances_at(start(), 1)


class TestSeries:
    def test_the_series_of_a_study_are_found(self, archive: SmallArchive) -> None:
        found = find_series(
            archive.peer, calling_ae="SENDER", study_instance_uid=STUDY, timeouts=SHORT
        )

        assert found == [
            FoundSeries(series_instance_uid=SERIES, modality="DX", description="", instance_count=2)
        ]

    def test_an_unknown_study_has_none(self, archive: SmallArchive) -> None:
        found = find_series(
            archive.peer, calling_ae="SENDER", study_instance_uid="1.2", timeouts=SHORT
        )

        assert found == []


class TestDcmtk:
    def test_findscu_lists_studies_series_and_instances(
        self, archive: SmallArchive, tmp_path: Path
    ) -> None:
        levels = {
            "STUDY": ["StudyInstanceUID", "PatientName=ZZ*", "NumberOfStudyRelatedInstances"],
            "SERIES": [f"StudyInstanceUID={STUDY}", "SeriesInstanceUID", "Modality"],
            "IMAGE": [
                f"StudyInstanceUID={STUDY}",
                f"SeriesInstanceUID={SERIES}",
                "SOPInstanceUID",
            ],
        }
        answers: dict[str, list[Dataset]] = {}
        for level, keys in levels.items():
            folder = tmp_path / level
            ran = servers.findscu(
                archive.peer,
                f"QueryRetrieveLevel={level}",
                *keys,
                calling_ae="SENDER",
                extract_to=folder,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
            answers[level] = [dcmread(path, force=True) for path in sorted(folder.iterdir())]

        (study,), (series,) = answers["STUDY"], answers["SERIES"]
        assert (str(study.PatientName), study.NumberOfStudyRelatedInstances) == (NAME, 2)
        assert (series.SeriesInstanceUID, series.Modality) == (SERIES, "DX")
        assert {one.SOPInstanceUID for one in answers["IMAGE"]} == {
            instance_uid(1),
            instance_uid(2),
        }
