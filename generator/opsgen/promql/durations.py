"""Duration expressions of Prometheus 3 (`5m * 2`, `max_of(step(), 1m)`): text goes in, a term comes
out, which prints itself and says how long it is.

Values are floats of seconds, as Prometheus counts them, so that both round alike.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from opsgen.promql.mistakes import PromqlError
from opsgen.quantities import Duration

# Prometheus holds a duration as 64 bits of nanoseconds: 292 years.
LONGEST_SECONDS = 2**63 / 1e9
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][-+]?\d[\d_]*)?)(?![\w.])
      | (?P<duration>(?:\d+(?:ms|[ywdhms]))+)(?!\w)
      | (?P<word>[a-zA-Z_]+)
      | (?P<sign>[-+*/%^(),])
    )""",
    re.VERBOSE | re.ASCII,
)
_PART = re.compile(r"(\d+)(ms|[ywdhms])")
# Largest first, which is also the order in which they may follow each other.
_UNIT_MS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
# As in the grammar of PromQL; a sign before an operand binds as multiplication does.
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
_SIGN_PRECEDENCE = 2
_OPERAND_PRECEDENCE = 4
_ARGUMENTS = {"step": 0, "range": 0, "min_of": 2, "max_of": 2}
_DEPENDS_ON_THE_QUERY = frozenset({"step", "range"})
# By operator or function, and the number of its terms.
_OPERATIONS: dict[tuple[str, int], Callable[..., float]] = {
    ("+", 2): operator.add,
    ("-", 2): operator.sub,
    ("*", 2): operator.mul,
    ("/", 2): operator.truediv,
    ("%", 2): math.fmod,
    ("^", 2): math.pow,
    ("-", 1): operator.neg,
    ("min_of", 2): min,
    ("max_of", 2): max,
    # A rule is an instant query: its step and its range are zero.
    ("step", 0): lambda: 0.0,
    ("range", 0): lambda: 0.0,
}


@dataclass(frozen=True, slots=True)
class Computed:
    """A duration: a literal with its `seconds`, or an operator or a function with its terms."""

    what: str
    terms: tuple[Computed, ...] = ()
    seconds: float | None = None

    @property
    def is_arithmetic(self) -> bool:
        """Whether it is more than a number or a duration, with or without a sign."""
        is_signed = self.what == "-" and len(self.terms) == 1
        return self.seconds is None and not (is_signed and self.terms[0].seconds is not None)

    @property
    def varies(self) -> bool:
        """Whether its length depends on the query's step or range."""
        return self.what in _DEPENDS_ON_THE_QUERY or any(term.varies for term in self.terms)

    def __str__(self) -> str:
        if self.seconds is not None:
            return self.what
        if self.what in _ARGUMENTS:
            return f"{self.what}({', '.join(map(str, self.terms))})"
        if len(self.terms) == 1:
            return f"-{_bracketed(self.terms[0], _SIGN_PRECEDENCE + 1)}"
        return self._infix()

    def _infix(self) -> str:
        left, right = self.terms
        mine = _PRECEDENCE[self.what]
        is_right_associative = self.what == "^"
        before = _bracketed(left, mine + is_right_associative)
        after = _bracketed(right, mine + (not is_right_associative))
        return f"{before} {self.what} {after}"


def milliseconds(duration: Computed) -> int:
    """How long it is, in a rule where that depends on the query; raises PromqlError."""
    try:
        seconds = in_seconds(duration)
    except ZeroDivisionError:
        raise PromqlError(f"the duration {duration} divides by zero") from None
    except (ValueError, OverflowError):
        raise PromqlError(f"the duration {duration} is no number") from None
    if not abs(seconds) <= LONGEST_SECONDS:
        raise PromqlError(f"the duration {duration} is out of range")
    # Prometheus cuts what it has computed, and rounds what is written.
    return int(seconds * 1000) if duration.is_arithmetic else round(seconds * 1000)


def later(duration: Computed, by_ms: int) -> Computed:
    """The duration and so many milliseconds more, or less."""
    if not by_ms:
        return duration
    return Computed("-" if by_ms < 0 else "+", (duration, literal(abs(by_ms))))


def literal(length_ms: int) -> Computed:
    """A duration of so many milliseconds, which are not negative."""
    return Computed(str(Duration(length_ms)), (), length_ms / 1000)


def read(text: str) -> Computed:
    """The duration that is the whole text; raises PromqlError."""
    reader = _Reader(text, 0)
    duration = reader.expression()
    if text[reader.position :].strip():
        raise PromqlError(f"{text.strip()!r} is not a duration")
    return duration


def read_offset(text: str, start: int) -> tuple[Computed, int]:
    """The duration after `offset`, and where it ends; raises PromqlError.

    Without parentheses only the first duration is the offset's; after parentheses Prometheus reads
    on.
    """
    reader = _Reader(text, start)
    return reader.offset(), reader.position


def in_seconds(duration: Computed) -> float:
    """As `milliseconds`, neither rounded nor checked; raises what the arithmetic raises."""
    if duration.seconds is not None:
        return duration.seconds
    operation = _OPERATIONS[duration.what, len(duration.terms)]
    return operation(*map(in_seconds, duration.terms))


def _bracketed(duration: Computed, at_least: int) -> str:
    text = str(duration)
    return text if _precedence(duration) >= at_least else f"({text})"


def _precedence(duration: Computed) -> int:
    if duration.seconds is not None or duration.what in _ARGUMENTS:
        return _OPERAND_PRECEDENCE
    return _SIGN_PRECEDENCE if len(duration.terms) == 1 else _PRECEDENCE[duration.what]


class _Reader:
    """Reads a text from a position on; the position is behind what was read."""

    def __init__(self, text: str, position: int) -> None:
        self.text = text
        self.position = position

    def offset(self) -> Computed:
        sign = self._next_sign()
        if sign not in ("+", "-"):
            return self.expression() if sign == "(" else self._operand()
        before = self.position
        self._take(sign)
        if self._next_sign() in ("+", "-"):
            self.position = before
            return self.expression()
        return _signed(sign, self._operand())

    def expression(self, at_least: int = 0) -> Computed:
        left = self._signed_operand()
        while _PRECEDENCE.get(sign := self._next_sign(), -1) >= at_least:
            self._take(sign)
            right = self.expression(_PRECEDENCE[sign] + (sign != "^"))
            left = Computed(sign, (left, right))
        return left

    def _signed_operand(self) -> Computed:
        sign = self._next_sign()
        if sign not in ("+", "-"):
            return self._operand()
        self._take(sign)
        return _signed(sign, self.expression(_SIGN_PRECEDENCE + 1))

    def _operand(self) -> Computed:
        found = _TOKEN.match(self.text, self.position)
        if found is None:
            raise self._unexpected()
        if found["word"]:
            return self._call(found["word"].lower())
        if found["sign"]:
            return self._parenthesised()
        self.position = found.end()
        text = (found["number"] or found["duration"]).replace("_", "")
        return Computed(text, (), _number(text) if found["number"] else _length(text))

    def _parenthesised(self) -> Computed:
        self._take("(")
        inside = self.expression()
        self._take(")")
        return inside

    def _call(self, function: str) -> Computed:
        count = _ARGUMENTS.get(function)
        if count is None:
            raise self._unexpected()
        self._take(function)
        self._take("(")
        terms = []
        for index in range(count):
            if index:
                self._take(",")
            terms.append(self.expression())
        self._take(")")
        return Computed(function, tuple(terms))

    def _next_sign(self) -> str:
        found = _TOKEN.match(self.text, self.position)
        return found["sign"] or "" if found else ""

    def _take(self, expected: str) -> None:
        found = _TOKEN.match(self.text, self.position)
        if found is None or found[0].strip().lower() != expected:
            raise self._unexpected()
        self.position = found.end()

    def _unexpected(self) -> PromqlError:
        rest = self.text[self.position :].strip()[:20]
        return PromqlError(
            f"a duration is expected, not {rest!r}" if rest else "a duration is missing"
        )


def _signed(sign: str, duration: Computed) -> Computed:
    return Computed("-", (duration,)) if sign == "-" else duration


def _number(text: str) -> float:
    if text[:2].lower() == "0x":
        return float(int(text, 16))
    # Prometheus reads `010` as Go does: octal.
    is_octal = re.fullmatch(r"0[0-7]+", text) is not None
    return float(int(text, 8)) if is_octal else float(text)


def _length(text: str) -> float:
    parts = [(unit, int(count)) for count, unit in _PART.findall(text)]
    units = list(_UNIT_MS)
    places = [units.index(unit) for unit, _count in parts]
    if places != sorted(set(places)):
        raise PromqlError(f"{text!r} is not a duration; write the largest unit first")
    return sum(count * _UNIT_MS[unit] for unit, count in parts) / 1000
