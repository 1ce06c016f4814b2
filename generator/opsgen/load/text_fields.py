"""Texts as people write them: free text, URLs, times of day and dates. A YAML scalar goes in; a
checked text comes out."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from opsgen.load.scalars import mistake, text_schema
from opsgen.load.shown import CONTROL, shown

LONGEST_TEXT_BYTES = 20_000
_LONGEST_URL = 2_000
_TIME_OF_DAY = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
_DATE = r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]"


def _free_text(text: str) -> str:
    control = CONTROL.search(text)
    if not text.strip():
        raise mistake("the text is empty", "write one, or leave the key out")
    if control:
        raise mistake(f"the text has the control character U+{ord(control[0]):04X}", "leave it out")
    if len(text.encode("utf-8", "replace")) > LONGEST_TEXT_BYTES:
        raise mistake(f"the text is longer than {LONGEST_TEXT_BYTES:,} bytes", "shorten it")
    return text


def _http_url(text: str) -> str:
    example = "write for example https://shop.example.com/healthz"
    if len(text) > _LONGEST_URL:
        raise mistake(f"the URL is longer than {_LONGEST_URL:,} characters", "shorten it")
    if not text.isprintable() or re.search(r"[\s\"<>\\^`{|}]", text):
        raise mistake(
            "the URL has a character that must be escaped in URLs",
            "write %20 for a space, and so on",
        )
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise mistake(f"'{shown(text)}' is not a valid URL", example) from None
    if "@" in parts.netloc:
        raise mistake("the URL holds credentials", "leave them out: a spec must not hold secrets")
    if parts.scheme not in ("http", "https"):
        plain_host = re.fullmatch(r"[a-z0-9.-]+\.[a-z]+(:[0-9]+)?(/\S*)?", text)
        raise mistake(
            f"'{shown(text)}' is not an http or https URL",
            f"write https://{shown(text)}" if plain_host else example,
        )
    if not host or not host.strip("."):
        raise mistake(f"'{shown(text)}' has no host", example)
    return text


def _time_of_day(text: str) -> str:
    if re.fullmatch(_TIME_OF_DAY, text):
        return text
    hours, _, minutes = text.partition(":")
    padded = f"{hours:0>2}:{minutes or '00'}"
    right = (
        f'write "{padded}"'
        if re.fullmatch(_TIME_OF_DAY, padded)
        else 'write hours and minutes, "00:00" to "24:00"'
    )
    raise mistake(f"'{shown(text)}' is not a valid time of day", right)


def _date(value: Any) -> str:
    """A date without quotes arrives as a date: YAML has converted it."""
    text = str(value)
    try:
        if re.fullmatch(_DATE, text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass  # such as 2027-02-30: said below
    raise mistake(
        f"'{shown(text)}' is not a valid date", 'write year, month and day, quoted: "2027-12-25"'
    )


Text = Annotated[
    str,
    AfterValidator(_free_text),
    WithJsonSchema(
        {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_TEXT_BYTES,
            "description": "Free text.",
        }
    ),
]
HttpUrl = Annotated[
    str,
    AfterValidator(_http_url),
    text_schema(
        r"https?://[^\s@/]+(/\S*)?([?#]\S*)?",
        "An http or https URL without credentials.",
        "https://shop.example.com/healthz",
        longest=_LONGEST_URL,
    ),
]
TimeOfDay = Annotated[
    str,
    AfterValidator(_time_of_day),
    text_schema(
        _TIME_OF_DAY, "A time of day, quoted; 24:00 is the end of the day.", "09:00", "18:00"
    ),
]
Date = Annotated[
    str,
    BeforeValidator(_date),
    text_schema(_DATE, "A day of the calendar, quoted.", "2027-12-25"),
]
