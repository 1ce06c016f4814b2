"""The commands that start a spec or convert one: init, import, export, schema."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from opsgen.cli.command_options import PATHS, reporting_mistakes
from opsgen.cli.printing import print_json, progress, say, say_mistakes, say_notes

_IMPORT_HELP = """Make service specs from files of sloth, pyrra, OpenSLO and Backstage, or from
folders with such files.

\b
  opsgen import slos/                    writes ./specs/<service>.yaml
  opsgen import --to - slo.yaml          prints them
  opsgen import slos/ catalog-info.yaml  files about one service become one spec

Reports what it leaves behind. Refuses what a spec cannot say, and names the line: a mean of
ratios, a gauge, a calendar. Never overwrites a file. Exit code 1 if something was refused or a
file existed already, 2 if nothing was imported."""


_EXPORT_HELP = """Print the SLOs of the specs at PATH in the format of another tool.

\b
  opsgen export --openslo specs/ >slos.yaml

OpenSLO v1: a Service for each spec, and an SLO for each objective, with the queries that the
rules use."""


_INIT_HELP = """Write a commented spec to start from (service.yaml, or PATH).

\b
  opsgen init
  opsgen init specs/checkout.yaml
  opsgen init --project              opsgen.yaml, with teams and escalation

Never overwrites a file."""


_SCHEMA_HELP = """Print the JSON Schema of a file. Editors use it to complete and check what you
type.

\b
  opsgen schema > service.schema.json
  opsgen schema project > project.schema.json

Name it in the first line of the file:
# yaml-language-server: $schema=service.schema.json"""


@click.command(
    "import", help=_IMPORT_HELP, short_help="Make specs from sloth, pyrra, OpenSLO, Backstage."
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH...",
)
@click.option(
    "--to",
    default="specs",
    show_default=True,
    type=PATHS,
    metavar="DIR",
    help="The folder to write to; - prints.",
)
@reporting_mistakes
def import_(paths: tuple[Path, ...], to: Path) -> None:
    from opsgen.importers.run import import_files

    found = import_files(paths)
    say_notes(f"left behind: {note}" for note in found.notes)
    say_mistakes(found.refused)
    handed_on = [_hand_on(name, text, to) for name, text in found.specs.items()]
    if not found.specs:
        say(click.style("Nothing was imported.", fg="red"))
        sys.exit(2)
    sys.exit(0 if all(handed_on) and not found.refused else 1)


def _hand_on(name: str, text: str, to: Path) -> bool:
    """Prints a spec or writes it; False when its file exists already."""
    from opsgen.importers.run import lacking

    file = to / f"{name}.yaml"
    is_new = True
    if to == Path("-"):
        click.echo(f"---\n{text}", nl=False)
    elif _write_new(file, text):
        say(f"wrote {file}")
    else:
        is_new = False
        say(f"{file} exists already and is unchanged")
    say_notes(f"to do: {one}" for one in lacking(text, name))
    return is_new


def _write_new(file: Path, text: str) -> bool:
    """False if the file exists already."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    return True


@click.command(help=_EXPORT_HELP, short_help="Print SLOs as OpenSLO.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@click.option("--openslo", is_flag=True, required=True, help="Print OpenSLO v1.")
@reporting_mistakes
def export(paths: tuple[Path, ...], openslo: bool) -> None:
    from opsgen.fleet.load import load_fleet
    from opsgen.importers.openslo import openslo_of

    for model in load_fleet(paths, progress).services:
        click.echo(openslo_of(model.service), nl=False)


@click.command(help=_INIT_HELP, short_help="Write a spec to start from.")
@click.argument("path", required=False, type=PATHS)
@click.option("--project", is_flag=True, help="Write a project file, opsgen.yaml, instead.")
def init(path: Path | None, project: bool) -> None:
    from opsgen.load.library import TEMPLATES

    name = "opsgen.yaml" if project else "service.yaml"
    target = path or Path(name)
    text = (TEMPLATES / "init" / name).read_text(encoding="utf-8")
    try:
        is_new = _write_new(target, text)
    except OSError as error:
        say(f"{target} can't be written: {error.strerror}")
        sys.exit(2)
    if not is_new:
        say(f"{target} exists already; name another file: opsgen init other.yaml")
        sys.exit(2)
    say(f"wrote {target}. Adapt it, then run: opsgen build {'.' if project else target}")


@click.command(help=_SCHEMA_HELP, short_help="Print the JSON Schema of a file.")
@click.argument(
    "kind",
    default="service",
    type=click.Choice(["service", "project", "pack", "convention", "texts"]),
    required=False,
)
def schema(kind: str) -> None:
    from opsgen.load.schema import json_schema

    print_json(json_schema(kind))
