"""What validators say against our objects although it is no fault: each by name, with its reason.

Errors of dciodvfy: none is waived.
"""

from __future__ import annotations

import re

#: Warnings of dciodvfy.
WARNINGS = (
    # Our own coding scheme, which (0008,0110) declares; the validator knows public ones only.
    re.compile(r"Unrecognized defined term = <99CXRBMD>"),
    # Type 2 attributes that the source has empty, too; nothing is invented for a directory on disc.
    re.compile(r"Missing attribute or value that would be needed to build DICOMDIR"),
    # It is unknown: the source states no body part.
    re.compile(r"Laterality.* is only permitted to be empty when actually unknown"),
)
