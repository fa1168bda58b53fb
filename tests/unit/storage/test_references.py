import json
from pathlib import Path
from typing import Any

import pytest

from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.storage.references import (
    add_reference,
    added_references,
    find_reference,
    load_bmd_reference,
    load_growth_reference,
    load_height_adjustment,
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
        ("sex,age_years,L,M,S\nM,5,1,a lot,0.1\nM,6,1,1,0.1\n", {}, "line 2: .*a lot"),
        ("sex,age_years,L,M,S\nM,5,1,0.5,0.1\nM,6,nan,1,0.1\n", {}, "line 3: .*not a number"),
        ("sex,age_years,L,M,S\nM,5,1,0.5,inf\nM,6,1,1,0.1\n", {}, "line 2: .*not a number"),
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


ADDED = FACTS | {"name": "ours", "version": "2026.1"}


def table_of(folder: Path, content: str = TABLE) -> Path:
    path = folder / "table.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_an_added_reference_is_found_by_its_name_with_and_without_version(tmp_path: Path) -> None:
    folder = tmp_path / "references"

    added = add_reference(folder, table_of(tmp_path), ADDED)

    assert added_references(folder) == ("ours@2026.1",)
    for name in ("ours", "ours@2026.1"):
        assert load_bmd_reference(find_reference(name, folder)) == added
    # nothing half-written stays
    assert sorted(path.name for path in folder.iterdir()) == ["ours@2026.1.csv", "ours@2026.1.json"]


def test_what_was_not_added_is_left_to_be_a_name_that_ships_or_a_path(tmp_path: Path) -> None:
    assert find_reference("synthetic-demo", tmp_path) == "synthetic-demo"
    assert find_reference("/srv/ours.csv", tmp_path) == "/srv/ours.csv"


def test_a_name_of_several_versions_has_to_be_told(tmp_path: Path) -> None:
    for version in ("1", "2"):
        add_reference(tmp_path, table_of(tmp_path), ADDED | {"version": version})

    assert find_reference("ours@2", tmp_path).endswith("ours@2.csv")
    with pytest.raises(ConfigurationError, match="ours@1, ours@2"):
        find_reference("ours", tmp_path)


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "references"

    first = add_reference(folder, table_of(tmp_path), ADDED)

    assert add_reference(folder, table_of(tmp_path), ADDED) == first


@pytest.mark.parametrize(
    ("content", "facts"),
    [(TABLE + "F,12,1,0.7,0.1\n", {}), (TABLE, {"device": "another"})],
)
def test_another_table_or_other_facts_are_not_written_over_the_first(
    tmp_path: Path, content: str, facts: dict[str, Any]
) -> None:
    folder = tmp_path / "references"
    first = add_reference(folder, table_of(tmp_path), ADDED)

    with pytest.raises(ConfigurationError, match="another version"):
        add_reference(folder, table_of(tmp_path, content), ADDED | facts)

    assert load_bmd_reference(find_reference("ours", folder)) == first


def test_facts_beside_the_table_are_kept_and_what_is_given_wins(tmp_path: Path) -> None:
    folder, table = tmp_path / "references", table_of(tmp_path)
    kept = ADDED | {"edf": {"L": 3}}
    table.with_suffix(".json").write_text(json.dumps(kept), encoding="utf-8")

    added = add_reference(folder, table, {"name": None, "device": "Lunar"})

    assert (added.name, added.device, added.source) == ("ours", "Lunar", "measured here")
    facts = json.loads((folder / "ours@2026.1.json").read_text(encoding="utf-8"))
    assert facts["edf"] == {"L": 3}


def test_a_synthetic_table_stays_synthetic(tmp_path: Path) -> None:
    table = table_of(tmp_path)
    table.with_suffix(".json").write_text(json.dumps({"synthetic": True}), encoding="utf-8")

    assert add_reference(tmp_path / "references", table, ADDED | {"synthetic": False}).synthetic


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"name": "two words"}, "'two words@2026.1'"),
        ({"name": "../ours"}, "letters"),
        ({"name": "a@b"}, "letters"),
        ({"version": "x" * 33}, "letters"),
        ({"name": "synthetic-demo"}, "ships"),
        ({"device": None, "source": " "}, "give its device, source"),
    ],
)
def test_facts_that_cannot_be_are_refused(
    tmp_path: Path, facts: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        add_reference(tmp_path / "references", table_of(tmp_path), ADDED | facts)

    assert not (tmp_path / "references").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("M,60,1,0.5,0.1\nM,72,1,0.6,0.1\n", "no children's in years"),
        ("M,5,1,500,0.1\nM,6,1,510,0.1\n", r"at 5 years: median 500.*g/cm2"),
        ("M,5,1,0.5,0.1\nM,6,1,0.5,13.3\n", "at 6 years"),
        ("M,5,1,0.5,0.1\nM,6,1,2.1,0.1\n", "at 6 years"),
        ("M,5,9999,0.5,0.1\nM,6,1,0.5,0.1\n", "at 5 years"),
        ("M,5,-9999,0.5,0.1\nM,6,1,0.5,0.1\n", "at 5 years"),
    ],
)
def test_values_that_are_no_bone_density_of_a_child_are_refused(
    tmp_path: Path, rows: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        add_reference(tmp_path / "refs", table_of(tmp_path, "sex,age_years,L,M,S\n" + rows), ADDED)

    assert "table.csv" in str(refused.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone\.csv: No such file"):
        add_reference(tmp_path, tmp_path / "gone.csv", ADDED)


@pytest.mark.parametrize("beside", ["{", "[]"])
def test_facts_beside_the_table_that_are_none_are_refused(tmp_path: Path, beside: str) -> None:
    table = table_of(tmp_path)
    table.with_suffix(".json").write_text(beside, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"table\.json"):
        add_reference(tmp_path / "references", table, ADDED)


BANDS = "sex,age_from,age_to,b0,b1\nM,5,9,0.1,0.4\nM,9,13,0,0.3\nF,5,13,0,0.5\n"


def height_adjustment(folder: Path, bands: str = BANDS, **facts: Any) -> Path:
    path = folder / "height.csv"
    path.write_text(bands, encoding="utf-8")
    kept = {"name": "coefficients", "version": "1", "source": "here"} | facts
    path.with_suffix(".json").write_text(json.dumps(kept), encoding="utf-8")
    return path


def test_height_takes_off_a_z_what_it_explains(tmp_path: Path) -> None:
    heights = load_height_adjustment(height_adjustment(tmp_path))

    assert heights.label == "coefficients 1"
    # low for age, not low for height
    assert heights.adjusted_z(Sex.MALE, 6.0, -2.3, -2.5) == pytest.approx(-1.4)
    # not low for age, low for height
    assert heights.adjusted_z(Sex.MALE, 6.0, -1.8, 2.0) == pytest.approx(-2.7)
    # a band ends where the next begins
    assert heights.adjusted_z(Sex.MALE, 9.0, -2.0, -1.0) == pytest.approx(-1.7)
    assert heights.adjusted_z(Sex.FEMALE, 9.0, -2.0, -1.0) == pytest.approx(-1.5)


@pytest.mark.parametrize("age", [4.9, 13.0])
def test_outside_the_bands_there_is_no_adjusted_z(tmp_path: Path, age: float) -> None:
    heights = load_height_adjustment(height_adjustment(tmp_path))

    assert heights.adjusted_z(Sex.MALE, age, -2.3, -2.5) is None


def test_coefficients_of_computed_children_say_so_in_their_label(tmp_path: Path) -> None:
    heights = load_height_adjustment(height_adjustment(tmp_path, synthetic=True))

    assert heights.label == "coefficients 1, synthetic"


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ("sex,age_from,age_to,b0\nM,5,9,0\n", "columns missing: 'b1'"),
        ("sex,age_from,age_to,b0,b1\n", "no rows"),
        ("sex,age_from,age_to,b0,b1\nM,5,9,0,nan\n", "line 2: .*not a number"),
        ("sex,age_from,age_to,b0,b1\nM,9,5,0,0.4\n", "age_from 9 is not below"),
        ("sex,age_from,age_to,b0,b1\nM,5,9,0,0.4\nM,8,11,0,0.4\n", "bands of sex M overlap"),
        (BANDS + "X,5,9,0,0.4\n", "line 5: 'X'"),
    ],
)
def test_coefficients_that_are_none_are_refused_with_their_file(
    tmp_path: Path, bands: str, message: str
) -> None:
    path = height_adjustment(tmp_path, bands)

    with pytest.raises(ConfigurationError, match=message) as refused:
        load_height_adjustment(path)

    assert "height.csv" in str(refused.value)
