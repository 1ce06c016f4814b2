"""The business signals of a spec go in; the service's come out, each with its query, its unit and
the conditions that alert."""

from __future__ import annotations

from opsgen.load.business_spec import BusinessAlertSpec, BusinessSpec
from opsgen.model.service import BusinessAlert, BusinessSignal
from opsgen.promql import Aggregate, Node, Selector
from opsgen.resolve.context import Context
from opsgen.resolve.match import checked_matchers
from opsgen.resolve.mistakes import KeyPath
from opsgen.resolve.own_queries import OWN_LABELS, check_ranges, parsed


def business_signals(context: Context) -> tuple[BusinessSignal, ...]:
    """Every business signal of the spec, in its order."""
    specs = context.spec.business
    signals = tuple(_signal(context, index, spec) for index, spec in enumerate(specs))
    context.refuse_double([signal.name for signal in signals], "business", "business signals")
    return signals


def _signal(context: Context, index: int, spec: BusinessSpec) -> BusinessSignal:
    path = ("business", index)
    _check_query(context, (*path, "query"), spec.query)
    if not spec.name[:1].isalpha():
        wrong = f"an alert can't be named after {spec.name}: it does not begin with a letter"
        context.wrong((*path, "name"), wrong, "begin the name with a letter")
    match = spec.match
    matchers = None if match is None else checked_matchers(context, (*path, "match"), match)
    alerts = tuple(
        _alert(context, (*path, "alerts", position), alert)
        for position, alert in enumerate(spec.alerts)
    )
    return BusinessSignal(
        name=spec.name,
        title=spec.title or spec.name,
        description=spec.description or "",
        query=spec.query,
        unit=spec.unit,
        alerts=alerts,
        place=context.place(*path),
        matchers=matchers,
        was=spec.was,
    )


def _check_query(context: Context, path: KeyPath, text: str) -> None:
    node = parsed(context, path, text)
    if node is None:
        return
    if isinstance(node, Selector) and node.range is not None:
        wrong = "a range of samples is not a number"
        context.wrong(path, wrong, f"write for example rate({text})")
    else:
        check_ranges(context, path, node)
    _check_grouping(context, path, node)


def _check_grouping(context: Context, path: KeyPath, node: Node) -> None:
    if not isinstance(node, Aggregate) or not node.grouping or node.grouping.without:
        return
    for label in sorted(OWN_LABELS.intersection(node.grouping.labels)):
        wrong = (
            f"opsgen sets the label {label} on every alert, so the groups could not be told apart"
        )
        context.wrong(path, wrong, "group by another label")


def _alert(context: Context, path: KeyPath, spec: BusinessAlertSpec) -> BusinessAlert:
    return BusinessAlert(
        place=context.place(*path),
        below=spec.below,
        above=spec.above,
        drop=spec.drop,
        absent=spec.absent,
        against=spec.against,
        hold=spec.for_,
        severity=spec.severity,
    )
