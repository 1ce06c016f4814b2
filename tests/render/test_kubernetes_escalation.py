"""The Prometheus operator's resource: what its own definition takes, and that it says what
Alertmanager's file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from opsgen.alertmanager.routing import is_inhibited, matcher, receivers_reached
from opsgen.channels.kinds import KINDS
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
from opsgen.channels.receivers import CATCH_ALL
from opsgen.model.oncall import SEVERITIES, Channel, Hours, Policy, Severity, Step, Team
from opsgen.model.service import Service
from opsgen.quantities import Duration
from opsgen.render.escalation import escalation
from opsgen.render.kubernetes.alertmanagerconfig import LACKING, render_alertmanager_config
from tests.render.crds import definition
from tests.render.escalations import (
    CHAT,
    LEAST_CHANNELS,
    LOG,
    NO_DELAY,
    OFFICE,
    PAGER,
    SECRET_FILE,
    service,
    team,
)
from tests.specs import derived, fleet, refused

_VALUES: dict[Value, Any] = {
    TEXT: "text",
    TEMPLATED_TEXT: "text",
    WORD: "word",
    PATH: SECRET_FILE,
    URL: "https://example.com/x",
    FLAG: True,
    INTEGER: 5,
    COUNT: 5,
    DURATION: "30s",
    HOST_PORT: "localhost:25",
    SCHEME: "Bearer",
}
_UTC_OFFICE = replace(OFFICE, timezone="UTC", holidays=("2027-12-25",))
_NIGHTS = Hours("nights", ("friday:sunday",), (("22:00", "06:00"), ("12:00", "13:00")), "UTC")
_STEPS = st.builds(
    Step,
    st.just(NO_DELAY),
    st.lists(st.sampled_from([PAGER, CHAT, LOG]), min_size=1, max_size=3).map(tuple),
    st.sampled_from([None, replace(OFFICE, name="berlin"), _UTC_OFFICE, _NIGHTS]),
)
_POLICIES: st.SearchStrategy[dict[Severity, Policy]] = st.dictionaries(
    st.sampled_from(SEVERITIES),
    st.builds(
        Policy, st.just("any"), st.lists(_STEPS, min_size=1, max_size=3).map(tuple), st.none()
    ),
)


def everything(fields: Fields) -> dict[str, Any]:
    """Every option that may stand beside the others: of each group the first."""
    left_out = {key for group in (*fields.one_of, *fields.at_most_one) for key in group[1:]}
    return {key: _value(option) for key, option in fields.options.items() if key not in left_out}


def _value(option: Option) -> Any:
    if isinstance(option.value, Fields):
        one = everything(option.value)
        return [one] if option.value.many else one
    return _VALUES.get(option.value, "team")


_CHANNELS = [
    *(
        Channel(f"least-{kind}", kind, options)
        for kind, options in LEAST_CHANNELS.items()
        if kind not in LACKING
    ),
    *(
        Channel(f"every-{kind}", kind, everything(KINDS[kind].fields))
        for kind in KINDS
        if kind not in LACKING
    ),
    Channel(
        "basic",
        "webhook",
        {
            "url": "https://x.example.com",
            "http_config": {"basic_auth": {"username": "me", "password_file": SECRET_FILE}},
        },
    ),
]


def _told(*channels: Channel) -> Team:
    later = (Step(Duration.of("15m"), (CHAT,), _UTC_OFFICE),)
    return team(page=Policy("p", (Step(NO_DELAY, channels, None), *later)))


def _resource(of: Service) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(render_alertmanager_config(of).content)
    return found


@pytest.fixture(scope="session")
def schema(sample_data: Path) -> Mapping[str, Any]:
    """The operator's schema of the resource."""
    return definition(sample_data, "AlertmanagerConfig")


@pytest.mark.parametrize("channel", _CHANNELS, ids=lambda channel: channel.name)
def test_the_operator_takes_every_kind_of_channel(
    schema: Mapping[str, Any], channel: Channel
) -> None:
    jsonschema.validate(_resource(service(owner=_told(channel))), schema)


@settings(max_examples=40)
@given(policies=_POLICIES)
def test_the_operator_takes_whatever_a_team_may_agree_upon(
    schema: Mapping[str, Any], policies: dict[Severity, Policy]
) -> None:
    spec = _resource(service(owner=replace(team(), policies=policies)))["spec"]
    definition_of_spec = schema["properties"]["spec"]
    of_route = jsonschema.Draft202012Validator(definition_of_spec["properties"]["route"])

    jsonschema.Draft202012Validator(definition_of_spec).validate(spec)
    # The definition leaves the routes below the first as they are; the operator reads them all the
    # same.
    for route in _routes(spec["route"]):
        of_route.validate(route)


@settings(max_examples=40)
@given(policies=_POLICIES, environment=st.sampled_from(["production", 'a"b\\c', "é\n"]))
def test_any_alert_reaches_whom_it_reaches_by_alertmanagers_own_file(
    policies: dict[Severity, Policy], environment: str
) -> None:
    of = service(owner=replace(team(), policies=policies), environment=environment)
    resource, own = _resource(of)["spec"], escalation(of)
    operators = {"route": {"receiver": CATCH_ALL, "routes": [_back(resource["route"])]}}

    for severity in (*SEVERITIES, "warning"):
        for step in ("", "2", "3"):
            for name in (of.name, "other"):
                labels = {
                    "service": name,
                    "environment": environment,
                    "severity": severity,
                    "step": step,
                }
                assert receivers_reached(operators, labels) == receivers_reached(own, labels)


def _inhibit_rules_back(spec: Mapping[str, Any]) -> dict[str, Any]:
    def texts(matchers: list[dict[str, Any]]) -> list[str]:
        return [matcher(one["name"], one["value"], one["matchType"]) for one in matchers]

    return {
        "inhibit_rules": [
            {
                "source_matchers": texts(rule["sourceMatch"]),
                "target_matchers": texts(rule["targetMatch"]),
                "equal": rule["equal"],
            }
            for rule in spec["inhibitRules"]
        ]
    }


_ALERTS = st.fixed_dictionaries(
    {
        "alertname": st.sampled_from(
            ["TargetsAbsent", "ProbeFailed", "ErrorBudgetBurn", "TrafficGone"]
        ),
        "service": st.sampled_from(["checkout", "orders"]),
        "environment": st.sampled_from(["production", "staging"]),
        "severity": st.sampled_from(SEVERITIES),
        "signal": st.sampled_from(["one", "two"]),
    }
)


@given(target=_ALERTS, source=_ALERTS)
def test_the_services_alerts_are_silenced_as_by_alertmanagers_own_file(
    target: dict[str, str], source: dict[str, str]
) -> None:
    of = replace(service(), depends_on=("orders",))
    target = {**target, "service": of.name}
    operators = _inhibit_rules_back(_resource(of)["spec"])

    assert is_inhibited(operators, target, [source]) == is_inhibited(
        escalation(of), target, [source]
    )


def test_nobody_elses_alerts_are_silenced() -> None:
    operators = _inhibit_rules_back(_resource(service())["spec"])
    page = {"alertname": "Theirs", "service": "theirs", "severity": "page"}

    assert not is_inhibited(operators, {**page, "severity": "ticket"}, [page])


def _back(route: Mapping[str, Any]) -> dict[str, Any]:
    """The route in Alertmanager's words."""
    found: dict[str, Any] = {
        "receiver": route["receiver"],
        "matchers": [
            matcher(one["name"], one["value"], one["matchType"]) for one in route["matchers"]
        ],
        "routes": [_back(child) for child in route.get("routes", ())],
    }
    return found | ({"continue": True} if route.get("continue") else {})


@pytest.mark.parametrize("severity", ["page", "ticket", "info", "warning"])
@pytest.mark.parametrize("step", ["", "2"])
def test_an_alert_reaches_whom_it_reaches_by_alertmanagers_own_file(
    severity: str, step: str
) -> None:
    of = service(owner=_told(PAGER, LOG))
    labels = {
        "service": of.name,
        "environment": of.environment,
        "severity": severity,
        **({"step": step} if step else {}),
    }

    operators = {"route": {"receiver": "nobody", "routes": [_back(_resource(of)["spec"]["route"])]}}

    assert receivers_reached(operators, labels) == receivers_reached(escalation(of), labels)


def _routes(route: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield route
    for child in route.get("routes", ()):
        yield from _routes(child)


def test_whatever_a_route_names_is_in_the_resource() -> None:
    spec = _resource(service(owner=_told(PAGER, LOG)))["spec"]
    routes = list(_routes(spec["route"]))

    assert {route["receiver"] for route in routes} <= {
        receiver["name"] for receiver in spec["receivers"]
    }
    named = {
        n
        for r in routes
        for n in (*r.get("activeTimeIntervals", ()), *r.get("muteTimeIntervals", ()))
    }
    assert (
        named
        == {interval["name"] for interval in spec["muteTimeIntervals"]}
        == {"office", "office holidays"}
    )
    (holidays,) = (
        found for found in spec["muteTimeIntervals"] if found["name"] == "office holidays"
    )
    assert holidays["timeIntervals"] == [
        {
            "times": [{"startTime": "00:00", "endTime": "24:00"}],
            "daysOfMonth": [{"start": 25, "end": 25}],
            "months": ["12"],
            "years": ["2027"],
        }
    ]


def test_secrets_are_references_and_the_file_says_which_to_make() -> None:
    artifact = render_alertmanager_config(service(owner=_told(PAGER)))

    pager = yaml.safe_load(artifact.content)["spec"]["receivers"][0]
    assert pager["pagerdutyConfigs"][0]["routingKey"] == {
        "name": "opsgen-payments-primary",
        "key": "routing_key",
    }
    assert (
        "#   opsgen-payments-primary: routing_key\n#   opsgen-payments-slack: api_url\n"
        in artifact.content
    )
    assert "/etc/alertmanager" not in artifact.content


def test_a_user_name_goes_into_the_secret_and_the_file_says_which_it_is() -> None:
    (basic,) = (channel for channel in _CHANNELS if channel.name == "basic")

    assert (
        '#   opsgen-basic: username, which holds "me"\n'
        in render_alertmanager_config(service(owner=_told(basic))).content
    )


def test_no_limit_is_larger_than_the_resource_can_count() -> None:
    log = Channel("log", "webhook", {"url": "https://log.example.com", "max_alerts": 2**40})
    receivers = _resource(service(owner=_told(log)))["spec"]["receivers"]
    (found,) = (receiver for receiver in receivers if receiver["name"] == "log")

    assert found["webhookConfigs"][0]["maxAlerts"] == 2**31 - 1


def test_the_file_says_what_the_operator_makes_of_it() -> None:
    content = render_alertmanager_config(
        replace(service(owner=_told(PAGER)), depends_on=("orders",))
    ).content

    for told in (
        "OnNamespaceExceptForAlertmanagerNamespace",
        "alertmanagerConfigSelector",
        "go on to",
        CATCH_ALL,
    ):
        assert told in content
    assert "The inhibitions by orders hold across namespaces only with None" in content


_SPEC = "service: shop\nteam: web\nconvention: grpc\n"
_PROJECT = """\
targets: [files, kubernetes]
channels: {chat: {webhook: {url: "https://chat.example.com/hook"}}}
escalation: {calm: [{notify: [chat], during: office}]}
teams: {web: {escalation: {page: calm}}}
hours: {office: {days: monday to friday, from: "09:00", to: "18:00", timezone: ZONE}}
"""


def test_a_holiday_that_the_resource_has_no_year_for_is_refused(tmp_path: Path) -> None:
    dated = _PROJECT.replace("ZONE", 'UTC, holidays: ["1999-12-31"]')

    assert refused(tmp_path, _SPEC, dated) == [
        "service.yaml:1:10: service: 1999-12-31 is a holiday of the hours office, and an"
        " AlertmanagerConfig knows no year before 2000; remove it, or leave kubernetes out of"
        " targets"
    ]
    assert derived(tmp_path, _SPEC, _PROJECT.replace("ZONE", "UTC")).service.platform.targets == (
        "files",
        "kubernetes",
    )


def test_hours_in_a_time_zone_are_in_utc_and_the_file_says_so() -> None:
    content = render_alertmanager_config(service()).content
    winter, summer = yaml.safe_load(content)["spec"]["muteTimeIntervals"][0]["timeIntervals"]

    assert winter["times"] == [{"startTime": "08:00", "endTime": "17:00"}]
    assert summer["times"] == [{"startTime": "07:00", "endTime": "16:00"}]
    assert "hold for longer than they should: office (Europe/Berlin)." in content


def test_it_is_written_for_the_target_kubernetes_alone(tmp_path: Path) -> None:
    from opsgen.fleet.build import contents

    for target, wanted in (("files", False), ("kubernetes", True)):
        project = _PROJECT.replace("ZONE", "UTC").replace("[files, kubernetes]", f"[{target}]")
        built = contents(fleet(tmp_path, _SPEC, project), tmp_path / "out")
        paths = {artifact.path for content in built.values() for artifact in content.artifacts}
        assert ("shop/kubernetes/alertmanagerconfig.yaml" in paths) is wanted


def test_a_channel_that_the_resource_lacks_is_refused(tmp_path: Path) -> None:
    project = (
        "targets: [kubernetes]\nalertmanager: {version: '0.29'}\nchannels: {inc: {incidentio: {url:"
        " 'https://a.example.com', alert_source_token_file: /a}}}\nescalation: {x: [{notify:"
        " [inc]}]}\nteams: {web: {escalation: {page: x}}}\n"
    )

    assert refused(tmp_path, "service: shop\nteam: web\nconvention: grpc\n", project) == [
        "service.yaml:1:10: service: the channel inc is of the kind incidentio, and an"
        " AlertmanagerConfig has none; remove it, or leave kubernetes out of targets"
    ]
