"""The SLOs of a spec go in; the service's come out, after checking that their metrics can measure
them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from opsgen.load.objective_spec import SloSpec
from opsgen.model.service import Convention, EventSlo, Histogram, SloKind
from opsgen.promql import Aggregate, Call, Node, Selector, Subquery
from opsgen.promql.tree import walk
from opsgen.quantities import Duration, Ratio, number_text
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath, Mistakes
from opsgen.resolve.needs import Parts, refuse_without
from opsgen.resolve.own_queries import OWN_LABELS, check_ranges, parsed

_SHORTEST_SLO, _LONGEST_SLO = Duration.of("1d"), Duration.of("365d")
_COUNTER_FUNCTIONS = frozenset({"rate", "increase"})
_AVERAGING = frozenset({"avg", "max", "min", "quantile", "stddev", "stdvar"})
# The parts of a convention that an SLO is measured by.
_MEASURED_BY: dict[str, Parts] = {
    "availability": ("requests", "errors"),
    "latency": ("latency",),
}


def service_objectives(context: Context, convention: Convention) -> tuple[EventSlo, ...]:
    """Every SLO of the spec, in its order."""
    specs = context.spec.slos
    slos = tuple(_slo(context, index, spec, convention) for index, spec in enumerate(specs))
    context.refuse_double([slo.name for slo in slos], "slos", "SLOs")
    return slos


def warn_of_dependencies(context: Context, slos: Iterable[EventSlo]) -> None:
    """Warns of an objective above what the dependencies promise together: the service can't keep it
    alone."""
    product = Decimal(1)
    for dependency in context.spec.dependencies:
        if dependency.objective is not None:
            product *= dependency.objective.value
    at_most = number_text((product * 100).quantize(Decimal("0.001")))
    for index, slo in enumerate(slos):
        if slo.kind == "availability" and slo.objective.value > product:
            says = (
                f"an availability of {slo.objective} is above"
                f" what its dependencies promise together ({at_most}%)"
            )
            context.warn(("slos", index), says)


def check_window(path: KeyPath, window: Duration, mistakes: Mistakes) -> None:
    """Notes a period that is too short or too long for an SLO."""
    if not _SHORTEST_SLO <= window <= _LONGEST_SLO:
        mistakes.add(path, f"{window} is not a valid period for an SLO", "write 1d to 365d")


def _slo(context: Context, index: int, spec: SloSpec, convention: Convention) -> EventSlo:
    path = ("slos", index)
    kind, objective, title = _promise(context, path, spec, convention)
    _check_grouping(context, path, spec)
    return EventSlo(
        name=spec.name or kind,
        kind=kind,
        objective=objective,
        window=_window(context, index, spec),
        place=context.place(*path),
        min_bad_events=_min_bad_events(context, index, spec),
        grouping=tuple(dict.fromkeys(spec.grouping)),
        threshold=spec.latency.threshold if spec.latency else None,
        bad=spec.bad,
        good=spec.good,
        total=spec.total,
        title=spec.title or title,
        description=spec.description or "",
        was=spec.was,
    )


def _promise(
    context: Context, path: KeyPath, spec: SloSpec, convention: Convention
) -> tuple[SloKind, Ratio, str]:
    """Returns the kind of an SLO, its objective and its title, and checks what it is measured
    by."""
    if spec.availability is not None:
        here, parts = (*path, "availability"), _MEASURED_BY["availability"]
        refuse_without(context, here, "availability", parts, convention)
        return "availability", spec.availability, "Availability"
    if spec.latency is not None:
        threshold = spec.latency.threshold
        if convention.latency is None:
            here, parts = (*path, "latency"), _MEASURED_BY["latency"]
            refuse_without(context, here, "latency", parts, convention)
        else:
            _check_boundary(context, path, threshold, convention.latency)
        return "latency", spec.latency.objective, f"Answers under {threshold}"
    assert spec.objective is not None  # the model has one of the three forms,
    assert spec.name is not None  # and the third with a name
    for key in ("bad", "good", "total"):
        _check_events(context, (*path, key), getattr(spec, key))
    return "events", spec.objective, spec.name


def _window(context: Context, index: int, spec: SloSpec) -> Duration:
    key = f"slos[{index}].window"
    organisation = context.organisation
    if spec.window is None:
        context.origins[key] = organisation.origins["slo.window"]
        return organisation.slo_window
    context.origins[key] = context.origin("slos", index, "window")
    check_window(context.path("slos", index, "window"), spec.window, context.mistakes)
    return spec.window


def _min_bad_events(context: Context, index: int, spec: SloSpec) -> int:
    key, organisation = f"slos[{index}].min_bad_events", context.organisation
    if spec.min_bad_events is None:
        context.origins[key] = organisation.origins["slo.min_bad_events"]
        return organisation.min_bad_events
    context.origins[key] = context.origin("slos", index, "min_bad_events")
    return spec.min_bad_events


def _check_grouping(context: Context, path: KeyPath, spec: SloSpec) -> None:
    for index, label in enumerate(spec.grouping):
        here = (*path, "grouping", index)
        if label in OWN_LABELS or (label == "le" and spec.latency is not None):
            wrong = f"opsgen's own rules use the label {label}"
            context.wrong(here, wrong, "group by a label of the service's series")
        elif label.lower() in ("inf", "nan"):
            wrong = f"PromQL reads {label} as a number"
            context.wrong(here, wrong, "give the label another name")


def _check_boundary(
    context: Context, path: KeyPath, threshold: Duration, histogram: Histogram
) -> None:
    bound, buckets = histogram.bound(threshold), histogram.buckets
    if not buckets or bound in buckets:
        return
    unit = histogram.unit_seconds
    nearest = [Duration.from_seconds(one * unit) for one in _neighbours(bound, buckets)]
    texts = " and ".join(str(one) for one in nearest)
    if bound > buckets[-1]:
        wrong = f"{threshold} is above the histogram's last bucket"
        right = f"write at most {texts}, or write the real buckets under latency.buckets"
        context.wrong((*path, "latency"), wrong, right)
        return
    says = (
        f"{threshold} is not a bucket boundary of {histogram.base.metric}; the nearest are {texts}."
        f" Without a bucket at {threshold} the SLO has no data:"
        " use one of them, or write the real boundaries under latency.buckets"
    )
    context.warn((*path, "latency"), says)


def _neighbours(bound: Decimal, buckets: tuple[Decimal, ...]) -> list[Decimal]:
    below = [bucket for bucket in buckets if bucket < bound]
    above = [bucket for bucket in buckets if bucket > bound]
    return below[-1:] + above[:1]


def _check_events(context: Context, path: KeyPath, text: str | None) -> None:
    """Notes a query that does not count events."""
    node = None if text is None else parsed(context, path, text)
    if node is None:
        return
    example = "write for example rate(orders_failed_total[5m])"
    averaging = _averaging(node)
    if any(isinstance(found, Subquery) for found in walk(node)):
        wrong = "an SLO counts events, so it can't use a subquery"
        context.wrong(path, wrong, example)
    elif not _counts(node):
        wrong = (
            "an SLO counts events, so every metric must be a counter inside rate() or increase()"
        )
        context.wrong(path, wrong, example)
    elif averaging is not None:
        wrong = f"an SLO needs counts: use sum() instead of {averaging.op}()"
        context.wrong(path, wrong, f"or leave {averaging.op}() out")
    else:
        check_ranges(context, path, node)


def _counts(node: Node) -> bool:
    """Whether the query has metrics, and each is inside a function that counts."""
    functions = [call for call in walk(node) if isinstance(call, Call)]
    # By identity: the same selector may stand once under rate() and once bare.
    counted = {
        id(arg) for call in functions if call.function in _COUNTER_FUNCTIONS for arg in call.args
    }
    metrics = [found for found in walk(node) if isinstance(found, Selector)]
    return bool(metrics) and all(
        metric.range is not None and id(metric) in counted for metric in metrics
    )


def _averaging(node: Node) -> Aggregate | None:
    aggregates = (found for found in walk(node) if isinstance(found, Aggregate))
    return next((found for found in aggregates if found.op in _AVERAGING), None)
