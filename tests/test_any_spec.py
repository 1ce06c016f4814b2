"""Any spec that is taken gives output that the real programs take; any other input gives mistakes
and nothing else.

`--hypothesis-profile` chooses how many examples there are; every test draws its share of what the
profile asks for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from opsgen.alertmanager.routing import concerning
from opsgen.cli.main import main
from opsgen.errors import InputError
from opsgen.fleet.build import contents
from opsgen.fleet.load import FleetModel, load_fleet
from opsgen.judge.closure import gaps
from opsgen.model.artifact import Wanted
from tests.strategies import Spec, damaged, examples, projects, service_specs

pytestmark = pytest.mark.slow

# Whole specs are large: that they take long to draw, and that some are refused, is no fault of the
# strategy.
_PATIENT = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
    HealthCheck.large_base_example,
]
_PROGRAM_SECONDS = 120


@dataclass(frozen=True)
class Output:
    """A spec that was taken: its fleet of one, and all artifacts as they lie in `folder`."""

    folder: Path
    fleet: FleetModel
    artifacts: tuple[Wanted, ...]

    @property
    def service(self) -> str:
        return self.fleet.services[0].service.name

    def parsed(self, name: str) -> Any:
        return yaml.load((self.folder / name).read_bytes(), Loader=yaml.CSafeLoader)


@contextmanager
def built(spec: Spec, project: Spec) -> Iterator[Output]:
    """Every artifact of the spec in a folder while the block lasts."""
    with TemporaryDirectory(prefix="opsgen-any-") as name:
        folder = Path(name)
        (folder / "opsgen.yaml").write_text(
            yaml.safe_dump(project, allow_unicode=True), encoding="utf-8"
        )
        (folder / "service.yaml").write_text(
            yaml.safe_dump(spec, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )
        fleet = load_fleet([folder / "service.yaml"])
        wanted = contents(fleet, folder)
        artifacts = tuple(artifact for content in wanted.values() for artifact in content.artifacts)
        for artifact in artifacts:
            path = folder / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(artifact.encoded)
        yield Output(folder, fleet, artifacts)


@contextmanager
def drawn(spec: Spec, project: Spec) -> Iterator[Output]:
    """As `built`, where what is refused is no example."""
    with ExitStack() as stack:
        try:
            output = stack.enter_context(built(spec, project))
        except InputError as error:
            is_unproven = any("no proof can be made" in mistake.wrong for mistake in error.mistakes)
            event("refused: no proof" if is_unproven else "refused")
            assume(False)
            raise
        event("taken")
        yield output


def judged(program: Path, *arguments: str, cwd: Path) -> None:
    """Fails with the program's own words where it refuses."""
    done = subprocess.run(
        [program, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=_PROGRAM_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def cli(folder: Path, *arguments: str) -> Result:
    """A command in this process, writing to a folder `out` that is not there yet."""
    return CliRunner().invoke(main, [*arguments, "--out", str(folder / "out")])


# -- what is taken ---------------------------------------------------------------------------------


@settings(max_examples=examples(100), suppress_health_check=_PATIENT)
@given(service_specs, projects)
def test_whatever_is_taken_parses_and_is_closed(spec: Spec, project: Spec) -> None:
    with drawn(spec, project) as output:
        for artifact in output.artifacts:
            if artifact.path.endswith(".json"):
                json.loads(artifact.content)
            elif artifact.path.endswith((".yaml", ".yml")):
                assert len(list(yaml.load_all(artifact.content, Loader=yaml.CSafeLoader))) == 1, (
                    artifact.path
                )
        for model in output.fleet.services:
            name = model.service.name
            own = [
                artifact for artifact in output.artifacts if artifact.path.startswith(f"{name}/")
            ]

            assert (
                gaps(model.service, own, concerning(output.parsed("alertmanager.yml"), name)) == []
            )


@settings(max_examples=examples(40), suppress_health_check=_PATIENT)
@given(service_specs, projects)
def test_whatever_is_taken_pleases_promtool(promtool: Path, spec: Spec, project: Spec) -> None:
    with drawn(spec, project) as output:
        judged(
            promtool,
            "check",
            "rules",
            "--lint-fatal",
            f"{output.service}/rules.yaml",
            cwd=output.folder,
        )


@settings(max_examples=examples(25), suppress_health_check=_PATIENT)
@given(service_specs, projects)
def test_whatever_is_taken_pleases_amtool(amtool: Path, spec: Spec, project: Spec) -> None:
    with drawn(spec, project) as output:
        for name in ("alertmanager.yml", f"{output.service}/escalation.yaml"):
            judged(amtool, "check-config", name, cwd=output.folder)


@settings(max_examples=examples(12), suppress_health_check=_PATIENT)
@given(service_specs, projects)
def test_whatever_is_taken_is_proven(promtool: Path, spec: Spec, project: Spec) -> None:
    with drawn(spec, project) as output:
        judged(promtool, "test", "rules", "rules.test.yaml", cwd=output.folder / output.service)


def test_a_guard_holds_however_rarely_a_proof_evaluates(promtool: Path) -> None:
    """The events of the middle SLO are few, so that the other two do not fire with it: fewer than
    the guard asks for, were only one of the recorded counts in the window of an hour."""
    spec = {
        "service": "shop",
        "convention": "prometheus-http",
        "slos": [
            {"availability": "10%"},
            {
                "name": "sent",
                "window": "1d",
                "objective": "10%",
                "bad": "rate(a_total[5m])",
                "total": "rate(b_total[5m])",
            },
            {
                "name": "done",
                "objective": "10%",
                "bad": "rate(a_total[5m])",
                "total": 'rate(a_total{ok=~"1|2"}[5m])',
            },
        ],
    }

    with built(spec, {}) as output:
        judged(promtool, "test", "rules", "rules.test.yaml", cwd=output.folder / "shop")


def dropping(hold: str, against: str, window: str = "5m") -> Spec:
    query = f"sum(rate(orders_total[{window}]))"
    alert = {"drop": "50%", "against": against, "for": hold}
    return {"service": "shop", "business": [{"name": "orders", "query": query, "alerts": [alert]}]}


@pytest.mark.parametrize(
    ("hold", "against"), [("0s", "1h"), ("30m", "1h"), ("15m", "1d"), ("3h", "1w")]
)
def test_a_drop_against_any_earlier_time_is_proven(promtool: Path, hold: str, against: str) -> None:
    with built(dropping(hold, against), {}) as output:
        judged(promtool, "test", "rules", "rules.test.yaml", cwd=output.folder / "shop")


@pytest.mark.parametrize(
    ("hold", "against", "window", "nearest"),
    [
        ("1h", "1h", "5m", "1h"),
        ("1d", "1d", "5m", "23h"),
        ("23h", "1d", "5m", "23h"),
        ("30m", "1h", "30m", "1h"),
    ],
)
def test_a_drop_that_is_over_before_it_has_held_is_refused(
    tmp_path: Path, hold: str, against: str, window: str, nearest: str
) -> None:
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(dropping(hold, against, window)))

    result = cli(tmp_path, "build", str(tmp_path / "service.yaml"))

    assert result.exit_code == 2
    assert f"OrdersDropped compares with {nearest} ago: with the failure itself" in result.stderr


@settings(max_examples=examples(15), suppress_health_check=_PATIENT)
@given(service_specs)
def test_whatever_is_taken_gives_the_same_bytes_again(spec: Spec) -> None:
    with drawn(spec, {}) as output:
        again = contents(load_fleet([output.folder / "service.yaml"]), output.folder)

        assert tuple(a for content in again.values() for a in content.artifacts) == output.artifacts


# -- what is not -----------------------------------------------------------------------------------


def is_clean(result: Result, folder: Path) -> None:
    """Taken and written, or refused with mistakes and nothing written; never anything else."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code in (0, 2), result.stderr
    assert (folder / "out").exists() is (result.exit_code == 0)
    if result.exit_code == 2:
        assert "nothing was written" in result.stderr


def outcome_of(content: bytes) -> None:
    with TemporaryDirectory(prefix="opsgen-any-") as name:
        folder = Path(name)
        (folder / "service.yaml").write_bytes(content)

        is_clean(cli(folder, "build", str(folder / "service.yaml")), folder)


@settings(max_examples=examples(100), suppress_health_check=_PATIENT)
@given(damaged())
def test_a_damaged_spec_is_taken_or_refused_cleanly(spec: Spec) -> None:
    outcome_of(yaml.safe_dump(spec, allow_unicode=True).encode("utf-8", "surrogatepass"))


@settings(max_examples=examples(60), suppress_health_check=_PATIENT)
@given(service_specs, st.integers(min_value=0), st.integers(0, 40), st.binary(max_size=20))
def test_a_spec_with_bytes_overwritten_is_taken_or_refused_cleanly(
    spec: Spec, place: int, length: int, noise: bytes
) -> None:
    content = yaml.safe_dump(spec, allow_unicode=True).encode()
    at = place % len(content)

    outcome_of(content[:at] + noise + content[at + length :])


@settings(max_examples=examples(200))
@given(
    st.one_of(
        st.binary(max_size=2_000),
        st.text(max_size=500).map(lambda text: text.encode("utf-8", "ignore")),
    )
)
def test_any_bytes_are_refused_cleanly(content: bytes) -> None:
    with TemporaryDirectory(prefix="opsgen-any-") as name:
        folder = Path(name)
        (folder / "service.yaml").write_bytes(content)

        result = cli(folder, "build", str(folder / "service.yaml"))

        assert result.exit_code == 2
        is_clean(result, folder)


_BILLION = "\n".join(
    [
        "service: x",
        "a0: &a0 [x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)),
    ]
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b"service: [",
        b"\xff\xfes\x00e\x00",
        b"---\na: 1\n---\nb: 2\n",
        b"service: !!python/object/apply:os.system [id]\n",
        b"[" * 100_000,
        _BILLION.encode(),
    ],
    ids=[
        "empty",
        "binary",
        "unclosed",
        "utf-16",
        "two-documents",
        "python-tag",
        "nested",
        "billion-laughs",
    ],
)
def test_a_process_says_what_is_wrong_and_exits_with_2(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "service.yaml").write_bytes(content)

    done = subprocess.run(
        [sys.executable, "-m", "opsgen", "build", "service.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=_PROGRAM_SECONDS,
        check=False,
    )

    assert done.returncode == 2
    assert "service.yaml:" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["service.yaml"]


@pytest.mark.parametrize(
    "name",
    ["../../etc", "..", "/etc", "a/b", "a\\b", "A", "-a", "a-", ".git", "a" * 64, "é", "a\nb"],
)
def test_a_service_can_not_leave_its_folder(tmp_path: Path, name: str) -> None:
    spec = {"service": name, "uptime": ["https://example.com"]}
    (tmp_path / "service.yaml").write_text(yaml.safe_dump(spec))

    result = cli(tmp_path, "build", str(tmp_path / "service.yaml"))

    assert result.exit_code == 2
    assert "is not a valid name" in result.stderr
    is_clean(result, tmp_path)
