"""The SOP classes and transfer syntaxes that the listener accepts; the conformance page, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydicom import config
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    EncapsulatedPDFStorage,
    EnhancedSRStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

_VERIFICATION = "1.2.840.10008.1.1"

#: What a data set without pixels is accepted in, where the decoders know it.
_DOCUMENT_SYNTAXES = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
)


class Use(StrEnum):
    """What becomes of an instance of an accepted SOP class."""

    #: Nothing is stored.
    ECHO = "answered"
    #: Judged, and scored where it is a child's frontal chest film.
    SCREENED = "screened"
    #: Kept with a coded reason, never scored: routers send whole studies.
    REFUSED_BY_RULE = "accepted, never scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedClass:
    """One SOP class that the listener accepts; `image` ones come in every transfer syntax."""

    sop_class_uid: str
    use: Use
    image: bool

    @property
    def name(self) -> str:
        """The class's name in PS3.6, as the conformance page prints it."""
        return UID(self.sop_class_uid).name


def _image(uid: str, use: Use = Use.REFUSED_BY_RULE) -> AcceptedClass:
    return AcceptedClass(sop_class_uid=uid, use=use, image=True)


def _document(uid: str, use: Use = Use.REFUSED_BY_RULE) -> AcceptedClass:
    return AcceptedClass(sop_class_uid=uid, use=use, image=False)


#: Short on purpose: each class costs time whenever an association is set up.
ACCEPTED_CLASSES: tuple[AcceptedClass, ...] = (
    _document(_VERIFICATION, Use.ECHO),
    _image(ComputedRadiographyImageStorage, Use.SCREENED),
    _image(DigitalXRayImageStorageForPresentation, Use.SCREENED),
    _image(DigitalXRayImageStorageForProcessing),
    _image(CTImageStorage),
    _image(SecondaryCaptureImageStorage),
    _image(MultiFrameSingleBitSecondaryCaptureImageStorage),
    _image(MultiFrameGrayscaleByteSecondaryCaptureImageStorage),
    _image(MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
    _image(MultiFrameTrueColorSecondaryCaptureImageStorage),
    _document(EncapsulatedPDFStorage),
    _document(BasicTextSRStorage),
    _document(EnhancedSRStorage),
    _document(ComprehensiveSRStorage),
    _document(Comprehensive3DSRStorage),
    _document(KeyObjectSelectionDocumentStorage),
    _document(GrayscaleSoftcopyPresentationStateStorage),
)


def accepted_contexts(
    transfer_syntaxes: Sequence[str],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what the listener accepts: SOP class UID and transfer syntax UIDs, in our order.

    Parameters
    ----------
    transfer_syntaxes
        Those that the decoders can read here (`decoders.working_transfer_syntaxes`). Images are
        accepted in all of them, everything else in the uncompressed ones and deflated.

    Notes
    -----
    Verification and storage commitment are not among them: the listener adds them.
    """
    documents = tuple(uid for uid in _DOCUMENT_SYNTAXES if uid in transfer_syntaxes)
    return tuple(
        (str(accepted.sop_class_uid), tuple(transfer_syntaxes) if accepted.image else documents)
        for accepted in ACCEPTED_CLASSES
        if accepted.use is not Use.ECHO
    )


def transfer_syntax_name(transfer_syntax_uid: str) -> str:
    """Return the name of a transfer syntax in PS3.6, or what was sent where it has none."""
    # pydicom would warn of a UID that is none
    return UID(transfer_syntax_uid, validation_mode=config.IGNORE).name[:100]
