"""The same SOP Instance UID again: a repetition, a correction, or other pixels."""

from __future__ import annotations

import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from tests.support.pipeline_rig import Rig, film_pixels, make_film
from tests.support.stub_predictor import height_for


@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, RLELossless, JPEGLSLossless])
def test_an_equal_film_changes_nothing_in_whatever_transfer_syntax_it_comes(
    rig: Rig, transfer_syntax: str
) -> None:
    rig.screen(make_film(z=-3))
    before, objects = rig.study(), rig.objects()

    rig.send(make_film(z=-3), transfer_syntax=transfer_syntax)
    rig.settle()

    assert rig.film_states() == ["SCORED", "DUPLICATE:SAME_INSTANCE_AGAIN"]
    assert rig.study().finding_id == before.finding_id
    assert rig.study().state == before.state
    assert rig.objects() == objects
    assert len(rig.archive.sent) == 3


def test_an_equal_film_that_comes_before_the_first_is_judged_changes_nothing(rig: Rig) -> None:
    rig.send(make_film(z=-3))
    rig.send(make_film(z=-3), transfer_syntax=RLELossless)

    rig.settle()

    assert rig.film_states() == ["SCORED", "DUPLICATE:SAME_INSTANCE_AGAIN"]
    assert rig.kinds() == {"REPORT": 1, "OVERLAY": 1, "CARD": 1}


def test_a_corrected_height_is_a_revision_that_is_judged_and_scored_again(rig: Rig) -> None:
    rig.screen(make_film(z=-1))
    first = rig.study()

    rig.screen(make_film(z=-3))

    assert rig.film_states() == ["SUPERSEDED", "SCORED"]
    assert [film.revision for film in rig.films()] == [1, 2]
    assert (first.verdict, first.z) == ("NOT_LOW", -1.0)
    assert (rig.study().verdict, rig.study().z) == ("LOW", -3.0)
    assert len(rig.spool_files()) == 2


def test_the_superseded_revision_keeps_its_prediction(rig: Rig) -> None:
    rig.screen(make_film(z=-1))
    [before] = rig.films()

    rig.screen(make_film(z=-3))

    after, _ = rig.films()
    assert before.prediction is not None
    assert after.prediction == before.prediction
    assert after.header == before.header


def test_a_corrected_birth_date_can_make_a_film_ineligible(rig: Rig) -> None:
    rig.screen(make_film(z=-3))

    rig.screen(make_film(z=-3, PatientBirthDate="19900101", PatientAge="036Y"))

    assert rig.film_states() == ["SUPERSEDED", "INELIGIBLE:AGE_ABOVE_RANGE"]
    assert rig.study().verdict == "NOT_ASSESSED"


def test_a_corrected_birth_date_can_make_a_film_eligible(rig: Rig) -> None:
    rig.screen(make_film(z=-3, PatientBirthDate="19900101", PatientAge="036Y"))

    rig.screen(make_film(z=-3))

    assert rig.film_states() == ["SUPERSEDED:AGE_ABOVE_RANGE", "SCORED"]
    assert rig.study().verdict == "LOW"


def test_a_revision_that_moves_a_film_to_another_study_concludes_both_anew(rig: Rig) -> None:
    rig.screen(make_film(1, study=1, z=-3), make_film(2, study=1, z=0.0))

    rig.screen(make_film(2, study=2, z=0.0))

    assert rig.film_states(1) == ["SCORED", "SUPERSEDED"]
    assert (rig.study(1).verdict, rig.study(1).z) == ("LOW", -3.0)
    assert (rig.study(2).verdict, rig.study(2).z) == ("NOT_LOW", 0.0)


def test_a_revision_that_comes_while_the_first_waits_is_the_one_that_is_scored(rig: Rig) -> None:
    rig.send(make_film(z=0))
    rig.run("judge")

    rig.screen(make_film(z=-3))

    assert rig.film_states() == ["SUPERSEDED", "SCORED"]
    assert rig.study().z == -3.0


def test_other_pixels_are_kept_apart_and_never_scored(rig: Rig) -> None:
    rig.screen(make_film(1, z=-3))
    before, objects = rig.study(), rig.objects()

    rig.screen(make_film(1, z=0, pixels=film_pixels(2)))

    assert rig.film_states() == ["SCORED", "CONFLICTING:PIXELS_DIFFER"]
    assert len(rig.spool_files()) == 2
    assert rig.study().finding_id == before.finding_id
    assert rig.objects() == objects


def test_a_whole_film_takes_the_place_of_one_that_was_cut_short(rig: Rig) -> None:
    whole = make_film(z=-3)
    rig.screen(make_film(z=-3, PixelData=whole.PixelData[:1000]))
    cut_short = rig.film_states()

    rig.screen(whole)

    assert cut_short == ["NOT_SCORED:TRUNCATED_PIXELS"]
    assert rig.film_states() == ["SUPERSEDED:TRUNCATED_PIXELS", "SCORED"]
    assert rig.study().verdict == "LOW"


def test_a_film_that_comes_again_cut_short_does_not_speak(rig: Rig) -> None:
    whole = make_film(z=-3)
    rig.screen(whole)

    rig.screen(make_film(z=-3, PixelData=whole.PixelData[:1000]))

    assert rig.film_states() == ["SCORED", "CONFLICTING:PIXELS_DIFFER"]
    assert rig.study().verdict == "LOW"


def test_the_same_pixels_under_another_uid_are_scored_once_in_a_study(rig: Rig) -> None:
    pixels = film_pixels(1)

    rig.screen(
        make_film(1, study=1, z=-3, pixels=pixels), make_film(2, study=1, z=-3, pixels=pixels)
    )

    assert rig.film_states() == ["SCORED", "NOT_SCORED:SAME_PIXELS_IN_STUDY"]
    assert rig.kinds() == {"REPORT": 1, "OVERLAY": 1, "CARD": 1}


def test_the_same_pixels_in_another_study_are_scored(rig: Rig) -> None:
    pixels = film_pixels(1)

    rig.screen(make_film(1, study=1, pixels=pixels), make_film(2, study=2, pixels=pixels))

    assert rig.film_states() == ["SCORED", "SCORED"]


def test_a_twin_is_scored_when_the_film_that_spoke_for_both_is_corrected_away(rig: Rig) -> None:
    pixels = film_pixels(1)
    rig.screen(
        make_film(1, study=1, z=-3, pixels=pixels), make_film(2, study=1, z=-3, pixels=pixels)
    )

    rig.screen(make_film(1, study=9, z=-3, pixels=pixels))

    assert rig.film_states(1) == ["SUPERSEDED", "SCORED"]
    assert rig.study(1).verdict == "LOW"


def test_two_corrections_in_a_row_leave_the_last_one_speaking(rig: Rig) -> None:
    rig.send(make_film(z=0), make_film(z=-1), make_film(z=-3))

    rig.settle()

    assert rig.film_states() == ["SUPERSEDED", "SUPERSEDED", "SCORED"]
    assert rig.study().z == -3.0


def test_a_correction_of_what_the_predictor_reads_is_what_it_is_told(rig: Rig) -> None:
    rig.screen(make_film(z=0, PatientSize=None))
    missing = rig.study()

    rig.screen(make_film(z=0, PatientSize=str(height_for(-2.5))))

    assert missing.z == 0.0
    assert rig.study().z == -2.5
