"""A real Chromium without a window, driven by a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.structure.repository import ROOT
from tests.support.servers import missing

#: WebGL in software is slow, and a busy machine slower still.
PATIENCE_S = 120.0

#: Pictures of what the browser showed, for people; not committed.
PICTURES = ROOT / "test-output"

_NAMES = ("chromium", "google-chrome", "chromium-browser")
#: WebGL without a graphics card, and no talk with anybody outside of this machine.
_FLAGS = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

Pixels = npt.NDArray[np.uint8]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium; skip the test, or fail it, where it is not installed."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        missing("Chromium is not installed (Debian package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--headless=new", *_FLAGS],
            # it refuses to run as root within its sandbox
            chromium_sandbox=os.geteuid() != 0,
            timeout=PATIENCE_S * 1000,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(browser: Browser, *, width: int, height: int) -> Iterator[Page]:
    """Open an empty page of a size in pixels, with no memory of other pages.

    It waits up to `PATIENCE_S` for whatever it is asked to wait for.
    """
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
    context.set_default_timeout(PATIENCE_S * 1000)
    try:
        yield context.new_page()
    finally:
        context.close()


def screenshot(page: Page, name: str) -> Pixels:
    """Return what a page shows: ``[height, width, 3]`` uint8; keep it under `PICTURES`.

    Parameters
    ----------
    name
        Of the PNG file, with a folder if wanted and without its suffix.
    """
    path = (PICTURES / name).with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    return _decode(page.screenshot(path=path))


def look_at(page: Page, selector: str) -> Pixels:
    """Return what a page shows where its first such element is: ``[height, width, 3]`` uint8."""
    return _decode(page.locator(selector).first.screenshot())


def _decode(png: bytes) -> Pixels:
    with Image.open(BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB"))
