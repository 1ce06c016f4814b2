"""A text of YAML or JSON goes in; its documents come out as nodes that know their places.

The text is composed, not loaded: every key and value keeps its line and column, and an alias is a
reference, however often it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import yaml


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the file; line and column count from 1."""

    line: int
    column: int


START = Position(1, 1)

# Where a line and a column of a text, which count from 0, are in the file.
Locate = Callable[[int, int], Position]


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a mapping and its value."""

    key: yaml.Node
    value: yaml.Node


Fields = dict[str, Field]

_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
# PyYAML's composer overflows the native stack on some 100,000 nested collections.
_DEEPEST = 1_000
# A character of a scalar on one line, as written in double quotes, in single quotes, or plain.
_WRITTEN = {
    '"': re.compile(r"\\x..|\\u.{4}|\\U.{8}|\\.|."),
    "'": re.compile(r"''|."),
    "": re.compile(r"."),
}


def compose(text: str) -> list[yaml.Node]:
    """All documents of the text; raises yaml.YAMLError."""
    # Only long texts can be deep enough to matter, and counting takes as long as composing.
    if (
        len(text) > 2 * _DEEPEST
        and sum(text.count(opening) for opening in ("[", "{", "- ", "? ")) > _DEEPEST
    ):
        _refuse_depth(text)
    return list(yaml.compose_all(text, Loader=yaml.CSafeLoader))


def _refuse_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(
            event, yaml.CollectionEndEvent
        )
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"nested more than {_DEEPEST} levels deep",
                problem_mark=cast(Any, event.start_mark),
            )


def error_place(text: str, error: yaml.YAMLError) -> tuple[int, int]:
    """Line and column of an error of `compose`, from 0."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return mark.line, mark.column
    before = text[: getattr(error, "position", 0)]
    return before.count("\n"), len(before) - before.rfind("\n") - 1


def fields_of(node: yaml.Node, seen: set[int] | None = None) -> Fields:
    """The keys of a mapping, with those that `<<` merges in; of anything else none."""
    seen = set() if seen is None else seen
    if not isinstance(node, yaml.MappingNode) or id(node) in seen:
        return {}
    seen.add(id(node))
    merged: Fields = {}
    own: Fields = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                merged = {**fields_of(source, seen), **merged}
        elif isinstance(key, yaml.ScalarNode):
            own[key.value] = Field(key, value)
    return {**merged, **own}


def items_of(field: Field | None) -> list[yaml.Node]:
    """The entries of a list; of anything else none."""
    if field is None or not isinstance(field.value, yaml.SequenceNode):
        return []
    entries: list[yaml.Node] = field.value.value
    return entries


def text_of(field: Field | None) -> str:
    """The text of a scalar; of anything else, and of a value left out, nothing."""
    if field is None or not isinstance(field.value, yaml.ScalarNode) or is_null(field.value):
        return ""
    text: str = field.value.value
    return text


def is_null(node: yaml.Node) -> bool:
    """Whether it is `~`, `null` or left out."""
    return bool(node.tag == _NULL)


def place_of(node: yaml.Node, locate: Locate) -> Position:
    return locate(node.start_mark.line, node.start_mark.column)


def in_file(line: int, column: int) -> Position:
    return Position(line + 1, column + 1)


def inside(node: yaml.ScalarNode, text: str, locate: Locate) -> Locate:
    """Where the lines and columns of a scalar's value are; the scalar's own place where its value
    is written in another shape, as a folded block is."""
    found = _in_block(node, text) if node.style == "|" else _in_line(node, text)
    if found is None:
        return lambda _line, _column: place_of(node, locate)

    def located(line: int, column: int) -> Position:
        return locate(*found(line, column))

    return located


_Shift = Callable[[int, int], tuple[int, int]]


def _in_block(node: yaml.ScalarNode, text: str) -> _Shift | None:
    """In a block after `|`, all lines are indented alike."""
    first = node.start_mark.line + 1
    written = text.split("\n")[first:]
    for raw, line in zip(written, node.value.split("\n"), strict=False):
        if line.strip():
            indent = len(raw) - len(raw.lstrip(" ")) - (len(line) - len(line.lstrip(" ")))
            return lambda line, column: (first + line, column + indent)
    return None


def _in_line(node: yaml.ScalarNode, text: str) -> _Shift | None:
    """In a scalar on one line, an escape such as `\\n` is longer than what it stands for."""
    start, end = node.start_mark, node.end_mark
    pattern = _WRITTEN.get(node.style or "")
    if start.line != end.line or pattern is None:
        return None
    quote = len(node.style or "")
    raw = text[start.index + quote : end.index - quote]
    columns = [start.column + quote + found.start() for found in pattern.finditer(raw)]
    if len(columns) != len(node.value):
        return None
    lines = [0]
    lines += [offset + 1 for offset, char in enumerate(node.value) if char == "\n"]
    # One more, for what is missing at the end.
    columns.append(end.column)

    def shifted(line: int, column: int) -> tuple[int, int]:
        offset = min(lines[min(line, len(lines) - 1)] + column, len(columns) - 1)
        return start.line, columns[offset]

    return shifted
