"""The text of a file goes in; the sets of rules in it come out, wherever they are.

A set is a rule file of Prometheus, the groups of a resource (PrometheusRule, VMRule, Rules,
ClusterRules) or of a chart's values, a list of rules, or a text with one of them inside of another
file, as a ConfigMap has it. What is no set of Prometheus rules but looks like one is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

import yaml

from opsgen.judge.yaml_nodes import (
    Field,
    Fields,
    Locate,
    Position,
    compose,
    error_place,
    fields_of,
    in_file,
    inside,
    is_null,
    items_of,
    place_of,
    text_of,
)


@dataclass(frozen=True, slots=True)
class Form:
    """What holds a set of rules, and so who reads it.

    Where it `is_closed`, a key that its reader does not know makes the whole set fail. `raw` says
    that annotations reach Prometheus as written, not through the templates of a chart. `keys` are
    those that a group has beside Prometheus' own.
    """

    is_closed: bool = False
    raw: bool = False
    keys: frozenset[str] = frozenset()
    language: str = "PromQL"


# Thanos Ruler's; the operator's resource has it too, and hides it from Prometheus.
_THANOS_KEYS = frozenset({"partial_response_strategy"})
RULE_FILE = Form(is_closed=True, raw=True)
RESOURCE = Form(is_closed=True, raw=True, keys=_THANOS_KEYS)
VALUES = Form()
VICTORIA = Form(language="MetricsQL")
_GOOGLE = Form(raw=True)

# Resources whose `spec.groups` are groups of rules.
_RESOURCES = {
    "PrometheusRule": RESOURCE,
    "VMRule": VICTORIA,
    "Rules": _GOOGLE,
    "ClusterRules": _GOOGLE,
    "GlobalRules": _GOOGLE,
}
GRAFANA = "alert rules of Grafana's own, which are not Prometheus'"
_FOREIGN_RESOURCES = {
    "GrafanaAlertRuleGroup": GRAFANA,
    "AlertingRule": "alert rules of Loki, in LogQL",
    "RecordingRule": "recording rules of Loki, in LogQL",
}
NO_RULES = "groups of something else than Prometheus rules"

_ANY_RULE_KEY = frozenset({"alert", "record", "expr"})
_GRAFANA_KEYS = frozenset({"uid", "title", "condition"})
# Texts in texts: a ConfigMap in a List in a file of values has two.
_DEEPEST_TEXT = 3
_NAME_OF_RULE = re.compile(r"(?:^|[\s{,\[])[\"']?(?:alert|record)[\"']?\s*:\s*\S", re.MULTILINE)
_EXPRESSION = re.compile(r"(?:^|[\s{,\[])[\"']?(?:expr|groups)[\"']?\s*:", re.MULTILINE)
_RULE_FILE = re.compile(r"^[\"'{\s]*groups[\"']?\s*:", re.MULTILINE)
_TEMPLATED = re.compile(
    r"^\s*\{\{|\{\{-|\{\{\s*(?:\.Values|\.Release|\.Chart|include\b|template\b)", re.MULTILINE
)
_MAY_HOLD_RULES = re.compile(rb"\b(?:alert|record|expr|datasourceUid)[\"']?\s*:")


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """A group; of a list of rules without a group, `node` is the list itself."""

    node: yaml.Node
    fields: Fields
    rules: tuple[yaml.Node, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Groups that one program loads together, and of a rule file the mapping around them."""

    form: Form
    root: yaml.Node | None
    groups: tuple[RuleGroup, ...]
    locate: Locate


@dataclass(frozen=True, slots=True)
class Broken:
    """A text that is not YAML, though it was meant as rules."""

    place: Position
    reason: str
    is_template: bool


@dataclass
class FoundSets:
    """All that was found in one file."""

    sets: list[RuleSet] = field(default_factory=list)
    foreign: list[tuple[Position, str]] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    unread_documents: list[Position] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.sets or self.foreign or self.broken)


def find_rule_sets(text: str) -> FoundSets:
    """All sets of rules in the text of a file."""
    found = FoundSets()
    try:
        documents = compose(text)
    except yaml.YAMLError as error:
        found.broken.append(_broken(text, error, in_file))
        return found
    _Finder(found, text, in_file, 0).read(documents)
    return found


def meant_as_rules(text: str) -> bool:
    """Whether a text was meant as rules, even if it is not YAML, for example a template of them."""
    return bool(_NAME_OF_RULE.search(text) and _EXPRESSION.search(text))


def may_hold_rules(content: bytes) -> bool:
    """Whether it is worth while to look for rules in a file; quick."""
    return _MAY_HOLD_RULES.search(content) is not None


def _broken(text: str, error: yaml.YAMLError, locate: Locate) -> Broken:
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    return Broken(
        locate(*error_place(text, error)), str(reason), _TEMPLATED.search(text) is not None
    )


class _Finder:
    """Collects the sets of one text; a part that aliases repeat is read once."""

    def __init__(self, found: FoundSets, text: str, locate: Locate, depth: int) -> None:
        self._found = found
        self._text = text
        self._locate = locate
        self._depth = depth
        self._seen: set[int] = set()

    def read(self, documents: list[yaml.Node]) -> None:
        """Of a plain rule file only the first document, as Prometheus does; of others all."""
        is_rule_file = False
        for position, document in enumerate(documents):
            fields = fields_of(document)
            groups = None if _is_manifest(fields) else _groups_of_rule_file(fields)
            if groups is not None and position == 0:
                is_rule_file = True
                self._add(RULE_FILE, document, groups)
            elif groups is not None or (position and is_rule_file and _is_lost(document, fields)):
                self._found.unread_documents.append(place_of(document, self._locate))
            else:
                self._search(document)

    def _add(self, form: Form, root: yaml.Node | None, groups: list[yaml.Node]) -> None:
        """A set of groups, unless it is somebody else's."""
        read = tuple(_group(node) for node in groups)
        rules = [fields_of(rule) for group in read for rule in group.rules or _misshapen(group)]
        if any(_is_grafana(rule) for rule in rules):
            self._found.foreign.append((place_of(groups[0], self._locate), GRAFANA))
        elif not rules or any(_ANY_RULE_KEY & rule.keys() for rule in rules):
            self._found.sets.append(RuleSet(form, root, read, self._locate))
        elif form is RULE_FILE:
            self._found.foreign.append((place_of(groups[0], self._locate), NO_RULES))

    def _search(self, document: yaml.Node) -> None:
        """All sets in a document of any other kind."""
        to_read = [document]
        while to_read:
            node = to_read.pop()
            if id(node) in self._seen:
                continue
            self._seen.add(id(node))
            if isinstance(node, yaml.ScalarNode):
                self._search_text(node)
            elif _is_list_of_rules(node):
                self._add(VALUES, None, [node])
            else:
                inner = self._search_mapping(node) if _is_mapping(node) else node.value
                to_read.extend(reversed(inner))

    def _search_mapping(self, node: yaml.Node) -> list[yaml.Node]:
        """Takes the groups or the rules of a mapping; gives what else may hold some."""
        fields = fields_of(node)
        kind = text_of(fields.get("kind"))
        if kind in _RESOURCES and "spec" in fields:
            self._read_resource(fields, _RESOURCES[kind])
            return []
        if kind in _FOREIGN_RESOURCES and "apiVersion" in fields:
            place = place_of(node, self._locate)
            self._found.foreign.append((place, _FOREIGN_RESOURCES[kind]))
            return []
        taken = ""
        groups = _groups_of(fields.get("groups"))
        if groups is not None:
            taken = "groups"
            self._add(VALUES, None, groups)
        elif "rules" in fields and _is_list_of_rules(fields["rules"].value):
            taken = "rules"
            self._add(VALUES, None, [node])
        return [found.value for key, found in fields.items() if key != taken]

    def _read_resource(self, fields: Fields, form: Form) -> None:
        spec = fields.get("spec")
        inner = fields_of(spec.value) if spec else {}
        self._add(form, None, items_of(inner.get("groups")))

    def _search_text(self, node: yaml.ScalarNode) -> None:
        """A text with rules, as a ConfigMap has them."""
        value = node.value
        if self._depth == _DEEPEST_TEXT or not meant_as_rules(value):
            return
        locate = inside(node, self._text, self._locate)
        try:
            documents = compose(value)
        except yaml.YAMLError as error:
            if _RULE_FILE.search(value):
                self._found.broken.append(_broken(value, error, locate))
            return
        _Finder(self._found, value, locate, self._depth + 1).read(documents)


def _is_manifest(fields: Fields) -> bool:
    return "kind" in fields and "apiVersion" in fields


def _is_lost(document: yaml.Node, fields: Fields) -> bool:
    """Whether a document after a rule file is something that somebody misses."""
    return not is_null(document) and not _is_manifest(fields)


def _groups_of_rule_file(fields: Fields) -> list[yaml.Node] | None:
    """The groups of a rule file; also if its only key is a misspelt `groups`."""
    if "groups" in fields or "kind" in fields:
        return _groups_of(fields.get("groups"), may_be_empty=True)
    near = get_close_matches("groups", fields, 1, 0.7)
    return _groups_of(fields[near[0]]) if near else None


def _groups_of(found: Field | None, *, may_be_empty: bool = False) -> list[yaml.Node] | None:
    """The groups of a list, if it is one of groups of rules; other files have groups of users and
    the like."""
    if found is None or not isinstance(found.value, yaml.SequenceNode):
        return None
    groups = found.value.value
    is_list_of_groups = any(_is_group(fields_of(group)) for group in groups)
    return groups if is_list_of_groups or (may_be_empty and not groups) else None


def _is_group(fields: Fields) -> bool:
    """Whether it has rules; also under a misspelt key."""
    return "rules" in fields or any(_is_list_of_rules(one.value) for one in fields.values())


def _is_list_of_rules(node: yaml.Node) -> bool:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        return False
    return all(_is_rule(fields_of(item)) for item in node.value)


def _is_rule(fields: Fields) -> bool:
    name = fields.get("alert") or fields.get("record")
    return bool(text_of(name) and text_of(fields.get("expr")))


def _is_mapping(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode)


def _misshapen(group: RuleGroup) -> list[yaml.Node]:
    """What stands where a list of rules belongs."""
    rules = group.fields.get("rules")
    is_list = rules is None or isinstance(rules.value, yaml.SequenceNode) or is_null(rules.value)
    return [] if is_list or rules is None else [rules.value]


def _is_grafana(fields: Fields) -> bool:
    return "grafana_alert" in fields or ("data" in fields and bool(_GRAFANA_KEYS & fields.keys()))


def _group(node: yaml.Node) -> RuleGroup:
    if isinstance(node, yaml.SequenceNode):
        return RuleGroup(node, {}, tuple(node.value))
    fields = fields_of(node)
    return RuleGroup(node, fields, tuple(items_of(fields.get("rules"))))
