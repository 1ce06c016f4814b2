"""Claims about packs of one's own, for every kind of thing: one file gives rules, panel, runbook
section, route and proof, and a spec tunes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from opsgen.alertmanager.routing import is_inhibited
from opsgen.cli.main import main
from opsgen.fleet.load import ServiceModel
from opsgen.model.signal import Alert
from opsgen.promql import one_line
from tests.specs import derived, file_texts, refused

DATABASE = """\
pack: pgbouncer
for: dependency
title: A PgBouncer
source: pgbouncer_exporter
explained_by: []
settings:
  wait: {type: duration, default: 5s, source: ours, description: How long is too long.}
  clients: {type: number, description: How many are too many.}
signals:
  - name: pgbouncer-wait
    group: dependencies
    title: "Wait: {name}"
    description: How long clients wait.
    unit: seconds
    query: max(pgbouncer_pools_client_maxwait_seconds)
    panel: {legend: "{name}"}
    alerts:
      - &alert
        name: PgbouncerWaitLong
        above: wait
        for: 5m
        summary: "{name} makes {service} wait."
        description: "{value} is more than {threshold}."
        meaning: Clients wait.
        impact: Requests are slow.
        diagnosis: [{text: Which pool?, query: max by (database) (pgbouncer_pools_client_maxwait_seconds)}]
        causes: [A long query.]
        mitigation: [End it.]
  - name: pgbouncer-clients
    group: dependencies
    title: "Clients: {name}"
    description: How many clients wait.
    unit: clients
    query: sum(pgbouncer_pools_client_waiting_connections)
    requires: clients
    panel: {legend: "{name}"}
    alerts:
      - name: PgbouncerClientsMany
        above: clients
        summary: "{name} has many clients."
        description: "{value} is more than {threshold}."
        meaning: Clients wait.
        impact: Requests are slow.
        diagnosis: [{text: Look at it.}]
        causes: [A long query.]
        mitigation: [End it.]
"""
SERVICE = """\
pack: queue
for: service
title: A queue
source: ours
explained_by: [targets]
settings:
  length: {type: number, default: 100, source: ours, description: Messages that are too many.}
signals:
  - name: queue
    group: saturation
    title: Messages
    description: Messages that wait.
    unit: messages
    query: sum(queue_messages)
    alerts:
      - name: QueueLong
        above: length
        for: 10m
        severity: page
        summary: "{service} has a queue."
        description: "{value} are more than {threshold}."
        meaning: Work waits.
        impact: It is late.
        diagnosis: [{text: Which one?, query: sum by (queue) (queue_messages)}]
        causes: [Load.]
        mitigation: [Scale.]
"""
LEAST = "service: shop\nteam: web\nconvention: grpc\n"
PROJECT = "templates: ../templates\n"
_DEPENDENCIES = (
    "dependencies:\n"
    "  - {pgbouncer: orders, match: {job: pgbouncer}, wait: 2s, clients: 30}\n"
    "  - {pgbouncer: users, match: {job: pgbouncer-users}}\n"
)


def _specs(folder: Path, *packs: str) -> Path:
    """The folder of the specs, beside one of templates with these packs."""
    own = folder / "templates" / "packs"
    own.mkdir(parents=True)
    for number, pack in enumerate(packs):
        (own / f"own-{number}.yaml").write_text(pack)
    return folder / "specs"


def _alert(model: ServiceModel, name: str, signal: str | None = None) -> Alert:
    (found,) = (
        alert
        for alert in model.derived.alerts
        if alert.name == name and signal in (None, alert.signal)
    )
    return found


def _check(folder: Path, spec: str) -> tuple[int, str]:
    """What `opsgen check` says of what was built."""
    folder.mkdir(parents=True)
    (folder / "opsgen.yaml").write_text(PROJECT)
    (folder / "shop.yaml").write_text(spec)
    runner = CliRunner()
    built = runner.invoke(main, ["build", str(folder)])
    assert built.exit_code == 0, built.output
    result = runner.invoke(main, ["check", str(folder)])
    return result.exit_code, result.output


# -- dependencies ----------------------------------------------------------------------------------


def test_each_dependency_has_the_signals_of_its_kinds_pack(tmp_path: Path) -> None:
    model = derived(_specs(tmp_path, DATABASE), LEAST + _DEPENDENCIES, PROJECT)

    orders = _alert(model, "PgbouncerWaitLong", "pgbouncer-wait-orders")
    users = _alert(model, "PgbouncerWaitLong", "pgbouncer-wait-users")
    series = "max(pgbouncer_pools_client_maxwait_seconds"
    assert one_line(orders.expr) == f'{series}{{job="pgbouncer"}}) > 2'
    assert one_line(users.expr) == f'{series}{{job="pgbouncer-users"}}) > 5'
    assert orders.summary == "orders makes shop wait."


def test_what_a_dependency_does_not_ask_for_is_left_out(tmp_path: Path) -> None:
    model = derived(_specs(tmp_path, DATABASE), LEAST + _DEPENDENCIES, PROJECT)

    signals = [signal.name for signal in model.derived.signals if signal.group == "dependencies"]
    assert signals == ["pgbouncer-wait-orders", "pgbouncer-clients-orders", "pgbouncer-wait-users"]


def test_a_dependency_pack_of_ones_own_passes_check(
    tmp_path: Path, promtool: Path, amtool: Path
) -> None:
    code, said = _check(_specs(tmp_path, DATABASE), LEAST + _DEPENDENCIES)

    assert code == 0, said
    assert "each with panel, runbook section, route and proof" in said


def test_a_dependency_with_a_pack_is_no_longer_reported_as_not_generated(tmp_path: Path) -> None:
    specs = _specs(tmp_path, DATABASE)
    model = derived(specs, LEAST + _DEPENDENCIES, PROJECT)
    other = derived(specs, f"{LEAST}{_DEPENDENCIES}  - {{redis: sessions}}\n", PROJECT)

    assert model.service.not_yet == ()
    assert other.service.not_yet == ("dependencies",)


DEPENDENCY_MISTAKES = {
    "{pgbouncer: orders}": (
        "5:5: dependencies[0]: opsgen can't tell which series belong to it; write match: with"
        " the labels of the pgbouncer's own scrape"
    ),
    "{pgbuncer: orders}": (
        "5:6: dependencies[0].pgbuncer: there is no kind of dependency 'pgbuncer'; did you mean"
        " 'pgbouncer'?"
    ),
    "{pgbouncer: orders, match: {job: a}, wiat: 2s}": (
        "5:42: dependencies[0].wiat: the pack pgbouncer has no setting 'wiat'; did you mean 'wait'?"
    ),
    "{pgbouncer: orders, match: {job: a}, wait: 2}": (
        "5:48: dependencies[0].wait: 2 has no unit; write 2ms, 2s or 2m"
    ),
}


@pytest.mark.parametrize("dependency", DEPENDENCY_MISTAKES)
def test_a_mistake_in_a_dependency_is_told_at_its_place(tmp_path: Path, dependency: str) -> None:
    spec = f"{LEAST}dependencies:\n  - {dependency}\n"

    said = refused(_specs(tmp_path, DATABASE), spec, PROJECT)

    assert said == [f"service.yaml:{DEPENDENCY_MISTAKES[dependency]}"]


def test_settings_of_a_dependency_are_its_own(tmp_path: Path) -> None:
    spec = f"{LEAST}settings: {{pgbouncer: {{wait: 2s}}}}\n"

    assert refused(_specs(tmp_path, DATABASE), spec, PROJECT) == [
        "service.yaml:4:12: settings.pgbouncer: each dependency has its own settings of the pack"
        " pgbouncer; write them beside its match, under dependencies"
    ]


def test_a_dependency_whose_signal_has_the_name_of_another_is_told_at_its_line(
    tmp_path: Path,
) -> None:
    other = SERVICE.replace("name: queue\n", "name: pgbouncer-wait-orders\n")
    specs = _specs(tmp_path, DATABASE, other)

    assert refused(specs, LEAST + _DEPENDENCIES, PROJECT) == [
        "service.yaml:5:5: pgbouncer-wait-orders: another signal or panel of the service is named"
        " pgbouncer-wait-orders; give this one another name"
    ]


# -- services --------------------------------------------------------------------------------------


def test_a_pack_for_services_is_of_every_service(tmp_path: Path) -> None:
    alert = _alert(derived(_specs(tmp_path, SERVICE), LEAST, PROJECT), "QueueLong")

    # Its page is silent after the one that explains it.
    assert one_line(alert.expr).startswith('sum(queue_messages{job="shop"}) > 100 unless on () ')
    assert alert.thresholds[0].words == "100 messages"


def test_a_spec_tunes_the_setting_of_a_pack(tmp_path: Path) -> None:
    spec = f"{LEAST}settings: {{queue: {{length: 500}}, targets: {{down: 30%}}}}\n"
    model = derived(_specs(tmp_path, SERVICE), spec, PROJECT)

    assert one_line(_alert(model, "QueueLong").expr).partition(" unless ")[0].endswith("> 500")
    assert one_line(_alert(model, "TargetDown").expr).endswith("> 0.3")


def test_an_environment_tunes_it_otherwise(tmp_path: Path) -> None:
    spec = (
        f"{LEAST}settings: {{queue: {{length: 500}}}}\n"
        "environments: {production: {settings: {queue: {length: 600}}}}\n"
    )
    model = derived(_specs(tmp_path, SERVICE), spec, PROJECT)

    assert one_line(_alert(model, "QueueLong").expr).partition(" unless ")[0].endswith("> 600")
    assert model.service.origins["settings.queue.length"].endswith("service.yaml:5")


def test_explain_says_every_setting_of_a_pack_and_where_it_is_from(tmp_path: Path) -> None:
    specs = _specs(tmp_path, SERVICE, DATABASE)
    specs.mkdir()
    (specs / "opsgen.yaml").write_text(PROJECT)
    (specs / "shop.yaml").write_text(
        f"{LEAST}settings: {{targets: {{down: 30%}}}}\n{_DEPENDENCIES}"
    )

    result = CliRunner().invoke(main, ["explain", str(specs / "shop.yaml"), "--format", "json"])

    said = {value["path"]: value for value in yaml.safe_load(result.stdout)[0]["values"]}
    assert said["settings.targets.down"]["value"] == "30%"
    assert said["settings.targets.down"]["origin"].endswith("shop.yaml:4")
    assert said["settings.queue.length"]["origin"] == "default: ours"
    assert said["dependencies[0].wait"]["value"] == "2s"
    assert said["dependencies[1].wait"]["origin"] == "default: ours"
    assert said["dependencies[1].clients"] == {
        "path": "dependencies[1].clients",
        "value": "none",
        "origin": "not asked for",
    }


def test_what_a_pack_says_explains_its_alert_silences_it(tmp_path: Path) -> None:
    built = file_texts(_specs(tmp_path, SERVICE), LEAST, PROJECT)
    config: dict[str, Any] = yaml.safe_load(built["alertmanager.yml"])
    common = {"service": "shop", "environment": "production", "severity": "page"}
    absent = {**common, "alertname": "TargetsAbsent", "signal": "targets"}
    queue = {**common, "alertname": "QueueLong", "signal": "queue"}

    assert is_inhibited(config, queue, [absent])
    assert not is_inhibited(config, absent, [queue])


def test_what_nothing_explains_is_told_also_while_a_dependency_is_down(tmp_path: Path) -> None:
    specs = _specs(tmp_path, SERVICE)
    built = file_texts(specs, f"{LEAST}dependencies: [{{service: till}}]\n", PROJECT)
    config = yaml.safe_load(built["alertmanager.yml"])
    common = {"environment": "production", "severity": "page"}
    down = {**common, "service": "till", "alertname": "TargetsAbsent", "signal": "targets"}
    ours = {**common, "service": "shop"}

    assert not is_inhibited(config, {**ours, "alertname": "QueueLong", "signal": "queue"}, [down])
    assert is_inhibited(config, {**ours, "alertname": "ErrorBudgetBurn", "signal": "a"}, [down])


def test_signals_of_a_group_are_read_by_the_names_of_their_packs(tmp_path: Path) -> None:
    first = SERVICE.replace("pack: queue", "pack: a").replace("name: queue", "name: first")
    last = SERVICE.replace("pack: queue", "pack: z").replace("name: queue", "name: last")
    model = derived(_specs(tmp_path, last, SERVICE, first), LEAST, PROJECT)

    own = {"first", "queue", "last"}
    signals = [signal.name for signal in model.derived.signals if signal.name in own]
    assert signals == ["first", "queue", "last"]


def test_two_severities_of_one_alert_that_a_tier_makes_one_are_a_mistake_of_the_pack(
    tmp_path: Path,
) -> None:
    alert = SERVICE[SERVICE.index("      - name: QueueLong") :]
    ticket = alert.replace("severity: page", "severity: ticket").replace(
        "above: length", "above: 9"
    )
    specs = _specs(tmp_path, SERVICE + ticket)

    alerts = [one for one in derived(specs, LEAST, PROJECT).derived.alerts if one.signal == "queue"]
    assert [alert.severity for alert in alerts] == ["page", "ticket"]
    assert refused(specs, f"{LEAST}tier: 3\n", PROJECT) == [
        "service.yaml:1:1: QueueLong: at tier 3 there are two alerts QueueLong of severity ticket on"
        " queue; rename one of them in its pack"
    ]


# -- runtimes and processes ------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["runtime", "process"])
def test_a_pack_for_a_runtime_or_a_process_is_of_those_that_name_it(
    tmp_path: Path, key: str
) -> None:
    specs = _specs(tmp_path, SERVICE.replace("for: service", f"for: {key}"))

    named = derived(specs, f"{LEAST}{key}: queue\n", PROJECT)
    other = derived(specs, LEAST, PROJECT)

    assert "QueueLong" in {alert.name for alert in named.derived.alerts}
    assert "QueueLong" not in {alert.name for alert in other.derived.alerts}


def test_settings_of_a_pack_that_the_service_does_not_use_are_refused(tmp_path: Path) -> None:
    specs = _specs(tmp_path, SERVICE.replace("for: service", "for: process"))

    assert refused(specs, f"{LEAST}settings: {{queue: {{length: 1}}}}\n", PROJECT) == [
        "service.yaml:4:12: settings.queue: the service does not use the pack queue; leave it out"
    ]


# -- each ------------------------------------------------------------------------------------------


def test_each_entry_makes_a_signal_of_its_values(tmp_path: Path) -> None:
    pack = (
        SERVICE.replace(
            "  - name: queue\n",
            "  - each: {small: {size: 0.5, least: 3}, large: {size: 2, least: 7}}\n"
            "    name: queue-{item}\n",
        )
        .replace("name: QueueLong", "name: Queue{least}Long")
        .replace("query: sum(queue_messages)", "query: sum(queue_messages) * {size}")
        .replace("for: 10m", 'guard: {count: "sum(increase(done[5m]))", at_least: "{least}"}')
    )
    model = derived(_specs(tmp_path, pack), LEAST, PROJECT)

    exprs = [one_line(_alert(model, f"Queue{least}Long").expr) for least in (3, 7)]
    assert [expr.partition(" unless ")[0] for expr in exprs] == [
        f'(sum(queue_messages{{job="shop"}}) * {size} > 100'
        f' and sum(increase(done{{job="shop"}}[5m])) >= {least})'
        for size, least in (("0.5", 3), ("2", 7))
    ]
