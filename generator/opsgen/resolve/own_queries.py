"""The PromQL that a spec writes: parsed, and refused where Prometheus could not answer it."""

from __future__ import annotations

from opsgen.promql import Call, Node, PromqlError, Selector, parse
from opsgen.promql.tree import walk
from opsgen.promql.versions import TooNew, too_new
from opsgen.quantities import Duration
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath

# On every recorded series or alert: what an expression kept of them would be overwritten, and
# groups fall together.
OWN_LABELS = frozenset(
    {
        "alertname",
        "alertstate",
        "environment",
        "service",
        "severity",
        "signal",
        "slo",
        "team",
        "tier",
    }
)
_NEED_TWO_SAMPLES = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear"}
)


def parsed(context: Context, path: KeyPath, text: str) -> Node | None:
    """The tree of a query of the spec, or None after the mistake was noted."""
    try:
        node = parse(text)
    except PromqlError as error:
        context.wrong(
            path, f"this is not valid PromQL: {error}", "try it in Prometheus' own query page"
        )
        return None
    return node if is_known(context, path, node) else None


def is_known(context: Context, path: KeyPath, node: Node) -> bool:
    """Whether the project's Prometheus knows all that a query uses; notes the mistake if not."""
    prometheus = context.organisation.platform.prometheus
    newer = too_new(node, prometheus)
    if newer is not None:
        context.wrong(path, *_beyond(newer, prometheus))
    return newer is None


def _beyond(newer: TooNew, version: str) -> tuple[str, str]:
    """What is wrong with a query for a newer Prometheus than the project's, and what would be
    right."""
    if newer.since is None:
        return f"{newer.what} needs a feature flag of Prometheus", "write the query without it"
    wrong = f"{newer.what} needs Prometheus {newer.since}; the project says {version}"
    return wrong, "write the query without it, or set prometheus.version in opsgen.yaml"


def check_ranges(context: Context, path: KeyPath, node: Node) -> None:
    """A rate needs two samples in its range, or it has no value; evaluated at any moment, that
    takes twice as long as a scrape does."""
    scrape = context.organisation.platform.scrape_interval
    for found in walk(node):
        window = _shortest_range(found)
        if window is not None and window < scrape * 2:
            assert isinstance(found, Call)  # nothing else has a range that needs two samples
            wrong = f"a range of {window} holds too few samples for {found.function}()"
            context.wrong(
                path, wrong, f"the scrape interval is {scrape}: write {scrape * 4} or more"
            )
            return


def _shortest_range(node: Node) -> Duration | None:
    """The shortest range that a function is given which needs two samples in it."""
    if not isinstance(node, Call) or node.function not in _NEED_TWO_SAMPLES:
        return None
    ranges = (selected.range for selected in node.args if isinstance(selected, Selector))
    return min((window for window in ranges if isinstance(window, Duration)), default=None)
