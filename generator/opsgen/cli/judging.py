"""The commands that find faults: check, lint, runbook status."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsgen.cli.command_options import (
    PATHS,
    format_option,
    reporting_mistakes,
    shard_option,
    today_option,
)
from opsgen.cli.printing import (
    MANY,
    print_findings,
    print_json,
    print_lines,
    progress,
    say,
    say_lines,
    watched,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from opsgen.fleet.load import FleetModel
    from opsgen.judge.check import CheckReport
    from opsgen.judge.mutation.report import MutationReport
    from opsgen.judge.programs import Verdict
    from opsgen.load.discovery import Shard
    from opsgen.quantities import Ratio

_CHECK_HELP = """Prove the specs at PATH without writing anything.

\b
  opsgen check specs/
  opsgen check --format json specs/ | jq .failed

Validates every spec. Checks that each alert has a panel, a runbook section, a route to somebody
and a proof. Runs promtool and amtool on the result where they are installed.

\b
  opsgen check --mutate specs/
  opsgen check --mutate --sample 200 --at-least 90% specs/

With --mutate it tests the proofs instead: it plants single faults in the rules, such as a threshold
that is twice as large, and runs the proof on each. It lists the faults that no proof notices."""


_STATUS_HELP = """Show how complete the runbooks of the specs at PATH are, the least complete
first.

\b
  opsgen runbook status specs/
  opsgen runbook status --today 2027-01-31 specs/
  opsgen runbook status --format markdown specs/ >comment.md

Counts the questions that nobody has answered ("To write"), the alerts with notes from people, and
faults: links that lead nowhere, commands that name another service. Exit code 1 if there is a
fault, or if opsgen.yaml asks for more (runbooks.complete, and runbooks.review_after with
--today)."""


_LINT_HELP = """Find alerts that can never fire, labels that do not exist and what Prometheus
would not load, in any rule files.

\b
  opsgen lint rules.yaml
  opsgen lint manifests/ values.yaml
  opsgen lint --prometheus 2.53 rules/
  opsgen lint --format json rules/ | jq '.[].rule'

Computes which labels both sides of every operator can have, and which values. Takes for granted
that Prometheus scrapes every series, and so adds job and instance. A file can say otherwise in a
comment of its own: # opsgen: pushed, or # opsgen: external-label cluster. Needs no Prometheus.

Reads Prometheus rule files (also *.rules, *.alerts and JSON), the resources PrometheusRule, VMRule,
Rules and ClusterRules, and the rules in ConfigMaps, lists and Helm values. Leaves aside, with a
line, what is in LogQL or MetricsQL, Grafana's own alert rules, and templates. Exit code 1 if there
is a finding."""


def _ratio_of(_ctx: click.Context, _param: click.Parameter, value: str) -> Ratio:
    from opsgen.quantities import Ratio

    try:
        return Ratio.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(help=_CHECK_HELP, short_help="Prove specs without writing anything.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@today_option
@shard_option
@click.option("--mutate", is_flag=True, help="Plant faults in the rules, and count those noticed.")
@click.option(
    "--at-least",
    default="95%",
    show_default=True,
    callback=_ratio_of,
    metavar="PERCENT",
    help="With --mutate: fail if the proofs notice fewer of the faults.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --mutate: plant only N faults, the same ones each time, from every kind.",
)
@format_option("json", "github", "sarif", "junit")
@reporting_mistakes
def check(
    paths: tuple[Path, ...],
    today: date | None,
    shard: Shard | None,
    mutate: bool,
    at_least: Ratio,
    sample: int | None,
    form: str,
) -> None:
    from opsgen.fleet.load import load_fleet
    from opsgen.judge.check import check_fleet
    from opsgen.judge.mutation.report import mutate_fleet

    fleet = load_fleet(paths, progress, shard)
    for warning in fleet.warnings:
        say(f"{click.style('warning:', fg='yellow')} {warning}")
    report: CheckReport | MutationReport
    if mutate:
        report = mutate_fleet(fleet, _planting, at_least, sample)
    else:
        report = check_fleet(fleet, today, _judging)
    if form == "json":
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        say_lines(report.lines)
    if form in ("github", "sarif", "junit"):
        _print_for_pipelines(fleet, report, form)
    sys.exit(0 if report.good else 1)


def _planting(tried: Iterable[bool], number: int) -> Iterable[bool]:
    return watched(tried, number, "Planting faults")


def _judging(verdicts: Iterable[Verdict], number: int) -> Iterable[Verdict]:
    return watched(verdicts, number, "Checking") if number >= MANY else verdicts


def _print_for_pipelines(
    fleet: FleetModel, report: CheckReport | MutationReport, form: str
) -> None:
    from opsgen.model.findings import as_junit, of_lines

    if form == "junit":
        click.echo(as_junit(report.cases), nl=False)
        return
    print_findings([*report.findings, *of_lines(fleet.warnings)], form)


@click.group(short_help="Show what runbooks still lack.")
def runbook() -> None:
    """Show what runbooks still lack."""


@runbook.command(help=_STATUS_HELP, short_help="Show how complete each runbook is.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@click.option(
    "--out",
    type=PATHS,
    metavar="DIR",
    help="The folder with the runbooks; default: out of opsgen.yaml, or else out.",
)
@today_option
@format_option("json", "markdown")
@reporting_mistakes
def status(paths: tuple[Path, ...], out: Path | None, today: date | None, form: str) -> None:
    from opsgen.fleet.load import load_fleet
    from opsgen.judge.runbook_review import as_markdown, as_text, review_fleet

    fleet = load_fleet(paths, progress)
    reviews = review_fleet(fleet, fleet.project.out(out), today)
    if form == "json":
        click.echo(json.dumps([review.as_json() for review in reviews], indent=2))
    elif form == "markdown":
        click.echo(as_markdown(reviews), nl=False)
    else:
        print_lines(as_text(reviews))
    sys.exit(1 if any(review.fails for review in reviews) else 0)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _version(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\d+\.\d+(\.\d+)?", value):
        raise click.BadParameter(f"'{value}' is not a version; write for example 2.53")
    return value


@click.command(help=_LINT_HELP, short_help="Find alerts that can never fire, in any rule files.")
@click.argument("paths", nargs=-1, required=True, type=PATHS, metavar="PATH...")
@click.option(
    "--pushed",
    is_flag=True,
    help="Series may lack job and instance: they are pushed (OTLP, Pushgateway), not scraped.",
)
@click.option(
    "--external-label",
    "external_labels",
    multiple=True,
    metavar="LABEL",
    help="A label that another Prometheus has added to the series, for Thanos Ruler or federation.",
)
@click.option(
    "--prometheus",
    callback=_version,
    metavar="VERSION",
    help="The Prometheus that loads the rules, such as 2.53; default: any, or Thanos Ruler, Mimir.",
)
@format_option("json", "github", "sarif")
@reporting_mistakes
def lint(
    paths: tuple[Path, ...],
    pushed: bool,
    external_labels: tuple[str, ...],
    prometheus: str | None,
    form: str,
) -> None:
    from opsgen.judge.lint import lint_report
    from opsgen.labelflow import Assumptions

    report = lint_report(paths, Assumptions(not pushed, external_labels), prometheus)
    if form == "json":
        print_json([finding.as_dict() for finding in report.findings])
    elif form != "text":
        print_findings((finding.as_finding() for finding in report.findings), form)
    else:
        print_lines(str(finding) for finding in report.findings)
    say_lines(report.lines)
    if form == "text":
        say(f"{_counted(len(report.findings), 'finding')} in {_counted(report.rules, 'rule')}.")
    sys.exit(1 if report.findings else 0)
