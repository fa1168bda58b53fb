import itertools

import pytest

from screener.domain.arrival import Arrival, Content, compare

SPEAKING = Content(header_digest="h", pixel_digest="p", file_digest="f")


def content(header: str | None, pixels: str | None, file: str = "other") -> Content:
    return Content(header_digest=header, pixel_digest=pixels, file_digest=file)


@pytest.mark.parametrize(
    ("new", "speaking", "arrival"),
    [
        (SPEAKING, None, Arrival.NEW),
        (content(None, None), None, Arrival.NEW),
        # the same bytes
        (SPEAKING, SPEAKING, Arrival.DUPLICATE),
        (content(None, None, "f"), content(None, None, "f"), Arrival.DUPLICATE),
        # another transfer syntax
        (content("h", "p"), SPEAKING, Arrival.DUPLICATE),
        # how a PACS sends corrections
        (content("h2", "p"), SPEAKING, Arrival.REVISION),
        # another film under the same UID
        (content("h", "p2"), SPEAKING, Arrival.CONFLICT),
        (content("h2", "p2"), SPEAKING, Arrival.CONFLICT),
        # cut short the second time: the whole one goes on speaking
        (content("h", None), SPEAKING, Arrival.CONFLICT),
        (content(None, None), SPEAKING, Arrival.CONFLICT),
        # cut short the first time: the whole one speaks from now on
        (content("h", "p"), content("h", None, "cut"), Arrival.REVISION),
        (content("h", "p"), content(None, None, "cut"), Arrival.REVISION),
        # documents, and films that cannot be decoded
        (content("h", None), content("h", None, "f"), Arrival.DUPLICATE),
        (content("h2", None), content("h", None, "f"), Arrival.REVISION),
        # nothing of either can be read, and the bytes differ
        (content(None, None), content(None, None, "f"), Arrival.REVISION),
    ],
)
def test_an_instance_is_compared_with_the_one_that_speaks(
    new: Content, speaking: Content | None, arrival: Arrival
) -> None:
    assert compare(new, speaking) is arrival


def test_two_different_readable_films_never_count_as_the_same() -> None:
    values = ["a", "b", None]
    contents = [content(h, p, f"{h}{p}") for h, p in itertools.product(values, values)]

    for new, speaking in itertools.product(contents, contents):
        if new.pixel_digest and speaking.pixel_digest and new != speaking:
            assert compare(new, speaking) is not Arrival.DUPLICATE
