"""JSON lines of named events, with an allow-list of keys: what is not on it is dropped.

Libraries' own records are reduced to logger and level, for their texts may quote a data set.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import warnings
from collections.abc import MutableMapping
from typing import Any

import structlog

#: Keys that may appear beside an event. None of them can hold a patient's identity.
ALLOWED_KEYS = frozenset(
    {
        "address",
        "archive",
        "attempts",
        "called_ae",
        "calling_ae",
        "code",
        "count",
        "delivery_id",
        "event",
        "exception",
        "exit_code",
        "finding_id",
        "host",
        "instance_id",
        "kind",
        "level",
        "library",
        "outcome",
        "pid",
        "port",
        "predictor",
        "reason",
        "role",
        "rules_version",
        "screening_id",
        "seconds",
        "size_bytes",
        "sop_class",
        "stage",
        "state",
        "status",
        "study_id",
        "timestamp",
        "transfer_syntax",
        "verdict",
        "version",
    }
)


def configure_logging(*, role: str, human: bool = False) -> None:
    """Send this process's events to standard error.

    Parameters
    ----------
    role
        Which process this is; bound to every event.
    human
        Lines for a terminal in place of JSON.
    """
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if human
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            functools.partial(_add_role, role),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _stack_without_values,
            _drop_what_is_not_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Library()]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    # pydicom's warnings quote values
    warnings.simplefilter("ignore")
    # Python itself would print what was raised, values and all
    threading.excepthook = _thread_broke


def get_logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger: `log.info("event_name", screening_id=12)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


class _Library(logging.Handler):
    """Says that a library had something to say, and not what."""

    def emit(self, record: logging.LogRecord) -> None:
        get_logger().warning("library_record", library=record.name, level=record.levelname)


def _thread_broke(broke: threading.ExceptHookArgs) -> None:
    get_logger().error("thread_broke", exc_info=broke.exc_value)


def _add_role(
    role: str, _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    # a context variable would not reach the threads of associations and archives
    event["role"] = role
    return event


def _drop_what_is_not_allowed(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if key in ALLOWED_KEYS}


def _stack_without_values(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Render `exc_info` as type and places: messages and variables may hold an identity."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()[1]
    if isinstance(raised, BaseException):
        places = []
        trace = raised.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        event["exception"] = f"{type(raised).__name__} at {' < '.join(reversed(places))}"
    return event
