import json
from pathlib import Path
from typing import Any

import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.storage.references import (
    load_bmd_reference,
    load_growth_reference,
    shipped_references,
)

FACTS = {
    "name": "site",
    "version": "3",
    "device": "Hologic",
    "region": "L1-L4",
    "source": "measured here",
    "synthetic": False,
}
TABLE = "sex,age_years,L,M,S\nM,5,1,0.5,0.1\nM,10,1,0.6,0.1\nF,6,1,0.5,0.1\nF,9,1,0.6,0.1\n"


def site_reference(folder: Path, table: str = TABLE, **facts: Any) -> str:
    path = folder / "site.csv"
    path.write_text(table, encoding="utf-8")
    kept = {key: value for key, value in (FACTS | facts).items() if value is not None}
    path.with_suffix(".json").write_text(json.dumps(kept), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", shipped_references())
def test_every_reference_that_ships_can_be_loaded_by_its_name(name: str) -> None:
    reference = load_bmd_reference(name)

    assert reference.name == name
    assert len(reference.checksum) == 64
    for sex in Sex:
        low, high = reference.age_range_years(sex)
        assert low < high <= 20


def test_the_demo_reference_calls_itself_synthetic() -> None:
    assert "synthetic-demo" in shipped_references()
    assert load_bmd_reference("synthetic-demo").synthetic


def test_a_site_brings_its_own_reference(tmp_path: Path) -> None:
    reference = load_bmd_reference(site_reference(tmp_path))

    assert reference.label == "site 3"
    assert (reference.device, reference.region, reference.synthetic) == ("Hologic", "L1-L4", False)
    assert reference.age_range_years(Sex.MALE) == (5, 10)
    assert reference.z_score(sex=Sex.MALE, age_years=7.5, abmd_g_cm2=0.44) == pytest.approx(-2.0)


def test_rows_may_come_in_any_order_and_with_a_byte_order_mark(tmp_path: Path) -> None:
    head, *rows = TABLE.splitlines()
    shuffled = "\ufeff" + "\n".join([head, *reversed(rows)])

    reference = load_bmd_reference(site_reference(tmp_path, shuffled))

    assert reference.age_range_years(Sex.FEMALE) == (6, 9)


def test_other_bytes_have_another_checksum(tmp_path: Path) -> None:
    first = load_bmd_reference(site_reference(tmp_path)).checksum

    other_facts = load_bmd_reference(site_reference(tmp_path, version="4")).checksum
    other_table = load_bmd_reference(site_reference(tmp_path, TABLE + "F,12,1,0.7,0.1\n")).checksum

    assert len({first, other_facts, other_table}) == 3


@pytest.mark.parametrize(
    ("table", "facts", "message"),
    [
        ("sex,age_years,L,M,S\n", {}, "no rows"),
        ("sex,age_years,L,M\nM,5,1,0.5\nM,6,1,0.6\n", {}, "'S'"),
        ("sex,age_years,L,M,S\nX,5,1,0.5,0.1\n", {}, "'X'"),
        ("sex,age_years,L,M,S\nM,5,1,a lot,0.1\nM,6,1,1,0.1\n", {}, "a lot"),
        ("sex,age_years,L,M,S\nM,5,1,0.5,0.1\n", {}, "two or more"),
        ("sex,age_years,L,M,S\nM,5,1,0.5,0.1\nM,5,1,0.6,0.1\n", {}, "must rise"),
        ("sex,age_years,L,M,S\nM,5,1,0,0.1\nM,6,1,0.6,0.1\n", {}, "above 0"),
        ("sex,age_years,L,M,S\nM,5\nM,6\n", {}, "site.csv"),
        (TABLE, {"device": None}, "'device'"),
    ],
)
def test_a_reference_that_is_none_is_refused_with_its_file_and_the_cause(
    tmp_path: Path, table: str, facts: dict[str, Any], message: str
) -> None:
    path = site_reference(tmp_path, table, **facts)

    with pytest.raises(ConfigurationError, match=message) as refused:
        load_bmd_reference(path)

    assert "site.csv" in str(refused.value)


def test_facts_that_are_no_json_are_refused(tmp_path: Path) -> None:
    path = Path(site_reference(tmp_path))
    path.with_suffix(".json").write_text("{", encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"site\.csv"):
        load_bmd_reference(str(path))


@pytest.mark.parametrize("missing", [".csv", ".json"])
def test_a_missing_file_is_named_with_what_may_be_given_instead(
    tmp_path: Path, missing: str
) -> None:
    path = Path(site_reference(tmp_path))
    path.with_suffix(missing).unlink()

    with pytest.raises(ConfigurationError, match="synthetic-demo") as refused:
        load_bmd_reference(str(path))

    assert f"site{missing}" in str(refused.value)


def test_the_growth_reference_covers_2_to_20_years() -> None:
    growth = load_growth_reference()

    assert growth.name == "CDC 2000"
    for table in (growth.height_cm, growth.weight_kg, growth.bmi_kg_m2):
        for sex in Sex:
            low, high = table.age_range_years(sex)
            assert low == pytest.approx(24.5 / 12)
            assert high == pytest.approx(239.5 / 12)
