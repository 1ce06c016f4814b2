"""A convention file goes in; every sample that contradicts it comes out.

A user's own conventions are checked when they are loaded, which costs less than a millisecond for
each. The tests check the shipped ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, NamedTuple

from opsgen.errors import Mistake
from opsgen.load.convention_file import (
    ConventionFile,
    FileHistogramSpec,
    NoPlainSelector,
    plain_selector,
)
from opsgen.load.documents import validate
from opsgen.load.shown import path_text, shown
from opsgen.load.yaml_reader import read_document
from opsgen.promql import Selector
from opsgen.proofs.matchers import accept_all
from opsgen.proofs.state import Unsupported

Mark = Literal["request", "error", "neither"]
MARKS: tuple[Mark, ...] = ("request", "error", "neither")

# `name{label="value"} 12` or `{"a name",label="value"} 12`, with or without a time. Comments and
# exemplars do not match.
_LINE = re.compile(
    r"(?P<series>(?:[^\s{}]+\s*)?\{.*\}|[^\s{}]+)\s+(?P<value>[^\s{}\"]+)(?:\s+-?\d+)?"
)


class Contradiction(NamedTuple):
    """What is wrong at one place of a convention file, and what would be right there. It is not
    `certain` if opsgen can't tell: `opsgen check` tells it, and a build goes on."""

    path: tuple[str | int, ...]
    wrong: str
    right: str
    certain: bool = True


@dataclass(frozen=True)
class SampleLine:
    """One line of an exposition: its series, what it is marked as, and where it stands in the
    file."""

    mark: Mark
    index: int
    metric: str
    labels: tuple[tuple[str, str], ...]

    @property
    def path(self) -> tuple[str | int, ...]:
        return ("samples", self.mark, self.index)

    def is_of(self, selector: Selector) -> bool:
        """Whether Prometheus would select it; raises Unsupported for an unreadable pattern."""
        return self.metric == selector.metric and accept_all(selector.matchers, self.labels)


def mistakes_in(folder: Path) -> Iterator[Mistake]:
    """Each contradiction between a convention file of this folder and its samples, at its line."""
    for path in sorted(folder.glob("*.yaml")):
        document = read_document(path, str(path))
        for found in contradictions(validate(document, ConventionFile)):
            line, column = document.position(found.path)
            text = path_text(found.path)
            yield Mistake(document.file, line, column, text, found.wrong, found.right)


def contradictions(convention: ConventionFile) -> list[Contradiction]:
    """Where a convention and its samples contradict each other; empty for a good one."""
    counters = _counters(convention)
    samples: list[SampleLine] = []
    unreadable: list[Contradiction] = []
    for found in _read(convention):
        if isinstance(found, SampleLine):
            samples.append(found)
        else:
            unreadable.append(found)
    try:
        return [
            *unreadable,
            *(one for counter in counters for one in _wrongly_counted(counter, samples)),
            *(one for counter in counters for one in _without_lines(counter, samples)),
            *_wrong_histogram(convention.latency, samples),
            *_wrong_route(convention.route, samples),
        ]
    except Unsupported as error:
        wrong = f"the samples can't be compared with the selectors: {error}"
        right = "write a simpler regular expression"
        return [*unreadable, Contradiction((), wrong, right, certain=False)]


def _read(convention: ConventionFile) -> Iterator[SampleLine | Contradiction]:
    for mark in MARKS:
        for index, line in enumerate(getattr(convention.samples, mark)):
            yield _sample(mark, index, line)


def _sample(mark: Mark, index: int, line: str) -> SampleLine | Contradiction:
    found = _LINE.fullmatch(line.strip())
    series = _series(found["series"]) if found else None
    if series is None:
        wrong = f"'{shown(line)}' is not a line of an exposition"
        right = 'write it as the program exposes it: http_requests_total{code="200"} 120'
        return Contradiction(("samples", mark, index), wrong, right)
    labels = tuple((matcher.label, matcher.value) for matcher in series.matchers)
    return SampleLine(mark, index, series.metric or "", labels)


def _series(text: str) -> Selector | None:
    """Reads a series as a selector; None if it is not one, or has other matchers than `=`."""
    try:
        found = plain_selector(text)
    except NoPlainSelector:
        return None
    return found if all(matcher.op == "=" for matcher in found.matchers) else None


@dataclass(frozen=True)
class _Counter:
    """A counter of the convention, and the marks of the lines that it counts."""

    part: Literal["requests", "errors"]
    selector: Selector | None
    marks: frozenset[Mark]


def _counters(convention: ConventionFile) -> tuple[_Counter, _Counter]:
    requests = None if convention.requests is None else plain_selector(convention.requests)
    errors = None if convention.errors is None else plain_selector(convention.errors)
    counted_by_requests: set[Mark] = {"request", "error"}
    # If failures have a counter of their own, the other one counts only the rest.
    if requests and errors and requests.metric != errors.metric:
        counted_by_requests = {"request"}
    return (
        _Counter("requests", requests, frozenset(counted_by_requests)),
        _Counter("errors", errors, frozenset({"error"})),
    )


def _wrongly_counted(counter: _Counter, samples: Iterable[SampleLine]) -> Iterator[Contradiction]:
    """The lines that a selector counts and should not, or does not count and should."""
    part, selector = counter.part, counter.selector
    for sample in samples:
        is_counted = selector is not None and sample.is_of(selector)
        if is_counted != (sample.mark in counter.marks):
            does = "counts" if is_counted else "does not count"
            wrong = f"{part} {does} this line, which is marked {sample.mark}"
            yield Contradiction(sample.path, wrong, f"correct the mark, or {part}")


def _without_lines(counter: _Counter, samples: Iterable[SampleLine]) -> Iterator[Contradiction]:
    """A mistake if no sample is marked as a line of this counter."""
    mark = "request" if counter.part == "requests" else "error"
    if counter.selector is not None and not any(sample.mark == mark for sample in samples):
        right = f"add a line that {counter.part} counts"
        yield Contradiction(("samples",), f"no line is marked {mark}", right)


def _wrong_histogram(
    spec: FileHistogramSpec | None, samples: Iterable[SampleLine]
) -> Iterator[Contradiction]:
    """Buckets that the convention does not list, and a histogram without a sample."""
    if spec is None:
        return
    base = plain_selector(spec.histogram)
    for part in ("bucket", "count"):
        selector = Selector(f"{base.metric}_{part}", base.matchers)
        lines = [sample for sample in samples if sample.is_of(selector)]
        if not lines:
            wrong = f"no line is of {selector.metric}, which the histogram needs"
            yield Contradiction(("samples",), wrong, "add one, or correct latency.histogram")
        if part == "bucket":
            yield from _wrong_bounds(spec, lines)


def _wrong_bounds(
    spec: FileHistogramSpec, buckets: Iterable[SampleLine]
) -> Iterator[Contradiction]:
    for sample in buckets:
        text = dict(sample.labels).get("le")
        if text is None:
            right = "write the line of a bucket as the program exposes it"
            yield Contradiction(sample.path, "this bucket has no label le", right)
        elif spec.buckets and text != "+Inf" and _number(text) not in spec.buckets:
            wrong = f'the bound le="{shown(text)}" is not among latency.buckets'
            yield Contradiction(sample.path, wrong, "add it there, or correct the line")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _wrong_route(route: str | None, samples: Iterable[SampleLine]) -> Iterator[Contradiction]:
    """A mistake if no request at all has the route label. Some may lack it: a request to an unknown
    path often has none."""
    if route is None:
        return
    counted = [sample for sample in samples if sample.mark != "neither"]
    labels = sorted({label for sample in counted for label, _ in sample.labels})
    if counted and route not in labels:
        wrong = f"no request among the samples has the label {route}"
        right = f"the labels of requests are {', '.join(labels)}" if labels else "leave it out"
        yield Contradiction(("route",), wrong, right)
