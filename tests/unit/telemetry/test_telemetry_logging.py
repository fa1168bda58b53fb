"""Logs: JSON lines with our own ids, and nothing that says who a patient is."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import structlog

import screener
from screener.domain.errors import UnreadableInstance
from screener.telemetry.logging import ALLOWED_KEYS, configure_logging, get_logger

UID = "1.2.840.99999.424242"
NAME = "ZZ-SYNTHETIC^MARKED"

Lines: TypeAlias = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Configure logging for this test alone, and return what reads the lines."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers)
    level = root.level
    with warnings.catch_warnings():
        configure_logging(role="test")
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(capture=False)
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_an_event_is_one_json_line_with_its_ids_its_role_and_a_utc_time(lines: Lines) -> None:
    get_logger().info("film_scored", screening_id=12, state="SCORED")

    (line,) = lines()

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "film_scored",
        "level": "info",
        "role": "test",
        "screening_id": 12,
        "state": "SCORED",
    }


@pytest.mark.parametrize(
    "key",
    [
        "patient_name",
        "patient_id",
        "birth_date",
        "sop_instance_uid",
        "study_instance_uid",
        "accession_number",
        "path",
        "message",
        "error",
        "dataset",
    ],
)
def test_what_is_not_on_the_list_of_keys_is_dropped(key: str, lines: Lines) -> None:
    get_logger().warning("something", **{key: NAME, "screening_id": 1})

    (line,) = lines()

    assert NAME not in json.dumps(line)
    assert line["screening_id"] == 1


def test_a_forbidden_key_that_is_bound_is_dropped_too(lines: Lines) -> None:
    get_logger().bind(patient_id=NAME).warning("something")

    assert NAME not in json.dumps(lines())


def fail() -> None:
    raise UnreadableInstance(f"cannot read {UID} of {NAME}")


@pytest.mark.parametrize("given", ["the exception", "True"])
def test_an_exception_is_told_by_type_and_place_without_its_text(given: str, lines: Lines) -> None:
    try:
        fail()
    except UnreadableInstance as error:
        get_logger().error("broke", exc_info=error if given == "the exception" else True)

    (line,) = lines()

    assert line["exception"].startswith("UnreadableInstance at test_telemetry_logging.py:")
    assert " fail" in line["exception"]
    assert UID not in json.dumps(line)
    assert NAME not in json.dumps(line)


def test_the_exception_behind_an_exception_does_not_leak(lines: Lines) -> None:
    try:
        try:
            int(UID)
        except ValueError as error:
            raise UnreadableInstance(NAME) from error
    except UnreadableInstance as error:
        get_logger().error("broke", exc_info=error)

    assert UID not in json.dumps(lines())
    assert NAME not in json.dumps(lines())


def test_a_library_says_only_that_it_said_something(lines: Lines) -> None:
    logging.getLogger("some.library").error("%s has no %s", NAME, UID)

    (line,) = lines()

    assert (line["library"], line["level"]) == ("some.library", "warning")
    assert NAME not in json.dumps(line)


def test_a_librarys_warning_does_not_quote_a_value(lines: Lines) -> None:
    warnings.warn(f"invalid value {UID}", UserWarning, stacklevel=1)

    assert UID not in json.dumps(lines())


def test_a_thread_that_breaks_is_logged_without_its_text(lines: Lines) -> None:
    thread = threading.Thread(target=fail)

    thread.start()
    thread.join()

    (line,) = lines()
    assert line["event"] == "thread_broke"
    assert line["exception"].startswith("UnreadableInstance at ")
    assert UID not in json.dumps(line)


def test_debug_messages_are_not_written(lines: Lines) -> None:
    get_logger().debug("detail", screening_id=1)

    assert lines() == []


def test_every_key_that_the_product_logs_is_on_the_list() -> None:
    """Another would be dropped, and nobody would see that it is missing."""
    methods = {"debug", "info", "warning", "error", "critical", "exception"}
    used: dict[str, str] = {}
    for file in Path(screener.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            called = ast.unparse(node.func.value)
            if node.func.attr in methods and called in {"log", "get_logger()"}:
                used |= {word.arg: file.name for word in node.keywords if word.arg}

    assert len(used) > 10
    assert {k: v for k, v in used.items() if k not in ALLOWED_KEYS | {"exc_info"}} == {}


def test_no_key_on_the_list_is_an_identity() -> None:
    suspects = ("patient", "name", "birth", "uid", "accession", "dataset", "path", "file", "text")

    assert [key for key in ALLOWED_KEYS if any(word in key for word in suspects)] == []


def test_lines_from_other_threads_name_the_process_too(lines: Lines) -> None:
    thread = threading.Thread(target=lambda: get_logger().info("something"))
    thread.start()
    thread.join()

    (line,) = lines()

    assert line["role"] == "test"
