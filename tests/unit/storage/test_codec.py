"""Values survive their row."""

from __future__ import annotations

from datetime import date

import pytest

from screener.domain.eligibility import View
from screener.domain.identifiers import ScreeningId, SopInstanceUid, StudyInstanceUid
from screener.domain.instance import Identity, InstanceHeader, PixelFacts
from screener.domain.patient import Absence, ClinicalVariables, Measurement, Sex, Source
from screener.storage.codec import from_json, to_json

HEADER = InstanceHeader(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1",
    sop_instance_uid=SopInstanceUid("2.25.1"),
    study_instance_uid=StudyInstanceUid("2.25.2"),
    series_instance_uid=None,
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    identity=Identity(
        patient_id="정해", issuer=None, birth_date=date(2014, 2, 28), sex="F", accession_number=None
    ),
    patient_age="011Y",
    patient_size=1.38,
    patient_weight=None,
    modality="DX",
    image_type=("DERIVED", "PRIMARY"),
    presentation_intent="FOR PRESENTATION",
    body_part="CHEST",
    anatomic_region_codes=("816094009|SCT",),
    view_position="PA",
    view_codes=(),
    descriptions=("Chest PA",),
    acquired_on=date(2026, 1, 2),
    acquired_on_source="AcquisitionDate",
    quality_control_image=True,
    manufacturer=None,
    device_model=None,
    made_by_screener=False,
    pixels=PixelFacts(
        rows=10,
        columns=12,
        frames=1,
        samples_per_pixel=1,
        bits_stored=12,
        photometric_interpretation="MONOCHROME2",
        spacing_mm=(0.2, 0.2),
        lossy=False,
        present=True,
    ),
)


def test_a_header_survives_its_row() -> None:
    again = from_json(InstanceHeader, to_json(HEADER))

    assert again == HEADER
    assert isinstance(again.study_instance_uid, StudyInstanceUid)
    assert again.digest() == HEADER.digest()


def test_clinical_variables_survive_their_row() -> None:
    variables = ClinicalVariables(
        age_years=11.5,
        sex=Sex.FEMALE,
        height_m=Measurement(value=1.38, source=Source.HEADER_UNIT_CORRECTED),
        weight_kg=Measurement(value=None, absence=Absence.ZERO),
    )

    assert from_json(ClinicalVariables, to_json(variables)) == variables


def test_clinical_variables_of_before_are_read() -> None:
    """Values from elsewhere came with a later version."""
    text = (
        '{"age_years":11.5,"sex":"F","height_m":{"value":1.38,"source":"HEADER","absence":null},'
        '"weight_kg":{"value":null,"source":null,"absence":"ZERO"}}'
    )

    variables = from_json(ClinicalVariables, text)

    assert (variables.sex_source, variables.age_source) == (Source.HEADER, Source.HEADER_DATES)
    assert variables.height_m.measured_on is None


def test_an_imported_measurement_keeps_its_day() -> None:
    imported = Measurement(value=1.38, source=Source.IMPORTED, measured_on=date(2026, 2, 17))

    assert from_json(Measurement, to_json(imported)) == imported


def test_a_row_that_holds_something_else_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="ClinicalVariables"):
        from_json(ClinicalVariables, '{"age_years": 3}')


def test_numbers_and_enumerations_keep_their_types() -> None:
    assert to_json((ScreeningId(7), View.PA)) == '[7,"PA"]'
