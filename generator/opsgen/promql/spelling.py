"""Text in Prometheus' own spelling goes in; the same comes out in the one that promql-parser reads,
with a table of what that has no words for.

promql-parser is behind Prometheus: it knows neither arithmetic on durations, nor `anchored` and
`smoothed`, nor the operators that trim histograms. Durations and times are replaced by longer ones
than Prometheus can count, each the number of a row of the table; an operator is replaced by one of
the same precedence. `parse` puts back what was there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta

from opsgen.promql.durations import Computed, in_seconds, milliseconds, read, read_offset
from opsgen.promql.mistakes import PromqlError
from opsgen.promql.text import quote
from opsgen.promql.tree import Extended

_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | `(?P<raw>[^`]*)`
      | (?P<number>0[xX]\w+|(?:\d[\w.]*|\.\d[\w.]*)(?:(?<=[eE])[-+]\w+)?)
      | (?P<word>[a-zA-Z_:][\w:]*)
      | (?P<sign></|>/|==|!=|=~|!~|<=|>=|.)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_IN_BRACKETS = re.compile(r"((?:[^\]#]|#[^\n]*)*)\]")
_COMMENT = re.compile(r"#[^\n]*")
_UNDERSCORE = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])")
_TIME = re.compile(r"\s*[-+]?\s*[.\d]", re.ASCII)
_NAMED_TIME = re.compile(r"\s*(?:start|end)\s*\(\s*\)", re.IGNORECASE)
_BRACE = re.compile(r"\s*\{")
_EXTENDED: dict[str, Extended] = {"anchored": "anchored", "smoothed": "smoothed"}
_BEFORE_LABELS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_OPERATOR_WORDS = frozenset({"and", "or", "unless", "atan2", "bool"})

# Rows of the table as durations and times: beyond what Prometheus (292 years) and people (the year
# 9892) can mean, within what promql-parser and Python's dates can hold.
_FIRST_ROW_DAYS = 200_000
_FIRST_ROW_TIME = 250_000_000_000
_LATEST_SECONDS = 2**63  # Prometheus holds times as 64 bits


@dataclass(frozen=True, slots=True)
class Shift:
    """What stands behind a selector: its offset, and whether it is `anchored` or `smoothed`."""

    offset: Computed | None = None
    extended: Extended | None = None


Row = Computed | Shift | str


@dataclass(frozen=True, slots=True)
class Spelled:
    """Text for promql-parser, with the rows that stand for durations and times, and what every `==`
    in it was, in the order of the text."""

    text: str
    rows: tuple[Row, ...]
    equalities: tuple[str, ...]

    @property
    def is_extended(self) -> bool:
        """Whether a selector is `anchored` or `smoothed`."""
        return any(isinstance(row, Shift) and row.extended for row in self.rows)

    def length(self, found: timedelta) -> Computed:
        row = self.rows[found.days - _FIRST_ROW_DAYS]
        assert isinstance(row, Computed)  # every range and step of the text has such a row
        return row

    def shift(self, found: timedelta | None) -> Shift:
        row = Shift() if found is None else self.rows[found.days - _FIRST_ROW_DAYS]
        assert isinstance(row, Shift)  # every offset of the text has such a row
        return row

    def time(self, seconds: float) -> str:
        row = self.rows[int(seconds) - _FIRST_ROW_TIME]
        assert isinstance(row, str)  # every time of the text has such a row
        return row


def spelled(text: str) -> Spelled:
    """The text as promql-parser reads it; raises PromqlError for a duration that is none."""
    speller = _Speller(text)
    speller.spell()
    return Spelled("".join(speller.out), tuple(speller.rows), tuple(speller.equalities))


class _Speller:
    """Goes through the text once.

    `after_operand` tells a modifier from a metric of the same name; `shift` is the index of the row
    and the piece of the selector that is being read.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.out: list[str] = []
        self.rows: list[Row] = []
        self.equalities: list[str] = []
        self.in_braces = False
        self.after_operand = False
        self.last_word = ""
        self.holds_labels: list[bool] = []
        self.shift: tuple[int, int] | None = None

    def spell(self) -> None:
        while self.position < len(self.text):
            token = _TOKEN.match(self.text, self.position)
            assert token is not None  # the last alternative takes any character
            self.position = token.end()
            if token["blank"] is not None:
                self.out.append(token[0])
            elif token["string"] is not None or token["raw"] is not None:
                self._put(token[0] if token["string"] else _string(token["raw"]), True)
            elif token["number"] is not None:
                self._put(_UNDERSCORE.sub("", token[0]), True)
            elif token["word"] is not None and not self.in_braces:
                self._word(token[0])
            else:
                self._sign(token[0])

    def _put(self, piece: str, is_operand: bool) -> None:
        self.out.append(piece)
        self.after_operand = is_operand
        self.shift = None

    def _word(self, word: str) -> None:
        lower = word.lower()
        if self.after_operand and lower in _EXTENDED:
            self._extended(_EXTENDED[lower])
        elif self.after_operand and lower == "offset":
            self._offset()
        elif lower in _EXTENDED or (":" in word and self._in_labels()):
            self._name(word)
        else:
            is_operator = lower == "bool" or (self.after_operand and lower in _OPERATOR_WORDS)
            self._put(word, not is_operator)
            self.last_word = lower

    def _sign(self, sign: str) -> None:
        if self.in_braces:
            self.in_braces = sign != "}"
            self.out.append(sign)
        elif sign == "[":
            self._range()
        elif sign == "@":
            self._at()
        else:
            self._other_sign(sign)
        self.last_word = ""

    def _other_sign(self, sign: str) -> None:
        is_trim = sign in ("</", ">/")
        if is_trim or sign == "==":
            self.equalities.append(sign)
        # Between numbers only `== bool` may stand, and a trim is never `bool`.
        self._put("== bool " if is_trim else sign, sign == "{")
        self.in_braces = sign == "{"
        if sign == "(":
            self.holds_labels.append(self.last_word in _BEFORE_LABELS)
        elif sign == ")" and self.holds_labels:
            self.after_operand = not self.holds_labels.pop()

    def _name(self, word: str) -> None:
        """A name that promql-parser does not take as one, in quotes: those of the modifiers, and
        labels with a colon."""
        name = quote(word)
        brace = _BRACE.match(self.text, self.position)
        if self._in_labels():
            self._put(name, True)
        elif brace is None:
            self._put(f"{{{name}}}", True)
        else:
            self.position = brace.end()
            self._put(f"{{{name},", True)
            self.in_braces = True

    def _in_labels(self) -> bool:
        return bool(self.holds_labels) and self.holds_labels[-1]

    def _range(self) -> None:
        found = _IN_BRACKETS.match(self.text, self.position)
        if found is None:
            raise PromqlError("unclosed left bracket")
        self.position = found.end()
        parts = _COMMENT.sub("", found[1]).split(":")
        before, self.shift = self.shift, None
        self.out.append(f"[{':'.join(self._length(part, parts) for part in parts)}]")
        if before is not None and len(parts) == 1:
            self._move_behind(*before)

    def _move_behind(self, row: int, piece: int) -> None:
        """`requests anchored [5m]` is `requests[5m] anchored`; an offset may not stand so early."""
        shift = self.rows[row]
        assert isinstance(shift, Shift)  # as for every selector
        if shift.offset is None:
            self.shift = (row, len(self.out))
            self.out.append(self.out[piece])
            self.out[piece] = ""

    def _length(self, part: str, parts: list[str]) -> str:
        if not part.strip() and len(parts) == 2 and part is parts[1]:
            return ""
        length = read(part)
        if not length.varies and milliseconds(length) <= 0:
            raise PromqlError(f"the range {length} is not above 0s")
        return self._row(length)

    def _offset(self) -> None:
        offset, self.position = read_offset(self.text, self.position)
        row = self._shift_row()
        shift = self.rows[row]
        assert isinstance(shift, Shift)
        if shift.offset is not None:
            raise PromqlError("offset may not be set multiple times")
        self.rows[row] = replace(shift, offset=offset)

    def _extended(self, extended: Extended) -> None:
        row = self._shift_row()
        shift = self.rows[row]
        assert isinstance(shift, Shift)
        if shift.extended not in (None, extended):
            raise PromqlError("anchored and smoothed cannot be used together")
        self.rows[row] = replace(shift, extended=extended)

    def _shift_row(self) -> int:
        """The row of the selector that is being read; a new one where it has none."""
        if self.shift is None:
            self.shift = (len(self.rows), len(self.out))
            self.out.append(f" offset {self._row(Shift())} ")
        return self.shift[0]

    def _at(self) -> None:
        self.out.append("@ ")
        named = _NAMED_TIME.match(self.text, self.position)
        if named is not None:
            self.position = named.end()
            self.out.append(named[0])
        elif _TIME.match(self.text, self.position):
            time, self.position = read_offset(self.text, self.position)
            self.out.append(str(_FIRST_ROW_TIME + len(self.rows)))
            self.rows.append(_time_text(in_seconds(time)))

    def _row(self, row: Row) -> str:
        self.rows.append(row)
        return f"{_FIRST_ROW_DAYS + len(self.rows) - 1}d"


def _string(raw: str) -> str:
    return quote(raw) if "\\" in raw else f"`{raw}`"


def _time_text(seconds: float) -> str:
    if not abs(seconds) < _LATEST_SECONDS:
        raise PromqlError(f"the time {seconds:g} is out of bounds")
    return f"{seconds:.3f}".removesuffix(".000")
