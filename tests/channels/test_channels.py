"""Channels: what is refused, and that Alertmanager accepts whatever is not."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsgen.channels.kinds import KINDS
from opsgen.channels.option_check import ChannelMistake, check_channel
from opsgen.channels.option_values import (
    COUNT,
    DURATION,
    FLAG,
    HOST_PORT,
    INTEGER,
    PATH,
    SCHEME,
    TEMPLATED_TEXT,
    TEXT,
    URL,
    WORD,
    Value,
)
from opsgen.channels.options import Fields, Option
from opsgen.channels.receivers import CATCH_ALL, PLACEHOLDER, receiver
from opsgen.model.oncall import Channel
from opsgen.render.yaml_writer import dump
from tests.programs import require_program
from tests.render.escalations import LEAST_CHANNELS, SECRET_FILE

_NEW = "0.30"
_SECRET = "xoxb-31415926"
_IN_THE_OLDEST = [
    kind for kind in KINDS if not check_channel("it", kind, LEAST_CHANNELS[kind], "0.25")
]


def _config(channels: Sequence[Channel]) -> str:
    receivers = [receiver(channel) for channel in channels]
    return dump({"route": {"receiver": channels[0].name}, "receivers": receivers})


def _assert_accepted(amtool: Path, channels: Sequence[Channel]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "alertmanager.yml")
        file.write_text(_config(channels), encoding="utf-8")
        checked = subprocess.run(
            [amtool, "check-config", file], capture_output=True, text=True, check=False
        )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def _secrets(fields: Fields, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every option that would hold a secret by value."""
    yield from ((*path, key) for key in fields.secrets)
    for key, option in fields.options.items():
        if isinstance(option.value, Fields):
            yield from _secrets(option.value, (*path, key))


def _nested(path: Sequence[str | int], value: object) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


# --- what is accepted ---


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_that_a_kind_takes_is_accepted_by_alertmanager(kind: str) -> None:
    assert check_channel("it", kind, LEAST_CHANNELS[kind], _NEW) == []
    _assert_accepted(require_program("amtool-current"), [Channel("it", kind, LEAST_CHANNELS[kind])])


@pytest.mark.parametrize("kind", _IN_THE_OLDEST)
def test_a_kind_that_is_allowed_for_the_oldest_alertmanager_is_accepted_by_it(kind: str) -> None:
    _assert_accepted(
        require_program("amtool-packaged"), [Channel("it", kind, LEAST_CHANNELS[kind])]
    )


def test_the_placeholder_is_a_receiver_that_notifies_nobody() -> None:
    assert receiver(PLACEHOLDER) == {"name": "placeholder-no-channel-configured"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_channel_tells_of_the_recovery_too(kind: str) -> None:
    (integration,) = receiver(Channel("it", kind, LEAST_CHANNELS[kind]))[KINDS[kind].key]

    assert integration["send_resolved"] is True


_TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30),
    st.sampled_from(
        [
            "{{",
            "{{{{ x }}",
            "{{{",
            "}}",
            "'\"`|<script>",
            "a\nb",
            "- x: y",
            "# x",
            "@x",
            "null",
            "1e3",
            "~",
        ]
    ),
)
_WORDS = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=10
)
_STRATEGIES: dict[Value, st.SearchStrategy[object]] = {
    TEXT: _TEXTS,
    TEMPLATED_TEXT: _TEXTS,
    WORD: _WORDS,
    PATH: _TEXTS.map(lambda text: f"/etc/{text}"),
    URL: st.builds("http://{}/{}".format, st.one_of(st.just("example.com"), _WORDS), _WORDS),
    FLAG: st.booleans(),
    INTEGER: st.integers(-(2**63), 2**63 - 1),
    COUNT: st.integers(0, 2**63 - 1),
    DURATION: st.one_of(st.sampled_from(["30s", "1h30m", "90m"]), _WORDS),
    HOST_PORT: st.one_of(st.sampled_from(["localhost:25", "[::1]:65535"]), _WORDS),
    SCHEME: st.one_of(st.sampled_from(["Bearer", "Splunk"]), _WORDS),
}


def _values(option: Option) -> st.SearchStrategy[Any]:
    if not isinstance(option.value, Fields):
        return _STRATEGIES.get(
            option.value, st.sampled_from(["team", "user", "escalation", "schedule"])
        )
    one = _mappings(option.value)
    return st.lists(one, min_size=1, max_size=2) if option.value.many else one


def _mappings(fields: Fields) -> st.SearchStrategy[dict[str, Any]]:
    """Any options that the table allows: of each group in `one_of` one, of each in `at_most_one`
    the first or none."""

    def with_chosen(chosen: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
        in_groups = {key for group in fields.one_of for key in group}
        in_groups |= {key for group in fields.at_most_one for key in group[1:]}
        values = {key: _values(option) for key, option in fields.options.items()}
        free = {key: value for key, value in values.items() if key not in in_groups}
        return st.fixed_dictionaries({key: values[key] for key in chosen}, optional=free)

    return st.tuples(*(st.sampled_from(group) for group in fields.one_of)).flatmap(with_chosen)


@pytest.mark.parametrize(
    ("program", "version"), [("amtool-packaged", "0.25"), ("amtool-current", _NEW)]
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_alertmanager_accepts_whatever_the_check_accepts(
    program: str, version: str, data: st.DataObject
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4))
    drawn = [
        Channel(f"{kind}-{n}", kind, data.draw(_mappings(KINDS[kind].fields)))
        for n, kind in enumerate(kinds)
    ]
    channels = [
        each for each in drawn if not check_channel(each.name, each.kind, each.options, version)
    ]

    _assert_accepted(require_program(program), [PLACEHOLDER, *channels])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=_TEXTS.filter(str.strip))
def test_any_text_in_an_option_arrives_as_that_text(amtool: Path, text: str) -> None:
    options = {**LEAST_CHANNELS["slack"], "channel": text}

    (integration,) = receiver(Channel("it", "slack", options))["slack_configs"]
    written = yaml.safe_load(dump(integration))["channel"]

    assert _printed(amtool, written) == text


@pytest.mark.parametrize(
    "name", ["#payments", "a: b", "{{ x }}", "- x", "null", "é🔥", "x" * 10_000, "a\nb"]
)
def test_a_channel_may_have_any_name(amtool: Path, name: str) -> None:
    _assert_accepted(amtool, [Channel(name, "slack", LEAST_CHANNELS["slack"])])


# --- what is refused ---


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind in KINDS for path in _secrets(KINDS[kind].fields)],
    ids=str,
)
def test_a_secret_by_value_is_refused_and_not_repeated(kind: str, path: tuple[str, ...]) -> None:
    mistakes = check_channel("it", kind, {**LEAST_CHANNELS[kind], **_nested(path, _SECRET)}, _NEW)

    assert [
        mistake
        for mistake in mistakes
        if mistake.path == (kind, *path) and "secret" in mistake.wrong
    ]
    assert _SECRET not in repr(mistakes)


def test_a_secret_by_value_is_one_mistake_which_names_the_option_that_is_right() -> None:
    mistakes = check_channel("it", "slack", {"channel": "#payments", "api_url": _SECRET}, _NEW)

    assert mistakes == [
        ChannelMistake(
            ("slack", "api_url"),
            "api_url would put a secret into a generated file",
            "write api_url_file",
        )
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("api_url_file", _SECRET),
        ("api_url_file", f"https://hooks.slack.example.com/services/{_SECRET}"),
        ("icon_url", f"https://user:{_SECRET}@example.com/"),
    ],
)
def test_a_secret_in_the_place_of_something_else_is_refused_and_not_repeated(
    option: str, value: str
) -> None:
    mistakes = check_channel("it", "slack", {**LEAST_CHANNELS["slack"], option: value}, _NEW)

    assert [mistake.path for mistake in mistakes] == [("slack", option)]
    assert _SECRET not in repr(mistakes)


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{_SECRET}@example.com/",
        f"https://{_SECRET}@example.com/",
        f"https://example.com/?token={_SECRET}",
        f"https://example.com/?a=1&api_key={_SECRET}",
        "ftp://example.com/",
        "example.com",
        "https://",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/{{ .Status }}",
        8080,
    ],
)
def test_a_webhook_takes_a_plain_url_without_credentials(url: object) -> None:
    mistakes = check_channel("it", "webhook", {"url": url}, _NEW)

    assert [mistake.path for mistake in mistakes] == [("webhook", "url")]
    assert _SECRET not in repr(mistakes)


@pytest.mark.parametrize(
    ("kind", "options", "path", "hint"),
    [
        ("slak", {}, ("slak",), "did you mean slack?"),
        ("carrier-pigeon", {}, ("carrier-pigeon",), "write one of pagerduty"),
        (
            "slack",
            {"chanel": "#a", "api_url_file": SECRET_FILE},
            ("slack", "chanel"),
            "did you mean channel?",
        ),
        ("slack", {"api_url_file": SECRET_FILE}, ("slack",), "add channel"),
        ("slack", "#payments", ("slack",), "write a mapping of channel"),
        ("pagerduty", {}, ("pagerduty",), "add routing_key_file or service_key_file"),
        (
            "pagerduty",
            {"routing_key_file": SECRET_FILE, "service_key_file": SECRET_FILE},
            ("pagerduty", "service_key_file"),
            "keep one of them",
        ),
        (
            "telegram",
            {"bot_token_file": SECRET_FILE, "chat_id": "5"},
            ("telegram", "chat_id"),
            "write a whole number",
        ),
        (
            "telegram",
            {"bot_token_file": SECRET_FILE, "chat_id": True},
            ("telegram", "chat_id"),
            "write a whole number",
        ),
        (
            "opsgenie",
            {"api_key_file": SECRET_FILE, "responders": []},
            ("opsgenie", "responders"),
            "write a list",
        ),
        (
            "opsgenie",
            {"api_key_file": SECRET_FILE, "responders": [{"name": "payments", "type": "teem"}]},
            ("opsgenie", "responders", 0, "type"),
            "write one of team",
        ),
        (
            "webhook",
            {
                **LEAST_CHANNELS["webhook"],
                "http_config": {
                    "authorization": {"type": "Basic", "credentials_file": SECRET_FILE}
                },
            },
            ("webhook", "http_config", "authorization", "type"),
            "write basic_auth",
        ),
    ],
)
def test_a_mistake_says_where_it_is_and_what_would_be_right(
    kind: str, options: Any, path: tuple[str | int, ...], hint: str
) -> None:
    (mistake,) = [
        mistake for mistake in check_channel("it", kind, options, _NEW) if mistake.path == path
    ]

    assert hint in mistake.right


def test_all_mistakes_of_a_channel_are_found_at_once() -> None:
    mistakes = check_channel("it", "telegram", {"bot_token": _SECRET, "colour": "red"}, _NEW)

    assert [mistake.path for mistake in mistakes] == [
        ("telegram", "bot_token"),
        ("telegram", "colour"),
        ("telegram",),
    ]
    assert mistakes[-1].right == "add chat_id"


@pytest.mark.parametrize("name", [CATCH_ALL, PLACEHOLDER.name])
def test_no_channel_may_take_the_name_of_a_receiver_that_tells_nobody(name: str) -> None:
    assert check_channel(name, "slack", LEAST_CHANNELS["slack"], _NEW)


@pytest.mark.parametrize(
    ("kind", "options", "too_old", "old_enough"),
    [
        ("msteams", LEAST_CHANNELS["msteams"], "0.27", "0.28.1"),
        ("discord", LEAST_CHANNELS["discord"], "0.25.0", "0.28"),
        ("telegram", LEAST_CHANNELS["telegram"], "0.25", "0.26"),
        ("pushover", LEAST_CHANNELS["pushover"], "0.25", "0.26"),
        ("webhook", {"url_file": SECRET_FILE}, "0.27", "0.28"),
    ],
)
def test_what_alertmanager_does_not_have_yet_is_refused_for_it(
    kind: str, options: Mapping[str, object], too_old: str, old_enough: str
) -> None:
    (mistake,) = check_channel("it", kind, options, too_old)

    assert (
        f"needs Alertmanager {old_enough[:4]} or later, but the project says {too_old}"
        in mistake.wrong
    )
    assert check_channel("it", kind, options, old_enough) == []


# --- what is said ---

_FIRING = {
    "status": "firing",
    "labels": {"alertname": "ErrorBudgetBurn"},
    "annotations": {
        "summary": "checkout burns its budget",
        "description": "More than <!channel> & allowed",
        "runbook_url": "https://example.com/runbook",
        "dashboard_url": "https://example.com/dashboard",
    },
}
_RESOLVED = {"status": "resolved", "labels": {}, "annotations": {"summary": "checkout is slow"}}


def _printed(
    amtool: Path, template: str, *alerts: Mapping[str, object], severity: str = "page"
) -> str:
    shown = alerts or (_FIRING,)
    message = {
        "receiver": "it",
        "status": "firing" if _FIRING in shown else "resolved",
        "alerts": shown,
        "groupLabels": {},
        "commonLabels": {"service": "checkout", "environment": "production", "severity": severity},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "message.json")
        file.write_text(json.dumps(message), encoding="utf-8")
        source = (f"--template.data={file}", f"--template.text={template}")
        printed = subprocess.run(
            [amtool, "template", "render", "--template.glob=none", *source],
            check=True,
            capture_output=True,
        )
    return printed.stdout.decode()


def _integration(kind: str) -> Any:
    return receiver(Channel("it", kind, LEAST_CHANNELS[kind]))[KINDS[kind].key][0]


def test_a_title_says_which_service_what_is_wrong_and_of_how_many(amtool: Path) -> None:
    subject = _integration("email")["headers"]["Subject"]

    assert _printed(amtool, subject) == "checkout (production): checkout burns its budget"
    assert _printed(amtool, subject, _FIRING, _FIRING).endswith(
        "burns its budget (first of 2 alerts)"
    )
    assert (
        _printed(amtool, subject, _RESOLVED) == "checkout (production): resolved: checkout is slow"
    )


def test_a_message_holds_the_description_and_leads_to_runbook_and_dashboard(amtool: Path) -> None:
    printed = _printed(amtool, _integration("email")["text"], _FIRING, _RESOLVED)

    assert (
        printed == "checkout burns its budget\n"
        "More than <!channel> & allowed\n"
        "Runbook: https://example.com/runbook\n"
        "Dashboard: https://example.com/dashboard\n"
        "\n"
        "Resolved: checkout is slow\n"
    )


def test_a_message_leaves_out_the_links_that_an_alert_does_not_have(amtool: Path) -> None:
    bare = {**_FIRING, "annotations": {"summary": "down", "description": "It is down"}}

    assert _printed(amtool, _integration("email")["text"], bare) == "down\nIt is down\n\n"


def test_no_text_calls_a_whole_slack_channel(amtool: Path) -> None:
    printed = _printed(amtool, _integration("slack")["text"])

    assert printed.startswith(
        "*checkout burns its budget*\nMore than &lt;!channel&gt; &amp; allowed\n"
    )
    assert (
        "<https://example.com/runbook|Runbook> <https://example.com/dashboard|Dashboard>" in printed
    )


@pytest.mark.parametrize(
    ("kind", "option", "words"),
    [
        ("pagerduty", "severity", ("critical", "warning", "info")),
        ("opsgenie", "priority", ("P1", "P3", "P5")),
        ("victorops", "message_type", ("CRITICAL", "WARNING", "INFO")),
        ("pushover", "priority", ("2", "0", "-1")),
    ],
)
def test_a_provider_hears_the_severity_in_its_own_words(
    amtool: Path, kind: str, option: str, words: tuple[str, str, str]
) -> None:
    template = _integration(kind)[option]

    assert (
        tuple(_printed(amtool, template, severity=each) for each in ("page", "ticket", "info"))
        == words
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_of_a_message_can_be_filled(amtool: Path, kind: str) -> None:
    texts = [text for value in KINDS[kind].message.values() for text in _texts(value)]

    for text in texts:
        for alerts in ([_FIRING], [_RESOLVED], [_FIRING, _RESOLVED]):
            _printed(amtool, text, *alerts)


def _texts(value: object) -> list[str]:
    return [str(each) for each in value.values()] if isinstance(value, Mapping) else [str(value)]
