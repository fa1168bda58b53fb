"""Where an attribute's value comes from, found by building objects from films that differ."""

from __future__ import annotations

import pytest

from screener.conformance.attributes import Presence, Row, Source, private_attribute_count, rows_of
from screener.domain.report import ResultKind


def row(kind: ResultKind, *path: str) -> Row:
    return next(found for found in rows_of(kind) if found.path == path)


@pytest.mark.parametrize(
    ("kind", "keyword", "presence", "source"),
    [
        (ResultKind.REPORT, "PatientName", Presence.VNAP, Source.COPY),
        (ResultKind.REPORT, "IssuerOfPatientID", Presence.ANAP, Source.COPY),
        (ResultKind.REPORT, "StudyInstanceUID", Presence.ALWAYS, Source.COPY),
        (ResultKind.REPORT, "SOPInstanceUID", Presence.ALWAYS, Source.AUTO),
        (ResultKind.REPORT, "ContentDate", Presence.ALWAYS, Source.AUTO),
        (ResultKind.REPORT, "SOPClassUID", Presence.ALWAYS, Source.CONFIG),
        (ResultKind.REPORT, "Manufacturer", Presence.ALWAYS, Source.FIXED),
        (ResultKind.REPORT, "CompletionFlag", Presence.ALWAYS, Source.FIXED),
        (ResultKind.REPORT, "PerformedProcedureCodeSequence", Presence.EMPTY, None),
        (ResultKind.REPORT, "PredecessorDocumentsSequence", Presence.ANAP, None),
        (ResultKind.OVERLAY, "ConversionType", Presence.ALWAYS, Source.FIXED),
        (ResultKind.OVERLAY, "PatientOrientation", Presence.VNAP, Source.COPY),
        (ResultKind.OVERLAY, "BurnedInAnnotation", Presence.ALWAYS, Source.AUTO),
        (ResultKind.OVERLAY, "LossyImageCompression", Presence.ANAP, Source.COPY),
        (ResultKind.OVERLAY, "Columns", Presence.ALWAYS, Source.AUTO),
        (ResultKind.CARD, "Columns", Presence.ALWAYS, Source.FIXED),
        (ResultKind.CARD, "PatientOrientation", Presence.EMPTY, None),
    ],
)
def test_presence_and_source_are_those_of_the_code(
    kind: ResultKind, keyword: str, presence: Presence, source: Source | None
) -> None:
    found = row(kind, keyword)

    assert (found.presence, found.source) == (presence, source)


def test_what_the_modality_was_is_told_apart_from_what_we_are() -> None:
    sequence = "ContributingEquipmentSequence"
    theirs = row(ResultKind.CARD, sequence, "[Acquisition Equipment]", "Manufacturer")
    ours = row(ResultKind.CARD, sequence, "[Processing Equipment]", "Manufacturer")

    assert theirs.source is Source.COPY
    assert row(ResultKind.CARD, sequence, "[Acquisition Equipment]").presence is Presence.ANAP
    assert (ours.source, ours.value) == (Source.FIXED, "`bmd-screener project`")


def test_a_copied_value_is_never_shown() -> None:
    shown = [
        found.path
        for kind in ResultKind
        for found in rows_of(kind)
        if found.source is Source.COPY and found.value
    ]

    assert shown == []


def test_an_item_follows_the_sequence_that_holds_it() -> None:
    paths = [found.path for found in rows_of(ResultKind.REPORT)]

    assert len(paths) == len(set(paths))
    for at, path in enumerate(paths):
        if len(path) > 1:
            assert path[:-1] in paths[:at]


def test_no_object_has_a_private_attribute() -> None:
    assert private_attribute_count() == 0
