"""Pyrra's ServiceLevelObjective (pyrra.dev/v1alpha1) goes in; a service spec comes out.

Source: its definition, and slo/rules.go for the burn rates.
"""

from __future__ import annotations

from typing import Any

from opsgen.importers.events import percentage, shared_matchers, slug
from opsgen.importers.source import At, Imported, Source
from opsgen.promql import PromqlError, Selector, one_line, parse
from opsgen.quantities import Duration
from opsgen.resolve.own_queries import OWN_LABELS

# Of a window of 28 days: severity, factor, long and short windows in hours; for other windows in
# proportion.
BURN_RATES = (
    ("page", 14, 1, 1 / 12),
    ("page", 7, 6, 0.5),
    ("ticket", 2, 24, 2),
    ("ticket", 1, 96, 6),
)
_TEAM = "pyrra.dev/team"
# Of each kind: which of our events it gives, and what it calls them.
_INDICATORS = (("ratio", "bad", "errors"), ("latency", "good", "success"))
_NATIVE = "a native histogram has no buckets to count; name the classic histogram under latency"
_GAUGE = (
    "it counts samples of a gauge, but an SLO of opsgen counts events;"
    " to watch a probe, write uptime"
)
# Indicators that have no counterpart, and why.
_REFUSED = {
    "latencyNative": _NATIVE,
    "latency_native": _NATIVE,
    "boolGauge": _GAUGE,
    "bool_gauge": _GAUGE,
}
_OWN_LABEL = "is a label that opsgen sets on every alert, so grouping by it would merge all groups"


def is_pyrra(source: Source) -> bool:
    return (
        source.text("apiVersion").startswith("pyrra.dev/")
        and source.text("kind") == "ServiceLevelObjective"
    )


def from_pyrra(source: Source) -> Imported:
    """The service's spec. Raises InputError for what has no counterpart: native histograms,
    gauges."""
    found = Imported(slug(source, ("metadata", "name")))
    labels = source.at("metadata", "labels") or {}
    if _TEAM in labels:
        found.spec["team"] = slug(source, ("metadata", "labels", _TEAM))
    slo = _slo(source, found.service)
    queries = [text for key, text in slo.items() if key in ("bad", "good", "total")]
    found.spec["match"] = shared_matchers(queries)
    found.spec["slos"] = [slo]
    window = ("spec", "window")
    found.notes.append(source.note(window, _burn_rates(source, source.text(*window))))
    if source.at("spec", "alerting"):
        words = "opsgen names alerts itself; not imported: alerting"
        found.notes.append(source.note(("spec", "alerting"), words))
    return found


def _slo(source: Source, name: str) -> dict[str, Any]:
    indicator = ("spec", "indicator")
    for kind, wrong in _REFUSED.items():
        if source.at(*indicator, kind) is not None:
            raise source.refused((*indicator, kind), wrong)
    events = _events(source, indicator)
    if events is None:
        raise source.refused(indicator, "it has no indicator that opsgen understands")
    grouping = _grouping(source, indicator)
    slo = {
        "name": name,
        "objective": percentage(source, ("spec", "target")),
        "window": source.text("spec", "window"),
        **events,
    }
    if grouping:
        slo["grouping"] = grouping
    description = " ".join(source.text("spec", "description").split())
    if description:
        slo["description"] = description
    return slo


def burn_rates(window: Duration) -> list[dict[str, Any]]:
    """Pyrra's burn rates, for a project file: factors stay, windows follow the objective's, in
    whole minutes."""
    hours = float(window.seconds / 3600)

    def scaled(part: float) -> str:
        # As Go rounds: a half goes up.
        return f"{int(hours * part / (28 * 24) * 60 + 0.5)}m"

    return [
        {"severity": severity, "factor": factor, "long": scaled(long), "short": scaled(short)}
        for severity, factor, long, short in BURN_RATES
    ]


def _burn_rates(source: Source, window: str) -> str:
    try:
        rates = burn_rates(Duration.of(window))
    except ValueError:
        raise source.refused(("spec", "window"), f"'{window}' is not a period") from None
    pairs = (", ".join(f"{key}: {value}" for key, value in rate.items()) for rate in rates)
    listed = ", ".join(f"{{{one}}}" for one in pairs)
    return (
        "pyrra has burn rates of its own;"
        f" to keep them, write in opsgen.yaml: slo: {{burn_rates: [{listed}]}}"
    )


def _grouping(source: Source, indicator: At) -> list[str]:
    found = []
    for kind, *_ in _INDICATORS:
        for path in source.each(*indicator, kind, "grouping"):
            label = source.text(*path)
            if label in OWN_LABELS:
                raise source.refused(path, f"{label} {_OWN_LABEL}", "group by another label")
            found.append(label)
    return found


def _events(source: Source, indicator: At) -> dict[str, Any] | None:
    for kind, ours, theirs in _INDICATORS:
        path = (*indicator, kind)
        if source.at(*path) is not None:
            return {
                ours: _rate(source, (*path, theirs, "metric")),
                "total": _rate(source, (*path, "total", "metric")),
            }
    return None


def _rate(source: Source, path: At) -> str:
    text = source.text(*path)
    try:
        node = parse(text)
    except PromqlError as error:
        raise source.refused(path, f"this is not PromQL: {error}") from None
    if not isinstance(node, Selector) or node.range is not None:
        raise source.refused(path, "this is not a metric")
    return f"rate({one_line(node)}[5m])"
