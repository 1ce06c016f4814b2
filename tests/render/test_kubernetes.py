"""Resources of a cluster: what their definitions take, that they say what the plain files say, and
that they fit."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from opsgen.errors import InputError
from tests.cli.test_commands import run
from tests.render.crds import definition
from tests.specs import file_texts, refused, warned

SPEC = """\
service: shop
team: web
convention: otel-http
match: {namespace: till, job: $hop}
slos: [{availability: 99.9%}]
uptime: ["https://shop.example.com/healthz", {url: "https://shop.example.com/ready", interval: 10s, timeout: 8s}]
"""
BY_SERVICE = SPEC + "scrape: {services: {app.kubernetes.io/name: shop}, port: http-metrics}\n"
BY_POD = (
    SPEC + "scrape: {pods: {app: shop}, port: http, path: /m, scheme: https, namespace: other}\n"
)
PROJECT = """\
targets: [files, kubernetes]
kubernetes: {namespace: monitoring, labels: {release: kube-prometheus-stack}}
grafana: {folder: Shop & Till}
blackbox: {address: "blackbox:9115"}
alertmanager: {version: "0.28"}
channels: {chat: {webhook: {url_file: /etc/alertmanager/chat}}}
escalation: {calm: [{notify: [chat]}]}
teams: {web: {escalation: {page: calm}}}
watchdog: {notify: chat}
"""
BY_OPERATOR = PROJECT.replace(
    "{namespace: monitoring, ", "{dashboards: operator, grafana: {dashboards: grafana}, "
)


def written(folder: Path, spec: str = BY_SERVICE, project: str = PROJECT) -> dict[str, str]:
    """The text of every file, by its path."""
    return file_texts(folder, spec, project)


def resources(texts: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Every resource by its path, kustomizations aside."""
    found = {path: yaml.safe_load(text) for path, text in texts.items() if "kubernetes/" in path}
    return {path: one for path, one in found.items() if one["kind"] != "Kustomization"}


@pytest.mark.parametrize("spec", [BY_SERVICE, BY_POD], ids=["services", "pods"])
@pytest.mark.parametrize("project", [PROJECT, BY_OPERATOR], ids=["sidecar", "operator"])
def test_their_definitions_take_them(
    sample_data: Path, tmp_path: Path, spec: str, project: str
) -> None:
    found = resources(written(tmp_path, spec, project)).values()

    defined = [one for one in found if one["kind"] != "ConfigMap"]
    for one in defined:
        jsonschema.validate(one, definition(sample_data, one["kind"]))
    assert len(defined) > 6


@pytest.mark.parametrize("project", [PROJECT, BY_OPERATOR], ids=["sidecar", "operator"])
def test_each_has_a_name_of_its_own_and_the_labels_that_select_it(
    tmp_path: Path, project: str
) -> None:
    found = resources(written(tmp_path, project=project)).values()

    names = [(one["kind"], one["metadata"]["name"]) for one in found]
    assert len(set(names)) == len(names)
    for one in found:
        assert one["metadata"]["labels"]["release"] == "kube-prometheus-stack"
        assert one["metadata"].get("namespace") == (
            None if project is BY_OPERATOR else "monitoring"
        )


def test_the_rules_are_those_of_the_file(tmp_path: Path) -> None:
    texts = written(tmp_path)

    for folder in ("shop/", ""):
        resource = yaml.safe_load(texts[f"{folder}kubernetes/prometheusrule.yaml"])
        assert resource["spec"] == yaml.safe_load(texts[f"{folder}rules.yaml"])


def test_the_probes_are_those_of_the_scrape_configuration(tmp_path: Path) -> None:
    texts = written(tmp_path)
    jobs = {
        job["job_name"]: job for job in yaml.safe_load(texts["shop/probes.yaml"])["scrape_configs"]
    }
    probes = [one["spec"] for one in resources(texts).values() if one["kind"] == "Probe"]

    assert {probe["jobName"] for probe in probes} == set(jobs)
    for probe in probes:
        job = jobs[probe["jobName"]]
        (static,) = job["static_configs"]
        assert probe["targets"]["staticConfig"] == {
            "static": static["targets"],
            "labels": static["labels"],
        }
        assert (probe["interval"], probe["scrapeTimeout"]) == (
            job["scrape_interval"],
            job["scrape_timeout"],
        )
        assert [probe["module"]] == job["params"]["module"]
        assert probe["prober"]["url"] == job["relabel_configs"][-1]["replacement"]


def test_what_is_scraped_has_the_job_that_the_rules_ask_for(tmp_path: Path) -> None:
    spec = resources(written(tmp_path))["shop/kubernetes/servicemonitor.yaml"]["spec"]

    assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "shop"}}
    assert spec["namespaceSelector"] == {"matchNames": ["till"]}
    (endpoint,) = spec["endpoints"]
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": "$$hop"}]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == (
        "http-metrics",
        "/metrics",
        "30s",
    )


def test_pods_are_scraped_where_no_service_has_the_port(tmp_path: Path) -> None:
    found = resources(written(tmp_path, BY_POD))

    assert "shop/kubernetes/servicemonitor.yaml" not in found
    spec = found["shop/kubernetes/podmonitor.yaml"]["spec"]
    assert spec["namespaceSelector"] == {"matchNames": ["other"]}
    (endpoint,) = spec["podMetricsEndpoints"]
    assert (endpoint["scheme"], endpoint["path"]) == ("https", "/m")


def test_without_a_namespace_all_are_searched_and_a_pattern_gives_no_job(tmp_path: Path) -> None:
    spec = BY_SERVICE.replace(
        "match: {namespace: till, job: $hop}", "match: {job: {regex: shop.*}}"
    )

    monitor = resources(written(tmp_path, spec))["shop/kubernetes/servicemonitor.yaml"]["spec"]
    assert monitor["namespaceSelector"] == {"any": True}
    assert "relabelings" not in monitor["endpoints"][0]


def test_a_service_that_says_nothing_of_scraping_has_no_monitor(tmp_path: Path) -> None:
    kinds = {one["kind"] for one in resources(written(tmp_path, SPEC)).values()}

    assert kinds == {"PrometheusRule", "Probe", "ConfigMap", "AlertmanagerConfig"}


@pytest.mark.parametrize("dashboard", ["shop/dashboard.json", "overview.json"])
def test_the_dashboards_are_those_of_the_files(tmp_path: Path, dashboard: str) -> None:
    head, _, name = dashboard.rpartition("/")
    path = f"{head}/kubernetes/{name}".lstrip("/").replace(".json", ".yaml")
    texts = written(tmp_path / "sidecar")
    model = json.loads(texts[dashboard])

    sidecar = yaml.safe_load(texts[path])
    assert sidecar["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert sidecar["metadata"]["annotations"] == {"grafana_folder": "Shop & Till"}
    assert {key: json.loads(text) for key, text in sidecar["data"].items()} == {
        f"{model['uid']}.json": model
    }

    operated = resources(written(tmp_path / "operator", project=BY_OPERATOR))[path]
    assert operated["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana"}}
    assert operated["spec"]["folder"] == "Shop & Till"
    assert json.loads(operated["spec"]["json"]) == model


def test_the_watchdog_beats_in_a_cluster_too(tmp_path: Path) -> None:
    texts = written(tmp_path)
    spec = resources(texts)["kubernetes/alertmanagerconfig.yaml"]["spec"]

    assert spec["route"]["matchers"] == [
        {"name": "alertname", "matchType": "=", "value": "Watchdog"}
    ]
    (told,) = spec["receivers"]
    assert told["name"] == spec["route"]["receiver"]
    assert told["webhookConfigs"] == [
        {"sendResolved": False, "urlSecret": {"name": "opsgen-chat", "key": "url"}}
    ]
    assert "opsgen-chat: url" in texts["kubernetes/alertmanagerconfig.yaml"]


def test_kustomizations_list_all_there_is(tmp_path: Path) -> None:
    texts = written(tmp_path)

    for folder in ("shop/kubernetes", "kubernetes"):
        listed = yaml.safe_load(texts[f"{folder}/kustomization.yaml"])["resources"]
        there = {path.removeprefix(f"{folder}/") for path in texts if path.startswith(f"{folder}/")}
        others = {"../shop/kubernetes"} if folder == "kubernetes" else set()
        assert set(listed) == there - {"kustomization.yaml"} | others
        assert len(listed) == len(set(listed))


def test_the_fleet_lists_services_that_were_built_before(tmp_path: Path) -> None:
    (tmp_path / "opsgen.yaml").write_text(PROJECT)
    for name in ("shop", "till"):
        (tmp_path / f"{name}.yaml").write_text(SPEC.replace("service: shop", f"service: {name}"))
    for _ in range(2):
        assert [
            run("build", f"{name}.yaml", cwd=tmp_path).returncode for name in ("shop", "till")
        ] == [0, 0]

    listed = yaml.safe_load((tmp_path / "out" / "kubernetes" / "kustomization.yaml").read_text())[
        "resources"
    ]
    assert listed[-2:] == ["../shop/kubernetes", "../till/kubernetes"]


@pytest.mark.slow
def test_kustomize_builds_the_fleet(tmp_path: Path) -> None:
    kustomize = shutil.which("kustomize")
    if kustomize is None:
        pytest.skip("kustomize is not installed")
    (tmp_path / "opsgen.yaml").write_text(PROJECT)
    (tmp_path / "shop.yaml").write_text(BY_SERVICE)
    assert run("build", "shop.yaml", cwd=tmp_path).returncode == 0

    done = subprocess.run(
        [kustomize, "build", "out/kubernetes"], cwd=tmp_path, capture_output=True, check=True
    )
    built = {
        (one["kind"], one["metadata"]["name"])
        for one in yaml.load_all(done.stdout, Loader=yaml.BaseLoader)
    }
    texts = {
        str(path.relative_to(tmp_path / "out")): path.read_text()
        for path in tmp_path.glob("out/**/*.yaml")
    }
    assert built == {(one["kind"], one["metadata"]["name"]) for one in resources(texts).values()}


# -- size ------------------------------------------------------------------------------------------

_MANY_SLOS = (
    SPEC.replace("slos: [{availability: 99.9%}]\n", "")
    + "slos:\n"
    + "".join(
        f"- {{name: n{number}, objective: 99%, bad: 'rate(bad_{number}[5m])', total:"
        f" 'rate(all_{number}[5m])'}}\n"
        for number in range(30)
    )
)
_LONG_TEXTS = (
    SPEC
    + "business:\n"
    + "".join(
        f"- {{name: n{number}, query: up, description: '{'word ' * 900}', alerts: [{{below:"
        " 1}]}\n"
        for number in range(66)
    )
)


def test_rules_that_are_too_large_for_one_resource_are_several(tmp_path: Path) -> None:
    texts = written(tmp_path, _MANY_SLOS)
    parts = {
        path: one
        for path, one in resources(texts).items()
        if one["kind"] == "PrometheusRule" and "shop" in path
    }

    assert len(parts) > 1
    groups = [group for one in parts.values() for group in one["spec"]["groups"]]
    assert groups == yaml.safe_load(texts["shop/rules.yaml"])["groups"]
    assert len({one["metadata"]["name"] for one in parts.values()}) == len(parts)
    for one in resources(texts).values():
        assert len(json.dumps(one, separators=(",", ":"))) < 256 * 1024


def test_what_no_cluster_takes_is_refused_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        written(tmp_path, _LONG_TEXTS)

    (said,) = [str(mistake).replace(f"{tmp_path}/", "") for mistake in caught.value.mistakes]
    assert said.startswith("service.yaml:1:10: service: its ConfigMap has ")
    assert (
        "KiB, and Kubernetes takes 240; shorten its texts, make two services of it, or leave"
        in said
    )


# -- what people write -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scrape", "said"),
    [
        ("{port: http}", "scrape is incomplete; write one of services, pods"),
        (
            "{services: {app: x}, pods: {app: x}, port: http}",
            "scrape can't have services and pods together; write one of",
        ),
        ("{services: {app: x}}", "port"),
        ("{services: {}, port: http}", "services"),
        ("{services: {app: x}, port: 8080}", "port"),
        ("{services: {app: x}, port: '8080'}", "is not a valid Kubernetes port name"),
        ("{services: {app: x}, port: a-name-of-16-xyz}", "is not a valid Kubernetes port name"),
        ("{services: {'a b': x}, port: http}", "is not a valid Kubernetes label;"),
        ("{services: {app: 'a b'}, port: http}", "is not a valid Kubernetes label value"),
        ("{services: {app: x}, port: http, path: metrics}", "path"),
        ("{services: {app: x}, port: http, namespace: A}", "namespace"),
    ],
)
def test_what_can_not_be_scraped_is_refused(tmp_path: Path, scrape: str, said: str) -> None:
    found = refused(tmp_path, SPEC + f"scrape: {scrape}\n", PROJECT)

    assert any(said in one and one.startswith("service.yaml:7:") for one in found), found


def test_scraping_without_the_target_is_warned_of(tmp_path: Path) -> None:
    assert warned(tmp_path, BY_SERVICE, PROJECT.replace(", kubernetes]", "]")) == [
        "service.yaml:7: this has no effect without the target kubernetes"
    ]


def test_labels_of_an_operator_that_is_not_asked_are_refused(tmp_path: Path) -> None:
    project = PROJECT.replace("{namespace: monitoring,", "{grafana: {a: b},")

    assert "grafana only works with dashboards: operator" in refused(tmp_path, SPEC, project)[0]


@pytest.mark.parametrize("target", ["kubernetes", "terraform", "grafana", "mkdocs"])
def test_no_service_has_the_name_of_a_targets_folder(tmp_path: Path, target: str) -> None:
    spec = SPEC.replace("service: shop", f"service: {target}")
    project = PROJECT.replace("[files, kubernetes]", f"[{target}]") + "catch_all: chat\n"

    assert refused(tmp_path, spec, project) == [
        f"service.yaml:1:10: service: the target {target} writes a folder of this name; give the"
        " service another name"
    ]
    assert written(tmp_path, spec, project.replace(f"[{target}]", "[files]"))
