"""`--shard`: parts of a fleet for the jobs of a pipeline, which together are the whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsgen.load.discovery import Shard
from tests.cli.test_commands import run, tree

SPEC = "service: shop\nteam: web\nconvention: prometheus-http\nslos: [{availability: 99.9%}]\n"
NAMES = [f"s{number}" for number in range(12)]


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "opsgen.yaml").write_text("{}\n")
    for name in NAMES:
        (tmp_path / "specs" / f"{name}.yaml").write_text(SPEC.replace("shop", name))
    return tmp_path


def services(out: Path) -> set[str]:
    return {path.name for path in out.iterdir() if path.is_dir()}


@given(st.text(), st.integers(1, 40))
def test_every_name_is_in_just_one_shard(name: str, of: int) -> None:
    assert sum(Shard(number, of).has(name) for number in range(1, of + 1)) == 1


def test_one_shard_after_the_other_gives_the_whole(fleet: Path) -> None:
    assert run("build", "specs", "--out", "whole", cwd=fleet).returncode == 0
    built = []
    for number in (1, 2, 3):
        before = services(fleet / "out") if number > 1 else set()
        assert run("build", f"--shard={number}/3", "specs", cwd=fleet).returncode == 0
        built.append(services(fleet / "out") - before)

    assert all(built)
    assert sorted(name for part in built for name in part) == sorted(NAMES)
    assert tree(fleet / "out") == tree(fleet / "whole")


def test_shards_in_checkouts_of_their_own_find_what_is_stale_between_them(fleet: Path) -> None:
    run("build", "specs", cwd=fleet)
    rules = fleet / "out" / "s7" / "rules.yaml"
    rules.write_text(rules.read_text() + "# edited\n")
    codes = []
    for number in range(1, 5):
        job = fleet.with_name(f"job-{number}")
        shutil.copytree(fleet, job)
        done = run("build", "--check", f"--shard={number}/4", "specs", cwd=job)
        assert ("s7/rules.yaml" in done.stderr) is (done.returncode == 1)
        codes.append(done.returncode)

    assert sorted(codes) == [0, 0, 0, 1]


def test_a_shard_prunes_nothing_of_the_others_and_what_is_gone(fleet: Path) -> None:
    run("build", "specs", cwd=fleet)
    (fleet / "specs" / "s3.yaml").unlink()
    run("build", "--shard=1/2", "specs", cwd=fleet)

    assert services(fleet / "out") == set(NAMES) - {"s3"}


def test_proofs_are_split_too(fleet: Path) -> None:
    counted = []
    for number in (1, 2):
        done = run("check", f"--shard={number}/2", "--format", "json", "specs", cwd=fleet)
        assert done.returncode == 0
        counted.append(json.loads(done.stdout)["services"])

    assert sum(counted) == len(NAMES)
    assert all(counted)


def test_a_shard_is_remembered_apart(fleet: Path) -> None:
    for number in (1, 2):
        assert run("build", f"--shard={number}/2", "specs", cwd=fleet).returncode == 0
    (fleet / "out" / "s0" / "rules.yaml").unlink()
    codes = [
        run("build", "--check", f"--shard={number}/2", "specs", cwd=fleet).returncode
        for number in (1, 2)
    ]

    assert sorted(codes) == [0, 1]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_what_is_no_shard_is_refused(fleet: Path, shard: str) -> None:
    done = run("build", f"--shard={shard}", "specs", cwd=fleet)

    assert done.returncode == 2
    assert "is not a shard; write for example 2/8" in done.stderr


def test_an_empty_shard_is_no_pass(fleet: Path) -> None:
    codes = {}
    for number in range(1, 41):
        done = run("build", "--check", f"--shard={number}/40", "specs", cwd=fleet)
        codes[done.returncode] = done.stderr
        if set(codes) == {1, 2}:
            break

    assert "of 40; make fewer" in codes[2] or "there is no spec in shard" in codes[2]
