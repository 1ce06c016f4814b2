"""Paths of files with Prometheus rules go in; findings with their places come out: the engine of
`opsgen lint`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from opsgen.errors import InputError, Mistake
from opsgen.judge.lint_comments import read_comments
from opsgen.judge.rulefile import (
    PROBLEM_KINDS,
    Position,
    Problem,
    RuleFile,
    WrittenRule,
    looks_like_rules,
    read_rule_file,
)
from opsgen.labelflow import (
    MISMATCHES,
    USUAL,
    Assumption,
    Assumptions,
    Known,
    Mismatch,
    RecordingRule,
    check_alert,
    check_expression,
    known_series,
)
from opsgen.model import findings
from opsgen.promql import Node, PromqlError, Selector, parse

# Every kind of finding, and what it means.
LINT_KINDS: Mapping[str, str] = {
    kind: text for kinds in (PROBLEM_KINDS, MISMATCHES) for kind, text in kinds.items()
}

# What to do where an assumption does not hold; `# opsgen: pushed` in the file does the same.
_ELSE: Mapping[Assumption, str] = {
    "scraped": "if they are pushed, lint with --pushed",
    "no-external-labels": "or name it with --external-label",
}

# What a rule records whose expression cannot be read: nothing is known of its labels.
_ANY_SERIES = Selector(None)

_SUFFIXES = frozenset({".yaml", ".yml"})
_NAME_ONE = "name a rule file or a folder of them"
_NAME_FILES = "name a rule file, or a folder with *.yaml files of rules"
_NEEDS = "it needs `groups`, or a PrometheusRule"


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One thing that is wrong in a rule file, and what would be `right`.

    `line` and `column` count from 1 and are those of the rule's `expr`, or of the annotation or
    label that is wrong. `rule` is the alert's or the recorded series' name; it and `group` are
    empty for what concerns the file. `kind` is one of LINT_KINDS.
    """

    file: str
    line: int
    column: int
    group: str
    rule: str
    kind: str
    message: str
    right: str

    def __str__(self) -> str:
        rule = f"{self.rule}: " if self.rule else ""
        return f"{self.file}:{self.line}:{self.column}: {rule}{self.message}; {self.right}"

    def as_finding(self) -> findings.Finding:
        """The finding in the form of other commands."""
        message = str(self).removeprefix(f"{self.file}:{self.line}:{self.column}: ")
        return findings.Finding("error", "lint", self.file, self.line, self.column, message)

    def as_dict(self) -> dict[str, str | int]:
        """For `--format json`."""
        return asdict(self)


def lint_paths(paths: Sequence[Path], assumed: Assumptions = USUAL) -> tuple[LintFinding, ...]:
    """Everything wrong in the rule files given, and in those in the folders given, sorted by place.

    All files are read as one set: the rules know what the recording rules of any file record.
    `assumed` is what is taken for granted of their series; comments of a file can take some of it
    away (`lint_comments`).
    Raises InputError where a path does not exist or cannot be read, a file given by name holds no
    rules, or there is no rule file at all.
    """
    files = _read(paths)
    found = [_problem(file, problem) for file, read in files.items() for problem in read.problems]
    rules = [(file, rule) for file, read in files.items() for rule in read.rules]
    parsed: list[tuple[str, WrittenRule, Node]] = []
    broken: list[tuple[str, WrittenRule, Node]] = []
    for file, rule in rules:
        try:
            parsed.append((file, rule, parse(rule.expr.value)))
        except PromqlError as error:
            found.append(_syntax(file, rule, error))
            broken.append((file, rule, _ANY_SERIES))
    comments = {file: read_comments(_text(file), assumed) for file in files}
    found += [_problem(file, one) for file, said in comments.items() for one in said.problems]
    known = known_series(
        RecordingRule(rule.name, node, _values(rule), comments[file].assumed)
        for file, rule, node in (*parsed, *broken)
        if not rule.is_alert
    )
    for file, rule, node in parsed:
        here = replace(known, assumed=comments[file].assumed)
        found.extend(_located(file, rule, finding) for finding in _check(rule, node, here))
    return tuple(sorted(set(found)))


def _text(file: str) -> str:
    return Path(file).read_bytes().decode("utf-8", errors="replace")


def _check(rule: WrittenRule, node: Node, known: Known) -> tuple[Mismatch, ...]:
    if not rule.is_alert:
        return check_expression(node, known)
    annotations = {name: text.value for name, text in rule.annotations.items()}
    return check_alert(node, labels=_values(rule), annotations=annotations, known=known)


def _values(rule: WrittenRule) -> dict[str, str]:
    return {name: text.value for name, text in rule.labels.items()}


def _located(file: str, rule: WrittenRule, finding: Mismatch) -> LintFinding:
    place = _place_of(rule, finding.where)
    return LintFinding(
        file,
        place.line,
        place.column,
        rule.group,
        rule.name,
        finding.kind,
        finding.message,
        finding.right if finding.assumes is None else f"{finding.right}; {_ELSE[finding.assumes]}",
    )


def _place_of(rule: WrittenRule, where: str) -> Position:
    part, _, name = where.partition(".")
    texts = {"annotations": rule.annotations, "labels": rule.labels}.get(part, {})
    return texts[name].place if name in texts else rule.expr.place


def _problem(file: str, problem: Problem) -> LintFinding:
    place = problem.place
    return LintFinding(
        file,
        place.line,
        place.column,
        problem.group,
        problem.rule,
        problem.kind,
        problem.message,
        problem.right,
    )


def _syntax(file: str, rule: WrittenRule, error: PromqlError) -> LintFinding:
    message = f"`expr` is not valid PromQL: {error}"
    right = "write PromQL that Prometheus reads without experimental features"
    return _problem(file, Problem("syntax", rule.expr.place, message, right, rule.group, rule.name))


def _read(paths: Sequence[Path]) -> dict[str, RuleFile]:
    """The rule files by name as given, each once."""
    mistakes: list[Mistake] = []
    files: dict[str, RuleFile] = {}
    for path, is_named in _distinct(_files(paths)):
        try:
            read = _rules(path, is_named)
        except OSError as error:
            mistakes.append(_mistake(path, f"cannot be read: {error.strerror}", _NAME_ONE))
            continue
        if read is not None:
            files[path.as_posix()] = read
        elif is_named:
            mistakes.append(_mistake(path, "holds no Prometheus rules", _NEEDS))
    if not files and not mistakes:
        named = ", ".join(path.as_posix() for path in paths) or "nothing"
        mistakes.append(_mistake(Path(named), "no rule file found", _NAME_FILES))
    if mistakes:
        raise InputError(mistakes)
    return files


def _distinct(files: Iterable[tuple[Path, bool]]) -> Iterator[tuple[Path, bool]]:
    """Each file once, by whatever path it is reached."""
    seen: set[Path] = set()
    for path, is_named in files:
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield path, is_named


def _rules(path: Path, is_named: bool) -> RuleFile | None:
    """The file's rules; None for other files, and for a file in a folder that is neither YAML nor
    meant as rules."""
    content = path.read_bytes()
    read = read_rule_file(content)
    if read is None or is_named:
        return read
    is_broken = any(problem.kind == "not-yaml" for problem in read.problems)
    return None if is_broken and not looks_like_rules(content) else read


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """The files to read, and whether each was given by its own name."""
    for path in paths:
        if not path.is_dir():
            yield path, True
            continue
        for folder, folders, names in os.walk(path):
            # os.walk goes where this list says, in its order.
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found = (Path(folder, name) for name in sorted(names))
            yield from ((file, False) for file in found if file.suffix in _SUFFIXES)


def _mistake(path: Path, wrong: str, right: str) -> Mistake:
    return Mistake(path.as_posix(), 1, 1, "", wrong, right)
