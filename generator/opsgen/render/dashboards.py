"""A service and its signals go in; its Grafana dashboard comes out: a panel for every signal, with
the thresholds of its alerts drawn on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase

from opsgen.model import links
from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import DASHBOARD
from opsgen.model.oncall import SEVERITIES, Severity
from opsgen.model.service import Service
from opsgen.model.signal import GROUPS, Alert, Derived, Group, Line, Signal, Threshold
from opsgen.promql import Matcher, Node, Selector, one_line
from opsgen.promql.rewrite import any_of, call, number, selector, sum_by, with_matchers, with_range
from opsgen.render.grafana import (
    Board,
    BoardLink,
    BoardRow,
    Firing,
    Link,
    ThresholdStep,
    Tile,
    TileQuery,
    Variable,
    dashboard_text,
    legend,
    plain_url,
    query_text,
)
from opsgen.render.subjects import OfService

# The tag of every generated dashboard, by which they link to each other.
TAG = "opsgen"
OK_COLOR = "green"
SEVERITY_COLORS: dict[Severity, str] = {"page": "red", "ticket": "orange", "info": "blue"}

_INSTANCE = Matcher("instance", "=~", "$instance")
# Groups whose raw series come from the service's own instances; recorded series and probes know no
# such instance.
_OF_INSTANCES: frozenset[Group] = frozenset({"traffic", "errors", "latency"})
# Which rows are open where not all can be: what users feel, then what may explain it.
_OPENED_FIRST: tuple[Group, ...] = (
    "slo",
    "traffic",
    "errors",
    "latency",
    "uptime",
    "business",
    "saturation",
    "dependencies",
    "deployment",
)
_RATE_WINDOW = "$__rate_interval"
_DOES: dict[Severity, str] = {"page": "pages", "ticket": "opens a ticket", "info": "informs"}


@dataclass(frozen=True)
class _Headline:
    """A stat of the overview row: it shows the group's signals whose names match. `steps` are its
    colours where no signal has thresholds."""

    key: str
    title: str
    group: Group
    names: str
    steps: tuple[ThresholdStep, ...] = (ThresholdStep(None, OK_COLOR),)


# A budget below zero means that the objective is missed.
_BUDGET_STEPS = (ThresholdStep(None, "red"), ThresholdStep(Decimal(0), OK_COLOR))


# A budget below zero means that the objective is missed.
_HEADLINES = (
    _Headline("budget", "Error budget left", "slo", "slo-*-budget", _BUDGET_STEPS),
    _Headline("requests", "Request rate", "traffic", "requests"),
    _Headline("errors", "Error ratio", "errors", "errors"),
    _Headline("latency", "Latency, p99", "latency", "latency-p99"),
)
_NOW = "As it is now; the panel below shows how it came to this."
_FIRING = "How many alerts of this service fire. They are marked on the time axis of every panel."


def render_dashboards(subject: OfService) -> Iterator[Artifact]:
    """The service's dashboards; now there is one for each service."""
    yield from subject.once(dashboards_in)


def dashboards_in(subject: OfService) -> list[Artifact]:
    """The dashboards of a subject, for `OfService.once`: more than one target delivers them."""
    service = subject.service
    text = dashboard_text(service_board(service, subject.derived))
    return [Artifact(DASHBOARD.path_of(service.name), text)]


def service_board(service: Service, derived: Derived) -> Board:
    """What the service's dashboard shows: an overview, then a row for every group that has
    signals."""
    name, team, tier = service.name, service.team.name, service.tier
    instances = f"label_values({_text(_up(service))}, instance)"
    return Board(
        uid=links.dashboard_uid(name),
        title=service.title or name,
        description=_about(service),
        tags=(TAG, f"service:{name}", f"team:{team}", f"tier:{tier}"),
        rows=(_overview(service, derived), *_rows(service, derived)),
        variables=(Variable("instance", "Instance", instances),),
        links=tuple(_board_links(service)),
        firing=Firing(_text(firing(name))),
        scrape_interval=service.platform.scrape_interval,
    )


def firing(service: str) -> Selector:
    """The firing alerts of a service, as Prometheus has them."""
    return selector("ALERTS", alertstate="firing", service=service, step="")


def or_zero(node: Node) -> Node:
    """The expression, or 0 where it has no result: zero firing alerts is a number, too."""
    return any_of([node, call("vector", number(0))])


def steps(thresholds: Iterable[tuple[Threshold, Severity]]) -> tuple[ThresholdStep, ...]:
    """The colours between thresholds: each is the colour of the most severe alert that would fire
    there."""
    drawn = tuple(thresholds)
    values = sorted({threshold.value for threshold, _ in drawn})
    spans = zip([None, *values], [*values, None], strict=True)
    return tuple(ThresholdStep(start, _color(drawn, start, end)) for start, end in spans)


def _color(
    drawn: tuple[tuple[Threshold, Severity], ...], start: Decimal | None, end: Decimal | None
) -> str:
    """The colour from `start` to `end`; None is no limit."""
    firing_here = {severity for limit, severity in drawn if _is_crossed(limit, start, end)}
    firing_colors = (SEVERITY_COLORS[one] for one in SEVERITIES if one in firing_here)
    return next(firing_colors, OK_COLOR)


def _is_crossed(limit: Threshold, start: Decimal | None, end: Decimal | None) -> bool:
    """Whether every value from `start` to `end` is on the bad side of the limit."""
    if limit.above:
        return start is not None and limit.value <= start
    return end is not None and limit.value >= end


def _about(service: Service) -> str:
    return _paragraphs(
        service.description,
        f"Owned by team {service.team.name}, tier {service.tier}.",
        f"Generated by opsgen from {service.spec_file}: change that, not this.",
    )


def _board_links(service: Service) -> Iterator[BoardLink]:
    if service.runbook_url:
        yield BoardLink("Runbook", url=plain_url(service.runbook_url))
    yield BoardLink("Other services", tag=TAG)


def _up(service: Service) -> Selector:
    return Selector("up", service.matchers)


def _text(node: Node) -> str:
    return query_text(one_line(node), _INSTANCE.value.removeprefix("$"))


def _overview(service: Service, derived: Derived) -> BoardRow:
    """The first numbers to look at, as far as the service has them."""
    found = (_headline(headline, derived) for headline in _HEADLINES)
    stats = [stat for stat in found if stat is not None]
    return BoardRow("row/overview", "Overview", (*stats, _firing_stat(service)))


def _headline(headline: _Headline, derived: Derived) -> Tile | None:
    of_group = [signal for signal in derived.signals if signal.group == headline.group]
    found = [signal for signal in of_group if fnmatchcase(signal.name, headline.names)]
    if not found:
        return None
    first = found[0]
    return Tile(
        key=f"overview/{headline.key}",
        title=headline.title,
        description=_paragraphs(first.description, _NOW),
        kind="stat",
        queries=_first_lines(found),
        unit=first.unit.grafana,
        steps=_steps_of(found) if any(_drawn(found)) else headline.steps,
    )


def _first_lines(signals: list[Signal]) -> tuple[TileQuery, ...]:
    """The first line of each signal: one query for all where that is possible, else a query for
    each, named by its signal."""
    lines = [(signal, _lines(signal)[0]) for signal in signals]
    if len(lines) == 1:
        return (_query(*lines[0]),)
    joined = _joined([line.query for _, line in lines])
    if joined is not None:
        return (joined,)
    return tuple(_query(signal, replace(line, legend=signal.title)) for signal, line in lines)


def _joined(nodes: list[Node]) -> TileQuery | None:
    """One selector instead of several on the same series. Its legend has the labels in which they
    differ."""
    selectors = [node for node in nodes if isinstance(node, Selector)]
    series = {replace(one, matchers=()) for one in selectors}
    if len(selectors) < len(nodes) or len(series) > 1:
        return None
    first = selectors[0]
    in_all = set.intersection(*(set(one.matchers) for one in selectors))
    shared = tuple(matcher for matcher in first.matchers if matcher in in_all)
    every = [matcher for one in selectors for matcher in one.matchers]
    differing = dict.fromkeys(matcher.label for matcher in every if matcher not in in_all)
    legend_text = " ".join(f"{{{{{label}}}}}" for label in differing)
    return TileQuery(_text(replace(first, matchers=shared)), legend_text)


def _firing_stat(service: Service) -> Tile:
    how_many = or_zero(sum_by(firing(service.name)))
    return Tile(
        key="overview/firing",
        title="Firing alerts",
        description=_FIRING,
        kind="stat",
        queries=(TileQuery(_text(how_many), "firing"),),
        steps=(ThresholdStep(None, OK_COLOR), ThresholdStep(Decimal(1), "red")),
    )


def _rows(service: Service, derived: Derived) -> Iterator[BoardRow]:
    panels: dict[str, list[Signal]] = {}
    for signal in derived.signals:
        panels.setdefault(signal.panel.key, []).append(signal)
    for group, title in GROUPS.items():
        of_group = [signals for signals in panels.values() if signals[0].group == group]
        tiles = tuple(_tile(service, signals) for signals in of_group)
        if tiles:
            yield BoardRow(f"row/{group}", title, tiles, rank=1 + _OPENED_FIRST.index(group))


def _tile(service: Service, signals: list[Signal]) -> Tile:
    """One panel for all signals that share it. It has the words and the unit of the first."""
    first = signals[0]
    panel = first.panel
    alerts = [alert for signal in signals for alert in signal.alerts]
    words = panel.description or first.description
    queries = (_query(signal, line) for signal in signals for line in _lines(signal))
    limits = (limit.value for limit, _ in _drawn(signals) if limit.above)
    return Tile(
        key=panel.key,
        title=panel.title or first.title,
        description=_paragraphs(words, *_alert_words(service, alerts)),
        kind=panel.kind,
        queries=tuple(dict.fromkeys(queries)),
        unit=first.unit.grafana,
        steps=_steps_of(signals),
        links=tuple(_runbook_links(service, alerts)),
        soft_max=min(limits, default=None),
    )


def _lines(signal: Signal) -> tuple[Line, ...]:
    return signal.panel.lines or (Line(signal.query, signal.title),)


def _query(signal: Signal, line: Line) -> TileQuery:
    """A line as a query of Grafana: rates over the window that fits the zoom, of the chosen
    instances only."""
    query = line.query
    if line.live:
        query = with_range(query, _RATE_WINDOW)
        if signal.group in _OF_INSTANCES:
            query = with_matchers(query, [_INSTANCE])
    words = legend(line.legend) if line.legend == signal.title else line.legend
    return TileQuery(_text(query), words)


def _drawn(signals: list[Signal]) -> Iterator[tuple[Threshold, Severity]]:
    """The thresholds that belong on the signals' panel. A fall by 50% does not belong on an axis of
    orders/s."""
    unit = signals[0].unit
    for signal in signals:
        for alert in signal.alerts:
            for threshold in alert.thresholds:
                if threshold.unit == unit:
                    yield threshold, alert.severity


def _steps_of(signals: list[Signal]) -> tuple[ThresholdStep, ...]:
    return steps(_drawn(signals))


def _alert_words(service: Service, alerts: list[Alert]) -> Iterator[str]:
    """What the dashed lines mean and what to do, a paragraph for each alert."""
    yield from dict.fromkeys(
        f"{alert.name} {_DOES[alert.severity]}{_at(alert)}: {alert.summary}" for alert in alerts
    )
    if not alerts:
        yield "No alert watches this; read it beside the panels that have one."
    elif service.runbook_url:
        yield "What to do is in the runbook: follow this panel's link."


def _at(alert: Alert) -> str:
    sides = [("above" if limit.above else "below", limit.words) for limit in alert.thresholds]
    limits = dict.fromkeys(f"{side} {words}" for side, words in sides)
    return f" {' or '.join(limits)}" if limits else ""


def _runbook_links(service: Service, alerts: list[Alert]) -> Iterator[Link]:
    """A link to every runbook section, with the signal's name where one alert has sections for
    several signals."""
    if not service.runbook_url:
        return
    sections = {links.alert_anchor(alert): alert for alert in alerts}
    counts = Counter(alert.name for alert in sections.values())
    for alert in sections.values():
        title = alert.name if counts[alert.name] == 1 else f"{alert.name} ({alert.signal})"
        yield Link(f"Runbook: {title}", plain_url(links.runbook_url(service, alert)))


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)
