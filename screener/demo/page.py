"""What the demo leaves behind for people: reports, pictures, and one page that shows them all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from string import Template

from screener.demo.outcome import ChildOutcome, Outcome, Row
from screener.demo.worklist import Entry
from screener.dicom.capture import read_capture
from screener.dicom.pixels import read_radiograph
from screener.domain.errors import UnsupportedPixels
from screener.domain.report import ResultKind
from screener.domain.wording import report_text
from screener.imaging.card import render_card
from screener.imaging.png import film_picture, write_png
from screener.pipeline.ports import Services

_TEMPLATE = Path(__file__).with_name("page.html")
_THUMBNAIL_PX = 360
_FILM_PX = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The files that show one child, relative to the page."""

    films: tuple[str, ...]
    card: str | None
    text: str
    reports: tuple[str, ...]


def write_demo(
    out: Path,
    services: Services,
    entries: list[Entry],
    outcome: Outcome,
    *,
    films: Path,
    headline: str,
    on_child: Callable[[str], None],
) -> Path:
    """Write ``reports/``, ``pictures/``, ``results.json`` and ``index.html``, and return the page.

    Parameters
    ----------
    films
        Folder of the worklist's films.
    headline
        The line that sums the demo up.
    on_child
        Called with the name of each child, and of each film that must not be scored, once shown.
    """
    for name in ("reports", "pictures"):
        (out / name).mkdir(exist_ok=True)
    shown = {}
    for child in outcome.children:
        shown[child.number] = _show(out, films, services, child)
        on_child(f"child {child.number}")
    thumbnails = {}
    for entry in entries:
        if entry.child is None and entry.again is None:
            thumbnails[entry.file] = _film(out, films / entry.file, _THUMBNAIL_PX)
            on_child(entry.file)
    rows = [asdict(row) for row in outcome.rows]
    (out / "results.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    numbers = {entry.file: child.number for child in outcome.children for entry in child.entries}
    page = out / "index.html"
    predictor = services.predictor.identity
    page.write_text(
        Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
            headline=escape(headline),
            predictor=escape(f"{predictor.name} {predictor.version}"),
            reference=escape(services.reference.label),
            problems="".join(f"<li>{escape(text)}</li>" for text in outcome.problems),
            children="\n".join(
                _child_section(child, shown[child.number]) for child in _worst_first(outcome)
            ),
            table="\n".join(_table_row(row, numbers.get(row.file)) for row in outcome.rows),
            others="\n".join(
                _other(row, thumbnails[row.file]) for row in outcome.rows if row.file in thumbnails
            ),
        ),
        encoding="utf-8",
    )
    return page


def _worst_first(outcome: Outcome) -> list[ChildOutcome]:
    """Return the missed, the falsely flagged, the found, then the others."""
    return sorted(
        outcome.children,
        key=lambda child: (not child.is_wrong, not child.is_low, child.true_z),
    )


def _show(out: Path, films: Path, services: Services, child: ChildOutcome) -> _Shown:
    name = f"child-{child.number:02d}"
    pictures: list[str] = []
    reports: list[str] = []
    card: str | None = None
    for made in child.objects:
        encoded = services.vault.read(made.vault_key)
        number = sum(f"-{made.kind.lower()}" in earlier for earlier in reports)
        stem = f"reports/{name}-{made.kind.lower()}" + (f"-{number + 1}" if number else "")
        (out / f"{stem}.dcm").write_bytes(encoded)
        reports.append(f"{stem}.dcm")
        if made.kind == ResultKind.REPORT.value:
            continue
        write_png(out / f"{stem}.png", read_capture(encoded))
        if made.kind == ResultKind.CARD.value:
            card = f"{stem}.png"
        else:
            pictures.append(f"{stem}.png")
    if not pictures:
        made_now = (_film(out, films / entry.file, _FILM_PX) for entry in child.entries)
        pictures = [path for path in made_now if path]
    content = child.content
    if content is not None and card is None and content.films:
        picture = render_card(
            read_radiograph(films / child.entries[0].file).pixels,
            content,
            reference=services.reference,
            growth=services.growth,
        )
        card = f"pictures/{name}-card.png"
        write_png(out / card, picture)
    text = report_text(content) if content is not None else f"No finding: {child.study.reason}."
    return _Shown(films=tuple(pictures), card=card, text=text, reports=tuple(reports))


def _film(out: Path, film: Path, longest_side: int) -> str | None:
    """Write a film's picture and return its path, or None for one without readable pixels."""
    try:
        pixels = read_radiograph(film).pixels
    except UnsupportedPixels:
        return None
    path = f"pictures/{film.stem}.png"
    write_png(out / path, film_picture(pixels, longest_side))
    return path


def _child_section(child: ChildOutcome, shown: _Shown) -> str:
    if child.is_wrong:
        mark, title = "wrong", "missed" if child.is_low else "falsely flagged"
    else:
        mark, title = ("low", "found low") if child.is_low else ("rest", "not low, not flagged")
    if shown.reports:
        links = ", ".join(
            f'<a href="{escape(path)}">{escape(Path(path).name)}</a>' for path in shown.reports
        )
        written = f"In the archive, {escape(str(child.study.report_state))}: {links}"
    else:
        written = "Nothing was written to the archive; card and text are shown for this page only."
    z = f"{child.study.z:.1f}" if child.study.z is not None else "none"
    films = "".join(
        f'<a href="{escape(film)}"><img src="{escape(film)}" alt="film" loading="lazy"></a>'
        for film in shown.films
    )
    card = (
        f'<a href="{escape(shown.card)}"><img src="{escape(shown.card)}" alt="result card" '
        f'loading="lazy"></a>'
        if shown.card
        else ""
    )
    return (
        f'<section class="child {mark}" id="child-{child.number}">'
        f'<h3>Child {child.number} <span class="mark">{title}</span>'
        f'<span class="truth">true Z {child.true_z:.1f}, estimated {z}</span></h3>'
        f'<p class="kind">{escape("; ".join(entry.kind for entry in child.entries))}</p>'
        f'<p class="kind">{written}</p>'
        f'<div class="row"><div class="films">{films}</div><div class="card">{card}</div>'
        f"<pre>{escape(shown.text)}</pre></div></section>"
    )


def _table_row(row: Row, number: int | None) -> str:
    scored = row.z is not None
    cells = (
        row.file.removesuffix(".dcm"),
        row.kind,
        _number(row.true_z, 1),
        _number(row.abmd_g_cm2, 2),
        _number(row.z, 1),
        f"{_number(row.z_low, 1)} to {_number(row.z_high, 1)}" if scored else "",
        " ".join(word for word in (row.verdict, row.reason) if word),
        row.report_state or "",
    )
    first, *others = (escape(cell) for cell in cells)
    if number is not None:
        first = f'<a href="#child-{number}">{first}</a>'
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in (first, *others))}</tr>"


def _other(row: Row, picture: str | None) -> str:
    image = (
        f'<a href="{escape(picture)}"><img src="{escape(picture)}" alt="" loading="lazy"></a>'
        if picture
        else '<div class="nothing">no picture</div>'
    )
    return (
        f"<figure>{image}<figcaption>{escape(row.kind)}<br><code>{escape(row.reason or '')}</code>"
        "</figcaption></figure>"
    )


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
