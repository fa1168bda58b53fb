"""A known curve found again from simulated children; worms, centiles, heights, NHANES."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.storage.references import (
    load_bmd_reference,
    load_growth_reference,
    load_height_adjustment,
)
from screener.training.reference_data import Measured, read_measurements, read_nhanes
from screener.training.reference_files import Naming, thin_years, write_reference
from screener.training.reference_fit import fit_reference
from screener.training.reference_height import fit_height

NAMING = Naming(
    name="made-up",
    version="1",
    device="Hologic",
    region="L1-L4",
    source="a test",
    synthetic=True,
)
#: How much of Z goes with height in the simulated children.
SHARED = 0.4


def simulate(reference: BmdReference, count: int, seed: int = 0) -> Measured:
    rng = np.random.default_rng(seed)
    growth = load_growth_reference()
    sex = np.where(np.arange(count) % 2 == 0, "M", "F")
    age = rng.uniform(4.0, 17.5, count)
    height_z = rng.normal(size=count)
    z = SHARED * height_z + np.sqrt(1 - SHARED**2) * rng.normal(size=count)
    children = list(zip(sex, age.tolist(), z.tolist(), height_z.tolist(), strict=True))
    return Measured(
        sex=sex,
        age_years=age,
        abmd_g_cm2=np.array(
            [reference.abmd_g_cm2(sex=Sex(s), age_years=a, z_score=v) for s, a, v, _ in children]
        ),
        height_cm=np.array([growth.height_cm.value(Sex(s), a, h) for s, a, _, h in children]),
        left_out={},
    )


@pytest.fixture(scope="module")
def reference() -> BmdReference:
    return load_bmd_reference("synthetic-demo")


@pytest.fixture(scope="module")
def measured(reference: BmdReference) -> Measured:
    return simulate(reference, 6000)


def test_a_known_curve_is_found_again(measured: Measured, reference: BmdReference) -> None:
    fitted = fit_reference(measured)

    for sex in Sex:
        for age in (5.0, 8.0, 11.0, 14.0, 16.5):
            _, m, s = fitted.table.curves[sex].at(age)
            _, true_m, true_s = reference.table.curves[sex].at(age)
            assert m == pytest.approx(true_m, rel=0.02)
            assert s == pytest.approx(true_s, rel=0.10)


def test_as_many_children_lie_below_a_centile_as_it_says(measured: Measured) -> None:
    fitted = fit_reference(measured)

    z = np.concatenate([one.z for one in fitted.sexes.values()])
    assert (z < -2).mean() == pytest.approx(0.0228, abs=0.006)
    assert (z < 0).mean() == pytest.approx(0.5, abs=0.02)
    assert z.std() == pytest.approx(1.0, abs=0.02)


def test_fewer_degrees_of_freedom_make_a_straighter_curve(measured: Measured) -> None:
    straight = fit_reference(measured, edf=(2.0, 2.0, 2.0)).table.curves[Sex.MALE]
    bent = fit_reference(measured).table.curves[Sex.MALE]

    def bend(m: tuple[float, ...]) -> float:
        return float(np.abs(np.diff(np.log(m), 2)).max())

    assert bend(tuple(straight.m)) < 0.3 * bend(tuple(bent.m))


def test_what_is_written_is_a_reference_with_pictures_and_heights(
    measured: Measured, tmp_path: Path
) -> None:
    table, _ = write_reference(measured, tmp_path, NAMING)

    read = load_bmd_reference(str(table))
    assert (read.label, read.synthetic) == ("made-up 1", True)
    assert read.age_range_years(Sex.MALE) == (4.5, 17.0)
    facts = json.loads(table.with_suffix(".json").read_text())
    assert facts["children"] == {"M": 3000, "F": 3000}
    for picture in ("centiles.png", "worm.png"):
        assert (tmp_path / picture).stat().st_size > 30_000
    heights = load_height_adjustment(tmp_path / "height-adjustment.csv")
    # low for age, not low for height
    adjusted = heights.adjusted_z(Sex.MALE, 9.0, -2.3, -2.5)
    assert adjusted is not None
    assert adjusted == pytest.approx(-2.3 + SHARED * 2.5, abs=0.25)
    assert heights.adjusted_z(Sex.MALE, 25.0, -2.3, -2.5) is None


def test_heights_explain_what_they_were_made_to(
    measured: Measured, reference: BmdReference
) -> None:
    lines = fit_height(measured, reference.table, load_growth_reference())

    assert {line.sex for line in lines} == set(Sex)
    for line in lines:
        assert line.b1 == pytest.approx(SHARED, abs=4 * line.b1_error)


def test_few_children_of_a_sex_are_refused(reference: BmdReference) -> None:
    with pytest.raises(ConfigurationError, match="100 are needed"):
        fit_reference(simulate(reference, 150))


def test_degrees_of_freedom_that_cannot_be_had_are_refused(measured: Measured) -> None:
    with pytest.raises(ConfigurationError, match="edf"):
        fit_reference(measured, edf=(1.0, 5.0, 3.0))


def test_years_of_few_children_are_told(reference: BmdReference) -> None:
    fitted = fit_reference(simulate(reference, 400))

    assert any(line.startswith("boys of ") for line in thin_years(fitted))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sex,age_years\nM,5\n", "columns missing: abmd_g_cm2"),
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


def ibm(value: float | None) -> bytes:
    """Return a number as IBM's System/360 writes it, which SAS transport files hold."""
    if value is None:
        return b"." + bytes(7)
    if value == 0:
        return bytes(8)
    exponent, fraction = 64, abs(value)
    while fraction >= 1:
        fraction, exponent = fraction / 16, exponent + 1
    while fraction < 1 / 16:
        fraction, exponent = fraction * 16, exponent - 1
    sign = 0x80 if value < 0 else 0
    return bytes([sign | exponent]) + int(fraction * 2**56).to_bytes(7, "big")


def write_xport(path: Path, columns: dict[str, list[float | None]]) -> Path:
    """Write numbers as a SAS transport file, version 5 (SAS TS-140)."""

    def card(text: str) -> bytes:
        return text.ljust(80).encode()

    stamp = "26NOV26:00:00:00"
    head = card("HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000000000000000000000000000  ")
    head += card(f"SAS     SAS     SASLIB  9.4     LINUX   {'':24}{stamp}") + card(stamp)
    head += card("HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140  ")
    head += card("HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!000000000000000000000000000000  ")
    head += card(f"SAS     DATA    SASDATA 9.4     LINUX   {'':24}{stamp}") + card(stamp)
    count = f"{len(columns):04d}"
    head += card(
        f"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{count}00000000000000000000  "
    )
    names = b""
    for i, name in enumerate(columns):
        names += struct.pack(">hhhh8s40s8shhh2s8shhi52s", 1, 0, 8, i + 1, name.ljust(8).encode(),
                             b"".ljust(40), b"".ljust(8), 0, 0, 0, b"", b"".ljust(8), 0, 0, 8 * i,
                             b"")  # fmt: skip
    names += b" " * (-len(names) % 80)
    body = b"".join(b"".join(ibm(v) for v in row) for row in zip(*columns.values(), strict=True))
    body += b" " * (-len(body) % 80)
    observed = card(
        "HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  "
    )
    path.write_bytes(head + names + observed + body)
    return path


def nhanes(folder: Path, cycle: int) -> list[Path]:
    first = 1000.0 * cycle
    people = [first + i for i in range(6)]
    folder.mkdir(exist_ok=True)
    return [
        write_xport(
            folder / f"DXXSPN_{cycle}.XPT",
            {
                "SEQN": list(people),
                "DXASPNST": [1, 1, 2, 1, 1, 1],
                "DXXOSBMD": [0.612, 0.955, 0.7, None, 0.8, 0.9],
            },
        ),
        write_xport(
            folder / f"DEMO_{cycle}.XPT",
            {
                "SEQN": list(people),
                "RIAGENDR": [1, 2, 1, 1, 2, 1],
                "RIDAGEMN": [120, 180, 130, 140, 150, 300],
                "RIDAGEEX": [121, None, 131, 141, 151, 301],
            },
        ),
        write_xport(
            folder / f"BMX_{cycle}.XPT", {"SEQN": list(people[:2]), "BMXHT": [138.4, None]}
        ),
    ]


def test_nhanes_files_of_several_cycles_are_read_in_one_call(tmp_path: Path) -> None:
    measured = read_nhanes([*nhanes(tmp_path, 1), *nhanes(tmp_path, 2)])

    assert len(measured) == 6
    assert measured.sex[:3].tolist() == ["M", "F", "F"]
    assert measured.age_years[0] == pytest.approx(121.5 / 12)
    # the age at the interview where that at the examination is missing
    assert measured.age_years[1] == pytest.approx(180.5 / 12)
    assert measured.abmd_g_cm2[:2] == pytest.approx([0.612, 0.955])
    assert measured.height_cm[0] == pytest.approx(138.4)
    assert np.isnan(measured.height_cm[1:3]).all()
    assert measured.left_out == {
        "scan not valid": 2,
        "not 8 to 19 years": 2,
        "age or aBMD missing": 2,
    }


def test_a_missing_nhanes_file_is_named(tmp_path: Path) -> None:
    spine, people, _ = nhanes(tmp_path, 1)

    with pytest.raises(ConfigurationError, match="missing: BMX"):
        read_nhanes([spine, people])


def test_a_file_that_is_no_transport_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.XPT").write_bytes(b"nothing of the kind")

    with pytest.raises(ConfigurationError, match=r"x\.XPT: no SAS transport file"):
        read_nhanes([tmp_path / "x.XPT"])
