"""`python -m benchmarks.peers`: rivals' published packages on equal specs, each in an environment
of its own.

Prints the tables of docs/comparison.md. Needs an index of packages, and promtool on PATH for what
fires when.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_SERVICES = 20
_MINUTES = 120
_REQUESTS = 60_000  # a minute
# Errors in 100,000 requests, and whether the service goes away after an hour.
_SCENARIOS: dict[str, tuple[int, bool]] = {
    "all is well": (0, False),
    "1 error in 100,000": (1, False),
    "1% of requests fail": (1_000, False),
    "every request fails": (100_000, False),
    "gone since an hour": (0, True),
}


@dataclass(frozen=True)
class Peer:
    """One tool: its package (empty for this checkout), how its specs are written, and how it is run
    on them."""

    name: str
    package: str
    write: Callable[[Path, Sequence[str]], None]
    commands: Callable[[Path, Sequence[str]], list[list[str]]]


@dataclass(frozen=True)
class Result:
    peer: str
    version: str
    exit_codes: frozenset[int]
    seconds: float
    alerts: int
    changed_files: int
    fired: dict[str, str]


def _write_opsgen(folder: Path, names: Sequence[str]) -> None:
    (folder / "specs").mkdir()
    for name in names:
        spec = {
            "service": name,
            "team": "web",
            "tier": 1,
            "convention": "prometheus-http",
            "match": {"namespace": "production", "job": name},
            "slos": [{"availability": "99.9%"}, {"latency": "99% under 250ms"}],
        }
        (folder / "specs" / f"{name}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))


def _write_nthlayer(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        indicators = {
            "availability": [
                {
                    "type": "availability",
                    "success_ratio": {
                        "total_query": f'sum(rate(http_requests_total{{service="{name}"}}[5m]))',
                        "good_query": (
                            f'sum(rate(http_requests_total{{service="{name}",code!~"5.."}}[5m]))'
                        ),
                    },
                }
            ],
            "latency": [{"type": "latency", "percentile": 99, "threshold_ms": 250}],
        }
        objectives = {"availability": 99.9, "latency": 99}
        spec = {
            "service": {"name": name, "team": "web", "tier": "critical", "type": "api"},
            "resources": [
                {
                    "kind": "SLO",
                    "name": slo,
                    "spec": {
                        "objective": objectives[slo],
                        "window": "30d",
                        "indicators": indicators[slo],
                    },
                }
                for slo in objectives
            ],
        }
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))


def _write_metrics_forge(folder: Path, names: Sequence[str]) -> None:
    slos = [
        {"type": "availability", "target": 99.9, "window": "30d"},
        {"type": "latency", "target": 250, "window": "30d"},
    ]
    services = [
        {
            "name": name,
            "tier": "critical",
            "namespace": "production",
            "team": "web",
            "port": 8080,
            "slos": slos,
        }
        for name in names
    ]
    (folder / "services.yaml").write_text(yaml.safe_dump({"services": services}, sort_keys=False))


PEERS = (
    Peer(
        "opsgen",
        "",
        _write_opsgen,
        lambda _bin, _names: [[sys.executable, "-m", "opsgen", "build", "specs", "--out", "out"]],
    ),
    Peer(
        "NthLayer",
        "nthlayer-generate",
        _write_nthlayer,
        lambda programs, names: [
            [str(programs / "nthlayer"), "apply", f"{name}.yaml", "--output-dir", f"out/{name}"]
            for name in names
        ],
    ),
    Peer(
        "metrics-forge",
        "metrics-forge",
        _write_metrics_forge,
        lambda programs, _names: [
            [
                str(programs / "metrics-forge"),
                "generate",
                "services.yaml",
                "-o",
                "out/rules.yaml",
                "-d",
                "out/dashboards",
            ]
        ],
    ),
)


def measure(peer: Peer, folder: Path) -> Result:
    """Installs the peer, has it generate twice, and loads what it wrote into promtool."""
    programs, version = _installed(peer, folder)
    work = folder / "work"
    (work / "out").mkdir(parents=True)
    names = [f"service-{number}" for number in range(_SERVICES)]
    peer.write(work, names)
    commands = peer.commands(programs, names)
    start = time.perf_counter()
    codes = {_run(command, work) for command in commands}
    seconds = time.perf_counter() - start
    before = _tree(work / "out")
    for command in commands:
        _run(command, work)
    after = _tree(work / "out")
    changed = sum(before.get(path) != after.get(path) for path in before.keys() | after.keys())
    rules = list(_rules(work / "out"))
    alerts = sum("alert" in rule for rule in rules)
    fired = {name: _fired(folder, rules, *scenario) for name, scenario in _SCENARIOS.items()}
    return Result(peer.name, version, frozenset(codes), seconds, alerts, changed, fired)


def _installed(peer: Peer, folder: Path) -> tuple[Path, str]:
    if not peer.package:
        return Path(sys.executable).parent, "this checkout"
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = environment / "bin" / "pip"
    subprocess.run(
        [pip, "install", "--quiet", "--disable-pip-version-check", peer.package], check=True
    )
    shown = subprocess.run(
        [pip, "show", peer.package], check=True, capture_output=True, text=True
    ).stdout
    return environment / "bin", next(
        line[9:] for line in shown.splitlines() if line.startswith("Version: ")
    )


def _run(command: Sequence[str], folder: Path) -> int:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _rules(folder: Path) -> Iterator[dict[str, Any]]:
    """Every rule in any rule file; proofs have no groups."""
    for path in sorted(folder.rglob("*.y*ml")):
        document = yaml.safe_load(path.read_text())
        for group in document.get("groups", ()) if isinstance(document, dict) else ():
            yield from group["rules"]


def _fired(folder: Path, rules: Sequence[dict[str, Any]], errors: int, gone: bool) -> str:
    """The alerts of the first service that fire at the end of two hours, as promtool has them."""
    own = [rule for rule in rules if rule.get("labels", {}).get("service") == "service-0"]
    if not any("alert" in rule for rule in own):
        return "no alert"
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "a", "rules": own}]}))
    ends = f"x{_MINUTES // 2} _x{_MINUTES // 2}" if gone else f"x{_MINUTES}"
    labels = 'namespace="production",service="service-0",job="service-0"'
    bad = _REQUESTS * errors // 100_000
    counters = {
        f'http_requests_total{{{labels},code="500",status="500"}}': bad,
        f'http_requests_total{{{labels},code="200",status="200"}}': _REQUESTS - bad,
        f"http_request_duration_seconds_count{{{labels}}}": _REQUESTS,
    }
    for bound in ("0.1", "0.25", "0.5", "1", "+Inf"):
        counters[f'http_request_duration_seconds_bucket{{{labels},le="{bound}"}}'] = _REQUESTS
    series = [{"series": name, "values": f"0+{step}{ends}"} for name, step in counters.items()]
    series.append({"series": f"up{{{labels}}}", "values": f"1{ends}"})
    expr = 'count by (alertname, severity) (ALERTS{alertstate="firing"})'
    asked = [{"expr": expr, "eval_time": f"{_MINUTES}m", "exp_samples": []}]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(yaml.safe_dump(document))
    command = ["promtool", "test", "rules", "test.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return "nothing"
    found = re.findall(
        r'alertname="([^"]+)", severity="([^"]+)"', (done.stdout + done.stderr).partition("got:")[2]
    )
    return (
        ", ".join(f"{name} ({severity})" for name, severity in found)
        or "promtool refuses the rules"
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="opsgen-peers-") as folder:
        results = []
        for peer in PEERS:
            own = Path(folder) / peer.name
            own.mkdir()
            results.append(measure(peer, own))
    print(
        "| | version | exit code | alerts | seconds | files changed by a second run"
        " |\n|---|---|---|---|---|---|"
    )
    for one in results:
        codes = ", ".join(map(str, sorted(one.exit_codes)))
        print(
            f"| {one.peer} | {one.version} | {codes} | {one.alerts} | {one.seconds:.1f} |"
            f" {one.changed_files} |"
        )
    print(
        f"\n| {' | '.join(['', *(one.peer for one in results)])} |\n|{'---|' * (len(results) + 1)}"
    )
    for scenario in _SCENARIOS:
        print(f"| {' | '.join([scenario, *(one.fired[scenario] for one in results)])} |")


if __name__ == "__main__":
    main()
