"""A Go template of an annotation or a label goes in; the labels that it prints come out.

Only what is surely printed counts. Text outside of `{{ }}` and inside strings does not, nor does a
label that the template first tests (`{{ if $labels.pod }}`), nor `.Labels` where `range` or `with`
has moved the dot. `{{ $l := $labels }}` and `{{ with $labels }}` give the labels another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

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
_LABELS = frozenset({"$labels", ".Labels", "$.Labels"})
_VALUES = frozenset({"$value", ".Value", "$.Value"})
_PLAIN_STRING = re.compile(r"[\"`]([^\"`\\]*)[\"`]")
_BLOCKS = frozenset({"if", "with", "range", "define", "block"})
_DEFINES = frozenset({"define", "block"})
_MOVES_THE_DOT = frozenset({"with", "range", "define", "block"})
# What these give is a choice or a truth, not the label's own text.
_CHOOSE = frozenset({"or", "and", "not", "eq", "ne", "lt", "le", "gt", "ge", ":="})


# What the dot is in a block, and outside of all.
_Dot = Literal["alert", "labels", "other"]


@dataclass(frozen=True, slots=True)
class _Action:
    """One `{{ }}`: its words, what the dot is there, and the variables that are `$labels`."""

    tokens: tuple[str, ...]
    dot: _Dot
    in_definition: bool
    aliases: frozenset[str]

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
    blocks: list[tuple[str, _Dot]] = []  # the keywords of the blocks that are open
    aliases: frozenset[str] = frozenset()
    for found in _ACTION.finditer(text):
        tokens = tuple(
            token for token in _TOKEN.findall(found["body"]) if not token.startswith("/*")
        )
        if not tokens:
            continue
        if tokens[0] in ("end", "else") and blocks:
            blocks.pop()
        dot = blocks[-1][1] if blocks else "alert"
        action = _Action(tokens, dot, any(word in _DEFINES for word, _ in blocks), aliases)
        yield action
        aliases = _aliases_after(action)
        opens = tokens[1:] or ("else",) if tokens[0] == "else" else tokens
        if tokens[0] == "else" or tokens[0] in _BLOCKS:
            blocks.append((opens[0], _dot_in_block(action, opens)))


def _aliases_after(action: _Action) -> frozenset[str]:
    """The variables that are `$labels`, with what this action assigns."""
    if ":=" not in action.tokens:
        return action.aliases
    position = action.tokens.index(":=")
    name, value = action.tokens[position - 1], action.tokens[position + 1 :]
    if len(value) == 1 and _are_labels(action, value[0]):
        return action.aliases | {name}
    return action.aliases - {name}


def _dot_in_block(action: _Action, opens: Sequence[str]) -> _Dot:
    keyword, *words = opens
    if keyword not in _MOVES_THE_DOT:
        return action.dot
    value = words[words.index(":=") + 1 :] if ":=" in words else words
    is_labels = keyword == "with" and len(value) == 1 and _are_labels(action, value[0])
    return "labels" if is_labels else "other"


def _are_labels(action: _Action, token: str) -> bool:
    """Whether the word is all of the alert's labels."""
    if token in action.aliases or (token == "." and action.dot == "labels"):
        return not action.in_definition
    return token in _LABELS and _is_alerts(action, token)


def _labels(action: _Action) -> Iterator[str]:
    for position, token in enumerate(action.tokens):
        root, dot, label = token.rpartition(".")
        if dot and label and (_are_labels(action, root) or (not root and _are_labels(action, "."))):
            yield label
        if token == "index" and len(action.tokens) > position + 2:
            yield from _indexed_label(action, *action.tokens[position + 1 : position + 3])


def _indexed_label(action: _Action, labels: str, key: str) -> Iterator[str]:
    """The label that `index $labels "pod"` prints."""
    string = _PLAIN_STRING.fullmatch(key)
    if string and _are_labels(action, labels):
        yield string[1]


def _is_alerts(action: _Action, name: str) -> bool:
    """Whether the name means the alert's own labels or value at this place."""
    return not action.in_definition and (action.dot == "alert" or not name.startswith("."))
