"""Work that is spread over the cores: the same results in the same order as on one."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from opsgen.fleet.workers import each

SPEC = """\
service: {name}
convention: prometheus-http
slos: [{{availability: 99.9%}}]
"""
ON_ONE_CORE = "import os; os.sched_setaffinity(0, {0}); from opsgen.cli.main import main; main()"

several_cores = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="there is one core, or no safe fork",
)


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(each(lambda item: item * item, range(1000))) == [
        item * item for item in range(1000)
    ]


@several_cores
def test_much_is_done_by_others_and_little_is_done_here() -> None:
    assert os.getpid() not in set(each(lambda _: os.getpid(), range(64)))
    assert set(each(lambda _: os.getpid(), range(4))) == {os.getpid()}


@several_cores
def test_a_worker_that_dies_is_an_error_and_not_a_result_less() -> None:
    with pytest.raises(BrokenProcessPool):
        list(each(lambda item: os._exit(1) if item == 40 else item, range(64)))


@several_cores
def test_a_fleet_is_the_same_on_one_core_and_on_all(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    for number in range(20):
        (specs / f"s{number}.yaml").write_text(SPEC.format(name=f"s{number}"))

    commands = {"one": [sys.executable, "-c", ON_ONE_CORE], "all": [sys.executable, "-m", "opsgen"]}
    for out, command in commands.items():
        subprocess.run(
            [*command, "build", "specs", "--out", out],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )

    one, every = (
        {p.relative_to(tmp_path / out): p.read_bytes() for p in _files(tmp_path / out)}
        for out in commands
    )
    assert len(one) > 100
    assert one == every


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
