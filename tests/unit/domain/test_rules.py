import pytest

from screener.domain.delivery import ArchiveMode
from screener.domain.errors import ConfigurationError
from screener.domain.rules import SiteRules, refuse_live_if_synthetic


def test_an_archive_that_the_rules_do_not_name_is_off() -> None:
    rules = SiteRules(version=1, archives={"main": ArchiveMode.TEST})

    assert rules.mode("main") is ArchiveMode.TEST
    assert rules.mode("other") is ArchiveMode.OFF


def test_live_is_refused_while_the_predictor_is_synthetic() -> None:
    rules = SiteRules(
        version=1,
        archives={"b": ArchiveMode.LIVE, "a": ArchiveMode.LIVE, "c": ArchiveMode.TEST},
    )

    with pytest.raises(ConfigurationError, match=r'archive a, b: mode "live" is refused'):
        refuse_live_if_synthetic(rules, predictor_is_synthetic=True)
    refuse_live_if_synthetic(rules, predictor_is_synthetic=False)


def test_a_synthetic_predictor_may_speak_to_test_archives() -> None:
    rules = SiteRules(version=1, archives={"a": ArchiveMode.TEST, "b": ArchiveMode.OFF})

    refuse_live_if_synthetic(rules, predictor_is_synthetic=True)
