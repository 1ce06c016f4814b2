"""The command line: arguments in, exit code out. 0 is done, 1 is stale or failed a check, 2 is
wrong input.

What people read goes to stderr, what programs read to stdout. Everything but click is imported by
the command that needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from opsgen import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from opsgen.errors import Mistake
    from opsgen.load.discovery import Shard
    from opsgen.output.blocks import Side

_F = TypeVar("_F", bound=Callable[..., Any])
_PATHS = click.Path(path_type=Path)
_NOTES = ("warning:", "not yet generated:", "left behind:", "to do:")
# A fleet that takes a second or more is worth a bar.
_MANY_SPECS = 50

_BUILD_HELP = """Generate everything for the specs at PATH (files or folders).

\b
  opsgen build service.yaml          one service, into ./out
  opsgen build specs/                a fleet; what is no longer wanted is removed
  opsgen build --check specs/        only say whether out/ is up to date

Writes nothing unless every spec is right. Files that opsgen did not write, or that were edited
since, are left alone and named (exit code 1); --force overwrites those that are wanted.

A runbook is shared: what people write outside of opsgen's blocks stays, whatever becomes of the
spec. An edit inside of a block is shown and left; move it out of the block, or say whose version
is right: --take-mine or --take-theirs."""

_DIFF_HELP = """Say what the specs at PATH change in meaning: alerts, who is told, probes,
panels, runbook sections.

\b
  opsgen diff specs/                    what a build would change
  opsgen diff --from main specs/        what this branch changes, against the output committed there
  opsgen diff --from main --format markdown specs/ >comment.md

Writes nothing. Files whose bytes change while they mean the same are named apart. The comment
has a marker in its first line, so that a pipeline can write its own anew, and is never longer
than what GitHub takes. Exit code 0, changes or not: opsgen build --check is the gate."""

_MANIFESTS_HELP = """Print the Kubernetes resources of the specs at PATH, as one stream of YAML;
write nothing.

\b
  opsgen manifests specs/ | kubectl diff --filename -
  opsgen manifests specs/ | kubectl apply --filename -

For what deploys without a commit, like a plugin of Argo CD. The project file has to have the
target kubernetes."""

_IMPORT_HELP = """Make service specs of files of sloth, pyrra, OpenSLO and Backstage, or of
folders with any of these.

\b
  opsgen import slos/                    writes ./specs/<service>.yaml
  opsgen import --to - slo.yaml          prints them
  opsgen import slos/ catalog-info.yaml  parts on one service become one spec

Says what is left behind, and refuses, at its line, what has no counterpart: a mean of ratios, a
gauge, a calendar. Files that are there stay as they are. Exit code 1 where something was
refused, 2 where nothing was left."""

_EXPORT_HELP = """Print the SLOs of the specs at PATH in another tool's words.

\b
  opsgen export --openslo specs/ >slos.yaml

OpenSLO v1: a Service for each spec, and an SLO for each objective, with the queries that the
rules read."""

_CHECK_HELP = """Prove the specs at PATH without writing anything.

\b
  opsgen check specs/
  opsgen check --format json specs/ | jq .failed

Validates every spec, checks that each alert has a panel, a runbook section, a route to somebody
and a proof, and lets promtool and amtool judge the result where they are installed."""

_STATUS_HELP = """How complete the runbooks of the specs at PATH are, those that lack most first.

\b
  opsgen runbook status specs/
  opsgen runbook status --today 2027-01-31 specs/
  opsgen runbook status --format markdown specs/ >comment.md

Counts the questions that nobody has answered ("To write"), the alerts with notes of people, and
faults: links that lead nowhere, commands that name another service. Exit code 1 where there is a
fault, or where opsgen.yaml asks for more (runbooks.complete, and runbooks.review_after with
--today)."""

_INIT_HELP = """Write a commented spec to start from (service.yaml, or PATH).

\b
  opsgen init
  opsgen init specs/checkout.yaml
  opsgen init --project              opsgen.yaml, with teams and escalation

Never overwrites a file."""

_SCHEMA_HELP = """Print the JSON Schema of a file, for editors that complete and check as you
type.

\b
  opsgen schema > service.schema.json
  opsgen schema project > project.schema.json

Name it in the first line of the file:
# yaml-language-server: $schema=service.schema.json"""

_EXPLAIN_HELP = """Show every value that is used for SPEC and where it comes from, and every
alert in words.

\b
  opsgen explain service.yaml
  opsgen explain --format json service.yaml"""

_ROUTE_HELP = """Say who is told of the alerts of SPEC, how, and when, by the Alertmanager file
that is generated.

\b
  opsgen route service.yaml
  opsgen route --severity page --at "Sat 03:00" --timezone Europe/Berlin service.yaml
  opsgen route --alert TargetsAbsent --format json service.yaml"""

_LINT_HELP = """Find alerts that can never fire, and labels that are not there, in any Prometheus
rule files.

\b
  opsgen lint rules.yaml
  opsgen lint manifests/             PrometheusRule resources too
  opsgen lint --format json rules/ | jq '.[].alert'

Works out which labels the two sides of every operator can have. Needs no Prometheus."""


def _reporting_mistakes(command: _F) -> _F:
    """Prints mistakes of the input, all at once, and exits with 2; any other exception is a bug and
    shows itself."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        import gc

        from opsgen.errors import InputError

        # All that a run makes lives to its end: looking for cycles again and again costs a fifth of
        # a large build.
        gc.disable()
        try:
            return command(*args, **kwargs)
        except InputError as error:
            _print_mistakes(error.mistakes)
            _print_for_programs(kwargs.get("form", "text"), error.mistakes)
            sys.exit(2)

    return run  # type: ignore[return-value]


def _print_for_programs(form: str, mistakes: Iterable[Mistake]) -> None:
    """Mistakes in a form that shows them at their place; the others say by the exit code that there
    is no answer."""
    if form in ("text", "json"):
        return
    from opsgen.model import findings

    if form == "junit":
        cases = [findings.Case("specs", one.file, str(one)) for one in mistakes]
        click.echo(findings.as_junit(cases), nl=False)
    elif form in findings.FORMATS:
        click.echo(findings.FORMATS[form](findings.of_mistakes(mistakes)), nl=False)


def _print_mistakes(mistakes: Iterable[Mistake]) -> None:
    found = list(mistakes)
    _say_mistakes(found)
    _say(
        click.style(
            f"{len(found)} mistake{'s' if len(found) > 1 else ''}; nothing was written.", fg="red"
        )
    )


def _say_notes(notes: Iterable[str]) -> None:
    """Lines, of which the first words are coloured where they say what kind of a note it is."""
    for note in notes:
        kind = next((kind for kind in _NOTES if note.startswith(kind)), "")
        _say(f"{click.style(kind, fg='yellow')}{note.removeprefix(kind)}" if kind else note)


def _say_mistakes(mistakes: Iterable[Mistake]) -> None:
    for mistake in mistakes:
        place = click.style(f"{mistake.file}:{mistake.line}:{mistake.column}:", bold=True)
        rest = str(mistake).removeprefix(f"{mistake.file}:{mistake.line}:{mistake.column}:")
        _say(f"{place}{rest}")


def _say(text: str = "") -> None:
    """To stderr, without colours where it is no terminal or NO_COLOR asks for none."""
    click.echo(text, err=True, color=None if _colours_wanted() else False)


def _colours_wanted() -> bool:
    import os

    return not os.environ.get("NO_COLOR")


def _progress(files: Iterable[Path]) -> Iterable[Path]:
    """A bar on a terminal, for a fleet; nothing otherwise."""
    files = list(files)
    if len(files) < _MANY_SPECS or not sys.stderr.isatty():
        yield from files
        return
    with click.progressbar(files, label="Building", file=sys.stderr) as bar:
        yield from bar


def _shard_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Shard | None:
    """`2/8`: the second of eight parts."""
    if value is None:
        return None
    from opsgen.load.discovery import Shard

    number, slash, of = value.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise click.BadParameter(f"'{value}' is no part of a fleet; write for example 2/8")
    return Shard(int(number), int(of))


_shard = click.option(
    "--shard",
    callback=_shard_of,
    metavar="K/N",
    help="The Kth of N parts of the specs, one for each job of a pipeline.",
)
_today = click.option(
    "--today",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="DATE",
    help="What day it is, for runbooks.review_after; opsgen reads no clock.",
)


def _format_of(*forms: str) -> Callable[[_F], _F]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", *forms]),
        default="text",
        show_default=True,
        help="For people, or for programs and comments.",
    )


_format = _format_of("json")


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        'Shell completion: eval "$(_OPSGEN_COMPLETE=bash_source opsgen)" (or zsh_source,'
        " fish_source)."
    ),
)
@click.version_option(__version__, prog_name="opsgen")
def main() -> None:
    """From one short service spec, everything that its on-call needs: Prometheus rules with their
    proofs, a Grafana dashboard, uptime probes, escalation and a runbook.

    \b
      opsgen init                    write a spec to start from
      opsgen build service.yaml      generate everything into out/
      opsgen check service.yaml      prove it
    """


@main.command(help=_BUILD_HELP, short_help="Generate everything for specs.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.option(
    "--out",
    type=_PATHS,
    metavar="DIR",
    help="The folder to write; default: what opsgen.yaml says, or out.",
)
@click.option(
    "--force", is_flag=True, help="Overwrite files that were edited since opsgen wrote them."
)
@click.option(
    "--take-mine", is_flag=True, help="Keep edited blocks of runbooks; they are yours from then on."
)
@click.option(
    "--take-theirs", is_flag=True, help="Write edited blocks of runbooks anew, as opsgen has them."
)
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Write nothing; exit 1 if anything would be written.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Leave out specs that are wrong, and their output as it was; exit 1.",
)
@_shard
@_format_of("json", "github", "sarif")
@_reporting_mistakes
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
    if take_mine and take_theirs:
        raise click.UsageError("--take-mine and --take-theirs exclude each other")
    take: Side | None = "mine" if take_mine else "theirs" if take_theirs else None
    from opsgen.fleet.unchanged import Shortcut

    shortcut = Shortcut.of(paths, out, shard) if form == "text" and not keep_going else None
    before = shortcut.lines() if shortcut else None
    if before is not None:
        _say_notes(before)
        sys.exit(0)
    from opsgen.fleet.build import check_fresh, write_fleet
    from opsgen.fleet.make import make_fleet
    from opsgen.output.disk import WriteError

    fleet = make_fleet(paths, _progress, keep_going, shard)
    _say_mistakes(fleet.mistakes)
    notes = [
        *(f"warning: {one}" for one in fleet.warnings),
        *(f"not yet generated: {one}" for one in fleet.not_yet),
    ]
    _say_notes(notes)
    try:
        target = fleet.out(out)
        report = (
            check_fresh(fleet, target) if only_check else write_fleet(fleet, target, force, take)
        )
    except WriteError as error:
        _say(click.style(str(error), fg="red"))
        sys.exit(1)
    for line in report.lines:
        _say(line)
    if form != "text":
        from opsgen.model.findings import FORMATS, of_lines, of_mistakes

        found = [*of_mistakes(fleet.mistakes), *report.findings, *of_lines(fleet.warnings)]
        click.echo(FORMATS[form](found), nl=False)
    if shortcut and report.good:
        shortcut.keep(
            report.out, report.wanted, fleet.own_templates, [*notes, report.nothing_to_do]
        )
    if fleet.left_out:
        _say(
            click.style(
                f"left out, and as they were: {', '.join(sorted(fleet.left_out))}", fg="red"
            )
        )
    sys.exit(0 if report.good and not fleet.left_out else 1)


@main.command(help=_DIFF_HELP, short_help="Say what changes in meaning.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.option(
    "--from", "revision", metavar="REV", help="Compare with the output at this revision of git."
)
@click.option(
    "--out", type=_PATHS, metavar="DIR", help="The output; default: what opsgen.yaml says, or out."
)
@_format_of("json", "markdown")
@_reporting_mistakes
def diff(paths: tuple[Path, ...], revision: str | None, out: Path | None, form: str) -> None:
    from opsgen.changes.of_build import changes
    from opsgen.changes.words import as_json, as_markdown, as_text
    from opsgen.fleet.make import make_fleet
    from opsgen.output.disk import WriteError

    fleet = make_fleet(paths, _progress)
    try:
        found = changes(fleet, fleet.out(out), revision)
    except WriteError as error:
        _say(f"{click.style('not read:', fg='red')} {error}")
        sys.exit(1)
    if form == "json":
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    elif form == "markdown":
        click.echo(as_markdown(found), nl=False)
    else:
        for line in as_text(found):
            click.echo(line)


@main.command(help=_MANIFESTS_HELP, short_help="Print the Kubernetes resources.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@_reporting_mistakes
def manifests(paths: tuple[Path, ...]) -> None:
    from opsgen.fleet.build import manifests
    from opsgen.fleet.make import make_fleet

    fleet = make_fleet(paths, _progress)
    _say_notes(f"warning: {one}" for one in fleet.warnings)
    click.echo(manifests(fleet), nl=False)


@main.command(
    "import", help=_IMPORT_HELP, short_help="Make specs of sloth, pyrra, OpenSLO, Backstage."
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
    type=_PATHS,
    metavar="DIR",
    help="Where to; - prints.",
)
@_reporting_mistakes
def import_(paths: tuple[Path, ...], to: Path) -> None:
    from opsgen.importers.run import import_files, lacking

    found = import_files(paths)
    _say_notes(f"left behind: {note}" for note in found.notes)
    _say_mistakes(found.refused)
    kept = 0
    for name, text in found.specs.items():
        if to == Path("-"):
            click.echo(f"---\n{text}", nl=False)
        elif _write_new(to / f"{name}.yaml", text):
            _say(f"wrote {to / name}.yaml")
        else:
            kept += 1
            _say(f"{to / name}.yaml is there already, and was left as it is")
        _say_notes(f"to do: {one}" for one in lacking(text, name))
    if not found.specs:
        _say(click.style("Nothing was imported.", fg="red"))
        sys.exit(2)
    sys.exit(1 if found.refused or kept else 0)


def _write_new(file: Path, text: str) -> bool:
    """Whether there was no such file yet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        return False
    return True


@main.command(help=_EXPORT_HELP, short_help="Print SLOs as OpenSLO.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.option("--openslo", is_flag=True, required=True, help="As OpenSLO v1.")
@_reporting_mistakes
def export(paths: tuple[Path, ...], openslo: bool) -> None:
    from opsgen.fleet.load import load_fleet
    from opsgen.importers.openslo import openslo_of

    for model in load_fleet(paths, _progress).services:
        click.echo(openslo_of(model.service), nl=False)


@main.command(help=_CHECK_HELP, short_help="Prove specs without writing anything.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@_today
@_shard
@_format_of("json", "github", "sarif", "junit")
@_reporting_mistakes
def check(paths: tuple[Path, ...], today: datetime | None, shard: Shard | None, form: str) -> None:
    from opsgen.fleet.load import load_fleet
    from opsgen.judge.check import check_fleet

    fleet = load_fleet(paths, _progress, shard)
    for warning in fleet.warnings:
        _say(f"{click.style('warning:', fg='yellow')} {warning}")
    report = check_fleet(fleet, today.date() if today else None)
    if form == "json":
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        for line in report.lines:
            _say(line)
    if form in ("github", "sarif", "junit"):
        from opsgen.model.findings import FORMATS, as_junit, of_lines

        found = [*report.findings, *of_lines(fleet.warnings)]
        click.echo(as_junit(report.cases) if form == "junit" else FORMATS[form](found), nl=False)
    sys.exit(0 if report.good else 1)


@main.group(short_help="What runbooks still lack.")
def runbook() -> None:
    """What the owners of runbooks still owe their readers."""


@runbook.command(help=_STATUS_HELP, short_help="A table of how complete they are.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@click.option(
    "--out",
    type=_PATHS,
    metavar="DIR",
    help="Where they are; default: what opsgen.yaml says, or out.",
)
@_today
@_format_of("json", "markdown")
@_reporting_mistakes
def status(paths: tuple[Path, ...], out: Path | None, today: datetime | None, form: str) -> None:
    from opsgen.fleet.load import load_fleet
    from opsgen.judge.runbook_review import as_markdown, as_text, review_fleet

    fleet = load_fleet(paths, _progress)
    reviews = review_fleet(fleet, fleet.out(out), today.date() if today else None)
    if form == "json":
        click.echo(json.dumps([review.as_json() for review in reviews], indent=2))
    elif form == "markdown":
        click.echo(as_markdown(reviews), nl=False)
    else:
        for line in as_text(reviews):
            click.echo(line)
    sys.exit(1 if any(review.fails for review in reviews) else 0)


@main.command(help=_INIT_HELP, short_help="Write a spec to start from.")
@click.argument("path", required=False, type=_PATHS)
@click.option("--project", is_flag=True, help="Write a project file, opsgen.yaml, instead.")
def init(path: Path | None, project: bool) -> None:
    from opsgen.load.library import TEMPLATES

    name = "opsgen.yaml" if project else "service.yaml"
    target = path or Path(name)
    text = (TEMPLATES / "init" / name).read_text(encoding="utf-8")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        _say(f"{target} is there already; name another file: opsgen init other.yaml")
        sys.exit(2)
    except OSError as error:
        _say(f"{target} can't be written: {error.strerror}")
        sys.exit(2)
    _say(f"{target} is written. Make it yours, then: opsgen build {'.' if project else target}")


@main.command(help=_SCHEMA_HELP, short_help="Print the JSON Schema of a file.")
@click.argument(
    "kind",
    default="service",
    type=click.Choice(["service", "project", "pack", "convention", "texts"]),
    required=False,
)
def schema(kind: str) -> None:
    from opsgen.load.schema import json_schema

    click.echo(json.dumps(json_schema(kind), indent=2, ensure_ascii=False))


@main.command(
    help=_EXPLAIN_HELP, short_help="Show every value and alert, and where they come from."
)
@click.argument("spec", type=_PATHS)
@_format
@_reporting_mistakes
def explain(spec: Path, form: str) -> None:
    from opsgen.explain.values import explain_json, explain_text
    from opsgen.fleet.load import load_fleet

    fleet = load_fleet([spec])
    if form == "json":
        click.echo(
            json.dumps(
                [explain_json(m.service, m.derived) for m in fleet.services],
                indent=2,
                ensure_ascii=False,
            )
        )
        return
    click.echo(
        "\n".join(explain_text(model.service, model.derived) for model in fleet.services), nl=False
    )


@main.command(help=_ROUTE_HELP, short_help="Say who is told of an alert, how, and when.")
@click.argument("spec", type=_PATHS)
@click.option(
    "--severity",
    type=click.Choice(["page", "ticket", "info"]),
    help="Of alerts of this severity alone.",
)
@click.option("--alert", metavar="NAME", help="Of this alert alone.")
@click.option("--at", "at", metavar="TIME", help='A moment: "Sat 03:00", or "2027-12-25 03:00".')
@click.option("--timezone", default="UTC", show_default=True, help="Where --at is.")
@_format
@_reporting_mistakes
def route(
    spec: Path, severity: str | None, alert: str | None, at: str | None, timezone: str, form: str
) -> None:
    from opsgen.explain.routes import answers, as_json, as_text, moment_of
    from opsgen.fleet.build import alertmanager_of
    from opsgen.fleet.load import load_fleet

    try:
        moment = moment_of(at, timezone) if at else None
    except (ValueError, OSError, KeyError):
        right = 'write "Sat 03:00" or "2027-12-25 03:00", and a time zone such as Europe/Berlin'
        _say(f"--at {at!r} in {timezone!r} is no moment; {right}")
        sys.exit(2)
    fleet = load_fleet([spec])
    config = alertmanager_of(fleet)
    found = [
        answer
        for model in fleet.services
        for answer in answers(model.service, model.derived, config, moment, severity, alert)
    ]
    if not found:
        known = sorted({a.name for model in fleet.services for a in model.derived.alerts})
        _say(f"there is no such alert; the alerts are {', '.join(known)}")
        sys.exit(2)
    if form == "json":
        click.echo(json.dumps([as_json(answer) for answer in found], indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(as_text(found, f"on {at} {timezone}")), nl=False)


@main.command(help=_LINT_HELP, short_help="Find alerts that can never fire, in any rule files.")
@click.argument("paths", nargs=-1, required=True, type=_PATHS, metavar="PATH...")
@_format_of("json", "github", "sarif")
@_reporting_mistakes
def lint(paths: tuple[Path, ...], form: str) -> None:
    from opsgen.judge.lint import lint_paths

    findings = lint_paths(paths)
    if form == "json":
        click.echo(
            json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False)
        )
    elif form != "text":
        from opsgen.model.findings import FORMATS

        click.echo(FORMATS[form](finding.as_finding() for finding in findings), nl=False)
    else:
        for finding in findings:
            click.echo(str(finding))
        _say(f"{len(findings)} finding{'' if len(findings) == 1 else 's'}.")
    sys.exit(1 if findings else 0)
