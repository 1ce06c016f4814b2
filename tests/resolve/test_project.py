"""What the project file is taken to mean, and what is said where it cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.model.oncall import SEVERITIES
from opsgen.model.organisation import Organisation
from opsgen.quantities import Duration
from opsgen.resolve.servers import TIMINGS
from tests.specs import derived, fleet, refused

SPEC = "service: shop\nconvention: grpc\nteam: web\n"

MISTAKES = {
    "a Prometheus too old": (
        "prometheus: {version: '2.41'}\n",
        "1:23: prometheus.version: version 2.41 is not supported; use 2.42 or later",
    ),
    "an Alertmanager too old": (
        "alertmanager: {version: '0.24.0'}\n",
        "1:25: alertmanager.version: version 0.24.0 is not supported; use 0.25 or later",
    ),
    "a scrape too slow": (
        "prometheus: {scrape_interval: 2m}\n",
        (
            "1:31: prometheus.scrape_interval: 2m is too slow for rates over five minutes; scrape"
            " every 1m or faster"
        ),
    ),
    "an evaluation so slow that recorded series go stale": (
        "prometheus: {evaluation_interval: 10m}\n",
        (
            "1:35: prometheus.evaluation_interval: 10m is too slow: recorded series go stale after"
            " five minutes; evaluate every 2m or faster"
        ),
    ),
    "hours that are none": (
        "hours: {night: {days: monday to friday, from: '22:00', to: '22:00'}}\n",
        (
            "1:60: hours.night.to: there is no time from 22:00 to 22:00; "
            'write from: "00:00" and to: "24:00" for the whole day'
        ),
    ),
    "a holiday that is not a valid date": (
        "hours: {night: {days: monday, from: '09:00', to: '18:00', holidays: ['2027-02-30']}}\n",
        (
            "1:70: hours.night.holidays[0]: '2027-02-30' is not a valid date; write year, month"
            ' and day, quoted: "2027-12-25"'
        ),
    ),
    "a case that is none": (
        (
            "teams: {web: {escalation: {where: [{page: x}]}}}\nescalation: {x: [{notify: [c]}]}\n"
            "channels: {c: {webhook: {url: 'http://c.example.com'}}}\n"
        ),
        (
            "1:36: teams.web.escalation.where[0]: this case applies to every service; write"
            " environment or tier, or leave where: out"
        ),
    ),
    "a repetition of a policy after Alertmanager has forgotten": (
        (
            "escalation: {x: {repeat: 6d, steps: [{notify: [c]}]}}\n"
            "channels: {c: {webhook: {url: 'http://c.example.com'}}}\n"
        ),
        (
            "1:26: escalation.x.repeat: 6d is too long: Alertmanager remembers for 5d what it"
            " has sent; write 5d or less"
        ),
    ),
    "a catch-all that there is not": (
        "catch_all: chat\n",
        "1:12: catch_all: there is no channel 'chat'; there are no channels",
    ),
    "a watchdog without a channel": (
        "watchdog: {notify: chat}\n",
        "1:20: watchdog.notify: there is no channel 'chat'; there are no channels",
    ),
    "no such day": (
        "hours: {office: {days: [monday to fryday], from: '09:00', to: '18:00'}}\n",
        "1:25: hours.office.days[0]: 'fryday' is not a day; write for example monday to friday",
    ),
    "no such time zone": (
        "hours: {office: {days: monday, from: '09:00', to: '18:00', timezone: Berlin}}\n",
        (
            "1:70: hours.office.timezone: 'Berlin' is not a known time zone; write one"
            " such as Europe/Berlin"
        ),
    ),
    "a time zone that is a path": (
        "hours: {office: {days: monday, from: '09:00', to: '18:00', timezone: ../../etc/passwd}}\n",
        (
            "1:70: hours.office.timezone: '../../etc/passwd' is not a known time zone; write one"
            " such as Europe/Berlin"
        ),
    ),
    "a repetition before anything can be sent": (
        "alertmanager: {page: {group_interval: 10m, repeat_interval: 5m}}\n",
        (
            "1:22: alertmanager.page: it can't repeat every 5m when it sends only every 10m;"
            " write a repeat_interval that is not shorter than the group_interval"
        ),
    ),
    "a repetition after Alertmanager has forgotten": (
        "alertmanager: {info: {repeat_interval: 1w}}\n",
        (
            "1:40: alertmanager.info.repeat_interval: 7d is too long: Alertmanager remembers for"
            " 5d what it has sent; write 5d or less"
        ),
    ),
}
CHANNEL = "channels: {chat: {webhook: {url: 'http://chat.example.com/hook'}}}\n"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_its_place_with_what_would_be_right(tmp_path: Path, name: str) -> None:
    text, said = MISTAKES[name]

    assert refused(tmp_path, SPEC, text) == [f"opsgen.yaml:{said}"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            "[{notify: [chta]}]",
            (
                "2:35: escalation.critical[0].notify[0]: there is no channel 'chta'; did you mean"
                " 'chat'?"
            ),
        ),
        (
            "[{notify: [chat], during: office}]",
            "2:50: escalation.critical[0].during: there are no hours 'office'; there are no hours",
        ),
        (
            "[{notify: [chat], after: 5m}]",
            "2:49: escalation.critical[0].after: the first step can't have a delay; leave it out",
        ),
        (
            "[{notify: [chat]}, {notify: [chat], after: 20m}, {notify: [chat], after: 20m}]",
            (
                "2:97: escalation.critical[2].after: step 2 already comes 20m after the alert"
                " began to fire; write more than 20m, or join the two steps"
            ),
        ),
        (
            "[{notify: [chat]}, {notify: [chat]}]",
            (
                "2:43: escalation.critical[1]: every step after the first needs a delay;"
                " write for example after: 15m"
            ),
        ),
    ],
)
def test_a_step_that_cannot_be_taken_is_told_at_its_place(
    tmp_path: Path, steps: str, said: str
) -> None:
    project = f"{CHANNEL}escalation: {{critical: {steps}}}\n"

    assert refused(tmp_path, SPEC, project) == [f"opsgen.yaml:{said}"]


def test_a_policy_that_there_is_not_is_told_once_for_each_severity(tmp_path: Path) -> None:
    project = (
        f"{CHANNEL}escalation: {{critical: [{{notify: [chat]}}]}}\nteams: {{web: {{escalation:"
        " {page: critcal}}}\n"
    )

    assert refused(tmp_path, SPEC, project) == [
        "opsgen.yaml:3:34: teams.web.escalation.page: there is no policy 'critcal'; did you mean"
        " 'critical'?"
    ]


def test_all_mistakes_of_the_project_are_told_at_once(tmp_path: Path) -> None:
    project = (
        "prometheus: {version: '2.41', scrape_interval: 2m}\n"
        f"{CHANNEL}"
        "escalation: {critical: [{notify: [chta], after: 5m}]}\n"
        "teams: {web: {escalation: {page: critcal}}}\n"
        "slo: {window: 1h}\n"
    )

    places = [line.split(": ")[0] for line in refused(tmp_path, SPEC, project)]

    assert places == [
        f"opsgen.yaml:{place}" for place in ("1:23", "1:48", "3:35", "3:49", "4:34", "5:15")
    ]


def test_a_mistake_in_the_project_hides_none_in_the_form_of_a_spec(tmp_path: Path) -> None:
    spec = f"{SPEC}slos: [{{availability: 100%}}]\n"

    said = refused(tmp_path, spec, "prometheus: {version: '2.41'}\n")

    assert [line.split(": ")[1] for line in said] == ["prometheus.version", "slos[0].availability"]


@pytest.mark.parametrize(
    ("channel", "place"),
    [
        ("pagerduty: {routing_key: hunter2hunter2}", "1:47"),
        ("slack: {channel: '#a', api_url: 'https://hooks.slack.com/services/hunter2'}", "1:54"),
        ("webhook: {url: 'https://example.com/?token=hunter2'}", "1:37"),
    ],
)
def test_a_secret_by_value_is_refused_and_never_repeated(
    tmp_path: Path, channel: str, place: str
) -> None:
    (said,) = refused(tmp_path, SPEC, f"channels: {{primary: {{{channel}}}}}\n")

    assert said.startswith(f"opsgen.yaml:{place}: channels.primary.{channel.split(':')[0]}.")
    assert "hunter2" not in said


def _organisation(folder: Path, project: str = "") -> Organisation:
    return fleet(folder, SPEC, project).project.organisation


def test_without_a_project_file_everything_has_a_default_that_works(tmp_path: Path) -> None:
    organisation = _organisation(tmp_path)

    assert organisation.file is None
    assert organisation.platform.prometheus == "2.42"
    assert organisation.platform.alertmanager == "0.25"
    assert organisation.platform.scrape_interval == Duration.of("30s")
    assert organisation.platform.external_labels == ()
    assert organisation.slo_window == Duration.of("30d")
    assert organisation.burn_rates is None
    assert (organisation.out, organisation.runbook_url) == ("out", "{service}/runbook.md")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cluster", ("cluster",)),
        ("[cluster, region]", ("cluster", "region")),
        ("[cluster, cluster]", ("cluster",)),
        ("[]", ()),
    ],
)
def test_external_labels_are_one_name_or_a_list(
    tmp_path: Path, written: str, meant: tuple[str, ...]
) -> None:
    organisation = _organisation(tmp_path, f"prometheus: {{external_labels: {written}}}\n")

    assert organisation.platform.external_labels == meant


@pytest.mark.parametrize("written", ["__replica__", "{cluster: eu-1}", "''"])
def test_an_external_label_is_a_name_and_no_value(tmp_path: Path, written: str) -> None:
    (said,) = refused(tmp_path, SPEC, f"prometheus: {{external_labels: {written}}}\n")

    assert ": prometheus.external_labels: " in said


def test_a_service_without_a_project_is_told_to_one_plainly_named_placeholder(
    tmp_path: Path,
) -> None:
    policies = derived(tmp_path, SPEC).service.team.policies

    told = {
        channel.name
        for policy in policies.values()
        for step in policy.steps
        for channel in step.notify
    }
    assert set(policies) == {"page", "ticket", "info"}
    assert told == {"placeholder-no-channel-configured"}


def test_a_severity_without_a_policy_is_told_as_the_next_more_urgent_one(tmp_path: Path) -> None:
    project = (
        f"{CHANNEL}escalation: {{critical: [{{notify: [chat]}}]}}\nteams: {{web: {{escalation:"
        " {page: critical}}}\n"
    )

    policies = _organisation(tmp_path, project).teams["web"].policies

    assert [policies[severity].name for severity in ("page", "ticket", "info")] == ["critical"] * 3


def test_when_people_are_told_can_be_changed_by_severity(tmp_path: Path) -> None:
    project = f"{CHANNEL}alertmanager: {{page: {{group_wait: 0s, repeat_interval: 1h}}}}\n"
    timings = derived(tmp_path, SPEC, project).service.platform.timings

    assert (
        str(timings["page"].wait),
        str(timings["page"].interval),
        str(timings["page"].repeat),
    ) == ("0s", "5m", "1h")
    assert timings["ticket"] == TIMINGS["ticket"]


_POLICIES = (
    f"{CHANNEL}escalation: {{a: [{{notify: [chat]}}], b: [{{notify: [chat]}}], c: [{{notify:"
    " [chat]}]}\n"
)


@pytest.mark.parametrize(
    ("chosen", "spec", "told"),
    [
        ("page: a", "", "aaa"),
        ("page: a, ticket: b", "", "abb"),
        ("page: a, where: [{tier: [3, 4], page: b}]", "tier: 3\n", "baa"),
        ("page: a, where: [{tier: [3, 4], page: b}]", "tier: 2\n", "aaa"),
        (
            "page: a, where: [{environment: production, page: b}, {tier: 1, page: c}]",
            "tier: 1\n",
            "caa",
        ),
        ("page: a, where: [{environment: [staging, test], page: b}]", "", "aaa"),
        ("page: a, where: [{environment: production, tier: 2, info: b}]", "", "aab"),
        ("page: a", "escalation: {ticket: c}\n", "aca"),
        ("page: a, where: [{tier: 2, page: b}]", "escalation: {page: c}\n", "caa"),
        ("page: a", "escalation: {where: [{tier: 1, page: b}]}\n", "aaa"),
        ("page: a", "tier: 1\nescalation: {page: c, where: [{tier: 1, page: b}]}\n", "baa"),
    ],
)
def test_the_policy_that_says_most_of_the_service_wins(
    tmp_path: Path, chosen: str, spec: str, told: str
) -> None:
    project = f"{_POLICIES}teams: {{web: {{escalation: {{{chosen}}}}}}}\n"
    policies = derived(tmp_path, f"{SPEC}{spec}", project).service.team.policies

    assert "".join(policies[severity].name for severity in SEVERITIES) == told


def test_a_service_can_not_name_a_policy_that_there_is_not(tmp_path: Path) -> None:
    project = f"{_POLICIES}teams: {{web: {{escalation: {{page: a}}}}}}\n"

    assert refused(
        tmp_path, f"{SPEC}escalation: {{page: z, where: [{{tier: 1, info: y}}]}}\n", project
    ) == [
        "service.yaml:4:20: escalation.page: there is no policy 'z'; the policies are a, b, c",
        (
            "service.yaml:4:47: escalation.where[0].info: there is no policy 'y'; the policies are"
            " a, b, c"
        ),
    ]


def test_a_policy_is_its_steps_or_says_how_often_it_repeats(tmp_path: Path) -> None:
    project = (
        f"{CHANNEL}escalation: {{short: [{{notify: [chat]}}], long: {{repeat: 1h, steps: [{{notify:"
        " [chat]}]}}\nteams: {web: {escalation: {page: long}}}\n"
    )
    policies = _organisation(tmp_path, project).policies

    assert policies["short"].steps == policies["long"].steps
    assert (policies["short"].repeat, policies["long"].repeat) == (None, Duration.of("1h"))


def test_hours_are_as_alertmanager_has_them(tmp_path: Path) -> None:
    project = (
        f"{CHANNEL}hours:\n  office:\n    {{days: [Monday to Friday, sunday], from: '09:00', to:"
        " '24:00', timezone: Europe/Berlin}\nescalation: {critical: [{notify: [chat], during:"
        " office}]}\nteams: {web: {escalation: {page: critical}}}\n"
    )

    hours = _organisation(tmp_path, project).teams["web"].policies["page"].steps[0].during

    assert hours is not None
    assert hours.days == ("monday:friday", "sunday")
    assert hours.times == (("09:00", "24:00"),)
    assert hours.timezone == "Europe/Berlin"


def test_what_has_no_artifact_yet_is_reported(tmp_path: Path) -> None:
    project = "teams: {web: {email: web@example.com}}\n"

    assert _organisation(tmp_path, project).not_yet == ("teams.web.email",)


def test_links_lead_to_where_the_project_says(tmp_path: Path) -> None:
    project = (
        "grafana: {url: 'https://grafana.example.com/', folder: Shops}\n"
        "runbooks: {url: 'https://git.example.com/{service}.md'}\n"
    )

    service = derived(tmp_path, SPEC, project).service

    assert service.runbook_url == "https://git.example.com/shop.md"
    assert service.dashboard_url == "https://grafana.example.com/d/opsgen-shop"
    assert service.folder == "Shops"
