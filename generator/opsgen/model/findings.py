"""Writes findings for programs: annotations on GitHub, SARIF for code scanning, JUnit for test
reports, and JSON.

These programs have limits. GitHub shows ten errors and ten warnings of a step, and silently drops
the rest ("Workflow commands for GitHub Actions"). Code scanning shows 5,000 results of a SARIF
2.1.0 file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from opsgen.errors import Mistake

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

FindingLevel = Literal["error", "warning"]
RuleId = Literal["mistake", "warning", "stale", "gap", "refused", "runbook", "lint", "unnoticed"]

_MOST_ANNOTATIONS = 10
_MOST_RESULTS = 5_000
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ABOUT: Mapping[RuleId, str] = {
    "mistake": "A spec or the project file has a mistake.",
    "warning": "A spec is valid, but somebody should look at it.",
    "stale": "The output differs from what the specs generate.",
    "gap": "An alert lacks its panel, its section, its route or its proof.",
    "refused": "A program that loads the output refuses it.",
    "runbook": "A runbook has a fault, or lacks what the project asks for.",
    "unnoticed": "The proof of a service does not notice a fault that was planted in its rules.",
    "lint": "An alert can never fire, shows a label that does not exist, or does not load.",
}
_LINE = re.compile(r"(?P<file>[^:]+):(?:(?P<line>\d+):)? (?P<message>.*)", re.DOTALL)
# Characters that XML 1.0 does not allow.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, order=True)
class Finding:
    """One problem at one place. `line` and `column` count from 1."""

    level: FindingLevel
    rule: RuleId
    file: str
    line: int
    column: int
    message: str


def of_mistakes(mistakes: Iterable[Mistake]) -> list[Finding]:
    found = []
    for mistake in mistakes:
        message = str(mistake).removeprefix(f"{mistake.file}:{mistake.line}:{mistake.column}: ")
        found.append(
            Finding("error", "mistake", mistake.file, mistake.line, mistake.column, message)
        )
    return found


def of_lines(
    lines: Iterable[str], level: FindingLevel = "warning", rule: RuleId = "warning"
) -> list[Finding]:
    """Reads lines for people: `file:line: text`, or `file: text`."""
    found = []
    for text in lines:
        file, line, message = "", 1, text
        match = _LINE.fullmatch(text)
        if match:
            file, line, message = match["file"], int(match["line"] or 1), match["message"]
        found.append(Finding(level, rule, file, line, 1, message))
    return found


def as_json(findings: Iterable[Finding]) -> str:
    return json.dumps([asdict(one) for one in findings], indent=2, ensure_ascii=False) + "\n"


def as_github(findings: Iterable[Finding]) -> str:
    """Workflow commands, errors first. If there are more than GitHub shows, the last one says how
    many are missing."""
    listed = list(findings)
    lines: list[str] = []
    for level in ("error", "warning"):
        lines += _commands(level, [one for one in listed if one.level == level])
    return "".join(lines)


def _commands(level: str, findings: Sequence[Finding]) -> Iterator[str]:
    if len(findings) <= _MOST_ANNOTATIONS:
        yield from map(_command, findings)
        return
    # The last one that GitHub shows is needed for the number of the others.
    most = _MOST_ANNOTATIONS - 1
    yield from map(_command, findings[:most])
    yield f"::{level} title=opsgen::and {len(findings) - most} more: see the log\n"


def _command(one: Finding) -> str:
    place = f"file={_property(one.file)},line={one.line},col={one.column},title=opsgen: {one.rule}"
    return f"::{one.level} {place.replace(': ', '%3A ')}::{_data(one.message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(findings: Iterable[Finding]) -> str:
    """One run. The fingerprint of a result does not depend on its line, so that it stays the same
    result when the lines above it change."""
    listed = sorted(findings)[:_MOST_RESULTS]
    rules: list[RuleId] = sorted({one.rule for one in listed})
    driver = {
        "name": "opsgen",
        "rules": [{"id": rule, "shortDescription": {"text": _ABOUT[rule]}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in listed],
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _result(one: Finding) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(one.file)},
        "region": {"startLine": one.line, "startColumn": one.column},
    }
    fingerprint = hashlib.sha256("\0".join((one.rule, one.file, one.message)).encode()).hexdigest()
    return {
        "ruleId": one.rule,
        "level": one.level,
        "message": {"text": one.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"opsgen/v1": fingerprint},
    }


@dataclass(frozen=True)
class CaseResult:
    """One test case. `failure` is empty if it passed, `skipped` is empty if it ran."""

    suite: str
    name: str
    failure: str = ""
    skipped: str = ""


def as_junit(cases: Sequence[CaseResult]) -> str:
    """A test report in the format that CI systems share."""
    from xml.etree import ElementTree

    root = ElementTree.Element("testsuites", _counts(cases))
    for suite in dict.fromkeys(case.suite for case in cases):
        own = [case for case in cases if case.suite == suite]
        below = ElementTree.SubElement(root, "testsuite", {"name": suite, **_counts(own)})
        for case in own:
            _add_case(below, case)
    ElementTree.indent(root)
    document = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'


def _add_case(suite: Element, case: CaseResult) -> None:
    from xml.etree.ElementTree import SubElement

    names = {"classname": case.suite, "name": _clean(case.name)}
    element = SubElement(suite, "testcase", names)
    if case.failure:
        first, *_ = case.failure.splitlines()
        failure = SubElement(element, "failure", {"message": _clean(first)})
        failure.text = _clean(case.failure)
    elif case.skipped:
        SubElement(element, "skipped", {"message": _clean(case.skipped)})


def _counts(cases: Sequence[CaseResult]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(bool(case.failure) for case in cases)),
        "skipped": str(sum(bool(case.skipped) for case in cases)),
    }


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


FORMATS: Mapping[str, Callable[[Iterable[Finding]], str]] = {
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
