"""What an archive's administrator finds one of our objects by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from screener.dicom.dataset import LIBRARY_ERRORS, open_instance, quiet
from screener.domain.errors import ScreenerError


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLabels:
    """Under which accession number and series description an object was filed."""

    accession_number: str = ""
    series_description: str = ""


def archive_labels(path: Path) -> ArchiveLabels:
    """Return the labels of a file of ours; empty ones where it cannot be read."""
    try:
        dataset = open_instance(path).dataset
        with quiet():
            return ArchiveLabels(
                accession_number=str(dataset.get("AccessionNumber") or ""),
                series_description=str(dataset.get("SeriesDescription") or ""),
            )
    except ScreenerError:
        return ArchiveLabels()
    except LIBRARY_ERRORS:
        return ArchiveLabels()
