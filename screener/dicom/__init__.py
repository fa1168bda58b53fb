"""Data sets to words and words to data sets: pydicom and highdicom, no network, no database."""
