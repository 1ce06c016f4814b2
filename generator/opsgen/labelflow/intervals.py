"""Sets of numbers that a value can be: bounds go in, what is left of them after a comparison or an
operation comes out.

The numbers are floats, as in Prometheus. Rounding to the nearest float keeps the order of numbers,
so that bounds computed from bounds hold for every value in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, fmod, inf, isinf, isnan

from opsgen.quantities import number_text


@dataclass(frozen=True, slots=True)
class Interval:
    """From `least` to `greatest`; `above` and `below` where that bound itself is left out. Only
    `whole` numbers, where it says so; never one of `without`. Also NaN where `nan`."""

    least: float = -inf
    greatest: float = inf
    above: bool = False
    below: bool = False
    whole: bool = False
    without: frozenset[float] = frozenset()
    nan: bool = True

    @property
    def is_impossible(self) -> bool:
        """Whether nothing is left, not even NaN."""
        return not self.nan and not self.has_numbers

    @property
    def has_numbers(self) -> bool:
        if self.least == self.greatest:
            is_left_out = self.above or self.below or self.least in self.without
            return not is_left_out and not (self.whole and self.least != floor_of(self.least))
        return self.least < self.greatest

    @property
    def is_one_number(self) -> bool:
        return self.least == self.greatest and self.has_numbers and not self.nan

    def within(self, other: Interval) -> bool:
        """Whether every number of this one is in the other; `other` is one of plain bounds."""
        low = self.least > other.least or (
            self.least == other.least and (self.above or not other.above)
        )
        high = self.greatest < other.greatest or (
            self.greatest == other.greatest and (self.below or not other.below)
        )
        return low and high and (other.nan or not self.nan)

    def __and__(self, other: Interval) -> Interval:
        """What is possible under both."""
        low = max((self.least, self.above), (other.least, other.above))
        high = min((self.greatest, not self.below), (other.greatest, not other.below))
        return _trimmed(
            Interval(
                low[0],
                high[0],
                low[1],
                not high[1],
                self.whole or other.whole,
                self.without | other.without,
                self.nan and other.nan,
            )
        )

    def __or__(self, other: Interval) -> Interval:
        """What is possible under either, and what lies in between."""
        is_nan = self.nan or other.nan
        if not (self.has_numbers and other.has_numbers):
            one = self if self.has_numbers else other
            return _with_nan(one, is_nan)
        low = min((self.least, self.above), (other.least, other.above))
        high = max((self.greatest, not self.below), (other.greatest, not other.below))
        whole, without = self.whole and other.whole, self.without & other.without
        return Interval(low[0], high[0], low[1], not high[1], whole, without, is_nan)

    def that_is(self, op: str, other: Interval) -> Interval:
        """What is left of it by a comparison with a value of another interval."""
        return _COMPARED[op](self, other)

    def __neg__(self) -> Interval:
        without = frozenset(-value for value in self.without)
        return Interval(
            -self.greatest, -self.least, self.below, self.above, self.whole, without, self.nan
        )

    def __str__(self) -> str:
        """In words that follow "is"."""
        low, high = number_text_of(self.least), number_text_of(self.greatest)
        if not self.has_numbers:
            return "NaN" if self.nan else "nothing"
        if self.least == self.greatest:
            return f"always {low}"
        if isinf(self.greatest) and isinf(self.least):
            return f"not {', '.join(map(number_text_of, sorted(self.without)))}"
        if isinf(self.greatest):
            return f"{'above' if self.above else 'at least'} {low}"
        if isinf(self.least):
            return f"{'below' if self.below else 'at most'} {high}"
        if self.above or self.below:
            low_word = "above" if self.above else "at least"
            return f"{low_word} {low} and {'below' if self.below else 'at most'} {high}"
        return f"{low} to {high}"


def floor_of(value: float) -> float:
    return value if isinf(value) else float(floor(value))


def number_text_of(value: float) -> str:
    if isinf(value):
        return "-Inf" if value < 0 else "+Inf"
    return number_text(Decimal(repr(value)))


ANYTHING = Interval()
ONLY_NAN = Interval(inf, -inf)
NOTHING = Interval(inf, -inf, nan=False)
TRUTH = Interval(0, 1, whole=True, nan=False)


def only(value: float) -> Interval:
    return ONLY_NAN if isnan(value) else Interval(value, value, nan=False)


def at_least(least: float, *, whole: bool = False, nan: bool = False) -> Interval:
    return Interval(least, whole=whole, nan=nan)


def between(least: float, greatest: float, *, whole: bool = False, nan: bool = False) -> Interval:
    return Interval(least, greatest, whole=whole, nan=nan)


def _with_nan(one: Interval, is_nan: bool) -> Interval:
    return Interval(one.least, one.greatest, one.above, one.below, one.whole, one.without, is_nan)


def _trimmed(one: Interval) -> Interval:
    """The same with bounds that belong to it: 5 to 9 for whole numbers above 4.5 and below 10."""
    least, greatest, above, below = one.least, one.greatest, one.above, one.below
    if one.whole and not isinf(least):
        least, above = _first_whole(least, above, one.without), False
    if one.whole and not isinf(greatest):
        negated = frozenset(-value for value in one.without)
        greatest, below = -_first_whole(-greatest, below, negated), False
    return Interval(least, greatest, above, below, one.whole, one.without, one.nan)


def _first_whole(least: float, above: bool, without: frozenset[float]) -> float:
    first = float(ceil(least))
    if above and first == least:
        first += 1
    while first in without:
        first += 1
    return first


def _greater(one: Interval, other: Interval) -> Interval:
    return one & Interval(other.least, above=True, nan=False) if other.has_numbers else NOTHING


def _not_less(one: Interval, other: Interval) -> Interval:
    least = Interval(other.least, above=other.above, nan=False)
    return one & least if other.has_numbers else NOTHING


def _less(one: Interval, other: Interval) -> Interval:
    greatest = Interval(greatest=other.greatest, below=True, nan=False)
    return one & greatest if other.has_numbers else NOTHING


def _not_greater(one: Interval, other: Interval) -> Interval:
    greatest = Interval(greatest=other.greatest, below=other.below, nan=False)
    return one & greatest if other.has_numbers else NOTHING


def _equal(one: Interval, other: Interval) -> Interval:
    return one & other & Interval(nan=False) if other.has_numbers else NOTHING


def _unequal(one: Interval, other: Interval) -> Interval:
    """Everything is unequal to NaN, NaN too."""
    if not other.is_one_number:
        return one
    return one & Interval(without=frozenset({other.least}))


_COMPARED: dict[str, Callable[[Interval, Interval], Interval]] = {
    ">": _greater,
    ">=": _not_less,
    "<": _less,
    "<=": _not_greater,
    "==": _equal,
    "!=": _unequal,
}


def _hull(values: Iterable[float], *, nan: bool, whole: bool = False) -> Interval:
    """From the least to the greatest of the values; anything where one of them is NaN."""
    found = tuple(values)
    if any(isnan(value) for value in found):
        return ANYTHING
    return Interval(min(found), max(found), whole=whole, nan=nan)


def plus(one: Interval, other: Interval) -> Interval:
    opposed = {one.least, other.least} >= {-inf} and inf in (one.greatest, other.greatest)
    return _hull(
        (_sum(one.least, other.least, -inf), _sum(one.greatest, other.greatest, inf)),
        nan=one.nan or other.nan or opposed,
        whole=one.whole and other.whole,
    )


def minus(one: Interval, other: Interval) -> Interval:
    return plus(one, -other)


def _sum(one: float, other: float, otherwise: float) -> float:
    """Infinities of opposite signs bound nothing."""
    total = one + other
    return otherwise if isnan(total) else total


def times(one: Interval, other: Interval) -> Interval:
    products = (
        _product(left, right)
        for left in (one.least, one.greatest)
        for right in (other.least, other.greatest)
    )
    is_infinite = any(isinf(bound) for bound in (*_bounds(one), *_bounds(other)))
    is_nan = one.nan or other.nan or is_infinite
    return _hull(products, nan=is_nan, whole=one.whole and other.whole)


def _bounds(one: Interval) -> tuple[float, float]:
    return one.least, one.greatest


def _product(left: float, right: float) -> float:
    """0 times a bound that is nowhere stays 0."""
    return 0.0 if 0 in (left, right) else left * right


def divided(one: Interval, other: Interval) -> Interval:
    """By a divisor that may be 0, only the sign is known; not even that where it may be negative
    too, since 1 divided by 0 and by -0 differ."""
    if other.is_one_number and not isinf(other.least):
        return _divided_by(one, other.least)
    is_signed = other.least >= 0 or other.greatest < 0
    sign = _sign(one) * _sign(other) if is_signed else 0
    return _OF_SIGN.get(sign, ANYTHING)


def _divided_by(one: Interval, divisor: float) -> Interval:
    if divisor != 0:
        return _hull((bound / divisor for bound in _bounds(one)), nan=one.nan)
    return ONLY_NAN if one == only(0) else ANYTHING


_OF_SIGN = {1: at_least(0, nan=True), -1: Interval(greatest=0)}


def _sign(one: Interval) -> int:
    return 1 if one.least >= 0 else -1 if one.greatest <= 0 else 0


def remainder(one: Interval, other: Interval) -> Interval:
    """Of the dividend's sign, and smaller than the divisor."""
    if other.is_one_number and 0 < abs(other.least) < inf:
        size = abs(other.least)
        if one.is_one_number and not isinf(one.least):
            return only(fmod(one.least, size))
        least, greatest = (0 if one.least >= 0 else -size), (0 if one.greatest <= 0 else size)
        return Interval(least, greatest, least != 0, greatest != 0)
    return _OF_SIGN.get(_sign(one), ANYTHING)


def power(one: Interval, other: Interval) -> Interval:
    if one.is_one_number and other.is_one_number:
        try:
            return only(one.least**other.least)
        except (OverflowError, ZeroDivisionError, TypeError):
            return ANYTHING
    return at_least(0, nan=True) if one.least >= 0 else ANYTHING


OPERATIONS: dict[str, Callable[[Interval, Interval], Interval]] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": divided,
    "%": remainder,
    "^": power,
}


def summed(one: Interval) -> Interval:
    """A sum of one or more of its values."""
    if one.least >= 0:
        return Interval(one.least, above=one.above, whole=one.whole, nan=one.nan)
    if one.greatest <= 0:
        return Interval(greatest=one.greatest, below=one.below, whole=one.whole, nan=one.nan)
    return Interval(whole=one.whole, nan=one.nan or one.least == -one.greatest == -inf)


def averaged(one: Interval) -> Interval:
    """A mean of its values. Means of whole numbers are exact enough not to pass a whole bound; of
    others the last digits are left open."""
    return Interval(_about(one.least, -1), _about(one.greatest, 1), nan=True)


# Far more than rounding does to a mean of a few thousand numbers, far less than a threshold shows.
_ROUNDING = 1e-9


def _about(bound: float, direction: int) -> float:
    is_exact = isinf(bound) or bound == floor_of(bound)
    return bound if is_exact else bound + direction * abs(bound) * _ROUNDING
