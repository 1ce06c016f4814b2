"""Claims about the providers' own escalation: nobody is lost between Alertmanager and a provider,
and what is written for Terraform is what the providers' schemas ask for."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsgen.channels.providers import told
from opsgen.fleet.build import contents
from opsgen.fleet.load import load_fleet
from opsgen.judge.closure import gaps
from opsgen.judge.programs import judged_by_comparison
from opsgen.model.oncall import Policy
from opsgen.render.terraform.schemas import RESOURCES, faults
from tests.specs import fleet, refused

SPEC = "service: shop\nteam: web\nconvention: grpc\nmatch: {job: shop}\n"
_CHANNELS: dict[str, Callable[[str], dict[str, Any]]] = {
    "pagerduty": lambda name: {"routing_key_file": f"/secrets/{name}"},
    "opsgenie": lambda name: {"api_key_file": f"/secrets/{name}"},
    "victorops": lambda name: {"api_key_file": f"/secrets/{name}", "routing_key": name},
    "grafana_irm": lambda name: {"url_file": f"/secrets/{name}"},
    "incidentio": lambda name: {
        "url": "https://incidents.example.com",
        "alert_source_token_file": f"/secrets/{name}",
    },
}

Document = dict[str, Any]


def project(*steps: Any, repeat: Any = None, **channels: Any) -> dict[str, Any]:
    """A project of one team with one policy, of these steps."""
    policy: Any = {"steps": list(steps), "repeat": repeat} if repeat else list(steps)
    return {
        "targets": ["files", "terraform"],
        "alertmanager": {"version": "0.29"},
        "channels": {"chat": {"webhook": {"url": "https://chat.example.com"}}, **channels},
        "escalation": {"critical": policy},
        "teams": {"web": {"escalation": {"page": "critical"}}},
    }


def channel(kind: str, name: str, **on_call: str) -> dict[str, Any]:
    return {kind: {**_CHANNELS[kind](name), "on_call": on_call}}


def modules(folder: Path, written: dict[str, Any], spec: str = SPEC) -> dict[str, Document]:
    """The files of the Terraform module, by their names."""
    found = contents(fleet(folder, spec, yaml.safe_dump(written, sort_keys=False)), folder / "out")[
        ""
    ]
    return {
        artifact.path.removeprefix("terraform/").removesuffix(".tf.json"): json.loads(
            artifact.content
        )
        for artifact in found.artifacts
        if artifact.path.endswith(".tf.json")
    }


def policy(folder: Path, written: dict[str, Any]) -> Policy:
    return fleet(
        folder, SPEC, yaml.safe_dump(written, sort_keys=False)
    ).project.organisation.policies["critical"]


THREE = (
    {"notify": ["first", "chat"]},
    {"after": "10m", "notify": ["second"]},
    {"after": "25m", "notify": ["second", "chat"]},
)


# -- who is told by whom ---------------------------------------------------------------------------


def test_a_provider_takes_the_steps_after_its_first_and_alertmanager_keeps_the_rest(
    tmp_path: Path,
) -> None:
    first, second = (
        channel("pagerduty", "first", schedule="Web"),
        channel("pagerduty", "second", user="a@b.example"),
    )

    found = policy(tmp_path, project(*THREE, first=first, second=second))

    assert [(str(one.after), [c.name for c in one.notify]) for one in found.steps] == [
        ("0s", ["first", "chat"]),
        ("25m", ["chat"]),
    ]
    assert [(str(one.after), [c.name for c in one.channels], one.by) for one in told(found)] == [
        ("0s", ["first", "chat"], ""),
        ("10m", ["second"], "PagerDuty"),
        ("25m", ["chat"], ""),
        ("25m", ["second"], "PagerDuty"),
    ]


def test_a_provider_that_comes_later_is_told_by_alertmanager_then(tmp_path: Path) -> None:
    steps = (
        {"notify": ["chat"]},
        {"after": "1h", "notify": ["first"]},
        {"after": "90m", "notify": ["second"]},
    )
    first, second = (
        channel("opsgenie", "first", schedule="Web"),
        channel("opsgenie", "second", team="Web"),
    )

    written = project(*steps, first=first, second=second)
    found = policy(tmp_path, written)

    assert [str(step.after) for step in found.steps] == ["0s", "1h"]
    rules = modules(tmp_path, written)["opsgenie"]["resource"]["opsgenie_escalation"]["critical"][
        "rules"
    ]
    assert [rule["delay"] for rule in rules] == [0, 30]


def test_a_channel_without_on_call_stays_alertmanagers(tmp_path: Path) -> None:
    second = {"pagerduty": {"routing_key_file": "/secrets/second"}}

    found = policy(
        tmp_path,
        project(*THREE, first=channel("pagerduty", "first", schedule="Web"), second=second),
    )

    assert [str(step.after) for step in found.steps] == ["0s", "10m", "25m"]
    assert len(found.handovers[0].steps) == 1


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A project of one policy, over channels of any provider."""
    kinds = draw(st.lists(st.sampled_from(sorted(_CHANNELS)), min_size=1, max_size=3))
    # Names that Terraform would read as templates, or JSON end at.
    names = st.sampled_from(["Web primary", "${var.x}", "%{ if x }", '"', "a/b"])
    channels = {
        f"c{number}": channel(
            kind, f"c{number}", **{draw(st.sampled_from(["schedule", "user"])): draw(names)}
        )
        for number, kind in enumerate(kinds)
    }
    told = st.lists(st.sampled_from([*channels, "chat"]), min_size=1, max_size=3, unique=True)
    delays = sorted(draw(st.lists(st.integers(1, 600), max_size=4, unique=True)))
    steps = [
        {"notify": draw(told)},
        *({"after": f"{delay}m", "notify": draw(told)} for delay in delays),
    ]
    return project(*steps, repeat=draw(st.sampled_from([None, "20m", "5d"])), **channels)


@given(policies())
def test_everybody_is_told_once_when_the_policy_says(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, Any]
) -> None:
    steps = written["escalation"]["critical"]
    steps = steps["steps"] if isinstance(steps, dict) else steps

    found = policy(tmp_path_factory.mktemp("policy"), written)

    everybody = sorted(
        (_minutes(step.get("after", "0m")), name) for step in steps for name in step["notify"]
    )
    assert (
        sorted((int(one.after.minutes), c.name) for one in told(found) for c in one.channels)
        == everybody
    )


def _minutes(written: str) -> int:
    return int(written.removesuffix("m"))


@given(policies())
def test_any_policy_gives_what_the_providers_take_and_no_gap(
    tmp_path_factory: pytest.TempPathFactory, written: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    model = fleet(folder, SPEC, yaml.safe_dump(written, sort_keys=False))
    wanted = contents(model, folder / "out")
    alertmanager = next(a for a in wanted[""].artifacts if a.path == "alertmanager.yml")

    texts = {one.path: one.content for folder in wanted.values() for one in folder.artifacts}
    assert list(judged_by_comparison(texts)) == []
    assert (
        gaps(
            model.services[0].service,
            wanted["shop"].artifacts,
            yaml.safe_load(alertmanager.content),
        )
        == []
    )
    assert "on_call" not in alertmanager.content


# -- what each is told -----------------------------------------------------------------------------


def test_pagerduty_waits_after_a_step_as_long_as_the_next_one_comes_later(tmp_path: Path) -> None:
    first, second = (
        channel("pagerduty", "first", schedule="Web"),
        channel("pagerduty", "second", user="a@b.example"),
    )

    document = modules(tmp_path, project(*THREE, repeat="1h", first=first, second=second))[
        "pagerduty"
    ]

    written = document["resource"]["pagerduty_escalation_policy"]["critical"]
    assert [rule["escalation_delay_in_minutes"] for rule in written["rule"]] == [10, 15, 60]
    assert document["data"]["pagerduty_user"]["second"] == {"email": "a@b.example"}


def test_pagerduty_has_a_service_for_each_and_its_key_goes_where_alertmanager_reads_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "till.yaml").write_text(SPEC.replace("service: shop", "service: till"))
    first = channel("pagerduty", "first", schedule="Web")
    fleet(tmp_path, SPEC, yaml.safe_dump(project({"notify": ["first"]}, first=first)))

    found = contents(load_fleet([tmp_path]), tmp_path / "out")[""].artifacts
    document = next(json.loads(a.content) for a in found if a.path == "terraform/pagerduty.tf.json")

    resources = document["resource"]
    assert [one["name"] for one in resources["pagerduty_service"].values()] == [
        "shop (critical)",
        "till (critical)",
        "others (critical)",
    ]
    (router,) = resources["pagerduty_event_orchestration_router"].values()
    assert [rule["condition"][0]["expression"] for rule in router["set"][0]["rule"]] == [
        "event.component matches 'shop'",
        "event.component matches 'till'",
    ]
    (output,) = document["output"].values()
    assert output["sensitive"]
    assert list(output["value"]) == ["/secrets/first"]


@pytest.mark.parametrize(
    ("chosen", "steps", "urgency"),
    [
        ("{page: critical}", 2, "severity_based"),
        ("{ticket: critical}", 1, "severity_based"),
        # A ticket is of low urgency, and that never reaches a second step.
        ("{ticket: critical}", 2, "high"),
    ],
)
def test_at_pagerduty_no_step_is_written_that_cannot_be_reached(
    tmp_path: Path, chosen: str, steps: int, urgency: str
) -> None:
    first = channel("pagerduty", "first", schedule="Web")
    both = ({"notify": ["first"]}, {"after": "5m", "notify": ["first"]})
    written = project(*both[:steps], first=first) | {
        "teams": {"web": {"escalation": yaml.safe_load(chosen)}}
    }

    without_pages = f"{SPEC}tier: 4\n" if "page" not in chosen else SPEC
    services = modules(tmp_path, written, without_pages)["pagerduty"]["resource"][
        "pagerduty_service"
    ]

    assert services["shop_critical"]["incident_urgency_rule"] == [
        {"type": "constant", "urgency": urgency}
    ]


def test_grafana_irm_waits_between_steps_and_begins_again(tmp_path: Path) -> None:
    first, second = (
        channel("grafana_irm", "first", schedule="Web"),
        channel("grafana_irm", "second", user="boss"),
    )

    document = modules(tmp_path, project(*THREE, repeat="1h", first=first, second=second))[
        "grafana"
    ]

    steps = list(document["resource"]["grafana_oncall_escalation"].values())
    assert [step["position"] for step in steps] == list(range(7))
    assert [(step["type"], step.get("duration")) for step in steps] == [
        ("notify_on_call_from_schedule", None),
        ("wait", 600),
        ("notify_persons", None),
        ("wait", 900),
        ("notify_persons", None),
        ("wait", 3600),
        ("repeat_escalation", None),
    ]


def test_opsgenie_and_splunk_count_as_they_do(tmp_path: Path) -> None:
    """Opsgenie from the alert on, a rule for each recipient; Splunk On-Call in seconds from the
    step before."""
    steps = (
        {"notify": ["a", "x"]},
        {"after": "10m", "notify": ["a", "b", "y"]},
        {"after": "25m", "notify": ["b", "x"]},
    )
    channels = {
        "a": channel("opsgenie", "a", schedule="Web"),
        "b": channel("opsgenie", "b", team="Web"),
        "x": channel("victorops", "x", schedule="rtg-1"),
        "y": channel("victorops", "y", user="boss"),
    }

    found = modules(tmp_path, project(*steps, **channels))

    rules = found["opsgenie"]["resource"]["opsgenie_escalation"]["critical"]["rules"]
    assert [(rule["delay"], rule["recipient"][0]["type"]) for rule in rules] == [
        (0, "schedule"),
        (10, "schedule"),
        (10, "team"),
        (25, "team"),
    ]
    taken = found["victorops"]["resource"]["victorops_escalation_policy"]["critical"]["step"]
    assert [step["timeout"] for step in taken] == [0, 600, 900]


def test_the_readme_says_what_to_set_and_where_keys_belong(tmp_path: Path) -> None:
    first = channel("incidentio", "first", schedule="Web")
    found = contents(
        fleet(tmp_path, SPEC, yaml.safe_dump(project({"notify": ["first"]}, first=first))), tmp_path
    )[""]

    readme = next(a.content for a in found.artifacts if a.path == "terraform/README.md")

    assert "incident.io" in readme
    assert "The id of the alert source whose token is in /secrets/first." in readme


def test_without_the_target_nothing_of_it_is_written(tmp_path: Path) -> None:
    found = contents(fleet(tmp_path, SPEC), tmp_path / "out")[""]

    assert not [artifact.path for artifact in found.artifacts if "terraform" in artifact.path]


# -- what cannot be --------------------------------------------------------------------------------

FIRST = "first: {pagerduty: {routing_key_file: /secrets/first, on_call: {schedule: Web}}}"
IMPOSSIBLE = {
    "on call without Terraform": (
        f"channels: {{{FIRST}}}\n",
        (
            "1:75: channels.first.pagerduty.on_call: only the target terraform can tell"
            " PagerDuty of this; add terraform to targets, or leave this out"
        ),
    ),
    "nobody on call": (
        (
            "targets: [terraform]\nchannels: {first: {pagerduty: {routing_key_file: /a, on_call:"
            " {}}}}\n"
        ),
        (
            "2:63: channels.first.pagerduty.on_call: a required option is missing; add"
            " schedule or user"
        ),
    ),
    "a team at PagerDuty": (
        (
            "targets: [terraform]\nchannels: {first: {pagerduty: {routing_key_file: /a, on_call:"
            " {user: a, team: b}}}}\n"
        ),
        (
            "2:79: channels.first.pagerduty.on_call.team: there is no option 'team' here; write one"
            " of schedule, user"
        ),
    ),
    "seconds at PagerDuty": (
        (
            f"targets: [terraform]\nchannels: {{{FIRST}}}\n"
            "escalation: {x: [{notify: [first]}, {after: 90s, notify: [first]}]}\n"
        ),
        (
            "3:45: escalation.x[1].after: PagerDuty can't wait for 1m30s after the step before;"
            " write a delay in whole minutes, 1m or more"
        ),
    ),
    "less than the shortest delay": (
        (
            "targets: [terraform]\nalertmanager: {version: '0.28'}\n"
            "channels: {first: {grafana_irm: {url_file: /a, on_call: {user: a}}}}\n"
            "escalation: {x: [{notify: [first]}, {after: 30s, notify: [first]}]}\n"
        ),
        (
            "4:45: escalation.x[1].after: Grafana IRM can't wait for 30s after the step before;"
            " write a delay in whole minutes, 1m or more"
        ),
    ),
    "more than the longest delay": (
        (
            "targets: [terraform]\nchannels: {first: {opsgenie: {api_key_file: /a, on_call: {user:"
            " a}}}}\nescalation: {x: [{notify: [first]}, {after: 13h, notify: [first]}, {after:"
            " 25h, notify: [first]}]}\n"
        ),
        (
            "3:76: escalation.x[2].after: Opsgenie waits at most 1d, but this step comes 1d1h"
            " after the first; write a shorter delay"
        ),
    ),
    "hours at a provider": (
        (
            f"targets: [terraform]\nchannels: {{{FIRST}}}\n"
            "hours: {o: {days: monday, from: '09:00', to: '18:00'}}\n"
            "escalation: {x: [{notify: [first]}, {after: 5m, notify: [first], during: o}]}\n"
        ),
        (
            "4:74: escalation.x[1].during: PagerDuty can't limit a step to hours; leave it out,"
            " and set the hours in the schedule in PagerDuty"
        ),
    ),
    "one way in for two policies": (
        (
            f"targets: [terraform]\nchannels: {{{FIRST}}}\n"
            "escalation: {x: [{notify: [first]}], y: [{notify: [first]}]}\n"
        ),
        (
            "3:41: escalation.y: first already starts the policy x in PagerDuty; start this"
            " policy with another channel"
        ),
    ),
    "a service key": (
        (
            "targets: [terraform]\nchannels: {first: {pagerduty: {service_key_file: /a, on_call:"
            " {user: a@b.example}}}}\nescalation: {x: [{notify: [first]}]}\n"
        ),
        (
            "2:31: channels.first.pagerduty: PagerDuty's event orchestration needs a routing key"
            " instead of a service key; write routing_key_file"
        ),
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_a_provider_cannot_do_is_told_at_its_place(tmp_path: Path, name: str) -> None:
    written, said = IMPOSSIBLE[name]

    assert refused(tmp_path, SPEC.replace("team: web\n", ""), written) == [f"opsgen.yaml:{said}"]


def test_eleven_people_in_a_step_are_too_many_for_pagerduty(tmp_path: Path) -> None:
    channels = {f"c{number}": channel("pagerduty", "c", schedule="Web") for number in range(11)}

    (said,) = refused(
        tmp_path, SPEC, yaml.safe_dump(project({"notify": list(channels)}, **channels))
    )

    assert "PagerDuty tells at most 10 in one step" in said


# -- the judges ------------------------------------------------------------------------------------


def everything(folder: Path) -> dict[str, Document]:
    """One policy that every provider takes a part of."""
    channels = {kind.replace("_", "-"): channel(kind, kind, schedule="Web") for kind in _CHANNELS}
    names = list(channels)
    written = project({"notify": names}, {"after": "10m", "notify": names}, **channels)
    return modules(folder, written)


def test_every_resource_of_the_table_is_written_by_some_policy(tmp_path: Path) -> None:
    found = everything(tmp_path)

    assert {kind for document in found.values() for kind in document.get("resource", {})} == set(
        RESOURCES
    )


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"].pop("name"),
            "critical.name: it is required",
        ),
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"].update(num_loops=10),
            "10 is more than 9",
        ),
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"].update(num_loops="2"),
            "'2' is no int",
        ),
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"].update(name="a & b"),
            "is not of the form",
        ),
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"].update(colour="red"),
            "there is no such argument",
        ),
        (lambda r: r["pagerduty_escalation_policy"]["critical"].update(rule=[]), "rule: 0 of them"),
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"].update(rule={}),
            "rule: this is no list",
        ),
        (
            lambda r: r["pagerduty_service"].pop("shop_critical"),
            "shop_critical: nothing declares it",
        ),
        (lambda r: r.update(pagerduty_schedule={"a": {}}), "pagerduty_schedule.a: an unknown type"),
        (
            lambda r: r["pagerduty_event_orchestration"].update({"7 up": {"name": "a"}}),
            "no name of a resource",
        ),
        (
            lambda r: r["pagerduty_escalation_policy"]["critical"]["rule"][0]["target"][0].update(
                type="team"
            ),
            "'team' is none of user_reference, schedule_reference",
        ),
    ],
)
def test_the_table_finds_what_a_provider_would_refuse(
    tmp_path: Path, damage: Callable[[Document], object], said: str
) -> None:
    document = copy.deepcopy(everything(tmp_path)["pagerduty"])
    assert faults(document) == []

    damage(document["resource"])

    assert [fault for fault in faults(document) if said in fault]


def test_terraform_reads_the_module(tmp_path: Path) -> None:
    """Terraform's own parser; and its validation, where the providers can be fetched."""
    terraform = shutil.which("terraform") or shutil.which("tofu")
    if terraform is None:
        pytest.skip("neither terraform nor tofu is on the path")
    folder = tmp_path / "module"
    folder.mkdir()
    for name, document in everything(tmp_path).items():
        (folder / f"{name}.tf.json").write_text(json.dumps(document))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [terraform, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    needed = run("providers", "-no-color")
    assert needed.returncode == 0, needed.stderr
    assert all(
        name in needed.stdout
        for name in ("pagerduty", "opsgenie", "grafana", "incident", "victorops")
    )
    ready = run("init", "-backend=false", "-input=false", "-no-color")
    if ready.returncode:
        pytest.skip("the providers cannot be fetched here, so that terraform validate cannot judge")
    judged = run("validate", "-no-color")
    assert judged.returncode == 0, judged.stdout + judged.stderr
