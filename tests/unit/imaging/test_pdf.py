from __future__ import annotations

import re
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from screener.imaging.lettering import font_file
from screener.imaging.pdf import card_pdf

AT = datetime(2026, 11, 24, 3, 40, 12, tzinfo=UTC)
TITLE, TEXT = "AI BMD document (RESEARCH)", "Conclusion\n- Z -2.3 (-3.4 to -1.2)"


def card(height: int = 130, width: int = 120) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def printed(
    rgb: npt.NDArray[np.uint8] | None = None, *, title: str = TITLE, text: str = TEXT
) -> bytes:
    return card_pdf(card() if rgb is None else rgb, title=title, text=text, made_at=AT)


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf))


def streams(pdf: bytes) -> list[bytes]:
    """Return what is in the document's compressed streams, the largest first."""
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return sorted(found, key=len, reverse=True)


def searchable(pdf: bytes) -> set[str]:
    """Return the letters that the fonts' own tables give for what is drawn."""
    codes = b"".join(stream for stream in streams(pdf) if b"beginbfrange" in stream)
    listed = b" ".join(re.findall(rb"\[(.*?)\]", codes))
    return {
        bytes.fromhex(code).decode("utf-16-be") for code in re.findall(r"<(\w+)>", listed.decode())
    }


def picture(pdf: bytes, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Return the picture in the document; its rows are packed as those of a PNG file are."""
    (rows,) = [s for s in streams(pdf) if len(s) == height * (1 + 3 * width)]
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return np.asarray(Image.open(BytesIO(png)))


def test_the_same_card_gives_the_same_bytes_whatever_the_time_zone() -> None:
    here = AT.astimezone(timezone(timedelta(hours=9)))

    assert printed() == printed()
    assert card_pdf(card(), title=TITLE, text=TEXT, made_at=here) == printed()


def test_other_text_gives_other_bytes() -> None:
    assert printed(text=f"{TEXT}.") != printed()


def test_the_date_is_the_one_given_and_nothing_else_is_dated() -> None:
    pdf = printed()

    assert b"/CreationDate (D:20261124034012Z)" in pdf
    assert b"ModDate" not in pdf
    assert b"/ID" not in pdf


def test_the_title_stands_in_the_documents_information() -> None:
    assert b"/Title (AI BMD document \\(RESEARCH\\))" in printed()


def test_the_card_is_kept_pixel_for_pixel() -> None:
    rgb = card()

    pdf = printed(rgb)

    assert b"/Width 120" in pdf
    assert b"/Height 130" in pdf
    assert b"DCTDecode" not in pdf
    # matplotlib stores the last row first, and mirrors the picture as it is drawn
    assert np.array_equal(picture(pdf, 130, 120)[::-1], rgb)


def test_a_page_is_a4_and_upright() -> None:
    (box,) = set(re.findall(rb"/MediaBox \[ ([\d. ]+) \]", printed()))

    assert [round(float(number)) for number in box.split()] == [0, 0, 595, 842]


def test_a_short_text_has_one_page_and_a_long_one_as_many_as_it_takes() -> None:
    assert pages(printed()) == 2
    assert pages(printed(text="\n".join(f"line {n}" for n in range(200)))) == 5


def test_a_word_wider_than_the_page_is_broken() -> None:
    assert pages(printed(text="x" * 20_000)) > 3


def test_a_text_of_nothing_leaves_the_card() -> None:
    assert pages(printed(text="")) == 1


def test_letters_beyond_ascii_are_embedded_and_can_be_searched() -> None:
    pdf = card_pdf(
        card(), title="\u03b1", text="\u0416 \u2264 $x^2$ \u00fc", made_at=AT, font=font_file()
    )

    assert b"/FontFile2" in pdf
    assert {"\u03b1", "\u0416", "\u2264", "\u00fc", "$", "^"} <= searchable(pdf)
