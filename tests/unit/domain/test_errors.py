import pytest

from screener.domain import errors
from screener.domain.errors import (
    ImplausibleValue,
    MissingAttribute,
    PermanentError,
    ScreenerError,
    SpoolFull,
    TransientError,
    UnsupportedPixels,
)

ALL = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, ScreenerError)
]


def test_every_error_has_a_code_of_its_own_and_stands_in_the_drawing() -> None:
    assert len({error.code for error in ALL}) == len(ALL)
    assert all(error.__name__ in (errors.__doc__ or "") for error in ALL)


def test_every_error_below_the_top_says_whether_waiting_may_help() -> None:
    top = {ScreenerError, PermanentError, TransientError, errors.ConfigurationError}

    for error in set(ALL) - top:
        assert issubclass(error, PermanentError) != issubclass(error, TransientError)


def test_an_error_without_a_message_says_what_it_is() -> None:
    assert str(SpoolFull()) == "There is too little free space to take another film."
    assert str(SpoolFull("3 MB are free; 500 are needed")) == "3 MB are free; 500 are needed"


def test_an_error_names_the_attribute_the_value_and_the_range() -> None:
    missing = MissingAttribute("StudyInstanceUID")
    implausible = ImplausibleValue("spacing", 7.5, "mm", 0.05, 2)

    assert (missing.keyword, str(missing)) == (
        "StudyInstanceUID",
        "the attribute StudyInstanceUID is missing or empty",
    )
    assert str(implausible) == "spacing is 7.5 mm; it must be 0.05 to 2 mm"
    assert implausible.name == "spacing"


@pytest.mark.parametrize("truncated", [False, True])
def test_unsupported_pixels_say_whether_they_are_truncated(truncated: bool) -> None:
    assert UnsupportedPixels("why", truncated=truncated).truncated is truncated
