from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import highdicom.base
import numpy as np
import pytest
from highdicom.sr import Comprehensive3DSR, srread
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from screener.dicom import codes
from screener.dicom.capture import build_capture
from screener.dicom.dataset import quiet
from screener.dicom.report import build_report
from screener.dicom.uids import DEVICE_MODEL, is_own_uid
from screener.domain.catalogue import ENGLISH
from screener.domain.errors import MissingAttribute, UnreadableInstance
from screener.domain.finding import FindingReason, Verdict
from screener.domain.identifiers import ScreeningId
from screener.domain.prediction import InputField
from screener.domain.report import ReportClass, ResultForm, ResultKind, ResultObject
from tests.conformance.contents import (
    CASES,
    COLUMNS,
    DX,
    FORBIDDEN,
    ROWS,
    STUDY_UID,
    Case,
    case,
    film_uid,
    lateral,
    make_content,
    make_film,
    make_finding,
    make_header,
    make_source,
)

VARIANT = ResultForm()


def build(made: Case, variant: ResultForm = VARIANT) -> ResultObject:
    return build_report(made.content, variant, made.sources)


def read(result: ResultObject) -> Dataset:
    return dcmread(BytesIO(result.encoded))


def texts(item: Dataset, name: str | None = None) -> list[str]:
    """Return the TEXT values of a tree, or those with a concept name."""
    found = []
    if item.get("ValueType") == "TEXT":
        concept = item.ConceptNameCodeSequence[0]
        if name in {None, concept.CodeValue}:
            found.append(str(item.TextValue))
    for child in item.get("ContentSequence", ()):
        found += texts(child, name)
    return found


def groups(result: ResultObject) -> Any:
    content: Any = srread(BytesIO(result.encoded)).content
    return content.get_planar_roi_measurement_groups()


def numbers(group: Any) -> dict[str, tuple[float, str]]:
    return {m.name.value: (m.value, m.unit.value) for m in group.get_measurements()}


def test_highdicoms_reader_gets_the_numbers_back_unchanged() -> None:
    made = CASES["low-three-films"]

    read_back = [numbers(group) for group in groups(build(made))]

    assert read_back == [
        {
            "BMD-AREAL": (round(film.prediction.abmd_g_cm2, 2), "g/cm2"),
            "BMD-AREAL-LOW": (round(film.prediction.abmd_low_g_cm2, 2), "g/cm2"),
            "BMD-AREAL-HIGH": (round(film.prediction.abmd_high_g_cm2, 2), "g/cm2"),
            "121416": (film.z, "{SD}"),
            "BMD-Z-LOW": (film.z_low, "{SD}"),
            "BMD-Z-HIGH": (film.z_high, "{SD}"),
        }
        for film in made.content.films
    ]


@pytest.mark.parametrize(
    ("report_class", "sop_class_uid"),
    [
        (ReportClass.COMPREHENSIVE_3D, "1.2.840.10008.5.1.4.1.1.88.34"),
        (ReportClass.COMPREHENSIVE, "1.2.840.10008.5.1.4.1.1.88.33"),
        (ReportClass.ENHANCED, "1.2.840.10008.5.1.4.1.1.88.22"),
    ],
)
def test_the_same_tree_is_written_in_each_sop_class(
    report_class: ReportClass, sop_class_uid: str
) -> None:
    made = CASES["low-three-films"]
    first = read(build(made))

    result = build(made, ResultForm(report_class=report_class))
    report = read(result)

    assert report.SOPClassUID == report.file_meta.MediaStorageSOPClassUID == sop_class_uid
    assert result.sop_class_uid == sop_class_uid
    assert report.ContentSequence == first.ContentSequence


def test_the_region_is_the_input_field_clipped_to_the_film_and_closed() -> None:
    (group,) = groups(build(CASES["low-one-film"]))

    corners = np.asarray(group.roi.value)

    assert group.roi.graphic_type.value == "POLYLINE"
    assert corners.tolist() == [[0, 0], [COLUMNS, 0], [COLUMNS, ROWS], [0, ROWS], [0, 0]]


def test_a_turned_input_field_keeps_its_corners_to_a_pixel() -> None:
    field = InputField(corners=((40.5, 30.0), (410.25, 52.0), (388.0, 560.0), (18.5, 538.0)))
    film = make_film(1)
    film = replace(film, prediction=replace(film.prediction, input_field=field))

    (group,) = groups(build(case(make_content((film,)))))

    assert np.asarray(group.roi.value).tolist() == [list(c) for c in (*field.corners, (40.5, 30.0))]


def test_a_film_without_an_input_field_is_its_own_region() -> None:
    film = make_film(1)
    film = replace(film, prediction=replace(film.prediction, input_field=None, attention=None))

    (group,) = groups(build(case(make_content((film,)))))

    assert np.asarray(group.roi.value)[2].tolist() == [COLUMNS, ROWS]


def test_the_region_is_labelled_as_not_measured() -> None:
    made = build(CASES["low-three-films"])

    said = texts(read(made), "TXT-REGION")

    assert said[0] == "Film 1 of 4 (PA): AI input field - not a measured area."
    assert {g.tracking_identifier for g in groups(made)} == {ENGLISH("field.label")}


def test_tracking_uids_are_stable_over_revisions_and_differ_between_films() -> None:
    once = [g.tracking_uid for g in groups(build(CASES["low-one-film"]))]
    again = [g.tracking_uid for g in groups(build(CASES["revised"]))]
    three = [g.tracking_uid for g in groups(build(CASES["low-three-films"]))]

    assert once == again == three[:1]
    assert len(set(three)) == 3


def test_site_method_and_algorithm_stand_at_the_group() -> None:
    (group,) = groups(build(CASES["low-one-film"]))

    assert [site.value for site in group.finding_sites] == [codes.LUMBAR_SPINE]
    assert group.method == codes.METHOD
    algorithm = {
        i.ConceptNameCodeSequence[0].CodeValue: i.TextValue
        for i in group[0].ContentSequence
        if i.ValueType == "TEXT" and i.ConceptNameCodeSequence[0].CodeValue != "111002"
    }
    assert algorithm["111001"] == "phantom-resnet50 (synthetic)"
    assert algorithm["111003"] == "1"


def test_estimates_are_marked_as_estimated() -> None:
    (group,) = groups(build(CASES["low-one-film"]))

    derivations = {m.name.value: m.derivation for m in group.get_measurements() if m.derivation}

    assert derivations == {"BMD-AREAL": codes.ESTIMATED, "121416": codes.ESTIMATED}


def test_a_low_film_gets_the_snomed_finding_and_a_low_threshold_does_not() -> None:
    (low,) = groups(build(CASES["low-one-film"]))
    (above_definition,) = groups(build(CASES["low-above-definition"]))
    (corrected,) = groups(build(CASES["correction"]))

    assert low.finding_type == codes.BONE_DENSITY_LOW
    assert above_definition.finding_type is None
    assert corrected.finding_type is None


@pytest.mark.parametrize("name", CASES)
def test_the_screening_result_is_coded(name: str) -> None:
    made = CASES[name]

    report = read(build(made))

    evaluations = next(
        item
        for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "C0034375"
    )
    (result,) = [
        item.ConceptCodeSequence[0].CodeValue
        for item in evaluations.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "SCREEN-RESULT"
    ]
    assert result == codes.SCREENING_RESULTS[made.content.finding.verdict].value


def test_the_value_of_several_films_is_there_as_numbers_too() -> None:
    made = CASES["low-three-films"]
    estimate = made.content.finding.estimate
    assert estimate is not None

    report = read(build(made))

    derived = next(
        item
        for item in report.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "126011"
    )
    values = {
        item.ConceptNameCodeSequence[0].CodeValue: float(item.MeasuredValueSequence[0].NumericValue)
        for item in derived.ContentSequence
    }
    assert values["121416"] == estimate.z
    assert values["BMD-AREAL"] == round(estimate.abmd_g_cm2, 2)


@pytest.mark.parametrize("name", CASES)
def test_forbidden_words_are_in_no_report(name: str) -> None:
    report = read(build(CASES[name]))

    assert not [text for text in texts(report) if FORBIDDEN.search(text)]


def test_the_conclusion_stands_before_the_measurements() -> None:
    report = read(build(CASES["low-one-film"]))

    names = [item.ConceptNameCodeSequence[0].CodeValue for item in report.ContentSequence]

    assert names.index("TXT-SYNTHETIC") < names.index("121077") < names.index("126010")


def test_a_synthetic_report_says_so_in_its_description_and_its_text() -> None:
    synthetic, real = (read(build(CASES[name])) for name in ("low-one-film", "low-real-film"))

    assert synthetic.SeriesDescription == "AI BMD report (SYNTHETIC, RESEARCH)"
    assert texts(synthetic, "TXT-SYNTHETIC")
    assert real.SeriesDescription == "AI BMD report (RESEARCH)"
    assert not texts(real, "TXT-SYNTHETIC")


def test_a_report_is_complete_preliminary_and_unverified() -> None:
    report = read(build(CASES["low-one-film"]))

    flags = (report.CompletionFlag, report.PreliminaryFlag, report.VerificationFlag)

    assert flags == ("COMPLETE", "PRELIMINARY", "UNVERIFIED")


def test_a_revision_names_its_predecessor_and_says_so_in_its_description() -> None:
    report = read(build(CASES["revised"]))

    (study,) = report.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert study.StudyInstanceUID == STUDY_UID
    assert series.SeriesInstanceUID == "2.25.124"
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.25.123"
    assert report.SeriesDescription.startswith("AI BMD report REVISED 2 ")
    assert texts(report, "TXT-CHANGE")


def test_a_first_report_has_no_predecessor() -> None:
    assert "PredecessorDocumentsSequence" not in read(build(CASES["low-one-film"]))


def test_a_correction_without_a_scored_film_has_no_measurements_and_says_what_changed() -> None:
    report = read(build(CASES["correction-no-scored-film"]))

    names = [item.ConceptNameCodeSequence[0].CodeValue for item in report.ContentSequence]
    assert "126010" not in names
    assert texts(report, "TXT-CHANGE")[0].startswith("CORRECTION")
    assert report.PatientID == "SYN-11"


def test_films_that_may_be_of_two_children_get_no_numbers() -> None:
    assert groups(build(CASES["correction-films-disagree"])) == []


def test_a_film_that_was_not_scored_is_named_with_its_reason() -> None:
    report = read(build(CASES["low-three-films"]))

    assert texts(report, "TXT-NOT-SCORED") == ["Film 4 of 4 (LL): lateral view (LATERAL_VIEW)."]


def test_every_film_of_the_study_is_evidence() -> None:
    report = read(build(CASES["low-three-films"]))

    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    listed = {
        instance.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    assert listed == {film_uid(number) for number in (1, 2, 3, 4)}


def test_a_film_that_cannot_be_read_does_not_stop_the_report() -> None:
    content = make_content((make_film(1),), not_scored=(lateral(2), lateral(3)))
    sources = {ScreeningId(1): make_source(1), ScreeningId(2): b"not DICOM at all"}

    report = read(build_report(content, VARIANT, sources))

    assert len(texts(report, "TXT-NOT-SCORED")) == 2


def test_a_scored_film_without_a_series_is_an_error() -> None:
    content = make_content((make_film(1, series_instance_uid=None),))

    with pytest.raises(MissingAttribute, match="SeriesInstanceUID"):
        build_report(content, VARIANT, {ScreeningId(1): make_source(1)})


def test_a_film_without_a_series_that_was_not_scored_is_named_and_not_referred_to() -> None:
    missing = replace(lateral(2), header=make_header(2, series_instance_uid=None))
    content = make_content((make_film(1),), not_scored=(missing,))
    sources = {ScreeningId(1): make_source(1), ScreeningId(2): make_source(2)}

    result = build_report(content, VARIANT, sources)

    assert len(texts(read(result), "TXT-NOT-SCORED")) == 1
    assert film_uid(2).encode() not in result.encoded


def test_an_object_that_is_no_image_is_referred_to_as_what_it_is() -> None:
    sr = "1.2.840.10008.5.1.4.1.1.88.33"
    other = replace(lateral(2), header=make_header(2, sop_class_uid=sr), reason="OWN_OBJECT")
    content = make_content((make_film(1),), not_scored=(other,))

    report = read(build_report(content, VARIANT, {ScreeningId(1): make_source(1)}))

    evaluations = report.ContentSequence[-1]
    (item,) = [i for i in evaluations.ContentSequence if "ContentSequence" in i]
    assert item.ContentSequence[0].ValueType == "COMPOSITE"
    assert item.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPClassUID == sr


def test_a_correction_is_made_from_a_film_of_a_private_class_too() -> None:
    private = replace(lateral(1), header=make_header(1, sop_class_uid="1.2.3.4"))
    content = make_content(
        (),
        not_scored=(private,),
        verdict=Verdict.NOT_ASSESSED,
        reason=FindingReason.NO_SCORED_FILM,
        predecessor=make_finding((make_film(1),)),
    )

    report = read(build_report(content, VARIANT, {ScreeningId(1): make_source(1)}))

    assert report.PatientID == "SYN-11"


def test_a_name_of_one_part_is_neither_refused_nor_printed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = case(
        make_content((make_film(1),)),
        SpecificCharacterSet="ISO_IR 192",
        PatientName="\ud64d\uae38\ub3d9",
        ReferringPhysicianName="Doe",
    )

    report = read(build(made))

    assert str(report.PatientName) == "\ud64d\uae38\ub3d9"
    assert "\ud64d" not in caplog.text


def test_sequences_of_the_source_are_copied_where_all_of_them_is_legal() -> None:
    legal, illegal = Dataset(), Dataset()
    for item in (legal, illegal):
        item.LocalNamespaceEntityID = "SITE"
    with disable_value_validation():
        illegal.UniversalEntityIDType = "no code string"

    kept, left_out = (
        read(build(case(make_content((make_film(1),)), IssuerOfAccessionNumberSequence=[item])))
        for item in (legal, illegal)
    )

    assert kept.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID == "SITE"
    assert "IssuerOfAccessionNumberSequence" not in left_out


def test_the_default_repertoire_under_its_other_name_is_written_as_such() -> None:
    report = read(build(case(make_content((make_film(1),)), SpecificCharacterSet="ISO_IR 6")))

    assert "SpecificCharacterSet" not in report


def test_several_values_where_one_is_allowed_are_left_out() -> None:
    source = make_source(1, PatientSex="M").replace(b"CS\x02\x00M ", b"CS\x04\x00M\\F ")

    result = build_report(make_content((make_film(1),)), VARIANT, {ScreeningId(1): source})

    assert read(result).PatientSex == ""


def test_a_study_without_a_readable_film_is_an_error() -> None:
    content = CASES["correction-no-scored-film"].content

    with pytest.raises(UnreadableInstance, match="no film of the study can be read"):
        build_report(content, VARIANT, {})


def test_an_overlay_is_referred_to_by_its_film() -> None:
    made = CASES["low-one-film"]
    overlay = build_capture(
        made.content,
        ResultKind.OVERLAY,
        np.zeros((8, 8, 3), np.uint8),
        made.sources[ScreeningId(1)],
    )

    result = build_report(made.content, VARIANT, made.sources, [overlay])

    (group,) = groups(result)
    illustrations = [
        i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for i in group[0].ContentSequence
        if i.ConceptNameCodeSequence[0].CodeValue == "121200"
    ]
    assert illustrations == [overlay.sop_instance_uid]


@pytest.mark.parametrize(
    ("lacking", "left_out"),
    [
        ({"PatientOrientation": None}, {"111043", "111044"}),
        ({"PatientOrientation": ""}, {"111043", "111044"}),
        ({"PatientOrientation": "L"}, {"111043", "111044"}),
        ({"ImagerPixelSpacing": None}, {"111026", "111066"}),
        (
            {"ImagerPixelSpacing": None, "PatientOrientation": None},
            {"111026", "111066", "111043", "111044"},
        ),
    ],
)
def test_the_image_library_says_what_the_header_says_and_no_more(
    lacking: dict[str, Any], left_out: set[str]
) -> None:
    content = make_content((make_film(1),))

    whole, reduced = (_library(case(content, **given)) for given in ({}, lacking))

    assert whole - reduced == left_out
    assert reduced <= whole
    assert {"110910", "110911"} <= reduced  # rows and columns


def _library(made: Case) -> set[str]:
    """Return the codes of what the image library says of its only film."""
    (library,) = (
        item
        for item in read(build(made)).ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "111028"
    )
    (image,) = library.ContentSequence[0].ContentSequence
    return {item.ConceptNameCodeSequence[0].CodeValue for item in image.ContentSequence}


def test_patient_and_study_are_copied_from_the_source() -> None:
    source = dcmread(BytesIO(make_source(1)))

    report = read(build(CASES["low-one-film"]))

    for keyword in (
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "ReferringPhysicianName",
        "SpecificCharacterSet",
    ):
        assert report[keyword].value == source[keyword].value


def test_missing_type_2_attributes_are_written_empty() -> None:
    sparse = case(
        make_content((make_film(1),)),
        PatientName=None,
        PatientID=None,
        PatientBirthDate=None,
        PatientSex=None,
        StudyDate=None,
        StudyTime=None,
        StudyID=None,
        AccessionNumber=None,
        ReferringPhysicianName=None,
    )

    report = read(build(sparse))

    for keyword in ("PatientName", "PatientID", "PatientSex", "StudyDate", "AccessionNumber"):
        assert keyword in report
        assert not report[keyword].value


@pytest.mark.parametrize(
    ("keyword", "illegal"),
    [
        ("PatientSex", "U"),
        ("PatientBirthDate", "20141399"),
        ("StudyDate", "23.11.26"),
        ("StudyTime", "8h15am"),
        ("PatientAge", "12 years"),
        ("PatientOrientation", ["left", "foot"]),
        ("PatientOrientation", ["L"]),
        ("TimezoneOffsetFromUTC", "+9900"),
        ("TimezoneOffsetFromUTC", "KST"),
        ("PatientWeight", "0"),
        ("ImagerPixelSpacing", "0.3"),
    ],
)
def test_illegal_values_are_left_out_and_the_report_is_made(keyword: str, illegal: Any) -> None:
    with disable_value_validation():
        source = make_source(1, **{keyword: illegal})

    result = build_report(make_content((make_film(1),)), VARIANT, {ScreeningId(1): source})

    assert not read(result).get(keyword)


def test_a_number_that_is_none_is_left_out() -> None:
    source = make_source(1, PatientSize="1.42").replace(b"1.42", b"1,42")

    result = build_report(make_content((make_film(1),)), VARIANT, {ScreeningId(1): source})

    assert "PatientSize" not in read(result)


def test_text_too_long_for_its_attribute_is_left_out_but_identifiers_must_match() -> None:
    number = "A" * 17
    with pytest.warns(UserWarning, match="exceeds the maximum length"):
        source = make_source(1, AccessionNumber=number, StudyID="S" * 17)

    result = build_report(make_content((make_film(1),)), VARIANT, {ScreeningId(1): source})

    with quiet():
        report = read(result)
        assert report.AccessionNumber == number
        assert report.StudyID == ""


@pytest.mark.parametrize(
    ("charset", "name", "written"),
    [
        ("ISO_IR 100", "M\u00fcller^J\u00f6rg", "ISO_IR 100"),
        ("ISO_IR 192", "\ud64d^\uae38\ub3d9", "ISO_IR 192"),
        ("ISO_IR 126", "\u03a0\u03b1\u03c0\u03b1\u03b4^\u0386", "ISO_IR 126"),
        (
            ["", "ISO 2022 IR 149"],
            "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9",
            ["", "ISO 2022 IR 149"],
        ),
        (
            ["", "ISO 2022 IR 87"],
            "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce",
            ["", "ISO 2022 IR 87"],
        ),
        ("ISO 2022 IR 149", "Kim^Minji", ["", "ISO 2022 IR 149"]),
        (None, "Plain^Name", None),
    ],
)
def test_names_survive_in_every_character_set(charset: Any, name: str, written: Any) -> None:
    made = case(make_content((make_film(1),)), SpecificCharacterSet=charset, PatientName=name)

    report = read(build(made))

    assert str(report.PatientName) == name
    assert report.get("SpecificCharacterSet") == written


def test_a_text_of_ours_that_the_sources_set_cannot_hold_makes_it_utf_8() -> None:
    content = replace(make_content((make_film(1),)), reference_statement="\ud55c\uad6d 2008")

    report = read(build(case(content, PatientName="M\u00fcller^J\u00f6rg")))

    assert report.SpecificCharacterSet == "ISO_IR 192"
    assert texts(report, "121406") == ["\ud55c\uad6d 2008"]
    assert str(report.PatientName) == "M\u00fcller^J\u00f6rg"


def test_a_name_that_cannot_be_decoded_is_an_error_and_never_a_question_mark() -> None:
    source = make_source(1, SpecificCharacterSet="ISO_IR 192", PatientName="Kim^Minji")
    broken = source.replace(b"Kim^Minji", b"\xb1\xe8^\xb9\xce\xc1\xf6 ")

    with pytest.raises(UnreadableInstance, match="PatientName cannot be decoded"):
        build_report(make_content((make_film(1),)), VARIANT, {ScreeningId(1): broken})


def test_dates_come_from_the_finding() -> None:
    report = read(build(CASES["low-one-film"]))

    for keyword in ("Content", "InstanceCreation", "Series"):
        assert report[f"{keyword}Date"].value == "20261124"
        assert report[f"{keyword}Time"].value == "034012"


def test_dates_are_in_the_time_zone_that_the_source_states() -> None:
    made = case(make_content((make_film(1),)), TimezoneOffsetFromUTC="+0900")

    report = read(build(made))

    assert (report.ContentDate, report.ContentTime) == ("20261124", "124012")
    assert report.TimezoneOffsetFromUTC == "+0900"


def clock_at(year: int) -> SimpleNamespace:
    class Moved(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Moved:
            return cls(year, 1, 2, 3, 4, 5, tzinfo=tz)

    return SimpleNamespace(datetime=Moved, date=dt.date, time=dt.time, timedelta=dt.timedelta)


def test_the_same_content_gives_the_same_bytes_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = CASES["low-three-films"]
    once = build(made).encoded
    monkeypatch.setattr(highdicom.base, "datetime", clock_at(2044))

    again = build(made).encoded

    assert again == once


def test_the_same_content_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import hashlib\n"
        "from tests.conformance.contents import CASES\n"
        "from screener.dicom.report import build_report\n"
        "from screener.domain.report import ResultForm\n"
        "made = CASES['low-three-films']\n"
        "result = build_report(made.content, ResultForm(), made.sources)\n"
        "print(hashlib.sha256(result.encoded).hexdigest())\n"
    )

    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77", "PATH": "", "TZ": "Asia/Seoul", "PYTHONPATH": "."},
    )

    here = hashlib.sha256(build(CASES["low-three-films"]).encoded).hexdigest()
    assert run.stdout.strip() == here


def test_uids_are_ours_and_differ_by_finding_revision_and_variant() -> None:
    results = [build(CASES[name]) for name in ("low-one-film", "revised", "correction")]
    results.append(build(CASES["low-one-film"], ResultForm(report_class=ReportClass.ENHANCED)))

    uids = {uid for r in results for uid in (r.sop_instance_uid, r.series_instance_uid)}

    assert len(uids) == 8
    assert all(is_own_uid(uid) for uid in uids)


def test_the_object_is_recognised_as_ours() -> None:
    report = read(build(CASES["low-one-film"]))

    assert report.ManufacturerModelName == DEVICE_MODEL
    assert report.SeriesNumber == 9001
    assert report.Modality == "SR"
    assert str(report.file_meta.ImplementationVersionName).startswith("BMDSCREEN")


def test_highdicom_reads_the_document_as_what_it_is() -> None:
    report = srread(BytesIO(build(CASES["low-one-film"]).encoded))

    assert isinstance(report, Comprehensive3DSR)
    content: Any = report.content
    (observer,) = content.get_observer_contexts()
    assert observer.observer_identifying_attributes.model_name == DEVICE_MODEL
    assert report.get_evidence()[0][2] == film_uid(1)
    assert report.get_evidence()[0][3] == DX


def test_a_withdrawing_report_measures_nothing_and_repeats_no_value() -> None:
    made = CASES["correction-withdrawn"]

    report = read(build(made))

    said = " ".join(texts(report))
    assert groups(build(made)) == []
    assert "The earlier report of this study is withdrawn." in said
    assert "Reason: a synthetic predictor was in force." in said
    assert "-2.3" not in said
    assert "not scored" not in said
    assert report.PredecessorDocumentsSequence


def test_a_probability_stands_beside_the_prevalence_it_is_calibrated_on() -> None:
    (group,) = groups(build(CASES["probability"]))

    shares = numbers(group)

    assert (shares["122157"], shares["BMD-PREVALENCE"]) == ((62.0, "%"), (22.0, "%"))


def test_a_probability_that_is_not_the_sites_own_is_not_printed() -> None:
    (group,) = groups(build(CASES["low-one-film"]))

    assert not set(numbers(group)) & {"122157", "BMD-PREVALENCE"}
