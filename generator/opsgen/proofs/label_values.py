"""The matchers of a metric's selectors go in; the labels of its series in a proof come out.

Each selector gets a series that it selects and that, as far as possible, the others do not:
`x` and `x{code=~"5.."}` give x{code="200"} and x{code="500"}.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice, product
from operator import and_

from opsgen.promql import Aggregate, Binary, Matcher, Node, Selector
from opsgen.promql.tree import Number, walk
from opsgen.proofs.matchers import accepts, samples
from opsgen.proofs.state import LabelSet, Unsupported

# What people expect on healthy series, best first; the values after the first tell a series from
# its neighbours.
_STATUS_CODES = ("200", "500", "404", "302")
_GRPC_CODES = ("OK", "Internal", "INTERNAL")
_HEALTHY_VALUES = {
    "code": _STATUS_CODES,
    "http_response_status_code": _STATUS_CODES,
    "http_status_code": _STATUS_CODES,
    "response_code": _STATUS_CODES,
    "status": _STATUS_CODES,
    "status_code": _STATUS_CODES,
    "grpc_code": _GRPC_CODES,
    "grpc_status": _GRPC_CODES,
    "grpc_status_code": _GRPC_CODES,
    "rpc_grpc_status_code": ("0", "13"),
    "job": ("proof",),
    "instance": ("proof:9090",),
}
_OTHER_VALUES = ("other", "", "0", "-")
# Prometheus gives these to every series that it scrapes.
TARGET_LABELS = ("instance", "job")
_MOST_COMBINATIONS = 5_000


# The matchers of one selector.
SeriesKind = tuple[Matcher, ...]
# A set of selectors, as the bits of a number: bit n stands for the n-th selector.
_Selection = int


def known_values(label: str) -> tuple[str, ...]:
    """Values that a series may get for this label although no matcher names them, the best
    first."""
    return (*_HEALTHY_VALUES.get(label, ()), *_OTHER_VALUES)


def usual_values(expressions: Iterable[Node], found: Iterable[Selector]) -> dict[str, str]:
    """For `job`, and for labels that join metrics, a value that the first selector with that label
    accepts, so that joins succeed."""
    joining = {label for node in expressions for label in _joining_labels(node)}
    shared = {"job", *joining} - {"le"} - (_HEALTHY_VALUES.keys() - {"job"})
    usual: dict[str, str] = {}
    for selector in found:
        for label in dict.fromkeys(matcher.label for matcher in selector.matchers):
            if label in shared and label not in usual:
                usual[label] = _fitting_value(label, selector.matchers)
    return usual


def _fitting_value(label: str, kind: SeriesKind) -> str:
    """The first value that is not empty and that all matchers of the label accept, or the empty
    text."""
    matchers = [matcher for matcher in kind if matcher.label == label]
    values = (value for value in _candidates(label, matchers, {}) if value)
    return next((value for value in values if _all_accept(matchers, value)), "")


def _joining_labels(node: Node) -> Iterator[str]:
    """The labels by which the sides of the expression's binary operators may find each other."""
    parts = list(walk(node))
    joins = [part for part in parts if isinstance(part, Binary) and not _has_number(part)]
    matchings = [join.matching for join in joins if join.matching is not None]
    for matching in matchings:
        yield from matching.labels if matching.on else ()
        yield from matching.include
    if joins:
        for part in parts:
            if isinstance(part, Aggregate) and part.grouping and not part.grouping.without:
                yield from part.grouping.labels


def _has_number(node: Binary) -> bool:
    return isinstance(node.left, Number) or isinstance(node.right, Number)


def label_sets(
    metric: str,
    kinds: Sequence[SeriesKind],
    usual: Mapping[str, str],
    always: Sequence[str] = TARGET_LABELS,
) -> Iterator[tuple[LabelSet, bool]]:
    """For each selector of a metric, the labels of a series that it selects and few others do, and
    whether others do. Equal labels come once; raises Unsupported where no series fits. The series
    have the labels `always`, matchers or not."""
    named = (matcher.label for kind in kinds for matcher in kind)
    labels = list(dict.fromkeys([*named, *always, *usual]))
    choices = {label: _values_by_selection(label, kinds, usual) for label in labels}
    given: set[LabelSet] = set()
    for index, kind in enumerate(kinds):
        best = _best(_series(index, labels, choices), given)
        if best is None:
            raise Unsupported(f"no series of {metric} can satisfy all of {_text(kind)}")
        chosen, selection = best
        if chosen not in given:
            given.add(chosen)
            yield chosen, selection.bit_count() > 1


def _best(
    candidates: Iterable[tuple[LabelSet, _Selection]], given: set[LabelSet]
) -> tuple[LabelSet, _Selection] | None:
    """The series that the fewest selectors take; of equal ones, one that is not given yet."""

    def cost(candidate: tuple[LabelSet, _Selection]) -> tuple[int, bool]:
        labels, selection = candidate
        return selection.bit_count(), labels in given

    return min(candidates, key=cost, default=None)


def _text(matchers: Iterable[Matcher]) -> str:
    return "{" + ",".join(f'{m.label}{m.op}"{m.value}"' for m in matchers) + "}"


def _values_by_selection(
    label: str, kinds: Sequence[SeriesKind], usual: Mapping[str, str]
) -> list[tuple[str, _Selection]]:
    """Values of one label, the most natural first, each with the selectors that accept it; only the
    first of those that the same selectors accept."""
    of_label = [[matcher for matcher in kind if matcher.label == label] for kind in kinds]
    matchers = [matcher for kind in of_label for matcher in kind]
    by_selection: dict[_Selection, str] = {}
    for value in _candidates(label, matchers, usual):
        selection = sum(1 << i for i, kind in enumerate(of_label) if _all_accept(kind, value))
        by_selection.setdefault(selection, value)
    return [(value, selection) for selection, value in by_selection.items()]


def _all_accept(matchers: Iterable[Matcher], value: str) -> bool:
    return all(accepts(matcher, value) for matcher in matchers)


def _candidates(label: str, matchers: Iterable[Matcher], usual: Mapping[str, str]) -> Iterator[str]:
    if label in usual:
        yield usual[label]
    yield from known_values(label)
    for matcher in matchers:
        yield from [matcher.value] if matcher.op in ("=", "!=") else samples(matcher.value)


def _series(
    index: int, labels: Sequence[str], choices: Mapping[str, list[tuple[str, _Selection]]]
) -> Iterator[tuple[LabelSet, _Selection]]:
    """Labels that selector `index` takes, the most natural first, each with the selectors that take
    them."""
    mine = 1 << index
    options = [[choice for choice in choices[label] if choice[1] & mine] for label in labels]
    for combination in islice(product(*options), _MOST_COMBINATIONS):
        pairs = zip(labels, (value for value, _ in combination), strict=True)
        selection = reduce(and_, (bits for _, bits in combination), -1)
        yield tuple(sorted(pair for pair in pairs if pair[1])), selection
