"""Withdraw: an operator takes a study's report back; the report stage then says so in archives."""

from __future__ import annotations

from screener.domain.identifiers import StudyId
from screener.domain.withdrawal import withdrawing_finding
from screener.pipeline.ports import rules_in_force
from screener.storage.database import UnitOfWork


def withdraw(uow: UnitOfWork, study_id: StudyId, because: str, *, actor: str) -> str | None:
    """Take a study's report back, in the caller's commit.

    What was not sent yet is cancelled, and studies of the child that got no report because this
    study had one are taken up again.

    Parameters
    ----------
    because
        Printed in the withdrawing report: no patient's name belongs in it.
    actor
        Who does it, for the audit trail.

    Returns
    -------
    str or None
        Why the report cannot be withdrawn, as a phrase; None where it was done.

    Raises
    ------
    ValueError
        The reason is empty or too long.
    """
    # before the study itself, as whoever concludes does: covered studies are taken up below
    uow.studies.lock_children()
    uow.studies.lock(study_id)
    why_not = uow.withdrawals.refusal(study_id)
    if why_not is not None:
        return why_not
    [standing] = uow.withdrawals.standing(study_id=study_id)
    reported = uow.findings.get(standing.finding_id)
    finding_id = uow.findings.add(
        study_id,
        withdrawing_finding(reported.finding, because),
        rules_version=rules_in_force(uow).version,
        synthetic=reported.synthetic,
        covered_by=None,
        flagged=True,
        predecessor_id=reported.finding_id,
    )
    if not uow.studies.withdraw(study_id, finding_id):
        raise AssertionError("a study with a report can be withdrawn in every state that it has")
    cancelled = uow.withdrawals.cancel_unsent(study_id, without=finding_id)
    covered = uow.findings.covered_studies(study_id)
    for other in covered:
        uow.studies.reopen(other)
    uow.audit.add(
        actor=actor,
        action="WITHDRAW",
        subject=f"study {study_id}",
        because=because,
        cancelled=cancelled,
        taken_up=covered,
    )
    return None
