"""The wire: DICOM associations in and out. No database and no rules of ours."""
