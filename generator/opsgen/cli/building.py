"""The commands that generate from specs: build, diff, manifests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsgen.cli.command_options import PATHS, format_option, reporting_mistakes, shard_option
from opsgen.cli.printing import (
    print_findings,
    print_json,
    print_lines,
    progress,
    say,
    say_lines,
    say_mistakes,
    say_notes,
)

if TYPE_CHECKING:
    from opsgen.changes.compare import Changes
    from opsgen.fleet.make import MadeFleet
    from opsgen.fleet.reports import Report
    from opsgen.fleet.unchanged import Shortcut
    from opsgen.load.discovery import Shard
    from opsgen.output.blocks import Side


_BUILD_HELP = """Generate everything for the specs at PATH (files or folders).

\b
  opsgen build service.yaml          one service, into ./out
  opsgen build specs/                a fleet; removes files that no spec makes any more
  opsgen build --check specs/        only report whether out/ is up to date

Writes nothing if a spec has a mistake. Leaves alone and names files that opsgen did not write, or
that somebody edited since (exit code 1); --force overwrites those that a spec makes.

People and opsgen share a runbook: opsgen never changes text outside of its blocks, even when the
spec is gone. It reports an edit inside of a block and leaves it there. Move the text out of the
block, or choose a version: --take-mine or --take-theirs."""


_DIFF_HELP = """Show what the specs at PATH change in meaning: alerts, who is notified, probes,
panels, runbook sections.

\b
  opsgen diff specs/                    what a build would change
  opsgen diff --from main specs/        what this branch changes, against the output committed there
  opsgen diff --from main --format markdown specs/ >comment.md

Writes nothing. Lists apart the files whose bytes change but not their meaning. The first line of
the comment is a marker, by which a pipeline finds the comment to replace. The comment is never
longer than GitHub allows. Exit code 0, with or without changes: opsgen build --check is the
gate."""


_MANIFESTS_HELP = """Print the Kubernetes resources of the specs at PATH as one stream of YAML;
write nothing.

\b
  opsgen manifests specs/ | kubectl diff --filename -
  opsgen manifests specs/ | kubectl apply --filename -

For tools that deploy without a commit, such as a plugin of Argo CD. The project file must list
the target kubernetes."""


@click.command(help=_BUILD_HELP, short_help="Generate everything for specs.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@click.option(
    "--out",
    type=PATHS,
    metavar="DIR",
    help="The folder to write to; default: out of opsgen.yaml, or else out.",
)
@click.option(
    "--force", is_flag=True, help="Overwrite files that somebody edited since opsgen wrote them."
)
@click.option(
    "--take-mine",
    is_flag=True,
    help="Keep edited blocks of runbooks; opsgen stops writing these blocks.",
)
@click.option(
    "--take-theirs",
    is_flag=True,
    help="Replace edited blocks of runbooks by what opsgen generates.",
)
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Write nothing; exit 1 if the output is not up to date.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Leave out specs with mistakes, and do not change their output; exit 1.",
)
@shard_option
@format_option("json", "github", "sarif")
@reporting_mistakes
def build(
    paths: tuple[Path, ...],
    out: Path | None,
    force: bool,
    take_mine: bool,
    take_theirs: bool,
    only_check: bool,
    keep_going: bool,
    shard: Shard | None,
    form: str,
) -> None:
    take = _side_to_take(take_mine, take_theirs)
    wants_whole_build = keep_going or form != "text"
    shortcut = None if wants_whole_build else _shortcut_or_exit(paths, out, shard)
    from opsgen.fleet.make import make_fleet

    fleet = make_fleet(paths, progress, keep_going, shard)
    say_mistakes(fleet.mistakes)
    notes = _notes_on(fleet)
    say_notes(notes)
    report = _checked_or_written(fleet, fleet.project.out(out), only_check, force, take)
    say_lines(report.lines)
    if form != "text":
        _print_all_findings(fleet, report, form)
    if shortcut and report.good:
        lines = [*notes, report.nothing_to_do]
        shortcut.keep(report.out, report.wanted, fleet.project.own_templates, lines)
    _say_left_out(fleet)
    sys.exit(0 if report.good and not fleet.left_out else 1)


def _side_to_take(mine: bool, theirs: bool) -> Side | None:
    """Which version of an edited block to keep."""
    if mine and theirs:
        raise click.UsageError("--take-mine and --take-theirs exclude each other")
    if mine:
        return "mine"
    return "theirs" if theirs else None


def _shortcut_or_exit(
    paths: tuple[Path, ...], out: Path | None, shard: Shard | None
) -> Shortcut | None:
    """Ends the command when neither inputs nor output changed since the last build."""
    from opsgen.fleet.unchanged import Shortcut

    shortcut = Shortcut.of(paths, out, shard)
    before = shortcut.lines() if shortcut else None
    if before is None:
        return shortcut
    say_notes(before)
    sys.exit(0)


def _notes_on(fleet: MadeFleet) -> list[str]:
    return [
        *(f"warning: {one}" for one in fleet.warnings),
        *(f"not yet generated: {one}" for one in fleet.not_yet),
    ]


def _checked_or_written(
    fleet: MadeFleet, target: Path, only_check: bool, force: bool, take: Side | None
) -> Report:
    from opsgen.fleet.build import check_fresh, write_fleet
    from opsgen.output.disk import WriteError

    try:
        if only_check:
            return check_fresh(fleet, target)
        return write_fleet(fleet, target, force, take)
    except WriteError as error:
        say(click.style(str(error), fg="red"))
        sys.exit(1)


def _say_left_out(fleet: MadeFleet) -> None:
    if fleet.left_out:
        names = ", ".join(sorted(fleet.left_out))
        say(click.style(f"left out, with their output unchanged: {names}", fg="red"))


def _print_all_findings(fleet: MadeFleet, report: Report, form: str) -> None:
    from opsgen.model.findings import of_lines, of_mistakes

    found = [*of_mistakes(fleet.mistakes), *report.findings, *of_lines(fleet.warnings)]
    print_findings(found, form)


@click.command(help=_DIFF_HELP, short_help="Show what changes in meaning.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@click.option(
    "--from", "revision", metavar="REV", help="Compare with the output at this revision of git."
)
@click.option(
    "--out",
    type=PATHS,
    metavar="DIR",
    help="The output folder; default: out of opsgen.yaml, or else out.",
)
@format_option("json", "markdown")
@reporting_mistakes
def diff(paths: tuple[Path, ...], revision: str | None, out: Path | None, form: str) -> None:
    from opsgen.changes.of_build import changes
    from opsgen.fleet.make import make_fleet
    from opsgen.output.disk import WriteError

    fleet = make_fleet(paths, progress)
    try:
        found = changes(fleet, fleet.project.out(out), revision)
    except WriteError as error:
        say(f"{click.style('not read:', fg='red')} {error}")
        sys.exit(1)
    _print_changes(found, form)


def _print_changes(found: Changes, form: str) -> None:
    from opsgen.changes.words import as_json, as_markdown, as_text

    if form == "json":
        print_json(as_json(found))
    elif form == "markdown":
        click.echo(as_markdown(found), nl=False)
    else:
        print_lines(as_text(found))


@click.command(help=_MANIFESTS_HELP, short_help="Print the Kubernetes resources.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@reporting_mistakes
def manifests(paths: tuple[Path, ...]) -> None:
    from opsgen.fleet.build import kubernetes_stream
    from opsgen.fleet.make import make_fleet

    fleet = make_fleet(paths, progress)
    say_notes(f"warning: {one}" for one in fleet.warnings)
    click.echo(kubernetes_stream(fleet), nl=False)
