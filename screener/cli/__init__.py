"""The command line: thin commands over `wiring`. Torch is loaded by the commands that score."""

from __future__ import annotations

import os
import sys

from rich.markup import escape

from screener.cli.app import app
from screener.cli.output import ERR
from screener.domain.errors import ConfigurationError, ScreenerError

#: Exit codes: 1 something failed, 2 wrong usage or settings.
_FAILED = 1
_WRONG_USAGE = 2


def main() -> None:
    """Run a command; an error is a sentence on standard error and an exit code."""
    try:
        app()
    except ConfigurationError as error:
        ERR.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        sys.exit(_WRONG_USAGE)
    except ScreenerError as error:
        ERR.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        sys.exit(_FAILED)
    except BrokenPipeError:
        # the reader has seen enough; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_FAILED)
