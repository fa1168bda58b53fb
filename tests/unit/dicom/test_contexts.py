import pytest
from pydicom.uid import (
    UID,
    ComprehensiveSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
)

from screener.dicom.contexts import (
    ACCEPTED_CLASSES,
    AcceptedClass,
    Use,
    accepted_contexts,
    transfer_syntax_name,
)
from screener.dicom.decoders import working_transfer_syntaxes

VERIFICATION = "1.2.840.10008.1.1"


def test_images_are_accepted_in_every_transfer_syntax_that_can_be_decoded() -> None:
    syntaxes = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1)

    contexts = dict(accepted_contexts(syntaxes))

    assert contexts[DigitalXRayImageStorageForPresentation] == syntaxes
    assert contexts[CTImageStorage] == syntaxes


def test_documents_are_accepted_uncompressed_and_deflated_only() -> None:
    deflated = dict(accepted_contexts(working_transfer_syntaxes()))
    plain = dict(accepted_contexts((JPEGLosslessSV1, ImplicitVRLittleEndian)))

    assert deflated[ComprehensiveSRStorage] == (
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
    )
    assert plain[ComprehensiveSRStorage] == (ImplicitVRLittleEndian,)


def test_each_class_is_accepted_once_and_the_list_stays_short() -> None:
    contexts = accepted_contexts(working_transfer_syntaxes())

    assert len({uid for uid, _ in contexts}) == len(contexts) <= 20
    # the listener adds it, as every application entity must accept it
    assert VERIFICATION not in dict(contexts)


def test_only_cr_and_dx_for_presentation_may_be_screened() -> None:
    screened = {accepted.name for accepted in ACCEPTED_CLASSES if accepted.use is Use.SCREENED}

    assert screened == {
        "Computed Radiography Image Storage",
        "Digital X-Ray Image Storage - For Presentation",
    }


@pytest.mark.parametrize("accepted", ACCEPTED_CLASSES, ids=lambda accepted: accepted.name)
def test_each_class_has_a_name_for_the_conformance_page(accepted: AcceptedClass) -> None:
    assert UID(accepted.sop_class_uid).is_valid
    assert accepted.name != accepted.sop_class_uid


def test_transfer_syntaxes_have_the_names_of_the_standard() -> None:
    assert transfer_syntax_name(ImplicitVRLittleEndian) == "Implicit VR Little Endian"
    assert transfer_syntax_name("1.2.3.4") == "1.2.3.4"
