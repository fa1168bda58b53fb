"""What the node made of the worklist, beside the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from screener.demo.node import NODE
from screener.demo.worklist import Entry
from screener.dicom.uids import is_own_uid
from screener.domain.delivery import DeliveryState
from screener.domain.finding import Verdict
from screener.domain.identifiers import ScreeningId, SopInstanceUid
from screener.domain.report import ReportContent, ScoredFilm
from screener.domain.screening import ScreeningState
from screener.network.peers import Peer
from screener.network.query import list_instances
from screener.pipeline.content import is_listed, report_content
from screener.pipeline.ports import Services
from screener.storage.database import UnitOfWork
from screener.storage.queries import FilmView, ObjectView, StudyView, report_state

#: The demo has done its work when so many of the low children are found, and no more of the others.
LEAST_FOUND, MOST_FALSE = 9, 2

_KEPT = frozenset({DeliveryState.COMMITTED, DeliveryState.VERIFIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One film of the worklist: the truth and what came of it.

    `z`, `z_low`, `z_high` and `abmd_g_cm2` are the film's own; `verdict` and `report_state` its
    study's, None for a film that was not scored. `reason` is a code.
    """

    file: str
    kind: str
    true_z: float | None
    abmd_g_cm2: float | None = None
    z: float | None = None
    z_low: float | None = None
    z_high: float | None = None
    verdict: str | None = None
    reason: str | None = None
    report_state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildOutcome:
    """One of the 24 children.

    Parameters
    ----------
    entries
        The child's films, those sent again left out.
    content
        What a report of the study says, whether one was written or not; None where the study has
        no finding.
    objects
        What was written, with the archive's answer.
    """

    number: int
    true_z: float
    is_low: bool
    entries: tuple[Entry, ...]
    study: StudyView
    content: ReportContent | None
    objects: tuple[ObjectView, ...]

    @property
    def found_low(self) -> bool:
        """Whether the node calls this child low."""
        return self.study.verdict == Verdict.LOW.value

    @property
    def is_wrong(self) -> bool:
        """Whether the child was missed, or flagged falsely."""
        return self.is_low != self.found_low


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the node made of the whole worklist.

    Parameters
    ----------
    archived, before
        Our objects that the archive lists in the worklist's studies, now and before this run: an
        archive that is not made anew has those of an earlier run, under the same UIDs.
    refused
        Files that the node did not take.
    """

    rows: tuple[Row, ...]
    children: tuple[ChildOutcome, ...]
    archived: frozenset[SopInstanceUid]
    before: frozenset[SopInstanceUid]
    refused: tuple[str, ...]

    @property
    def written(self) -> frozenset[SopInstanceUid]:
        """Our objects of this run that the archive has."""
        return self.archived - (self.before - self._expected)

    @property
    def _expected(self) -> frozenset[SopInstanceUid]:
        return frozenset(
            SopInstanceUid(made.sop_instance_uid)
            for child in self.children
            if child.found_low
            for made in child.objects
        )

    @property
    def low(self) -> int:
        """How many children are low."""
        return sum(child.is_low for child in self.children)

    @property
    def found(self) -> int:
        """How many of them the node found."""
        return sum(child.is_low and child.found_low for child in self.children)

    @property
    def falsely_flagged(self) -> int:
        """How many others it called low."""
        return sum(not child.is_low and child.found_low for child in self.children)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as it must be, in sentences; none where the demo is all right."""
        found = []
        if self.found < LEAST_FOUND:
            found.append(f"only {self.found} of {self.low} low children found")
        if self.falsely_flagged > MOST_FALSE:
            found.append(f"{self.falsely_flagged} children flagged who are not low")
        if self.refused:
            found.append(f"the node refused {', '.join(self.refused)}")
        for child in self.children:
            if not child.found_low:
                continue
            if not child.objects:
                found.append(f"child {child.number} was found low and has no report")
            states = {made.state.value if made.state else "MADE" for made in child.objects}
            if states - {state.value for state in _KEPT}:
                found.append(f"child {child.number}: objects are {', '.join(sorted(states))}")
        if missing := self._expected - self.archived:
            found.append(f"{len(missing)} objects are not in the archive")
        if beside := self.written - self._expected:
            found.append(f"{len(beside)} objects in the archive belong to no child found low")
        return tuple(found)


def objects_in(
    archive: Peer, entries: Sequence[Entry], *, calling_ae: str = NODE
) -> frozenset[SopInstanceUid]:
    """Ask the archive by C-FIND which of our objects it has in the worklist's studies."""
    studies = sorted({entry.study_instance_uid for entry in entries})
    listed = list_instances(archive, calling_ae=calling_ae, study_instance_uids=studies)
    return frozenset(uid for found in listed.values() for uid in found if is_own_uid(uid))


def collect(
    services: Services,
    entries: Sequence[Entry],
    *,
    archived: frozenset[SopInstanceUid],
    before: frozenset[SopInstanceUid],
    refused: Sequence[Entry],
    archive: str | None = None,
) -> Outcome:
    """Read what the node's rows say of the worklist.

    Parameters
    ----------
    archive
        Only deliveries to this one of the node's archives count; None for all.
    """
    with services.database.read() as uow:
        known = (uow.queries.study_id(uid) for uid in {e.study_instance_uid for e in entries})
        study_ids = [study_id for study_id in known if study_id is not None]
        films = [film for study_id in study_ids for film in uow.queries.films(study_id)]
        objects = {study_id: _objects(uow, study_id, archive) for study_id in study_ids}
        studies = {
            study_id: _with_report_of(uow.queries.study(study_id), made, archive)
            for study_id, made in objects.items()
        }
        contents = {number: _content(services, uow, study) for number, study in studies.items()}
    numbers: dict[str, list[FilmView]] = {}
    for film in films:
        numbers.setdefault(film.sop_instance_uid, []).append(film)
    scored = {
        film.screening_id: film
        for content in contents.values()
        if content is not None
        for film in content.films
    }
    rows = tuple(
        _row(entry, numbers.get(entry.sop_instance_uid, []), studies, scored)
        for entry in sorted(entries, key=lambda entry: entry.file.removesuffix(".dcm"))
    )
    return Outcome(
        rows=rows,
        children=_children(entries, numbers, studies, contents, objects),
        archived=archived,
        before=before,
        refused=tuple(entry.file for entry in refused),
    )


def _objects(uow: UnitOfWork, study_id: int, archive: str | None) -> tuple[ObjectView, ...]:
    """Return a study's objects, as one archive gets them."""
    made = uow.queries.objects(study_id)
    return tuple(one for one in made if archive is None or one.archive in {archive, None})


def _with_report_of(
    study: StudyView, objects: Sequence[ObjectView], archive: str | None
) -> StudyView:
    """Say of a study's report how far it is on its way to one archive."""
    if archive is None or study.report_state not in set(DeliveryState):
        return study
    latest = max((made.finding_id for made in objects), default=None)
    states = [made.state.value for made in objects if made.state and made.finding_id == latest]
    return replace(study, report_state=report_state(states))


def _content(services: Services, uow: UnitOfWork, study: StudyView) -> ReportContent | None:
    if study.finding_id is None:
        return None
    stored = uow.findings.get(study.finding_id)
    films = [film for film in uow.screenings.films_of(stored.study_id) if is_listed(film)]
    if not films:
        return None
    return report_content(
        services,
        films,
        finding=stored.finding,
        concluded_at=stored.concluded_at,
        revision=stored.report_revision or 1,
        predecessor=None,
        synthetic=stored.synthetic,
    )


def _row(
    entry: Entry,
    films: Sequence[FilmView],
    studies: Mapping[int, StudyView],
    scored: Mapping[ScreeningId, ScoredFilm],
) -> Row:
    row = Row(file=entry.file, kind=entry.kind, true_z=entry.true_z)
    again = [film for film in films if film.state is ScreeningState.DUPLICATE]
    first = [film for film in films if film.state is not ScreeningState.DUPLICATE]
    film = next(iter(again if entry.again else first), None)
    if film is None:
        return Row(file=entry.file, kind=entry.kind, true_z=entry.true_z, reason="NOT_RECEIVED")
    study, value = studies[film.study_id], scored.get(ScreeningId(film.screening_id))
    if value is None:
        reason = film.reasons[0] if film.reasons else film.error_code or film.state.value
        return Row(file=row.file, kind=row.kind, true_z=row.true_z, reason=reason)
    return Row(
        file=row.file,
        kind=row.kind,
        true_z=row.true_z,
        abmd_g_cm2=round(value.prediction.abmd_g_cm2, 3),
        z=value.z,
        z_low=value.z_low,
        z_high=value.z_high,
        verdict=study.verdict,
        reason=study.reason,
        report_state=study.report_state,
    )


def _children(
    entries: Sequence[Entry],
    films: Mapping[str, Sequence[FilmView]],
    studies: Mapping[int, StudyView],
    contents: Mapping[int, ReportContent | None],
    objects: Mapping[int, tuple[ObjectView, ...]],
) -> tuple[ChildOutcome, ...]:
    by_child: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.child is not None and entry.again is None:
            by_child.setdefault(entry.child, []).append(entry)
    children = []
    for number, of_child in sorted(by_child.items()):
        first = of_child[0]
        known = films.get(first.sop_instance_uid)
        if not known or first.true_z is None:
            continue
        study = studies[known[0].study_id]
        children.append(
            ChildOutcome(
                number=number,
                true_z=first.true_z,
                is_low=first.is_low,
                entries=tuple(of_child),
                study=study,
                content=contents[study.study_id],
                objects=objects[study.study_id],
            )
        )
    return tuple(children)
