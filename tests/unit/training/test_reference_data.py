"""Measured children: a table of a site's own, and the files of NHANES."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from screener.domain.errors import ConfigurationError
from screener.training.reference_data import read_measurements, read_nhanes
from tests.support.transport_file import ibm, write_xport

HEAD = "sex,age_years,abmd_g_cm2,height_cm\n"


def test_a_table_is_read_with_its_heights(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("\ufeff" + HEAD + "M,5.25,0.51,110\n F ,6,0.53,\n")

    measured = read_measurements(tmp_path / "m.csv")

    assert measured.sex.tolist() == ["M", "F"]
    assert measured.age_years.tolist() == [5.25, 6.0]
    assert measured.abmd_g_cm2.tolist() == [0.51, 0.53]
    assert measured.height_cm[0] == 110
    assert np.isnan(measured.height_cm[1])
    assert (measured.left_out, measured.synthetic) == ({}, False)


def test_a_table_needs_no_heights(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("sex,age_years,abmd_g_cm2\nM,5,0.5\n")

    assert not read_measurements(tmp_path / "m.csv").has_heights


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        HEAD
        + "M,5,0.5,110\nX,5,0.5,110\nF,,0.5,110\nF,62,0.5,110\n"
        + "F,6,512,110\nF,6,inf,110\nF,7,0.5,1.2\n"
    )

    measured = read_measurements(tmp_path / "m.csv")

    assert measured.left_out == {
        "sex not M or F": 1,
        "age or aBMD missing": 1,
        "age not 0 to 25 years": 1,
        "aBMD implausible": 2,
        "height implausible (the child is kept)": 1,
    }
    assert len(measured) == 2
    assert np.isnan(measured.height_cm[1])


@pytest.mark.parametrize(
    ("content", "synthetic"),
    [
        ("sex,age_years,abmd_g_cm2,synthetic\nM,5,0.5,true\n", True),
        ("sex,age_years,abmd_g_cm2,synthetic\nM,5,0.5,false\n", False),
        ("sex,age_years,abmd_g_cm2,vendor\nM,5,0.5,Aldine (synthetic) DR\n", True),
        ("sex,age_years,abmd_g_cm2,vendor\nM,5,0.5,\n", False),
    ],
)
def test_a_table_of_computed_children_is_known_as_one(
    tmp_path: Path, content: str, synthetic: bool
) -> None:
    (tmp_path / "m.csv").write_text(content)

    assert read_measurements(tmp_path / "m.csv").synthetic is synthetic


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read"),
        ("sex,age_years\nM,5\n", "columns missing: abmd_g_cm2"),
        ("sex,age_years,abmd_g_cm2\n", "no row can be used"),
        ("sex,age_years,abmd_g_cm2\nX,5,0.6\n", "sex not M or F 1"),
        ("sex,age_years,abmd_g_cm2\nM,,0.6\nF,5,612\n", "aBMD implausible 1"),
    ],
)
def test_measurements_that_cannot_be_used_are_refused(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "m.csv").write_text(content)

    with pytest.raises(ConfigurationError, match=said):
        read_measurements(tmp_path / "m.csv")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"m\.csv"):
        read_measurements(tmp_path / "m.csv")


def nhanes(folder: Path, release: int) -> list[Path]:
    people = [1000.0 * release + i for i in range(7)]
    folder.mkdir(exist_ok=True)
    return [
        write_xport(
            folder / f"DXXSPN_{release}.XPT",
            {
                "SEQN": people,
                "DXASPNST": [1, 1, 2, 1, 1, 1, "A"],
                "DXXOSBMD": [0.612, 0.955, 0.7, None, 0.8, 0.9, 0.7],
            },
        ),
        write_xport(
            folder / f"DEMO_{release}.XPT",
            {
                "SEQN": people,
                "SDDSRVYR": [release] * 7,
                "RIAGENDR": [1, 2, 1, 1, 2, 1, 2],
                "RIDAGEYR": [10, 15, 10, 11, 12, 25, 9],
                "RIDAGEMN": [120, 180, 130, 140, None, 300, 110],
                "RIDAGEEX": [121, None, 131, 141, None, 301, 111],
            },
        ),
        write_xport(
            folder / f"BMX_{release}.XPT",
            {"SEQN": people[:2], "BMXWT": [0, 55.5], "BMXHT": [138.4, None]},
        ),
    ]


def test_the_transport_files_of_these_tests_hold_what_was_written(tmp_path: Path) -> None:
    values = [0.0625, -118.625, 1, 9999, None, "A", "_"]
    path = write_xport(tmp_path / "x.XPT", {"SEQN": [1, 2, 3, 4, 5, 6, 7], "VALUE": values})

    read = pd.read_sas(path, format="xport")["VALUE"]

    # the usual worked example of IBM's format
    assert ibm(-118.625) == bytes.fromhex("c276a00000000000")
    assert read[:4].tolist() == values[:4]
    assert read[4:].isna().all()


def test_nhanes_files_of_several_cycles_are_read_in_one_call(tmp_path: Path) -> None:
    first, second = nhanes(tmp_path, 4), nhanes(tmp_path, 5)

    measured = read_nhanes([*reversed(first), *second])

    assert len(measured) == 6
    assert measured.sex[:3].tolist() == ["M", "F", "F"]
    # months at the examination, else at the interview, else years: half of one more on average
    assert measured.age_years[:3] == pytest.approx([121.5 / 12, 180.5 / 12, 12.5])
    assert measured.abmd_g_cm2[:3] == pytest.approx([0.612, 0.955, 0.8])
    assert measured.height_cm[0] == pytest.approx(138.4)
    assert np.isnan(measured.height_cm[1:3]).all()
    assert measured.years == "2005-08"
    assert measured.left_out == {
        "scan not valid": 4,
        "not 8 to 19 years": 2,
        "age or aBMD missing": 2,
    }


def test_a_cycle_without_scan_status_is_read_beside_one_that_has_it(tmp_path: Path) -> None:
    files = nhanes(tmp_path, 4)
    files += nhanes(tmp_path, 5)[1:]
    files.append(
        write_xport(tmp_path / "later.XPT", {"SEQN": [5000.0, 5002.0], "DXXOSBMD": [0.62, 0.71]})
    )

    assert len(read_nhanes(files)) == 5


def test_years_that_the_files_do_not_say_are_not_made_up(tmp_path: Path) -> None:
    files = nhanes(tmp_path, 4) + nhanes(tmp_path, 6)

    assert read_nhanes(files).years is None


def test_a_missing_nhanes_file_is_named(tmp_path: Path) -> None:
    spine, people, _ = nhanes(tmp_path, 4)

    with pytest.raises(ConfigurationError, match="missing: BMX"):
        read_nhanes([spine, people])


def test_a_file_given_twice_is_refused(tmp_path: Path) -> None:
    files = nhanes(tmp_path, 4)

    with pytest.raises(ConfigurationError, match="two DEMO files"):
        read_nhanes([*files, files[1]])


def test_a_transport_file_of_something_else_is_named(tmp_path: Path) -> None:
    other = write_xport(tmp_path / "LAB.XPT", {"SEQN": [1.0], "LBXGLU": [90.0]})

    with pytest.raises(ConfigurationError, match=r"LAB\.XPT: it is none of"):
        read_nhanes([other])


def test_a_file_that_is_no_transport_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.XPT").write_bytes(b"nothing of the kind")

    with pytest.raises(ConfigurationError, match=r"x\.XPT: no SAS transport file"):
        read_nhanes([tmp_path / "x.XPT"])


def test_a_transport_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file .*gone\.XPT"):
        read_nhanes([tmp_path / "gone.XPT"])
