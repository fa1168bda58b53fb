"""The audit trail: who did what, to which row, when. Appended, never changed."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.orm import Session

from screener.storage.tables import AuditRow


class Audit:
    """Rows of `audit_entries`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def add(self, *, actor: str, action: str, subject: str | None, **detail: object) -> None:
        """Append an entry; `subject` names a row by kind and our number, such as ``study 12``."""
        self._session.add(
            AuditRow(
                at=self._now,
                actor=actor,
                action=action,
                subject=subject,
                detail=json.dumps(detail, default=str, ensure_ascii=False),
            )
        )
