"""`score` and `explain`: films in files, no node needed."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from screener.cli.files import dicom_files
from screener.cli.output import FILMS, complain, print_json, print_table, progress, say
from screener.config import Settings, load_settings
from screener.dicom.header import read_header
from screener.domain.catalogue import Language
from screener.domain.eligibility import Answer, Ineligible
from screener.domain.errors import ConfigurationError
from screener.domain.estimate import round_z
from screener.domain.instance import InstanceHeader
from screener.domain.judgement import age_on_film, sex_on_film
from screener.domain.judgement import explain as ask_rules
from screener.domain.patient import Measurement
from screener.domain.report import ArchiveObject, ReportClass, ResultForm, object_kinds
from screener.domain.rules import SiteRules
from screener.domain.threshold import choose_threshold
from screener.doors import synthetic_statement
from screener.pipeline.film import NotLoaded, clinical_of, judge_header, load_film
from screener.pipeline.offline import OfflineFilm, OfflineStudy, results_of, score_files
from screener.pipeline.ports import Services
from screener.telemetry.logging import configure_logging
from screener.wiring import build_services, predictor_folder, rules_for_files

_COLUMNS = ("file", "verdict", "z", "z_low", "z_high", "abmd_g_cm2", "view", "reason")

_ANSWERS = {
    Answer.YES: Text("yes", "green"),
    Answer.NO: Text("NO", "red"),
    Answer.CANNOT_TELL: Text("?", "red"),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(rich_help_panel=FILMS)(score)
    app.command(rich_help_panel=FILMS)(explain)


def score(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="FILE… | FOLDER", help="Films.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write reports and captures of every assessed study into this folder."),
    ] = None,
    language: Annotated[Language, typer.Option(help="Of what --out writes.")] = Language.ENGLISH,
    report_class: Annotated[
        ReportClass, typer.Option(help="SOP class of the reports that --out writes.")
    ] = ReportClass.COMPREHENSIVE_3D,
    objects: Annotated[
        list[ArchiveObject] | None,
        typer.Option("--object", help="What --out writes; report, overlay and card if not given."),
    ] = None,
) -> None:
    """Score films in files: aBMD, Z and verdict, or the coded reason why not.

    Films of one study are concluded together, as a node does. Nothing is sent anywhere.
    """
    settings = load_settings(context.obj)
    configure_logging(role="score")
    if as_json and as_csv:
        raise ConfigurationError("--json and --csv: give one of them")
    services = build_services(settings)
    files = dicom_files(paths)
    if not files:
        raise ConfigurationError("no DICOM file was found; give files, or a folder that holds some")
    from screener.predictor.predict import TorchPredictor  # noqa: PLC0415 - loads torch

    predictor = TorchPredictor.load(
        predictor_folder(settings),
        device=settings.predictor.device,
        threads=settings.predictor.threads or os.cpu_count() or 1,
    )
    rules, asked = _rules(settings)
    with progress("scoring") as bar:
        task = bar.add_task("", total=len(files))
        studies = score_files(
            services,
            predictor,
            files,
            rules=rules,
            today=datetime.now(UTC).date(),
            on_film=lambda film: bar.update(task, advance=1, description=film.path.name),
        )
    rows = [_row(services, film, study) for study in studies for film in study.films]
    if out is not None:
        form = ResultForm(language=language, report_class=report_class, kinds=object_kinds(objects))
        _write_results(services, studies, form, out)
    if as_json:
        threshold = choose_threshold(
            rules.conclusion.threshold_z, services.predictor.decision, services.reference
        )
        print_json(
            {
                "synthetic": services.predictor.identity.synthetic,
                "predictor": services.predictor.identity.label,
                "reference": services.reference.label,
                "rules": asked,
                "threshold_z": threshold.z,
                "threshold_source": threshold.source.value,
                "threshold_chosen_for": threshold.chosen_for,
                "films": rows,
            }
        )
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, _COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_table(settings, rows)


def explain(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A film.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say of one film what every eligibility rule says, and what is known of the child."""
    settings = load_settings(context.obj)
    configure_logging(role="explain")
    services = build_services(settings)
    if not file.is_file():
        raise ConfigurationError(f"there is no file {file}")
    header = read_header(file)
    site_rules, asked = _rules(settings)
    rules, today = site_rules.eligibility, datetime.now(UTC).date()
    outcomes = ask_rules(header, rules=rules, limits=services.limits, today=today)
    judged = judge_header(services, header, rules=rules, today=today)
    variables = _variables(services, header)
    pixels = "not looked at: the header already says no"
    if not isinstance(judged, Ineligible):
        loaded = load_film(services, file)
        pixels = loaded.reason.value if isinstance(loaded, NotLoaded) else "can be scored"
    if as_json:
        print_json(
            {
                "synthetic": services.predictor.identity.synthetic,
                "eligible": not isinstance(judged, Ineligible),
                "asked": asked,
                "rules": [
                    {"rule": o.rule, "answer": o.answer, "reason": o.reason, "saw": o.saw}
                    for o in outcomes
                ],
                "clinical": variables,
                "pixels": pixels,
                "forgiven": list(header.forgiven),
            }
        )
        return
    if statement := synthetic_statement(settings):
        say((statement, "bold yellow"))
    print_table(
        ("rule", "says", "saw", "reason"),
        [(o.rule, _ANSWERS[o.answer], o.saw, o.reason.value if o.reason else "") for o in outcomes],
    )
    print_table(
        ("variable", "value>", "unit", "from"),
        [
            (name, v["value"] if v["value"] is not None else "missing", v["unit"], v["source"])
            for name, v in variables.items()
        ],
    )
    say(f"pixels: {pixels}")
    say(f"rules asked: {asked}")
    if header.forgiven:
        say(f"read all the same, or left out: {', '.join(header.forgiven)}")


def _rules(settings: Settings) -> tuple[SiteRules, str]:
    """Return the rules to ask and whose they are: the node's, or the settings' without a node."""
    in_force = rules_for_files(settings)
    if in_force is not None:
        return in_force, f"version {in_force.version}, in force on this node"
    return settings.first_rules().site_rules(1), "those of the settings, for there is no node yet"


def _variables(services: Services, header: InstanceHeader) -> dict[str, Any]:
    """Return what the header gives of the child, for an eligible film and any other."""
    age, sex = age_on_film(header), sex_on_film(header)
    variables: dict[str, Any] = {
        "age": {"value": None, "unit": "a", "source": "UNKNOWN"},
        "sex": {"value": None, "unit": "", "source": "UNKNOWN"},
    }
    if age is not None:
        variables["age"] |= {"value": round(age, 2), "source": "HEADER_DATES"}
    if sex is not None:
        variables["sex"] |= {"value": sex.value, "source": "HEADER"}
    if age is not None and sex is not None:
        clinical = clinical_of(services.growth, header, age_years=age, sex=sex)
        variables |= {
            "height": _measurement(clinical.height_m, "m"),
            "weight": _measurement(clinical.weight_kg, "kg"),
        }
    return variables


def _measurement(measured: Measurement, unit: str) -> dict[str, Any]:
    why = measured.absence.value if measured.absence else None
    source = measured.source.value if measured.source else None
    value = round(measured.value, 3) if measured.value is not None else None
    return {"value": value, "unit": unit, "source": source or why}


def _row(services: Services, film: OfflineFilm, study: OfflineStudy) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(_COLUMNS)
    row |= {
        "file": str(film.path),
        "reason": film.reasons[0] if film.reasons else None,
        "reasons": list(film.reasons),
        "view": film.view.value if film.view else None,
    }
    prediction, clinical = film.prediction, film.clinical
    if prediction is None or clinical is None:
        return row

    def z(abmd_g_cm2: float) -> float:
        return round_z(
            services.reference.z_score(
                sex=clinical.sex, age_years=clinical.age_years, abmd_g_cm2=abmd_g_cm2
            )
        )

    finding = study.finding
    return row | {
        "verdict": finding.verdict.value,
        "reason": finding.reason.value if finding.reason else None,
        "abmd_g_cm2": round(prediction.abmd_g_cm2, 3),
        "z": z(prediction.abmd_g_cm2),
        "z_low": z(prediction.abmd_low_g_cm2),
        "z_high": z(prediction.abmd_high_g_cm2),
        "interval_level": prediction.interval_level,
        "age_years": round(clinical.age_years, 2),
        "sex": clinical.sex.value,
        "missing": list(clinical.missing),
        "contributions_sd": {c.name: round(c.sd, 2) for c in prediction.contributions},
    }


def _print_table(settings: Settings, rows: list[dict[str, Any]]) -> None:
    if statement := synthetic_statement(settings):
        say((statement, "bold yellow"))
    print_table(
        ("file", "verdict", "Z>", "interval", "aBMD g/cm2>", "view", "reason"),
        [
            (
                Path(row["file"]).name,
                row["verdict"],
                f"{row['z']:.1f}" if row["z"] is not None else "",
                f"{row['z_low']:.1f} to {row['z_high']:.1f}" if row["z"] is not None else "",
                f"{row['abmd_g_cm2']:.2f}" if row["z"] is not None else "",
                row["view"],
                row["reason"],
            )
            for row in rows
        ],
    )


def _write_results(
    services: Services, studies: Iterable[OfflineStudy], form: ResultForm, out: Path
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    for number, study in enumerate(studies, 1):
        if study.finding.estimate is None:
            continue
        results = results_of(services, study, form, now)
        for index, made in enumerate(results):
            path = out / f"{number:03d}-{index}-{made.kind.value.lower()}.dcm"
            path.write_bytes(made.encoded)
            complain(f"wrote {path}")
