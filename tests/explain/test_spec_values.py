"""What `opsgen explain` says of a spec's keys: all of them, with their values and where those come
from."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsgen.explain.explanation import explain_json, explain_text
from opsgen.fleet.load import load_fleet
from opsgen.load.service_spec import ServiceSpec
from tests.specs import derived, fleet

_EVERYTHING = Path(__file__).parents[1] / "golden" / "everything" / "specs" / "shop.yaml"


def _values(folder: Path, spec: str) -> dict[str, tuple[str, str]]:
    """Value and origin of every path, with files named from the folder."""
    values = explain_json(derived(folder, spec))["values"]
    return {row["path"]: (row["value"], row["origin"].replace(f"{folder}/", "")) for row in values}


@pytest.mark.parametrize("index", [0, 1])
def test_every_key_of_a_spec_is_named_in_every_environment(index: int) -> None:
    explained = explain_json(load_fleet([_EVERYTHING]).services[index])

    paths = [row["path"] for row in explained["values"]]
    for key in ServiceSpec.model_fields:
        named = [path for path in paths if path == key or path.startswith((f"{key}.", f"{key}["))]
        assert named, f"{key} is not explained"


def test_no_value_is_named_twice() -> None:
    for model in load_fleet([_EVERYTHING]).services:
        paths = [row["path"] for row in explain_json(model)["values"]]
        assert sorted(set(paths)) == sorted(paths)


def test_a_key_that_nothing_is_derived_from_is_shown_as_it_is_written(tmp_path: Path) -> None:
    spec = """\
service: shop
description: |
  Turns a basket
  into a paid order.
slos: [{name: fresh, objective: 99%, bad: 'rate(a_total[5m])', total: 'rate(b_total[5m])'}]
resources: {cpu: 85%, disk: {above: 90%, full_within: 4d}}
dependencies: [{postgresql: orders-db}, {service: cart}]
runbook:
  deploy: make deploy
environment_variables: [{name: DATABASE_URL, secret: true}, {name: PORT}]
environments: {production: {}, staging: {}}
"""

    values = _values(tmp_path, spec)

    assert values["title"] == ("shop", "default: the service's name")
    assert values["description"] == ("Turns a basket into a paid order.", "service.yaml:2")
    assert values["resources.cpu"] == ("85%", "service.yaml:6")
    assert values["resources.disk"] == ("above 90%, full_within 4d", "service.yaml:6")
    assert values["dependencies[0]"] == ("postgresql orders-db", "service.yaml:7")
    assert values["dependencies[1]"] == ("service cart", "service.yaml:7")
    assert values["runbook.deploy"] == ("make deploy", "service.yaml:9")
    assert values["environment_variables"] == ("DATABASE_URL, PORT", "service.yaml:10")
    assert values["environments"] == ("production, staging", "service.yaml:11")


def test_a_key_that_is_left_out_is_shown_as_not_given(tmp_path: Path) -> None:
    values = _values(tmp_path, "service: shop\nconvention: grpc\n")

    assert values["scrape"] == values["slos"] == values["runbook"] == ("none", "not given")


def test_buckets_are_shown_beside_the_settings_of_their_section(tmp_path: Path) -> None:
    spec = "service: shop\nconvention: grpc\nlatency: {p95: 300ms, buckets: [100ms, 500ms]}\n"

    values = _values(tmp_path, spec)

    assert values["latency.p95"] == ("300ms", "service.yaml:3")
    assert values["latency.buckets"] == ("100ms, 500ms", "service.yaml:3")


def test_a_value_of_an_environment_is_from_its_own_line(tmp_path: Path) -> None:
    spec = """\
service: shop
convention: grpc
match: {job: shop}
runbook: {logs: one}
environments:
  production: {}
  staging:
    match: {job: shop-staging}
    runbook: {logs: another}
"""

    staging = explain_text(fleet(tmp_path, spec).services[1])

    rows = staging.split("\n  ")
    (logs,) = (index for index, row in enumerate(rows) if row.startswith("runbook.logs"))
    assert rows[logs].split() == ["runbook.logs", "another"]
    assert rows[logs + 1].strip() == f"from {tmp_path}/service.yaml:9"


def test_external_labels_of_the_project_are_named_with_their_place(tmp_path: Path) -> None:
    explained = explain_json(
        fleet(
            tmp_path,
            "service: shop\nconvention: grpc\n",
            "prometheus: {external_labels: [cluster, region]}\n",
        ).services[0]
    )

    values = {row["path"]: (row["value"], row["origin"]) for row in explained["values"]}
    assert values["prometheus.external_labels"] == (
        "cluster, region",
        f"{tmp_path}/opsgen.yaml:1",
    )
