"""Public validators, and what they say of an object beyond what is waived."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.waivers import OF_VALIDATORS, Patterns

#: Java stops DicomSRValidator half-way at these limits, and it then looks as if all were well.
_JAVA = (
    "-Djdk.xml.xpathExprGrpLimit=0 -Djdk.xml.xpathExprOpLimit=0"
    " -Djdk.xml.xpathTotalOpLimit=0 -Xss512m"
)


def run(tool: str, *arguments: str) -> tuple[int, str]:
    """Run a validator; without it skip, or fail where servers are required."""
    found = shutil.which(tool)
    if found is None:
        reason = (
            f"{tool} is not installed (Debian packages dicom3tools, dcmtk, pixelmed-apps,"
            " default-jre-headless, qpdf and poppler-utils)"
        )
        if os.environ.get("SCREENER_REQUIRE_SERVERS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(
        [found, *arguments],
        capture_output=True,
        check=False,
        timeout=240,
        env=os.environ | {"JAVA_TOOL_OPTIONS": _JAVA},
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", errors="replace")


def complaints(path: Path, *, waived_too: Patterns = ()) -> list[str]:
    """Return what dciodvfy says of an object, without what is waived."""
    return unwaived(dciodvfy(path), "dciodvfy", waived_too)


def pixelmed_complaints(path: Path) -> list[str]:
    """Return what DicomSRValidator says of a report, without what is waived."""
    return unwaived(pixelmed(path), "DicomSRValidator")


def unwaived(said: list[str], validator: str, waived_too: Patterns = ()) -> list[str]:
    """Return the complaints of a validator that neither its waivers nor a film's own hold."""
    waivers = (*OF_VALIDATORS.get(validator, ()), *waived_too)
    return [line for line in said if not any(waiver.search(line) for waiver in waivers)]


def dciodvfy(path: Path) -> list[str]:
    """Return its errors and warnings: attributes and modules of an object."""
    _, said = run("dciodvfy", "-new", str(path))
    return [line for line in said.splitlines() if line.startswith(("Error", "Warning"))]


def dsrdump(path: Path) -> list[str]:
    """Return why DCMTK cannot print a report, if it cannot."""
    code, said = run("dsrdump", "+Pf", "+Pl", "+Pc", "+Pt", str(path))
    return [f"Error - {_reasons(said)}"] if code else []


def dsr2html(path: Path) -> list[str]:
    """Return why DCMTK cannot make a page of a report, if it cannot."""
    page = path.with_suffix(".html")
    # without the option, DCMTK 3.6.7 knows no code extensions in reports
    code, said = run("dsr2html", "+U8", str(path), str(page))
    return [f"Error - {_reasons(said)}"] if code or not page.stat().st_size else []


def pixelmed(path: Path) -> list[str]:
    """Return its errors and warnings: a report against its templates; one where it gives up."""
    _, said = run("DicomSRValidator", str(path))
    lines = [line for line in said.splitlines() if line.startswith(("Error", "Warning"))]
    if "IOD validation complete" not in said:
        lines.append(f"Error - it did not come to its end: {said[-300:]}")
    return lines


def dcmpschk(path: Path) -> list[str]:
    """Return what DCMTK has against a presentation state."""
    code, said = run("dcmpschk", str(path))
    return [] if not code and "Test passed" in said else [f"Error - {_reasons(said)}"]


def _reasons(said: str) -> str:
    return " | ".join(line[3:].strip() for line in said.splitlines() if line[:3] in _LEVELS)


_LEVELS = {"E: ", "F: ", "W: "}
