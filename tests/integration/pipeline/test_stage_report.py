"""Report: what goes to the archive, once; and what follows when the truth changes later."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.config import ConfirmBy
from screener.domain.report import ReportClass, ResultForm
from screener.domain.retry import WORK_ATTEMPTS
from screener.storage.database import Database
from screener.storage.spool import Spool, Stored
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import (
    LEASE_S,
    Crash,
    RecordingArchive,
    Rig,
    film_pixels,
    incoming,
    make_film,
)
from tests.support.stub_predictor import HeightPredictor

DAY_S = 86_400.0
WHOLE = {"REPORT": 1, "OVERLAY": 1, "CARD": 1}


class InterruptedVault(Spool):
    """Does what a test wants in the middle of a report, once, after some objects are written."""

    def __init__(self, folder: Path, after: int, action: Callable[[], None]) -> None:
        super().__init__(folder)
        self._left = after
        self._action = action

    def put(self, *parts: bytes | memoryview, key: str | None = None) -> Stored:
        stored = super().put(*parts, key=key)
        self._left -= 1
        if self._left == 0:
            self._action()
        return stored


def crash() -> None:
    raise Crash


def reports(rig: Rig) -> list[Dataset]:
    """Return the reports that the archive keeps, in the order in which they came."""
    seen = dict(rig.archive.sent)
    data_sets = [dcmread(BytesIO(data)) for data in seen.values()]
    return [data_set for data_set in data_sets if data_set.Modality == "SR"]


def predecessors(report: Dataset) -> list[str]:
    return [
        str(instance.ReferencedSOPInstanceUID)
        for study in report.get("PredecessorDocumentsSequence", [])
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    ]


def test_a_low_study_gets_one_report_an_overlay_per_scored_film_and_a_card(rig: Rig) -> None:
    rig.screen(
        make_film(1, study=1, z=-3.0),
        make_film(2, study=1, z=-2.6),
        make_film(3, study=1, z=-3.0, ViewPosition="LL", ViewCodeSequence=None),
    )

    assert rig.study().report_state == "COMMITTED"
    assert rig.kinds() == {"REPORT": 1, "OVERLAY": 2, "CARD": 1}
    assert len(rig.archive.kept) == 4
    assert sorted(rig.archive.kept.values()) == sorted(rig.vault_files().values())


def test_a_study_that_is_not_low_writes_nothing(rig: Rig) -> None:
    rig.screen(make_film(z=-1.5))

    assert (rig.study().state, rig.study().verdict) == ("CLOSED", "NOT_LOW")
    assert rig.study().report_state is None
    assert rig.kinds() == {}
    assert rig.vault_files() == {}
    assert rig.archive.calls == 0


@pytest.mark.parametrize(
    ("header", "verdict"),
    [({}, "NOT_LOW"), ({"ViewPosition": "LL", "ViewCodeSequence": None}, "NOT_ASSESSED")],
)
def test_a_site_may_ask_for_reports_of_all(
    make_rig: MakeRig, header: dict[str, Any], verdict: str
) -> None:
    rig = make_rig(report_all=True)

    rig.screen(make_film(z=0.5, **header))

    assert rig.study().verdict == verdict
    assert rig.kinds()["REPORT"] == 1
    assert rig.study().report_state == "COMMITTED"


def test_a_study_without_any_radiograph_gets_no_report_even_where_all_are_asked_for(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(report_all=True)

    rig.screen(make_film(ImageType=["DERIVED", "SECONDARY"]))

    assert (rig.study().state, rig.study().verdict) == ("CLOSED", "NOT_ASSESSED")
    assert rig.kinds() == {}


def test_a_crash_between_vault_and_row_ends_in_the_same_bytes_and_no_second_rows(
    rig: Rig,
) -> None:
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    rig.run("conclude")
    whole = rig.services.vault
    rig.change_services(vault=InterruptedVault(whole.folder, 3, crash))
    with pytest.raises(Crash):
        rig.run("report")
    before, rows_before = rig.vault_files(), rig.objects()
    rig.change_services(vault=whole)

    rig.pass_time(LEASE_S)

    assert rows_before == []
    assert len(before) == 3
    assert rig.vault_files() == before
    assert rig.kinds() == WHOLE
    assert rig.study().report_state == "COMMITTED"


def test_a_late_film_that_changes_no_printed_value_writes_nothing_new(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    before = rig.study()

    rig.screen(make_film(2, study=1, z=-3))

    assert rig.film_states() == ["SCORED", "SCORED"]
    assert rig.study().finding_id == before.finding_id
    assert rig.study().state == "REPORTED"
    assert len(rig.archive.sent) == 3


def test_our_own_report_that_comes_back_changes_nothing(rig: Rig) -> None:
    rig.screen(make_film(z=-3))
    before = rig.study()
    [own] = reports(rig)

    rig.screen(own)

    assert rig.film_states() == ["SCORED", "INELIGIBLE:OWN_OBJECT"]
    assert rig.study().finding_id == before.finding_id
    assert (rig.study().state, rig.study().verdict) == ("REPORTED", "LOW")
    assert len(rig.archive.sent) == 3


def test_a_late_film_that_changes_values_gets_a_report_that_names_its_predecessor(
    rig: Rig,
) -> None:
    rig.screen(make_film(1, study=1, z=-3.0))

    rig.screen(make_film(2, study=1, z=-2.4))

    first, second = reports(rig)
    assert rig.study().z == -2.7
    assert predecessors(first) == []
    assert predecessors(second) == [first.SOPInstanceUID]
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert rig.kinds() == {"REPORT": 2, "OVERLAY": 3, "CARD": 2}
    assert rig.delivery_states() == {"COMMITTED"}


def test_a_study_that_is_no_longer_low_gets_a_correcting_report(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-2.2))

    rig.screen(make_film(2, study=1, z=-1.4))

    first, second = reports(rig)
    assert (rig.study().verdict, rig.study().state) == ("NOT_LOW", "REPORTED")
    assert predecessors(second) == [first.SOPInstanceUID]
    assert rig.study().report_state == "COMMITTED"


def test_a_correction_that_makes_a_reported_study_not_low_gets_a_correcting_report(
    rig: Rig,
) -> None:
    rig.screen(make_film(z=-3))

    rig.screen(make_film(z=-1))

    first, second = reports(rig)
    assert rig.study().verdict == "NOT_LOW"
    assert predecessors(second) == [first.SOPInstanceUID]


def test_a_correction_that_leaves_nothing_to_assess_gets_a_correcting_report(rig: Rig) -> None:
    rig.screen(make_film(z=-3))

    rig.screen(make_film(z=-3, PatientBirthDate="19900101", PatientAge="036Y"))

    first, second = reports(rig)
    assert rig.study().verdict == "NOT_ASSESSED"
    assert predecessors(second) == [first.SOPInstanceUID]


def test_a_correction_that_leaves_no_radiograph_gets_a_correcting_report(rig: Rig) -> None:
    rig.screen(make_film(z=-3))

    rig.screen(make_film(z=-3, ImageType=["DERIVED", "SECONDARY"]))

    first, second = reports(rig)
    assert rig.study().verdict == "NOT_ASSESSED"
    assert predecessors(second) == [first.SOPInstanceUID]
    assert rig.study().report_state == "COMMITTED"


def test_a_study_whose_only_film_moved_away_gets_a_correcting_report(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, child=1, z=-3))

    rig.screen(make_film(1, study=2, child=2, z=-3))

    first, second, third = sorted(reports(rig), key=lambda report: bool(predecessors(report)))
    assert (rig.study(1).verdict, rig.study(2).verdict) == ("NOT_ASSESSED", "LOW")
    assert {first.PatientID, second.PatientID} == {"ZZ-SYNTHETIC-1", "ZZ-SYNTHETIC-2"}
    assert third.PatientID == "ZZ-SYNTHETIC-1"
    assert predecessors(third) == [first.SOPInstanceUID]


def test_a_study_that_is_low_again_gets_a_third_report(rig: Rig) -> None:
    for z in (-3, -1, -3):
        rig.screen(make_film(z=z))

    first, second, third = reports(rig)
    assert rig.study().verdict == "LOW"
    assert predecessors(second) == [first.SOPInstanceUID]
    assert predecessors(third) == [second.SOPInstanceUID]


def test_a_film_that_comes_while_the_report_is_made_is_not_forgotten(rig: Rig) -> None:
    rig.send(make_film(1, study=1, z=-3.0))
    rig.run_until_idle()
    rig.clock.advance(180)
    rig.run("conclude")
    whole = rig.services.vault

    def another_worker() -> None:
        rig.change_services(vault=whole)
        rig.screen(make_film(2, study=1, z=-2.4))

    rig.change_services(vault=InterruptedVault(whole.folder, 3, another_worker))
    slow = rig.stages()["report"]

    slow()
    rig.settle()

    [only] = reports(rig)
    assert rig.study().z == -2.7
    assert rig.study().report_state == "COMMITTED"
    assert predecessors(only) == []
    assert rig.kinds() == {"REPORT": 1, "OVERLAY": 2, "CARD": 1}


def test_a_slow_worker_cannot_put_an_older_finding_in_place_of_the_one_being_reported(
    rig: Rig,
) -> None:
    rig.send(make_film(1, study=1, z=-3.0))
    rig.run_until_idle()
    rig.clock.advance(180)
    rig.run("conclude")
    whole = rig.services.vault

    def another_worker_dies_over_a_newer_report() -> None:
        rig.change_services(vault=whole)
        rig.send(make_film(2, study=1, z=-2.4))
        rig.run("judge")
        rig.run("score")
        rig.clock.advance(180)
        rig.run("conclude")
        rig.change_services(vault=InterruptedVault(whole.folder, 1, crash))
        with pytest.raises(Crash):
            rig.run("report")

    rig.change_services(
        vault=InterruptedVault(whole.folder, 3, another_worker_dies_over_a_newer_report)
    )
    slow = rig.stages()["report"]
    slow()
    rig.change_services(vault=whole)
    rig.pass_time(LEASE_S)

    [only] = reports(rig)
    assert rig.study().z == -2.7
    assert rig.study().report_state == "COMMITTED"
    assert rig.kinds() == {"REPORT": 1, "OVERLAY": 2, "CARD": 1}
    assert predecessors(only) == []


def test_another_study_of_a_child_reported_lately_is_covered_and_names_what_covers_it(
    rig: Rig,
) -> None:
    rig.screen(make_film(1, child=7, z=-3))
    rig.clock.advance(179 * DAY_S)

    rig.screen(make_film(2, child=7, z=-2.5))

    assert (rig.study(2).state, rig.study(2).verdict) == ("CLOSED", "LOW")
    assert rig.study(2).report_state == "COVERED"
    assert rig.study(2).covered_by == rig.study(1).finding_id
    assert rig.kinds(2) == {}


def test_two_studies_of_a_child_that_settle_together_get_one_report(rig: Rig) -> None:
    rig.screen(make_film(1, child=7, z=-3), make_film(2, child=7, z=-2.5))
    rig.pass_time(10)

    assert len(reports(rig)) == 1
    assert rig.study(2).covered_by == rig.study(1).finding_id


@pytest.mark.parametrize(
    "other",
    [{"child": 8}, {"PatientBirthDate": "20151002"}, {"IssuerOfPatientID": "ANOTHER"}],
)
def test_another_child_is_not_covered(rig: Rig, other: dict[str, Any]) -> None:
    rig.screen(make_film(1, z=-3))

    rig.screen(make_film(2, z=-3, **other))

    assert rig.study(2).report_state == "COMMITTED"


def test_a_child_is_reported_again_when_its_last_report_is_old(rig: Rig) -> None:
    rig.screen(make_film(1, child=7, z=-3))
    rig.clock.advance(181 * DAY_S)

    rig.screen(make_film(2, child=7, z=-3))

    assert rig.study(2).report_state == "COMMITTED"


def test_a_child_is_reported_again_by_another_predictor(rig: Rig) -> None:
    rig.screen(make_film(1, child=7, z=-3))
    rig.change_predictor(HeightPredictor(checksum="cd" * 32))

    rig.screen(make_film(2, child=7, z=-3))

    assert rig.study(2).report_state == "COMMITTED"


def test_a_child_is_reported_again_where_the_site_wants_every_study_reported(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(repeat_report_days=0)
    rig.screen(make_film(1, child=7, z=-3))

    rig.screen(make_film(2, child=7, z=-3))

    assert rig.study(2).report_state == "COMMITTED"


def test_a_covered_study_is_reported_when_what_covered_it_is_corrected(rig: Rig) -> None:
    rig.screen(make_film(1, child=7, z=-3))
    rig.screen(make_film(2, child=7, z=-2.5))
    covered = rig.study(2).report_state

    rig.screen(make_film(1, child=7, z=-1))

    assert covered == "COVERED"
    assert rig.study(1).verdict == "NOT_LOW"
    assert rig.study(2).report_state == "COMMITTED"


def test_a_study_that_turned_out_to_be_another_childs_covers_nobody(rig: Rig) -> None:
    rig.screen(make_film(1, child=7, z=-3))
    rig.screen(make_film(1, child=8, z=-3))

    rig.screen(make_film(2, child=7, z=-3))

    assert rig.study(2).report_state == "COMMITTED"


def test_a_covered_study_is_reported_when_what_covered_it_turns_out_to_be_another_childs(
    rig: Rig,
) -> None:
    rig.screen(make_film(1, child=7, z=-3))
    rig.screen(make_film(2, child=7, z=-2.5))

    rig.screen(make_film(1, child=8, z=-3))

    assert rig.study(2).report_state == "COMMITTED"


def test_a_study_whose_report_failed_covers_nobody(rig: Rig) -> None:
    rig.send(make_film(1, child=7, z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    rig.run("conclude")
    rig.services.spool.discard(rig.films()[0].spool_key)
    rig.run_until_idle()

    rig.screen(make_film(2, child=7, z=-3))

    assert (rig.study(1).state, rig.study(1).error_code) == ("FAILED", "UNREADABLE_INSTANCE")
    assert rig.study(2).report_state == "COMMITTED"


def test_a_study_that_waited_for_a_report_that_failed_is_reported_itself(rig: Rig) -> None:
    rig.send(make_film(1, child=7, z=-3), make_film(2, child=7, z=-2.5))
    rig.run_until_idle()
    rig.clock.advance(180)
    rig.run("conclude")
    rig.services.spool.discard(rig.films()[0].spool_key)

    rig.run_until_idle()
    rig.pass_time(10)

    assert rig.study(1).state == "FAILED"
    assert rig.study(2).report_state == "COMMITTED"


def test_each_archive_gets_the_report_in_its_own_form_and_the_captures_once(
    make_rig: MakeRig,
) -> None:
    modern = RecordingArchive("modern")
    old = RecordingArchive(
        "old",
        form=ResultForm(report_class=ReportClass.ENHANCED),
        confirm_by=ConfirmBy.QUERY,
    )
    rig = make_rig(modern, old)

    rig.screen(make_film(z=-3))

    classes = {
        archive.name: sorted(
            dcmread(BytesIO(data)).SOPClassUID.name for data in archive.kept.values()
        )
        for archive in rig.archives
    }
    captures = ["Secondary Capture Image Storage"] * 2
    assert classes == {
        "modern": ["Comprehensive 3D SR Storage", *captures],
        "old": ["Enhanced SR Storage", *captures],
    }
    assert rig.kinds() == {"REPORT": 2, "OVERLAY": 1, "CARD": 1}


def test_no_date_in_an_object_comes_from_the_clock(make_rig: MakeRig, rig: Rig) -> None:
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(180)
    rig.run("conclude")
    rig.clock.advance(400 * DAY_S)

    rig.run_until_idle()

    [only] = reports(rig)
    assert only.ContentDate == "20260302"
    dates = {element.value for element in only.iterall() if element.VR in {"DA", "DT"}}
    assert not any(str(date).startswith("2027") for date in dates)


def test_a_full_vault_delays_a_report_and_loses_none(rig: Rig) -> None:
    whole = rig.services.vault
    rig.change_services(vault=Spool(whole.folder, min_free_bytes=1 << 62))
    rig.screen(make_film(z=-3))
    for _ in range(WORK_ATTEMPTS * 2):
        rig.pass_time(1000)
    full = rig.study()
    rig.change_services(vault=whole)

    rig.pass_time(1000)

    assert (full.state, full.error_code) == ("FLAGGED", "SPOOL_FULL")
    assert rig.study().report_state == "COMMITTED"


def test_a_conflicting_film_changes_no_report(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))

    rig.screen(make_film(1, z=0, pixels=film_pixels(5)))

    assert len(reports(rig)) == 1
    assert rig.study().verdict == "LOW"


def test_a_film_that_was_never_judged_before_the_node_stopped_is_reported_after_its_start(
    rig: Rig,
) -> None:
    rig.store(incoming(make_film(z=-3)))
    rig.close()
    rig.change_services(database=Database(rig.services.database.url, clock=rig.clock))

    rig.settle()

    assert rig.study().report_state == "COMMITTED"
