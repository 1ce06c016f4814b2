"""What targets deliver is held against the plain files: nothing wrong in what opsgen writes, and
each kind of damage is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from opsgen.judge.closure import missing_files
from opsgen.judge.programs import judged_by_comparison
from opsgen.model.artifact_kinds import ARTIFACT_KINDS, Comparison, artifact_kind_of
from opsgen.model.targets import TARGETS
from tests.model.test_artifact_kinds import EVERY_TARGET, SPEC
from tests.specs import file_texts

Files = dict[str, str]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return file_texts(tmp_path_factory.mktemp("delivered"), SPEC, EVERY_TARGET)


@pytest.fixture
def files(written: Files) -> Files:
    return dict(written)


def in_yaml(files: Files, path: str, change: Callable[[Any], None]) -> None:
    document = yaml.safe_load(files[path])
    change(document)
    files[path] = yaml.safe_dump(document)


def in_json(files: Files, path: str, change: Callable[[Any], None]) -> None:
    document = json.loads(files[path])
    change(document)
    files[path] = json.dumps(document)


def first_group(document: Any) -> Any:
    return document.get("spec", document)["groups"][0]


def test_nothing_is_wrong_with_what_opsgen_writes(files: Files) -> None:
    assert list(judged_by_comparison(files)) == []


def test_resources_of_an_operator_for_dashboards_say_the_same(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    project = f"{EVERY_TARGET}kubernetes: {{dashboards: operator}}\n"
    folder = tmp_path_factory.mktemp("operator")

    assert list(judged_by_comparison(file_texts(folder, SPEC, project))) == []


@pytest.mark.parametrize(
    "path",
    [
        "mimir.yaml",
        "shop/mimir.yaml",
        "kubernetes/prometheusrule.yaml",
        "shop/kubernetes/prometheusrule.yaml",
    ],
)
def test_other_groups_than_those_of_the_rules_are_found(files: Files, path: str) -> None:
    in_yaml(files, path, lambda document: first_group(document)["rules"].pop())

    (fault,) = judged_by_comparison(files)
    assert fault[0] == path
    assert fault[1].startswith("its rule groups differ from those of ")


def test_another_dashboard_in_a_resource_is_found(files: Files) -> None:
    in_json(files, "shop/dashboard.json", lambda document: document.update(title="Another"))

    assert list(judged_by_comparison(files)) == [
        ("shop/kubernetes/dashboard.yaml", "its dashboard differs from shop/dashboard.json")
    ]


def test_two_panels_with_one_id_are_found(files: Files) -> None:
    def damage(document: Any) -> None:
        document["panels"][1]["id"] = document["panels"][0]["id"]

    in_json(files, "overview.json", damage)

    faults = dict(judged_by_comparison(files))
    assert faults["overview.json"].startswith("2 panels share the id ")


def test_a_query_without_an_expression_is_found(files: Files) -> None:
    def damage(document: Any) -> None:
        next(p for p in document["panels"] if p.get("targets"))["targets"][0]["expr"] = ""

    in_json(files, "overview.json", damage)

    faults = dict(judged_by_comparison(files))
    assert faults["overview.json"].endswith(" is empty")


def test_a_kustomization_that_forgets_a_file_is_found(files: Files) -> None:
    path = "shop/kubernetes/kustomization.yaml"
    in_yaml(files, path, lambda document: document["resources"].remove("dashboard.yaml"))

    assert list(judged_by_comparison(files)) == [(path, "it does not list dashboard.yaml")]


def test_a_kustomization_that_lists_what_is_not_there_is_found(files: Files) -> None:
    path = "kubernetes/kustomization.yaml"
    in_yaml(files, path, lambda document: document["resources"].append("../gone/kubernetes"))

    assert list(judged_by_comparison(files)) == [
        (path, "it lists ../gone/kubernetes, which does not exist")
    ]


def test_a_probe_of_another_url_is_found(files: Files) -> None:
    (path,) = [path for path in files if path.startswith("shop/kubernetes/probe-")]

    def damage(document: Any) -> None:
        document["spec"]["targets"]["staticConfig"]["static"] = ["https://elsewhere.example.com"]

    in_yaml(files, path, damage)

    ((found, wrong),) = judged_by_comparison(files)
    assert found == path
    assert "shop/probes.yaml" in wrong


def test_a_route_to_a_receiver_that_is_not_there_is_found(files: Files) -> None:
    path = "shop/kubernetes/alertmanagerconfig.yaml"
    in_yaml(files, path, lambda document: document["spec"]["route"].update(receiver="gone"))

    assert (path, "a route notifies gone, which does not exist") in list(
        judged_by_comparison(files)
    )


def test_other_receivers_than_those_of_the_fragment_are_found(files: Files) -> None:
    path = "shop/kubernetes/alertmanagerconfig.yaml"
    in_yaml(files, path, lambda document: document["spec"]["receivers"].append({"name": "more"}))

    assert list(judged_by_comparison(files)) == [
        (path, "its receivers differ from those of shop/escalation.yaml")
    ]


def test_a_policy_of_grafana_without_its_contact_point_is_found(files: Files) -> None:
    path = "grafana/alerting.yaml"
    in_yaml(files, path, lambda document: document["policies"][0].update(receiver="gone"))

    assert (path, "a route notifies gone, which does not exist") in list(
        judged_by_comparison(files)
    )


def test_a_dead_link_in_the_index_is_found(files: Files) -> None:
    files["README.md"] = files["README.md"].replace("(shop/runbook.md)", "(shop/gone.md)")

    assert list(judged_by_comparison(files)) == [
        ("README.md", "a link leads to shop/gone.md, which does not exist")
    ]


def test_what_only_looks_like_a_link_is_no_fault(files: Files) -> None:
    files["README.md"] += "\n`[a](shop/gone.md)` and \\[b\\](shop/gone.md)\n\n```\n[c](d.md)\n```\n"

    assert list(judged_by_comparison(files)) == []


def test_what_a_provider_would_refuse_is_found(files: Files) -> None:
    path = "terraform/pagerduty.tf.json"

    def damage(document: Any) -> None:
        policy = next(iter(document["resource"]["pagerduty_escalation_policy"].values()))
        policy["nonsense"] = 1

    in_json(files, path, damage)

    faults = list(judged_by_comparison(files))
    assert [found for found, _ in faults] == [path]


def drop_matchers(route: Any) -> None:
    deepest = route
    while deepest.get("routes"):
        deepest = deepest["routes"][0]
    del deepest["matchers" if "matchers" in deepest else "object_matchers"]


CONFIG = "shop/kubernetes/alertmanagerconfig.yaml"


@pytest.mark.parametrize(
    ("path", "change", "wrong"),
    [
        (
            CONFIG,
            lambda document: drop_matchers(document["spec"]["route"]),
            "its routes differ from those of shop/escalation.yaml",
        ),
        (
            CONFIG,
            lambda document: document["spec"]["route"]["routes"][0].update(repeatInterval="9h"),
            "its routes differ from those of shop/escalation.yaml",
        ),
        (
            CONFIG,
            lambda document: document["spec"]["inhibitRules"][0]["sourceMatch"].pop(),
            "its inhibitions differ from those of shop/escalation.yaml",
        ),
        (
            "grafana/alerting.yaml",
            lambda document: drop_matchers(document["policies"][0]),
            "its policies differ from the routes of alertmanager.yml",
        ),
        (
            "shop/kubernetes/servicemonitor.yaml",
            lambda document: document["spec"]["endpoints"].clear(),
            "it has no endpoint",
        ),
        (
            "shop/kubernetes/servicemonitor.yaml",
            lambda document: document["spec"]["selector"].clear(),
            "it selects everything in the cluster",
        ),
        (
            "shop/kubernetes/servicemonitor.yaml",
            lambda document: document["spec"]["endpoints"][0]["relabelings"][0].update(
                replacement="other"
            ),
            "it names the job other, which no rule asks for",
        ),
        (
            "shop/kubernetes/servicemonitor.yaml",
            lambda document: document.update(kind="Nonsense"),
            "opsgen writes no resource of the kind Nonsense",
        ),
    ],
)
def test_what_says_otherwise_than_the_plain_file_is_found(
    files: Files, path: str, change: Callable[[Any], None], wrong: str
) -> None:
    in_yaml(files, path, change)

    assert list(judged_by_comparison(files)) == [(path, wrong)]


def test_a_probe_at_another_interval_is_found(files: Files) -> None:
    (path,) = [path for path in files if path.startswith("shop/kubernetes/probe-")]
    in_yaml(files, path, lambda document: document["spec"].update(interval="9m"))

    ((found, wrong),) = judged_by_comparison(files)
    assert found == path
    assert wrong.startswith("it polls otherwise than shop/probes.yaml does")


def test_a_site_without_a_runbook_is_found(files: Files) -> None:
    text = files["mkdocs/mkdocs.yml"]
    files["mkdocs/mkdocs.yml"] = text.replace("shop/runbook.md", "shop/gone.md")

    assert list(judged_by_comparison(files)) == [
        ("mkdocs/mkdocs.yml", "it does not list shop/runbook.md"),
        ("mkdocs/mkdocs.yml", "it lists shop/gone.md, which does not exist"),
    ]


def test_an_entity_of_a_page_that_is_gone_is_found(files: Files) -> None:
    path = "mkdocs/catalog-info.yaml"
    files[path] = files[path].replace("/shop/runbook", "/shop/gone")

    assert list(judged_by_comparison(files)) == [
        (path, "it does not list shop/runbook.md"),
        (path, "it lists shop/gone.md, which does not exist"),
    ]


def test_a_folder_of_resources_without_a_kustomization_is_found(files: Files) -> None:
    del files["shop/kubernetes/kustomization.yaml"]

    wrongs = [wrong for _, wrong in judged_by_comparison(files)]
    assert "there is no kustomization.yaml beside it" in wrongs


@pytest.mark.parametrize("text", ["", "[]\n", "{}\n", "a: [\n", "5\n"])
def test_a_file_that_cannot_be_read_is_a_finding_and_no_crash(files: Files, text: str) -> None:
    of_our_judges = [
        path
        for path in files
        if (kind := artifact_kind_of(path))
        and isinstance(kind.judge, Comparison)
        and path.endswith((".yaml", ".json"))
    ]
    for path in of_our_judges:
        damaged = {**files, path: text}

        assert path in [found for found, _ in judged_by_comparison(damaged)], path


def test_each_kind_of_a_target_that_is_missing_is_a_gap(files: Files) -> None:
    targets = tuple(TARGETS)
    assert list(missing_files("fleet", files, targets)) == []
    assert list(missing_files("service", files, targets, "shop")) == []

    wanted = [kind for kind in ARTIFACT_KINDS.values() if kind.always]
    for kind in wanted:
        rest = [path for path in files if not kind.has(path)]
        assert list(missing_files(kind.of, rest, targets, "shop")) != [], kind.name
