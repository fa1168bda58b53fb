"""The result card: a study's estimate at one glance, for a viewer that shows it 600 px wide.

All positions are pixels of the card, from its top left corner.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from screener.domain import phrases, wording
from screener.domain.catalogue import Catalogue
from screener.domain.estimate import Estimate
from screener.domain.finding import Verdict
from screener.domain.patient import ClinicalVariables
from screener.domain.reference import BmdReference, GrowthReference
from screener.domain.report import ReportContent, ScoredFilm
from screener.imaging.chart import ChartPoint, growth_chart, point_of
from screener.imaging.lettering import Colour, Page, height_px, width_px

Rgb = npt.NDArray[np.uint8]

WIDTH_PX, HEIGHT_PX = 1200, 1300
#: Heights of letters; where the card is shown 600 px wide, half of it.
_SMALLEST, _SMALL, _BODY = 16, 21, 24

# Okabe and Ito's colours, which colour-blind readers tell apart, on a reading room's dark ground.
_GROUND, _PANEL, _RULE = (15, 19, 24), (26, 32, 40), (70, 81, 94)
_TEXT, _QUIET = (242, 244, 246), (180, 190, 201)
_ORANGE, _BLUE = (240, 162, 2), (86, 180, 233)
_EARLIER = (110, 122, 134)
#: A correcting card is framed and headed in this.
_PALE, _INK = (223, 233, 243), (16, 32, 47)

_LEFT, _RIGHT, _COLUMN = 30, 1170, 730
_FILM_BOX = (790, 108, 1170, 488)
_CHART_BOX = (30, 510, 720, 936)
_BARS_BOX = (740, 510, 1170, 936)
_NOTES_TOP, _NOTES_BOTTOM = 952, 1206
_FOOTER_TOP = 1214
_MOST_FILMS_LISTED = 8


def render_card(
    pixels: npt.NDArray[np.float32] | None,
    content: ReportContent,
    *,
    reference: BmdReference,
    growth: GrowthReference,
) -> Rgb:
    """Draw the card of a study's result.

    Parameters
    ----------
    pixels
        The film shown small, ``[height, width]`` float32 in 0..1, bone bright; None shows none.
    content
        What is said. A report that corrects an earlier one gets a plainly different card.
    reference
        Whose centile curves the chart has: the one that gave the Z.
    growth
        Where the height and weight Z beside the child's measures come from.

    Returns
    -------
    numpy.ndarray
        ``[1300, 1200, 3]`` uint8. No patient identity.
    """
    page = Page(WIDTH_PX, HEIGHT_PX, _GROUND)
    _header(page, content)
    if pixels is not None:
        _film(page, pixels)
    estimate = content.finding.estimate
    if estimate is None:
        _without_value(page, content)
    else:
        _numbers(page, content, estimate)
        _chart(page, content, estimate, reference)
        _contributions(page, content, estimate)
    _notes(page, content, growth)
    _footer(page, content)
    if wording.is_correction(content):
        page.box((0, 0, WIDTH_PX - 1, HEIGHT_PX - 1), None, _PALE, 10)
    return np.array(page.image)


def _header(page: Page, content: ReportContent) -> None:
    correction = wording.is_correction(content)
    ground, ink = (_PALE, _INK) if correction else (_PANEL, _TEXT)
    page.box((0, 0, WIDTH_PX, 86), ground)
    say = content.say
    title = say("card.correction" if correction else "card.title")
    if content.withdraws:
        title = say("card.withdrawn")
    page.write((_LEFT, 44), title, 34, ink, bold=True, anchor="lm")
    badges = [(say("card.research"), _ORANGE, False)]
    if content.synthetic:
        badges.append((say("card.synthetic"), _ORANGE, True))
    if content.revision > 1:
        badges.append((say("card.revised", number=content.revision), _BLUE, True))
    right: float = _RIGHT
    for text, colour, filled in badges:
        edge = ink if correction else colour
        width = width_px(text, _SMALL, bold=True) + 30
        page.box((right - width, 22, right, 64), edge if filled else None, edge, 3)
        words = (ground if correction else _INK) if filled else edge
        page.write((right - width / 2, 43), text, _SMALL, words, bold=True, anchor="mm")
        right -= width + 14


def _film(page: Page, pixels: npt.NDArray[np.float32]) -> None:
    left, top, right, bottom = _FILM_BOX
    rows, columns = pixels.shape
    scale = min((right - left) / columns, (bottom - top) / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(pixels, size, interpolation=method)
    grey = cv2.convertScaleAbs(small, alpha=255.0)
    page.image.paste(Image.fromarray(grey).convert("RGB"), (right - size[0], top))


def _numbers(page: Page, content: ReportContent, estimate: Estimate) -> None:
    """Write the study's value, its interval and what it means, left of the film."""
    low = content.finding.verdict is Verdict.LOW
    colour = _ORANGE if low else _TEXT
    y = _earlier(page, content, _FILM_BOX[1])
    if wording.is_correction(content):
        y = _small_numbers(page, content, estimate, y)
    else:
        y = _big_numbers(page, content, estimate, y, colour)
    first, *others = wording.verdict_sentences(content)
    y = page.paragraph((_LEFT, y), first, _BODY + 1, colour, _COLUMN, bold=True) + 4
    if others:
        rest = " ".join(others)
        size = min(_BODY - 2, _fitting([rest], _COLUMN, _CHART_BOX[1] - 12 - y, 0))
        page.paragraph((_LEFT, y), rest, size, _TEXT, _COLUMN)


def _big_numbers(
    page: Page, content: ReportContent, e: Estimate, y: float, colour: Colour
) -> float:
    say = content.say
    page.write((_LEFT, y), say("card.z"), _SMALL, _QUIET)
    z = f"{e.z:.1f}"
    page.write((_LEFT, y + 28), z, 96, colour, bold=True)
    x = _LEFT + width_px(z, 96, bold=True) + 36
    page.write((x, y + 44), say("range.z", low=e.z_low, high=e.z_high), 36, _TEXT)
    level = say("card.interval", level=100 * e.interval_level)
    page.write((x, y + 90), level, _SMALL, _QUIET)
    y += 156
    page.write((_LEFT, y), say("card.abmd"), _SMALL, _QUIET)
    abmd = f"{e.abmd_g_cm2:.2f} g/cm2"
    page.write((_LEFT, y + 30), abmd, 42, _TEXT, bold=True)
    x = _LEFT + width_px(abmd, 42, bold=True) + 36
    interval = say("range.abmd", low=e.abmd_low_g_cm2, high=e.abmd_high_g_cm2)
    page.write((x, y + 38), interval, 32, _TEXT)
    return y + 96


def _small_numbers(page: Page, content: ReportContent, e: Estimate, y: float) -> float:
    """Write the numbers of a correction: nothing in them should strike the eye."""
    say = content.say
    z = phrases.z_words(say, e.z_low, e.z, e.z_high)
    abmd = phrases.abmd_words(say, e.abmd_low_g_cm2, e.abmd_g_cm2, e.abmd_high_g_cm2)
    now = say("card.now_abmd", abmd=abmd, level=100 * e.interval_level)
    y = page.paragraph((_LEFT, y), say("card.now", z=z), 34, _TEXT, _COLUMN)
    return page.paragraph((_LEFT, y), now, 26, _TEXT, _COLUMN) + 10


def _without_value(page: Page, content: ReportContent) -> None:
    """Fill the card of a study that has no value: why, what was said before, film by film."""
    y = _earlier(page, content, _FILM_BOX[1])
    # without a film the whole width is free, and what is taken back must be seen from afar
    width, size = (_COLUMN, _BODY + 4) if content.films else (_RIGHT - _LEFT, _BODY + 10)
    for sentence in wording.verdict_sentences(content):
        y = page.paragraph((_LEFT, y), sentence, size, _TEXT, width, bold=True) + size // 2
    y = max(y, _FILM_BOX[3]) + 40
    scored = wording.film_lines(content)
    others = [wording.not_scored(content, film) for film in content.told_not_scored]
    for title, lines in (("card.scored", scored), ("card.not_scored", others)):
        if lines:
            page.write((_LEFT, y), content.say(title), _BODY, _QUIET, bold=True)
            y += 38
            for line in lines[:_MOST_FILMS_LISTED]:
                y = page.paragraph((_LEFT, y), line, _BODY, _TEXT, _RIGHT - _LEFT)
            y += 24


def _earlier(page: Page, content: ReportContent, y: float) -> float:
    """Write what a correction takes back; return where the next line begins."""
    if not wording.is_correction(content) or content.predecessor is None:
        return y
    if content.withdraws:
        return y + 20  # the sentences that follow say it all
    before = content.predecessor.finding
    if before.verdict is Verdict.LOW:
        text = content.say("card.no_longer")
        y = page.paragraph((_LEFT, y), text, _BODY + 4, _PALE, _COLUMN, bold=True) + 4
    text = content.say("card.earlier", summary=wording.summary(content.say, before))
    return page.paragraph((_LEFT, y), text, _BODY - 2, _QUIET, _COLUMN) + 14


def _chart(page: Page, content: ReportContent, estimate: Estimate, reference: BmdReference) -> None:
    """Draw the child's value on the curves; the replaced one, if any, faintly behind it."""
    left, top, right, bottom = _CHART_BOX
    page.box(_CHART_BOX, _PANEL)
    say = content.say
    title = say(
        "card.chart", children=say(f"children.{estimate.sex.value}"), reference=reference.label
    )
    page.write((left + 16, top + 12), title, _SMALL, _QUIET, bold=True)
    faint, legend = _grey_points(content, estimate)
    y = top + 44.0
    if legend:
        y = page.paragraph((left + 16, y), say(legend), 18, _QUIET, right - left - 32)
    colour = _ORANGE if content.finding.verdict is Verdict.LOW else _BLUE
    points = [*((one, _EARLIER) for one in faint), (point_of(estimate), colour)]
    size = right - left - 20, round(bottom - 8 - y)
    chart = growth_chart(reference, estimate.sex, points, size, say=say)
    page.image.paste(Image.fromarray(chart), (left + 10, round(y)))


def _grey_points(content: ReportContent, estimate: Estimate) -> tuple[list[ChartPoint], str]:
    """Return what stands faintly behind the child's value, and the key of what says so."""
    faint = [
        ChartPoint(
            age_years=one.age_years,
            abmd_g_cm2=one.abmd_g_cm2,
            abmd_low_g_cm2=one.abmd_low_g_cm2,
            abmd_high_g_cm2=one.abmd_high_g_cm2,
        )
        for one in content.earlier
    ]
    legend = "card.earlier_points" if faint else ""
    replaced = content.predecessor.finding.estimate if content.predecessor else None
    if replaced is not None and replaced.sex is estimate.sex:
        faint.append(point_of(replaced))
        legend = "card.replaced_and_earlier" if legend else "card.replaced"
    return faint, legend


def _contributions(page: Page, content: ReportContent, estimate: Estimate) -> None:
    """Draw how far each input moved the estimate, as bars from a middle line."""
    left, top, right, bottom = _BARS_BOX
    page.box(_BARS_BOX, _PANEL)
    say = content.say
    page.write((left + 16, top + 12), say("card.moved"), _SMALL, _QUIET, bold=True)
    films = [film for film in content.films if film.screening_id in estimate.films]
    values = _mean_contributions(films)
    start = sum(film.z for film in films) / len(films) - sum(values.values())
    text = say("card.moved_from", start=start + 0, z=estimate.z)
    y = page.paragraph((left + 16, top + 46), text, 19, _QUIET, right - left - 32) + 16
    if not values:
        return
    middle, reach = left + 250, 100
    largest = max(0.5, *(abs(value) for value in values.values()))
    step = (bottom - 16 - y) / len(values)
    for name, value in values.items():
        line = y + step / 2
        missing = name in estimate.missing
        page.write(
            (left + 16, line),
            phrases.input_words(say, name),
            _SMALL,
            _QUIET if missing else _TEXT,
            anchor="lb" if missing else "lm",
        )
        if missing:
            page.write((left + 16, line + 2), say("card.missing"), 18, _ORANGE, anchor="la")
        length = reach * value / largest
        bar = sorted((middle, middle + length))
        page.box(
            (bar[0], line - step * 0.26, bar[1], line + step * 0.26),
            _ORANGE if value < 0 else _BLUE,
        )
        page.write((right - 14, line), f"{value + 0:+.1f}", _SMALL, _TEXT, anchor="rm")
        y += step
    page.draw.line((middle, bottom - 16 - step * len(values), middle, bottom - 16), _QUIET, 2)


def _mean_contributions(films: Sequence[ScoredFilm]) -> dict[str, float]:
    """Return each input's contribution in SDs, the mean over the films of the value."""
    first = films[0].prediction.contributions
    return {
        named.name: sum(
            c.sd for film in films for c in film.prediction.contributions if c.name == named.name
        )
        / len(films)
        for named in first
    }


def _notes(page: Page, content: ReportContent, growth: GrowthReference) -> None:
    """Write what a reader must know of this child, and beside it the limits of every card."""
    say = content.say
    own = [*wording.cautions(content)]
    own += wording.changed_causes(content)
    if content.predecessor is not None and not wording.is_correction(content):
        before = wording.summary(say, content.predecessor.finding)
        own.insert(0, say("card.earlier", summary=before))
    if wording.is_one_child(content):
        own += [_measures(say, film.clinical, growth) for film in content.films[:1]]
    if content.not_scored and content.finding.estimate is not None:
        reasons = sorted({phrases.reason_words(say, film.reason) for film in content.not_scored})
        listed, count = say("join.list").join(reasons), len(content.not_scored)
        own.append(say("card.not_scored_count", count=count, reasons=listed))
    _list(page, say, (_LEFT, 530), "card.about", own)
    _list(page, say, (_LEFT + 555, 585), "card.limits", list(wording.disclaimers(say)))


def _list(
    page: Page, say: Catalogue, column: tuple[int, int], title: str, texts: list[str]
) -> None:
    x, width = column
    if not texts:
        return
    page.write((x, _NOTES_TOP), say(title), _SMALL, _QUIET, bold=True)
    indent, gap, y = 20, 3, _NOTES_TOP + 32.0
    size = _fitting(texts, width - indent, _NOTES_BOTTOM - y, gap)
    shown = list(texts)
    while height_px(shown, size, width - indent, gap=gap) > _NOTES_BOTTOM - y:
        # the most important stand first; the report has them all
        shown = [*shown[:-2], say("card.more")]
    for text in shown:
        page.write((x, y), "\N{BULLET}", size, _QUIET)
        y = page.paragraph((x + indent, y), text, size, _TEXT, width - indent) + gap


def _measures(say: Catalogue, clinical: ClinicalVariables, growth: GrowthReference) -> str:
    """Return the child's measures with their Z in the growth charts."""
    age, sex = clinical.age_years, clinical.sex
    words = [phrases.sex_words(say, sex), phrases.age_words(say, age)]
    height, weight = clinical.height_m.value, clinical.weight_kg.value
    charted = False
    if height is not None:
        z = growth.height_z(sex=sex, age_years=age, height_m=height)
        words.append(say("card.height" if z is None else "card.height_z", value=height, z=z))
        charted = z is not None
    if weight is not None:
        z = growth.weight_z(sex=sex, age_years=age, weight_kg=weight)
        words.append(say("card.weight" if z is None else "card.weight_z", value=weight, z=z))
        charted = charted or z is not None
    measures = say("join.comma").join(words)
    return say(
        "card.used_charted" if charted else "card.used", measures=measures, growth=growth.name
    )


def _footer(page: Page, content: ReportContent) -> None:
    page.draw.line((_LEFT, _FOOTER_TOP, _RIGHT, _FOOTER_TOP), _RULE, 2)
    say = content.say
    text = say(
        "card.footer_films" if content.films else "card.footer",
        predictor=wording.predictor_words(content),
        reference=content.reference_statement,
        threshold=wording.threshold_in_short(say, content.finding),
        formation=wording.formation(content),
        at=wording.concluded(content),
    )
    size = _fitting([text], _RIGHT - _LEFT, HEIGHT_PX - _FOOTER_TOP - 12, 0)
    page.paragraph((_LEFT, _FOOTER_TOP + 6), text, size, _QUIET, _RIGHT - _LEFT)


def _fitting(texts: list[str], width: float, height: float, gap: int) -> int:
    """Return the largest size at which paragraphs fit into a box, or the smallest legible one."""
    for size in range(_BODY - 1, _SMALLEST, -1):
        if height_px(texts, size, width, gap=gap) <= height:
            return size
    return _SMALLEST
