"""The command line: thin commands over `wiring`. Torch is loaded by the commands that score."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from screener.cli.app import app
from screener.cli.output import complain
from screener.domain.errors import ConfigurationError, ScreenerError
from screener.telemetry.logging import get_logger

#: Exit codes: 1 something failed, 2 wrong usage or settings.
_FAILED = 1
_WRONG_USAGE = 2

#: What a node that only screens does not install, and the extra that brings it.
_EXTRAS = {
    "jinja2": "training",
    "pandas": "training",
    "pyarrow": "training",
    "scipy": "training",
    "sklearn": "training",
    "statsmodels": "training",
    "threadpoolctl": "training",
    "onnx": "export",
    "onnxruntime": "export",
    "onnxscript": "export",
}


def main() -> None:
    """Run a command; an error is a sentence on standard error and an exit code."""
    try:
        try:
            app(prog_name="screener")
        finally:
            # here, and not at exit, where nobody catches what a closed pipe raises
            sys.stdout.flush()
    except ConfigurationError as error:
        _end(str(error), _WRONG_USAGE)
    except ScreenerError as error:
        _end(str(error), _FAILED)
    except BrokenPipeError:
        # the reader has seen enough; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_FAILED)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        _end(f"{error.strerror or type(error).__name__}{where}", _FAILED)
    except Exception as error:  # noqa: BLE001 - the last resort: a traceback may show a patient
        if (extra := _missing_extra(error)) is not None:
            _end(f"this command needs more packages: pip install 'bmd-screener[{extra}]'", _FAILED)
        get_logger().error("command_broke", exc_info=error)
        _end(f"this is a bug ({type(error).__name__}); the log line above says where", _FAILED)


def _missing_extra(error: Exception) -> str | None:
    """Return the extra that brings a package which is not installed."""
    if not isinstance(error, ModuleNotFoundError):
        return None
    return _EXTRAS.get((error.name or "").partition(".")[0])


def _end(message: str, exit_code: int) -> NoReturn:
    complain(("error:", "bold red"), f" {message}")
    sys.exit(exit_code)
