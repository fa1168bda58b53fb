"""The small archive's folder: what it keeps, and what C-FIND matches."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from screener.domain.errors import UnreadableInstance
from screener.domain.identifiers import SopInstanceUid
from screener.network.archive_folder import ArchiveFolder


def instance(
    number: int, *, study: int = 1, series: int = 1, modality: str = "DX", **values: str
) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.3.{number}"
    dataset.StudyInstanceUID = f"1.1.{study}"
    dataset.SeriesInstanceUID = f"1.2.{study}.{series}"
    dataset.Modality = modality
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def query(level: str, **keys: object) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def opened(path: Path) -> ArchiveFolder:
    folder = ArchiveFolder(path)
    folder.load()
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> ArchiveFolder:
    folder = opened(tmp_path)
    folder.put(instance(1, study=1, StudyDate="20260101", PatientName="Anna^Z", PatientID="A1"))
    folder.put(instance(2, study=1, StudyDate="20260101", PatientName="Anna^Z", PatientID="A1"))
    folder.put(
        instance(
            3,
            study=1,
            series=2,
            modality="SR",
            StudyDate="20260101",
            PatientName="Anna^Z",
            PatientID="A1",
        )
    )
    folder.put(instance(4, study=2, StudyDate="20260301", PatientName="Ben^Z", PatientID="B[1"))
    return folder


def found(archive: ArchiveFolder, level: str, unique: str, **keys: object) -> set[str]:
    return {str(answer.get(unique)) for answer in archive.find(query(level, **keys))}


def test_an_instance_is_kept_as_the_bytes_that_came(tmp_path: Path) -> None:
    archive = opened(tmp_path)

    assert archive.put(instance(1)) is False
    assert archive.path(SopInstanceUid("1.3.1")).read_bytes() == instance(1)


def test_the_same_uid_again_replaces_and_is_one_instance(tmp_path: Path) -> None:
    archive = opened(tmp_path)
    archive.put(instance(1, StudyDescription="old"))

    assert archive.put(instance(1, StudyDescription="new")) is True
    assert len(archive) == 1
    assert b"new" in archive.path(SopInstanceUid("1.3.1")).read_bytes()


def test_a_restart_knows_what_is_there_and_clears_what_a_crash_left(
    archive: ArchiveFolder, tmp_path: Path
) -> None:
    (tmp_path / ".in-1.3.9.dcm").write_bytes(instance(9)[:100])

    again = opened(tmp_path)

    assert len(again) == 4
    assert again.get("1.3.4") is not None
    assert list(tmp_path.glob(".in-*")) == []


def test_an_instance_whose_file_is_gone_is_not_there(
    archive: ArchiveFolder, tmp_path: Path
) -> None:
    archive.path(SopInstanceUid("1.3.1")).unlink()

    assert archive.get("1.3.1") is None
    assert archive.get("1.3.2") is not None


@pytest.mark.parametrize(
    "broken",
    [b"", b"x" * 500, instance(1)[:200], instance(1).replace(b"1.3.1\0", b"../..\0")],
    ids=["empty", "no file", "cut short", "path"],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_instance_without_readable_uids_is_refused(tmp_path: Path, broken: bytes) -> None:
    with pytest.raises(UnreadableInstance):
        opened(tmp_path).put(broken)
    assert list(tmp_path.iterdir()) == []


class TestFind:
    def test_studies_are_listed_once_with_their_counts(self, archive: ArchiveFolder) -> None:
        answers = {
            answer.StudyInstanceUID: answer
            for answer in archive.find(
                query(
                    "STUDY",
                    StudyInstanceUID="",
                    ModalitiesInStudy="",
                    NumberOfStudyRelatedSeries=None,
                    NumberOfStudyRelatedInstances=None,
                )
            )
        }

        assert set(answers) == {"1.1.1", "1.1.2"}
        assert answers["1.1.1"].NumberOfStudyRelatedSeries == 2
        assert answers["1.1.1"].NumberOfStudyRelatedInstances == 3
        assert list(answers["1.1.1"].ModalitiesInStudy) == ["DX", "SR"]

    def test_series_of_a_study_are_listed_with_their_counts(self, archive: ArchiveFolder) -> None:
        answers = list(
            archive.find(
                query(
                    "SERIES",
                    StudyInstanceUID="1.1.1",
                    SeriesInstanceUID="",
                    NumberOfSeriesRelatedInstances=None,
                )
            )
        )

        counts = {one.SeriesInstanceUID: one.NumberOfSeriesRelatedInstances for one in answers}
        assert counts == {"1.2.1.1": 2, "1.2.1.2": 1}

    def test_a_list_of_uids_matches_each(self, archive: ArchiveFolder) -> None:
        wanted = ["1.3.1", "1.3.4", "1.3.77"]

        uids = found(archive, "IMAGE", "SOPInstanceUID", SOPInstanceUID=wanted)

        assert uids == {"1.3.1", "1.3.4"}

    @pytest.mark.parametrize(
        ("keys", "studies"),
        [
            ({"StudyDate": "20260101"}, {"1.1.1"}),
            ({"StudyDate": "20260102-"}, {"1.1.2"}),
            ({"StudyDate": "-20260102"}, {"1.1.1"}),
            ({"StudyDate": "20260101-20260301"}, {"1.1.1", "1.1.2"}),
            ({"PatientName": "anna*"}, {"1.1.1"}),
            ({"PatientName": "B?n^Z"}, {"1.1.2"}),
            ({"PatientName": "Ann"}, set()),
            ({"PatientID": "a1"}, set()),
            ({"PatientID": "B[1"}, {"1.1.2"}),
            ({"PatientID": "*"}, {"1.1.1", "1.1.2"}),
            ({"Modality": "SR"}, {"1.1.1"}),
            ({"PatientID": "A1", "StudyDate": "20260301"}, set()),
        ],
    )
    @pytest.mark.filterwarnings("ignore:Invalid value for VR")
    def test_keys_match_as_the_standard_says(
        self, archive: ArchiveFolder, keys: dict[str, str], studies: set[str]
    ) -> None:
        uids = found(archive, "STUDY", "StudyInstanceUID", StudyInstanceUID="", **keys)

        assert uids == studies

    def test_keys_that_are_not_known_come_back_empty(self, archive: ArchiveFolder) -> None:
        (answer, *_) = archive.find(query("STUDY", StudyInstanceUID="1.1.1", StudyComments="x"))

        assert not answer.StudyComments

    @pytest.mark.parametrize("level", ["PATIENT", ""])
    def test_other_levels_find_nothing(self, archive: ArchiveFolder, level: str) -> None:
        assert list(archive.find(query(level, PatientID=""))) == []
