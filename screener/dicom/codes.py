"""Every coded concept of our result objects, with where it is defined.

DCM, SCT and UMLS codes are those of PS3.16. Areal bone mineral density has no standard concept:
the LOINC codes for it have DXA as their method, and this is not a DXA measurement, so concept and
method are ours, in a private scheme that every object declares.

Source: PS3.16 TID 300, 1410, 1500, 4019; CID 4, 100, 219, 3627, 7005, 7162, 7202.
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code

from screener.domain.catalogue import Catalogue, Language
from screener.domain.finding import Verdict

#: Designator of our private coding scheme (PS3.16 section 8: private ones begin with 99).
PRIVATE_SCHEME = "99CXRBMD"


def _private(value: str, meaning: str) -> Code:
    return Code(value, PRIVATE_SCHEME, meaning)


# Measurements (TID 300)
ABMD = _private("BMD-AREAL", "aBMD estimate")
ABMD_LOW = _private("BMD-AREAL-LOW", "aBMD lower bound")
ABMD_HIGH = _private("BMD-AREAL-HIGH", "aBMD upper bound")
#: CID 221
Z_SCORE = Code("121416", "DCM", "Z-Score of measurement")
Z_LOW = _private("BMD-Z-LOW", "Z lower bound")
Z_HIGH = _private("BMD-Z-HIGH", "Z upper bound")
G_PER_CM2 = Code("g/cm2", "UCUM", "gram per square centimeter")
STANDARD_DEVIATIONS = Code("{SD}", "UCUM", "standard deviations")
PROBABILITY = Code("122157", "DCM", "Probability")
#: A probability is one among such children only: never printed without it.
PREVALENCE = _private(
    "BMD-PREVALENCE", "Share of low among the children the probability is calibrated on"
)
PERCENT = Code("%", "UCUM", "Percent")
#: (121401, DCM, "Derivation"), CID 3627
ESTIMATED = standard.SCT.Estimated
MEAN = standard.SCT.Mean
#: (370129005, SCT, "Measurement Method")
MEASUREMENT_METHOD = Code("370129005", "SCT", "Measurement Method")
METHOD = _private("CXR-AI-REG", "Neural network regression of a chest radiograph")

# Findings, sites, regions
FINDING = standard.DCM.Finding
#: Bone density below reference range (finding); not in PS3.16, SNOMED CT itself.
BONE_DENSITY_LOW = Code("449781000", "SCT", "Bone density below reference range")
#: CID 4
LUMBAR_SPINE = standard.SCT.LumbarSpine
#: (130400, DCM, "Geometric purpose of region"), CID 219
BOUNDED_BY = standard.SCT.BoundedBy
#: TID 1410 row 9
ILLUSTRATION_OF_ROI = Code("121200", "DCM", "Illustration of ROI")

SCREENING_RESULT = _private("SCREEN-RESULT", "Screening result")
SCREENING_RESULTS = {
    Verdict.LOW: _private("SCREEN-POS", "Estimate at or below the decision threshold"),
    Verdict.NOT_LOW: _private("SCREEN-NEG", "Estimate above the decision threshold"),
    Verdict.INDETERMINATE: _private("SCREEN-INDET", "No statement from the estimates"),
    Verdict.NOT_ASSESSED: _private("SCREEN-NONE", "No film scored"),
    Verdict.WITHDRAWN: _private("SCREEN-WITHDRAWN", "Earlier report withdrawn"),
}

# Document
#: CID 100 in all its editions; the code for plain radiography came only with 2023c.
PROCEDURE_REPORTED = standard.SCT.ImagingProcedure
#: CID 7021. Title of the report, and of the document that shows the same for reading: those of CID
#: 7000 in LOINC are of readings by a radiologist, or name a method that this is not.
MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")
#: TID 1500 rows 10 and 12
DERIVED_IMAGING_MEASUREMENTS = standard.DCM.DerivedImagingMeasurements
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
#: Used for an image that a text speaks about, as in TID 1600.
SOURCE = Code("260753009", "SCT", "Source")
CONCLUSION = standard.DCM.Conclusion
REFERENCE_AUTHORITY = standard.DCM.ReferenceAuthority
#: CID 7010: title of our rejection notes, whose objects must no longer be used.
REJECTED_FOR_PATIENT_SAFETY = Code("113037", "DCM", "Rejected for Patient Safety Reasons")
#: TID 2010 row 6
KEY_OBJECT_DESCRIPTION = Code("113012", "DCM", "Key Object Description")
#: TID 1204, CID 5000
LANGUAGES = {
    Language.ENGLISH: Code("en", "RFC5646", "English"),
    Language.KOREAN: Code("ko", "RFC5646", "Korean"),
}

#: Stands in each film's group, for viewers show the region without its purpose.
REGION = _private("TXT-REGION", "Region shown")
WHAT_CHANGED = _private("TXT-CHANGE", "Change from the earlier report")
CAUTION = _private("TXT-CAUTION", "Caution")
FORMATION = _private("TXT-FORMATION", "How the value was formed")
THRESHOLD = _private("TXT-THRESHOLD", "Decision threshold")
INTERVAL = _private("TXT-INTERVAL", "Prediction interval")
CONCLUDED = _private("TXT-CONCLUDED", "Concluded")
VARIABLES = _private("TXT-VARIABLES", "Clinical variables")
FILM_NOT_SCORED = _private("TXT-NOT-SCORED", "Film not scored")
DISCLAIMER = _private("TXT-DISCLAIMER", "Limits of this report")
SYNTHETIC = _private("TXT-SYNTHETIC", "Synthetic")

# Algorithm and equipment
#: CID 7162
ARTIFICIAL_INTELLIGENCE = standard.DCM.ArtificialIntelligence
#: CID 7005
ACQUISITION_EQUIPMENT = standard.DCM.AcquisitionEquipment
PROCESSING_EQUIPMENT = standard.DCM.ProcessingEquipment
#: CID 7202
SOURCE_IMAGE = standard.DCM.SourceImageForImageProcessingOperation
#: (0008,9215) of captures; CID 7203 has no code for a colour wash or a card.
OVERLAY_DERIVATION = _private("CAPTURE-OVERLAY", "Class activation shown over the film")
CARD_DERIVATION = _private("CAPTURE-CARD", "Result card drawn from estimate and film")


def coding_scheme() -> Dataset:
    """Return the item of (0008,0110) that declares our private scheme."""
    item = Dataset()
    item.CodingSchemeDesignator = PRIVATE_SCHEME
    item.CodingSchemeName = "Bone mineral density estimates from chest radiographs"
    item.CodingSchemeResponsibleOrganization = "bmd-screener project"
    return item


def in_words(code: Code, say: Catalogue) -> Code:
    """Return one of our names of texts with its meaning in a language.

    Source: PS3.3 section 8.3: a Code Meaning may be in any language.
    """
    return code._replace(meaning=say(f"name.{code.value}"))


def code_item(code: Code) -> Dataset:
    """Return a code as an item of a code sequence."""
    item = Dataset()
    item.CodeValue = code.value
    item.CodingSchemeDesignator = code.scheme_designator
    item.CodeMeaning = code.meaning
    return item
