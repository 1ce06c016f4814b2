"""The expression of a rule goes in; the language that it is written in comes out.

Rules of Loki and of VictoriaMetrics are kept in files of the same shape as Prometheus'. An
expression is of another language where it is no PromQL and has what only that language has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from opsgen.judge.rule_sets import RuleGroup, RuleSet
from opsgen.judge.yaml_nodes import fields_of, text_of
from opsgen.promql import PromqlError, parse

PROMQL, LOGQL, METRICSQL, TEMPLATE = "PromQL", "LogQL", "MetricsQL", "template"

# The languages of the groups of vmalert, by their `type`.
_VMALERT_TYPES = {
    "prometheus": METRICSQL,
    "vlogs": "LogsQL",
    "graphite": "Graphite's language",
}
# Keys of groups and rules that only vmalert has (app/vmalert/config of VictoriaMetrics).
_VMALERT_GROUP_KEYS = frozenset(
    {
        "type",
        "concurrency",
        "eval_offset",
        "eval_delay",
        "eval_alignment",
        "extra_filter_labels",
        "headers",
        "notifier_headers",
        "params",
        "tenant",
        "debug",
    }
)
_VMALERT_RULE_KEYS = frozenset({"debug", "update_entries_limit"})

WHOSE: Mapping[str, str] = {
    LOGQL: "the language of Loki",
    METRICSQL: "the language of VictoriaMetrics",
    "LogsQL": "the language of VictoriaLogs",
    "Graphite's language": "not PromQL",
    TEMPLATE: "a template of another tool; render it first, for example by `helm template`",
}

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|\#[^\n]*')
# A selector without a name of a metric, and a filter or a parser of log lines behind it.
_LOG_PIPELINE = re.compile(
    r"""(?:^|[\s(,])\{[^{}]*\}\s*(?:\|[=~>]|!\s*[=~>]\s*""|\|\s*[a-z_]+\b)""", re.IGNORECASE
)
_LOGQL_FUNCTION = re.compile(r"\b(?:bytes_over_time|bytes_rate|rate_counter)\s*\(|\|\s*unwrap\b")
_METRICSQL = re.compile(
    r"""
      \bkeep_metric_names\b
    | ^\s*with\s*\(                                   # templates: WITH (f = ...)
    | [\w)\]}]\s+(?:default|ifnot|if)\s+[-\w({]       # operators
    | \{[^{}]*""\s*or\b[^{}]*\}                       # {a="b" or c="d"}
    | \[\d+i\]                                        # windows in steps
    | \bgroup_(?:left|right)\s*\(\s*\*
    | \blimit\s+\d+\s*$
    # Functions of MetricsQL's documentation that nobody takes for one of Prometheus.
    | \b(?:
          (?:rollup|range|running|outliers?|topk|bottomk|smooth|keep|drop)_\w+ | rollup
        | label_(?:copy|del|graphite_group|keep|lowercase|map|match|mismatch|move|set|transform
                  |uppercase|value) | labels_equal | alias
        | (?:aggr|ascent|count_\w+|decreases|descent|distinct|duration|geomean|histogram|increases
            |iqr|median|mode|outlier_iqr|quantiles|range|share_\w+|stale_samples|sum_\w+|sum2
            |tfirst|tlast|tlast_change|tmax|tmin|zscore)_over_time
        | (?:changes|delta|increase|rate)_prometheus | increase_pure | deriv_fast | ideriv
        | histogram_share | prometheus_buckets | buckets_limit | scrape_interval | rate_over_sum
        | default_rollup | remove_resets | interpolate | bitmap_\w+ | hoeffding_bound_\w+
      )\s*\(
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{|<%")
# What Helm has and Prometheus has not; it may stand anywhere.
_HELM = re.compile(
    r"\{\{-?\s*(?:\(?\s*\$?\.(?:Values|Release|Chart|Capabilities|Files|Template)\b"
    r"|(?:include|tpl|toYaml|required)\s)"
)


def is_promql(expr: str) -> bool:
    """Whether Prometheus reads the expression."""
    try:
        parse(expr)
    except PromqlError:
        return False
    return True


def language_of(expr: str) -> str:
    """PromQL, if nothing speaks for another language."""
    if is_promql(expr):
        return PROMQL
    bare = _STRING.sub('""', expr)
    if _LOG_PIPELINE.search(bare) or _LOGQL_FUNCTION.search(bare):
        return LOGQL
    if _METRICSQL.search(bare):
        return METRICSQL
    return TEMPLATE if _TEMPLATE.search(bare) else PROMQL


def language_of_group(group: RuleGroup) -> str:
    """The language of a group of vmalert, by its `type`; PromQL for a group without its keys."""
    is_vmalerts = not _VMALERT_GROUP_KEYS.isdisjoint(group.fields)
    is_vmalerts |= any(not _VMALERT_RULE_KEYS.isdisjoint(fields_of(one)) for one in group.rules)
    if not is_vmalerts:
        return PROMQL
    return _VMALERT_TYPES.get(text_of(group.fields.get("type")), METRICSQL)


def is_helm_template(rules: RuleSet) -> bool:
    """Whether a text among the rules is one of Helm."""
    nodes = [found.value for group in rules.groups for found in group.fields.values()]
    nodes += [rule for group in rules.groups for rule in group.rules]
    seen: set[int] = set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.value, str):
            if "{{" in node.value and _HELM.search(node.value):
                return True
        else:
            nodes.extend(
                part
                for item in node.value
                for part in (item if isinstance(item, tuple) else [item])
            )
    return False
