"""What is no film and reaches a node all the same: a CT slice, and our own earlier report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np

from screener.dicom.header import read_header
from screener.dicom.report import build_report
from screener.domain.catalogue import ENGLISH
from screener.domain.eligibility import View
from screener.domain.estimate import FilmInStudy, round_z
from screener.domain.finding import ConclusionRules, conclude
from screener.domain.identifiers import ScreeningId
from screener.domain.patient import ClinicalVariables, Measurement, Source
from screener.domain.prediction import Contribution, InputField, Prediction, PredictorIdentity
from screener.domain.report import DEFAULT_FORM, ReportContent, ResultObject, ScoredFilm
from screener.domain.wording import reference_statement
from screener.phantom.cohort import Child
from screener.phantom.film import Film
from screener.phantom.write_dicom import encode
from screener.storage.references import load_bmd_reference, load_growth_reference

_CT_SIZE = 512


def ct_slice(film: Film) -> Film:
    """Return a film with the picture of an axial slice through a chest in place of its own."""
    size = (_CT_SIZE, _CT_SIZE)
    slice_ = np.full(size, 24, dtype=np.float32)  # air, of 4095
    shapes: tuple[tuple[tuple[int, int], tuple[int, int], int], ...] = (
        ((256, 262), (210, 150), 1040),  # body
        ((150, 250), (78, 108), 170),  # lungs
        ((362, 250), (78, 108), 170),
        ((278, 230), (62, 52), 1090),  # heart
        ((256, 352), (30, 24), 1420),  # vertebra
        ((256, 352), (22, 16), 1240),
        ((226, 330), (14, 14), 1120),  # aorta
    )
    for centre, axes, value in shapes:
        cv2.ellipse(slice_, centre, axes, 0, 0, 360, value, -1, cv2.LINE_AA)
    noise = np.random.default_rng(7).normal(0, 12, size).astype(np.float32)
    grey = np.clip(cv2.GaussianBlur(slice_, (0, 0), 1.2) + noise, 0, 2**film.bits_stored - 1)
    return replace(film, pixels=grey.astype(np.uint16))


def own_report(film: Film, child: Child) -> ResultObject:
    """Return a report that a node could have made of a film earlier; its numbers are made up."""
    source = encode(film, child)
    header = read_header(source)
    reference, growth = load_bmd_reference("synthetic-demo"), load_growth_reference()
    clinical = ClinicalVariables(
        age_years=child.age_years,
        sex=child.sex,
        height_m=Measurement(value=child.height_cm / 100, source=Source.HEADER),
        weight_kg=Measurement(value=child.weight_kg, source=Source.HEADER),
    )

    def abmd(z: float) -> float:
        return reference.abmd_g_cm2(sex=child.sex, age_years=child.age_years, z_score=z)

    rows, columns = film.pixels.shape
    prediction = Prediction(
        abmd_g_cm2=abmd(-2.5),
        abmd_low_g_cm2=abmd(-3.5),
        abmd_high_g_cm2=abmd(-1.5),
        interval_level=0.9,
        predictor=PredictorIdentity(name="demo", version="0", checksum="0" * 64, synthetic=True),
        contributions=(Contribution(name="image", sd=-2.5),),
        attention=None,
        input_field=InputField(corners=((0, 0), (columns, 0), (columns, rows), (0, rows))),
        input_digest="0" * 64,
    )
    finding = conclude(
        [
            FilmInStudy(
                screening_id=ScreeningId(1),
                identity=header.identity,
                prediction=prediction,
                view=View.PA,
                clinical=clinical,
            )
        ],
        rules=ConclusionRules(),
        reference=reference,
        growth=growth,
    )
    z = [round_z(value) for value in (-2.5, -3.5, -1.5)]
    content = ReportContent(
        finding=finding,
        concluded_at=datetime(2025, 6, 1, 12, tzinfo=UTC),
        revision=1,
        films=(
            ScoredFilm(
                screening_id=ScreeningId(1),
                header=header,
                clinical=clinical,
                prediction=prediction,
                z=z[0],
                z_low=z[1],
                z_high=z[2],
            ),
        ),
        not_scored=(),
        predecessor=None,
        synthetic=True,
        interval_statement="made up for the demo",
        reference_statement=reference_statement(ENGLISH, reference),
        growth_name=growth.name,
    )
    return build_report(content, DEFAULT_FORM, {ScreeningId(1): source})
