"""Each row of 'to add X, write Y' in docs/architecture.md is true: a copy of opsgen, or a project's
own folder, gets just that, and builds and proves a service with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.programs import ROOT

CONVENTION = """\
convention: acme-http
title: Acme's HTTP server
source: Acme's handbook, chapter 3.
requests: acme_answers_total
errors: acme_answers_total{outcome="failed"}
latency:
  histogram: acme_answer_seconds
  buckets: [0.1, 0.5, 1]
route: path
samples:
  request:
    - acme_answers_total{outcome="fine",path="/"} 7
  error:
    - acme_answers_total{outcome="failed",path="/"} 1
  neither:
    - acme_starts_total 1
    - acme_answer_seconds_bucket{path="/",le="0.1"} 4
    - acme_answer_seconds_bucket{path="/",le="0.5"} 6
    - acme_answer_seconds_bucket{path="/",le="1"} 7
    - acme_answer_seconds_bucket{path="/",le="+Inf"} 8
    - acme_answer_seconds_count{path="/"} 8
"""
SPEC = """\
service: shop
convention: acme-http
slos:
  - availability: 99.9%
  - latency: 99% under 500ms
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of opsgen's own code and templates, to which one thing is to be added."""
    folder = tmp_path / "copy"
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "generator", folder / "generator", symlinks=True, ignore=no_caches)
    shutil.copytree(ROOT / "templates", folder / "templates")
    return folder


def opsgen(folder: Path, *arguments: str, of: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What a copy of opsgen does in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(of / "generator"), "OPSGEN_NO_CACHE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "opsgen", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def built(folder: Path, of: Path = ROOT) -> str:
    """The rules of the one spec of a folder, which `opsgen check` has found to be proven."""
    for command in ("build", "check"):
        done = opsgen(folder, command, "service.yaml", of=of)
        assert done.returncode == 0, done.stderr
    return (folder / "out" / "shop" / "rules.yaml").read_text(encoding="utf-8")


def test_a_convention_is_one_file(copied: Path, tmp_path: Path) -> None:
    (copied / "templates" / "conventions" / "acme-http.yaml").write_text(CONVENTION)
    (tmp_path / "service.yaml").write_text(SPEC)

    rules = built(tmp_path, of=copied)

    assert 'outcome="failed"' in rules
    assert "acme_answer_seconds_bucket" in rules


def test_a_convention_of_ones_own_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "own" / "conventions").mkdir(parents=True)
    (tmp_path / "own" / "conventions" / "acme-http.yaml").write_text(CONVENTION)
    (tmp_path / "opsgen.yaml").write_text("templates: own\n")
    (tmp_path / "service.yaml").write_text(SPEC)

    assert "acme_answers_total" in built(tmp_path)


def test_an_unknown_convention_is_told_with_the_names_of_all_that_there_are(
    copied: Path, tmp_path: Path
) -> None:
    (copied / "templates" / "conventions" / "acme-http.yaml").write_text(CONVENTION)
    (tmp_path / "service.yaml").write_text(SPEC.replace("acme-http", "nothing-like-it"))

    found = opsgen(tmp_path, "build", "service.yaml", of=copied)

    assert found.returncode == 2
    shipped = (ROOT / "templates" / "conventions").glob("*.yaml")
    names = [yaml.safe_load(path.read_text(encoding="utf-8"))["convention"] for path in shipped]
    assert [name for name in ("acme-http", *names) if name not in found.stderr] == []
