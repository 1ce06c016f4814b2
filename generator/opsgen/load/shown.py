"""A piece of somebody's input goes in; the text that a message may show comes out: short, on one
line, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_SHOWN = 60
_MOST_LISTED = 12
HIDDEN = "(not shown: it may be a secret)"

# C0, DEL and C1 control characters without tab and newline, and the two separators that some
# readers take for a line's end and others don't.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

_SECRET_KEY = re.compile(
    r"token|passw|passphrase|secret|credential|key|webhook|api_?url", re.IGNORECASE
)
_CREDENTIALS = re.compile(r"(?<=://)[^/\s]*@")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def on_one_line(text: str) -> str:
    """The text without its control characters, line ends and invisible or direction-changing
    characters."""
    return (
        text
        if text.isprintable()
        else "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    )


def shown(text: str) -> str:
    """The text as a message shows it: one line of at most 60 characters, without credentials in
    URLs."""
    # Cut before and after: a value may be long, and a credential may be where the cut is.
    clean = _CREDENTIALS.sub("", on_one_line(text[: 10 * LONGEST_SHOWN]))
    return clean if len(clean) <= LONGEST_SHOWN else clean[: LONGEST_SHOWN - 1] + "…"


def listed(names: Iterable[str]) -> str:
    """The names as a message lists them; only the first ones if there are many."""
    names = list(names)
    more = ", ..." if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("", text)


def may_be_secret(path: Iterable[str | int]) -> bool:
    """Whether the value at this place must not be repeated in a message."""
    return any(isinstance(part, str) and _SECRET_KEY.search(part) for part in path)


def path_text(path: Iterable[str | int]) -> str:
    """A place as people write it: `slos[0].latency`. A key that is not a plain word is quoted:
    `labels["a b"]`."""
    return "".join(_part(part) for part in path).removeprefix(".")


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return (
        f".{part}"
        if _PLAIN_KEY.fullmatch(part) and len(part) <= LONGEST_SHOWN
        else f'["{shown(part)}"]'
    )
