"""A file of Prometheus rules goes in, or manifests of PrometheusRule; its rules with their places
come out.

The YAML is composed, not loaded: each rule keeps the line of its `expr` and of its annotations, and
an alias is a reference, however often it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import yaml

ProblemKind = Literal["not-yaml", "not-a-rule", "second-document", "syntax", "unknown-comment"]

PROBLEM_KINDS: dict[ProblemKind, str] = {
    "not-yaml": "a file that is not YAML: none of its rules is loaded",
    "not-a-rule": "an entry of `rules` without a name or an expression",
    "second-document": "a further YAML document of a rule file, which Prometheus does not read",
    "syntax": "an expression that Prometheus cannot parse",
    "unknown-comment": "a comment for opsgen that says nothing it knows",
}


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the file; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A value as written, and the place of its key."""

    value: str
    place: Position


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """One alerting or recording rule; `labels` are its group's and its own."""

    group: str
    name: str
    is_alert: bool
    expr: PlacedText
    labels: Mapping[str, PlacedText] = field(default_factory=dict, hash=False)
    annotations: Mapping[str, PlacedText] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps Prometheus from reading what is there, and what would be right."""

    kind: ProblemKind
    place: Position
    message: str
    right: str
    group: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class RuleFile:
    rules: tuple[WrittenRule, ...] = ()
    problems: tuple[Problem, ...] = ()


_START = Position(1, 1)
_ONLY_FIRST = (
    "Prometheus reads only the first document of a rule file: nothing from here on is loaded"
)
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
_LISTS = frozenset({"List", "PrometheusRuleList"})
# PyYAML's composer overflows the native stack on some 100,000 nested collections.
_DEEPEST = 1_000
_TEMPLATED = re.compile(
    r"^\s*\{\{|\{\{-|\{\{\s*(?:\.Values|\.Release|\.Chart|include\b|template\b)", re.MULTILINE
)
_RULE = re.compile(r"^\s*(?:-\s+)?(?:alert|record):\s", re.MULTILINE)


def read_rule_file(content: bytes) -> RuleFile | None:
    """The rules, and what is wrong with the file; None where the file is not a rule file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Position(content.count(b"\n", 0, error.start) + 1, 1)
        problem = Problem("not-yaml", place, "the file is not UTF-8", "save it as UTF-8")
        return RuleFile(problems=(problem,))
    try:
        documents = _compose(text)
    except yaml.YAMLError as error:
        return RuleFile(problems=(_not_yaml(text, error),))
    return _rule_file(documents)


def looks_like_rules(content: bytes) -> bool:
    """Whether a file that is not YAML was meant as rules, for example a template of them."""
    return _RULE.search(content.decode("utf-8", errors="replace")) is not None


def _compose(text: str) -> list[yaml.Node]:
    # Only long texts can be deep enough to matter, and counting takes as long as composing.
    if (
        len(text) > 2 * _DEEPEST
        and sum(text.count(opening) for opening in ("[", "{", "- ", "? ")) > _DEEPEST
    ):
        _refuse_depth(text)
    return list(yaml.compose_all(text, Loader=yaml.CSafeLoader))


def _refuse_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"nested more than {_DEEPEST} levels deep",
                problem_mark=cast(Any, event.start_mark),
            )


def _not_yaml(text: str, error: yaml.YAMLError) -> Problem:
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if _TEMPLATED.search(text):
        right = "render the template first, and lint what comes out: `helm template`"
    else:
        right = "correct the YAML there"
    return Problem("not-yaml", _error_place(text, error), f"the file is no YAML: {reason}", right)


def _error_place(text: str, error: yaml.YAMLError) -> Position:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return Position(mark.line + 1, mark.column + 1)
    before = text[: getattr(error, "position", 0)]
    return Position(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _rule_file(documents: list[yaml.Node]) -> RuleFile | None:
    """All manifests of PrometheusRule, and of a plain rule file the first document, as Prometheus
    reads it."""
    reader = _Reader()
    found = False
    for position, document in enumerate(documents):
        fields = _fields(document)
        if "kind" not in fields and _are_groups(fields.get("groups")):
            if position == 0:
                reader.read_groups(fields["groups"].value)
            else:
                reader.second_document(document)
            found = True
        elif position == 1 and found and document.tag != _NULL and not _is_manifest(fields):
            reader.second_document(document)
        else:
            found = reader.read_manifest(fields) or found
    return RuleFile(tuple(reader.rules), tuple(reader.problems)) if found else None


@dataclass(frozen=True, slots=True)
class _Field:
    key: yaml.Node
    value: yaml.Node


_Fields = dict[str, _Field]


def _are_groups(groups: _Field | None) -> bool:
    """Whether it is a rule file's list of groups; other files have groups of users and the like."""
    if groups is None or not isinstance(groups.value, yaml.SequenceNode):
        return False
    return not groups.value.value or any("rules" in _fields(group) for group in groups.value.value)


def _is_manifest(fields: _Fields) -> bool:
    return "kind" in fields and "apiVersion" in fields


class _Reader:
    """Collects the rules of one file; a part that aliases repeat is read once."""

    def __init__(self) -> None:
        self.rules: list[WrittenRule] = []
        self.problems: list[Problem] = []
        self._seen: set[int] = set()

    def second_document(self, document: yaml.Node) -> None:
        if any(problem.kind == "second-document" for problem in self.problems):
            return
        right = "put it into a file of its own"
        place = _place(document)
        self.problems.append(Problem("second-document", place, _ONLY_FIRST, right))

    def read_manifest(self, fields: _Fields) -> bool:
        """Reads a PrometheusRule or a list of them; returns whether the document is one."""
        kind = _scalar(fields.get("kind"))
        if kind in _LISTS:
            found = [self.read_manifest(_fields(item)) for item in self._fresh(fields.get("items"))]
            return any(found)
        if kind != "PrometheusRule":
            return False
        spec = fields.get("spec")
        groups = _fields(spec.value).get("groups") if spec else None
        if groups is not None:
            self.read_groups(groups.value)
        return True

    def read_groups(self, groups: yaml.Node) -> None:
        for group in self._fresh(_Field(groups, groups)):
            fields = _fields(group)
            name = _scalar(fields.get("name"))
            labels = _texts(fields.get("labels"))
            for rule in self._fresh(fields.get("rules")):
                self._read_rule(rule, name, labels)

    def _read_rule(
        self, node: yaml.Node, group: str, group_labels: Mapping[str, PlacedText]
    ) -> None:
        fields = _fields(node)
        is_alert = "alert" in fields
        name = _scalar(fields.get("alert" if is_alert else "record"))
        written = fields.get("expr")
        if not name or written is None or not isinstance(written.value, yaml.ScalarNode):
            place = _place(written.key if written and name else node)
            self.problems.append(_not_a_rule(place, group, name))
            return
        expr = PlacedText(written.value.value, _place(written.key))
        labels = {**group_labels, **_texts(fields.get("labels"))}
        annotations = _texts(fields.get("annotations"))
        self.rules.append(WrittenRule(group, name, is_alert, expr, labels, annotations))

    def _fresh(self, sequence: _Field | None) -> Iterator[yaml.Node]:
        if sequence is None or not isinstance(sequence.value, yaml.SequenceNode):
            return
        for item in sequence.value.value:
            if id(item) not in self._seen:
                self._seen.add(id(item))
                yield item


def _not_a_rule(place: Position, group: str, name: str) -> Problem:
    missing = "`expr` with PromQL" if name else "`alert` or `record` with its name"
    return Problem("not-a-rule", place, "this is not a rule", f"it needs {missing}", group, name)


def _fields(node: yaml.Node, seen: set[int] | None = None) -> _Fields:
    """The keys of a mapping, with those that `<<` merges in; of anything else none."""
    seen = set() if seen is None else seen
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return {}
    seen.add(id(node))
    merged: _Fields = {}
    own: _Fields = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                merged = {**_fields(source, seen), **merged}
        elif isinstance(key, yaml.ScalarNode):
            own[key.value] = _Field(key, value)
    return {**merged, **own}


def _texts(mapping: _Field | None) -> dict[str, PlacedText]:
    fields = _fields(mapping.value) if mapping else {}
    return {name: PlacedText(_scalar(found), _place(found.key)) for name, found in fields.items()}


def _scalar(found: _Field | None) -> str:
    return found.value.value if found and isinstance(found.value, yaml.ScalarNode) else ""


def _place(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)
