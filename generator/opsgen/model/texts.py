"""Prose with named blanks: `{service}` in a pack's text is filled from the alert it describes, and
`{{x}}` is `{x}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLANK = re.compile(r"\{(\{[a-z_]+\}|[a-z_]+)\}")


class UnknownBlank(KeyError):
    """A text has a blank that nothing fills; the message names it and those that there are."""


def blanks(text: str) -> frozenset[str]:
    """The names of the blanks in a text."""
    return frozenset(name for name in _BLANK.findall(text) if not name.startswith("{"))


def fill(text: str, words: Mapping[str, str]) -> str:
    """The text with every blank filled; raises UnknownBlank."""

    def word(match: re.Match[str]) -> str:
        name = match.group(1)
        if name.startswith("{"):
            return name
        if name not in words:
            raise UnknownBlank(
                f"{{{name}}} is not known here; known are {', '.join(sorted(words))}"
            )
        return words[name]

    return _BLANK.sub(word, text)


def go_text(text: str) -> str:
    """Text that a Go template prints as it stands: a `{{` in somebody's description is no
    action."""
    return text.replace("{{", '{{ "{{" }}')
