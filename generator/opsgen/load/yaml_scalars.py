"""The text of a YAML scalar without quotes goes in; its meaning comes out, or why it should be
written otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from opsgen.load.shown import shown

_MOST_DIGITS = 40


@dataclass(frozen=True)
class Surprise:
    """A plain scalar that is not what it looks like."""

    wrong: str
    right: str


# The spellings of YAML 1.1 that PyYAML reads so.
_CONSTANTS: dict[str, bool | None] = {
    spelling: value
    for value, words in ((True, "true yes on"), (False, "false no off"), (None, "null"))
    for word in words.split()
    for spelling in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}

_NUMBER_START = frozenset("+-.0123456789")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
# 1e3 is a text to YAML 1.1 and a number to YAML 1.2, which editors follow; nobody writes it for a
# text.
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")


def plain_scalar(raw: str) -> bool | int | float | str | Surprise | None:
    """What a scalar without quotes means."""
    if raw in _CONSTANTS:
        return _CONSTANTS[raw]
    if raw[0] not in _NUMBER_START:
        return raw
    for pattern, surprise in _SURPRISES:
        if pattern.fullmatch(raw):
            return surprise(raw)
    if _INTEGER.fullmatch(raw):
        return int(raw)
    if _FLOAT.fullmatch(raw):
        return _float(raw)
    return _UNDERSCORES(raw) if "_" in raw and _FLOAT.fullmatch(raw.replace("_", "")) else raw


def _float(raw: str) -> float | Surprise:
    try:
        if len(raw) <= _MOST_DIGITS and Decimal(repr(float(raw))) == Decimal(raw):
            return float(raw)
    except InvalidOperation:  # an exponent beyond all bounds
        pass
    return Surprise(
        f"{shown(raw)} can't be kept exactly as a number",
        "write at most 15 digits, or quote it for a text",
    )


def _base_60(raw: str) -> Surprise:
    quoted = f'quote it: "{shown(raw)}"'
    if len(raw) > _MOST_DIGITS or "." in raw:
        return Surprise(f"YAML 1.1 reads {shown(raw)} as a number in base 60", quoted)
    seconds = 0
    for part in raw.replace("_", "").lstrip("+-").split(":"):
        seconds = seconds * 60 + int(part)
    signed = -seconds if raw.startswith("-") else seconds
    duration = f", or write a duration: {seconds}s" if seconds == signed else ""
    return Surprise(f"YAML 1.1 reads {raw} as {signed}, a number in base 60", quoted + duration)


def _says(what: str, instead: str) -> Callable[[str], Surprise]:
    return lambda raw: Surprise(
        f"{shown(raw)} is {what}", f'{instead}, or quote it: "{shown(raw)}"'
    )


_UNDERSCORES = _says("a number to YAML 1.1 and a text to YAML 1.2", "write it without underscores")

# Tried in this order. Two readers of YAML give such a scalar two meanings, or no setting can have
# that value.
_SURPRISES: tuple[tuple[re.Pattern[str], Callable[[str], Surprise]], ...] = (
    (re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"), _base_60),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"), _base_60),
    (
        re.compile(r"[-+]?0[0-9_]+|[-+]?0o[0-7_]+"),
        _says("an octal number to YAML", "write it in decimal"),
    ),
    (
        re.compile(r"[-+]?0x[0-9a-fA-F_]+"),
        _says("a hexadecimal number to YAML", "write it in decimal"),
    ),
    (re.compile(r"[-+]?0b[01_]+"), _says("a binary number to YAML", "write it in decimal")),
    (re.compile(r"[-+]?[1-9][0-9]*_[0-9_]*"), _UNDERSCORES),
    (
        re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
        _says("not a finite number", "write a finite one"),
    ),
    (
        re.compile(rf"[-+]?[0-9]{{{_MOST_DIGITS + 1},}}"),
        _says("a number with too many digits", "write a smaller one"),
    ),
)
