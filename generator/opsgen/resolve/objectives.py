"""The SLOs of a spec go in; the service's come out, after checking that their metrics can measure
them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from opsgen.load.objective_spec import SloSpec
from opsgen.model.service import Convention, EventSlo, Histogram, SloKind
from opsgen.promql import Matcher
from opsgen.quantities import Duration, Ratio, number_text
from opsgen.resolve.bucket_bounds import boundaries_beside
from opsgen.resolve.context import Context
from opsgen.resolve.counted_events import check_events
from opsgen.resolve.mistakes import KeyPath, Mistakes
from opsgen.resolve.needs import Parts, refuse_without
from opsgen.resolve.own_queries import OWN_LABELS, is_known_label

_SHORTEST_SLO, _LONGEST_SLO = Duration.of("1d"), Duration.of("365d")
# The parts of a convention that an SLO is measured by.
_MEASURED_BY: dict[str, Parts] = {
    "availability": ("requests", "errors"),
    "latency": ("latency",),
}


def service_objectives(
    context: Context, convention: Convention, matchers: Iterable[Matcher]
) -> tuple[EventSlo, ...]:
    """Every SLO of the spec, in its order; `matchers` are the service's."""
    specs = context.spec.slos
    for index, spec in enumerate(specs):
        if spec.total is not None:
            check_events(context, ("slos", index), spec, matchers)
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
        else:
            is_known_label(context, here, label)


def _check_boundary(
    context: Context, path: KeyPath, threshold: Duration, histogram: Histogram
) -> None:
    nearest = boundaries_beside(threshold, histogram)
    if not nearest:
        return
    texts = " and ".join(str(one) for one in nearest)
    if histogram.bound(threshold) > histogram.buckets[-1]:
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
