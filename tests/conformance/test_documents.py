"""Documents against validators of DICOM and of PDF."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydicom import dcmread

from screener.dicom.document import build_document
from screener.domain import wording
from screener.imaging.card import render_card
from screener.imaging.lettering import font_file_of
from screener.imaging.pdf import card_pdf
from screener.storage.references import load_growth_reference
from tests.conformance.contents import CASES, COLUMNS, FORBIDDEN, REFERENCE, ROWS, Case
from tests.conformance.validators import complaints, run


def card(made: Case) -> npt.NDArray[np.uint8]:
    pixels = np.full((ROWS, COLUMNS), 0.4, np.float32)
    return render_card(pixels, made.content, reference=REFERENCE, growth=load_growth_reference())


def document(made: Case) -> bytes:
    pdf = card_pdf(
        card(made),
        title="AI BMD document",
        text=wording.report_text(made.content),
        made_at=made.content.concluded_at,
        font=font_file_of(made.content.language),
    )
    return build_document(made.content, pdf, next(iter(made.sources.values()))).encoded


@pytest.mark.parametrize("name", CASES)
def test_a_document_has_no_validator_error(name: str, tmp_path: Path) -> None:
    path = tmp_path / "document.dcm"
    path.write_bytes(document(CASES[name]))

    assert list(complaints(path)) == []


def unpacked(folder: Path, name: str) -> Path:
    """Write the PDF that is in a document, and return where."""
    made = dcmread(BytesIO(document(CASES[name])))
    pdf = folder / "document.pdf"
    pdf.write_bytes(made.EncapsulatedDocument[: made.EncapsulatedDocumentLength])
    return pdf


@pytest.mark.parametrize("name", ["low-three-films", "correction-no-scored-film", "korean"])
def test_its_pdf_is_sound_and_its_text_can_be_read(name: str, tmp_path: Path) -> None:
    pdf = unpacked(tmp_path, name)

    code, said = run("qpdf", "--check", str(pdf))
    assert code == 0, said
    code, text = run("pdftotext", "-layout", str(pdf), "-")

    assert code == 0, text
    words = " ".join(text.split())
    for line in wording.report_text(CASES[name].content).splitlines():
        assert " ".join(line.split()) in words
    assert not FORBIDDEN.search(words)
    assert "SYN-11" not in words


def test_its_first_page_is_the_card_and_looks_like_it(tmp_path: Path) -> None:
    pdf, page = unpacked(tmp_path, "low-one-film"), tmp_path / "page"
    dpi, margin_mm, mm_per_inch = 100, 12.0, 25.4

    code, said = run("pdftoppm", "-r", str(dpi), "-l", "1", "-singlefile", str(pdf), str(page))

    assert code == 0, said
    shown = Image.open(page.with_suffix(".ppm"))
    wanted = Image.fromarray(card(CASES["low-one-film"]))
    left = round(margin_mm / mm_per_inch * dpi)
    width = shown.width - 2 * left
    size = (width, round(width * wanted.height / wanted.width))
    seen = shown.crop((left, left, left + size[0], left + size[1])).convert("L").reduce(4)
    meant = wanted.resize(size).convert("L").reduce(4)
    likeness = np.corrcoef(np.asarray(seen).ravel(), np.asarray(meant).ravel())[0, 1]
    assert likeness > 0.9
