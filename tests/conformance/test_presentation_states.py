"""Presentation states of films that are shown in many ways, against validators and a viewer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from screener.dicom.pixels import read_radiograph
from screener.dicom.presentation import build_presentation
from screener.domain.identifiers import ScreeningId
from tests.conformance.contents import CASES, make_source
from tests.conformance.displays import DISPLAYS, PIXELS, TELLING
from tests.conformance.validators import complaints, run

CONTENT = CASES["low-one-film"].content


def written(path: Path, name: str) -> tuple[Path, bytes]:
    """Write the state of a film that is shown in a way, and return where, with the film."""
    film = make_source(1, **{"PixelData": PIXELS, **DISPLAYS[name]})
    state = path / "state.dcm"
    state.write_bytes(build_presentation(CONTENT, CONTENT.films[0], film).encoded)
    return state, film


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_presentation_state_has_no_validator_error(name: str, tmp_path: Path) -> None:
    state, _ = written(tmp_path, name)

    code, said = run("dcmpschk", str(state))

    assert list(complaints(state)) == []
    assert code == 0
    # dcmpschk 3.6.7 knows no UTF-8, and takes Hangul in it for control characters
    assert "Test passed" in said or name == "Korean", said


@pytest.mark.parametrize("name", ["low-three-films", "revised", "sparse-header", "korean-name"])
def test_every_scored_film_of_a_case_gets_one_without_validator_error(
    name: str, tmp_path: Path
) -> None:
    made = CASES[name]

    for film in made.content.films:
        state = tmp_path / f"{film.screening_id}.dcm"
        source = made.sources[ScreeningId(film.screening_id)]
        state.write_bytes(build_presentation(made.content, film, source).encoded)
        assert list(complaints(state)) == []


@pytest.mark.parametrize("name", TELLING)
def test_another_viewer_shows_the_film_with_its_state_as_this_node_sees_it(
    name: str, tmp_path: Path
) -> None:
    state, film = written(tmp_path, name)
    (tmp_path / "film.dcm").write_bytes(film)

    shown = tmp_path / "shown.pgm"
    code, said = run("dcmp2pgm", "--pstate", str(state), str(tmp_path / "film.dcm"), str(shown))

    assert code == 0, said
    grey = np.asarray(Image.open(shown), np.float64) / 255
    # one grey level of 256
    assert np.abs(grey - read_radiograph(film).pixels).max() < 1.5 / 255
