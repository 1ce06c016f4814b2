"""The command line as a user meets it: what is printed, what is written, and the exit code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import ROOT, require_program

SPEC = """\
service: shop
team: web
convention: prometheus-http
match: {job: shop}
slos:
  - availability: 99.9%
"""


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """One run of the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "opsgen", *arguments],
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SPEC)
    return tmp_path


def test_build_writes_the_whole_set_beside_the_spec(project: Path) -> None:
    done = run("build", "shop.yaml", cwd=project)

    assert done.returncode == 0, done.stderr
    written = set(tree(project / "out"))
    assert {
        "shop/rules.yaml",
        "shop/rules.test.yaml",
        "shop/dashboard.json",
        "shop/escalation.yaml",
        "shop/runbook.md",
        "alertmanager.yml",
        "overview.json",
        "README.md",
    } <= written
    assert done.stdout == ""


def test_a_second_build_changes_nothing(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    before = {path: path.stat().st_mtime_ns for path in (project / "out").rglob("*")}

    done = run("build", "shop.yaml", cwd=project)

    assert done.returncode == 0
    assert "nothing to do" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in (project / "out").rglob("*")} == before


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2"},
        {"LC_ALL": "C"},
        {"TZ": "Asia/Tokyo"},
        {"LANG": "tr_TR.UTF-8"},
    ],
)
def test_the_same_spec_gives_the_same_bytes_everywhere(
    project: Path, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> None:
    run("build", "shop.yaml", cwd=project)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "shop.yaml").write_text(SPEC)

    done = run("build", "shop.yaml", "--out", "out", cwd=elsewhere, **environment)

    assert done.returncode == 0, done.stderr
    assert tree(elsewhere / "out") == tree(project / "out")


def test_one_bad_spec_among_fifty_changes_nothing_and_names_every_mistake(project: Path) -> None:
    specs = project / "specs"
    specs.mkdir()
    for number in range(50):
        (specs / f"s{number}.yaml").write_text(SPEC.replace("service: shop", f"service: s{number}"))
    assert run("build", "specs", cwd=project).returncode == 0
    before = tree(project / "out")
    (specs / "s7.yaml").write_text(SPEC.replace("99.9%", "100%").replace("team", "taem"))
    (specs / "s8.yaml").write_text(
        SPEC.replace("service: shop", "service: s8").replace("99.9%", "99.5%")
    )

    done = run("build", "specs", cwd=project)

    assert done.returncode == 2
    assert "specs/s7.yaml:2:1: taem: unknown key; did you mean 'team'?" in done.stderr
    assert (
        "specs/s7.yaml:6:19: slos[0].availability: an objective of 100% leaves no error budget"
        in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert tree(project / "out") == before


def test_a_catch_all_that_is_a_teams_own_channel_too_is_no_gap(project: Path) -> None:
    (project / "opsgen.yaml").write_text(
        "channels: {chat: {webhook: {url: 'https://chat.example.com/hook'}}}\n"
        "escalation: {calm: [{notify: [chat]}]}\n"
        "teams: {web: {escalation: {page: calm}}}\n"
        "catch_all: chat\n"
        "watchdog: {notify: chat}\n"
    )

    done = run("check", "shop.yaml", cwd=project)

    assert done.returncode == 0, done.stderr
    assert "each with panel, runbook section, route and proof" in done.stderr


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three services, built."""
    (tmp_path / "specs").mkdir()
    for name in ("good", "bad", "odd"):
        (tmp_path / "specs" / f"{name}.yaml").write_text(SPEC.replace("shop", name))
    assert run("build", "specs", cwd=tmp_path).returncode == 0
    return tmp_path


_UNPROVABLE = "business: [{name: up, query: max(up), alerts: [{above: 0.5}]}]\n"


def test_who_keeps_going_leaves_out_what_is_wrong_and_keeps_what_was_made_of_it_last(
    three: Path,
) -> None:
    before = tree(three / "out")
    (three / "specs" / "bad.yaml").write_text(SPEC.replace("shop", "bad").replace("99.9%", "100%"))
    (three / "specs" / "odd.yaml").write_text(SPEC.replace("shop", "odd") + _UNPROVABLE)
    (three / "specs" / "good.yaml").write_text(
        SPEC.replace("shop", "good").replace("99.9%", "99.5%")
    )

    done = run("build", "--keep-going", "specs", cwd=three)

    after = tree(three / "out")
    assert done.returncode == 1
    assert "specs/bad.yaml:6:19: slos[0].availability: an objective of 100%" in done.stderr
    assert "no proof can be made for UpHigh" in done.stderr
    assert "left out, with their output unchanged: bad.yaml, odd.yaml" in done.stderr
    changed = {path.split("/")[0] for path in after if after[path] != before.get(path)}
    assert "good" in changed
    assert not changed & {"bad", "odd"}
    for name in ("good", "bad", "odd"):
        assert f'service="{name}"'.encode() in after["alertmanager.yml"]


def test_nobody_keeps_going_where_every_spec_is_wrong(three: Path) -> None:
    before = tree(three / "out")
    for name in ("good", "bad", "odd"):
        (three / "specs" / f"{name}.yaml").write_text(SPEC.replace("shop", name) + _UNPROVABLE)

    done = run("build", "--keep-going", "specs", cwd=three)

    assert done.returncode == 2
    assert "nothing was written" in done.stderr
    assert tree(three / "out") == before


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("route: [", "this is no longer part of an Alertmanager configuration"),
        ("hello", "this is no longer part of an Alertmanager configuration"),
        (
            "route: {receiver: x}\nreceivers: 5\n",
            "this is no longer part of an Alertmanager configuration",
        ),
        (
            "route: {routes: [{matchers: [], receiver: x}]}",
            "one of its routes takes alerts of services other than bad",
        ),
    ],
)
def test_a_fragment_that_somebody_spoilt_is_named_and_not_merged(
    three: Path, spoilt: str, said: str
) -> None:
    (three / "out" / "bad" / "escalation.yaml").write_text(spoilt)

    done = run("build", "specs/good.yaml", cwd=three)

    assert done.returncode == 2
    assert (
        f"out/bad/escalation.yaml:1:1: {said}; build the spec of bad again, with --force"
        in done.stderr
    )


def test_no_spec_at_all_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    done = run("build", "empty", "nowhere.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert "there is no spec in this folder" in done.stderr
    assert "nowhere.yaml:1:1: there is no such file or folder" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "name", ["../../etc", "/etc/passwd", "a/b", ".", "..", "CON/..", "a b", "Ümlaut"]
)
def test_a_service_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / "s.yaml").write_text(SPEC.replace("service: shop", f'service: "{name}"'))

    done = run("build", "s.yaml", cwd=folder)

    assert done.returncode == 2
    assert "s.yaml:1:10: service:" in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "down", "s.yaml"]


def test_what_people_write_in_a_runbook_stays_when_the_spec_changes(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    runbook = project / "out" / "shop" / "runbook.md"
    runbook.write_text(f"{runbook.read_text()}\nCall Ann first.\n")
    (project / "shop.yaml").write_text(SPEC.replace("99.9%", "99.5%"))

    built = run("build", "shop.yaml", cwd=project)
    checked = run("build", "--check", "shop.yaml", cwd=project)

    assert built.returncode == 0, built.stderr
    assert checked.returncode == 0, checked.stderr
    assert runbook.read_text().endswith("\nCall Ann first.\n")
    assert "99.5%" in runbook.read_text()


@pytest.mark.parametrize(
    ("way", "kept"), [("--take-mine", True), ("--take-theirs", False), ("--force", False)]
)
def test_an_edit_inside_of_a_block_is_shown_and_left_until_somebody_decides(
    project: Path, way: str, kept: bool
) -> None:
    run("build", "shop.yaml", cwd=project)
    runbook = project / "out" / "shop" / "runbook.md"
    edited = runbook.read_text().replace("## Maintenance", "## Our maintenance")
    runbook.write_text(edited)

    refused = run("build", "shop.yaml", cwd=project)
    left = runbook.read_text()
    settled = run("build", way, "shop.yaml", cwd=project)

    assert refused.returncode == 1
    assert "block maintenance" in refused.stderr
    assert "-## Maintenance" in refused.stderr
    assert "+## Our maintenance" in refused.stderr
    assert "--take-mine" in refused.stderr
    assert left == edited
    assert settled.returncode == 0, settled.stderr
    assert ("## Our maintenance" in runbook.read_text()) is kept
    assert run("build", "--check", "shop.yaml", cwd=project).returncode == 0


def test_a_broken_mark_is_a_mistake_at_its_line_and_nothing_is_written(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    runbook = project / "out" / "shop" / "runbook.md"
    runbook.write_text(runbook.read_text().replace("<!-- opsgen:end links -->\n", ""))
    before = tree(project / "out")
    (project / "shop.yaml").write_text(SPEC.replace("99.9%", "99.5%"))

    done = run("build", "shop.yaml", cwd=project)

    assert done.returncode == 2
    assert "shop/runbook.md:" in done.stderr
    assert "the block links has no end; write <!-- opsgen:end links -->" in done.stderr
    assert tree(project / "out") == before


def test_a_runbook_of_a_service_that_is_gone_stays_where_somebody_wrote_in_it(
    project: Path,
) -> None:
    specs = project / "specs"
    specs.mkdir()
    for name in ("shop", "till", "bank"):
        (specs / f"{name}.yaml").write_text(SPEC.replace("service: shop", f"service: {name}"))
    run("build", "specs", cwd=project)
    runbook = project / "out" / "till" / "runbook.md"
    runbook.write_text(f"{runbook.read_text()}\nCall Ann first.\n")
    (specs / "till.yaml").unlink()
    (specs / "bank.yaml").unlink()

    done = run("build", "specs", cwd=project)

    assert done.returncode == 1
    assert "till/runbook.md" in done.stderr
    assert "Call Ann first." in runbook.read_text()
    assert not (project / "out" / "bank").exists()


def test_what_somebody_wrote_is_never_removed_where_nothing_takes_its_place(project: Path) -> None:
    specs = project / "specs"
    specs.mkdir()
    (specs / "a.yaml").write_text(SPEC)
    (specs / "b.yaml").write_text(SPEC.replace("service: shop", "service: till"))
    run("build", "specs", cwd=project)
    runbook = project / "out" / "till" / "runbook.md"
    runbook.write_text("Call Ann first.\n")
    (specs / "b.yaml").unlink()

    forced = run("build", "--force", "specs", cwd=project)

    assert forced.returncode == 1
    assert "till/runbook.md: edited since opsgen wrote it, and no longer wanted" in forced.stderr
    assert "--force overwrites it" not in forced.stderr
    assert runbook.read_text() == "Call Ann first.\n"


def test_an_edit_is_said_to_be_one_beside_what_is_stale(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    (project / "out" / "shop" / "runbook.md").write_text("Call Ann first.\n")

    checked = run("build", "--check", "shop.yaml", cwd=project)

    assert checked.returncode == 1
    assert "opsgen keeps files edited by hand" in checked.stderr


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ no_such_thing }}", "no_such_thing"),
        ("{% for %}", "own/runbook/service.md.j2:1"),
        ("{{ ''.__class__.__mro__ }}", "__class__"),
    ],
)
def test_a_mistake_in_a_users_template_is_told_at_its_place(
    project: Path, template: str, said: str
) -> None:
    """The folder is named from above, as a project in a subfolder does."""
    own = project / "own" / "runbook"
    own.mkdir(parents=True)
    (own / "service.md.j2").write_text(template)
    (project / "specs").mkdir()
    (project / "specs" / "opsgen.yaml").write_text("templates: ../own\n")
    (project / "specs" / "shop.yaml").write_text(SPEC)

    done = run("build", "specs", cwd=project)

    assert done.returncode == 2
    assert "own/runbook/service.md.j2:1" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "out").exists()


def test_check_says_stale_and_writes_nothing(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    fresh = run("build", "--check", "shop.yaml", cwd=project)
    before = tree(project / "out")
    (project / "shop.yaml").write_text(SPEC.replace("99.9%", "99.5%"))

    stale = run("build", "--check", "shop.yaml", cwd=project)

    assert fresh.returncode == 0
    assert stale.returncode == 1
    assert "shop/rules.yaml" in stale.stderr
    assert tree(project / "out") == before


def test_a_service_that_is_gone_is_pruned_only_when_its_folder_is_built(project: Path) -> None:
    specs = project / "specs"
    specs.mkdir()
    for name in ("one", "two"):
        (specs / f"{name}.yaml").write_text(SPEC.replace("service: shop", f"service: {name}"))
    (project / "opsgen.yaml").write_text("out: out\n")
    run("build", "specs", cwd=project)
    (specs / "two.yaml").unlink()
    (project / "out" / "two" / "notes.txt").write_text("Ours.\n")

    alone = run("build", "specs/one.yaml", cwd=project)
    kept = (project / "out" / "two" / "rules.yaml").exists()
    together = run("build", "specs", cwd=project)

    assert (alone.returncode, kept) == (0, True)
    assert together.returncode == 0
    assert sorted(path.name for path in (project / "out" / "two").iterdir()) == ["notes.txt"]
    assert 'service="two"' not in (project / "out" / "alertmanager.yml").read_text()


def test_one_service_after_another_gives_the_files_of_all_at_once(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    specs = project / "specs"
    specs.mkdir()
    (project / "opsgen.yaml").write_text("out: out\n")
    for name in ("b", "a", "c"):
        (specs / f"{name}.yaml").write_text(SPEC.replace("service: shop", f"service: {name}"))
    together = tmp_path_factory.mktemp("together")

    for name in ("c", "a", "b"):
        run("build", f"specs/{name}.yaml", cwd=project)
    run("build", "specs", "--out", str(together), cwd=project)

    assert tree(project / "out") == tree(together)


def test_check_proves_the_shipped_examples(promtool: Path, amtool: Path) -> None:
    path = os.pathsep.join([str(promtool.parent), str(amtool.parent), os.environ["PATH"]])

    done = run("check", "--format", "json", "specs", cwd=ROOT, PATH=path)

    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["passed"] is True
    assert report["not_installed"] == []
    assert report["alerts"] > 40


def test_check_says_which_program_is_missing(project: Path) -> None:
    done = run("check", "shop.yaml", cwd=project, PATH="")

    assert done.returncode == 0, done.stderr
    assert "promtool is not installed" in done.stderr
    assert "amtool is not installed" in done.stderr
    assert not (project / "out").exists()


def test_init_writes_a_spec_that_builds_and_never_overwrites_one(tmp_path: Path) -> None:
    first = run("init", cwd=tmp_path)
    text = (tmp_path / "service.yaml").read_text()
    second = run("init", cwd=tmp_path)
    project = run("init", "--project", cwd=tmp_path)
    built = run("build", "service.yaml", cwd=tmp_path)

    assert (first.returncode, second.returncode, project.returncode) == (0, 2, 0)
    assert (tmp_path / "service.yaml").read_text() == text
    assert built.returncode == 0, built.stderr
    # What only its people can know: whether their Prometheus keeps as much as its budgets need.
    (warning,) = (line for line in built.stderr.splitlines() if line.startswith("warning"))
    assert "Prometheus keeps 15d, too little for" in warning


def test_explain_names_every_value_and_its_origin(project: Path) -> None:
    done = run("explain", "shop.yaml", cwd=project)

    assert done.returncode == 0
    assert "99.9% over 30d" in done.stdout
    assert "from shop.yaml:6" in done.stdout
    assert "default: as awesome-prometheus-alerts has it" in done.stdout
    assert "ErrorBudgetBurn (slo-availability), page" in done.stdout


def test_explain_gives_the_same_to_programs(project: Path) -> None:
    done = run("explain", "--format", "json", "shop.yaml", cwd=project)

    (explained,) = json.loads(done.stdout)
    assert {
        "path": "tier",
        "value": "2",
        "origin": "default: wakes people for what users notice",
    } in explained["values"]
    assert all(alert["words"] and alert["expr"] for alert in explained["alerts"])


def test_schema_is_json_on_stdout(tmp_path: Path) -> None:
    done = run("schema", cwd=tmp_path)

    assert json.loads(done.stdout)["properties"]["service"]["description"]


def test_a_field_that_is_not_generated_yet_is_said_to_be(project: Path) -> None:
    (project / "shop.yaml").write_text(SPEC + "resources: {cpu: 85%}\n")

    done = run("build", "shop.yaml", cwd=project)

    assert done.returncode == 0
    assert "not yet generated: shop.yaml: resources" in done.stderr


def test_lint_finds_what_can_never_match(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups:\n- name: a\n  rules:\n  - alert: Locks\n    expr: sum(pg_locks_count) /"
        " pg_settings_max_locks > 0.2\n"
    )

    done = run("lint", "rules.yaml", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stdout.startswith("rules.yaml:5:5: Locks: the two sides of `/` never match")


def test_lint_takes_nothing_for_granted_that_an_option_says_is_not_so(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups:\n- name: a\n  rules:\n"
        "  - {record: 'job:errs:sum', expr: sum by (job) (errs)}\n"
        "  - {alert: A, expr: 'job:errs:sum / quota > 1',"
        " annotations: {a: '{{ $labels.cluster }}'}}\n"
    )

    done = run("lint", "rules.yaml", "--pushed", "--external-label", "cluster", cwd=tmp_path)

    assert run("lint", "rules.yaml", cwd=tmp_path).returncode == 1
    assert (done.returncode, done.stdout) == (0, "")


def test_lint_says_what_it_leaves_aside_and_does_not_fail_for_it(tmp_path: Path) -> None:
    (tmp_path / "loki.yaml").write_text(
        "groups:\n- name: a\n  rules:\n"
        '  - {alert: Errors, expr: \'sum(rate({app="shop"} |= "error" [5m])) > 1\'}\n'
    )

    done = run("lint", "--format", "json", ".", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout == "[]\n"
    assert done.stderr == ("loki.yaml:4:21: left aside: 1 rule in LogQL, the language of Loki\n")


@pytest.mark.parametrize(("version", "code"), [("2.42", 1), ("2.53", 0), ("two", 2)])
def test_lint_judges_for_the_version_of_prometheus_that_is_named(
    version: str, code: int, tmp_path: Path
) -> None:
    (tmp_path / "rules.yaml").write_text(
        "groups:\n- name: a\n  query_offset: 1m\n  rules: [{alert: Down, expr: up == 0}]\n"
    )

    done = run("lint", "--prometheus", version, "rules.yaml", cwd=tmp_path)

    assert done.returncode == code


@pytest.mark.parametrize(
    "arguments", [["--help"], ["build", "--help"], ["check", "--help"], ["lint", "--help"]]
)
def test_help_has_an_example(tmp_path: Path, arguments: list[str]) -> None:
    done = run(*arguments, cwd=tmp_path)

    assert done.returncode == 0
    assert "\n    opsgen " in done.stdout


def test_check_shows_how_each_file_differs(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    out = project / "out"
    rules = out / "shop" / "rules.yaml"
    rules.write_text(rules.read_text().replace("0.0144", "0.5", 1))
    (out / "shop" / "dashboard.json").unlink()
    (project / "shop.yaml").write_text(SPEC + "tier: 3\n")
    before = tree(project)

    done = run("build", "--check", "shop.yaml", cwd=project)

    assert done.returncode == 1
    lines = [line.strip() for line in done.stderr.splitlines()]
    assert "missing          shop/dashboard.json" in lines
    at = lines.index("changed          shop/runbook.md")
    assert lines[at + 1].startswith("@@ ")
    edited = next(
        at
        for at, line in enumerate(lines)
        if line.startswith("left alone       shop/rules.yaml: edited")
    )
    assert lines[edited + 1].startswith("@@ ")
    assert any("0.5" in line for line in lines[edited + 2 : edited + 15])
    assert tree(project) == before


def test_check_is_brief_about_a_long_difference(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    rules = project / "out" / "shop" / "rules.yaml"
    rules.write_text("\n".join(f"line {number}: {'x' * 500}" for number in range(500)))

    lines = run("build", "--check", "shop.yaml", cwd=project).stderr.splitlines()

    assert len(lines) < 30
    assert max(map(len, lines)) < 200
    assert any("more lines" in line for line in lines)


def test_check_says_that_line_endings_alone_differ(project: Path) -> None:
    run("build", "shop.yaml", cwd=project)
    rules = project / "out" / "shop" / "rules.yaml"
    rules.write_bytes(rules.read_bytes().replace(b"\n", b"\r\n"))
    dashboard = project / "out" / "shop" / "dashboard.json"
    dashboard.write_bytes(b"\xff\xfe")

    done = run("build", "--check", "shop.yaml", cwd=project)

    assert done.returncode == 1
    assert "only the line endings differ" in done.stderr
    assert "not text" in done.stderr


@pytest.mark.parametrize(("at_least", "code"), [("100%", 1), ("0%", 0)])
def test_check_mutate_says_how_many_planted_faults_the_proofs_notice(
    project: Path, at_least: str, code: int
) -> None:
    require_program("promtool-2")

    done = run(
        "check", "--mutate", "--sample", "4", "--at-least", at_least, "shop.yaml", cwd=project
    )

    assert done.returncode == code, done.stderr
    assert re.search(r"The proofs notice \d of 4 planted faults, [\d.]+%", done.stderr)


def test_check_mutate_names_the_faults_that_no_proof_notices(project: Path) -> None:
    require_program("promtool-2")

    done = run("check", "--mutate", "--sample", "12", "--format", "json", "shop.yaml", cwd=project)

    said = json.loads(done.stdout)
    assert said["planted"] == 12 == sum(count["planted"] for count in said["kinds"])
    assert said["noticed"] + len(said["missed"]) == 12
    rules = {(one["file"], bool(one["line"] and one["rule"])) for one in said["missed"]}
    assert rules <= {("shop/rules.yaml", True)}
    assert all(one["reason"] for one in said["equivalent"])


def test_check_mutate_fails_where_promtool_is_missing(project: Path) -> None:
    done = run("check", "--mutate", "shop.yaml", cwd=project, PATH="/nowhere")

    assert done.returncode == 1
    assert "promtool is not installed" in done.stderr
