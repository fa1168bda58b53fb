"""The report: whole, self-contained, and without a word that must not be said."""

from __future__ import annotations

import base64
import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from screener.training.evaluation import Circumstances, Evaluation, evaluate_table
from screener.training.evaluation_report import (
    draw_pictures,
    render_model_card,
    render_report,
    write_report,
)
from screener.training.evaluation_style import Picture
from tests.structure.words import forbidden_words
from tests.unit.training.evaluation_tables import a_card, calibrated, simulated, without_rules

PICTURES = {
    "scatter", "bland-altman", "errors", "roc", "reliability", "decision-curve", "coverage",
    "subgroups", "arms", "largest-errors",
}  # fmt: skip


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    table = simulated(240, films_per_patient=2)
    rng = np.random.default_rng(4)
    raw = {name: calibrated(table.z, 0.4, rng) for name in table.raw_z}
    arm = dataclasses.replace(table, raw_z=raw)
    known = Circumstances(
        exclusions={"BLANK_FILM": 2, "DXA_TOO_FAR_APART": 31},
        not_scored={"HARDWARE_OVER_SPINE": 3},
        manifest_sha256="ab" * 32,
        arms={"clinical_only": arm},
        seeds=(table, arm),
    )
    return evaluate_table(table, a_card(), known)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="module")
def pictures(evaluation: Evaluation, folder: Path) -> dict[str, Picture]:
    rng = np.random.default_rng(0)
    films = {film.row: rng.random((64, 64)).astype(np.float32) for film in evaluation.worst}
    return draw_pictures(folder, evaluation, films)


@pytest.fixture(scope="module")
def html(evaluation: Evaluation, pictures: dict[str, Picture]) -> str:
    return render_report(evaluation, pictures)


class Reader(HTMLParser):
    """Collects what a reader sees, and every address."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def without_pictures(html: str) -> str:
    return re.sub(r"data:[^\"]+", "", html)


def test_no_forbidden_word_is_in_report_pictures_or_card(
    evaluation: Evaluation, html: str, pictures: dict[str, Picture]
) -> None:
    assert forbidden_words(without_pictures(html)) == []
    assert forbidden_words(render_model_card(evaluation)) == []
    for picture in pictures.values():
        assert forbidden_words(f"{picture.caption} {picture.alt}") == []
        if picture.mime == "image/svg+xml":
            # texts stand in comments above their outlines
            assert forbidden_words(picture.data.decode()) == []


def test_the_report_needs_nothing_but_itself(html: str) -> None:
    addresses = read(html).addresses

    assert len(addresses) == len(PICTURES)
    assert all(address.startswith("data:image/") for address in addresses)
    assert "http" not in without_pictures(html)
    assert "<script" not in html
    assert "@import" not in html
    assert "@media print" in html


def test_every_picture_is_drawn_once_as_png_and_in_the_report(
    html: str, pictures: dict[str, Picture], folder: Path
) -> None:
    assert set(pictures) == PICTURES
    assert {file.stem for file in folder.glob("*.png")} == PICTURES
    for name, picture in pictures.items():
        assert html.count(base64.b64encode(picture.data).decode()) == 1, name
        assert picture.caption
        assert picture.alt
        assert (folder / f"{name}.png").stat().st_size > 5_000


def test_the_report_says_synthetic_first_and_on_every_picture(
    html: str, pictures: dict[str, Picture]
) -> None:
    text = " ".join(read(html).text)

    assert re.search(r"<title>Synthetic: evaluation of ", html)
    assert "Synthetic evaluation of screener-synthetic" in text
    assert text.index("SYNTHETIC") < text.index("correlation, r (synthetic)")
    for picture in pictures.values():
        if picture.mime == "image/svg+xml":
            assert "240 synthetic films of 120 synthetic children" in picture.data.decode()


def test_the_report_tells_figures_flow_and_limits(evaluation: Evaluation, html: str) -> None:
    text = " ".join(" ".join(read(html).text).split())

    auc = evaluation.overall.metrics["auc"]
    for wanted in (
        f"{auc.value:.3f}",
        f"{auc.low:.3f} to {auc.high:.3f}",
        "276 rows of the manifest",
        "243 synthetic films that could be estimated",
        "film and DXA too far apart 31",
        "hardware over the spine",
        "An AI estimate; not a DXA measurement.",
        "Research use only; not a medical device.",
        "chosen for 85 % sensitivity",
        "clinical variables only, no film",
        "2.3 %",
        "Biometrics 1988;44:837",
        "ab" * 32,
    ):
        assert wanted in text, wanted


def test_nobody_is_named(html: str, evaluation: Evaluation) -> None:
    for text in (without_pictures(html), render_model_card(evaluation)):
        assert "child-" not in text
        assert ".dcm" not in text


def test_what_a_site_has_typed_is_text_and_no_markup(folder: Path) -> None:
    table = simulated(60, site=("<b>A</b> & | x",) * 60)
    evaluation = evaluate_table(table, a_card())

    html = render_report(evaluation, {})

    assert "<b>A</b> &" not in html
    assert "&lt;b&gt;A&lt;/b&gt; &amp; | x" in html
    assert "<b>A</b> & \\| x" in render_model_card(evaluation)


def test_the_model_card_has_the_sections_of_mitchell(evaluation: Evaluation) -> None:
    card = render_model_card(evaluation)
    headings = re.findall(r"^## (.+)$", card, flags=re.MULTILINE)

    assert card.startswith("# Model card: screener-synthetic 0.2.1 (synthetic)\n\n**SYNTHETIC:")
    assert headings == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses (synthetic)", "Ethical considerations",
        "Caveats and recommendations",
    ]  # fmt: skip
    for table in re.findall(r"(?:^\|.*\|\n)+", card, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_real_films_are_not_called_synthetic(folder: Path) -> None:
    plain = a_card()
    card = dataclasses.replace(
        plain,
        synthetic=False,
        name="ours",
        intended_use="Research use only.",
        reference=dataclasses.replace(plain.reference, synthetic=False, name="ours", source="ours"),
        training=dataclasses.replace(plain.training, data="films"),
    )
    evaluation = evaluate_table(simulated(60), card)

    html = render_report(evaluation, draw_pictures(folder, evaluation, {}))

    assert evaluation.synthetic is False
    assert "ynthetic" not in without_pictures(html)
    assert "ynthetic" not in render_model_card(evaluation)


@pytest.mark.parametrize("films", [1, 3, 12])
def test_few_films_and_an_old_card_give_a_report_that_says_what_is_missing(
    films: int, tmp_path: Path
) -> None:
    evaluation = evaluate_table(simulated(films), without_rules(a_card()))

    write_report(tmp_path, evaluation, {})

    text = " ".join(read((tmp_path / "report.html").read_text(encoding="utf-8")).text)
    assert "gives no probability" in text or f"{films} films" in text
    assert (tmp_path / "model-card.md").is_file()
    assert (tmp_path / "figures" / "scatter.png").is_file()
    assert not (tmp_path / "figures" / "largest-errors.png").exists()
