"""The values that an option of a channel may hold: text, a file's path, a URL without secrets, and
so on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Value:
    """What an option may hold. `templated` says that Alertmanager expands it as a Go template;
    `json_type` is its type in a JSON Schema."""

    accepts: Callable[[object], bool]
    right: str
    templated: bool = False
    json_type: Literal["string", "boolean", "integer"] = "string"


# Names of query parameters that carry credentials.
_SECRET_PARAMETER = re.compile(
    r"(?i).*(token|secret|passw|api_?key|signature|credential).*|key|auth|sig"
)
_HOST = r"(?:[\w.-]+|\[[0-9a-fA-F:]+\])"
_PORT = r":(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
_URL = re.compile(
    rf"https?://{_HOST}(?:{_PORT})?(?:[/?#](?:[^\s{{}}%]|%[0-9a-fA-F]{{2}})*)?", re.ASCII
)
_INT64 = 2**63


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[^\s{}\0]+", value))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value) and value == value.strip()


def _is_path(value: object) -> bool:
    """Requires a slash and refuses a URL, so that a key or a webhook's URL written here by mistake
    is not written out."""
    return (
        isinstance(value, str)
        and ("/" in value or "\\" in value)
        and "://" not in value
        and value.isprintable()
    )


def _is_url(value: object) -> bool:
    """Refuses user and password, braces (templates), and whatever Go's parser refuses."""
    if not isinstance(value, str) or not value.isprintable() or not _URL.fullmatch(value):
        return False
    try:
        parameters = parse_qsl(urlsplit(value).query, keep_blank_values=True)
    except ValueError:  # the brackets do not hold an IPv6 address
        return False
    return not any(_SECRET_PARAMETER.fullmatch(name) for name, _ in parameters)


def _is_integer(value: object, least: int = -_INT64) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < _INT64


def _matches(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value, re.ASCII))


def choice(*choices: str) -> Value:
    return Value(lambda value: value in choices, f"write one of {', '.join(choices)}")


TEXT = Value(_is_text, "write text; a number needs quotes")
TEMPLATED_TEXT = Value(_is_text, "write text; a number needs quotes", templated=True)
NAME = Value(_is_name, "write its name as the provider has it; a number needs quotes")
WORD = Value(_is_word, "write it without spaces and braces; a number needs quotes")
PATH = Value(
    _is_path,
    "write the path of a file that holds the secret, as Alertmanager sees it:"
    " /etc/alertmanager/secrets/name",
)
URL = Value(
    _is_url, "write a URL that starts with http:// or https:// and holds no user, password or token"
)
FLAG = Value(lambda value: isinstance(value, bool), "write true or false", json_type="boolean")
INTEGER = Value(
    lambda value: _is_integer(value) and value != 0,
    "write a whole number other than 0",
    json_type="integer",
)
COUNT = Value(
    lambda value: _is_integer(value, least=0),
    "write a whole number, 0 or more",
    json_type="integer",
)
# Go's form, which has no days.
DURATION = Value(
    _matches(r"(?=\d)(\d{1,4}h)?(\d{1,4}m)?(\d{1,4}s)?"),
    "write a duration in hours, minutes, seconds: 30s, 1h30m",
)
HOST_PORT = Value(_matches(_HOST + _PORT), "write a host and a port: mail.example.com:587")
SCHEME = Value(
    _matches(r"(?!(?i:basic)$)[\w-]+"), "write a scheme such as Bearer; for Basic, write basic_auth"
)
