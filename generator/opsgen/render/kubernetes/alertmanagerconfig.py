"""A service's Alertmanager fragment goes in; an `AlertmanagerConfig` of the Prometheus operator
comes out.

It says the same in the form of the operator's definition (0.93): other spellings of keys, lists of
key and value instead of mappings, and references to Kubernetes secrets instead of files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from opsgen.alertmanager.routing import parts_of
from opsgen.alertmanager.utc_hours import in_utc, is_exact
from opsgen.channels.receivers import CATCH_ALL
from opsgen.model.artifact import Artifact
from opsgen.model.oncall import Channel, Hours, Watchdog
from opsgen.model.platform import Cluster
from opsgen.model.service import Service
from opsgen.model.targets import TARGETS
from opsgen.render.alertmanager import watchdog_receiver, watchdog_route
from opsgen.render.escalation import escalation
from opsgen.render.kubernetes.metadata import Resource, metadata
from opsgen.render.yaml_writer import dump, generated_from

_FOLDER = TARGETS["kubernetes"].folder
_FILE = "_file"
_FILE_NAME = "alertmanagerconfig.yaml"

# Keys that are not spelt in plain camelCase; some differ between the kinds of receivers.
_SPELT = {
    "api_url": "apiURL",
    "avatar_url": "avatarURL",
    "chat_id": "chatID",
    "icon_url": "iconURL",
    "message_thread_id": "messageThreadID",
    "proxy_url": "proxyURL",
    "require_tls": "requireTLS",
    "room_id": "roomID",
    "target_arn": "targetARN",
    "topic_arn": "topicARN",
}
_SPELT_OF_KIND = {
    ("discord_configs", "webhook_url"): "apiURL",
    ("msteamsv2_configs", "webhook_url"): "webhookURL",
    ("victorops_configs", "api_url"): "apiUrl",
    ("webhook_configs", "url_file"): "urlSecret",
}
# Kinds of channels that have no receiver in the resource.
LACKING = frozenset({"incidentio"})
_LISTS_OF_PAIRS = frozenset({"details", "headers"})
# The resource counts in int32, Alertmanager in uint64. No receiver gets so many alerts.
_MOST_ALERTS = 2**31 - 1
_ABOUT_THE_OPERATOR = (
    (
        "The alerts have no label namespace,"
        " so the Alertmanager resource has to let routes be as they are:"
    ),
    "  alertmanagerConfigMatcherStrategy: {type: None}",
    (
        "or {type: OnNamespaceExceptForAlertmanagerNamespace},"
        " with this resource in the namespace of the Alertmanager."
    ),
    (
        "The default, OnNamespace, adds the matcher namespace=...,"
        " and no alert of opsgen would arrive here."
    ),
    (
        "The Alertmanager resource has to select it:"
        " alertmanagerConfigSelector, alertmanagerConfigNamespaceSelector."
    ),
    (
        "The operator lets every alert go on to the routes after it:"
        " what one of those matches is told there again."
    ),
    (
        "An alert that no route matches is told by the root of the Alertmanager resource:"
        f" {CATCH_ALL} is not in here."
    ),
)


def render_alertmanager_config(service: Service) -> Artifact:
    """`kubernetes/alertmanagerconfig.yaml`: the service's routes, receivers, inhibitions and
    hours."""
    fragment = escalation(service)
    (route,) = fragment["route"]["routes"]
    spec = {
        "route": {"groupBy": fragment["route"]["group_by"], **_route(route)},
        "inhibitRules": [_inhibit_rule(rule) for rule in fragment.get("inhibit_rules") or ()],
        "receivers": [
            _receiver(one, one["name"]) for one in fragment["receivers"] if one["name"] != CATCH_ALL
        ],
        "muteTimeIntervals": [_time_interval(one) for one in fragment.get("time_intervals") or ()],
    }
    resource = _resource(metadata(service.platform.cluster, service.name), spec)
    return Artifact(
        f"{service.name}/{_FOLDER}/{_FILE_NAME}", dump(resource, _comment(service, resource))
    )


def render_watchdog_config(watchdog: Watchdog, cluster: Cluster) -> Artifact:
    """`kubernetes/alertmanagerconfig.yaml` of the fleet: the watchdog's route and receiver."""
    told = _receiver(watchdog_receiver(watchdog), watchdog.notify.name)
    resource = _resource(
        metadata(cluster), {"route": _route(watchdog_route(watchdog)), "receivers": [told]}
    )
    head = [*generated_from("opsgen.yaml"), *_ABOUT_THE_OPERATOR]
    secrets = [f"  {name}: {key}" for name, key in sorted(set(_secrets(resource)))]
    if secrets:
        head += ["Secrets that it reads, in its own namespace:", *secrets]
    return Artifact(f"{_FOLDER}/{_FILE_NAME}", dump(resource, head))


def _resource(about: Resource, spec: Mapping[str, Any]) -> Resource:
    return {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "AlertmanagerConfig",
        "metadata": about,
        "spec": {key: value for key, value in spec.items() if value},
    }


def beyond(service: Service) -> Iterator[str]:
    """The parts of the service's policies that the resource can't express: holidays before 2000,
    also after the change to UTC, and kinds of receivers that it lacks."""
    for hours in _hours(service):
        for holiday in hours.holidays:
            if holiday < "2000-01-02":
                where = f"{holiday} is a holiday of the hours {hours.name}"
                yield f"{where}, and an AlertmanagerConfig knows no year before 2000"
    for channel in _channels(service):
        if channel.kind in LACKING:
            yield (
                f"the channel {channel.name} is of the kind {channel.kind},"
                " and an AlertmanagerConfig has none"
            )


def _channels(service: Service) -> Iterator[Channel]:
    for policy in service.team.policies.values():
        yield from (channel for step in policy.steps for channel in step.notify)


def _hours(service: Service) -> list[Hours]:
    steps = (step for policy in service.team.policies.values() for step in policy.steps)
    return list(dict.fromkeys(step.during for step in steps if step.during is not None))


def _comment(service: Service, resource: Mapping[str, Any]) -> Iterator[str]:
    yield from generated_from(service.spec_file)
    yield from _ABOUT_THE_OPERATOR
    if service.depends_on:
        yield (
            f"The inhibitions by {', '.join(service.depends_on)}"
            " hold across namespaces only with None, too."
        )
    changing = sorted(
        f"{hours.name} ({hours.timezone})"
        for hours in _hours(service)
        if not is_exact(hours.timezone)
    )
    if changing:
        yield (
            "The resource knows no time zones:"
            " its hours are in UTC, by the month for summer and winter time."
        )
        yield (
            "In the months in which clocks change these hold for longer than they should:"
            f" {', '.join(changing)}."
        )
    secrets = sorted(set(_secrets(resource)))
    if secrets:
        users = dict(_users(service))
        yield "Secrets that it reads, in its own namespace:"
        yield from (f"  {name}: {key}{users.get((name, key), '')}" for name, key in secrets)


def _users(service: Service) -> Iterator[tuple[tuple[str, str], str]]:
    """The user names of the channels. They are not secret, but the operator reads them from the
    secret."""
    for channel in _channels(service):
        http: Any = channel.options.get("http_config", {})
        if "basic_auth" in http:
            # As JSON, so that it is one line of plain characters whatever it holds.
            username = json.dumps(http["basic_auth"]["username"])
            yield (_secret_of(channel.name), "username"), f", which holds {username}"


def _secrets(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if set(value) == {"name", "key"} and str(value["name"]).startswith("opsgen-"):
            yield value["name"], value["key"]
        for below in value.values():
            yield from _secrets(below)
    elif isinstance(value, list):
        for below in value:
            yield from _secrets(below)


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(part.capitalize() for part in others)


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    found = {_camel(key): value for key, value in route.items()}
    found["matchers"] = [_matcher(text) for text in route.get("matchers") or ()]
    if route.get("routes"):
        found["routes"] = [_route(child) for child in route["routes"]]
    return found


def _matcher(text: str) -> dict[str, str]:
    label, operator, value = parts_of(text)
    return {"name": label, "matchType": operator, "value": value}


def _inhibit_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sourceMatch": [_matcher(text) for text in rule["source_matchers"]],
        "targetMatch": [_matcher(text) for text in rule["target_matchers"]],
        "equal": rule["equal"],
    }


def _time_interval(interval: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": interval["name"],
        "timeIntervals": [_span(span) for span in in_utc(interval["time_intervals"])],
    }


def _span(span: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: span[key] for key in ("weekdays", "months", "years") if key in span}
    if "times" in span:
        found["times"] = [
            {"startTime": one["start_time"], "endTime": one["end_time"]} for one in span["times"]
        ]
    if "days_of_month" in span:
        found["daysOfMonth"] = [
            {"start": int(day), "end": int(day)} for day in span["days_of_month"]
        ]
    return found


def _receiver(receiver: Mapping[str, Any], channel: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": receiver["name"]}
    for kind, integrations in receiver.items():
        if kind != "name":
            found[_camel(kind)] = [_options(kind, one, _secret_of(channel)) for one in integrations]
    return found


def _secret_of(channel: str) -> str:
    return f"opsgen-{channel}"


def _options(kind: str, options: Mapping[str, Any], secret: str) -> dict[str, Any]:
    return dict(_option(kind, key, value, secret) for key, value in options.items())


def _option(kind: str, key: str, value: Any, secret: str) -> tuple[str, Any]:
    name = _SPELT_OF_KIND.get((kind, key)) or _spelt(kind, key.removesuffix(_FILE))
    if key.endswith(_FILE):
        reference = {"name": secret, "key": key.removesuffix(_FILE)}
        return name, {"secret": reference} if key == "ca_file" else reference
    if key in _LISTS_OF_PAIRS:
        return name, [{"key": one, "value": text} for one, text in value.items()]
    if key == "basic_auth":
        # Its user name is a secret to the operator, too.
        return name, {
            "username": {"name": secret, "key": "username"},
            **_options(kind, _without(value), secret),
        }
    if isinstance(value, Mapping):
        return name, _options(kind, value, secret)
    return name, min(value, _MOST_ALERTS) if key == "max_alerts" else value


def _spelt(kind: str, key: str) -> str:
    return _SPELT_OF_KIND.get((kind, key)) or _SPELT.get(key) or _camel(key)


def _without(basic_auth: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in basic_auth.items() if key != "username"}
