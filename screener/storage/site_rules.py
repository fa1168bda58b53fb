"""The site's rules as rows: every change is a new version, and none is ever edited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from screener.config import RulesDocument
from screener.domain.rules import SiteRules
from screener.storage.tables import SiteRulesRow


class StoredRules:
    """Rows of `site_rules`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def in_force(self) -> SiteRules | None:
        """Return the latest version, or None in a new database."""
        version = self._session.scalar(select(func.max(SiteRulesRow.version)))
        return None if version is None else self.version(version)

    def version(self, version: int) -> SiteRules | None:
        """Return one version, or None where there is none."""
        row = self._session.get(SiteRulesRow, version)
        return _document(row).site_rules(version) if row else None

    def document(self, version: int) -> RulesDocument | None:
        """Return one version as a document, or None where there is none."""
        row = self._session.get(SiteRulesRow, version)
        return _document(row) if row else None

    def add(self, document: RulesDocument, *, by: str, reason: str) -> int:
        """Add the next version and return its number."""
        version = (self._session.scalar(select(func.max(SiteRulesRow.version))) or 0) + 1
        self._session.add(
            SiteRulesRow(
                version=version,
                document=document.model_dump_json(),
                created_at=self._now,
                created_by=by,
                reason=reason,
            )
        )
        self._session.flush()
        return version

    def history(self) -> list[tuple[int, datetime, str, str]]:
        """Return version, time, author and reason of every version."""
        row = SiteRulesRow
        found = self._session.execute(
            select(row.version, row.created_at, row.created_by, row.reason).order_by(row.version)
        )
        return [(version, at, by, reason) for version, at, by, reason in found]


def _document(row: SiteRulesRow) -> RulesDocument:
    return RulesDocument.model_validate_json(row.document)
