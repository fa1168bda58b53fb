"""Synthetic children with low Z, and what the product itself reports of their films."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from screener.config import Settings
from screener.dicom.header import file_kind
from screener.domain.eligibility import View
from screener.domain.estimate import Estimate
from screener.domain.finding import Verdict
from screener.domain.patient import Sex
from screener.domain.report import (
    Predecessor,
    ReportClass,
    ResultForm,
    ResultKind,
    ResultObject,
)
from screener.network.peers import Peer
from screener.network.store_scu import Sender
from screener.phantom.cohort import draw_child
from screener.phantom.film import expose
from screener.phantom.write_dicom import encode
from screener.pipeline.content import is_synthetic, make_results, report_content
from screener.pipeline.offline import OfflineStudy, score_files
from screener.pipeline.ports import Services
from screener.predictor.predict import TorchPredictor
from screener.wiring import build_services, predictor_folder

#: Of no training set and no demo: those count from elsewhere.
_SEED = 7_000_000_100
_CONCLUDED_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
#: The default one of an archive, whose reports are those looked at.
_USUAL = ResultForm()


@dataclass(frozen=True, slots=True, kw_only=True)
class LowChild:
    """Whom to take films of; `site`, A to E, decides what the header is like, DX or CR for one."""

    number: int
    z: float
    age_years: float
    sex: Sex
    site: str
    films: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedStudy:
    """A low study: its films as files, and what the product made of it."""

    films: tuple[bytes, ...] = field(repr=False)
    study: OfflineStudy = field(repr=False)
    results: tuple[ResultObject, ...] = field(repr=False)

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        header = self.study.films[0].header
        assert header is not None
        return str(header.study_instance_uid)

    @property
    def estimate(self) -> Estimate:
        """What the report says."""
        assert self.study.finding.estimate is not None
        return self.study.finding.estimate

    def of(self, kind: ResultKind) -> list[ResultObject]:
        """Return the result objects of a kind."""
        return [made for made in self.results if made.kind is kind]


def report_low_children(
    children: Sequence[LowChild],
    folder: Path,
    *,
    classes: Iterable[ReportClass] = (_USUAL.report_class,),
    revisions: int = 1,
) -> list[ReportedStudy]:
    """Take films of children, score them with the predictor that ships, and report each study.

    Parameters
    ----------
    folder
        For the films' files.
    classes
        SOP classes in which each report is written.
    revisions
        How many reports of each study there are; each later one names the one before.
    """
    settings = Settings()
    services = build_services(settings)
    predictor = TorchPredictor.load(predictor_folder(settings), device="cpu", threads=1)
    paths = [path for child in children for path in _take_films(child, folder)]
    studies = score_files(
        services,
        predictor,
        paths,
        rules=settings.first_rules().site_rules(1),
        today=_CONCLUDED_AT.date(),
        on_film=lambda _: None,
    )
    assert {study.finding.verdict for study in studies} == {Verdict.LOW}
    forms = [ResultForm(report_class=report_class) for report_class in classes]
    return [_report(services, study, forms, revisions) for study in studies]


def store(archive: Peer, objects: Iterable[bytes], folder: Path) -> None:
    """Send objects by C-STORE, each of which must be kept."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, encoded in enumerate(objects):
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(encoded)
    with Sender(archive, calling_ae="BMDSCREEN", kinds=map(file_kind, paths)) as sender:
        assert {sender.send(path).status for path in paths} == {0}


def _take_films(child: LowChild, folder: Path) -> list[Path]:
    drawn = draw_child(_SEED + child.number, z=child.z, age_years=child.age_years, sex=child.sex)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed in range(1, child.films + 1):
        film = expose(drawn, seed=seed, site=child.site, view=View.PA, spacing_mm=0.3)
        paths.append(folder / f"{child.number}-{seed}.dcm")
        paths[-1].write_bytes(encode(film, drawn))
    return paths


def _report(
    services: Services, study: OfflineStudy, forms: Sequence[ResultForm], revisions: int
) -> ReportedStudy:
    films = study.films
    sources = {film.screening_id: film.path.read_bytes() for film in films}
    results: list[ResultObject] = []
    predecessors: dict[ResultForm, Predecessor] = {}
    for revision in range(1, revisions + 1):
        contents = {
            form: report_content(
                services,
                films,
                finding=study.finding,
                concluded_at=_CONCLUDED_AT,
                revision=revision,
                predecessor=predecessors.get(form),
                synthetic=is_synthetic(films, study.finding),
            )
            for form in forms
        }
        made = list(make_results(services, contents, sources))
        results += made
        reports = {one.look: one for one in made if one.kind is ResultKind.REPORT}
        predecessors = {
            form: Predecessor(
                sop_class_uid=reports[form.look(ResultKind.REPORT)].sop_class_uid,
                sop_instance_uid=reports[form.look(ResultKind.REPORT)].sop_instance_uid,
                series_instance_uid=reports[form.look(ResultKind.REPORT)].series_instance_uid,
                finding=study.finding,
            )
            for form in forms
        }
    return ReportedStudy(films=tuple(sources.values()), study=study, results=tuple(results))
