"""Claims about Grafana's provisioning file: it tells whom Alertmanager would, in Grafana's words,
with no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from opsgen.alertmanager.routing import receivers_reached
from opsgen.channels.kinds import KINDS
from opsgen.fleet.build import contents
from opsgen.model.oncall import Channel
from opsgen.render.alertmanager import united
from opsgen.render.escalation import escalation
from opsgen.render.grafana_alerting import provisioned
from tests.render.escalations import LEAST_CHANNELS, LOG, PAGER, policy, rich_team, service, team
from tests.render.test_kubernetes_escalation import everything
from tests.specs import fleet, refused

Document = dict[str, Any]

# What Grafana's own documentation marks as required, by the type of a contact point.
_REQUIRED = {
    "discord": {"url"},
    "email": {"addresses"},
    "opsgenie": {"apiKey", "apiUrl"},
    "pagerduty": {"integrationKey"},
    "pushover": {"apiToken", "userKey"},
    "slack": {"recipient", "url"},
    "sns": {"topic_arn"},
    "teams": {"url"},
    "telegram": {"bottoken", "chatid"},
    "victorops": {"url"},
    "webex": {"bot_token", "room_id"},
    "webhook": {"url"},
}
_SECRET = re.compile(r"\$__file\{/[^}]+\}")


def _document(*of: Any, catch_all: Channel = LOG) -> Document:
    merged = united([escalation(one) for one in of], catch_all)
    return provisioned(yaml.safe_load(merged.content))


def _of_channel(channel: Channel) -> Document:
    found = _document(service(owner=team(page=policy(channel))))
    (point,) = (point for point in found["contactPoints"] if point["name"] == channel.name)
    (integration,) = point["receivers"]
    return dict(integration)


def _told(route: Mapping[str, Any], labels: Mapping[str, str]) -> Iterator[str]:
    """The contact points that an alert reaches in Grafana's tree."""
    below = False
    for child in route.get("routes", ()):
        if all(_holds(matcher, labels) for matcher in child.get("object_matchers", ())):
            below = True
            yield from _told(child, labels)
            if not child.get("continue", False):
                break
    if not below:
        yield route["receiver"]


def _holds(matcher: list[str], labels: Mapping[str, str]) -> bool:
    label, operator, value = matcher
    same = (
        bool(re.fullmatch(value, labels.get(label, "")))
        if "~" in operator
        else labels.get(label, "") == value
    )
    return same is not operator.startswith("!")


@pytest.mark.parametrize("severity", ["page", "ticket", "info", "none"])
@pytest.mark.parametrize("name", ["checkout", "till", "nobody"])
def test_grafana_tells_whom_alertmanager_would(severity: str, name: str) -> None:
    both = [
        service(owner=rich_team()),
        replace(service(owner=team(page=policy(PAGER))), name="till"),
    ]
    merged = yaml.safe_load(united([escalation(one) for one in both], LOG).content)
    labels = {
        "service": name,
        "environment": "production",
        "severity": severity,
        "alertname": "Any",
    }

    (tree,) = _document(*both)["policies"]

    silent = {"nobody-is-told", "placeholder-no-channel-configured"}
    expected = [LOG.name if one in silent else one for one in receivers_reached(merged, labels)]
    assert list(_told(tree, labels)) == expected


@pytest.mark.parametrize("kind", LEAST_CHANNELS)
def test_every_kind_of_channel_is_a_contact_point_with_all_that_it_needs(kind: str) -> None:
    found = _of_channel(Channel("a", kind, LEAST_CHANNELS[kind]))

    assert _REQUIRED[found["type"]] <= found["settings"].keys()
    assert found["disableResolveMessage"] is False


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_are_read_from_files_and_nothing_else_is_a_variable(kind: str) -> None:
    found = _of_channel(Channel("a", kind, everything(KINDS[kind].fields)))
    text = json.dumps(found["settings"])

    if "_file" in json.dumps(LEAST_CHANNELS[kind]):
        assert _SECRET.search(text)
    # A single `$` would begin a variable.
    assert "$" not in _SECRET.sub("", text).replace("$$", "")


def test_a_dollar_in_somebodys_text_is_a_dollar() -> None:
    channel = Channel("a", "slack", {"channel": "#$HOME", "api_url_file": "/secrets/a"})

    assert _of_channel(channel)["settings"]["recipient"] == "#$$HOME"


def test_identifiers_are_short_enough_and_no_two_alike() -> None:
    names = ["a" * 60 + "b", "a" * 60 + "c", "a"]

    uids = [
        _of_channel(Channel(name, "webhook", LEAST_CHANNELS["webhook"]))["uid"] for name in names
    ]

    assert len(set(uids)) == len(names)
    assert all(re.fullmatch(r"[\w-]{1,40}", uid) for uid in uids)


def test_hours_are_mute_timings_that_policies_name() -> None:
    found = _document(service(owner=rich_team()))

    named = set(
        re.findall(r'"active_time_intervals": \["([^"]+)"\]', json.dumps(found["policies"]))
    )
    assert named == {interval["name"] for interval in found["muteTimes"]} == {"office"}


def test_grafanas_schema_takes_the_policies(sample_data: Path) -> None:
    schema = json.loads(
        (sample_data / "grafana-schemas" / "alerting.jsonschema.json").read_text(encoding="utf-8")
    )
    (tree,) = _document(service(owner=rich_team()))["policies"]

    del tree["orgId"]
    jsonschema.validate(tree, {**schema, "$ref": "#/definitions/NotificationPolicy"})


def test_the_file_is_written_for_the_target_alone(tmp_path: Path) -> None:
    project = "channels: {chat: {webhook: {url: 'https://c.example.com'}}}\ncatch_all: chat\n"
    spec = "service: shop\nteam: web\nconvention: grpc\n"

    without = contents(fleet(tmp_path / "a", spec, project), tmp_path)[""]
    with_it = contents(
        fleet(tmp_path / "b", spec, f"targets: [files, grafana]\n{project}"), tmp_path
    )[""]

    assert {a.path for a in with_it.artifacts} - {a.path for a in without.artifacts} == {
        "grafana/alerting.yaml",
        "grafana/dashboards.yaml",
    }


def test_without_anybody_at_the_root_grafana_has_no_policies(tmp_path: Path) -> None:
    said = refused(
        tmp_path, "service: shop\nteam: web\nconvention: grpc\n", "targets: [files, grafana]\n"
    )

    assert said == [
        "opsgen.yaml:1:18: targets[1]: Grafana's policies need a default receiver; write"
        " catch_all: with a channel"
    ]


def test_dashboards_are_found_in_the_folder_of_the_project(tmp_path: Path) -> None:
    found = contents(
        fleet(tmp_path, "service: shop\nteam: web\nconvention: grpc\n", _WITH_FOLDER), None
    )[""]
    (file,) = (one for one in found.artifacts if one.path == "grafana/dashboards.yaml")
    document = yaml.safe_load(file.content)

    assert document["apiVersion"] == 1
    (provider,) = document["providers"]
    assert (provider["folder"], provider["type"], provider["allowUiUpdates"]) == (
        "Shop & Till",
        "file",
        False,
    )
    # Where docs/loading.md has them copied.
    assert provider["options"] == {"path": "/var/lib/grafana/dashboards/opsgen"}


_WITH_FOLDER = """\
targets: [files, grafana]
grafana: {folder: Shop & Till}
channels: {chat: {webhook: {url: "http://chat.example.com"}}}
escalation: {calm: [{notify: [chat]}]}
teams: {web: {escalation: {page: calm}}}
catch_all: chat
"""
