"""Claims about the site of runbooks: everything is in its navigation, and every alert's link leads
to its section."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsgen.fleet.build import contents, write_fleet
from opsgen.fleet.make import make_fleet
from tests.programs import ROOT
from tests.specs import fleet

SPEC = "service: shop\ntitle: 'The shop: all of it'\nteam: web\ntier: 2\nconvention: grpc\n"


class _Loader(yaml.SafeLoader):
    """With the tag by which MkDocs finds a Python function."""


_Loader.add_multi_constructor(
    "tag:yaml.org,2002:python/name:", lambda _loader, suffix, _node: suffix
)


def _files(folder: Path, project: str) -> dict[str, str]:
    found = contents(fleet(folder, SPEC, project), folder / "out")[""]
    return {artifact.path: artifact.content for artifact in found.artifacts}


def test_the_site_is_written_for_its_target_alone(tmp_path: Path) -> None:
    without, with_it = (
        _files(tmp_path / "a", ""),
        _files(tmp_path / "b", "targets: [files, mkdocs]\n"),
    )

    assert with_it.keys() - without.keys() == {"mkdocs/mkdocs.yml", "mkdocs/catalog-info.yaml"}


def test_services_are_found_by_team_and_tier(tmp_path: Path) -> None:
    site: dict[str, Any] = yaml.load(
        _files(tmp_path, "targets: [mkdocs]\n")["mkdocs/mkdocs.yml"], Loader=_Loader
    )

    assert site["nav"] == [
        {"Services": "README.md"},
        {"web": [{"Tier 2": [{"The shop: all of it": "shop/runbook.md"}]}]},
    ]


def test_backstage_has_a_component_for_every_service(tmp_path: Path) -> None:
    (entity,) = yaml.safe_load_all(
        _files(tmp_path, "targets: [mkdocs]\n")["mkdocs/catalog-info.yaml"]
    )

    assert (entity["kind"], entity["metadata"]["name"], entity["spec"]["owner"]) == (
        "Component",
        "shop",
        "web",
    )
    assert entity["metadata"]["annotations"]["backstage.io/techdocs-ref"] == "dir:."


@pytest.mark.slow
def test_every_alerts_link_leads_to_its_section_of_the_site(tmp_path: Path) -> None:
    mkdocs = shutil.which("mkdocs")
    if mkdocs is None:
        pytest.skip("mkdocs is not on the path; pip install mkdocs-material installs it")
    specs = tmp_path / "specs"
    shutil.copytree(ROOT / "specs", specs)
    project = (specs / "opsgen.yaml").read_text()
    (specs / "opsgen.yaml").write_text(
        f"targets: [files, mkdocs]\n{project.replace('out: ../out', 'out: out')}"
    )
    write_fleet(make_fleet([specs]), specs / "out", force=False)

    built = subprocess.run(
        [mkdocs, "build", "--strict"],
        cwd=specs / "out" / "mkdocs",
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 0, built.stderr
    seen = 0
    for rules in (specs / "out").glob("*/rules.yaml"):
        page = (specs / "site" / rules.parent.name / "runbook" / "index.html").read_text(
            encoding="utf-8"
        )
        for anchor in re.findall(r"runbook_url: \S*#(\S+)", rules.read_text(encoding="utf-8")):
            assert f'id="{anchor}"' in page
            seen += 1
    assert seen > 0
