"""What must hold of a node and its archive when the worklist is at its end."""

from __future__ import annotations

from tests.compose.embedded import Embedded
from tests.compose.project import Project


def assert_nothing_is_missing_or_twice(project: Project, embedded: Embedded) -> None:
    """Compare rows with the embedded node's, and look into the archive by DICOMweb."""
    assert project.rows(embedded.films) == embedded.rows
    archive = project.archive
    reports = archive.get("/dicom-web/instances?Modality=SR&includefield=all")
    captures = archive.get("/dicom-web/instances?Modality=OT&includefield=all")
    of_reports = [one["0020000D"]["Value"][0] for one in reports]
    assert sorted(of_reports) == sorted(embedded.low_studies)
    assert {one["0020000D"]["Value"][0] for one in captures} == embedded.low_studies
    committed = project.status()["archives"]["orthanc"]["deliveries"]
    in_archive = archive.get("/statistics")["CountInstances"]
    assert committed == {"COMMITTED": in_archive}
    assert in_archive == len(reports) + len(captures)
