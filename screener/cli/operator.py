"""Who gives a command, for the audit trail."""

from __future__ import annotations

import getpass
import os

#: As wide as the columns that keep it.
_LONGEST = 64


def operator_name() -> str:
    """Return the user's name; in a container without one, its number."""
    try:
        return getpass.getuser()[:_LONGEST]
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
