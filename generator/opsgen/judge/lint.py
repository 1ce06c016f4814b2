"""Paths of files with Prometheus rules go in; findings with their places come out: the engine of
`opsgen lint`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from opsgen.errors import InputError, Mistake
from opsgen.judge.lint_comments import read_comments
from opsgen.judge.lint_files import Skipped, candidates_in, is_worth_reading, why_skipped
from opsgen.judge.releases import release_of
from opsgen.judge.rulefile import (
    PROBLEM_KINDS,
    LeftAside,
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
from opsgen.promql.versions import too_new

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

_NAME_ONE = "name a rule file or a folder of them"
_NAME_FILES = "name a rule file, or a folder with *.yaml, *.json, *.rules or *.alerts"
_NEEDS = "it needs `groups` with rules, or a resource or a file of values that has them"


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


@dataclass(frozen=True, slots=True)
class LintReport:
    """What `opsgen lint` says: the findings, what it left aside as another program's, by file, and
    the files with rules that it skipped."""

    findings: tuple[LintFinding, ...]
    left_aside: tuple[tuple[str, LeftAside], ...]
    skipped: tuple[Skipped, ...]
    rules: int

    @property
    def lines(self) -> tuple[str, ...]:
        """What was not judged, a line each."""
        aside = (
            f"{file}:{one.place.line}:{one.place.column}: left aside: {one.what}"
            for file, one in self.left_aside
        )
        return (*aside, *(str(one) for one in self.skipped))


def lint_paths(
    paths: Sequence[Path], assumed: Assumptions = USUAL, prometheus: str | None = None
) -> tuple[LintFinding, ...]:
    """The findings of `lint_report`."""
    return lint_report(paths, assumed, prometheus).findings


def lint_report(
    paths: Sequence[Path], assumed: Assumptions = USUAL, prometheus: str | None = None
) -> LintReport:
    """Everything wrong in the rule files given, and in those in the folders given, sorted by place.

    All files are read as one set: the rules know what the recording rules of any file record.
    `assumed` is what is taken for granted of their series; comments of a file can take some of it
    away (`lint_comments`). `prometheus` is the version that loads them (`2.42`); without it, what
    any supported version or a ruler with the same files (Thanos Ruler, Mimir) loads is right.
    Raises InputError where a path does not exist or cannot be read, a file given by name holds no
    rules, or there is no rule file at all.
    """
    read = _read(paths, prometheus)
    problems = [(file, one) for file, rules in read.files.items() for one in rules.problems]
    parsed: list[_Parsed] = []
    broken = [
        _Parsed(file, rule, _ANY_SERIES)
        for file, rules in read.files.items()
        for rule in rules.unread
    ]
    for file, rule in read.rules:
        try:
            parsed.append(_Parsed(file, rule, parse(rule.expr.value)))
        except PromqlError as error:
            problems.append((file, _syntax(rule, error)))
            broken.append(_Parsed(file, rule, _ANY_SERIES))
    problems += [(one.file, new) for one in parsed for new in _too_new(one, prometheus)]
    comments = {file: read_comments(_text(file), assumed) for file in read.files}
    problems += [(file, one) for file, said in comments.items() for one in said.problems]
    found = {_problem(file, problem) for file, problem in problems}
    found.update(_mismatches(parsed, broken, {file: one.assumed for file, one in comments.items()}))
    aside = [(file, one) for file, rules in read.files.items() for one in rules.left_aside]
    return LintReport(
        tuple(sorted(found)), tuple(sorted(aside)), tuple(sorted(read.skipped)), len(read.rules)
    )


@dataclass(frozen=True, slots=True)
class _Parsed:
    file: str
    rule: WrittenRule
    expr: Node


def _mismatches(
    parsed: Sequence[_Parsed], broken: Sequence[_Parsed], assumed: Mapping[str, Assumptions]
) -> Iterator[LintFinding]:
    """What the labels of the series make impossible, under what is assumed of each file."""
    known = known_series(
        RecordingRule(one.rule.name, one.expr, _values(one.rule), assumed[one.file])
        for one in (*parsed, *broken)
        if not one.rule.is_alert
    )
    for one in parsed:
        here = replace(known, assumed=assumed[one.file])
        for mismatch in _check(one.rule, one.expr, here):
            yield _located(one.file, one.rule, mismatch)


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


def _syntax(rule: WrittenRule, error: PromqlError) -> Problem:
    message = f"`expr` is not valid PromQL: {error}"
    right = "write PromQL that Prometheus reads without experimental features"
    return Problem("syntax", rule.expr.place, message, right, rule.group, rule.name)


def _too_new(parsed: _Parsed, prometheus: str | None) -> Iterator[Problem]:
    """What a release that is named does not know yet."""
    found = too_new(parsed.expr, prometheus) if prometheus else None
    if found and found.since:
        rule = parsed.rule
        message = f"{found.what} in `expr` needs Prometheus {found.since}"
        right = f"write it so that Prometheus {prometheus} reads it"
        yield Problem("syntax", rule.expr.place, message, right, rule.group, rule.name)


@dataclass
class _Read:
    """The rule files by name as given, each once."""

    files: dict[str, RuleFile] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def rules(self) -> list[tuple[str, WrittenRule]]:
        return [(file, rule) for file, found in self.files.items() for rule in found.rules]


def _read(paths: Sequence[Path], prometheus: str | None) -> _Read:
    read = _Read()
    release = release_of(prometheus) if prometheus else None
    for candidate in candidates_in(paths):
        path = candidate.path
        try:
            content = path.read_bytes()
        except OSError as error:
            read.mistakes.append(_mistake(path, f"cannot be read: {error.strerror}", _NAME_ONE))
            continue
        if why := why_skipped(candidate, content):
            read.skipped.append(Skipped(path.as_posix(), why))
            continue
        if not is_worth_reading(candidate, content):
            continue
        rules = read_rule_file(content, release)
        if rules is not None and (candidate.is_named or _is_meant(rules, content)):
            read.files[path.as_posix()] = rules
        elif candidate.is_named:
            read.mistakes.append(_mistake(path, "holds no Prometheus rules", _NEEDS))
    if not read.files:
        read.mistakes.extend(_nothing(paths, read))
    if read.mistakes:
        raise InputError(read.mistakes)
    return read


def _is_meant(rules: RuleFile, content: bytes) -> bool:
    """Whether a file in a folder is one of rules, and not just no YAML."""
    is_broken = any(problem.kind == "not-yaml" for problem in rules.problems)
    return not is_broken or looks_like_rules(content)


def _nothing(paths: Sequence[Path], read: _Read) -> Iterator[Mistake]:
    if read.mistakes:
        return
    named = Path(", ".join(path.as_posix() for path in paths) or "nothing")
    yield _mistake(named, "no rule file found", _NAME_FILES)
    for skipped in read.skipped:
        yield _mistake(Path(skipped.file), f"skipped: {skipped.why}", _NAME_ONE)


def _mistake(path: Path, wrong: str, right: str) -> Mistake:
    return Mistake(path.as_posix(), 1, 1, "", wrong, right)
