"""Types of single values as people write them: each reads one YAML scalar to an exact value, or
says what is wrong.

Each has a JSON Schema, by which editors check and complete.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    Strict,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from opsgen.load.shown import CONTROL, LONGEST_SHOWN, shown
from opsgen.quantities import Duration, Ratio, number_text

LONGEST_TEXT_BYTES = 20_000
_LONGEST_NAME = 200
_LONGEST_URL = 2_000
SLUG_LENGTH = 63  # of a label in DNS, which Kubernetes names follow

# Beyond these a number is a slip of the finger, and would print as a screenful of zeros.
_SMALLEST_POWER, _LARGEST_POWER, _MOST_DIGITS = -18, 18, 34


def mistake(wrong: str, right: str = "", path: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """What a validator raises: what is wrong, and what would be right; `path` leads from its value
    to the place."""
    return PydanticCustomError(
        "opsgen", "{wrong}; {right}", {"wrong": wrong, "right": right, "path": path}
    )


@dataclass(frozen=True)
class LatencyObjective:
    """`99% under 300ms`: the share of requests that must be answered within the threshold."""

    objective: Ratio
    threshold: Duration

    def __str__(self) -> str:
        return f"{self.objective} under {self.threshold}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _written(value: float | Decimal) -> str:
    return number_text(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))


def _parsed(parse: Callable[[str], Any], text: str, what: str, right: str) -> Any:
    """Calls a parser of opsgen.quantities, whose errors read `what is wrong; what would be
    right`."""
    if len(text) > LONGEST_SHOWN:
        raise mistake(f"'{shown(text)}' is no {what}", right)
    try:
        return parse(text)
    except ValueError as error:
        wrong, _, better = str(error).rpartition("; ")
        raise mistake(wrong, better) from None


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    text = _written(value) if _is_number(value) else _text(value).strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        raise mistake(f"{text} has no unit", f"write {text}ms, {text}s or {text}m")
    if "." in text:
        raise mistake(
            f"'{shown(text)}' is no duration", "write whole numbers and units: 30s, 1h30m, 1500ms"
        )
    duration: Duration = _parsed(
        Duration.parse, text, "duration", "write a number and a unit: 30s, 5m, 1h30m, 30d"
    )
    return duration


def _positive_duration(value: Any) -> Duration:
    duration = _duration(value)
    if not duration:
        raise mistake("a duration of 0 is not allowed here", "write a longer one: 30s, 5m, 1h30m")
    return duration


def _ratio(value: Any) -> Ratio:
    if isinstance(value, Ratio):
        return value
    text = _written(value) if _is_number(value) else _text(value).strip()
    ratio: Ratio = _parsed(
        Ratio.parse, text, "percentage", "write a plain number and its sign: 99.9%"
    )
    return ratio


def _percent(value: Any) -> Ratio:
    ratio = _ratio(value)
    if ratio.value > 1:
        raise mistake(f"{ratio} is more than 100%", "write a percentage from 0% to 100%")
    return ratio


def _objective(value: Any) -> Ratio:
    ratio = _ratio(value)
    if ratio.value == 1:
        raise mistake("an objective of 100% leaves no error budget", "write for example 99.99%")
    if not 0 < ratio.value < 1:
        raise mistake(
            f"an objective of {ratio} can't be",
            "write a percentage between 0% and 100%, for example 99.9%",
        )
    return ratio


def _latency_objective(value: Any) -> LatencyObjective:
    if isinstance(value, LatencyObjective):
        return value
    text = _written(value) if _is_number(value) else _text(value)
    objective, under, threshold = text.partition(" under ")
    if not under:
        raise mistake(
            f"'{shown(text)}' is no latency objective",
            "write a share and a threshold: 99% under 300ms",
        )
    return LatencyObjective(_objective(objective.strip()), _positive_duration(threshold.strip()))


def _number(value: Any) -> Decimal:
    if not (_is_number(value) or isinstance(value, str)):
        raise PydanticKnownError("decimal_type")
    text = repr(value) if isinstance(value, float) else str(value)
    number = _decimal(text) if len(text) <= LONGEST_SHOWN else None
    if number is None:
        raise mistake(f"'{shown(text)}' is no number", "write a plain decimal number: 0.5")
    small_enough = (
        number.adjusted() <= _LARGEST_POWER and len(number.as_tuple().digits) <= _MOST_DIGITS
    )
    if number and not (small_enough and number.adjusted() >= _SMALLEST_POWER):
        raise mistake(
            f"{shown(text)} is beyond what is measured", "write a number between 1e-18 and 1e18"
        )
    # In plain notation: 0E+50 is 0, and 1E+3 is 1000.
    return Decimal(number_text(number)) if number else Decimal(0)


def _json_number(number: Decimal) -> int | float:
    """For the defaults in a JSON Schema."""
    return int(number) if number == number.to_integral_value() else float(number)


def _decimal(text: str) -> Decimal | None:
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _slug(text: str) -> str:
    if len(text) <= SLUG_LENGTH and re.fullmatch(_SLUG, text):
        return text
    suggested = slug_of(text) or "checkout"
    right = f"use lowercase letters, digits and inner hyphens, at most {SLUG_LENGTH}: {suggested}"
    raise mistake(f"'{shown(text)}' is no valid name here", right)


def slug_of(text: str) -> str:
    """What is left of a text as a slug; empty where nothing is."""
    plain = (
        unicodedata.normalize("NFKD", text[: 4 * SLUG_LENGTH])
        .encode("ascii", "ignore")
        .decode()
        .lower()
    )
    return re.sub(r"[^a-z0-9]+", "-", plain)[: SLUG_LENGTH + 1].strip("-")[:SLUG_LENGTH].strip("-")


def _name(
    what: str, pattern: str, separator: str = "_", forbidden: str | None = None
) -> Callable[[str], str]:
    """Checks a name against a pattern, and suggests what it may have meant."""

    def check(text: str) -> str:
        reserved = forbidden is not None and text.startswith(forbidden)
        if re.fullmatch(pattern, text) and not reserved and len(text) <= _LONGEST_NAME:
            return text
        suggested = re.sub(r"[^a-zA-Z0-9_]+", separator, text[:LONGEST_SHOWN]).strip("_")
        example = f": {suggested}" if re.fullmatch(pattern, suggested) else ""
        reason = f" (names that begin with {forbidden} are reserved)" if reserved else ""
        raise mistake(
            f"'{shown(text)}' is no {what}{reason}",
            f"use letters, digits and _, no digit first{example}",
        )

    return check


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
        raise mistake(f"'{shown(text)}' is no URL", example) from None
    if "@" in parts.netloc:
        raise mistake(
            "the URL holds credentials", "leave them out: a secret is never written in a spec"
        )
    if parts.scheme not in ("http", "https"):
        plain_host = re.fullmatch(r"[a-z0-9.-]+\.[a-z]+(:[0-9]+)?(/\S*)?", text)
        raise mistake(
            f"'{shown(text)}' is no http or https URL",
            f"write https://{shown(text)}" if plain_host else example,
        )
    if not host or not host.strip("."):
        raise mistake(f"'{shown(text)}' names no host", example)
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
    raise mistake(f"'{shown(text)}' is no time of day", right)


_DURATION = r"(?=[0-9])([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?"
_PERCENT = r"[0-9]{1,6}(\.[0-9]{1,12})?\s*%"
_SLUG = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
_METRIC_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_TIME_OF_DAY = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"


_DATE = r"[12][0-9]{3}-[01][0-9]-[0-3][0-9]"


def _date(value: Any) -> str:
    """Unquoted, YAML has made it a date already."""
    text = str(value)
    try:
        if re.fullmatch(_DATE, text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass  # such as 2027-02-30: said below
    raise mistake(f"'{shown(text)}' is no date", 'write year, month and day, quoted: "2027-12-25"')


# Kubernetes' own rules for labels (docs: "Labels and Selectors") and for names of ports
# (IANA_SVC_NAME).
_LABEL_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DNS_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_KUBERNETES_KEY = rf"({_DNS_NAME}/)?{_LABEL_WORD}"
_PORT_NAME = r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*"


def _checked(what: str, pattern: str, right: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if re.fullmatch(pattern, text):
            return text
        raise mistake(f"'{shown(text)}' is no {what}", right)

    return check


def _schema(
    pattern: str, description: str, *examples: str, longest: int | None = None
) -> WithJsonSchema:
    length = {} if longest is None else {"maxLength": longest}
    found = {"type": "string", "pattern": f"^(?:{pattern})$", **length, "description": description}
    return WithJsonSchema({**found, "examples": list(examples)})


_AS_TEXT = PlainSerializer(str, return_type=str)

DurationField = Annotated[
    Duration,
    PlainValidator(_duration),
    _AS_TEXT,
    _schema(
        _DURATION,
        "A duration: a number and a unit, largest unit first.",
        "30s",
        "5m",
        "1h30m",
        "30d",
    ),
]
PositiveDurationField = Annotated[
    Duration,
    PlainValidator(_positive_duration),
    _AS_TEXT,
    _schema(
        _DURATION,
        "A duration above zero: a number and a unit, largest unit first.",
        "30s",
        "5m",
        "1h30m",
        "30d",
    ),
]
PercentField = Annotated[
    Ratio,
    PlainValidator(_percent),
    _AS_TEXT,
    _schema(_PERCENT, "A percentage from 0% to 100%, with its sign.", "2%", "85%"),
]
ObjectiveField = Annotated[
    Ratio,
    PlainValidator(_objective),
    _AS_TEXT,
    _schema(_PERCENT, "A percentage between 0% and 100%, with its sign.", "99.9%", "99.5%"),
]
LatencyObjectiveField = Annotated[
    LatencyObjective,
    PlainValidator(_latency_objective),
    _AS_TEXT,
    _schema(
        rf"\s*{_PERCENT}\s* under \s*{_DURATION}\s*",
        "The share of requests that must be answered within a threshold.",
        "99% under 300ms",
    ),
]
NumberField = Annotated[
    Decimal,
    PlainValidator(_number),
    PlainSerializer(_json_number),
    WithJsonSchema(
        {"type": "number", "description": "A plain decimal number.", "examples": [0.5, 100]}
    ),
]
Slug = Annotated[
    str,
    AfterValidator(_slug),
    _schema(_SLUG, "Lowercase letters, digits and inner hyphens.", "checkout", longest=SLUG_LENGTH),
]
LabelName = Annotated[
    str,
    AfterValidator(_name("label name", _LABEL_NAME, forbidden="__")),
    _schema(
        rf"(?!__){_LABEL_NAME}",
        "The name of a Prometheus label.",
        "namespace",
        "job",
        longest=_LONGEST_NAME,
    ),
]
MetricName = Annotated[
    str,
    AfterValidator(_name("metric name", _METRIC_NAME)),
    _schema(
        _METRIC_NAME,
        "The name of a Prometheus metric.",
        "http_requests_total",
        longest=_LONGEST_NAME,
    ),
]
EnvVarName = Annotated[
    str,
    AfterValidator(_name("name of an environment variable", _LABEL_NAME)),
    _schema(
        _LABEL_NAME, "The name of an environment variable.", "DATABASE_URL", longest=_LONGEST_NAME
    ),
]
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
    _schema(
        r"https?://[^\s@/]+(/\S*)?([?#]\S*)?",
        "An http or https URL without credentials.",
        "https://shop.example.com/healthz",
        longest=_LONGEST_URL,
    ),
]
TimeOfDay = Annotated[
    str,
    AfterValidator(_time_of_day),
    _schema(_TIME_OF_DAY, "A time of day, quoted; 24:00 is the end of the day.", "09:00", "18:00"),
]
Date = Annotated[
    str,
    BeforeValidator(_date),
    _schema(_DATE, "A day of the calendar, quoted.", "2027-12-25"),
]
KubernetesKey = Annotated[
    str,
    AfterValidator(
        _checked("label of Kubernetes", _KUBERNETES_KEY, "write for example app.kubernetes.io/name")
    ),
    _schema(
        _KUBERNETES_KEY,
        "The key of a label in Kubernetes.",
        "app",
        "app.kubernetes.io/name",
        longest=317,
    ),
]
KubernetesValue = Annotated[
    str,
    AfterValidator(
        _checked(
            "label's value in Kubernetes",
            f"({_LABEL_WORD})?",
            "write at most 63 letters, digits, - _ .",
        )
    ),
    _schema(f"({_LABEL_WORD})?", "The value of a label in Kubernetes.", "checkout"),
]
PortName = Annotated[
    str,
    AfterValidator(
        _checked(
            "name of a port in Kubernetes",
            _PORT_NAME,
            "write a name as the port has it, like metrics",
        )
    ),
    _schema(_PORT_NAME, "The name of a port in Kubernetes, not its number.", "metrics", "http"),
]
_OWNER = r"@[A-Za-z0-9][\w./-]*|[\w.+-]+@[\w.-]+"
Owner = Annotated[
    str,
    AfterValidator(
        _checked("owner", _OWNER, "write @user, @organisation/team, or an e-mail address")
    ),
    _schema(
        _OWNER, "A user, a team or an e-mail address, as CODEOWNERS has them.", "@example/payments"
    ),
]
# Without strictness pydantic takes `yes` for 1, and 1 or "yes" for true.
WholeNumber = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]
