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
from markdown_it import MarkdownIt

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


# -- packs -----------------------------------------------------------------------------------------

DEPENDENT = "service: shop\nconvention: grpc\ndependencies: [{pgbouncer: pool, match: {job: b}, wait: 2s}]\n"


@pytest.fixture
def dependency_pack() -> str:
    """The one that the page of packs shows."""
    tokens = MarkdownIt().parse((ROOT / "docs" / "packs.md").read_text(encoding="utf-8"))
    (pack,) = (token.content for token in tokens if token.info == "yaml pack")
    return pack


def test_a_pack_for_a_dependency_is_one_file(
    copied: Path, tmp_path: Path, dependency_pack: str
) -> None:
    (copied / "templates" / "packs" / "pgbouncer.yaml").write_text(dependency_pack)
    (tmp_path / "service.yaml").write_text(DEPENDENT)

    assert 'max(pgbouncer_pools_client_maxwait_seconds{job="b"}) > 2' in built(tmp_path, of=copied)
    assert '"pgbouncer"' in opsgen(tmp_path, "schema", "service", of=copied).stdout


def test_the_reference_takes_a_kind_of_dependency_and_its_settings_from_the_pack(
    copied: Path, tmp_path: Path, dependency_pack: str
) -> None:
    (copied / "templates" / "packs" / "pgbouncer.yaml").write_text(dependency_pack)
    reference = tmp_path / "spec.md"
    shutil.copy(ROOT / "docs" / "spec.md", reference)

    environment = {**os.environ, "PYTHONPATH": str(copied / "generator")}
    tool = ROOT / "tools" / "reference_tables.py"
    subprocess.run([sys.executable, tool, reference], env=environment, check=True)

    lines = reference.read_text().splitlines()
    assert "| `pgbouncer` | A PgBouncer | |" in lines
    assert any(line.startswith("| `pgbouncer`, `wait` | A ticket is made ") for line in lines)
    assert "opsgen ships no pack for a kind of dependency yet." not in lines


def test_a_pack_for_a_dependency_of_ones_own_is_the_same_file(
    tmp_path: Path, dependency_pack: str
) -> None:
    (tmp_path / "own" / "packs").mkdir(parents=True)
    (tmp_path / "own" / "packs" / "pgbouncer.yaml").write_text(dependency_pack)
    (tmp_path / "opsgen.yaml").write_text("templates: own\n")
    (tmp_path / "service.yaml").write_text(DEPENDENT)

    assert "PgbouncerWaitLong" in built(tmp_path)


def test_an_alert_with_a_setting_is_a_pack_a_row_and_a_field(copied: Path, tmp_path: Path) -> None:
    table = copied / "generator" / "opsgen" / "model" / "settings.py"
    row = 'Setting("errors.burst", "percentage", Ratio.parse("20%"), "ours", "so many", "errors"),'
    first = "SETTINGS: tuple[Setting, ...] = ("
    table.write_text(table.read_text().replace(first, f"{first}\n    {row}"))
    spec = copied / "generator" / "opsgen" / "load" / "threshold_spec.py"
    field = "    burst: Annotated[PercentField | None, Field(description=reference('errors.burst'))] = None"
    docstring = '    """When the share of failed requests is too high."""\n'
    spec.write_text(spec.read_text().replace(docstring, f"{docstring}\n{field}\n"))
    pack = copied / "templates" / "packs" / "requests.yaml"
    alert = (pack.read_text().partition("      - name: ErrorRatioHigh\n"))[2]
    burst = alert.replace("above: errors.above", "above: errors.burst").replace("errors.for", "0s")
    burst = burst.replace("one-in-threshold", "5")
    pack.write_text(f"{pack.read_text()}      - name: ErrorBurst\n{burst}")
    (tmp_path / "service.yaml").write_text(
        "service: shop\nconvention: grpc\nerrors: {above: 2%, burst: 30%}\n"
    )

    rules = built(tmp_path, of=copied)

    assert "alert: ErrorBurst" in rules
    assert "0.3" in rules
    assert "errors.burst" in opsgen(tmp_path, "explain", "service.yaml", of=copied).stdout


def test_a_mistake_in_a_file_of_ones_own_is_annotated_where_a_review_shows_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "own" / "conventions").mkdir(parents=True)
    wrong = CONVENTION.replace("route: path", "route: 9path")
    (tmp_path / "own" / "conventions" / "acme-http.yaml").write_text(wrong)
    (tmp_path / "opsgen.yaml").write_text("templates: own\n")
    (tmp_path / "service.yaml").write_text(SPEC)

    found = opsgen(tmp_path, "build", "--format", "github", "service.yaml")

    assert found.returncode == 2
    assert "::error file=own/conventions/acme-http.yaml,line=9," in found.stdout


NOTES = """\
from collections.abc import Iterator

from opsgen.model.artifact import Artifact
from opsgen.model.artifact_kinds import ARTIFACT_KINDS
from opsgen.render.subjects import OfService


def render_notes(subject: OfService) -> Iterator[Artifact]:
    name = subject.service.name
    yield Artifact(ARTIFACT_KINDS["notes"].path_of(name), f"Notes on {name}.\\n")
"""
KIND = """\
    ArtifactKind(
        name="notes",
        path="notes.txt",
        of="service",
        renderer="notes:render_notes",
        judge=Unjudged("it is prose, which nobody but a person can judge"),
        target="notebook",
        always=True,
    ),
)
ARTIFACT_KINDS"""


def test_a_kind_of_artifact_is_a_module_and_a_row_and_a_target_is_a_row(
    copied: Path, tmp_path: Path
) -> None:
    package = copied / "generator" / "opsgen"
    (package / "render" / "notes.py").write_text(NOTES)
    kinds = package / "model" / "artifact_kinds.py"
    kinds.write_text(kinds.read_text().replace(")\nARTIFACT_KINDS", KIND, 1))
    targets = package / "model" / "targets.py"
    row = '    Target("notebook", "notes on each service"),\n)\nTARGETS'
    targets.write_text(targets.read_text().replace(")\nTARGETS", row, 1))
    (tmp_path / "opsgen.yaml").write_text("targets: [files, notebook]\n")
    (tmp_path / "service.yaml").write_text(SPEC.replace("acme-http", "otel-http"))

    built(tmp_path, of=copied)

    notes = tmp_path / "out" / "shop" / "notes.txt"
    assert notes.read_text() == "Notes on shop.\n"
    assert "notebook" in opsgen(tmp_path, "schema", "project", of=copied).stdout
    notes.unlink()
    stale = opsgen(tmp_path, "build", "--check", "service.yaml", of=copied)
    assert stale.returncode == 1
    assert "shop/notes.txt" in stale.stderr
