"""The text of a generated rule file and of its proof go in; the rules come out, each with its query
as a tree, and what the file says about them: who records what, and which buckets there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from opsgen.judge.documents import parsed_yaml
from opsgen.promql import Binary, Call, Node, Number, Selector, Subquery, parse
from opsgen.promql.tree import Aggregate, Matcher, selectors
from opsgen.quantities import Duration

ALERTS = "ALERTS"
# `level:metric:operations`, where the window ends the operations:
# https://prometheus.io/docs/practices/rules/
_WINDOW = re.compile(r"(?:\d+(?:ms|[smhdwy]))+$")
_BUCKET = re.compile(r'(?P<metric>[\w:]+)\{(?:.*,)?le="(?P<le>[^"]+)"')
_COUNTING = ("increase", "delta")
_KEEPING_COUNTS = ("sum_over_time", "max_over_time", "min_over_time", "last_over_time")


@dataclass(frozen=True)
class Rule:
    """One rule of a file: its place, its fields as written, and its query as a tree."""

    group: int
    index: int
    line: int
    fields: Mapping[str, Any] = field(repr=False)
    tree: Node = field(repr=False)

    @property
    def is_alert(self) -> bool:
        return "alert" in self.fields

    @property
    def name(self) -> str:
        name: str = self.fields["alert" if self.is_alert else "record"]
        return name

    @property
    def labels(self) -> Mapping[str, str]:
        return self.fields.get("labels") or {}

    @property
    def is_step(self) -> bool:
        """Whether it fires because another alert does."""
        return any(found.metric == ALERTS for found in selectors(self.tree))

    @property
    def title(self) -> str:
        """The name with the labels that tell it from others of the file."""
        telling = ("slo", "signal", "severity", "step")
        told = [f"{label}={self.labels[label]}" for label in telling if label in self.labels]
        return f"{self.name} ({', '.join(told)})" if told else self.name


@dataclass(frozen=True)
class RuleFile:
    """A rule file, parsed."""

    document: Mapping[str, Any]
    rules: tuple[Rule, ...]
    buckets: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, rules: str, proof: Mapping[str, Any]) -> RuleFile:
        document = parsed_yaml(rules)
        return cls(document, tuple(_rules(document, _lines(rules))), _buckets(proof))

    @cached_property
    def records(self) -> Mapping[str, list[Rule]]:
        """The recording rules by the name of what they record."""
        records: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if not rule.is_alert:
                records.setdefault(rule.name, []).append(rule)
        return records

    def recording(self, selector: Selector) -> list[Rule]:
        """The rules that record what the selector reads."""
        rules = self.records.get(selector.metric or "", [])
        return [rule for rule in rules if fits(selector.matchers, rule.labels)]

    def other_windows(self, selector: Selector) -> list[str]:
        """The names that record the same with another window, the shortest window first."""
        stem = _stem(selector.metric or "")
        known = self.recording(selector)
        if not known or stem == selector.metric:
            return []
        names = [
            name
            for name, rules in self.records.items()
            if name != selector.metric
            and _stem(name) == stem
            and any(rule.labels == known[0].labels for rule in rules)
        ]
        return sorted(names, key=_window_seconds)

    def counts_events(self, node: Node) -> bool:
        """Whether the node is a number of events, and no ratio, rate or level."""
        match node:
            case Call():
                kept = node.function in _KEEPING_COUNTS and self.counts_events(node.args[-1])
                return node.function in _COUNTING or kept
            case Aggregate() | Subquery():
                return self.counts_events(node.expr)
            case Binary():
                return node.op in ("+", "-", "or") and self.counts_events(node.left)
            case Selector():
                return any(self.counts_events(rule.tree) for rule in self.recording(node))
            case _:
                return False


def fits(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    """Whether exact matchers allow these labels; other matchers allow everything."""
    return all(
        labels.get(matcher.label, "") == matcher.value for matcher in matchers if matcher.op == "="
    )


def _rules(document: Mapping[str, Any], lines: Mapping[tuple[int, int], int]) -> Iterator[Rule]:
    for number, group in enumerate(document["groups"]):
        for index, fields in enumerate(group["rules"]):
            tree = parse(str(fields["expr"]))
            yield Rule(number, index, lines[number, index], fields, tree)


def _lines(text: str) -> dict[tuple[int, int], int]:
    """The line of each rule, by the numbers of its group and of the rule in it."""
    found = {}
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    for number, group in enumerate(_entry(root, "groups").value):
        for index, rule in enumerate(_entry(group, "rules").value):
            found[number, index] = rule.start_mark.line + 1
    return found


def _entry(mapping: Any, key: str) -> Any:
    return next(value for name, value in mapping.value if name.value == key)


def _buckets(proof: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The buckets of each histogram in the proof's series, the smallest first, without +Inf."""
    found: dict[str, set[str]] = {}
    for test in proof["tests"]:
        for series in test.get("input_series") or ():
            bucket = _BUCKET.match(series["series"])
            if bucket:
                found.setdefault(bucket["metric"], set()).add(bucket["le"])
    return {metric: tuple(sorted(bounds - {"+Inf"}, key=float)) for metric, bounds in found.items()}


def _stem(name: str) -> str:
    return _WINDOW.sub("", name)


def _window_seconds(name: str) -> float:
    window = _WINDOW.search(name)
    return float(Duration.parse(window[0]).seconds) if window else 0.0


def is_zero(node: Node) -> bool:
    """`0`, `0 * x`, `vector(0)`: what stands where there is no series."""
    match node:
        case Number():
            return node.value == 0
        case Binary():
            return node.op == "*" and (is_zero(node.left) or is_zero(node.right))
        case Call():
            return node.function == "vector" and is_zero(node.args[0])
        case _:
            return False
