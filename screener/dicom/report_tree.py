"""The content tree of a report: TID 1500 with one planar region of interest for each film.

Source: PS3.16 TID 1500, 1410, 300, 4019, 1600; PS3.3 C.17.3, C.18.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    CompositeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageContentItem,
    ImageRegion,
    LanguageOfContentItemAndDescendants,
    Measurement,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    RelationshipTypeValues,
    SourceImageForRegion,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code
from pydicom.uid import UID

from screener import __version__
from screener.dicom import codes
from screener.dicom.image_library import fits_library, image_library
from screener.dicom.result import (
    MANUFACTURER,
    device_uid,
    film_part,
    object_uid,
    tracking_uid,
)
from screener.dicom.uids import DEVICE_MODEL
from screener.domain import wording
from screener.domain.catalogue import ENGLISH
from screener.domain.estimate import Estimate
from screener.domain.finding import Verdict
from screener.domain.identifiers import ScreeningId
from screener.domain.report import (
    NotScoredFilm,
    ReportContent,
    ResultKind,
    ResultObject,
    ScoredFilm,
)

_CONTAINS = RelationshipTypeValues.CONTAINS
_HAS_CONCEPT_MOD = RelationshipTypeValues.HAS_CONCEPT_MOD
#: Of a digest, enough to tell two apart, short enough to be read.
_DIGEST_LENGTH = 16


def content_tree(
    content: ReportContent,
    *,
    copies: Mapping[ScreeningId, Dataset],
    captures: Sequence[ResultObject],
) -> ContainerContentItem:
    """Write a finding as the root container of a measurement report.

    Parameters
    ----------
    content
        The finding and its films.
    copies
        Legal copies of the scored films.
    captures
        Overlays that the films' groups refer to.
    """
    root = ContainerContentItem(name=standard.DCM.ImagingMeasurementReport, template_id="1500")
    root.ContentSequence = ContentSequence()
    items = root.ContentSequence
    spoken = CodedConcept.from_code(codes.LANGUAGES[content.language])
    items.extend(LanguageOfContentItemAndDescendants(spoken))
    items.extend(device_observer())
    items.append(
        CodeContentItem(
            name=standard.DCM.ProcedureReported,
            value=codes.PROCEDURE_REPORTED,
            relationship_type=_HAS_CONCEPT_MOD,
        )
    )
    # the template is extensible: what matters most stands first, where every viewer begins
    items.extend(_conclusion(content))
    scored = [copies[film.screening_id] for film in content.films]
    library = [copy for copy in scored if fits_library(copy)]
    if library:
        items.extend(image_library(library))
    # numbers of films that may be of two children are nobody's
    if content.films and wording.is_one_child(content):
        measurements = _container(standard.DCM.ImagingMeasurements)
        for film in content.films:
            source = copies[film.screening_id]
            measurements.ContentSequence.extend(_film_group(content, film, source, captures))
        items.append(measurements)
    if content.finding.estimate is not None and len(content.films) > 1:
        items.append(_study_values(content.finding.estimate))
    items.append(_evaluations(content))
    _separate(root)
    return root


def _separate(container: ContentItem) -> None:
    """Have viewers print each item with its name: highdicom's templates are running text."""
    if "ContinuityOfContent" in container:
        container["ContinuityOfContent"].value = "SEPARATE"
    for item in container.get("ContentSequence", ()):
        _separate(item)


def device_observer() -> ObservationContext:
    """Return this product as the observer of a document: no person stands behind it (TID 1004)."""
    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(),
        name=DEVICE_MODEL,
        manufacturer_name=MANUFACTURER,
        model_name=DEVICE_MODEL,
        serial_number=__version__,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=standard.DCM.Device, observer_identifying_attributes=device
        )
    )


def _film_group(
    content: ReportContent, film: ScoredFilm, source: Dataset, captures: Sequence[ResultObject]
) -> PlanarROIMeasurementsAndQualitativeEvaluations:
    low = content.finding.verdict is Verdict.LOW and wording.in_low_range(film.z)
    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=tracking_uid(str(film.header.sop_instance_uid)),
            # without the film's number, which another film of the study would change
            identifier=ENGLISH("field.label"),
        ),
        referenced_region=_region(film, source),
        geometric_purpose=codes.BOUNDED_BY,
        finding_type=codes.BONE_DENSITY_LOW if low else None,
        finding_sites=[FindingSite(anatomic_location=codes.LUMBAR_SPINE)],
        algorithm_id=_algorithm(content, film),
        measurements=_measurements(content, film),
    )
    items = group[0].ContentSequence
    method = CodeContentItem(
        name=codes.MEASUREMENT_METHOD,
        value=codes.METHOD,
        relationship_type=_HAS_CONCEPT_MOD,
    )
    items.insert(2, method)
    region = wording.region_words(content, film)
    items.append(_text(codes.in_words(codes.REGION, content.say), region))
    for capture in captures:
        if _shows(content, capture, source.SOPInstanceUID):
            items.append(
                ImageContentItem(
                    name=codes.ILLUSTRATION_OF_ROI,
                    referenced_sop_class_uid=capture.sop_class_uid,
                    referenced_sop_instance_uid=str(capture.sop_instance_uid),
                    relationship_type=_CONTAINS,
                )
            )
    return group


def _shows(content: ReportContent, capture: ResultObject, film_uid: str) -> bool:
    """Return whether a capture is the overlay of a film."""
    part = film_part(film_uid, capture.look)
    return capture.sop_instance_uid == object_uid(content, ResultKind.OVERLAY, part)


def _region(film: ScoredFilm, source: Dataset) -> ImageRegion:
    """Return the network's field, clipped to the film, as a closed line; the film if unknown."""
    columns, rows = film.header.pixels.columns, film.header.pixels.rows
    field = film.prediction.input_field
    corners = field.corners if field else ((0, 0), (columns, 0), (columns, rows), (0, rows))
    closed = np.array([*corners, corners[0]], dtype=np.float64)
    return ImageRegion(
        graphic_type="POLYLINE",
        # padding makes the field reach beyond the film; coordinates may not (PS3.3 C.18.6.1.2)
        graphic_data=np.clip(closed, 0.0, (columns, rows)),
        source_image=SourceImageForRegion(
            referenced_sop_class_uid=source.SOPClassUID,
            referenced_sop_instance_uid=source.SOPInstanceUID,
        ),
    )


def _algorithm(content: ReportContent, film: ScoredFilm) -> AlgorithmIdentification:
    say, predictor = content.say, film.prediction.predictor
    missing = say("join.comma").join(say(f"input.{name}") for name in film.clinical.missing)
    cut = wording.threshold_in_short(say, content.finding)
    return AlgorithmIdentification(
        name=say(
            "algorithm.synthetic" if predictor.synthetic else "algorithm", name=predictor.name
        ),
        version=predictor.version,
        parameters=[
            say("parameter.weights", digest=predictor.checksum[:_DIGEST_LENGTH]),
            say("parameter.input", digest=film.prediction.input_digest[:_DIGEST_LENGTH]),
            say("parameter.reference", reference=content.finding.reference),
            say("parameter.threshold", threshold=cut),
            say("parameter.missing", names=missing or say("none")),
        ],
        family=codes.ARTIFICIAL_INTELLIGENCE,
    )


def _measurements(content: ReportContent, film: ScoredFilm) -> list[Measurement]:
    p, estimate = film.prediction, content.finding.estimate
    values = _values(
        (p.abmd_g_cm2, p.abmd_low_g_cm2, p.abmd_high_g_cm2),
        (film.z, film.z_low, film.z_high),
        codes.ESTIMATED,
    )
    # of several films the study has one, which stands with the study's values
    if len(content.films) == 1 and estimate is not None:
        values += _probability(estimate)
    return values


def _probability(estimate: Estimate) -> list[Measurement]:
    """Return that the Z is low with a probability, and among whom: the site's own children only."""
    p = estimate.low_probability
    if p is None or not p.local:
        return []
    return [
        Measurement(name=name, value=round(100 * share), unit=codes.PERCENT)
        for name, share in ((codes.PROBABILITY, p.value), (codes.PREVALENCE, p.prevalence))
    ]


def _values(
    abmd_g_cm2: tuple[float, float, float], z: tuple[float, float, float], derivation: Code
) -> list[Measurement]:
    """Return estimate and interval bounds as printed; the derivation stands at the estimates.

    A viewer that shows only the first five shows both estimates, and what Z may be.
    """
    abmd, abmd_low, abmd_high = (round(value, 2) for value in abmd_g_cm2)
    z_score, z_low, z_high = z
    measured = [
        (codes.ABMD, abmd, codes.G_PER_CM2),
        (codes.Z_SCORE, z_score, codes.STANDARD_DEVIATIONS),
        (codes.Z_LOW, z_low, codes.STANDARD_DEVIATIONS),
        (codes.Z_HIGH, z_high, codes.STANDARD_DEVIATIONS),
        (codes.ABMD_LOW, abmd_low, codes.G_PER_CM2),
        (codes.ABMD_HIGH, abmd_high, codes.G_PER_CM2),
    ]
    return [
        Measurement(
            name=name,
            value=value,
            unit=unit,
            derivation=derivation if name in {codes.ABMD, codes.Z_SCORE} else None,
        )
        for name, value, unit in measured
    ]


def _study_values(estimate: Estimate) -> ContainerContentItem:
    container = _container(codes.DERIVED_IMAGING_MEASUREMENTS)
    measurements = _values(
        (estimate.abmd_g_cm2, estimate.abmd_low_g_cm2, estimate.abmd_high_g_cm2),
        (estimate.z, estimate.z_low, estimate.z_high),
        codes.MEAN if len(estimate.films) > 1 else codes.ESTIMATED,
    )
    for measurement in [*measurements, *_probability(estimate)]:
        container.ContentSequence.extend(measurement)
    return container


def _conclusion(content: ReportContent) -> list[TextContentItem]:
    """Return what a reader must see first; of a correction, what it takes back."""
    concluded = [
        (codes.CONCLUSION, (wording.statement(content),)),
        (codes.WHAT_CHANGED, wording.changes(content)),
    ]
    if wording.is_correction(content):
        concluded.reverse()
    texts = (
        (codes.SYNTHETIC, wording.synthetic_notice(content)),
        *concluded,
        (codes.CAUTION, wording.cautions(content)),
        (codes.DISCLAIMER, wording.disclaimers(content.say)),
    )
    return [_named(content, name, " ".join(said)) for name, said in texts if said]


def _evaluations(content: ReportContent) -> ContainerContentItem:
    container = _container(codes.QUALITATIVE_EVALUATIONS)
    items = container.ContentSequence
    finding = content.finding
    items.append(_code(codes.SCREENING_RESULT, codes.SCREENING_RESULTS[finding.verdict]))
    if content.withdraws:
        items.append(_text(codes.FORMATION, wording.formation(content)))
        items.append(_text(codes.CONCLUDED, wording.concluded(content)))
        return container
    low = finding.estimate is not None and wording.in_low_range(finding.estimate.z)
    if finding.verdict is Verdict.LOW and low:
        items.append(_code(codes.FINDING, codes.BONE_DENSITY_LOW))
    texts: list[tuple[Code, tuple[str, ...]]] = [
        (codes.FORMATION, (wording.formation(content),)),
        (codes.THRESHOLD, (wording.threshold(content),)),
    ]
    if content.films:
        texts += [
            (codes.REFERENCE_AUTHORITY, (content.reference_statement,)),
            (codes.INTERVAL, (content.interval_statement,)),
            (codes.VARIABLES, wording.variables(content)),
        ]
    texts.append((codes.CONCLUDED, (wording.concluded(content),)))
    for name, sentences in texts:
        for sentence in sentences:
            items.append(_named(content, name, sentence))
    for film in content.not_scored:
        items.append(_not_scored(content, film))
    return container


def _not_scored(content: ReportContent, film: NotScoredFilm) -> TextContentItem:
    item = _named(content, codes.FILM_NOT_SCORED, wording.not_scored(content, film))
    header = film.header
    if header.series_instance_uid is None:
        return item  # it cannot be listed as evidence, and so not be referred to
    kind = ImageContentItem if is_image(header.sop_class_uid) else CompositeContentItem
    reference = kind(
        name=codes.SOURCE,
        referenced_sop_class_uid=header.sop_class_uid,
        referenced_sop_instance_uid=str(header.sop_instance_uid),
        relationship_type=RelationshipTypeValues.INFERRED_FROM,
    )
    item.ContentSequence = ContentSequence([reference])
    return item


def _container(name: Code) -> ContainerContentItem:
    container = ContainerContentItem(name=name, relationship_type=_CONTAINS)
    container.ContentSequence = ContentSequence()
    return container


def _named(content: ReportContent, name: Code, value: str) -> TextContentItem:
    """Return a text under its name, which is in the report's language where it is ours."""
    ours = name.scheme_designator == codes.PRIVATE_SCHEME
    return _text(codes.in_words(name, content.say) if ours else name, value)


def _text(name: Code, value: str) -> TextContentItem:
    return TextContentItem(name=name, value=value, relationship_type=_CONTAINS)


def _code(name: Code, value: Code) -> CodeContentItem:
    return CodeContentItem(name=name, value=value, relationship_type=_CONTAINS)


def is_image(sop_class_uid: str) -> bool:
    """Return whether a SOP class is one of images."""
    return "Image Storage" in UID(sop_class_uid).name
