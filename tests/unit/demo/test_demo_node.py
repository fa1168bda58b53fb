"""Which node the demo may send to, which archive it asks, and where it finds the listener."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from screener.config import ArchiveSettings, Settings
from screener.demo.node import choose_archive, node_peer, refuse_real_predictor
from screener.domain.delivery import ArchiveMode
from screener.domain.errors import ConfigurationError
from screener.domain.rules import SiteRules
from screener.predictor.facts import ReferenceFacts
from screener.storage.references import load_bmd_reference
from tests.support.tiny_predictor import write_paper_predictor

_OFF, _TEST, _LIVE = ArchiveMode.OFF, ArchiveMode.TEST, ArchiveMode.LIVE


def settings(*archives: str, **sections: Any) -> Settings:
    made = tuple(
        ArchiveSettings(name=name, ae_title=name.upper(), host=f"{name}.local", port=104)
        for name in archives
    )
    return Settings(archives=made, **sections)


def test_the_first_archive_in_mode_test_is_asked() -> None:
    rules = SiteRules(version=1, archives={"one": _OFF, "two": _TEST, "three": _TEST})

    archive = choose_archive(settings("one", "two", "three"), rules)

    assert str(archive) == "two (TWO@two.local:104)"


@pytest.mark.parametrize(
    ("names", "modes", "said"),
    [
        ((), {}, "there is none"),
        (("one", "two"), {"one": _OFF}, "one is off, two is off"),
        (("one",), {"gone": _TEST}, "one is off"),
    ],
)
def test_without_an_archive_in_mode_test_it_says_what_to_do(
    names: tuple[str, ...], modes: dict[str, ArchiveMode], said: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        choose_archive(settings(*names), SiteRules(version=1, archives=modes))

    assert said in str(raised.value)
    assert "screener rules import" in str(raised.value)


def test_a_live_archive_stands_in_the_way_even_beside_one_for_tests() -> None:
    rules = SiteRules(version=1, archives={"one": _TEST, "two": _LIVE})

    with pytest.raises(ConfigurationError, match="two is live"):
        choose_archive(settings("one", "two"), rules)


def test_a_predictor_that_is_not_synthetic_is_refused(tmp_path: Path) -> None:
    reference = replace(ReferenceFacts.of(load_bmd_reference("synthetic-demo")), synthetic=False)
    folder = write_paper_predictor(tmp_path / "real", synthetic=False, reference=reference)

    with pytest.raises(ConfigurationError, match="not synthetic"):
        refuse_real_predictor(settings(predictor={"folder": folder}))


def test_the_shipped_predictor_is_taken() -> None:
    refuse_real_predictor(settings())


@pytest.mark.parametrize(
    ("host", "address", "expected"),
    [
        ("127.0.0.1", None, "BMDSCREEN@127.0.0.1:11112"),
        ("0.0.0.0", None, "BMDSCREEN@127.0.0.1:11112"),  # noqa: S104 - never bound
        ("::", None, "BMDSCREEN@127.0.0.1:11112"),
        ("10.0.0.7", None, "BMDSCREEN@10.0.0.7:11112"),
        ("0.0.0.0", ("listener", 104), "BMDSCREEN@listener:104"),  # noqa: S104 - never bound
    ],
)
def test_the_node_is_where_its_listener_is_or_where_the_user_says(
    host: str, address: tuple[str, int] | None, expected: str
) -> None:
    assert str(node_peer(settings(listener={"host": host}), address)) == f"node ({expected})"
