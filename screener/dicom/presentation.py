"""A scored film's own display, with the network's input field drawn on it: a presentation state.

Unlike a capture it holds no pixels: a viewer draws the line over the film itself, at full
resolution, and takes it away again at a key.

Source: PS3.3 A.33.1 (Grayscale Softcopy Presentation State IOD), C.10.5 (Graphic Annotation),
C.10.7 (Graphic Layer), C.11.10 and C.11.11 (Presentation State Identification, Relationship).
"""

from __future__ import annotations

from highdicom import SOPClass
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, GrayscaleSoftcopyPresentationStateStorage

from screener.dicom.display import film_display
from screener.dicom.result import (
    MANUFACTURER,
    encode,
    film_part,
    finish,
    object_uid,
    series_uid,
    sop_reference,
    study_uid,
)
from screener.dicom.source import describe_body_part, open_named_film
from screener.dicom.uids import DEVICE_MODEL
from screener.domain import wording
from screener.domain.errors import MissingAttribute
from screener.domain.identifiers import SeriesInstanceUid, SopInstanceUid
from screener.domain.prediction import InputField
from screener.domain.report import (
    DEFAULT_FORM,
    ReportContent,
    ResultForm,
    ResultKind,
    ResultObject,
    ScoredFilm,
    film_variant,
)

_LABEL = "AI_BMD_REGION"
_DESCRIPTION = "Input field of an AI estimate"
_LAYER = "AI BMD"
#: The overlay's light blue, (120, 200, 255) in sRGB, as CIELab PCS values (PS3.3 C.10.7.1.1).
_COLOUR = [50850, 30436, 24025]
_GREY = 0xFFFF
#: Height of a line of text beside the film's longer side.
_TEXT_SHARE = 1 / 40
#: Width of a letter beside the height of its line; generous, for each viewer has its own font.
_LETTER_SHARE = 0.6


def build_presentation(
    content: ReportContent,
    film: ScoredFilm,
    source: bytes,
    form: ResultForm = DEFAULT_FORM,
) -> ResultObject:
    """Write how a scored film is shown with the network's input field.

    Parameters
    ----------
    content
        The finding. The same content, film and form give the same bytes. Its texts stand inside
        the field's top edge and at the film's bottom.
    film
        One of its scored films, with an input field.
    source
        Its Part 10 bytes.
    form
        Series number.

    Raises
    ------
    MissingAttribute
        The film has no Series Instance UID: no presentation state can refer to it.
    UnreadableInstance
        The film cannot be read.
    ValueError
        `content` does not name it, or the network's input field is not known.
    """
    named = open_named_film(content, source)
    field = film.prediction.input_field
    if named.film != film:
        raise ValueError("the film shown is not the one that was scored")
    if field is None:
        raise ValueError("a presentation state needs the network's input field")
    if film.header.series_instance_uid is None:
        raise MissingAttribute("SeriesInstanceUID")
    kind = ResultKind.PRESENTATION
    look = form.look(kind)
    series = series_uid(content, kind, look)
    uid = object_uid(content, kind, film_part(str(film.header.sop_instance_uid), look))
    state = SOPClass(
        study_instance_uid=study_uid(content),
        series_instance_uid=series,
        series_number=form.series_number(kind),
        sop_instance_uid=uid,
        sop_class_uid=GrayscaleSoftcopyPresentationStateStorage,
        instance_number=sorted(f.screening_id for f in content.films).index(film.screening_id) + 1,
        modality="PR",
        manufacturer=MANUFACTURER,
        manufacturer_model_name=DEVICE_MODEL,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    _identify(state, named.copy)
    state.ReferencedSeriesSequence = [_reference(film, film.header.series_instance_uid)]
    size = {"rows": film.header.pixels.rows, "columns": film.header.pixels.columns}
    state.update(film_display(named.dataset, **size))
    caption = wording.caption(content.say, synthetic=content.synthetic)
    label = content.say("field.label")
    state.GraphicAnnotationSequence = [_annotation(field, label, caption, **size)]
    state.GraphicLayerSequence = [_layer()]
    return ResultObject(
        kind=kind,
        variant=film_variant(film.screening_id, look),
        look=look,
        sop_class_uid=str(state.SOPClassUID),
        sop_instance_uid=SopInstanceUid(uid),
        series_instance_uid=SeriesInstanceUid(series),
        encoded=_finish(state, named.copy, content),
    )


def _finish(state: Dataset, original: Dataset, content: ReportContent) -> bytes:
    """Finish and encode; this class has a creation date of its own in place of Content Date."""
    finish(state, original, content, ResultKind.PRESENTATION)
    state.PresentationCreationDate = state.InstanceCreationDate
    state.PresentationCreationTime = state.InstanceCreationTime
    del state.ContentDate, state.ContentTime
    return encode(state, original)


def _identify(state: Dataset, original: Dataset) -> None:
    state.ContentLabel = _LABEL
    state.ContentDescription = _DESCRIPTION
    state.ContentCreatorName = ""
    describe_body_part(state, original)


def _reference(film: ScoredFilm, series_instance_uid: str) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = str(series_instance_uid)
    reference = sop_reference(film.header.sop_class_uid, film.header.sop_instance_uid)
    series.ReferencedImageSequence = [reference]
    return series


def _annotation(field: InputField, label: str, caption: str, *, rows: int, columns: int) -> Dataset:
    """Return the field as a closed line, clipped to the film, and the texts.

    Notes
    -----
    0.0, 0.0 is the outer corner of the first pixel, as in an SCOORD (PS3.3 C.10.5.1.2).
    """
    # padding makes the field reach beyond the film; coordinates may not
    corners = [(min(max(x, 0.0), columns), min(max(y, 0.0), rows)) for x, y in field.corners]
    line = Dataset()
    line.GraphicAnnotationUnits = "PIXEL"
    line.GraphicDimensions = 2
    line.NumberOfGraphicPoints = len(corners) + 1
    line.GraphicData = [float(number) for corner in (*corners, corners[0]) for number in corner]
    line.GraphicType = "POLYLINE"
    line.GraphicFilled = "N"

    height = max(rows, columns) * _TEXT_SHARE
    left, top = (min(corner[axis] for corner in corners) + height / 4 for axis in (0, 1))
    annotation = Dataset()
    annotation.GraphicLayer = _LAYER
    annotation.TextObjectSequence = [
        _text(label, (left, top), height, columns=columns, rows=rows),
        _text(caption, (height / 4, rows - 1.25 * height), height, columns=columns, rows=rows),
    ]
    annotation.GraphicObjectSequence = [line]
    return annotation


def _text(
    words: str, at: tuple[float, float], height: float, *, columns: int, rows: int
) -> Dataset:
    """Return a text in a box that lies on the film; moved to the left where it would not fit."""
    width = min(len(words) * height * _LETTER_SHARE, columns)
    left = max(0.0, min(at[0], columns - width))
    top = max(0.0, min(at[1], rows - height))
    text = Dataset()
    text.BoundingBoxAnnotationUnits = "PIXEL"
    text.UnformattedTextValue = words
    text.BoundingBoxTopLeftHandCorner = [left, top]
    text.BoundingBoxBottomRightHandCorner = [left + width, top + height]
    text.BoundingBoxTextHorizontalJustification = "LEFT"
    return text


def _layer() -> Dataset:
    layer = Dataset()
    layer.GraphicLayer = _LAYER
    layer.GraphicLayerOrder = 1
    layer.GraphicLayerRecommendedDisplayGrayscaleValue = _GREY
    layer.GraphicLayerRecommendedDisplayCIELabValue = _COLOUR
    layer.GraphicLayerDescription = _DESCRIPTION
    return layer
