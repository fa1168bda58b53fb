"""The small archive's folder: instances as DICOM files, and an index of them for C-FIND."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from screener.dicom.dataset import LIBRARY_ERRORS
from screener.domain.errors import UnreadableInstance
from screener.domain.identifiers import SopInstanceUid, StudyInstanceUid

_SUFFIX = ".dcm"
_TEMPORARY = ".in-"

#: The unique key of each query level (PS3.4 section C.6.2.1).
_LEVELS = {
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}

#: What C-FIND can match and return, with what is counted.
_KEYS = (
    "SpecificCharacterSet",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "Modality",
    "SeriesDescription",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceNumber",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedInstance:
    """One instance in the archive."""

    sop_class_uid: str
    sop_instance_uid: SopInstanceUid = field(repr=False)
    keys: Dataset = field(repr=False)


class ArchiveFolder:
    """Instances in a folder, safe against a crash at any moment; for use by many threads.

    `load` comes first. Where the folder cannot be read or written, methods raise `OSError`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._index: dict[str, ArchivedInstance] = {}

    def __len__(self) -> int:
        return len(self._index)

    def load(self) -> None:
        """Make the folder, or index what an earlier run kept in it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        clear_left_overs(self._folder)
        for path in self._folder.glob(f"*{_SUFFIX}"):
            instance = _read_keys(path)
            self._index[instance.sop_instance_uid] = instance

    def path(self, sop_instance_uid: SopInstanceUid) -> Path:
        """Return where an instance is or would be."""
        return self._folder / f"{sop_instance_uid}{_SUFFIX}"

    def get(self, sop_instance_uid: str) -> ArchivedInstance | None:
        """Return what is known of an instance, or None where it is not on disk."""
        instance = self._index.get(sop_instance_uid)
        if instance is None or not self.path(instance.sop_instance_uid).is_file():
            return None
        return instance

    def put(self, part10: bytes) -> bool:
        """Keep a DICOM file durably; return whether it replaced one with the same UID.

        Raises
        ------
        UnreadableInstance
            It has no readable SOP Class, SOP Instance or Study Instance UID.
        """
        instance = _read_keys(BytesIO(part10))
        with self._lock:
            write_durably(self.path(instance.sop_instance_uid), part10)
            replaced = instance.sop_instance_uid in self._index
            self._index[instance.sop_instance_uid] = instance
        return replaced

    def find(self, identifier: Dataset) -> Iterator[Dataset]:
        """Yield the answers to a C-FIND identifier of level STUDY, SERIES or IMAGE."""
        level = str(identifier.get("QueryRetrieveLevel") or "")
        unique = _LEVELS.get(level)
        if unique is None:
            return
        with self._lock:
            everything = list(self._index.values())
        groups: dict[str, list[Dataset]] = {}
        for instance in everything:
            if all(_matches(key, instance.keys) for key in identifier):
                groups.setdefault(str(instance.keys.get(unique, "")), []).append(instance.keys)
        for members in groups.values():
            yield _answer(identifier, level, members, [one.keys for one in everything])


def clear_left_overs(folder: Path) -> None:
    """Delete what a crash left half written."""
    for left_over in folder.glob(f"{_TEMPORARY}*"):
        left_over.unlink()


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one, the new one, or none; never half of it."""
    temporary = path.with_name(f"{_TEMPORARY}{path.name}")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_keys(part10: Path | BytesIO) -> ArchivedInstance:
    try:
        dataset = dcmread(part10, stop_before_pixels=True, specific_tags=list(_KEYS))
        keys = Dataset()
        for element in dataset:
            keys.add(element)
        StudyInstanceUid(keys.StudyInstanceUID)
        return ArchivedInstance(
            sop_class_uid=str(keys.SOPClassUID),
            sop_instance_uid=SopInstanceUid(keys.SOPInstanceUID),
            keys=keys,
        )
    except LIBRARY_ERRORS as error:
        raise UnreadableInstance("SOP Class, SOP Instance or Study UID cannot be read") from error


def _matches(key: DataElement, keys: Dataset) -> bool:
    """Match one key (PS3.4 section C.2.2.2): empty, UID list, date range, wild card or single."""
    if key.keyword not in _KEYS or key.keyword == "SpecificCharacterSet":
        return True
    wanted = key.value
    if wanted is None or wanted in ("", []):
        return True
    value = str(keys.get(key.keyword) or "")
    if key.VR == "UI":
        return value in ([wanted] if isinstance(wanted, str) else list(wanted))
    text = str(wanted)
    if key.VR == "DA" and "-" in text:
        first, _, last = text.partition("-")
        return bool(value) and value >= first and (not last or value <= last)
    pattern = re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, value, re.IGNORECASE if key.VR == "PN" else 0) is not None


def _answer(
    identifier: Dataset, level: str, members: list[Dataset], everything: list[Dataset]
) -> Dataset:
    first = members[0]
    of_study = [one for one in everything if one.StudyInstanceUID == first.StudyInstanceUID]
    of_series = [
        one for one in of_study if one.get("SeriesInstanceUID") == first.get("SeriesInstanceUID")
    ]
    answer = Dataset()
    if "SpecificCharacterSet" in first:
        answer.SpecificCharacterSet = first.SpecificCharacterSet
    for key in identifier:
        if key.keyword == "ModalitiesInStudy":
            answer.ModalitiesInStudy = sorted({str(one.get("Modality", "")) for one in of_study})
        elif key.keyword == "NumberOfStudyRelatedSeries":
            series = {one.get("SeriesInstanceUID") for one in of_study}
            answer.NumberOfStudyRelatedSeries = len(series)
        elif key.keyword == "NumberOfStudyRelatedInstances":
            answer.NumberOfStudyRelatedInstances = len(of_study)
        elif key.keyword == "NumberOfSeriesRelatedInstances":
            answer.NumberOfSeriesRelatedInstances = len(of_series)
        elif key.keyword in first:
            answer.add(first[key.keyword])
        else:
            answer.add_new(key.tag, key.VR, None if key.VR != "SQ" else [])
    answer.QueryRetrieveLevel = level
    return answer
