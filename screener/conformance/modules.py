"""Which module of PS3.3 each attribute of our objects belongs to."""

from __future__ import annotations

from collections.abc import Mapping

#: Attributes that no module below has.
OTHER = "Other attributes"

#: Modules in the order in which the statement prints them (PS3.3 annex C; PS3.10 section 7.1).
MODULES: Mapping[str, tuple[str, ...]] = {
    "File Meta Information": (
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    ),
    "Patient": (
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "IssuerOfPatientIDQualifiersSequence",
        "PatientBirthDate",
        "PatientBirthTime",
        "PatientSex",
        "OtherPatientIDsSequence",
        "EthnicGroup",
        "PatientComments",
        "QualityControlSubject",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
    ),
    "General Study": (
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "IssuerOfAccessionNumberSequence",
        "ReferringPhysicianName",
        "ProcedureCodeSequence",
    ),
    "Patient Study": ("PatientAge", "PatientSize", "PatientWeight", "AdmissionID"),
    "Series": (
        "Modality",
        "SeriesInstanceUID",
        "SeriesNumber",
        "SeriesDate",
        "SeriesTime",
        "SeriesDescription",
        "Laterality",
        "BodyPartExamined",
        "ReferencedPerformedProcedureStepSequence",
    ),
    "General Equipment": (
        "Manufacturer",
        "ManufacturerModelName",
        "DeviceSerialNumber",
        "SoftwareVersions",
        "InstitutionName",
        "StationName",
    ),
    "SC Equipment, Encapsulated Document Series": ("ConversionType",),
    "Instance (General Image, Document)": (
        "InstanceNumber",
        "ContentDate",
        "ContentTime",
        "ImageType",
        "PatientOrientation",
        "DerivationDescription",
        "DerivationCodeSequence",
        "SourceImageSequence",
        "BurnedInAnnotation",
        "RecognizableVisualFeatures",
        "QualityControlImage",
        "LossyImageCompression",
        "LossyImageCompressionRatio",
        "LossyImageCompressionMethod",
    ),
    "SC Image": ("DateOfSecondaryCapture", "TimeOfSecondaryCapture", "PixelSpacing"),
    "Image Pixel": (
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelData",
    ),
    "Document General": (
        "CompletionFlag",
        "VerificationFlag",
        "PreliminaryFlag",
        "PredecessorDocumentsSequence",
        "PerformedProcedureCodeSequence",
        "CurrentRequestedProcedureEvidenceSequence",
    ),
    "SR Document Content": (
        "ValueType",
        "ConceptNameCodeSequence",
        "ContinuityOfContent",
        "ContentTemplateSequence",
        "ContentSequence",
    ),
    "Presentation State": (
        "PresentationCreationDate",
        "PresentationCreationTime",
        "ContentLabel",
        "ContentDescription",
        "ContentCreatorName",
        "ReferencedSeriesSequence",
        "PresentationLUTShape",
        "GraphicAnnotationSequence",
        "GraphicLayerSequence",
        "DisplayedAreaSelectionSequence",
        "SoftcopyVOILUTSequence",
        "VOILUTSequence",
        "WindowCenter",
        "WindowWidth",
        "RescaleIntercept",
        "RescaleSlope",
        "RescaleType",
        "ShutterShape",
    ),
    "Encapsulated Document": (
        "DocumentTitle",
        "AcquisitionDateTime",
        "MIMETypeOfEncapsulatedDocument",
        "EncapsulatedDocument",
        "EncapsulatedDocumentLength",
        "SourceInstanceSequence",
    ),
    "SOP Common": (
        "SOPClassUID",
        "SOPInstanceUID",
        "SpecificCharacterSet",
        "InstanceCreationDate",
        "InstanceCreationTime",
        "TimezoneOffsetFromUTC",
        "CodingSchemeIdentificationSequence",
        "ContributingEquipmentSequence",
    ),
}

_MODULE_OF = {keyword: module for module, keywords in MODULES.items() for keyword in keywords}
_ORDER = {
    keyword: number
    for number, keyword in enumerate(k for keywords in MODULES.values() for k in keywords)
}


def module_of(keyword: str) -> str:
    """Return the module that the statement prints a top-level attribute in."""
    return _MODULE_OF.get(keyword, OTHER)


def order_of(keyword: str) -> int:
    """Return where the statement prints a top-level attribute."""
    return _ORDER.get(keyword, len(_ORDER))
