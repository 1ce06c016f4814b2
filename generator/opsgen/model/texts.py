"""Fills named blanks in prose: `{service}` in a pack's text becomes the service of the alert, and
`{{x}}` becomes `{x}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLANK = re.compile(r"\{(\{[a-z_]+\}|[a-z_]+)\}")

# The blanks that a text may have, by where it stands. Every text may have those of the service.
BLANKS: Mapping[str, tuple[str, ...]] = {
    "service": ("service", "title", "team", "tier", "environment"),
    "signal": ("signal",),
    "probe": ("name", "url", "url_shell", "probe_job", "probe_window", "probe_timeout"),
    "dependency": ("name",),
    "alert": ("value", "hold"),
    "threshold": ("threshold",),
    "guard": ("events", "events_window"),
    "ErrorBudgetBurn": (
        *("value", "slo", "slo_title", "objective", "window", "budget", "budget_left"),
        *("outage", "slow", "tiers"),
    ),
    "Business": (
        *("value", "hold", "threshold", "signal_title", "drop", "remaining", "against", "around"),
    ),
}


def blanks_of(*places: str) -> frozenset[str]:
    """The blanks that a text in these places may have."""
    return frozenset(name for place in ("service", *places) for name in BLANKS.get(place, ()))


class UnknownBlank(KeyError):
    """A text has an unknown blank; the message names it and the known ones."""


def blanks(text: str) -> frozenset[str]:
    """The names of the blanks in a text."""
    return frozenset(name for name in _BLANK.findall(text) if not name.startswith("{"))


def fill(text: str, words: Mapping[str, str]) -> str:
    """Fills every blank of the text; raises UnknownBlank."""

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


def fill_known(text: str, words: Mapping[str, str]) -> str:
    """The text with the blanks of these names filled, and all others left to be filled later."""
    return _BLANK.sub(lambda found: words.get(found.group(1), found.group(0)), text)


def blank_alone(text: str) -> str | None:
    """The name of the blank that is the whole text; None where it is not one alone."""
    found = _BLANK.fullmatch(text)
    return None if found is None or found.group(1).startswith("{") else found.group(1)


def go_text(text: str) -> str:
    """Escapes text so that a Go template prints it unchanged: a `{{` in a description is not an
    action."""
    return text.replace("{{", '{{ "{{" }}')
