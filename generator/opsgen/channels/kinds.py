"""The kinds of channel as one table: which options each has, what they may hold, and what opsgen
writes to it.

A channel says where a notification goes; what it says is opsgen's (`messages`). No option takes a
secret by value. Sources: Alertmanager's docs/configuration.md for the fields, its CHANGELOG.md for
`since`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from opsgen.channels.messages import (
    BODY,
    DASHBOARD,
    RUNBOOK,
    SLACK_BODY,
    SLACK_TITLE,
    TITLE,
    by_severity,
)

_OLDEST = "0.25"


@dataclass(frozen=True)
class Value:
    """What an option may hold. `templated` says that Alertmanager expands it as a Go template."""

    accepts: Callable[[object], bool]
    right: str
    templated: bool = False


@dataclass(frozen=True)
class Option:
    """One option, and the first Alertmanager release in which it works; `sent` says whether
    Alertmanager reads it."""

    value: Value | Fields
    since: str = _OLDEST
    sent: bool = True


@dataclass(frozen=True)
class Fields:
    """A mapping of options, or with `many` a list of such.

    Of every group in `one_of` exactly one must be there, of every group in `at_most_one` no two.
    `secrets` are the options that would hold a secret by value, and what to write in their stead.
    """

    options: Mapping[str, Option]
    one_of: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    many: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of channel: its list in an Alertmanager receiver, its options, and what opsgen
    writes to it."""

    key: str
    fields: Fields
    message: Mapping[str, object]
    since: str = _OLDEST


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
    """With a slash, and no URL: a key or a webhook's URL written here by mistake is caught before
    it is written out."""
    return (
        isinstance(value, str)
        and ("/" in value or "\\" in value)
        and "://" not in value
        and value.isprintable()
    )


def _is_url(value: object) -> bool:
    """Without user and password, without braces (templates), and with nothing that Go's parser
    refuses."""
    if not isinstance(value, str) or not value.isprintable() or not _URL.fullmatch(value):
        return False
    try:
        parameters = parse_qsl(urlsplit(value).query, keep_blank_values=True)
    except ValueError:  # what is in brackets is no IPv6 address
        return False
    return not any(_SECRET_PARAMETER.fullmatch(name) for name, _ in parameters)


def _is_integer(value: object, least: int = -_INT64) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < _INT64


def _matches(pattern: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and bool(re.fullmatch(pattern, value, re.ASCII))


def _choice(*choices: str) -> Value:
    return Value(lambda value: value in choices, f"write one of {', '.join(choices)}")


TEXT = Value(_is_text, "write text; a number needs quotes")
TEMPLATED_TEXT = Value(_is_text, "write text; a number needs quotes", templated=True)
NAME = Value(_is_name, "write the name that it has there; a number needs quotes")
WORD = Value(_is_word, "write it without spaces and braces; a number needs quotes")
PATH = Value(
    _is_path,
    "write the path of a file that holds the secret, as Alertmanager sees it:"
    " /etc/alertmanager/secrets/name",
)
URL = Value(
    _is_url, "write a URL that starts with http:// or https:// and holds no user, password or token"
)
FLAG = Value(lambda value: isinstance(value, bool), "write true or false")
INTEGER = Value(
    lambda value: _is_integer(value) and value != 0, "write a whole number other than 0"
)
COUNT = Value(lambda value: _is_integer(value, least=0), "write a whole number, 0 or more")
# As Go reads them: it knows no days.
DURATION = Value(
    _matches(r"(?=\d)(\d{1,4}h)?(\d{1,4}m)?(\d{1,4}s)?"),
    "write a duration in hours, minutes, seconds: 30s, 1h30m",
)
HOST_PORT = Value(_matches(_HOST + _PORT), "write a host and a port: mail.example.com:587")
SCHEME = Value(
    _matches(r"(?!(?i:basic)$)[\w-]+"), "write a scheme such as Bearer; for Basic, write basic_auth"
)


def _http(one_of: tuple[tuple[str, ...], ...] = ()) -> Option:
    """How an integration's requests are made (`http_config`)."""
    authorization = Fields(
        {"type": Option(SCHEME), "credentials_file": Option(PATH)},
        one_of=(("credentials_file",),),
        secrets={"credentials": "write credentials_file"},
    )
    basic_auth = Fields(
        {"username": Option(TEXT), "password_file": Option(PATH)},
        one_of=(("username",), ("password_file",)),
        secrets={"password": "write password_file"},
    )
    tls_config = Fields(
        {
            "ca_file": Option(PATH),
            "server_name": Option(WORD),
            "insecure_skip_verify": Option(FLAG),
        },
    )
    return Option(
        Fields(
            {
                "authorization": Option(authorization),
                "basic_auth": Option(basic_auth),
                "proxy_url": Option(URL),
                "follow_redirects": Option(FLAG),
                "tls_config": Option(tls_config),
            },
            one_of=one_of,
            at_most_one=(("authorization", "basic_auth"),),
            secrets={
                "bearer_token": "write authorization: {credentials_file: ...}",
                "oauth2": "write authorization or basic_auth, with the secret in a file",
            },
        )
    )


def _on_call(*kinds: str) -> Option:
    """Whom the provider tells: it becomes the provider's own escalation policy."""
    return Option(Fields({kind: Option(NAME) for kind in kinds}, one_of=(kinds,)), sent=False)


KINDS: Mapping[str, Kind] = {
    "pagerduty": Kind(
        "pagerduty_configs",
        Fields(
            {
                "routing_key_file": Option(PATH),
                "service_key_file": Option(PATH),
                "url": Option(URL),
                "client": Option(TEMPLATED_TEXT),
                "http_config": _http(),
                "on_call": _on_call("schedule", "user"),
            },
            one_of=(("routing_key_file", "service_key_file"),),
            secrets={
                "routing_key": "write routing_key_file",
                "service_key": "write service_key_file",
            },
        ),
        {
            "description": TITLE,
            "severity": by_severity("critical", "warning", "info"),
            "component": "{{ .CommonLabels.service }}",
            "group": "{{ .CommonLabels.team }}",
            # Not `links`: one without an address would have the whole event refused.
            "details": {"description": BODY, "runbook": RUNBOOK, "dashboard": DASHBOARD},
        },
    ),
    "slack": Kind(
        "slack_configs",
        Fields(
            {
                "channel": Option(TEMPLATED_TEXT),
                "api_url_file": Option(PATH),
                "username": Option(TEMPLATED_TEXT),
                "icon_emoji": Option(TEMPLATED_TEXT),
                "icon_url": Option(URL),
                "link_names": Option(FLAG),
                "http_config": _http(),
            },
            one_of=(("channel",), ("api_url_file",)),
            secrets={"api_url": "write api_url_file"},
        ),
        {"title": SLACK_TITLE, "title_link": RUNBOOK, "text": SLACK_BODY, "fallback": SLACK_TITLE},
    ),
    "webhook": Kind(
        "webhook_configs",
        Fields(
            {
                "url": Option(URL),
                # 0.26 reads it, but crashes when a delivery fails; mended in 0.28 (#3800).
                "url_file": Option(PATH, since="0.28"),
                "max_alerts": Option(COUNT),
                "http_config": _http(),
            },
            one_of=(("url", "url_file"),),
        ),
        {},
    ),
    "email": Kind(
        "email_configs",
        Fields(
            {
                "to": Option(TEMPLATED_TEXT),
                "from": Option(TEMPLATED_TEXT),
                "smarthost": Option(HOST_PORT),
                "hello": Option(WORD),
                "auth_username": Option(TEXT),
                "auth_identity": Option(TEXT),
                "auth_password_file": Option(PATH),
                "require_tls": Option(FLAG),
            },
            one_of=(("to",), ("from",), ("smarthost",)),
            secrets={
                "auth_password": "write auth_password_file",
                "auth_secret": (
                    "write auth_username and auth_password_file; auth_secret cannot come from a"
                    " file"
                ),
            },
        ),
        # Plain text alone: it reads the same everywhere, and nobody's description becomes markup.
        {"headers": {"Subject": TITLE}, "html": "", "text": BODY},
    ),
    "opsgenie": Kind(
        "opsgenie_configs",
        Fields(
            {
                "api_key_file": Option(PATH),
                "api_url": Option(URL),
                "responders": Option(
                    Fields(
                        {
                            "id": Option(TEMPLATED_TEXT),
                            "name": Option(TEMPLATED_TEXT),
                            "username": Option(TEMPLATED_TEXT),
                            "type": Option(_choice("team", "user", "escalation", "schedule")),
                        },
                        one_of=(("id", "name", "username"), ("type",)),
                        many=True,
                    )
                ),
                "tags": Option(TEMPLATED_TEXT),
                "update_alerts": Option(FLAG),
                "http_config": _http(),
                "on_call": _on_call("schedule", "user", "team"),
            },
            one_of=(("api_key_file",),),
            secrets={"api_key": "write api_key_file"},
        ),
        {"message": TITLE, "description": BODY, "priority": by_severity("P1", "P3", "P5")},
    ),
    # Receivers' `webhook_url_file` came with 0.27, which then refuses to load it; mended in 0.28
    # (#3728, #3894).
    "msteams": Kind(
        "msteams_configs",
        Fields(
            {"webhook_url_file": Option(PATH), "http_config": _http()},
            one_of=(("webhook_url_file",),),
            secrets={"webhook_url": "write webhook_url_file"},
        ),
        {"title": TITLE},
        since="0.28",
    ),
    "msteamsv2": Kind(
        "msteamsv2_configs",
        Fields(
            {"webhook_url_file": Option(PATH), "http_config": _http()},
            one_of=(("webhook_url_file",),),
            secrets={"webhook_url": "write webhook_url_file"},
        ),
        {"title": TITLE},
        since="0.28",
    ),
    "discord": Kind(
        "discord_configs",
        Fields(
            {
                "webhook_url_file": Option(PATH),
                "username": Option(TEMPLATED_TEXT),
                "avatar_url": Option(URL),
                "http_config": _http(),
            },
            one_of=(("webhook_url_file",),),
            secrets={"webhook_url": "write webhook_url_file"},
        ),
        {"title": TITLE, "message": BODY},
        since="0.28",
    ),
    "telegram": Kind(
        "telegram_configs",
        Fields(
            {
                "bot_token_file": Option(PATH),
                "chat_id": Option(INTEGER),
                "message_thread_id": Option(INTEGER, since="0.28"),
                "api_url": Option(URL),
                "disable_notifications": Option(FLAG),
                "http_config": _http(),
            },
            one_of=(("bot_token_file",), ("chat_id",)),
            secrets={"bot_token": "write bot_token_file"},
        ),
        {"message": f"{TITLE}\n\n{BODY}"},
        since="0.26",
    ),
    "pushover": Kind(
        "pushover_configs",
        Fields(
            {
                "user_key_file": Option(PATH),
                "token_file": Option(PATH),
                "device": Option(WORD),
                "sound": Option(WORD),
                "retry": Option(DURATION),
                "expire": Option(DURATION),
                "http_config": _http(),
            },
            one_of=(("user_key_file",), ("token_file",)),
            secrets={"user_key": "write user_key_file", "token": "write token_file"},
        ),
        {
            "title": TITLE,
            "message": BODY,
            "url": RUNBOOK,
            # 2 rings until somebody acknowledges, 0 is an ordinary notification, -1 a silent one
            # (pushover.net/api).
            "priority": (
                '{{ if eq .Status "resolved" }}0{{ else'
                f" }}}}{by_severity('2', '0', '-1')}{{{{ end }}}}"
            ),
        },
        since="0.26",
    ),
    "sns": Kind(
        "sns_configs",
        Fields(
            {
                "topic_arn": Option(WORD),
                "target_arn": Option(WORD),
                "phone_number": Option(WORD),
                "api_url": Option(URL),
                "sigv4": Option(
                    Fields(
                        {"region": Option(WORD), "profile": Option(WORD), "role_arn": Option(WORD)},
                        secrets={
                            "access_key": "give Alertmanager a role, or its environment the keys",
                            "secret_key": "give Alertmanager a role, or its environment the keys",
                        },
                    )
                ),
                "http_config": _http(),
            },
            one_of=(("topic_arn", "target_arn", "phone_number"),),
        ),
        {"subject": TITLE, "message": BODY},
    ),
    "victorops": Kind(
        "victorops_configs",
        Fields(
            {
                "api_key_file": Option(PATH),
                "routing_key": Option(TEMPLATED_TEXT),  # it names a team; it is no secret
                "api_url": Option(URL),
                "http_config": _http(),
                "on_call": _on_call("schedule", "user"),
            },
            one_of=(("api_key_file",), ("routing_key",)),
            secrets={"api_key": "write api_key_file"},
        ),
        {
            "entity_display_name": TITLE,
            "state_message": BODY,
            "message_type": by_severity("CRITICAL", "WARNING", "INFO"),
        },
    ),
    "webex": Kind(
        "webex_configs",
        Fields(
            {
                "room_id": Option(WORD),
                "api_url": Option(URL),
                "http_config": _http(one_of=(("authorization",),)),
            },
            one_of=(("room_id",), ("http_config",)),
        ),
        {"message": f"{TITLE}\n\n{BODY}"},
    ),
    # Grafana IRM and OnCall take Alertmanager's webhooks at a URL that is a secret; `since` as a
    # webhook's url_file.
    "grafana_irm": Kind(
        "webhook_configs",
        Fields(
            {
                "url_file": Option(PATH),
                "max_alerts": Option(COUNT),
                "http_config": _http(),
                "on_call": _on_call("schedule", "user"),
            },
            one_of=(("url_file",),),
            secrets={"url": "write url_file; the address of an integration is a secret"},
        ),
        {},
        since="0.28",
    ),
    "incidentio": Kind(
        "incidentio_configs",
        Fields(
            {
                "url": Option(URL),
                "url_file": Option(PATH),
                "alert_source_token_file": Option(PATH),
                "max_alerts": Option(COUNT),
                "on_call": _on_call("schedule", "user"),
            },
            one_of=(("url", "url_file"), ("alert_source_token_file",)),
            secrets={"alert_source_token": "write alert_source_token_file"},
        ),
        {},
        since="0.29",
    ),
}
