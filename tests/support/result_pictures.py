"""Draws the pictures of docs/results.md: ``python -m tests.support.result_pictures FILM FOLDER``.

FILM is a synthetic film with a low estimate, such as one of `make demo`.
"""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from pydicom import dcmread

from screener.imaging.lettering import hangul_file
from tests.support.browser import chromium, page_of

_LONGEST_SIDE_PX = 900
_STYLE = (
    "@font-face { font-family: Hangul; src: url(data:font/ttf;base64,"
    + b64encode(hangul_file().read_bytes()).decode()
    + ") } body, td, div, h1, h2, h3 { font-family: 'DejaVu Sans', Hangul !important }"
)


def main(film: Path, folder: Path) -> None:
    """Write a picture of each object that `screener score` makes of a film."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name:
        made = Path(name)
        for language in ("en", "ko"):
            _score(film, made / language, language)
        for language in ("en", "ko"):
            for kind in ("card", "overlay"):
                pixels = dcmread(next((made / language).glob(f"*-{kind}.dcm"))).pixel_array
                _keep(Image.fromarray(pixels), folder / f"{kind}-{language}.jpg")
            _report(next((made / language).glob("*-report.dcm")), folder / f"report-{language}.png")


def _score(film: Path, out: Path, language: str) -> None:
    kinds = ("report", "overlay", "card")
    options = [option for kind in kinds for option in ("--object", kind)]
    command = [sys.executable, "-m", "screener", "score", str(film), "--out", str(out), *options]
    subprocess.run([*command, "--language", language], check=True, capture_output=True)


def _report(report: Path, picture: Path) -> None:
    """Draw a report as DCMTK's `dsr2html` prints it."""
    page_file = picture.with_suffix(".html")
    subprocess.run(["dsr2html", report, page_file], check=True, capture_output=True)
    try:
        with chromium() as browser, page_of(browser, width=900, height=600) as page:
            page.goto(page_file.absolute().as_uri())
            # a machine without Korean letters draws boxes
            page.add_style_tag(content=_STYLE)
            page.evaluate("document.fonts.ready")
            shot = page.screenshot(full_page=True)
    finally:
        page_file.unlink()
    image = Image.open(BytesIO(shot)).convert("RGB")
    image.quantize(64).save(picture, optimize=True)


def _keep(image: Image.Image, picture: Path) -> None:
    image.thumbnail((_LONGEST_SIDE_PX, _LONGEST_SIDE_PX), Image.Resampling.LANCZOS)
    image.convert("RGB").save(picture, quality=88, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
