"""What a person sees and does in the OHIF viewer, as a test sees and does it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from tests.support.browser import PATIENCE_S, Pixels, look_at, screenshot
from tests.support.servers import await_condition

_PANE = '[data-cy="viewport-pane"]'
_OVERLAY = '[data-cy="viewport-overlay-top-left"]'
_SERIES = '[data-cy="study-browser-thumbnail"], [data-cy="study-browser-thumbnail-no-image"]'
_DRAWN = f"{_PANE} svg.svg-layer"
#: So much more green than red and blue is a line that the viewer draws, of 255.
_GREENER = 60
_LINES_IN_A_SERIES = 4
_BLUR_PX = 2.0
_ZOOM_PX = 100

#: A tour covers the page at the first visit of a browser; it is remembered that it was seen.
_TOURS_SEEN = f"localStorage.setItem('shownTours', {json.dumps(json.dumps(['basicViewerTour']))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSeries:
    """A series as the list beside the picture shows it."""

    modality: str
    description: str
    number: int
    instance_count: int


class OhifPage:
    """OHIF with a study open.

    Parameters
    ----------
    page
        Empty; of the size that the viewer is to have.
    url
        Of the viewer: what `ohif` gives.
    study_uid
        Is opened.
    series_count
        So many series are waited for.
    """

    def __init__(self, page: Page, url: str, study_uid: str, series_count: int) -> None:
        self._page = page
        page.add_init_script(_TOURS_SEEN)
        # whatever still comes in the way is sent away when it does
        for name in ("Skip all", "No"):
            button = page.get_by_role("button", name=name, exact=True)
            page.add_locator_handler(button, lambda found: found.click())
        page.goto(f"{url}/viewer?StudyInstanceUIDs={study_uid}")
        await_condition(
            lambda: len(self.series()) == series_count,
            PATIENCE_S,
            f"{series_count} series in the viewer's list",
        )

    def series(self) -> list[ListedSeries]:
        """Return the series in the order in which they are listed."""
        texts = [text.split("\n") for text in self._page.locator(_SERIES).all_inner_texts()]
        return [
            ListedSeries(
                modality=lines[0],
                description=lines[1],
                number=int(lines[2].removeprefix("S:")),
                instance_count=int(lines[3]),
            )
            for lines in texts
            if len(lines) == _LINES_IN_A_SERIES
        ]

    def open(self, position: int) -> None:
        """Open a series by a double click on its place in the list."""
        self._page.locator(_SERIES).nth(position).dblclick()

    def titled(self) -> str:
        """Return what stands beside the picture: date and series; empty without a picture."""
        return " ".join(self._page.locator(_OVERLAY).all_inner_texts())

    def await_title(self, description: str) -> None:
        """Wait until a series with this description is in the viewport."""
        await_condition(
            lambda: self.titled().endswith(description),
            PATIENCE_S,
            f"{description} in the viewport",
        )

    def picture(self) -> Pixels:
        """Return what the viewport shows, with all that is written over it."""
        return look_at(self._page, _PANE)

    def keep(self, name: str) -> None:
        """Keep a picture of the whole page for people."""
        screenshot(self._page, f"ohif/{name}")

    def await_picture(self, expected: npt.NDArray[np.floating | np.uint8]) -> None:
        """Wait until the viewport shows a picture."""
        await_condition(
            lambda: likeness(self.picture(), expected) > 0.9, PATIENCE_S, "picture in the viewport"
        )

    def region(self) -> npt.NDArray[np.float64]:
        """Return the corners of the one region that is drawn, in pixels of `picture`: x, y."""
        lines = self._page.locator(f"{_DRAWN} polyline")
        lines.first.wait_for(state="attached")
        assert lines.count() == 1
        pairs = (lines.first.get_attribute("points") or "").replace(",", " ").split()
        corners = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        pane, layer = (
            self._page.locator(selector).first.bounding_box() for selector in (_PANE, _DRAWN)
        )
        assert pane is not None
        assert layer is not None
        corners[:, 0] += layer["x"] - pane["x"]
        corners[:, 1] += layer["y"] - pane["y"]
        return corners

    def labels(self) -> list[str]:
        """Return the lines of text beside the region, whether the window cuts them off or not."""
        return self._page.locator(f"{_DRAWN} tspan").all_text_contents()

    def room_for_labels(self) -> float:
        """Return how far the longest of them is from the viewport's right edge, pixels.

        Below 0 it is cut off.
        """
        pane = self._page.locator(_PANE).first.bounding_box()
        lines = [line.bounding_box() for line in self._page.locator(f"{_DRAWN} tspan").all()]
        assert pane is not None
        edges = [line["x"] + line["width"] for line in lines if line is not None]
        return pane["x"] + pane["width"] - max(edges)

    def zoom_out(self) -> None:
        """Make the picture smaller: the mouse goes up with its right button held."""
        pane = self._page.locator(_PANE).first.bounding_box()
        assert pane is not None
        mouse = self._page.mouse
        x, y = pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] / 2
        mouse.move(x, y)
        mouse.down(button="right")
        mouse.move(x, y - _ZOOM_PX, steps=5)
        mouse.up(button="right")

    def next_image(self) -> None:
        """Go on to the next image of the series that is open."""
        self._page.locator(_PANE).first.hover()
        self._page.mouse.wheel(0, 100)


def fit(
    picture: npt.NDArray[np.generic], rows: int, columns: int
) -> tuple[float, tuple[float, float]]:
    """Return how a viewport shows an image that it has just opened: whole, and in the middle.

    Returns
    -------
    tuple[float, tuple[float, float]]
        Screen pixels to a pixel of the image; x and y of the image's corner.
    """
    height, width = picture.shape[:2]
    scale = min(height / rows, width / columns)
    return scale, ((width - columns * scale) / 2, (height - rows * scale) / 2)


def likeness(picture: Pixels, expected: npt.NDArray[np.floating | np.uint8]) -> float:
    """Return the normalised correlation of what a viewport shows and of what it ought to, -1 to 1.

    The margins are left out: the viewer writes there.
    """
    seen = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64)
    wanted = np.asarray(expected, dtype=np.float64)
    wanted = wanted.mean(axis=2) if wanted.ndim == 3 else wanted
    rows, columns = wanted.shape
    scale, (left, top) = fit(picture, rows, columns)
    placed = cv2.warpAffine(
        wanted,
        np.array([[scale, 0, left], [0, scale, top]]),
        (seen.shape[1], seen.shape[0]),
    )
    inner = (
        slice(round(top + 0.2 * rows * scale), round(top + 0.9 * rows * scale)),
        slice(round(left + 0.05 * columns * scale), round(left + 0.95 * columns * scale)),
    )
    # the viewer and we make the image smaller in different ways: fine print differs
    a, b = (cv2.GaussianBlur(image, (0, 0), _BLUR_PX)[inner] for image in (seen, placed))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def greenness(picture: Pixels, corners: npt.NDArray[np.float64]) -> float:
    """Return the share of points on a closed line, away from the edges, near which it is green."""
    height, width = picture.shape[:2]
    hits = []
    for start, end in pairwise(corners):
        for part in np.linspace(0.1, 0.9, 81):
            x, y = np.round(start + part * (end - start)).astype(int)
            if not (3 <= x < width - 3 and 3 <= y < height - 3):
                continue
            near = picture[y - 3 : y + 4, x - 3 : x + 4].astype(int)
            more = near[..., 1] - near[..., [0, 2]].max(axis=2)
            hits.append(bool((more > _GREENER).any()))
    return float(np.mean(hits))
