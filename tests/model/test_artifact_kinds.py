"""The table of artifact kinds holds for what is really written: each file is of one kind, each kind
has a renderer that is there, and a judge or a reason why none."""

from __future__ import annotations

import pytest

from opsgen.changes.meaning import READERS
from opsgen.judge.programs import comparison
from opsgen.model.artifact_kinds import (
    ALERTMANAGER,
    ARTIFACT_KINDS,
    ArtifactKind,
    Comparison,
    Program,
    Unjudged,
    artifact_kind_of,
)
from opsgen.model.targets import TARGETS, Target
from opsgen.render.artifacts import function_named
from tests.programs import ROOT
from tests.specs import file_texts

EVERY_TARGET = f"""\
targets: [{", ".join(TARGETS)}]
channels:
  chat: {{slack: {{channel: "#a", api_url_file: /secrets/slack}}}}
  pager: {{pagerduty: {{routing_key_file: /secrets/pager, on_call: {{schedule: first}}}}}}
escalation: {{all: [{{notify: [pager]}}, {{after: 15m, notify: [chat]}}]}}
teams: {{web: {{escalation: {{page: all}}, owners: ["@example/web"]}}}}
catch_all: chat
watchdog: {{notify: chat}}
"""
SPEC = """\
service: shop
team: web
convention: prometheus-http
slos: [{availability: 99.9%}]
uptime: ["https://shop.example.com"]
match: {job: shop}
scrape: {services: {app: shop}, port: metrics}
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every file of a service and a fleet with all targets."""
    return file_texts(tmp_path_factory.mktemp("kinds"), SPEC, EVERY_TARGET)


def test_every_file_that_is_written_is_of_exactly_one_kind(written: dict[str, str]) -> None:
    kinds = {path: [k.name for k in ARTIFACT_KINDS.values() if k.has(path)] for path in written}

    assert {path: names for path, names in kinds.items() if len(names) != 1} == {}


def test_every_kind_is_written(written: dict[str, str]) -> None:
    found = {kind.name for path in written if (kind := artifact_kind_of(path))}

    assert found == set(ARTIFACT_KINDS)


def test_every_committed_example_is_of_a_kind() -> None:
    committed = [path for path in (ROOT / "out").rglob("*") if path.is_file()]
    names = [path.relative_to(ROOT / "out").as_posix() for path in committed]

    assert [
        name for name in names if artifact_kind_of(name) is None and ".opsgen" not in name
    ] == []


@pytest.mark.parametrize("kind", ARTIFACT_KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_names_what_is_there(kind: ArtifactKind) -> None:
    assert callable(function_named(kind.renderer))
    assert kind.target in TARGETS
    if isinstance(kind.judge, Comparison):
        assert callable(comparison(kind.judge))


@pytest.mark.parametrize("kind", ARTIFACT_KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_has_a_judge_or_a_reason(kind: ArtifactKind) -> None:
    match kind.judge:
        case Program(name, arguments):
            assert name in ("promtool", "amtool")
            assert arguments
        case Unjudged(reason):
            assert len(reason.split()) > 5
        case Comparison(function):
            assert function.startswith(("delivered:", "resources:"))


def test_diff_reads_what_the_table_says() -> None:
    read = {name for name, kind in ARTIFACT_KINDS.items() if kind.in_diff}

    assert read == {*READERS, ALERTMANAGER.name}


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_a_target_writes_something_and_names_what_is_there(target: Target) -> None:
    assert any(kind.target == target.name for kind in ARTIFACT_KINDS.values())
    for function in filter(None, (target.refuses, target.facts)):
        assert callable(function_named(function))


def test_a_target_is_described_in_the_docs() -> None:
    reference = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")

    assert [name for name in TARGETS if f"`{name}`" not in reference] == []


def test_the_readme_lists_every_plain_file() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    plain = [kind for kind in ARTIFACT_KINDS.values() if kind.target == "files"]
    paths = [kind.path_of("checkout") if kind.of == "service" else kind.path for kind in plain]

    assert [path for path in paths if f"`out/{path}`" not in readme] == []
