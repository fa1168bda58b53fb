"""A public validator has no error over our rejection notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from screener.dicom.rejection import build_rejection_note
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid
from screener.domain.report import ObjectReference
from tests.conformance.contents import make_source, withdrawn
from tests.conformance.validators import complaints, run

SR, SC = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"


@pytest.mark.parametrize("because", ["wrong weights", "\ud569\uc131 \uc608\uce21\uae30"])
def test_a_rejection_note_has_no_validator_error(because: str, tmp_path: Path) -> None:
    objects = [
        ObjectReference(
            sop_class_uid=sop_class,
            sop_instance_uid=SopInstanceUid(f"2.25.10{number}"),
            series_instance_uid=SeriesInstanceUid(f"2.25.20{number // 2}"),
        )
        for number, sop_class in enumerate((SR, SC, SC))
    ]
    path = tmp_path / "note.dcm"
    note = build_rejection_note(withdrawn(because), "main", objects, make_source())
    path.write_bytes(note.encoded)

    code, said = run("dsrdump", "+Pf", "+Pl", "+Pc", "+Pt", str(path))

    assert list(complaints(path)) == []
    assert code == 0, said
