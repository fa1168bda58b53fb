"""SOP classes of the services that we use or offer beside storage (PS3.6 annex A)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import build_context
from pynetdicom.presentation import PresentationContext

VERIFICATION = UID("1.2.840.10008.1.1")
STORAGE_COMMITMENT = UID("1.2.840.10008.1.20.1")
#: The well-known instance that commitment requests and reports are about.
STORAGE_COMMITMENT_INSTANCE = UID("1.2.840.10008.1.20.1.1")
STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")

#: What these services are proposed and accepted in, in our order: their messages hold no pixels.
SERVICE_TRANSFER_SYNTAXES: tuple[UID, ...] = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceClass:
    """One service beside storage, with what we do in each role; empty where we do not take it.

    Parameters
    ----------
    as_scu, as_scp
        As the conformance statement prints it.
    reversed_roles
        Whether we let a peer propose it that is itself the provider, by role selection.
    """

    sop_class_uid: UID
    service: str
    as_scu: str = ""
    as_scp: str = ""
    reversed_roles: bool = False


#: Every service that an association of ours may hold beside storage.
SERVICE_CLASSES: tuple[ServiceClass, ...] = (
    ServiceClass(
        sop_class_uid=VERIFICATION,
        service="Verification",
        as_scu="`screener check` and `screener echo` send C-ECHO",
        as_scp="answers C-ECHO",
    ),
    ServiceClass(
        sop_class_uid=STORAGE_COMMITMENT,
        service="Storage Commitment",
        as_scu="asks archives to keep our objects, and takes their reports",
        reversed_roles=True,
    ),
    ServiceClass(
        sop_class_uid=STUDY_ROOT_FIND,
        service="Query/Retrieve",
        as_scu="looks by C-FIND whether an archive lists our objects",
    ),
)


def service_context(sop_class_uid: UID) -> PresentationContext:
    """Return a presentation context for a service beside storage."""
    return build_context(sop_class_uid, list(SERVICE_TRANSFER_SYNTAXES))
