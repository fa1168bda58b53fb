"""What must not be committed: one machine's paths, and registries of our own."""

from __future__ import annotations

import re

from tests.structure.repository import ROOT, committed_files, committed_texts

_MACHINE_PATH = re.compile(r"(?<![\w.~*-])/(?:work|root|home|Users)/\w")
_INDEX = re.compile(r"(?:index-url|INDEX_URL|find-links)[ =]+(\S+)")
_REGISTRY = re.compile(
    r"pypi\.org|pythonhosted|anaconda\.org|npmjs|docker\.io|ghcr\.io|quay\.io|artifactory|nexus",
    re.IGNORECASE,
)
_ALLOWED_INDEX = "https://download.pytorch.org/whl/cpu"

_HERE = "tests/structure/"


def test_no_file_names_a_path_of_one_machine() -> None:
    found = {
        name: hit[0]
        for name, text in committed_texts()
        if not name.startswith(_HERE) and (hit := _MACHINE_PATH.search(text))
    }

    assert found == {}


def test_no_file_names_a_registry_but_torchs_own_cpu_index() -> None:
    found: dict[str, list[str]] = {}
    for name, text in committed_texts():
        if name.startswith(_HERE):
            continue
        hosts = _REGISTRY.findall(text)
        hosts += [url for url in _INDEX.findall(text) if url.strip("\"'") != _ALLOWED_INDEX]
        if hosts:
            found[name] = hosts

    assert found == {}


def test_the_files_that_are_looked_at_are_the_repositorys() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in committed_files()}

    assert {"Makefile", "pyproject.toml", ".ci/run", "screener/config.py"} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/"))]


def test_no_large_file_is_committed_but_a_predictors_weights() -> None:
    large = [
        path.relative_to(ROOT).as_posix()
        for path in committed_files()
        if path.stat().st_size > 1 << 20 and path.suffix != ".safetensors"
    ]

    assert large == []
