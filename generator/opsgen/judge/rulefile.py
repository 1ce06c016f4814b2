"""A file with rules goes in; its Prometheus rules with their places come out, what keeps Prometheus
from loading them, and what is left aside because it is of another program.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from opsgen.judge.languages import (
    LOGQL,
    METRICSQL,
    PROMQL,
    TEMPLATE,
    WHOSE,
    is_helm_template,
    is_promql,
    language_of,
    language_of_group,
)
from opsgen.judge.releases import Release
from opsgen.judge.rule_format import PROBLEM_KINDS, Problem, format_problems
from opsgen.judge.rule_sets import (
    Broken,
    RuleGroup,
    RuleSet,
    find_rule_sets,
    may_hold_rules,
    meant_as_rules,
)
from opsgen.judge.yaml_nodes import (
    START,
    Field,
    Locate,
    Position,
    fields_of,
    place_of,
    text_of,
)

__all__ = [
    "PROBLEM_KINDS",
    "LeftAside",
    "PlacedText",
    "Position",
    "Problem",
    "RuleFile",
    "WrittenRule",
    "looks_like_rules",
    "may_hold_rules",
    "read_rule_file",
]


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


@dataclass(frozen=True, slots=True, order=True)
class LeftAside:
    """What is not judged, and whose it is."""

    place: Position
    what: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a file holds; `unread` are the rules that are left aside."""

    rules: tuple[WrittenRule, ...] = ()
    problems: tuple[Problem, ...] = ()
    left_aside: tuple[LeftAside, ...] = ()
    unread: tuple[WrittenRule, ...] = ()


_ONLY_FIRST = (
    "Prometheus reads only the first document of a rule file: nothing from here on is loaded"
)


def read_rule_file(content: bytes, release: Release | None = None) -> RuleFile | None:
    """The rules, and what this release of Prometheus, or any, would not load; None where the file
    holds no rules."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Position(content.count(b"\n", 0, error.start) + 1, 1)
        problem = Problem("not-yaml", place, "the file is not UTF-8", "save it as UTF-8")
        return RuleFile(problems=(problem,))
    found = find_rule_sets(text)
    if not found:
        return None
    reader = _Reader(release)
    reader.problems += [_not_yaml(broken) for broken in found.broken]
    reader.problems += [_unread(place) for place in found.unread_documents[:1]]
    reader.left_aside += [LeftAside(place, what) for place, what in found.foreign]
    for rules in found.sets:
        reader.read(rules)
    return RuleFile(
        tuple(reader.rules),
        tuple(reader.problems),
        tuple(reader.left_aside),
        tuple(reader.unread),
    )


def looks_like_rules(content: bytes) -> bool:
    """Whether a file that is not YAML was meant as rules, for example a template of them."""
    return meant_as_rules(content.decode("utf-8", errors="replace"))


def _not_yaml(broken: Broken) -> Problem:
    right = "correct the YAML there"
    if broken.is_template:
        right = "render the template first, and lint what comes out: `helm template`"
    return Problem("not-yaml", broken.place, f"the file is no YAML: {broken.reason}", right)


def _unread(place: Position) -> Problem:
    return Problem("second-document", place, _ONLY_FIRST, "put it into a file of its own")


class _Reader:
    """Collects what the sets of one file have; a part that aliases repeat is read once."""

    def __init__(self, release: Release | None) -> None:
        self._release = release
        self._seen: set[int] = set()
        self.rules: list[WrittenRule] = []
        self.problems: list[Problem] = []
        self.left_aside: list[LeftAside] = []
        self.unread: list[WrittenRule] = []

    def read(self, rules: RuleSet) -> None:
        found = [one for group in rules.groups for one in self._rules_of(group, rules.locate)]
        languages = {language for _, language in found} | {rules.form.language}
        languages |= {language_of_group(group) for group in rules.groups}
        if is_helm_template(rules):
            self._leave(TEMPLATE, [rule for rule, _ in found])
        elif LOGQL in languages:
            self._leave(LOGQL, [rule for rule, _ in found])
        elif languages <= {PROMQL, TEMPLATE}:
            self.problems += format_problems(rules, self._release)
            self._keep(found)
        else:
            self._keep(_of_victoria_metrics(found))

    def _keep(self, found: Iterable[tuple[WrittenRule, str]]) -> None:
        """Keeps the rules in PromQL, and leaves those in other languages."""
        others: dict[str, list[WrittenRule]] = {}
        for rule, language in found:
            if language == PROMQL:
                self.rules.append(rule)
            else:
                others.setdefault(language, []).append(rule)
        for language, rules in others.items():
            self._leave(language, rules)

    def _leave(self, language: str, rules: list[WrittenRule]) -> None:
        self.unread += rules
        place = min((rule.expr.place for rule in rules), default=START)
        counted = "1 rule" if len(rules) == 1 else f"{len(rules)} rules"
        what = f"{counted} in {language}, {WHOSE[language]}"
        if language == TEMPLATE:
            what = f"{counted} in {WHOSE[language]}"
        self.left_aside.append(LeftAside(place, what))

    def _rules_of(self, group: RuleGroup, locate: Locate) -> Iterator[tuple[WrittenRule, str]]:
        """The rules of a group, each with its language."""
        labels = _texts(group.fields.get("labels"), locate)
        name = text_of(group.fields.get("name"))
        of_group = language_of_group(group)
        for node in group.rules:
            if id(node) in self._seen:
                continue
            self._seen.add(id(node))
            rule = _rule(node, name, labels, locate)
            if rule is not None:
                is_known = of_group not in (PROMQL, METRICSQL)
                yield rule, of_group if is_known else language_of(rule.expr.value)


def _of_victoria_metrics(
    found: Iterable[tuple[WrittenRule, str]],
) -> Iterator[tuple[WrittenRule, str]]:
    """Most rules of vmalert are PromQL; what Prometheus can't read there is MetricsQL."""
    for rule, language in found:
        is_broken = language == PROMQL and not is_promql(rule.expr.value)
        yield rule, METRICSQL if is_broken else language


def _rule(
    node: yaml.Node, group: str, group_labels: Mapping[str, PlacedText], locate: Locate
) -> WrittenRule | None:
    """The rule, if it has a name and an expression."""
    fields = fields_of(node)
    is_alert = bool(text_of(fields.get("alert")))
    name = text_of(fields.get("alert")) or text_of(fields.get("record"))
    written = fields.get("expr")
    if not name or written is None or not text_of(written):
        return None
    expr = PlacedText(text_of(written), place_of(written.key, locate))
    labels = {**group_labels, **_texts(fields.get("labels"), locate)}
    return WrittenRule(
        group, name, is_alert, expr, labels, _texts(fields.get("annotations"), locate)
    )


def _texts(mapping: Field | None, locate: Locate) -> dict[str, PlacedText]:
    fields = fields_of(mapping.value) if mapping else {}
    return {
        name: PlacedText(text_of(found), place_of(found.key, locate))
        for name, found in fields.items()
    }
