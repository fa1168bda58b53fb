"""Which kinds of result objects an archive takes, asked without sending one.

Archives say so in their answer to an association request (PS3.8 section 9.3.3): what they refuse
there they would refuse when the object is sent, days later and with nobody looking.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
)
from pynetdicom import build_context

from screener.domain.report import ReportClass, ResultKind
from screener.network.association import open_association
from screener.network.entity import Timeouts
from screener.network.peers import Peer
from screener.network.sop_classes import VERIFICATION, service_context

#: The forms of the report, the preferred one first.
REPORT_CLASSES: Mapping[ReportClass, str] = {
    ReportClass.COMPREHENSIVE_3D: "Comprehensive 3D SR",
    ReportClass.COMPREHENSIVE: "Comprehensive SR",
    ReportClass.ENHANCED: "Enhanced SR",
}
#: The classes of the other objects.
KIND_CLASSES: Mapping[ResultKind, str] = {
    ResultKind.OVERLAY: "Secondary Capture",
    ResultKind.CARD: "Secondary Capture",
    ResultKind.PRESENTATION: "Grayscale Softcopy Presentation State",
    ResultKind.DOCUMENT: "Encapsulated PDF",
    ResultKind.REJECTION_NOTE: "Key Object Selection",
}
#: Every class of our objects, by the name that `screener check` prints.
PROBED: Mapping[str, UID] = {
    REPORT_CLASSES[ReportClass.COMPREHENSIVE_3D]: Comprehensive3DSRStorage,
    REPORT_CLASSES[ReportClass.COMPREHENSIVE]: ComprehensiveSRStorage,
    REPORT_CLASSES[ReportClass.ENHANCED]: EnhancedSRStorage,
    KIND_CLASSES[ResultKind.CARD]: SecondaryCaptureImageStorage,
    KIND_CLASSES[ResultKind.PRESENTATION]: GrayscaleSoftcopyPresentationStateStorage,
    KIND_CLASSES[ResultKind.DOCUMENT]: EncapsulatedPDFStorage,
    KIND_CLASSES[ResultKind.REJECTION_NOTE]: KeyObjectSelectionDocumentStorage,
}


def probe_classes(
    peer: Peer, *, calling_ae: str, timeouts: Timeouts | None = None
) -> dict[str, bool]:
    """Ask an archive which classes it takes, over one association on which nothing is sent.

    Returns
    -------
    dict
        Names of SOP classes, the reports first, and whether the archive takes each of them in
        Explicit VR Little Endian, in which all our objects are sent.

    Raises
    ------
    ArchiveUnreachable
        No connection, no answer in time, or the peer aborted.
    AssociationRejected
        The peer rejected the association.

    Notes
    -----
    Verification is proposed, too: an archive that takes none of the others still answers.
    """
    proposed = [build_context(uid, ExplicitVRLittleEndian) for uid in PROBED.values()]
    with open_association(
        peer,
        calling_ae=calling_ae,
        contexts=[service_context(VERIFICATION), *proposed],
        timeouts=timeouts or Timeouts(),
    ) as association:
        taken = {str(context.abstract_syntax) for context in association.accepted_contexts}
    return {name: str(uid) in taken for name, uid in PROBED.items()}
