"""A set of rules goes in; what makes Prometheus refuse it comes out.

Prometheus loads a rule file whole or not at all. These are the checks of its package rulefmt, and
of the YAML decoder below it (go-yaml 3); expressions are judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import yaml

from opsgen.judge.releases import NEWEST, OLDEST, Release
from opsgen.judge.rule_sets import RuleGroup, RuleSet
from opsgen.judge.rule_templates import rule_template_error
from opsgen.judge.yaml_nodes import Field, Fields, Position, fields_of, is_null, place_of, text_of
from opsgen.quantities import is_duration

ProblemKind = Literal[
    "not-yaml",
    "second-document",
    "unknown-key",
    "key-twice",
    "wrong-value",
    "group-name",
    "not-a-rule",
    "rule-of-two-kinds",
    "invalid-name",
    "template",
    "syntax",
    "unknown-comment",
]

PROBLEM_KINDS: dict[ProblemKind, str] = {
    "not-yaml": "a file that is not YAML: none of its rules is loaded",
    "second-document": "a further YAML document of a rule file, which Prometheus does not read",
    "unknown-key": "a key that Prometheus does not know: none of the file's rules is loaded",
    "key-twice": "a key that is written twice: none of the file's rules is loaded",
    "wrong-value": "a value that the key does not take, such as a duration without its unit",
    "group-name": "a group without a name, or two groups of one file with the same name",
    "not-a-rule": "an entry of `rules` without a name or an expression",
    "rule-of-two-kinds": "an alert that also records, or a recording rule with keys of an alert",
    "invalid-name": "a name of a series, a label or an annotation that Prometheus refuses",
    "template": "a template of an annotation or a label that Prometheus cannot parse",
    "syntax": "an expression that Prometheus cannot parse",
    "unknown-comment": "a comment for opsgen that says nothing it knows",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps Prometheus from reading what is there, and what would be right."""

    kind: ProblemKind
    place: Position
    message: str
    right: str
    group: str = ""
    rule: str = ""


# The structs of model/rulefmt/rulefmt.go (3.16), with the releases that brought the keys.
_GROUP_KEYS: Mapping[str, Release] = {
    "name": OLDEST,
    "interval": OLDEST,
    "query_offset": (2, 53),
    "limit": OLDEST,
    "rules": OLDEST,
    "labels": (3, 0),
}
_RULE_KEYS: Mapping[str, Release] = {
    "record": OLDEST,
    "alert": OLDEST,
    "expr": OLDEST,
    "for": OLDEST,
    "keep_firing_for": OLDEST,
    "labels": OLDEST,
    "annotations": OLDEST,
}
_FILE_KEYS: Mapping[str, Release] = {"groups": OLDEST}
# Of rulers that read the files of Prometheus and a little more: Thanos Ruler, Mimir and Loki, and
# mimirtool.
_RULERS_GROUP_KEYS = frozenset(
    {
        "partial_response_strategy",
        "source_tenants",
        "evaluation_delay",
        "align_evaluation_time_on_interval",
    }
)
_RULERS_FILE_KEYS = frozenset({"namespace"})
_ONLY_OF_ALERTS = ("for", "keep_firing_for", "annotations")

_UTF8_NAMES: Release = (3, 0)
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# What go-yaml reads as a number, and so as an integer (it cuts off decimals).
_INTEGER = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|[0-9][0-9_]*"
    r"|(?:\.[0-9_]+|[0-9][0-9_]*\.?[0-9_]*)(?:[eE][-+]?[0-9]+)?)"
)

_Wrong = tuple[str, str]


def format_problems(rules: RuleSet, release: Release | None) -> Iterator[Problem]:
    """What this release of Prometheus would refuse; without one, what every release and every ruler
    that reads Prometheus' rule files would."""
    return _Judge(rules, release).problems()


class _Judge:
    def __init__(self, rules: RuleSet, release: Release | None) -> None:
        self._rules = rules
        self._form = rules.form
        self._release = release or NEWEST
        self._others = frozenset() if release else _RULERS_GROUP_KEYS
        self._seen: set[int] = set()
        self._group = ""
        self._rule = ""

    def problems(self) -> Iterator[Problem]:
        if self._rules.root:
            others = _RULERS_FILE_KEYS if self._others else frozenset()
            yield from self._mapping(self._rules.root, _FILE_KEYS, others, "a rule file")
        names: set[str] = set()
        for group in self._rules.groups:
            self._group, self._rule = text_of(group.fields.get("name")), ""
            if self._form.is_closed:
                yield from self._group_name(group, names)
            yield from self._group_problems(group)

    def _group_name(self, group: RuleGroup, names: set[str]) -> Iterator[Problem]:
        if not self._group:
            yield self._problem("group-name", group.node, "the group has no name", "give it one")
        elif self._group in names:
            yield self._problem(
                "group-name",
                group.fields["name"].key,
                f"the group `{self._group}` is there twice",
                "give each group of a file its own name",
            )
        names.add(self._group)

    def _group_problems(self, group: RuleGroup) -> Iterator[Problem]:
        if not isinstance(group.node, yaml.MappingNode):
            if self._form.is_closed and not is_null(group.node):
                right = "write `name: ...` and `rules: [...]`"
                yield self._problem("wrong-value", group.node, "this is not a group", right)
        elif self._is_new(group.node):
            others = self._form.keys | self._others
            yield from self._mapping(group.node, _GROUP_KEYS, others, "a group")
            yield from self._names_of_labels(group.fields.get("labels"))
        for node in group.rules:
            if self._is_new(node):
                yield from self._rule_problems(node)

    def _is_new(self, node: yaml.Node) -> bool:
        """An alias repeats what has been judged."""
        is_new = id(node) not in self._seen
        self._seen.add(id(node))
        return is_new

    def _rule_problems(self, node: yaml.Node) -> Iterator[Problem]:
        fields = fields_of(node)
        alert, record = text_of(fields.get("alert")), text_of(fields.get("record"))
        self._rule = alert or record
        yield from self._mapping(node, _RULE_KEYS, frozenset(), "a rule")
        yield from self._incomplete(node, fields)
        if alert and record:
            message = f"the rule is an alert and records `{record}`"
            right = "write two rules"
            yield self._problem("rule-of-two-kinds", fields["record"].key, message, right)
        if record:
            yield from self._record(fields, record)
        yield from self._names_of_labels(fields.get("labels"))
        yield from self._names(fields.get("annotations"), "an annotation")
        if alert and self._form.raw:
            yield from self._templates(fields)

    def _incomplete(self, node: yaml.Node, fields: Fields) -> Iterator[Problem]:
        expr = fields.get("expr")
        if self._rule and expr and not _is_empty(expr):
            return
        missing = "`expr` with PromQL" if self._rule else "`alert` or `record` with its name"
        place = expr.key if expr and self._rule else node
        yield self._problem("not-a-rule", place, "this is not a rule", f"it needs {missing}")

    def _record(self, fields: Fields, name: str) -> Iterator[Problem]:
        for key in _ONLY_OF_ALERTS:
            if key in fields and not _is_zero(fields[key].value):
                message = f"a recording rule has no `{key}`"
                right = "remove it, or write an alert"
                yield self._problem("rule-of-two-kinds", fields[key].key, message, right)
        is_valid = self._takes_utf8() or _METRIC.fullmatch(name)
        if not is_valid or "{" in name or "}" in name:
            message = f"`{name}` is not a valid name of a series"
            right = "write letters, digits, `_` and `:`, such as job:requests:rate5m"
            yield self._problem("invalid-name", fields["record"].key, message, right)

    def _names_of_labels(self, labels: Field | None) -> Iterator[Problem]:
        named = _inner(labels).get("__name__")
        if named:
            message, right = "a label can't be the name of the series", "remove it"
            yield self._problem("invalid-name", named.key, message, right)
        yield from self._names(labels, "a label")

    def _names(self, mapping: Field | None, what: str) -> Iterator[Problem]:
        for name, found in _inner(mapping).items():
            if not self._is_label(name):
                message = f"`{name}` is not a valid name of {what}"
                right = "write letters, digits and `_`"
                yield self._problem("invalid-name", found.key, message, right)

    def _is_label(self, name: str) -> bool:
        return bool(name) and (self._takes_utf8() or _LABEL.fullmatch(name) is not None)

    def _takes_utf8(self) -> bool:
        return self._release >= _UTF8_NAMES

    def _templates(self, fields: Fields) -> Iterator[Problem]:
        for part, what in (("labels", "label"), ("annotations", "annotation")):
            for name, found in _inner(fields.get(part)).items():
                error = rule_template_error(text_of(found), self._release)
                if error:
                    message = f"the template of the {what} `{name}` is not valid: {error.message}"
                    yield self._problem("template", found.key, message, error.right)

    def _mapping(
        self, node: yaml.Node, known: Mapping[str, Release], others: frozenset[str], what: str
    ) -> Iterator[Problem]:
        """Its keys and the shapes of their values."""
        if not isinstance(node, yaml.MappingNode):
            return
        fields = fields_of(node)
        yield from self._twice(node)
        if self._form.is_closed:
            yield from self._keys(fields, known, others, what)
        for key, found in fields.items():
            if key in known and key in _VALUES and not is_null(found.value):
                yield from self._value(key, found)

    def _value(self, key: str, found: Field) -> Iterator[Problem]:
        wrong = _VALUES[key](found.value)
        is_templated = not self._form.is_closed and "{{" in text_of(found)
        if wrong and not is_templated:
            yield self._problem("wrong-value", found.key, f"`{key}` {wrong[0]}", wrong[1])
        if key in ("labels", "annotations") and not wrong:
            yield from self._twice(found.value)

    def _keys(
        self, fields: Fields, known: Mapping[str, Release], others: frozenset[str], what: str
    ) -> Iterator[Problem]:
        for key, found in fields.items():
            since = known.get(key)
            if since is None and key not in others:
                near = get_close_matches(key, known, 1)
                right = f"did you mean `{near[0]}`?" if near else f"it has {_listed(known)}"
                message = f"{what} of Prometheus has no `{key}`"
                yield self._problem("unknown-key", found.key, message, right)
            elif since is not None and since > self._release:
                message = f"`{key}` of {what} needs Prometheus {since[0]}.{since[1]}"
                yield self._problem("unknown-key", found.key, message, "remove it")

    def _twice(self, node: yaml.Node) -> Iterator[Problem]:
        if not isinstance(node, yaml.MappingNode):
            return
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                message = f"the key `{key.value}` is there twice"
                yield self._problem("key-twice", key, message, "remove one of them")
            elif isinstance(key, yaml.ScalarNode):
                seen.add(key.value)

    def _problem(self, kind: ProblemKind, node: yaml.Node, message: str, right: str) -> Problem:
        place = place_of(node, self._rules.locate)
        return Problem(kind, place, message, right, self._group, self._rule)


def _inner(mapping: Field | None) -> Fields:
    return fields_of(mapping.value) if mapping else {}


def _is_empty(found: Field) -> bool:
    return isinstance(found.value, yaml.ScalarNode) and (
        is_null(found.value) or not found.value.value
    )


def _is_zero(node: yaml.Node) -> bool:
    """Whether Prometheus takes the value for absent: nothing, no annotations, no time."""
    if isinstance(node, yaml.ScalarNode):
        return is_null(node) or not any(char in "123456789" for char in node.value)
    return not node.value


def _listed(known: Mapping[str, Release]) -> str:
    return ", ".join(f"`{key}`" for key in known)


def _text(node: yaml.Node) -> _Wrong | None:
    return None if isinstance(node, yaml.ScalarNode) else ("is not a text", "write one value")


def _duration(node: yaml.Node) -> _Wrong | None:
    if isinstance(node, yaml.ScalarNode) and is_duration(node.value):
        return None
    written = f" `{node.value}`" if isinstance(node, yaml.ScalarNode) else ""
    right = "write a number and a unit, largest unit first: 30s, 5m, 1h30m"
    return f"is not a duration:{written}" if written else "is not a duration", right


def _integer(node: yaml.Node) -> _Wrong | None:
    is_number = isinstance(node, yaml.ScalarNode) and _INTEGER.fullmatch(node.value)
    is_quoted = isinstance(node, yaml.ScalarNode) and bool(node.style)
    return None if is_number and not is_quoted else ("is not a number", "write a whole number")


def _list(node: yaml.Node) -> _Wrong | None:
    is_list = isinstance(node, yaml.SequenceNode)
    return None if is_list else ("is not a list", "begin each entry with `- `")


def _texts(node: yaml.Node) -> _Wrong | None:
    if not isinstance(node, yaml.MappingNode):
        return "does not have the form `name: value`", "write {name: value}"
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            return "has a name that is not a text", "write {name: value}"
        is_merge = key.value == "<<"
        if not isinstance(value, yaml.ScalarNode) and not is_merge:
            return f"has at `{key.value}` something else than a text", "write {name: value}"
    return None


# What go-yaml takes for the types of the structs; nothing (null) is taken everywhere.
_VALUES: Mapping[str, Callable[[yaml.Node], _Wrong | None]] = {
    "name": _text,
    "interval": _duration,
    "query_offset": _duration,
    "limit": _integer,
    "rules": _list,
    "labels": _texts,
    "record": _text,
    "alert": _text,
    "expr": _text,
    "for": _duration,
    "keep_firing_for": _duration,
    "annotations": _texts,
}
