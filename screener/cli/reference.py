"""`reference list | show | add | fit`: the tables that turn aBMD into a Z."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from screener.cli.output import SCIENCE, complain, print_json, print_table, say
from screener.config import Settings, load_settings
from screener.domain.errors import ConfigurationError
from screener.domain.patient import Sex
from screener.domain.reference import BmdReference
from screener.storage.references import (
    add_reference,
    added_references,
    find_reference,
    load_bmd_reference,
    shipped_references,
)
from screener.telemetry.logging import configure_logging
from screener.wiring import reference_folder

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Option(help="Of the reference: letters, digits, dots, - and _.")]
_Version = Annotated[str, typer.Option(help="Of the reference.")]
_Device = Annotated[str, typer.Option(help="DXA device that it is of, such as Hologic.")]
_Region = Annotated[str, typer.Option(help="Vertebrae measured.")]
_Synthetic = Annotated[
    bool, typer.Option("--synthetic", help="Made of computed children: never for a child.")
]
_WORDS = {Sex.MALE: "boys", Sex.FEMALE: "girls"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        no_args_is_help=True,
        help="BMD references: the tables that turn aBMD into a Z. None for children ships.",
    )
    group.command(name="list")(list_)
    group.command()(show)
    group.command()(add)
    group.command()(fit)
    app.add_typer(group, name="reference", rich_help_panel=SCIENCE)


def list_(context: typer.Context, as_json: _Json = False) -> None:
    """List the references that ship and those that were added, and which is in force."""
    settings = load_settings(context.obj)
    folder = reference_folder(settings)
    in_force = _loaded(settings, settings.reference.bmd)
    found = [(load_bmd_reference(name), "ships") for name in shipped_references()]
    found += [
        (load_bmd_reference(find_reference(name, folder)), "added")
        for name in added_references(folder)
    ]
    if in_force.checksum not in {reference.checksum for reference, _ in found}:
        found.append((in_force, settings.reference.bmd))
    rows = [
        {
            "name": reference.name,
            "version": reference.version,
            "device": reference.device,
            "region": reference.region,
            "ages": {s.value: list(reference.age_range_years(s)) for s in reference.table.curves},
            "synthetic": reference.synthetic,
            "checksum": reference.checksum,
            "from": where,
            "in_force": reference.checksum == in_force.checksum,
        }
        for reference, where in found
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        (
            "name", "version", "device", "region", "ages", "synthetic", "checksum", "from",
            "in force",
        ),
        [
            (
                row["name"], row["version"], row["device"], row["region"], _ages(reference),
                "synthetic" if row["synthetic"] else "", str(row["checksum"])[:8], row["from"],
                "yes" if row["in_force"] else "",
            )
            for row, (reference, _) in zip(rows, found, strict=True)
        ],
    )  # fmt: skip


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="NAME, NAME@VERSION or the path of a table.")],
    figure: Annotated[Path | None, typer.Option(help="Also draw its centiles, a PNG.")] = None,
    as_json: _Json = False,
) -> None:
    """Show where a reference comes from, and its L, M, S and -2 SD at whole ages."""
    reference = _loaded(load_settings(context.obj), name)
    rows = [
        (sex, age, *curve.at(age), reference.abmd_g_cm2(sex=sex, age_years=age, z_score=-2.0))
        for sex, curve in reference.table.curves.items()
        for age in _whole_ages(reference, sex)
    ]
    if figure is not None:
        from screener.training.reference_figures import draw_centiles  # noqa: PLC0415 - matplotlib

        made_up = "synthetic: " if reference.synthetic else ""
        title = f"{made_up}{reference.label} ({reference.device}, {reference.region})"
        draw_centiles(figure, reference.table, title=title)
    if as_json:
        print_json(
            {
                "name": reference.name,
                "version": reference.version,
                "device": reference.device,
                "region": reference.region,
                "source": reference.source,
                "synthetic": reference.synthetic,
                "checksum": reference.checksum,
                "unit": "g/cm2",
                "table": [
                    {"sex": s.value, "age_years": a, "L": lam, "M": m, "S": sd, "minus_2_sd": low}
                    for s, a, lam, m, sd, low in rows
                ],
            }
        )
        return
    say(f"{reference.label}; device {reference.device}; region {reference.region}")
    say(f"source: {reference.source}")
    say(f"checksum: {reference.checksum}")
    if reference.synthetic:
        say(("synthetic: a made-up curve, never for a child", "bold yellow"))
    print_table(
        ("", "age>", "L>", "M, g/cm2>", "S>", "-2 SD, g/cm2>"),
        [
            (_WORDS[s], f"{a:g}", f"{lam:.3f}", f"{m:.3f}", f"{sd:.3f}", f"{low:.3f}")
            for s, a, lam, m, sd, low in rows
        ],
    )


def add(
    context: typer.Context,
    table: Annotated[Path, typer.Argument(help="CSV with the columns sex, age_years, L, M, S.")],
    name: _Name,
    version: _Version,
    device: _Device,
    source: Annotated[str, typer.Option(help="Where it was published, or how it was made.")],
    region: _Region = "L1-L4",
    synthetic: _Synthetic = False,
) -> None:
    """Add a table to this node's references, checked; it is then known by NAME@VERSION."""
    settings = load_settings(context.obj)
    facts = {
        "name": name,
        "version": version,
        "device": device,
        "region": region,
        "source": source,
        "synthetic": synthetic,
    }
    reference = add_reference(reference_folder(settings), table, facts)
    say(f"added: {reference.name}@{reference.version}, checksum {reference.checksum[:8]}")
    say(f'to put it in force: reference.bmd = "{reference.name}@{reference.version}"')


def fit(  # noqa: PLR0917 - a command's options
    out: Annotated[Path, typer.Option(help="Folder for the table, its facts and its pictures.")],
    measurements: Annotated[
        Path | None,
        typer.Argument(
            help="Measured healthy children: CSV with sex, age_years, abmd_g_cm2, and height_cm "
            "if it is known."
        ),
    ] = None,
    nhanes: Annotated[
        list[Path] | None,
        typer.Option(
            help="Or the SAS transport files DXXSPN, DEMO and BMX of NHANES, of one cycle or more: "
            "repeat the option for each."
        ),
    ] = None,
    name: _Name = "",
    version: _Version = "1",
    device: _Device = "",
    region: _Region = "L1-L4",
    source: Annotated[str, typer.Option(help="Who was measured, where and when.")] = "",
    edf: Annotated[
        str, typer.Option(help="Effective degrees of freedom of L, M and S; 2 is a straight line.")
    ] = "3,6,4",
    synthetic: _Synthetic = False,
) -> None:
    """Make a reference from measured healthy children, with centiles and a worm plot.

    Penalised LMS by maximum likelihood. Where heights are known, the coefficients of the
    height-adjusted Z come with it.
    """
    configure_logging(role="reference")
    from screener.training.reference_data import (  # noqa: PLC0415 - loads pandas
        read_measurements,
        read_nhanes,
    )
    from screener.training.reference_files import (  # noqa: PLC0415
        Naming,
        thin_years,
        write_reference,
    )

    if (measurements is None) == (not nhanes):
        raise ConfigurationError("give either a table of measurements, or --nhanes files")
    if measurements is not None:
        measured, inputs = read_measurements(measurements), [measurements]
        if not (name and device and source):
            raise ConfigurationError("--name, --device and --source are needed: a Z carries them")
    else:
        inputs = list(nhanes or ())
        measured = read_nhanes(inputs)
    naming = Naming(
        name=name or "NHANES-2005-10-US",
        version=version,
        device=device or "Hologic QDR 4500A",
        region=region,
        source=source or "NHANES 2005-10 (US), total spine, ages 8 to 19, unweighted",
        synthetic=synthetic,
    )
    table, fitted = write_reference(measured, out, naming, edf=_edf(edf), inputs=inputs)
    label = "synthetic: " if synthetic else ""
    for sex, one in fitted.sexes.items():
        ages = one.curve.ages_years
        say(f"{label}{one.children} {_WORDS[sex]}, {ages[0]:g} to {ages[-1]:g} years")
    if measured.left_out:
        say("left out: " + ", ".join(f"{why} {n}" for why, n in measured.left_out.items()))
    if thin := thin_years(fitted):
        complain(("few children in a year: " + "; ".join(thin), "yellow"))
    say(f"{table}, centiles.png, worm.png")


def _loaded(settings: Settings, name: str) -> BmdReference:
    return load_bmd_reference(find_reference(name, reference_folder(settings)))


def _ages(reference: BmdReference) -> str:
    return ", ".join(
        f"{_WORDS[sex]} {reference.age_range_years(sex)[0]:g} to "
        f"{reference.age_range_years(sex)[1]:g}"
        for sex in reference.table.curves
    )


def _whole_ages(reference: BmdReference, sex: Sex) -> list[float]:
    first, last = reference.age_range_years(sex)
    return [float(age) for age in range(math.ceil(first), math.floor(last) + 1)]


def _edf(text: str) -> tuple[float, float, float]:
    try:
        l, m, s = (float(one) for one in text.split(","))  # noqa: E741 - the field's own letters
    except ValueError as error:
        raise ConfigurationError(f"edf {text!r}: write three numbers, such as 3,6,4") from error
    return l, m, s
