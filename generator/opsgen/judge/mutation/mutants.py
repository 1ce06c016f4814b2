"""The texts of a rule file and of its proof go in; every mutant of the rules comes out, with the
faults that change nothing apart."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, zip_longest
from typing import Any

from opsgen.judge.documents import TextsByPath, beside, parsed_yaml
from opsgen.judge.mutation.equivalents import reason_of
from opsgen.judge.mutation.faults import FAULTS, Change
from opsgen.judge.mutation.rulefile import ALERTS, Rule, RuleFile, fits
from opsgen.model.artifact_kinds import FLEET_PROOF, PROOF, RULES
from opsgen.promql.tree import selectors

STEP = "step: "


@dataclass(frozen=True)
class Proof:
    """A proof and the rules that it is about. Each timeline of it is a file of its own here, so
    that a mutant is done with as soon as one of them notices it."""

    path: str
    rules_path: str
    rules: RuleFile = field(repr=False)
    timelines: tuple[str, ...] = field(repr=False)

    @cached_property
    def needed_by(self) -> Mapping[int, list[int]]:
        """For each rule, by its number in the file, those that read what it makes."""
        needed: dict[int, list[int]] = defaultdict(list)
        for number, rule in enumerate(self.rules.rules):
            for selector in selectors(rule.tree):
                for maker, made in enumerate(self.rules.rules):
                    name = ALERTS if made.is_alert else made.name
                    if selector.metric == name and _may_read(selector.matchers, made):
                        needed[maker].append(number)
        return needed

    def alerts_after(self, rule: Rule) -> set[str]:
        """The names of the alerts that depend on a rule."""
        reached: set[int] = set()
        waiting = [self.rules.rules.index(rule)]
        while waiting:
            number = waiting.pop()
            if number not in reached:
                reached.add(number)
                waiting.extend(self.needed_by.get(number, ()))
        found = (self.rules.rules[number] for number in reached)
        return {one.name for one in found if one.is_alert}


def _may_read(matchers: Any, made: Rule) -> bool:
    named = {**made.labels, "alertname": made.name} if made.is_alert else made.labels
    return fits(tuple(one for one in matchers if one.label != "alertstate"), named)


@dataclass(frozen=True)
class Mutant:
    """One fault in one rule. `kind` is the row of the table of faults; of an escalation's step it
    begins with `step:`. `same` is the reason why the fault changes nothing."""

    kind: str
    proof: Proof = field(repr=False)
    rule: Rule = field(repr=False)
    words: str
    fields: Mapping[str, Any] | None = field(repr=False)
    same: str = ""

    @property
    def text(self) -> str:
        """The rule file with the fault, as JSON, which is YAML too."""
        groups = [dict(group) for group in self.proof.rules.document["groups"]]
        group = groups[self.rule.group]
        written = [] if self.fields is None else [self.fields]
        before, after = group["rules"][: self.rule.index], group["rules"][self.rule.index + 1 :]
        group["rules"] = [*before, *written, *after]
        return json.dumps({**self.proof.rules.document, "groups": groups}, ensure_ascii=False)

    @property
    def timelines(self) -> list[int]:
        """The numbers of the proof's timelines: first those that name alerts which depend on the
        rule, since they most likely notice."""
        names = [f'"{name}' for name in self.proof.alerts_after(self.rule)]
        texts = self.proof.timelines
        named = [sum(name in text for name in names) for text in texts]
        return sorted(
            range(len(texts)), key=lambda number: (-bool(named[number]), len(texts[number]))
        )

    @property
    def place(self) -> str:
        return f"{self.proof.rules_path}:{self.rule.line}"


def proofs_in(texts: TextsByPath) -> Iterator[Proof]:
    """Every proof among the files of a build."""
    for path, text in texts.items():
        if PROOF.has(path) or FLEET_PROOF.has(path):
            document = parsed_yaml(text)
            rules = beside(path, RULES.path)
            timelines = tuple(_alone(document, test) for test in document["tests"])
            yield Proof(path, rules, RuleFile.of(texts[rules], document), timelines)


def _alone(document: Mapping[str, Any], test: Mapping[str, Any]) -> str:
    return json.dumps({**document, "tests": [test]}, ensure_ascii=False)


def mutants_of(proof: Proof) -> Iterator[Mutant]:
    """Every mutant of the rules; of those that are the same text, the first."""
    seen: set[str] = set()
    for rule in proof.rules.rules:
        prefix = STEP if rule.is_step else ""
        for kind in FAULTS:
            for change in kind.plant(rule, proof.rules):
                key = f"{rule.group} {rule.index} {json.dumps(change.fields, sort_keys=True)}"
                if change.fields != rule.fields and key not in seen:
                    seen.add(key)
                    yield _mutant(prefix + kind.name, kind.name, proof, rule, change)


def _mutant(named: str, kind: str, proof: Proof, rule: Rule, change: Change) -> Mutant:
    same = reason_of(kind, change, proof.rules)
    return Mutant(named, proof, rule, change.words, change.fields, same)


def sample(mutants: Sequence[Mutant], number: int) -> list[Mutant]:
    """So many mutants, the same ones each time, as equally from every kind as there are."""
    by_kind: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in sorted(mutants, key=_shuffled):
        by_kind[mutant.kind].append(mutant)
    rounds: Iterable[tuple[Mutant | None, ...]] = zip_longest(*by_kind.values())
    chosen = [mutant for mutant in chain.from_iterable(rounds) if mutant is not None][:number]
    kept: Set[int] = {id(mutant) for mutant in chosen}
    return [mutant for mutant in mutants if id(mutant) in kept]


def _shuffled(mutant: Mutant) -> str:
    named = f"{mutant.kind} {mutant.proof.path} {mutant.rule.title} {mutant.words}"
    return hashlib.sha256(named.encode()).hexdigest()
