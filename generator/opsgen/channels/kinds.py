"""The kinds of channel as one table: which options each has, what they may hold, and what opsgen
writes to it.

A channel says where a notification goes; what it says is opsgen's (`messages`). No option takes a
secret by value. Sources: Alertmanager's docs/configuration.md for the fields, its CHANGELOG.md for
`since`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opsgen.channels.messages import (
    BODY,
    DASHBOARD_LINK,
    RUNBOOK_LINK,
    SLACK_BODY,
    SLACK_TITLE,
    TITLE,
    by_severity,
)
from opsgen.channels.option_values import (
    COUNT,
    DURATION,
    FLAG,
    HOST_PORT,
    INTEGER,
    PATH,
    TEMPLATED_TEXT,
    TEXT,
    URL,
    WORD,
    choice,
)
from opsgen.channels.options import OLDEST, Fields, Option, http_config, on_call

_SECRET_FILE = "/etc/alertmanager/secrets/one"
# Pushover's priorities: 2 rings until somebody acknowledges, 0 is an ordinary notification, -1 a
# silent one (pushover.net/api).
_RING = by_severity("2", "0", "-1")


@dataclass(frozen=True)
class Kind:
    """One kind of channel: its list in an Alertmanager receiver, its options, and what opsgen
    writes to it. `example` is the least that it takes, for tests and people."""

    key: str
    fields: Fields
    message: Mapping[str, object]
    example: Mapping[str, object]
    since: str = OLDEST


KINDS: Mapping[str, Kind] = {
    "pagerduty": Kind(
        "pagerduty_configs",
        Fields(
            {
                "routing_key_file": Option(PATH),
                "service_key_file": Option(PATH),
                "url": Option(URL),
                "client": Option(TEMPLATED_TEXT),
                "http_config": http_config(),
                "on_call": on_call("schedule", "user"),
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
            "details": {"description": BODY, "runbook": RUNBOOK_LINK, "dashboard": DASHBOARD_LINK},
        },
        example={"routing_key_file": _SECRET_FILE},
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
                "http_config": http_config(),
            },
            one_of=(("channel",), ("api_url_file",)),
            secrets={"api_url": "write api_url_file"},
        ),
        {
            "title": SLACK_TITLE,
            "title_link": RUNBOOK_LINK,
            "text": SLACK_BODY,
            "fallback": SLACK_TITLE,
        },
        example={"channel": "#payments", "api_url_file": _SECRET_FILE},
    ),
    "webhook": Kind(
        "webhook_configs",
        Fields(
            {
                "url": Option(URL),
                # 0.26 reads it, but crashes when a delivery fails; mended in 0.28 (#3800).
                "url_file": Option(PATH, since="0.28"),
                "max_alerts": Option(COUNT),
                "http_config": http_config(),
            },
            one_of=(("url", "url_file"),),
        ),
        {},
        example={"url": "http://alert-log.internal:8080/alerts?team=payments"},
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
        example={
            "to": "a@example.com",
            "from": "b@example.com",
            "smarthost": "mail.example.com:587",
        },
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
                            "type": Option(choice("team", "user", "escalation", "schedule")),
                        },
                        one_of=(("id", "name", "username"), ("type",)),
                        many=True,
                    )
                ),
                "tags": Option(TEMPLATED_TEXT),
                "update_alerts": Option(FLAG),
                "http_config": http_config(),
                "on_call": on_call("schedule", "user", "team"),
            },
            one_of=(("api_key_file",),),
            secrets={"api_key": "write api_key_file"},
        ),
        {"message": TITLE, "description": BODY, "priority": by_severity("P1", "P3", "P5")},
        example={"api_key_file": _SECRET_FILE},
    ),
    # Receivers' `webhook_url_file` came with 0.27, which then refuses to load it; mended in 0.28
    # (#3728, #3894).
    "msteams": Kind(
        "msteams_configs",
        Fields(
            {"webhook_url_file": Option(PATH), "http_config": http_config()},
            one_of=(("webhook_url_file",),),
            secrets={"webhook_url": "write webhook_url_file"},
        ),
        {"title": TITLE},
        example={"webhook_url_file": _SECRET_FILE},
        since="0.28",
    ),
    "msteamsv2": Kind(
        "msteamsv2_configs",
        Fields(
            {"webhook_url_file": Option(PATH), "http_config": http_config()},
            one_of=(("webhook_url_file",),),
            secrets={"webhook_url": "write webhook_url_file"},
        ),
        {"title": TITLE},
        example={"webhook_url_file": _SECRET_FILE},
        since="0.28",
    ),
    "discord": Kind(
        "discord_configs",
        Fields(
            {
                "webhook_url_file": Option(PATH),
                "username": Option(TEMPLATED_TEXT),
                "avatar_url": Option(URL),
                "http_config": http_config(),
            },
            one_of=(("webhook_url_file",),),
            secrets={"webhook_url": "write webhook_url_file"},
        ),
        {"title": TITLE, "message": BODY},
        example={"webhook_url_file": _SECRET_FILE},
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
                "http_config": http_config(),
            },
            one_of=(("bot_token_file",), ("chat_id",)),
            secrets={"bot_token": "write bot_token_file"},
        ),
        {"message": f"{TITLE}\n\n{BODY}"},
        example={"bot_token_file": _SECRET_FILE, "chat_id": -1001234},
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
                "http_config": http_config(),
            },
            one_of=(("user_key_file",), ("token_file",)),
            secrets={"user_key": "write user_key_file", "token": "write token_file"},
        ),
        {
            "title": TITLE,
            "message": BODY,
            "url": RUNBOOK_LINK,
            "priority": f'{{{{ if eq .Status "resolved" }}}}0{{{{ else }}}}{_RING}{{{{ end }}}}',
        },
        example={"user_key_file": _SECRET_FILE, "token_file": _SECRET_FILE},
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
                "http_config": http_config(),
            },
            one_of=(("topic_arn", "target_arn", "phone_number"),),
        ),
        {"subject": TITLE, "message": BODY},
        example={"topic_arn": "arn:aws:sns:us-east-2:698519295917:alerts"},
    ),
    "victorops": Kind(
        "victorops_configs",
        Fields(
            {
                "api_key_file": Option(PATH),
                "routing_key": Option(TEMPLATED_TEXT),  # it names a team; it is no secret
                "api_url": Option(URL),
                "http_config": http_config(),
                "on_call": on_call("schedule", "user"),
            },
            one_of=(("api_key_file",), ("routing_key",)),
            secrets={"api_key": "write api_key_file"},
        ),
        {
            "entity_display_name": TITLE,
            "state_message": BODY,
            "message_type": by_severity("CRITICAL", "WARNING", "INFO"),
        },
        example={"api_key_file": _SECRET_FILE, "routing_key": "payments"},
    ),
    "webex": Kind(
        "webex_configs",
        Fields(
            {
                "room_id": Option(WORD),
                "api_url": Option(URL),
                "http_config": http_config(one_of=(("authorization",),)),
            },
            one_of=(("room_id",), ("http_config",)),
        ),
        {"message": f"{TITLE}\n\n{BODY}"},
        example={
            "room_id": "Y2lzY29",
            "http_config": {"authorization": {"credentials_file": _SECRET_FILE}},
        },
    ),
    # Grafana IRM and OnCall take Alertmanager's webhooks at a URL that is a secret; `since` as a
    # webhook's url_file.
    "grafana_irm": Kind(
        "webhook_configs",
        Fields(
            {
                "url_file": Option(PATH),
                "max_alerts": Option(COUNT),
                "http_config": http_config(),
                "on_call": on_call("schedule", "user"),
            },
            one_of=(("url_file",),),
            secrets={"url": "write url_file; the address of an integration is a secret"},
        ),
        {},
        example={"url_file": _SECRET_FILE},
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
                "on_call": on_call("schedule", "user"),
            },
            one_of=(("url", "url_file"), ("alert_source_token_file",)),
            secrets={"alert_source_token": "write alert_source_token_file"},
        ),
        {},
        example={"url": "https://incidents.example.com", "alert_source_token_file": _SECRET_FILE},
        since="0.29",
    ),
}
