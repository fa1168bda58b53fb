"""`reference list | show | add | fit`: the tables that turn aBMD into a Z."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from screener.training.reference_data import Measured
    from screener.training.reference_files import Naming
    from screener.training.reference_fit import FittedReference

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[
    str | None, typer.Option(help="Of the reference: letters, digits, dots, - and _.")
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
    names = dict.fromkeys(shipped_references(), "ships")
    names |= dict.fromkeys(added_references(reference_folder(settings)), "added")
    found = [
        (reference, where) for name, where in names.items() if (reference := _tried(settings, name))
    ]
    in_force = _tried(settings, settings.reference.bmd)
    checksum = in_force.checksum if in_force else None
    if in_force and checksum not in {reference.checksum for reference, _ in found}:
        found.append((in_force, settings.reference.bmd))
    if as_json:
        print_json(
            [
                _facts(reference)
                | {
                    "ages_years": {
                        s.value: list(reference.age_range_years(s)) for s in reference.table.curves
                    },
                    "from": where,
                    "in_force": reference.checksum == checksum,
                }
                for reference, where in found
            ]
        )
        return
    print_table(
        (
            "name", "version", "device", "region", "ages, years", "source", "", "checksum", "from",
            "in force",
        ),
        [
            (
                r.name, r.version, r.device, r.region, _ages(r), r.source,
                "synthetic" if r.synthetic else "", r.checksum[:8], where,
                "yes" if r.checksum == checksum else "",
            )
            for r, where in found
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
        if figure.suffix.lower() != ".png":
            raise ConfigurationError(f"{figure}: it is a PNG; give a name that ends in .png")
        from screener.training.reference_figures import draw_centiles  # noqa: PLC0415 - matplotlib

        made_up = "synthetic: " if reference.synthetic else ""
        title = f"{made_up}{reference.label} ({reference.device}, {reference.region})"
        draw_centiles(figure, reference.table, title=title)
    if as_json:
        print_json(
            _facts(reference)
            | {
                "unit": "g/cm2",
                "table": [
                    {"sex": s.value, "age_years": a, "L": lam, "M": m, "S": sd, "minus_2_sd": low}
                    for s, a, lam, m, sd, low in rows
                ],
            }
        )
        return
    made_up = ", synthetic" if reference.synthetic else ""
    say(f"{reference.label}{made_up}; device {reference.device}; region {reference.region}")
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
    name: _Name = None,
    version: Annotated[str | None, typer.Option(help="Of the reference.")] = None,
    device: Annotated[
        str | None, typer.Option(help="DXA device that it is of, such as Hologic.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Vertebrae measured, such as L1-L4.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Where it was published, or how it was made.")
    ] = None,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Made of computed children: never for a child.")
    ] = False,
) -> None:
    """Add a table to this node's references, checked; it is then known by NAME@VERSION.

    What is not given is taken from the JSON file beside the table, which `reference fit` writes.
    """
    settings = load_settings(context.obj)
    given = {
        "name": name,
        "version": version,
        "device": device,
        "region": region,
        "source": source,
        "synthetic": synthetic,
    }
    reference = add_reference(reference_folder(settings), table, given)
    known = f"{reference.name}@{reference.version}"
    made_up = ", synthetic: never for a child" if reference.synthetic else ""
    say(f"added: {known} ({_ages(reference)} years), checksum {reference.checksum[:8]}{made_up}")
    for sex in Sex:
        if sex not in reference.table.curves:
            complain((f"it has no {_WORDS[sex]}: none of their films gets a Z", "yellow"))
    say(f'to put it in force: reference.bmd = "{known}"')


def fit(  # noqa: PLR0917 - a command's options
    out: Annotated[Path, typer.Option(help="Folder for the table, its facts and its pictures.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="MEASUREMENTS.csv | FILE.XPT…",
            help="Measured healthy children: CSV with sex, age_years, abmd_g_cm2, and height_cm "
            "if it is known.",
        ),
    ],
    nhanes: Annotated[
        bool,
        typer.Option(
            "--nhanes",
            help="The files are DXXSPN, DEMO and BMX of NHANES (SAS transport), of one cycle or "
            "more.",
        ),
    ] = False,
    name: _Name = None,
    version: Annotated[str, typer.Option(help="Of the reference.")] = "1",
    device: Annotated[
        str | None, typer.Option(help="DXA device that measured, such as Hologic Horizon.")
    ] = None,
    region: Annotated[str, typer.Option(help="Vertebrae measured.")] = "L1-L4",
    source: Annotated[
        str | None, typer.Option(help="Who was measured, where and when.")
    ] = None,
    edf: Annotated[
        str, typer.Option(help="Effective degrees of freedom of L, M and S; 2 is a straight line.")
    ] = "3,6,4",
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="The children are computed: never for a child.")
    ] = False,
) -> None:  # fmt: skip
    """Make a reference from measured healthy children, with centiles and a worm plot.

    Penalised LMS by maximum likelihood. Where heights are known, the coefficients of the
    height-adjusted Z come with it.
    """
    configure_logging(role="reference")
    from screener.training.reference_data import (  # noqa: PLC0415 - loads pandas
        read_measurements,
        read_nhanes,
    )
    from screener.training.reference_files import Naming, write_reference  # noqa: PLC0415

    freedom = _edf(edf)
    if nhanes:
        measured = read_nhanes(files)
        if measured.years:
            name = name or f"NHANES-{measured.years}-US"
            source = source or f"NHANES {measured.years} (US), total spine, survey weights not used"
        device = device or "Hologic QDR 4500A"
    elif len(files) == 1:
        measured = read_measurements(files[0])
    else:
        raise ConfigurationError("give one table of measurements; files of NHANES need --nhanes")
    if not (name and device and source):
        raise ConfigurationError("--name, --device and --source are needed: a Z carries them")
    naming = Naming(
        name=name,
        version=version,
        device=device,
        region=region,
        source=source,
        synthetic=synthetic or measured.synthetic,
    )
    table, fitted = write_reference(measured, out, naming, edf=freedom, inputs=files)
    _tell(table, naming, measured, fitted)


def _tell(table: Path, naming: Naming, measured: Measured, fitted: FittedReference) -> None:
    from screener.training.reference_files import (  # noqa: PLC0415 - loads pandas
        FEW_A_YEAR,
        HEIGHT_FILE,
        thin_years,
    )

    label = "synthetic: " if naming.synthetic else ""
    for sex, one in fitted.sexes.items():
        first, *_, last = one.curve.ages_years
        say(
            f"{label}{one.children} {_WORDS[sex]}, table from {first:g} to {last:g} years, "
            f"deviance {one.deviance:.1f}, BIC {one.bic:.1f}"
        )
    years = sorted({year for one in fitted.sexes.values() for year in one.per_year})
    print_table(
        ("children by completed year", *(f"{year}>" for year in years)),
        [
            (_WORDS[sex], *(one.per_year.get(year, 0) for year in years))
            for sex, one in fitted.sexes.items()
        ],
    )
    if measured.left_out:
        say("left out: " + ", ".join(f"{why} {n}" for why, n in measured.left_out.items()))
    if thin := thin_years(fitted):
        few = f"fewer than {FEW_A_YEAR} children in a year, and a curve that leans on others"
        complain((f"{few}: {'; '.join(thin)}", "yellow"))
    say(f"{label}{table}, centiles.png, worm.png")
    if (table.parent / HEIGHT_FILE).is_file():
        say(f"{label}{table.parent / HEIGHT_FILE}")
    else:
        say("no height adjustment: no band of ages has heights of enough children")
    say(f"look at both pictures; then: screener reference add {table}")


def _loaded(settings: Settings, name: str) -> BmdReference:
    return load_bmd_reference(find_reference(name, reference_folder(settings)))


def _tried(settings: Settings, name: str) -> BmdReference | None:
    """Return a reference, or say why there is none: a list must not end at one that is broken."""
    try:
        return _loaded(settings, name)
    except ConfigurationError as error:
        complain((str(error), "yellow"))
        return None


def _facts(reference: BmdReference) -> dict[str, object]:
    return {
        "name": reference.name,
        "version": reference.version,
        "device": reference.device,
        "region": reference.region,
        "source": reference.source,
        "synthetic": reference.synthetic,
        "checksum": reference.checksum,
    }


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
