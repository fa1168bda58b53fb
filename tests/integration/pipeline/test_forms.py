"""Each archive gets what its settings name, in its language; what is shared is made once."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.domain.catalogue import CATALOGUES, Language
from screener.domain.report import (
    ArchiveObject,
    CaptureModality,
    ReportClass,
    ResultForm,
    object_kinds,
)
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import RecordingArchive, Rig, make_film

KOREAN = ResultForm(language=Language.KOREAN)
EVERYTHING = ResultForm(kinds=object_kinds(ArchiveObject))
REPORT_ALONE = ResultForm(kinds=object_kinds([ArchiveObject.REPORT]))


def kept(archive: RecordingArchive) -> list[Dataset]:
    return [dcmread(BytesIO(data)) for data in archive.kept.values()]


def modalities(archive: RecordingArchive) -> list[str]:
    return sorted(made.Modality for made in kept(archive))


def report_of(archive: RecordingArchive) -> Dataset:
    return next(made for made in kept(archive) if made.Modality == "SR")


def cards(archive: RecordingArchive) -> list[npt.NDArray[np.uint8]]:
    return [made.pixel_array for made in kept(archive) if "card" in made.get("SeriesDescription")]


def evidence(report: Dataset) -> set[str]:
    return {
        str(instance.ReferencedSOPInstanceUID)
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }


def texts(report: Dataset) -> str:
    return " ".join(str(e.value) for e in report.iterall() if e.keyword == "TextValue")


def test_an_archive_gets_report_and_captures_in_its_own_language(make_rig: MakeRig) -> None:
    english, korean = RecordingArchive("english"), RecordingArchive("korean", form=KOREAN)
    rig = make_rig(english, korean)

    rig.screen(make_film(z=-3))

    said = {archive.name: texts(report_of(archive)) for archive in (english, korean)}
    for language, name in ((Language.ENGLISH, "english"), (Language.KOREAN, "korean")):
        assert CATALOGUES[language]("limit.not_dxa") in said[name]
    spoken = report_of(korean).ContentSequence[0].ConceptCodeSequence[0]
    assert (spoken.CodeValue, spoken.CodingSchemeDesignator) == ("ko", "RFC5646")
    assert not np.array_equal(cards(english)[0], cards(korean)[0])
    assert not set(english.kept) & set(korean.kept)
    assert rig.kinds() == {"REPORT": 2, "OVERLAY": 2, "CARD": 2}


def test_the_report_of_a_language_refers_to_the_overlay_of_that_language(
    make_rig: MakeRig,
) -> None:
    english, korean = RecordingArchive("english"), RecordingArchive("korean", form=KOREAN)
    rig = make_rig(english, korean)

    rig.screen(make_film(z=-3))

    for mine, others in ((english, korean), (korean, english)):
        overlay = next(m for m in kept(mine) if "overlay" in m.get("SeriesDescription"))
        assert overlay.SOPInstanceUID in evidence(report_of(mine))
        assert not evidence(report_of(mine)) & set(others.kept)


def test_an_archive_gets_what_it_is_set_to_and_nothing_else(make_rig: MakeRig) -> None:
    whole = RecordingArchive("whole", form=EVERYTHING)
    bare = RecordingArchive("bare", form=REPORT_ALONE)
    rig = make_rig(whole, bare)

    rig.screen(make_film(z=-3))

    assert modalities(whole) == ["DOC", "OT", "OT", "PR", "SR"]
    assert modalities(bare) == ["SR"]
    assert len(evidence(report_of(bare))) == 1
    assert rig.at_an_end()


def test_archives_of_one_form_share_their_objects(make_rig: MakeRig) -> None:
    first, second = RecordingArchive("first"), RecordingArchive("second")
    old = RecordingArchive("old", form=ResultForm(report_class=ReportClass.ENHANCED))
    rig = make_rig(first, second, old)

    rig.screen(make_film(z=-3))

    assert set(first.kept) == set(second.kept)
    assert len(set(old.kept) & set(first.kept)) == 2
    assert rig.kinds() == {"REPORT": 2, "OVERLAY": 1, "CARD": 1}


def test_modality_and_series_number_of_captures_are_the_archives(make_rig: MakeRig) -> None:
    form = ResultForm(capture_modality=CaptureModality.SECONDARY_CAPTURE, first_series_number=701)
    archive = RecordingArchive("pacs", form=form)
    rig = make_rig(archive)

    rig.screen(make_film(z=-3))

    numbers = {(made.Modality, made.SeriesNumber) for made in kept(archive)}
    assert numbers == {("SR", 701), ("SC", 702), ("SC", 703)}


def test_what_is_not_low_reaches_who_asked_for_it_alone(make_rig: MakeRig) -> None:
    all_of_it = RecordingArchive("all", form=ResultForm(not_low=True))
    low_alone = RecordingArchive("low")
    rig = make_rig(all_of_it, low_alone)

    rig.screen(make_film(z=-0.5))

    assert rig.study().verdict == "NOT_LOW"
    assert modalities(all_of_it) == ["OT", "OT", "SR"]
    assert low_alone.kept == {}
    assert rig.at_an_end()


def test_who_has_a_low_report_learns_that_it_no_longer_holds(make_rig: MakeRig) -> None:
    low_alone = RecordingArchive("low")
    rig = make_rig(low_alone)
    rig.screen(make_film(1, z=-3))

    rig.screen(make_film(1, z=-0.5))

    descriptions = [m.SeriesDescription for m in kept(low_alone) if m.Modality == "SR"]
    assert sum("REVISED 2" in description for description in descriptions) == 1


def test_a_changed_language_still_names_the_report_that_it_replaces(make_rig: MakeRig) -> None:
    rig = make_rig(RecordingArchive("pacs"))
    rig.screen(make_film(1, z=-3))
    before = report_of(rig.archive).SOPInstanceUID
    rig.archive.form = KOREAN

    rig.screen(make_film(1, z=-3.6))

    revised = [
        m for m in kept(rig.archive) if m.Modality == "SR" and "REVISED" in m.SeriesDescription
    ]
    named = revised[0].PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    assert named.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == before


def test_dates_are_those_of_the_sites_time_zone(rig: Rig) -> None:
    rig.change_services(zone=ZoneInfo("Asia/Seoul"))

    rig.screen(make_film(z=-3))

    for made in kept(rig.archive):
        utc = rig.study().last_received_at
        assert made.TimezoneOffsetFromUTC == "+0900"
        local = utc.astimezone(ZoneInfo("Asia/Seoul"))
        assert made.SeriesDate == f"{local:%Y%m%d}"
        assert abs(int(made.SeriesTime[:2]) - local.hour) <= 1


def test_earlier_studies_of_the_same_child_stand_on_the_card_and_of_nobody_else(
    make_rig: MakeRig,
) -> None:
    pictures: dict[str, npt.NDArray[np.uint8]] = {}
    for name, patient in (("other", "ZZ-SYNTHETIC-2"), ("same", "ZZ-SYNTHETIC-1")):
        rig = make_rig(RecordingArchive(name), repeat_report_days=0)
        base = 10 * len(pictures)
        earlier: dict[str, Any] = {
            "AcquisitionDate": "20250301",
            "StudyDate": "20250301",
            "PatientAge": "009Y",
        }
        rig.screen(
            make_film(base + 1, z=-2.5, **earlier, PatientID=patient),
        )
        number_before = len(cards(rig.archive))
        rig.screen(make_film(base + 2, z=-3))
        pictures[name] = cards(rig.archive)[-1]
        assert len(cards(rig.archive)) == number_before + 1

    differing = (pictures["same"] != pictures["other"]).any(axis=2)

    chart = np.zeros_like(differing)
    chart[510:936, 30:720] = True
    assert differing[chart].sum() > 100


def test_every_object_of_ours_that_comes_back_is_known_whatever_it_is_called(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(RecordingArchive("whole", form=EVERYTHING))
    rig.screen(make_film(z=-3))
    ours = kept(rig.archive)
    before = len(rig.archive.sent)
    for made in ours:
        made.SeriesDescription, made.Manufacturer = "CHEST PA", "Modality"

    rig.screen(*ours)

    assert rig.film_states() == ["SCORED", *["INELIGIBLE:OWN_OBJECT"] * len(ours)]
    assert len(rig.archive.sent) == before
    assert rig.study().report_state == "COMMITTED"
