"""The site's rules: one versioned whole, changed without a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from screener.domain.delivery import ArchiveMode
from screener.domain.eligibility import EligibilityRules
from screener.domain.errors import ConfigurationError
from screener.domain.finding import ConclusionRules


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRules:
    """Which films are scored, how studies are concluded, and what each archive may get.

    Parameters
    ----------
    version
        1 is what `screener.toml` said when the database was made; each change adds one.
    archives
        Mode by archive name; an archive that is not named is off.
    """

    version: int
    eligibility: EligibilityRules = field(default_factory=EligibilityRules)
    conclusion: ConclusionRules = field(default_factory=ConclusionRules)
    archives: Mapping[str, ArchiveMode] = field(default_factory=dict)

    def mode(self, archive: str) -> ArchiveMode:
        """Return an archive's mode: off unless the rules say otherwise."""
        return self.archives.get(archive, ArchiveMode.OFF)


def refuse_live_if_synthetic(rules: SiteRules, *, predictor_is_synthetic: bool) -> None:
    """Raise `ConfigurationError` where rules would let a synthetic predictor speak to patients."""
    live = sorted(name for name, mode in rules.archives.items() if mode is ArchiveMode.LIVE)
    if live and predictor_is_synthetic:
        raise ConfigurationError(
            f'archive {", ".join(live)}: mode "live" is refused while the predictor in force is '
            'synthetic (it has never seen a child); use "off" or "test", or install a predictor '
            "trained on real children"
        )
