"""Claims about the packs of one's own: what is wrong in one is told at its line when it is loaded,
by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from opsgen.cli.main import main
from opsgen.load.dependency_spec import DependencySpec
from opsgen.load.library import load_library

# Everything that a pack can refer to: settings of both kinds, blanks, queries, explanations.
PACK = """\
pack: queue
for: service
title: A queue
source: ours
needs: [latency]
explained_by: [targets]
settings:
  length:
    type: number
    default: 100
    source: ours
    description: Messages that are too many.
    more_than: 0
  hold: {type: duration, description: How long.}
signals:
  - name: queue
    group: saturation
    title: Messages
    description: Messages that wait.
    unit: messages
    query: sum(queue_messages)
    panel:
      legend: waiting
      lines: [{query: sum(queue_messages), legend: waiting}]
    alerts:
      - name: QueueLong
        above: length
        for: latency.for
        requires: latency.p99
        guard: {count: "sum(increase(queue_messages[5m]))", at_least: one-in-threshold}
        summary: "{service} has a queue."
        description: "{value} are more than {threshold}."
        meaning: Work waits.
        impact: It is late.
        diagnosis:
          - text: Which one?
            query: sum by (queue) (queue_messages)
        causes: [Load.]
        mitigation: [Scale.]
"""
SPEC = "service: shop\nteam: web\nconvention: grpc\nslos: [{availability: 99%}]\n"


def _build(folder: Path, packs: dict[str, str]) -> tuple[int, list[str]]:
    """The exit code of a build with these files of packs, and what is said, with files named from
    their folder."""
    own = folder / "templates" / "packs"
    own.mkdir(parents=True)
    for name, text in packs.items():
        (own / name).write_text(text)
    (folder / "opsgen.yaml").write_text("templates: templates\n")
    (folder / "shop.yaml").write_text(SPEC)

    result = CliRunner().invoke(main, ["build", str(folder / "shop.yaml")])

    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = [line.replace(f"{own}/", "") for line in result.stderr.splitlines()]
    return result.exit_code, [line for line in lines if ".yaml:" in line and "warning" not in line]


def _refused(folder: Path, pack: str) -> list[str]:
    code, said = _build(folder, {"queue.yaml": pack})
    assert code == 2
    return said


def test_a_pack_of_a_new_name_is_taken(tmp_path: Path) -> None:
    assert _build(tmp_path, {"queue.yaml": PACK}) == (0, [])


_PATH = "signals[0].alerts[0]"
_SETTINGS = "the settings are"
MISTAKES = {
    "a threshold of no setting": (
        ("above: length", "above: lenght"),
        f"queue.yaml:27:16: {_PATH}.above: there is no setting 'lenght'; did you mean 'length'?",
    ),
    "a threshold of no setting of the table": (
        ("above: length", "above: latency.p59"),
        f"queue.yaml:27:16: {_PATH}.above: there is no setting 'latency.p59';"
        " did you mean 'latency.p99'?",
    ),
    "a duration of no setting": (
        ("for: latency.for", "for: latency.fro"),
        f"queue.yaml:28:14: {_PATH}.for: there is no setting 'latency.fro';"
        " did you mean 'latency.for'?",
    ),
    "a duration that is none": (
        ("for: latency.for", "for: 5 minutes"),
        f"queue.yaml:28:14: {_PATH}.for: '5 minutes' is not a valid duration; write a number and"
        " a unit, largest unit first: 30s, 5m, 1h30m, 30d",
    ),
    "a duration of a setting that is none": (
        ("for: latency.for", "for: length"),
        f"queue.yaml:28:14: {_PATH}.for: length is a number; name a duration",
    ),
    "a setting that may have no value": (
        ("for: latency.for", "for: hold"),
        f"queue.yaml:28:14: {_PATH}.for: hold may be without a value; write requires: hold beside it",
    ),
    "a setting of a part that is not needed": (
        ("for: latency.for", "for: errors.for"),
        f"queue.yaml:28:14: {_PATH}.for: errors.for may be without a value; write requires:"
        " errors.for beside it",
    ),
    "a requirement of no setting": (
        ("requires: latency.p99", "requires: latency.p59"),
        f"queue.yaml:29:19: {_PATH}.requires: there is no setting 'latency.p59';"
        " did you mean 'latency.p99'?",
    ),
    "a range of no setting": (
        ("group: saturation", "group: saturation\n    range: widow"),
        f"queue.yaml:18:12: signals[0].range: there is no setting 'widow'; {_SETTINGS} errors.above,"
        " errors.for, hold, latency.for, latency.p50, latency.p95, latency.p99, length",
    ),
    "a threshold in another unit": (
        ("above: length", "above: latency.p99"),
        f"queue.yaml:27:16: {_PATH}.above: latency.p99 is a duration, and the signal is measured in"
        " messages; write unit: seconds for the signal, or name another setting",
    ),
    "a blank that there is not": (
        ("{threshold}", "{treshold}"),
        f"queue.yaml:32:22: {_PATH}.description: there is no blank {{treshold}};"
        " did you mean 'threshold'?",
    ),
    "a blank of a probe": (
        ("Work waits.", "'{url_shell} waits.'"),
        f"queue.yaml:33:18: {_PATH}.meaning: opsgen does not fill {{url_shell}} here; the blanks that it fills are"
        " environment, events, events_window, hold, service, signal, team, threshold, tier,"
        " title, value",
    ),
    "a blank in a legend": (
        ("legend: waiting\n", 'legend: "{value}"\n'),
        "queue.yaml:23:15: signals[0].panel.legend: opsgen does not fill {value} here; the blanks that it fills are"
        " environment, service, signal, team, tier, title",
    ),
    "a query that is no PromQL": (
        ("query: sum(queue_messages)\n    panel", "query: sum((queue_messages)\n    panel"),
        "queue.yaml:21:12: signals[0].query: this is not valid PromQL: unclosed left"
        " parenthesis; try it in Prometheus' own query page",
    ),
    "a query of a diagnosis that is no PromQL": (
        ("sum by (queue) (queue_messages)", "sum by queue (queue_messages)"),
        f"queue.yaml:37:20: {_PATH}.diagnosis[0].query: this is not valid PromQL: invalid promql"
        " query; try it in Prometheus' own query page",
    ),
    "a metric of a part that is not needed": (
        ("query: sum(queue_messages)\n    panel", "query: sum(rate(errors[5m]))\n    panel"),
        "queue.yaml:21:12: signals[0].query: errors comes from the convention, and a service may"
        " have none; write needs: [errors] for the whole pack",
    ),
    "a unit that is nearly one": (
        ("unit: messages", "unit: second"),
        "queue.yaml:20:11: signals[0].unit: 'second' is similar to a unit that opsgen knows; did"
        " you mean 'seconds'?",
    ),
    "a unit without words": (
        ("unit: messages", 'unit: ""'),
        "queue.yaml:20:5: signals[0].unit: the unit is empty; write one, or count for a plain number",
    ),
    "a part that no convention has": (
        ("needs: [latency]", "needs: [latncy]"),
        "queue.yaml:5:9: needs[0]: 'latncy' is not allowed here; did you mean 'latency'? write one"
        " of requests, errors, latency",
    ),
    "a purpose that there is not": (
        ("for: service", "for: services"),
        "queue.yaml:2:6: for: 'services' is not allowed here; did you mean 'service'? write one of"
        " service, probe, dependency, runtime, process",
    ),
    "a default of another type": (
        ("default: 100", "default: 5m"),
        "queue.yaml:10:14: settings.length.default: '5m' is not a number; write a plain decimal"
        " number: 0.5",
    ),
    "a default beyond its limits": (
        ("default: 100", "default: 0"),
        "queue.yaml:10:14: settings.length.default: 0 is too small; write more than 0",
    ),
    "a default without a source": (
        ("    default: 100\n    source: ours\n", "    default: 100\n"),
        "queue.yaml:9:5: settings.length: the default needs a source; write source: and where"
        " the default was taken from",
    ),
    "a guard of a threshold that may be zero": (
        ("    more_than: 0\n", ""),
        f"queue.yaml:29:71: {_PATH}.guard.at_least: no number of events is enough where length is"
        " 0; write a number, or more_than: 0 for the setting",
    ),
    "a guard of a condition": (
        (
            "above: length\n        for: latency.for\n",
            "when: sum(queue_messages) > 1\n        for: latency.for\n",
        ),
        f"queue.yaml:30:71: {_PATH}.guard.at_least: an alert with `when` has no threshold; write a"
        " number",
    ),
    "an explanation that there is not": (
        ("explained_by: [targets]", "explained_by: [target]"),
        "queue.yaml:6:16: explained_by[0]: no page of a signal 'target' explains anything;"
        " did you mean 'targets'?",
    ),
    "nothing that explains": (
        ("explained_by: [targets]\n", ""),
        "queue.yaml:15:5: signals[0]: it does not say what explains its alerts; write"
        " explained_by: [targets] here or for the whole pack, or [] for nothing",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_pack_is_told_at_its_line(tmp_path: Path, name: str) -> None:
    (right, wrong), said = MISTAKES[name]
    assert right in PACK

    found = _refused(tmp_path, PACK.replace(right, wrong, 1))

    assert said in found
    # What a threshold stands for is also missed where it is said.
    assert {line.partition(":")[0] for line in found} == {"queue.yaml"}


def test_all_mistakes_of_all_packs_are_told_at_once(tmp_path: Path) -> None:
    first = PACK.replace("above: length", "above: lenght").replace("{value}", "{valeu}")
    second = PACK.replace("pack: queue", "pack: other").replace("for: service", "for: nothing")

    code, said = _build(tmp_path, {"a.yaml": first, "b.yaml": second})

    assert code == 2
    assert [line.split(":")[:2] for line in said] == [
        ["a.yaml", "27"],
        ["a.yaml", "32"],
        ["b.yaml", "2"],
    ]


def test_two_packs_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    code, said = _build(tmp_path, {"a.yaml": PACK, "b.yaml": PACK})

    assert code == 2
    (line,) = said
    assert line.startswith("b.yaml:1:7: pack: the pack 'queue' is already in ")


def test_a_pack_that_takes_a_shipped_ones_place_is_for_the_same(tmp_path: Path) -> None:
    assert _refused(tmp_path, PACK.replace("pack: queue", "pack: probe")) == [
        "queue.yaml:2:6: for: this replaces the pack 'probe', which is for probe; write for:"
        " probe, or give the pack another name"
    ]


def test_a_signal_of_a_dependency_has_the_kind_in_its_name(tmp_path: Path) -> None:
    pack = PACK.replace("for: service", "for: dependency").replace(
        "name: queue\n", "name: length\n"
    )

    assert (
        "queue.yaml:16:11: signals[0].name: another kind may have a signal of this name; begin"
        " the name with the dependency's kind: queue-length" in _refused(tmp_path, pack)
    )


def test_a_setting_of_a_dependency_is_no_key_that_it_has(tmp_path: Path) -> None:
    pack = PACK.replace("for: service", "for: dependency").replace("  hold:", "  match:")

    assert any(
        "settings.match: match is already a key of every dependency" in line
        for line in _refused(tmp_path, pack)
    )


# -- names -----------------------------------------------------------------------------------------


def _second(name: str = "queue", alert: str = "QueueOther", severity: str = "ticket") -> str:
    """The pack with another signal of this name and alert."""
    signal = PACK[PACK.index("  - name: queue\n") :]
    other = signal.replace("name: queue\n", f"name: {name}\n")
    named = f"name: {alert}\n        severity: {severity}\n"
    return PACK + other.replace("name: QueueLong\n", named)


@pytest.mark.parametrize("severity", ["page", "ticket"])
@pytest.mark.parametrize("alert", ["QueueOther", "QueueLong"])
def test_two_signals_of_a_pack_have_two_names(tmp_path: Path, alert: str, severity: str) -> None:
    assert _refused(tmp_path, _second(alert=alert, severity=severity)) == [
        "queue.yaml:40:11: signals[1].name: the pack already has a signal named queue; give this one"
        " another name"
    ]


def test_two_alerts_of_a_signal_have_two_names_or_severities(tmp_path: Path) -> None:
    alert = PACK[PACK.index("      - name: QueueLong\n") :]

    assert _refused(tmp_path, PACK + alert) == [
        "queue.yaml:40:15: signals[0].alerts[1].name: the signal already has an alert QueueLong of"
        " severity ticket; give this one another name or severity"
    ]


@pytest.mark.parametrize("alert", ["ErrorRatioHigh", "QueueLong"])
@pytest.mark.parametrize("purpose", ["service", "runtime", "process", "probe"])
@pytest.mark.parametrize(
    ("name", "shipped"), [("errors", "requests"), ("targets", "targets"), ("probe", "probe")]
)
def test_a_signal_has_no_name_of_another_packs(
    tmp_path: Path, name: str, shipped: str, purpose: str, alert: str
) -> None:
    pack = PACK.replace("name: queue\n", f"name: {name}\n").replace("QueueLong", alert)
    settings = {"length": "length", "latency.for": "5m", "latency.p99": "length"}
    for written, own in settings.items() if purpose == "probe" else ():
        pack = pack.replace(f": {written}\n", f": {own}\n")

    assert _refused(tmp_path, pack.replace("for: service", f"for: {purpose}")) == [
        f"queue.yaml:16:11: signals[0].name: the pack '{shipped}' already has a signal named"
        f" {name}; give this one another name"
    ]


def test_a_pack_that_replaces_a_shipped_one_has_the_clash(tmp_path: Path) -> None:
    pack = PACK.replace("pack: queue", "pack: latency").replace("name: queue\n", "name: errors\n")

    assert _refused(tmp_path, pack) == [
        "queue.yaml:16:11: signals[0].name: the pack 'requests' already has a signal named errors;"
        " give this one another name"
    ]


def test_two_packs_of_ones_own_have_signals_of_two_names(tmp_path: Path) -> None:
    code, said = _build(
        tmp_path, {"a.yaml": PACK, "b.yaml": PACK.replace("pack: queue", "pack: other")}
    )

    assert code == 2
    assert said == [
        "b.yaml:16:11: signals[0].name: the pack 'queue' already has a signal named queue; give"
        " this one another name"
    ]


@pytest.mark.parametrize("purpose", ["runtime", "process"])
def test_packs_of_which_a_service_uses_one_may_have_signals_of_one_name(
    tmp_path: Path, purpose: str
) -> None:
    pack = PACK.replace("for: service", f"for: {purpose}")

    code, said = _build(
        tmp_path, {"a.yaml": pack, "b.yaml": pack.replace("pack: queue", "pack: other")}
    )

    assert (code, said) == (0, [])


def test_a_signals_name_is_not_like_that_of_an_objective(tmp_path: Path) -> None:
    pack = PACK.replace("name: queue\n", "name: slo-availability\n")

    assert _refused(tmp_path, pack) == [
        "queue.yaml:16:11: signals[0].name: the signals of SLOs have names that begin with slo-;"
        " give this one another name"
    ]


TAKEN = {
    "match": "is already a key of every dependency",
    "objective": "is already a key of every dependency",
    "service": "is already a kind of dependency",
    "slo": "can't be a kind: the signals of SLOs have names that begin with slo-",
}


def _of_dependency(kind: str) -> str:
    """The pack for dependencies of this kind."""
    pack = PACK.replace("for: service", "for: dependency").replace("pack: queue", f"pack: {kind}")
    pack = pack.replace("needs: [latency]\n", "").replace("name: queue\n", f"name: {kind}-length\n")
    return pack.replace("latency.for", "5m").replace("latency.p99", "length")


def test_every_key_of_a_dependency_is_taken() -> None:
    assert set(DependencySpec.model_fields) <= set(TAKEN)


@pytest.mark.parametrize("kind", TAKEN)
def test_a_kind_of_dependency_has_no_name_that_is_taken(tmp_path: Path, kind: str) -> None:
    said = _refused(tmp_path, _of_dependency(kind))

    assert said[0] == f"queue.yaml:1:7: pack: {kind} {TAKEN[kind]}; give the pack another name"


def test_a_pack_for_anything_else_may_have_the_name_of_a_dependencys_key(tmp_path: Path) -> None:
    assert _build(tmp_path, {"a.yaml": PACK.replace("pack: queue", "pack: match")}) == (0, [])


@pytest.mark.parametrize("name", ["match", "queue", "service", "redis"])
def test_a_setting_of_a_dependency_has_no_name_that_is_taken(tmp_path: Path, name: str) -> None:
    (said,) = _refused(tmp_path, _of_dependency("queue").replace("  hold:", f"  {name}:"))

    where = f"queue.yaml:13:{5 + len(name)}: settings.{name}"
    assert said.startswith(f"{where}: {name} is already a ")
    assert said.endswith("; give the setting another name")


def test_a_setting_of_a_dependency_is_no_other_kind(tmp_path: Path) -> None:
    other = _of_dependency("other").replace("  hold:", "  queue:")

    code, said = _build(tmp_path, {"a.yaml": _of_dependency("queue"), "b.yaml": other})

    assert code == 2
    assert said == [
        "b.yaml:13:10: settings.queue: queue is already a kind of dependency; give the setting"
        " another name"
    ]


def test_a_kind_of_dependency_is_no_setting_of_another_kind(tmp_path: Path) -> None:
    other = _of_dependency("other").replace("  hold:", "  queue:")

    code, said = _build(tmp_path, {"a.yaml": other, "b.yaml": _of_dependency("queue")})

    assert code == 2
    assert said == [
        "b.yaml:1:7: pack: queue is already a setting of the pack 'other'; give the pack another"
        " name"
    ]


# -- each ------------------------------------------------------------------------------------------

EACH = (
    PACK.replace(
        "  - name: queue\n",
        "  - each:\n      long: {words: too long, least: 3}\n      short: {words: too short, least: 4}\n"
        "    name: queue-{item}\n",
    )
    .replace("name: QueueLong", "name: Queue{least}")
    .replace("Work waits.", "'It is {words}.'")
)


def test_a_mistake_in_what_each_makes_is_told_once_and_where_it_was_written(tmp_path: Path) -> None:
    (said,) = _refused(tmp_path, EACH.replace("above: length", "above: lenght"))

    assert said.startswith("queue.yaml:30:16: signals[0].alerts[0].above: there is no setting")


def test_entries_of_each_have_the_same_values(tmp_path: Path) -> None:
    assert _refused(tmp_path, EACH.replace("words: too short, ", "")) == [
        "queue.yaml:18:7: signals[0].each.short: short has no value for words, which another entry"
        " has; write it here too, or leave it out everywhere"
    ]


_TABLE = EACH[EACH.index("each:") : EACH.index("    name: queue-{item}")]
_EXPECTED = "was expected, found"
WRONG_TABLES = {
    "an empty table": (
        "each: {}",
        "16:11: signals[0].each: is too short; write at least 1 entry",
    ),
    "nothing": ("each:", "16:5: signals[0].each: has no value; write one, or leave the key out"),
    "a list": (
        "each: [long, short]",
        f"16:11: signals[0].each: a mapping {_EXPECTED} a list; write `key: value` lines",
    ),
    "a number": (
        "each: 3",
        f"16:11: signals[0].each: a mapping {_EXPECTED} a number; write `key: value` lines",
    ),
    "a number as an entry": (
        "each: {long: 3}",
        f"16:18: signals[0].each.long: a mapping {_EXPECTED} a number; write `key: value` lines",
    ),
    "a list as a value": (
        "each: {long: {words: a, least: [3]}}",
        f"16:36: signals[0].each.long.least: a text {_EXPECTED} a list",
    ),
    "too many entries": (
        f"each: {{{', '.join(f'a{number}: {{}}' for number in range(21))}}}",
        "16:11: signals[0].each: is too long; write at most 20 entries",
    ),
    "a value in place of the entry's key": (
        "each: {a: {item: 3, words: a, least: 3}}",
        "16:16: signals[0].each.a.item: {item} is already filled by the entry's own key; give the"
        " value another name",
    ),
    "a value in place of a word of the service": (
        "each: {a: {title: 3, words: a, least: 3}}",
        "16:16: signals[0].each.a.title: opsgen already fills {title}; give the value another name",
    ),
    "a value that is no blank": (
        "each: {a: {w1: 3, words: a, least: 3}}",
        "16:16: signals[0].each.a.w1: {w1} can't be a blank; name the value with lowercase letters"
        " and _",
    ),
}


@pytest.mark.parametrize("name", WRONG_TABLES)
def test_a_wrong_table_is_told_alone(tmp_path: Path, name: str) -> None:
    table, said = WRONG_TABLES[name]

    assert _refused(tmp_path, EACH.replace(_TABLE, f"{table}\n")) == [f"queue.yaml:{said}"]


def test_what_no_table_can_mend_is_told_beside_a_wrong_table(tmp_path: Path) -> None:
    pack = EACH.replace(_TABLE, "each: {}\n").replace("group: saturation", "group: saturated")

    assert [line.split(":")[1] for line in _refused(tmp_path, pack)] == ["16", "18"]


@pytest.mark.parametrize("written", ["nope", "'3'", "0.5", "[3]"])
def test_a_wrong_number_of_events_is_told_once(tmp_path: Path, written: str) -> None:
    (said,) = _refused(tmp_path, PACK.replace("one-in-threshold", written))

    assert said.startswith("queue.yaml:30:71: signals[0].alerts[0].guard.at_least: ")
    assert said.endswith("; write a whole number, or one-in-threshold")


def test_each_makes_signals_of_as_many_names(tmp_path: Path) -> None:
    assert _refused(tmp_path, EACH.replace("name: queue-{item}", "name: queue")) == [
        "queue.yaml:19:11: signals[0].name: each makes several signals named queue; write {item}"
        " in the name"
    ]


# -- texts -----------------------------------------------------------------------------------------


def test_a_mistake_in_texts_of_ones_own_is_told_at_its_line(tmp_path: Path) -> None:
    shipped = (load_library().folders[0] / "packs" / "texts.yaml").read_text()
    wrong = (
        shipped.replace("Users of {title} wait.", "Users of {tilte} wait.")
        .replace("Business/absent:", "Business/absnt:")
        .replace("explained_by: [dependencies]", "explained_by: [dependancies]", 1)
    )

    code, said = _build(tmp_path, {"texts.yaml": wrong})

    assert code == 2
    assert any(
        "Business/absnt" in line and "did you mean 'Business/absent'" in line for line in said
    )
