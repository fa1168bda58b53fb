"""What the stages call, as they see it. Adapters fit by shape; `wiring` puts them together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Protocol

from screener.config import ConfirmBy, Withdrawal
from screener.domain.delivery import StoreAnswer
from screener.domain.eligibility import ScoringLimits
from screener.domain.errors import ConfigurationError
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid, StudyInstanceUid
from screener.domain.patient import ClinicalVariables, Sex
from screener.domain.prediction import (
    Abstention,
    DecisionThreshold,
    Prediction,
    PredictorIdentity,
)
from screener.domain.reference import BmdReference, GrowthReference, HeightAdjustment
from screener.domain.report import ResultForm
from screener.domain.rules import SiteRules
from screener.imaging.preprocess import ModelInput
from screener.network.commitment import CommitmentReport
from screener.storage.database import Database, UnitOfWork
from screener.storage.spool import Spool


class Predictor(Protocol):
    """What estimates: loaded once in the scoring process."""

    @property
    def identity(self) -> PredictorIdentity:
        """Which predictor it is."""

    def predict(
        self, items: Sequence[tuple[ModelInput, ClinicalVariables]]
    ) -> Sequence[Prediction | Abstention]:
        """Estimate for a batch of films, in order; or say of a film why it must not be."""


class StoreResult(Protocol):
    """An archive's answer to one C-STORE."""

    @property
    def answer(self) -> StoreAnswer:
        """What it means for the delivery."""

    @property
    def status(self) -> int:
        """The DIMSE status, for the ledger."""


class Sender(Protocol):
    """One open association to an archive."""

    def send(self, data: bytes) -> StoreResult:
        """Send one Part 10 file as it is."""


class Archive(Protocol):
    """One archive that keeps our objects."""

    @property
    def name(self) -> str:
        """Its name in settings and rules."""

    @property
    def confirm_by(self) -> ConfirmBy:
        """How we learn that it keeps an object."""

    @property
    def form(self) -> ResultForm:
        """What it gets of a finding, and how."""

    @property
    def withdrawal(self) -> Withdrawal:
        """How it learns that objects are withdrawn."""

    def open(self, contexts: Collection[tuple[str, str]]) -> AbstractContextManager[Sender]:
        """Open an association for some (SOP class, transfer syntax) pairs."""

    def request_commitment(
        self,
        transaction_uid: str,
        instances: Sequence[tuple[str, SopInstanceUid]],
        on_report: Callable[[CommitmentReport], bool],
    ) -> None:
        """Ask it to commit to some objects; a report on the same association goes to a callback."""

    def find_instances(
        self,
        study: StudyInstanceUid,
        series: SeriesInstanceUid,
        instances: Collection[SopInstanceUid],
    ) -> set[SopInstanceUid]:
        """Return which of some objects it lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictorFacts:
    """What is known of the predictor in force without loading it."""

    identity: PredictorIdentity
    min_age_years: float
    max_age_years: float
    input_size_px: int
    interval_statement: str
    decision: DecisionThreshold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the stages work with; made once in each process."""

    database: Database
    spool: Spool
    vault: Spool
    reference: BmdReference
    growth: GrowthReference
    height_adjustment: HeightAdjustment | None
    predictor: PredictorFacts
    archives: Mapping[str, Archive]
    lease: timedelta
    score_batch: int
    commitment_overdue: timedelta
    #: The site's, for the dates of result objects; None where it is not set.
    zone: tzinfo | None = None

    @property
    def limits(self) -> ScoringLimits:
        """What predictor and reference in force can take: the narrower of both."""
        ranges = [self.reference.age_range_years(sex) for sex in Sex]
        return ScoringLimits(
            min_age_years=max(self.predictor.min_age_years, *(low for low, _ in ranges)),
            max_age_years=min(self.predictor.max_age_years, *(high for _, high in ranges)),
            predictor_is_synthetic=self.predictor.identity.synthetic,
        )


def rules_in_force(uow: UnitOfWork) -> SiteRules:
    """Return the latest version of the rules, or raise `ConfigurationError` in a bare database."""
    rules = uow.rules.in_force()
    if rules is None:
        raise ConfigurationError("the database has no rules yet; run `screener db upgrade`")
    return rules
