import re
from dataclasses import replace
from typing import Any

import pytest

from screener.domain.eligibility import EligibilityRules


@pytest.mark.parametrize("name", [n for n in EligibilityRules.__slots__ if n.endswith("patterns")])
def test_a_pattern_that_is_none_is_refused_by_its_name(name: str) -> None:
    broken: dict[str, Any] = {name: ("fine", "(open")}

    with pytest.raises(ValueError, match=rf"{name}: .*{re.escape('(open')}"):
        replace(EligibilityRules(), **broken)


@pytest.mark.parametrize(("low", "high"), [(18.0, 18.0), (18.0, 3.0)])
def test_an_age_range_that_holds_nothing_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="min_age_years"):
        EligibilityRules(min_age_years=low, max_age_years=high)
