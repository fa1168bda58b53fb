"""A stage that takes too long ends its process, whatever it hangs in."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from workers.workplace import at_most\n{code}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "hang",
    [
        "import threading; threading.Event().wait()",
        # never gives Python its turn
        "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')",
    ],
)
def test_a_stage_that_hangs_ends_its_process_and_says_where(hang: str) -> None:
    ended = run(f"with at_most(0.3):\n    {hang}")

    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
    assert '"<string>", line 3' in ended.stderr


def test_a_stage_in_time_ends_nothing() -> None:
    ended = run("import time\nwith at_most(0.1):\n    pass\ntime.sleep(0.3)\nprint('well')")

    assert (ended.returncode, ended.stdout) == (0, "well\n")
