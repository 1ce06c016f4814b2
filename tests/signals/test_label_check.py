"""A query of a spec whose labels cannot be right is a mistake at its line, and what is taken for
granted of its series can be switched off in the project file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.specs import file_texts, refused

QUOTA = """\
service: cart
convention: grpc
match: {job: shop/cart}
business:
  - name: quota
    query: sum by (job) (rate(errs_total[5m])) / quota
    unit: ratio
    alerts: [{above: 0.5, for: 5m}]
"""


def test_what_only_holds_for_scraped_series_says_so_and_how_to_switch_it_off(
    tmp_path: Path,
) -> None:
    said = refused(tmp_path, QUOTA)

    assert all(line.startswith("service.yaml:5:5: quota: ") for line in said)
    assert any(
        "never match" in line
        and "if these series are scraped" in line
        and line.endswith("; if they are pushed, write prometheus: {pushed: true} in opsgen.yaml")
        for line in said
    )


def test_a_project_whose_series_are_pushed_takes_no_instance_for_granted(
    promtool: Path, tmp_path: Path
) -> None:
    texts = file_texts(tmp_path, QUOTA, "prometheus: {pushed: true}\n")
    for name in ("rules.yaml", "rules.test.yaml"):
        (tmp_path / name).write_text(texts[f"cart/{name}"])

    proven = subprocess.run(
        [promtool, "test", "rules", tmp_path / "rules.test.yaml"], capture_output=True, text=True
    )

    assert 'alertname="QuotaHigh"' in texts["cart/rules.test.yaml"]
    assert 'quota{job="shop/cart"}' in texts["cart/rules.test.yaml"]
    assert proven.returncode == 0, proven.stdout + proven.stderr


@pytest.mark.parametrize("pushed", ["true", "false"])
def test_what_holds_for_all_series_is_a_mistake_in_either_case(tmp_path: Path, pushed: str) -> None:
    query = "sum by (pod) (sum by (job) (errs))"
    spec = QUOTA.replace("sum by (job) (rate(errs_total[5m])) / quota", query)

    said = refused(tmp_path, spec, f"prometheus: {{pushed: {pushed}}}\n")

    assert all("groups by `pod`" in line and "pushed" not in line for line in said)
