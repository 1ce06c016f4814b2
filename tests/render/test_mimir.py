"""Rules for Mimir's ruler: the same as Prometheus', in namespaces, within its limits."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from opsgen.fleet.make import made_of
from tests.specs import file_texts, fleet

SPEC = "service: shop\nteam: web\nconvention: prometheus-http\nslos: [{availability: 99.9%}]\n"
PROJECT = """\
targets: [files, mimir]
channels: {chat: {webhook: {url: "http://chat.example.com"}}}
escalation: {calm: [{notify: [chat]}]}
teams: {web: {escalation: {page: calm}}}
watchdog: {notify: chat}
"""


def written(folder: Path, spec: str = SPEC) -> dict[str, str]:
    return file_texts(folder, spec, PROJECT)


def test_the_groups_are_those_of_the_rules_in_a_namespace_of_their_own(tmp_path: Path) -> None:
    texts = written(tmp_path)
    spaces = []
    for folder in ("shop/", ""):
        document = yaml.safe_load(texts[f"{folder}mimir.yaml"])
        spaces.append(document.pop("namespace"))
        assert document == yaml.safe_load(texts[f"{folder}rules.yaml"])

    assert spaces == ["opsgen-shop", "opsgen"]


def test_no_group_has_more_rules_than_mimir_takes_and_none_reads_what_a_later_one_records(
    tmp_path: Path,
) -> None:
    many = "".join(
        f"- {{name: n{number}, objective: 99%, bad: 'rate(bad_{number}[5m])', total:"
        f" 'rate(all_{number}[5m])'}}\n"
        for number in range(5)
    )
    groups = yaml.safe_load(
        written(tmp_path, SPEC.replace("slos: [{availability: 99.9%}]\n", f"slos:\n{many}"))[
            "shop/mimir.yaml"
        ]
    )["groups"]

    assert len({group["name"] for group in groups}) == len(groups)
    assert max(len(group["rules"]) for group in groups) <= 20
    for group in groups:
        for at, rule in enumerate(group["rules"]):
            later = {
                (one["record"], one["labels"].get("slo", ""))
                for one in group["rules"][at:]
                if "record" in one
            }
            read = {
                name
                for name, slo in later
                if f"{name}{{" in rule["expr"] and f'slo="{slo}"' in rule["expr"]
            }
            assert not read, (group["name"], rule)


def test_promtool_takes_them_but_for_the_namespace(promtool: Path, tmp_path: Path) -> None:
    document = yaml.safe_load(written(tmp_path)["shop/mimir.yaml"])
    del document["namespace"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [promtool, "check", "rules", "--lint-fatal", tmp_path / "rules.yaml"], check=False
    )

    assert done.returncode == 0


def test_more_groups_than_a_tenant_has_are_warned_of(tmp_path: Path) -> None:
    assert not any(
        "rule groups" in one for one in made_of(fleet(tmp_path / "few", SPEC, PROJECT)).warnings
    )
    many = "".join(
        f"- {{name: n{number}, objective: 99%, bad: 'rate(bad_{number}[5m])', total:"
        f" 'rate(all_{number}[5m])'}}\n"
        for number in range(40)
    )
    spec = SPEC.replace("slos: [{availability: 99.9%}]\n", f"slos:\n{many}")

    (said,) = [
        one
        for one in made_of(fleet(tmp_path / "many", spec, PROJECT)).warnings
        if "rule groups" in one
    ]
    assert "Mimir allows 70 for a tenant" in said
