"""Faults of a rule beside its query: its fields go in, and the fields with one fault come out, or
None where the rule is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opsgen.judge.mutation.query_faults import OTHER
from opsgen.judge.mutation.rulefile import Rule

Fields = Mapping[str, Any]
RuleFault = Callable[[Rule], Iterator[tuple[str, Fields | None]]]


def deleted(rule: Rule) -> Iterator[tuple[str, Fields | None]]:
    if rule.is_alert:
        yield "the rule is gone", None


def without(key: str) -> RuleFault:
    def fault(rule: Rule) -> Iterator[tuple[str, Fields | None]]:
        if key in rule.fields:
            fields = {name: value for name, value in rule.fields.items() if name != key}
            yield f"{key}: {rule.fields[key]} is gone", fields

    return fault


def changed(key: str, value: str) -> RuleFault:
    """Another value of a key that the rule has."""

    def fault(rule: Rule) -> Iterator[tuple[str, Fields | None]]:
        if rule.fields.get(key, value) != value:
            yield f"{key}: {rule.fields[key]} becomes {value}", {**rule.fields, key: value}

    return fault


def record_renamed(rule: Rule) -> Iterator[tuple[str, Fields | None]]:
    if not rule.is_alert:
        name = f"{rule.name}_other"
        yield f"it becomes {name}", {**rule.fields, "record": name}


def record_label_wrong(rule: Rule) -> Iterator[tuple[str, Fields | None]]:
    if not rule.is_alert:
        for label, value in rule.labels.items():
            yield _relabelled(rule, label, value + OTHER)


def label_changed(label: str) -> RuleFault:
    def fault(rule: Rule) -> Iterator[tuple[str, Fields | None]]:
        value = rule.labels.get(label)
        if rule.is_alert and value is not None:
            yield _relabelled(rule, label, _SEVERITIES.get(value, str(value) + OTHER))

    return fault


_SEVERITIES = {"page": "ticket", "ticket": "page"}


def _relabelled(rule: Rule, label: str, value: str) -> tuple[str, Fields]:
    labels = {**rule.labels, label: value}
    words = f"the label {label}: {rule.labels[label]} becomes {value}"
    return words, {**rule.fields, "labels": labels}
