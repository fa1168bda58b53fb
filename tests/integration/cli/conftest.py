"""A folder with settings and a tiny predictor, in which commands are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import tomli_w

from screener.config import Settings, load_settings
from screener.network.archive_scp import SmallArchive
from tests.integration.cli.command_line import run_command
from tests.support.servers import free_port
from tests.support.tiny_predictor import write_tiny_predictor

#: Writes `screener.toml` with some sections over the node's own, and returns what it says.
Configure: TypeAlias = Callable[..., Settings]


@pytest.fixture(scope="session")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_predictor(tmp_path_factory.mktemp("predictors") / "tiny")


@pytest.fixture
def configure(tmp_path: Path, predictor: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCREENER_CONFIG", raising=False)

    def write(**sections: Any) -> Settings:
        own: dict[str, Any] = {
            "predictor": {"folder": str(predictor), "threads": 1},
            "listener": {"port": free_port()},
        }
        merged = own | {
            name: own.get(name, {}) | v if isinstance(v, dict) else v
            for name, v in sections.items()
        }
        Path("screener.toml").write_text(tomli_w.dumps(merged), encoding="utf-8")
        return load_settings()

    return write


@pytest.fixture
def node(configure: Configure) -> Settings:
    """Return the settings of a node whose database is ready."""
    settings = configure()
    assert run_command("db", "upgrade").code == 0
    return settings


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SmallArchive]:
    with SmallArchive(tmp_path / "archive") as running:
        yield running
