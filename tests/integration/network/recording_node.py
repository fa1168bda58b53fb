"""A listener that records what it is given, and small synthetic instances."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from screener.domain.identifiers import AeTitle
from screener.network.commitment import CommitmentReport
from screener.network.entity import Timeouts
from screener.network.listener import IncomingInstance, Listener
from screener.network.peers import AllowedCaller, AssociationRejection, Peer
from screener.network.status import StoreOutcome

DX = str(DigitalXRayImageStorageForPresentation)
SC = str(SecondaryCaptureImageStorage)
SR = str(ComprehensiveSRStorage)
EXPLICIT = str(ExplicitVRLittleEndian)
IMPLICIT = str(ImplicitVRLittleEndian)

#: Marked, so that they are found wherever they should not be.
STUDY, SERIES = "1.2.826.0.1.987654321.1", "1.2.826.0.1.987654321.2"
NAME = "ZZ-SYNTHETIC^MARKED"

#: Short, so that a hang fails a test in seconds.
SHORT = Timeouts(connect_s=2, acse_s=3, dimse_s=3, idle_s=3)


def make_instance(
    number: int, *, kind: str = DX, syntax: str = EXPLICIT, side: int = 16, text: str = ""
) -> bytes:
    """Return a small DICOM file; equal arguments give equal bytes."""
    dataset = Dataset()
    dataset.SOPClassUID = kind
    dataset.SOPInstanceUID = instance_uid(number)
    dataset.StudyInstanceUID = STUDY
    dataset.SeriesInstanceUID = SERIES
    dataset.StudyDate = "20260102"
    dataset.Modality = {DX: "DX", SC: "OT", SR: "SR"}[kind]
    dataset.PatientName = NAME
    dataset.PatientID = "ZZ-4711"
    dataset.StudyDescription = text
    if kind != SR:
        dataset.Rows = dataset.Columns = side
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit = 15
        dataset.PixelRepresentation = 0
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME2"
        dataset.PixelData = bytes(range(256)) * (side * side // 128)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def instance_uid(number: int) -> str:
    return f"1.2.826.0.1.987654321.3.{number}"


@dataclass
class RecordingNode:
    """A listener, and what it was given."""

    outcome: StoreOutcome | Exception = StoreOutcome.STORED
    keeps_reports: bool = True
    instances: list[IncomingInstance] = field(default_factory=list)
    reports: list[CommitmentReport] = field(default_factory=list)
    rejections: list[AssociationRejection] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    #: Cleared to hold up `store`.
    may_store: threading.Event = field(default_factory=threading.Event)
    storing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_store.set()

    def store(self, instance: IncomingInstance) -> StoreOutcome:
        self.storing.set()
        self.may_store.wait(10)
        self.instances.append(instance)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def take_report(self, report: CommitmentReport) -> bool:
        self.reports.append(report)
        return self.keeps_reports

    def listener(self, **settings: object) -> Listener:
        arguments: dict[str, Any] = {
            "contexts": [(kind, (EXPLICIT, IMPLICIT)) for kind in (DX, SC, SR)],
            "on_store": self.store,
            "on_commitment": self.take_report,
            "on_rejected": self.rejections.append,
            "on_error": self.errors.append,
            "port": 0,
            "callers": [
                AllowedCaller(ae_title=AeTitle(title)) for title in ("SENDER", "ARCHIVE", "ORTHANC")
            ],
            "timeouts": SHORT,
        }
        return Listener(**{**arguments, **settings})


def peer_of(listener: Listener) -> Peer:
    return Peer(name="node", ae_title=AeTitle("BMDSCREEN"), host="127.0.0.1", port=listener.port)


class Start(Protocol):
    """Starts the node's listener with some settings of its own, and says where it is."""

    def __call__(self, **settings: object) -> Peer: ...
