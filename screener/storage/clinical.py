"""What is known of children beside their films: imported measurements, operators' corrections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from screener.domain.clinical_table import Child, ChildMeasured
from screener.domain.correction import Correction, Elsewhere, in_force
from screener.domain.identifiers import ScreeningId, StudyId
from screener.domain.instance import InstanceHeader
from screener.domain.patient import ClinicalVariables, Measured, MeasuredKind, Sex
from screener.domain.screening import ScreeningState
from screener.storage.codec import from_json
from screener.storage.instances import header_of
from screener.storage.tables import (
    ClinicalMeasurementRow,
    CorrectionRow,
    ReceivedInstanceRow,
    ScreeningRow,
)

#: Patients that one question names: databases bound how many values a statement may have.
_AT_ONCE = 500

#: Films whose clinical variables are chosen, and that an operator need not take up himself.
_CHOSEN = (
    ScreeningState.WAITING,
    ScreeningState.SCORING,
    ScreeningState.SCORED,
    ScreeningState.NOT_SCORED,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many measurements an import added, replaced, and found as they were."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCorrection:
    """A correction with who gave it, when and why."""

    correction: Correction
    reason: str
    operator: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LackingFilm:
    """A film whose clinical variables lack a value."""

    screening_id: ScreeningId
    study_id: StudyId
    header: InstanceHeader
    clinical: ClinicalVariables


class Clinical:
    """Rows of `clinical_measurements` and `corrections`."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now

    def keep(self, measurements: Sequence[ChildMeasured]) -> Kept:
        """Add imported measurements; another value of the same day takes the earlier one's place.

        `measurements` names a child, kind and day only once.
        """
        new = changed = unchanged = 0
        for some in _some(measurements):
            rows = {
                (row.patient_id, row.issuer, row.kind, row.measured_on): row
                for row in self._session.scalars(
                    select(ClinicalMeasurementRow).where(
                        ClinicalMeasurementRow.patient_id.in_({one.child[0] for one in some})
                    )
                )
            }
            for one in some:
                row = rows.get((*one.child, one.kind.value, one.measured_on))
                if row is None:
                    self._session.add(self._row(one))
                    new += 1
                elif row.value != one.value:
                    row.value, row.imported_at = one.value, self._now
                    changed += 1
                else:
                    unchanged += 1
            self._session.flush()
        return Kept(new=new, changed=changed, unchanged=unchanged)

    def elsewhere(self, patient_id: str | None, issuer: str | None, study_id: StudyId) -> Elsewhere:
        """Return what is known of a film's child beside its header."""
        return Elsewhere(
            imported=self._imported(patient_id, issuer or "") if patient_id else (),
            corrected=in_force([one.correction for one in self.corrections(study_id)]),
        )

    def lacking(self, children: Sequence[Child]) -> list[LackingFilm]:
        """Return the films of some children that lack a height or weight, in order of arrival."""
        row, wanted, found = ReceivedInstanceRow, set(children), []
        for some in _some(sorted({patient_id for patient_id, _ in wanted})):
            rows = self._session.execute(
                select(ScreeningRow, row)
                .join(row, row.id == ScreeningRow.instance_id)
                .where(
                    row.patient_id.in_(some),
                    ScreeningRow.state.in_([state.value for state in _CHOSEN]),
                )
            )
            for screening, instance in rows:
                header = header_of(instance)
                if header is None or screening.clinical is None:
                    continue
                if (header.identity.patient_id, header.identity.issuer or "") not in wanted:
                    continue
                clinical = from_json(ClinicalVariables, screening.clinical)
                if clinical.missing:
                    found.append(
                        LackingFilm(
                            screening_id=ScreeningId(screening.id),
                            study_id=StudyId(screening.study_id),
                            header=header,
                            clinical=clinical,
                        )
                    )
        return sorted(found, key=lambda film: film.screening_id)

    def add_correction(
        self, study_id: StudyId, correction: Correction, *, reason: str, operator: str
    ) -> None:
        """Append a correction of a study."""
        self._session.add(
            CorrectionRow(
                study_id=study_id,
                height_m=correction.height_m,
                weight_kg=correction.weight_kg,
                sex=correction.sex.value if correction.sex else None,
                birth_date=correction.birth_date,
                measured_on=correction.measured_on,
                reason=reason,
                operator=operator,
                at=self._now,
            )
        )
        self._session.flush()

    def corrections(self, study_id: StudyId) -> list[StoredCorrection]:
        """Return a study's corrections, from the first to the last."""
        row = CorrectionRow
        found = self._session.scalars(select(row).where(row.study_id == study_id).order_by(row.id))
        return [_correction(one) for one in found]

    def measurements(self) -> int:
        """Return how many measurements are kept."""
        return self._session.scalar(select(func.count(ClinicalMeasurementRow.id))) or 0

    def _imported(self, patient_id: str, issuer: str) -> tuple[Measured, ...]:
        row = ClinicalMeasurementRow
        found = self._session.scalars(
            select(row)
            .where(row.patient_id == patient_id, row.issuer == issuer)
            .order_by(row.measured_on, row.id)
        )
        return tuple(
            Measured(kind=MeasuredKind(one.kind), value=one.value, measured_on=one.measured_on)
            for one in found
        )

    def _row(self, one: ChildMeasured) -> ClinicalMeasurementRow:
        patient_id, issuer = one.child
        return ClinicalMeasurementRow(
            patient_id=patient_id,
            issuer=issuer,
            kind=one.kind.value,
            value=one.value,
            measured_on=one.measured_on,
            imported_at=self._now,
        )


def _correction(row: CorrectionRow) -> StoredCorrection:
    return StoredCorrection(
        correction=Correction(
            height_m=row.height_m,
            weight_kg=row.weight_kg,
            sex=Sex(row.sex) if row.sex else None,
            birth_date=row.birth_date,
            measured_on=row.measured_on,
        ),
        reason=row.reason,
        operator=row.operator,
        at=row.at,
    )


def _some(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
