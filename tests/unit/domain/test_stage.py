import pytest

from screener.domain.stage import ROLE_OF, Pulse, Role, StageName, trouble


def pulse(silent_s: float = 1.0, idle_s: float = 1.0, *, has_work: bool = True) -> Pulse:
    return Pulse(silent_s=silent_s, idle_s=idle_s, has_work=has_work)


def said_of(given: Pulse) -> str | None:
    return trouble(given, silent_after_s=20, idle_after_s=180)


def test_every_stage_has_a_role_and_every_role_but_two_has_stages() -> None:
    assert set(ROLE_OF) == set(StageName)
    assert set(ROLE_OF.values()) == set(Role) - {Role.LISTENER, Role.BEAT}


@pytest.mark.parametrize("given", [pulse(), pulse(20, 180), pulse(idle_s=10_000, has_work=False)])
def test_a_process_that_works_or_has_nothing_to_do_is_well(given: Pulse) -> None:
    assert said_of(given) is None


def test_a_process_that_gives_no_sign_is_in_trouble_whatever_there_is_to_do() -> None:
    assert said_of(pulse(21, has_work=False)) == "no sign of life for 21 s"


def test_a_process_that_leaves_work_undone_is_in_trouble() -> None:
    assert said_of(pulse(idle_s=181)) == "there is work and it has done none for 181 s"
