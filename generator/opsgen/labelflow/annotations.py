"""A Go template of an annotation or a label goes in; the labels that it prints come out.

Only what is surely printed counts. Text outside of `{{ }}` and inside strings does not, nor does a
label that the template first tests (`{{ if $labels.pod }}`), nor `.Labels` where `range` or `with`
has moved the dot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# One `{{ }}` with the strings and comments in it, in which `}}` ends nothing.
_ACTION = re.compile(
    r"""\{\{(?:-(?=\s))?(?P<body>
    (?: \s*/\*.*?\*/\s* | "(?:\\.|[^"\\\n])*" | `[^`]*` | '(?:\\.|[^'\\\n])*' | (?!\}\})[^"`'] )*+
    )\}\}""",
    re.DOTALL | re.VERBOSE,
)
_TOKEN = re.compile(
    r"\"(?:\\.|[^\"\\])*\"|`[^`]*`|'(?:\\.|[^'\\])*'|/\*.*?\*/|[$\w.]+|:=|\S", re.DOTALL
)
_LABEL = re.compile(r"(?P<root>\$labels|\$?\.Labels)\.(?P<label>\w+)")
_LABELS = frozenset({"$labels", ".Labels", "$.Labels"})
_VALUES = frozenset({"$value", ".Value", "$.Value"})
_PLAIN_STRING = re.compile(r"[\"`]([^\"`\\]*)[\"`]")
_BLOCKS = frozenset({"if", "with", "range", "define", "block"})
_DEFINES = frozenset({"define", "block"})
_MOVES_THE_DOT = frozenset({"with", "range", "define", "block"})
# What these give is a choice or a truth, not the label's own text.
_CHOOSE = frozenset({"or", "and", "not", "eq", "ne", "lt", "le", "gt", "ge", ":="})


@dataclass(frozen=True, slots=True)
class _Action:
    tokens: tuple[str, ...]
    dot_is_alert: bool
    in_definition: bool

    @property
    def asks(self) -> bool:
        """Whether it decides rather than prints."""
        words = set(self.tokens)
        keyword = self.tokens[0]
        is_condition = keyword in ("if", "else")
        is_condition = is_condition or (keyword == "with" and "query" not in words)
        return is_condition or not words.isdisjoint(_CHOOSE)


def template_labels(text: str) -> tuple[str, ...]:
    """The labels that a template prints, by `$labels.x`, `.Labels.x` or `index $labels "x"`, in
    order of first use."""
    actions = tuple(_actions(text))
    asked = {label for action in actions if action.asks for label in _labels(action)}
    printed = (label for action in actions if not action.asks for label in _labels(action))
    return tuple(dict.fromkeys(label for label in printed if label not in asked))


def prints_value(text: str) -> bool:
    """Whether a template prints the alert's value, `$value` or `.Value`; a condition on the value
    does not count."""
    return any(_prints_value(action) for action in _actions(text) if not action.asks)


def _prints_value(action: _Action) -> bool:
    values = (token for token in action.tokens if token in _VALUES)
    return any(_is_alerts(action, token) for token in values)


def _actions(text: str) -> Iterator[_Action]:
    blocks: list[str] = []  # the keywords of the blocks that are open
    for found in _ACTION.finditer(text):
        tokens = tuple(
            token for token in _TOKEN.findall(found["body"]) if not token.startswith("/*")
        )
        if not tokens:
            continue
        keyword = tokens[0]
        if keyword in ("end", "else") and blocks:
            blocks.pop()
        yield _Action(
            tokens,
            dot_is_alert=_MOVES_THE_DOT.isdisjoint(blocks),
            in_definition=not _DEFINES.isdisjoint(blocks),
        )
        if keyword == "else":
            blocks.append(tokens[1] if len(tokens) > 1 else "else")
        elif keyword in _BLOCKS:
            blocks.append(keyword)


def _labels(action: _Action) -> Iterator[str]:
    for position, token in enumerate(action.tokens):
        named = _LABEL.match(token)
        if named and _is_alerts(action, named["root"]):
            yield named["label"]
        if token == "index" and len(action.tokens) > position + 2:
            yield from _indexed_label(action, *action.tokens[position + 1 : position + 3])


def _indexed_label(action: _Action, labels: str, key: str) -> Iterator[str]:
    """The label that `index $labels "pod"` prints."""
    string = _PLAIN_STRING.fullmatch(key)
    if labels in _LABELS and string and _is_alerts(action, labels):
        yield string[1]


def _is_alerts(action: _Action, name: str) -> bool:
    """Whether the name means the alert's own labels or value at this place."""
    return not action.in_definition and (action.dot_is_alert or not name.startswith("."))
