"""The PromQL of a spec goes in; its tree comes out. Refuses what the project's Prometheus could not
answer."""

from __future__ import annotations

from opsgen.promql import Call, Matcher, Node, PromqlError, Selector
from opsgen.promql.rewrite import rule_query
from opsgen.promql.tree import walk
from opsgen.promql.versions import TooNew, too_new
from opsgen.quantities import Duration
from opsgen.resolve.context import Context
from opsgen.resolve.mistakes import KeyPath

# opsgen sets these on every recorded series or alert. That would overwrite the expression's own
# values, and its groups could not be told apart.
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
    """The tree of a query of the spec; None after a mistake was noted."""
    try:
        node = rule_query(text)
    except PromqlError as error:
        context.wrong(
            path, f"this is not valid PromQL: {error}", "try it in Prometheus' own query page"
        )
        return None
    return node if is_known(context, path, node) else None


def is_known(context: Context, path: KeyPath, node: Node) -> bool:
    """Whether the project's Prometheus knows everything that a query uses; notes a mistake if
    not."""
    return _is_known(context, path, node, "write the query without it")


def is_known_label(context: Context, path: KeyPath, label: str) -> bool:
    """Whether the project's Prometheus knows such a name of a label; notes a mistake if not."""
    node = Selector("up", (Matcher(label, "=", ""),))
    return _is_known(context, path, node, "name a label of letters, digits and _")


def _is_known(context: Context, path: KeyPath, node: Node, right: str) -> bool:
    prometheus = context.organisation.platform.prometheus
    newer = too_new(node, prometheus)
    if newer is not None:
        context.wrong(path, *_beyond(newer, prometheus, right))
    return newer is None


def _beyond(newer: TooNew, version: str, right: str) -> tuple[str, str]:
    """What is wrong where a newer Prometheus is needed, and what would be right."""
    if newer.since is None:
        return f"{newer.what} needs a feature flag of Prometheus", right
    wrong = f"{newer.what} needs Prometheus {newer.since}; the project says {version}"
    return wrong, f"{right}, or set prometheus.version in opsgen.yaml"


def check_ranges(context: Context, path: KeyPath, node: Node) -> None:
    """Notes a range that is too short. A rate needs two samples in its range, and only a range of
    two scrape intervals always has them."""
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
    """The shortest range among the arguments of a function that needs two samples."""
    if not isinstance(node, Call) or node.function not in _NEED_TWO_SAMPLES:
        return None
    ranges = (selected.range for selected in node.args if isinstance(selected, Selector))
    return min((window for window in ranges if isinstance(window, Duration)), default=None)
