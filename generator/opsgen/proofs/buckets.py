"""The selectors of a histogram go in; the bounds of its buckets in a proof come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from opsgen.promql import Binary, Matcher, Node, Selector
from opsgen.promql.tree import COMPARISONS, Number, selectors, walk
from opsgen.proofs.matchers import accepts, samples
from opsgen.quantities import number_text

# The finite upper bounds of histograms by base name (`http_request_duration_seconds`), ascending.
BucketBounds = Mapping[str, Sequence[Decimal]]

_DEFAULT_BOUNDS = (Decimal("0.1"), Decimal("0.5"), Decimal(1), Decimal(5))


def bounds_of(
    base: str, parts: Iterable[Selector], bounds: BucketBounds, expressions: Iterable[Node]
) -> tuple[tuple[Decimal, str], ...]:
    """The finite bounds, and those that an `le` matcher names; the text is the one that matchers
    ask for."""
    known = bounds.get(base) or _guessed_bounds(base, expressions)
    limits = {bound: _le_text(bound) for bound in known}
    for selector in parts:
        for matcher in selector.matchers:
            if matcher.label == "le" and not _is_met(matcher, limits.values()):
                limits |= _bound_for(matcher)
    return tuple(sorted(limits.items()))


def _is_met(matcher: Matcher, texts: Iterable[str]) -> bool:
    """Whether some bucket passes the matcher already."""
    if matcher.op in ("!=", "!~"):
        return True
    return any(accepts(matcher, text) for text in (*texts, "+Inf"))


def _bound_for(matcher: Matcher) -> dict[Decimal, str]:
    """A bound that passes the matcher, if there is a finite one."""
    named = (matcher.value,) if matcher.op == "=" else samples(matcher.value)
    bound = _finite(named[0]) if named else None
    return {} if bound is None else {bound: named[0]}


def _guessed_bounds(base: str, expressions: Iterable[Node]) -> tuple[Decimal, ...]:
    """Common bounds, and bounds below and above every number that the histogram is compared
    with."""
    limits = {
        number
        for expression in expressions
        if _reads(expression, base)
        for number in _compared_numbers(expression)
        if number.is_finite() and number >= _DEFAULT_BOUNDS[-1]
    }
    return tuple(sorted({*_DEFAULT_BOUNDS, *limits, *(limit * 2 for limit in limits)}))


def _reads(expression: Node, base: str) -> bool:
    return any((one.metric or "").startswith(base) for one in selectors(expression))


def _compared_numbers(expression: Node) -> Iterable[Decimal]:
    for part in walk(expression):
        if isinstance(part, Binary) and part.op in COMPARISONS:
            for side in (part.left, part.right):
                if isinstance(side, Number):
                    yield side.value


def _finite(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _le_text(bound: Decimal) -> str:
    """As Go's shortest form writes it, which Prometheus 2 keeps: `0.3`, `1`, `1e+06` only from 1e21
    or below 1e-4."""
    if not bound or Decimal("1e-4") <= abs(bound) < Decimal("1e21"):
        return number_text(bound)
    mantissa = number_text(bound.scaleb(-bound.adjusted()))
    return f"{mantissa}e{bound.adjusted():+03d}"
