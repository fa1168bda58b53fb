"""Asking an archive by C-FIND what it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pynetdicom.association import Association

from screener.domain.errors import ArchiveUnreachable
from screener.domain.identifiers import SopInstanceUid
from screener.network import status
from screener.network.association import open_association
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.sop_classes import STUDY_ROOT_FIND, service_context

#: More are not asked for one by one: a value ends at 64 KiB, and archives' patience earlier.
UIDS_IN_A_LIST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSeries:
    """A series as an archive lists it; what it does not tell is empty or None."""

    series_instance_uid: str = field(repr=False)
    modality: str
    description: str
    instance_count: int | None


def find_instances(
    peer: Peer,
    *,
    calling_ae: str,
    study_instance_uid: str,
    series_instance_uid: str,
    sop_instance_uids: Sequence[str],
    timeouts: Timeouts | None = None,
) -> set[SopInstanceUid]:
    """Return those of some instances of one series that an archive lists.

    Asks for them by their UIDs. What is then missing is looked for once more among all instances
    of the series, for some archives read a list of UIDs as one, or not at all.

    Raises
    ------
    ArchiveUnreachable
        No association, no answer, or a failure: nothing is known then.
    AssociationRejected
        The archive rejects us or does not offer Study Root C-FIND.

    Notes
    -----
    Source: PS3.4 sections C.6.2 (Study Root) and C.2.2.2.2 (list of UID matching).
    """
    wanted = set(sop_instance_uids)
    keys = Dataset()
    keys.QueryRetrieveLevel = "IMAGE"
    keys.StudyInstanceUID = study_instance_uid
    keys.SeriesInstanceUID = series_instance_uid
    keys.SOPInstanceUID = sorted(wanted)
    found: set[str] = set()
    with _query_association(peer, calling_ae, timeouts) as association:
        if len(wanted) <= UIDS_IN_A_LIST:
            with suppress(ArchiveUnreachable):  # it may fail for the list alone
                found = _uids(association, peer, keys) & wanted
        if found != wanted:
            keys.SOPInstanceUID = ""
            found |= _uids(association, peer, keys) & wanted
    return {SopInstanceUid(uid) for uid in found}


def list_instances(
    peer: Peer,
    *,
    calling_ae: str,
    study_instance_uids: Iterable[str],
    timeouts: Timeouts | None = None,
) -> dict[str, set[SopInstanceUid]]:
    """Return what an archive lists of some studies: SOP Instance UIDs by Study Instance UID.

    Raises
    ------
    ArchiveUnreachable
        No association, no answer, or a failure.
    AssociationRejected
        The archive rejects us or does not offer Study Root C-FIND.
    """
    found: dict[str, set[SopInstanceUid]] = {}
    with _query_association(peer, calling_ae, timeouts) as association:
        for study in study_instance_uids:
            keys = Dataset()
            keys.QueryRetrieveLevel = "SERIES"
            keys.StudyInstanceUID = study
            keys.SeriesInstanceUID = ""
            series = [_series(match) for match in _matches(association, peer, keys)]
            found[study] = set()
            for one in series:
                keys = Dataset()
                keys.QueryRetrieveLevel = "IMAGE"
                keys.StudyInstanceUID = study
                keys.SeriesInstanceUID = one.series_instance_uid
                keys.SOPInstanceUID = ""
                found[study] |= {SopInstanceUid(uid) for uid in _uids(association, peer, keys)}
    return found


def find_series(
    peer: Peer,
    *,
    calling_ae: str,
    study_instance_uid: str,
    timeouts: Timeouts | None = None,
) -> list[FoundSeries]:
    """Return the series of a study that an archive lists, in the archive's order.

    Raises
    ------
    ArchiveUnreachable
        No association, no answer, or a failure.
    AssociationRejected
        The archive rejects us or does not offer Study Root C-FIND.
    """
    keys = Dataset()
    keys.QueryRetrieveLevel = "SERIES"
    keys.StudyInstanceUID = study_instance_uid
    keys.SeriesInstanceUID = ""
    keys.Modality = ""
    keys.SeriesDescription = ""
    keys.NumberOfSeriesRelatedInstances = None
    with _query_association(peer, calling_ae, timeouts) as association:
        return [_series(match) for match in _matches(association, peer, keys)]


def _query_association(
    peer: Peer, calling_ae: str, timeouts: Timeouts | None
) -> AbstractContextManager[Association]:
    return open_association(
        peer,
        calling_ae=calling_ae,
        contexts=[service_context(STUDY_ROOT_FIND)],
        timeouts=timeouts or Timeouts(),
    )


def _matches(association: Association, peer: Peer, keys: Dataset) -> Iterator[Dataset]:
    """Yield the identifiers that match; raise `ArchiveUnreachable` where the query fails."""
    try:
        answers = association.send_c_find(keys, STUDY_ROOT_FIND)
    except RuntimeError as error:  # the archive was faster to abort
        raise ArchiveUnreachable(f"{peer} broke the association") from error
    for answer, match in answers:
        code = answer.get("Status")
        if code is None:
            raise ArchiveUnreachable(f"{peer} did not answer C-FIND to the end")
        if code in status.PENDING:
            if match is not None:
                yield match
        elif code != status.SUCCESS:
            raise ArchiveUnreachable(f"{peer} answered C-FIND with {status.in_words(code)}")


def _uids(association: Association, peer: Peer, keys: Dataset) -> set[str]:
    return {str(match.get("SOPInstanceUID") or "") for match in _matches(association, peer, keys)}


def _series(match: Dataset) -> FoundSeries:
    count = match.get("NumberOfSeriesRelatedInstances")
    return FoundSeries(
        series_instance_uid=str(match.get("SeriesInstanceUID") or ""),
        modality=str(match.get("Modality") or ""),
        description=str(match.get("SeriesDescription") or ""),
        instance_count=int(count) if count not in (None, "") else None,
    )
