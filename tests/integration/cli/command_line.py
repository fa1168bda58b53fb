"""Runs commands of the program: in this process for speed, or as it is started by people."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest import mock

import structlog

from screener.cli import main


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


def run_command(*arguments: object) -> Ended:
    """Run a command through the program's own entry."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    with (
        _own_logging(),
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "argv", ["screener", *map(str, arguments)]),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Ended(code=int(code or 0), out=out.getvalue(), err=err.getvalue())


def start_command(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start a command as a process of its own, with text pipes, buffered as people have it."""
    return subprocess.Popen(
        [sys.executable, "-m", "screener", *map(str, arguments)],
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def _own_logging() -> Iterator[None]:
    """Undo what a command does to the process, which is otherwise its own."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers, root.level
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.handlers, root.level = handlers, level
        threading.excepthook = hook
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
