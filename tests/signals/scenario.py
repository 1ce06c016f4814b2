"""A story told to a real Prometheus: a service's own rules and the counters of its life in,
promtool's verdict out."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from opsgen.fleet.load import ServiceModel
from opsgen.quantities import number_text
from opsgen.render import rules
from tests.rendering import rendered

# One sample a minute: what a service is scraped at the slowest.
_SAMPLE_INTERVAL = "1m"

Expectation = Mapping[str, Any]
Group = dict[str, Any]


@dataclass(frozen=True)
class Phase:
    """So many minutes at one pace; without a pace the series is absent. After a restart it counts
    from 0 again."""

    minutes: int
    per_minute: Decimal | None
    restarts: bool = False


def runs(minutes: int, per_minute: float | int) -> Phase:
    return Phase(minutes, Decimal(str(per_minute)))


def absent(minutes: int) -> Phase:
    return Phase(minutes, None)


def restarts(minutes: int, per_minute: float | int) -> Phase:
    """The process starts anew: its counter is 0 at the first scrape, and goes on at this pace."""
    return Phase(minutes, Decimal(str(per_minute)), restarts=True)


def open_hours(days: int, hours: tuple[int, int], per_minute: float | int) -> list[Phase]:
    """So many days with this pace between two hours of UTC, and nothing at night."""
    opens, closes = hours
    day = [(opens, 0), (closes - opens, per_minute), (24 - closes, 0)]
    return [runs(length * 60, pace) for length, pace in day] * days


def counter(series: str, *phases: Phase) -> dict[str, str]:
    """An input series: 0 at the beginning, or at the end of the absence that it begins with."""
    return {"series": series, "values": " ".join(_counted(phases))}


def gauge(series: str, value: float, minutes: int) -> dict[str, str]:
    return {"series": series, "values": f"{value}+0x{minutes}"}


def _counted(phases: Sequence[Phase]) -> Iterator[str]:
    """A first sample of 0, and then one for each minute."""
    value: Decimal | None = None
    for number, phase in enumerate(phases):
        minutes = phase.minutes + (number == 0)
        if phase.per_minute is None:
            value = None
            yield f"_x{minutes}"
            continue
        first = Decimal(0) if value is None or phase.restarts else value + phase.per_minute
        yield f"{number_text(first)}+{number_text(phase.per_minute)}x{minutes - 1}"
        value = first + phase.per_minute * (minutes - 1)


def clock(minutes: int) -> str:
    return f"{minutes}m"


def sample(query: str, at: int, *values: float, **labels: str) -> Expectation:
    """The query has exactly these values, all with the same labels; or none at all."""
    written = _labels(sorted(labels.items()))
    return {
        "expr": query,
        "eval_time": clock(at),
        "exp_samples": [{"labels": written, "value": value} for value in values],
    }


def nothing(query: str, at: int) -> Expectation:
    return sample(query, at)


def near(query: str, at: int, value: float, share: float = 0.01) -> Expectation:
    """Exactly one sample, within so large a share of the value."""
    low, high = sorted((value * (1 - share), value * (1 + share)))
    return sample(f"count(({query}) >= {low!r} <= {high!r}) == count({query})", at, 1)


def firing(at: int, *alerts: str, by: Sequence[str] = ("alertname", "severity")) -> Expectation:
    """The complete set of firing alerts, as the values of the labels with slashes:
    `ErrorBudgetBurn/page`; a label that an alert lacks is left empty."""
    return {
        "expr": f'group by ({", ".join(by)}) (ALERTS{{alertstate="firing"}})',
        "eval_time": clock(at),
        "exp_samples": [
            {"labels": _labels(zip(by, alert.split("/"), strict=True)), "value": 1}
            for alert in sorted(alerts)
        ],
    }


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels if value) + "}"


def never_fired(at: int, matchers: str = "") -> Expectation:
    """Not at any evaluation up to that minute."""
    return nothing(
        "sum by (alertname, severity)"
        f' (count_over_time(ALERTS{{alertstate="firing",{matchers}}}[{at + 1}m]))',
        at,
    )


def no_nan(model: ServiceModel, at: int) -> list[Expectation]:
    """No recorded series had a single NaN up to that minute: one would make its whole sum NaN."""
    names = dict.fromkeys(
        record.name for signal in model.derived.signals for record in signal.records
    )
    sums = (f"sum_over_time({name}[{at + 1}m])" for name in names)
    return [nothing(f"{total} != {total}", at) for total in sums]


def groups_of(model: ServiceModel) -> list[Group]:
    """The rule groups as the file has them."""
    written = rendered(rules.render_rules, model.service, model.derived)
    groups: list[Group] = yaml.safe_load(written.content)["groups"]
    return groups


def judge(
    promtool: Path,
    folder: Path,
    model: ServiceModel,
    series: Iterable[Mapping[str, str]],
    expectations: Iterable[Expectation],
    evaluate_every: str = "1m",
    target: str = 'up{job="shop",instance="a:9090"}',
) -> None:
    """Fails with promtool's own words where the service's rules see anything otherwise; its target
    is up throughout."""
    judge_groups(promtool, folder, groups_of(model), series, expectations, evaluate_every, target)


def judge_groups(
    promtool: Path,
    folder: Path,
    groups: Sequence[Group],
    series: Iterable[Mapping[str, str]],
    expectations: Iterable[Expectation],
    evaluate_every: str = "1m",
    target: str = 'up{job="shop",instance="a:9090"}',
) -> None:
    """`judge` for rule groups however they came to be."""
    assertions = list(expectations)
    last = max(int(assertion["eval_time"].removesuffix("m")) for assertion in assertions)
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": list(groups)}))
    test = {
        "interval": _SAMPLE_INTERVAL,
        "input_series": [gauge(target, 1, last), *map(dict, series)],
        "promql_expr_test": assertions,
    }
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": evaluate_every,
        "group_eval_order": [group["name"] for group in groups],
        "tests": [test],
    }
    file = folder / "story.test.yaml"
    file.write_text(yaml.safe_dump(document))
    judged = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
