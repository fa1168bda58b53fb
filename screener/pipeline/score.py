"""Score: WAITING becomes SCORED, or NOT_SCORED with a coded reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from screener.domain.errors import PermanentError, PredictorMismatch, ScreenerError
from screener.domain.patient import ClinicalVariables
from screener.domain.prediction import Abstention, Prediction
from screener.domain.screening import NotScoredReason, ScreeningState
from screener.imaging.preprocess import ModelInput
from screener.pipeline.film import NotLoaded, load_film
from screener.pipeline.ports import Predictor, Services
from screener.storage.screenings import ClaimedScreening
from screener.telemetry.logging import get_logger


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """A film ready for the network."""

    held: ClaimedScreening
    clinical: ClinicalVariables
    network_input: ModelInput
    pixel_digest: str


def score(services: Services, predictor: Predictor) -> int:
    """Score films that wait; return how many were claimed."""
    with services.database.write() as uow:
        claimed = uow.screenings.claim_waiting(limit=services.score_batch, lease=services.lease)
    loaded = [film for held in claimed if (film := _load(services, predictor, held)) is not None]
    if loaded:
        _predict(services, predictor, loaded)
    return len(claimed)


def _predict(services: Services, predictor: Predictor, films: Sequence[_Loaded]) -> None:
    """Predict a batch and settle it; what one film is to blame for must not fail the others."""
    try:
        predictions = predictor.predict([(f.network_input, f.clinical) for f in films])
    except PermanentError as error:
        if len(films) > 1:
            for film in films:
                _predict(services, predictor, [film])
        elif isinstance(error, PredictorMismatch):
            _not_scored(
                services,
                films[0].held,
                NotScoredReason.PREDICTOR_MISMATCH,
                films[0].pixel_digest,
            )
        else:
            _fail(services, films[0].held, error)
    except ScreenerError as error:
        for film in films:
            _fail(services, film.held, error)
    else:
        for film, prediction in zip(films, predictions, strict=True):
            if isinstance(prediction, Abstention):
                _not_scored(services, film.held, prediction.reason, film.pixel_digest)
            else:
                _settle(services, film, prediction)


def _load(services: Services, predictor: Predictor, held: ClaimedScreening) -> _Loaded | None:
    """Read, decode and prepare one film; settle it here where it cannot be scored."""
    try:
        if held.header is None or held.clinical is None:
            raise PredictorMismatch("a film that waits has a header and clinical variables")
        if held.header.quality_control_image is not predictor.identity.synthetic:
            _not_scored(services, held, NotScoredReason.PREDICTOR_MISMATCH)
            return None
        loaded = load_film(services, services.spool.path(held.spool_key))
        if isinstance(loaded, NotLoaded):
            _not_scored(services, held, loaded.reason, loaded.pixel_digest)
            return None
        return _Loaded(
            held=held,
            clinical=held.clinical,
            network_input=loaded.network_input,
            pixel_digest=loaded.pixel_digest,
        )
    except ScreenerError as error:
        _fail(services, held, error)
    return None


def _settle(services: Services, film: _Loaded, prediction: Prediction) -> None:
    with services.database.write() as uow:
        uow.studies.lock(film.held.study_id)
        if uow.screenings.same_pixels_scored(film.held, film.pixel_digest):
            to, reasons = ScreeningState.NOT_SCORED, [NotScoredReason.SAME_PIXELS_IN_STUDY.value]
        else:
            to, reasons = ScreeningState.SCORED, []
        if not uow.screenings.settle(film.held, to, reasons=reasons):
            return
        uow.instances.set_pixel_digest(film.held.instance_id, film.pixel_digest)
        if to is ScreeningState.SCORED:
            uow.screenings.add_prediction(film.held.screening_id, prediction)
    get_logger().info("film_scored", screening_id=film.held.screening_id, state=to.value)


def _not_scored(
    services: Services,
    held: ClaimedScreening,
    reason: NotScoredReason,
    pixel_digest: str | None = None,
) -> None:
    with services.database.write() as uow:
        ours = uow.screenings.settle(held, ScreeningState.NOT_SCORED, reasons=[reason.value])
        if ours and pixel_digest is not None:
            uow.instances.set_pixel_digest(held.instance_id, pixel_digest)
    get_logger().info("film_not_scored", screening_id=held.screening_id, reason=reason.value)


def _fail(services: Services, held: ClaimedScreening, error: ScreenerError) -> None:
    get_logger().warning("scoring_failed", screening_id=held.screening_id, code=error.code)
    with services.database.write() as uow:
        uow.screenings.settle_failure(held, error)
