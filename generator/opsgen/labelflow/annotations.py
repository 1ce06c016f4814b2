"""A Go template as Prometheus reads it in annotations and labels: text in, the labels that it
prints out.

Only what is certain to be printed counts: text outside of `{{ }}` and inside strings does not, nor
does a label that the template first asks for (`{{ if $labels.pod }}`), nor `.Labels` where `range`
or `with` has moved the dot.
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
        conditional = self.tokens[0] in ("if", "else") or (
            self.tokens[0] == "with" and "query" not in words
        )
        return conditional or not words.isdisjoint(_CHOOSE)


def template_labels(text: str) -> tuple[str, ...]:
    """The labels that a template prints, by `$labels.x`, `.Labels.x` or `index $labels "x"`, in
    order of first use."""
    actions = tuple(_actions(text))
    asked = {label for action in actions if action.asks for label in _labels(action)}
    printed = (label for action in actions if not action.asks for label in _labels(action))
    return tuple(dict.fromkeys(label for label in printed if label not in asked))


def prints_value(text: str) -> bool:
    """Whether a template prints the alert's value: `$value` or `.Value`, but for use in a
    condition."""
    printing = (action for action in _actions(text) if not action.asks)
    return any(
        token in _VALUES and _is_alerts(action, token)
        for action in printing
        for token in action.tokens
    )


def _actions(text: str) -> Iterator[_Action]:
    blocks: list[str] = []
    for body in (found["body"] for found in _ACTION.finditer(text)):
        tokens = tuple(token for token in _TOKEN.findall(body) if not token.startswith("/*"))
        if not tokens:
            continue
        keyword = tokens[0]
        if keyword in ("end", "else") and blocks:
            blocks.pop()
        yield _Action(
            tokens, _MOVES_THE_DOT.isdisjoint(blocks), not {"define", "block"}.isdisjoint(blocks)
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
            labels, key = action.tokens[position + 1 : position + 3]
            string = _PLAIN_STRING.fullmatch(key)
            if labels in _LABELS and string and _is_alerts(action, labels):
                yield string[1]


def _is_alerts(action: _Action, name: str) -> bool:
    """Whether the name means the alert's own labels or value at this place."""
    return not action.in_definition and (action.dot_is_alert or not name.startswith("."))
