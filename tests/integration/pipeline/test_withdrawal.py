"""Withdrawing a report: archives are told, what was not sent never is, and nothing reopens it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from screener.config import Withdrawal
from screener.domain.delivery import ArchiveMode
from screener.domain.errors import ArchiveUnreachable
from screener.domain.identifiers import StudyId
from screener.domain.retry import WORK_ATTEMPTS
from screener.storage.spool import Spool, Stored
from tests.integration.conftest import MakeRig
from tests.support.pipeline_rig import (
    LEASE_S,
    SETTLE_S,
    Crash,
    RecordingArchive,
    Rig,
    make_film,
    once,
)

SR = "1.2.840.10008.5.1.4.1.1.88.34"
#: Of one archive without rejection notes.
WITHDRAWN_KINDS = {"REPORT": 2, "OVERLAY": 1, "CARD": 2}
A_DAY_S = 86_400.0


class CrashingVault(Spool):
    """Dies once, when so many objects are written."""

    left = 1

    def put(self, *parts: bytes | memoryview, key: str | None = None) -> Stored:
        stored = super().put(*parts, key=key)
        self.left -= 1
        if self.left == 0:
            raise Crash
        return stored


def sent(archive: RecordingArchive, modality: str) -> list[Dataset]:
    """Return what an archive was sent, each object once, in the order in which it came."""
    read = [dcmread(BytesIO(data)) for data in dict(archive.sent).values()]
    return [dataset for dataset in read if dataset.Modality == modality]


def text_of(dataset: Dataset) -> str:
    """Return all texts of a structured report."""
    own = str(dataset.get("TextValue", ""))
    return own + " ".join(text_of(item) for item in dataset.get("ContentSequence", []))


def codes_of(dataset: Dataset) -> set[str]:
    values = {str(code.CodeValue) for code in dataset.get("ConceptCodeSequence", [])}
    return values.union(*(codes_of(item) for item in dataset.get("ContentSequence", [])))


def value_types(dataset: Dataset) -> set[str]:
    return {str(dataset.get("ValueType"))}.union(
        *(value_types(item) for item in dataset.get("ContentSequence", []))
    )


def named_by(note: Dataset) -> set[str]:
    return {
        str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        for item in note.ContentSequence
        if "ReferencedSOPSequence" in item
    }


def deletions(rig: Rig, *, closed: bool = False) -> list[tuple[str, int, str]]:
    with rig.services.database.read() as uow:
        return [(d.archive, d.study_id, d.kind) for d in uow.withdrawals.deletions(closed=closed)]


def attention(rig: Rig) -> set[tuple[str, str, int]]:
    with rig.services.database.read() as uow:
        return {(a.what, a.state, a.count) for a in uow.queries.attention()}


def test_a_withdrawn_study_gets_a_report_that_takes_the_first_one_back(rig: Rig) -> None:
    rig.screen(make_film(z=-3))
    assert rig.withdraw(because="a wrong predictor was in force") is None
    assert rig.study().state == "WITHDRAWING"

    rig.run_until_idle()

    first, last = sent(rig.archive, "SR")
    [study] = last.PredecessorDocumentsSequence
    [reference] = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert (rig.study().state, rig.study().verdict, rig.study().z) == (
        "WITHDRAWN",
        "WITHDRAWN",
        None,
    )
    assert reference.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert "REVISED 2" in last.SeriesDescription
    assert "Reason: a wrong predictor was in force." in text_of(last)
    assert "must not be used" in text_of(last)
    assert "SCREEN-WITHDRAWN" in codes_of(last)
    assert "449781000" not in codes_of(last)
    assert "NUM" not in value_types(last)
    assert rig.kinds() == WITHDRAWN_KINDS
    assert rig.delivery_states() == {"COMMITTED"}
    assert rig.study().report_state == "COMMITTED"
    assert rig.at_an_end()


def test_a_study_without_a_report_has_nothing_to_withdraw(rig: Rig) -> None:
    rig.screen(make_film(z=-1))

    assert rig.withdraw() == "has no report to withdraw"
    assert rig.study().state == "CLOSED"


def test_a_report_is_not_withdrawn_twice(rig: Rig) -> None:
    rig.screen(make_film(z=-3))
    rig.withdraw()
    again = rig.withdraw()
    rig.run_until_idle()

    assert again == "is being withdrawn already"
    assert rig.withdraw() == "is withdrawn already"
    assert rig.kinds() == WITHDRAWN_KINDS


def test_a_late_film_does_not_reopen_a_withdrawn_study(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    rig.withdraw()
    rig.run_until_idle()
    before = rig.study(), len(rig.archive.sent)

    rig.screen(make_film(2, study=1, z=-2))

    assert rig.film_states() == ["SCORED", "SCORED"]
    assert (rig.study().finding_id, rig.study().state) == (before[0].finding_id, "WITHDRAWN")
    assert len(rig.archive.sent) == before[1]


@pytest.mark.parametrize("stages", [("judge",), ("judge", "score"), ("judge", "score", "conclude")])
def test_a_study_with_a_report_is_withdrawn_while_a_later_finding_is_on_its_way(
    rig: Rig, stages: tuple[str, ...]
) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    rig.send(make_film(2, study=1, z=-2))
    rig.run("judge")
    rig.clock.advance(SETTLE_S)
    for stage in stages[1:]:
        rig.run(stage)
    assert rig.study().state in {"GROWING", "FLAGGED"}

    rig.withdraw()
    rig.settle()

    _first, last = sent(rig.archive, "SR")
    assert rig.study().state == "WITHDRAWN"
    assert "is withdrawn" in text_of(last)
    assert "REVISED 2" in last.SeriesDescription


def test_whoever_makes_a_later_report_meanwhile_loses_the_study(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    rig.send(make_film(2, study=1, z=-2))
    rig.run_until_idle()
    rig.clock.advance(SETTLE_S)
    rig.run("conclude")
    vault = WithdrawingVault(rig.services.vault.folder)
    vault.rig = rig
    rig.change_services(vault=vault)

    rig.run_until_idle()

    assert rig.study().state == "WITHDRAWN"
    assert [("is withdrawn" in text_of(r)) for r in sent(rig.archive, "SR")] == [False, True]


class WithdrawingVault(Spool):
    """Has the report withdrawn while another one is being written."""

    rig: Rig | None = None

    def put(self, *parts: bytes | memoryview, key: str | None = None) -> Stored:
        if self.rig is not None:
            rig, self.rig = self.rig, None
            assert rig.study().state == "REPORTING"
            assert rig.withdraw() is None
        return super().put(*parts, key=key)


def test_what_an_archive_has_not_got_yet_is_never_sent_and_it_is_not_told(
    make_rig: MakeRig,
) -> None:
    well, away = RecordingArchive("well"), RecordingArchive("away")
    away.is_away = True
    rig = make_rig(well, away)
    rig.screen(make_film(z=-3))
    assert rig.delivery_states(archive="away") == {"PENDING"}

    rig.withdraw()
    assert rig.delivery_states(archive="away") == {"CANCELLED"}
    rig.run_until_idle()
    away.is_away = False
    rig.pass_time(A_DAY_S)

    assert away.sent == []
    assert len(sent(well, "SR")) == 2
    assert rig.delivery_states(archive="away") == {"CANCELLED"}
    assert {d[0] for d in deletions(rig)} == {"well"}


def test_retry_does_not_bring_cancelled_objects_back(make_rig: MakeRig) -> None:
    rig = make_rig(mode=ArchiveMode.OFF)
    rig.screen(make_film(z=-3))
    assert rig.delivery_states() == {"HELD"}
    rig.withdraw()
    rig.change_rules(mode=ArchiveMode.TEST)

    assert rig.retry() == 0
    rig.run_until_idle()

    assert rig.archive.sent == []
    assert rig.delivery_states() == {"CANCELLED"}
    assert rig.study().state == "WITHDRAWN"
    assert rig.study().report_state == "MADE"


def test_an_object_that_fails_while_it_is_being_sent_is_cancelled_afterwards(rig: Rig) -> None:
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(SETTLE_S)
    rig.run_until_idle("conclude", "report")

    def withdraw_and_break(_: str) -> None:
        rig.withdraw()
        rig.archive.before_send = once(Crash())
        raise ArchiveUnreachable("broke off")

    rig.archive.before_send = withdraw_and_break
    rig.run("deliver pacs")
    rig.archive.before_send = lambda _: None
    rig.pass_time(A_DAY_S)

    withdrawn = [made for made in rig.objects() if made.finding_id == 1]
    assert {made.state for made in withdrawn} == {"CANCELLED"}
    first = {made.sop_instance_uid for made in withdrawn}
    assert first.isdisjoint(rig.archive.kept)


def test_the_rest_of_a_batch_is_not_sent_once_the_report_is_withdrawn(rig: Rig) -> None:
    rig.send(make_film(z=-3))
    rig.run_until_idle()
    rig.clock.advance(SETTLE_S)
    rig.run_until_idle("conclude", "report")
    withdrawn: list[str] = []

    def withdraw_once(_: str) -> None:
        if not withdrawn:
            withdrawn.append("yes")
            rig.withdraw()

    rig.archive.after_send = withdraw_once
    rig.run("deliver pacs")

    assert len(rig.archive.sent) == 1
    states = sorted(made.state or "" for made in rig.objects())
    assert states == ["CANCELLED", "CANCELLED", "SENT"]


def test_an_archive_with_rejection_notes_gets_one_that_names_exactly_what_it_has(
    make_rig: MakeRig,
) -> None:
    iocm = RecordingArchive("iocm", withdrawal=Withdrawal.IOCM)
    plain = RecordingArchive("plain")
    rig = make_rig(iocm, plain)
    rig.screen(make_film(1, study=1, z=-3))
    rig.screen(make_film(2, study=1, z=-2.4))
    before = set(iocm.kept)
    assert len(before) == 8
    [replacing] = sent(iocm, "KO")

    rig.withdraw(because="wrong weights")
    rig.run_until_idle()

    note = sent(iocm, "KO")[-1]
    # to reject the earlier note would take what it hides back into use
    assert named_by(note) == before - {str(replacing.SOPInstanceUID)}
    assert note.ConceptNameCodeSequence[0].CodeValue == "113037"
    assert sent(plain, "KO") == []
    assert {made.archive for made in rig.objects() if made.kind == "REJECTION_NOTE"} == {"iocm"}
    assert {archive for archive, *_ in deletions(rig)} == {"plain"}
    assert rig.delivery_states() == {"COMMITTED"}


def test_our_own_note_that_comes_back_changes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(RecordingArchive(withdrawal=Withdrawal.IOCM))
    rig.screen(make_film(z=-3))
    rig.withdraw()
    rig.run_until_idle()
    [note] = sent(rig.archive, "KO")
    before = len(rig.archive.sent)

    rig.screen(note)

    assert rig.film_states() == ["SCORED", "INELIGIBLE:OWN_OBJECT"]
    assert rig.study().state == "WITHDRAWN"
    assert len(rig.archive.sent) == before


def test_what_an_archive_without_notes_has_is_to_be_deleted_until_it_is_confirmed(rig: Rig) -> None:
    rig.screen(make_film(z=-3))
    assert deletions(rig) == []
    rig.withdraw()
    rig.run_until_idle()

    is_open = deletions(rig)
    assert sorted(is_open) == [("pacs", 1, kind) for kind in ("CARD", "OVERLAY", "REPORT")]
    assert ("deletion", "OPEN", 3) in attention(rig)
    with rig.services.database.write() as uow:
        assert uow.withdrawals.confirm_deletions(StudyId(1), "pacs", by="admin") == 3
        assert uow.withdrawals.confirm_deletions(StudyId(1), "pacs", by="admin") == 0

    assert deletions(rig) == []
    assert deletions(rig, closed=True) == is_open
    assert attention(rig) == set()


def test_the_pictures_of_a_replaced_report_are_to_be_deleted_and_the_report_is_not(
    rig: Rig,
) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    rig.screen(make_film(2, study=1, z=-1))

    assert len(sent(rig.archive, "SR")) == 2
    assert sorted(deletions(rig)) == [("pacs", 1, "CARD"), ("pacs", 1, "OVERLAY")]


def test_an_archive_with_rejection_notes_gets_one_for_the_pictures_of_a_replaced_report(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(RecordingArchive(withdrawal=Withdrawal.IOCM))
    rig.screen(make_film(1, study=1, z=-3))
    pictures = {uid for uid, data in rig.archive.kept.items() if modality_of(data) == "OT"}

    rig.screen(make_film(2, study=1, z=-2.4))

    [note] = sent(rig.archive, "KO")
    assert named_by(note) == pictures
    assert deletions(rig) == []


def test_pictures_that_were_replaced_before_they_could_be_sent_are_never_sent(rig: Rig) -> None:
    rig.archive.is_away = True
    rig.screen(make_film(1, study=1, z=-3))
    rig.screen(make_film(2, study=1, z=-2.4))
    rig.archive.is_away = False

    for _ in range(4):
        rig.pass_time(1500)

    kept = [modality_of(data) for data in rig.archive.kept.values()]
    assert sorted(kept) == ["OT", "OT", "OT", "SR", "SR"]
    assert rig.delivery_states() == {"COMMITTED", "CANCELLED"}
    assert deletions(rig) == []


def modality_of(data: bytes) -> str:
    return str(dcmread(BytesIO(data), stop_before_pixels=True).Modality)


def test_an_archive_that_left_the_settings_is_on_the_list_for_its_administrator(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(RecordingArchive("old", withdrawal=Withdrawal.IOCM), RecordingArchive("new"))
    rig.screen(make_film(z=-3))
    rig.change_services(archives={"new": rig.archives[1]})

    rig.withdraw()
    rig.run_until_idle()

    assert {archive for archive, *_ in deletions(rig)} == {"old", "new"}


def test_a_study_that_was_covered_gets_its_own_report_when_the_covering_one_is_withdrawn(
    rig: Rig,
) -> None:
    rig.screen(make_film(1, z=-3))
    rig.screen(make_film(2, z=-3))
    assert (rig.study(2).state, rig.study(2).report_state) == ("CLOSED", "COVERED")

    rig.withdraw(1)
    rig.settle()

    assert rig.study(1).state == "WITHDRAWN"
    assert (rig.study(2).state, rig.study(2).report_state) == ("REPORTED", "COMMITTED")


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stage_killed_between_act_and_settle_doubles_nothing(
    make_rig: MakeRig, after: int
) -> None:
    rig = make_rig(RecordingArchive(withdrawal=Withdrawal.IOCM))
    rig.screen(make_film(z=-3))
    rig.withdraw()
    whole = rig.services.vault
    dying = CrashingVault(whole.folder)
    dying.left = after
    rig.change_services(vault=dying)
    with pytest.raises(Crash):
        rig.run("report")
    before, state = rig.vault_files(), rig.study().state
    rig.change_services(vault=whole)

    rig.pass_time(LEASE_S)

    assert state == "WITHDRAWING"
    assert set(before) < set(rig.vault_files()) or set(before) == set(rig.vault_files())
    assert {key: rig.vault_files()[key] for key in before} == before
    assert rig.kinds() == WITHDRAWN_KINDS | {"REJECTION_NOTE": 1}
    assert len(rig.vault_files()) == 6
    assert rig.study().state == "WITHDRAWN"
    assert rig.delivery_states() == {"COMMITTED"}


def test_a_withdrawal_that_fails_is_taken_up_again_by_an_operator_and_by_no_film(
    rig: Rig, tmp_path: Path
) -> None:
    rig.screen(make_film(1, study=1, z=-3))
    rig.withdraw()
    whole = rig.services.spool
    missing = Spool(tmp_path / "missing")
    missing.prepare()
    rig.change_services(spool=missing)
    for _ in range(WORK_ATTEMPTS + 1):
        rig.pass_time(A_DAY_S, "report")
    assert rig.study().state == "FAILED"
    rig.change_services(spool=whole)

    rig.screen(make_film(2, study=1, z=-2))
    assert rig.study().state == "FAILED"
    assert "screener retry" in str(rig.withdraw())
    with rig.services.database.write() as uow:
        assert uow.studies.retry(StudyId(1))
    assert rig.study().state == "WITHDRAWING"
    rig.run_until_idle()

    assert rig.study().state == "WITHDRAWN"
    assert len(sent(rig.archive, "SR")) == 2


def test_a_withdrawal_is_in_the_audit_trail(rig: Rig) -> None:
    rig.screen(make_film(z=-3))

    rig.withdraw(because="wrong weights")

    with rig.services.database.read() as uow:
        found = uow.session.connection().exec_driver_sql(
            "SELECT actor, action, subject, detail FROM audit_entries WHERE action = 'WITHDRAW'"
        )
        [(actor, _, subject, detail)] = found.all()
    assert (actor, subject) == ("test", "study 1")
    assert '"because": "wrong weights"' in detail
