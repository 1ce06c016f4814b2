"""Claims about mistakes of several kinds at once: one in a spec's form, in the project file or in
the library hides none that does not follow from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from opsgen.cli.main import main
from tests.specs import refused

SHOP = "service: shop\nteam: web\n"
WIB = (
    "convention: there is no convention 'wib'; the conventions are fastapi-instrumentator, grpc,"
    " otel-http, prometheus-http"
)
WEB = "teams: {web: {}}\n"
OWN = f"{WEB}templates: own\n"
PACK = (
    "pack: pgs\nfor: dependency\ntitle: P\nsource: me\nexplained_by: []\nsignals: []\nwrong: here\n"
)


def _paths(said: list[str]) -> list[str]:
    return [line.split(": ")[1] for line in said]


def _write(folder: Path, kind: str, name: str, text: str) -> None:
    file = folder / "own" / kind / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("form", "at"),
    [
        ("latncy: {p99: 1s}", "latncy"),
        ("slos: [{availability: 999%}]", "slos[0].availability"),
        ("runbook: 7", "runbook"),
        ("environments: {production: {slos: [{availability: 999%}]}}", "environments.production"),
    ],
)
def test_a_mistake_of_form_hides_no_unknown_convention(tmp_path: Path, form: str, at: str) -> None:
    said = refused(tmp_path, f"{SHOP}convention: wib\n{form}\n")

    assert said[0] == f"service.yaml:3:13: {WIB}"
    assert len(said) == 2
    assert _paths(said)[1].startswith(at)


def test_a_mistake_of_form_hides_no_unknown_name(tmp_path: Path) -> None:
    spec = (
        "service: Shop!\nteam: wbe\nruntime: vms\nprocess: jvn\nescalation: {page: loud}\n"
        "dependencies: [{postgre: db, match: {job: db}}]\nmatch: {job: {regex: '('}}\n"
    )

    said = refused(tmp_path, spec, WEB)

    assert _paths(said) == [
        "service",
        "team",
        "runtime",
        "process",
        "escalation.page",
        "dependencies[0].postgre",
        "match.job.regex",
    ]


def test_a_mistake_in_a_key_hides_none_in_the_rest_of_it(tmp_path: Path) -> None:
    spec = (
        f"{SHOP}convention: {{use: wib, bukets: 3}}\n"
        "environments: {production: {}, staging: {team: wbe, slos: [{availability: 999%}]}}\n"
    )

    assert _paths(refused(tmp_path, spec, WEB)) == [
        "convention",
        "convention.bukets",
        "environments.staging.team",
        "environments.staging.slos[0].availability",
    ]


def test_what_only_follows_from_a_mistake_of_form_is_not_told(tmp_path: Path) -> None:
    spec = (
        f"{SHOP}convention: WIB!\nslos: [{{availability: 99%}}]\nlatency: {{p99: 1s}}\n"
        "uptime: [7]\nsettings: {probes: {}}\n"
    )

    assert _paths(refused(tmp_path, spec)) == ["convention", "uptime[0]"]


def test_a_service_without_a_name_is_resolved_nevertheless(tmp_path: Path) -> None:
    said = refused(tmp_path, "team: web\nconvention: wib\n")

    assert said == [
        "service.yaml:1:1: service is missing; add it, for example service: checkout",
        f"service.yaml:2:13: {WIB}",
    ]


@pytest.mark.parametrize(
    ("kind", "text"), [("packs", PACK), ("conventions", "convention: pgs\nwrong: here\n")]
)
def test_a_mistake_in_a_file_of_the_library_hides_no_unknown_name(
    tmp_path: Path, kind: str, text: str
) -> None:
    _write(tmp_path, kind, "bad.yaml", text)

    said = refused(tmp_path, "service: shop\nconvention: wib\nruntime: vms\nteam: wbe\n", OWN)

    of_spec = [line for line in said if line.startswith("service.yaml")]
    assert any(line.startswith(f"own/{kind}/bad.yaml:") for line in said)
    assert _paths(of_spec) == ["convention", "runtime", "team"]


def test_what_a_faulty_file_would_have_added_is_not_unknown(tmp_path: Path) -> None:
    _write(tmp_path, "packs", "pgs.yaml", PACK)
    _write(tmp_path, "conventions", "broken.yaml", "convention: ours\nwrong: here\n")
    _write(tmp_path, "conventions", "unread.yaml", "convention: [")
    needs = "dependencies: [{pgs: db, match: {job: db}}]"
    uses = f"{needs}\nenvironments: {{production: {{}}, staging: {{{needs}}}}}\n"

    for convention in ("ours", "unread"):
        said = refused(tmp_path, f"{SHOP}convention: {convention}\n{uses}", OWN)

        assert all(line.startswith("own/") for line in said)


@pytest.mark.parametrize(
    "project", ["prometheus: {version: '2.41'}\n", "slo: {windw: 1d}\n", "teams: [\n"]
)
def test_a_mistake_in_the_project_hides_no_unknown_convention(tmp_path: Path, project: str) -> None:
    said = refused(tmp_path, "service: shop\nteam: wbe\nconvention: wib\n", project)

    assert said[0].startswith("opsgen.yaml:")
    is_read = "[" not in project
    assert said[1:] == ([f"service.yaml:3:13: {WIB}"] if is_read else [])


def test_a_mistake_in_the_project_hides_none_in_the_library(tmp_path: Path) -> None:
    _write(tmp_path, "packs", "pgs.yaml", PACK)

    said = refused(tmp_path, f"{SHOP}convention: wib\n", f"{OWN}slo: {{windw: 1d}}\n")

    files = {line.split(":")[0] for line in said}
    assert files == {"opsgen.yaml", "own/packs/pgs.yaml", "service.yaml"}


def test_a_build_tells_them_together(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(f"{SHOP}convention: wib\nlatncy: {{p99: 1s}}\n")

    result = CliRunner().invoke(main, ["build", str(tmp_path / "shop.yaml")])

    assert result.exit_code == 2
    assert "'wib'" in result.stderr
    assert "latncy" in result.stderr
