"""Files for pipelines: each is run as its host would run it, on a repository of specs, and can
fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_commands import run, tree
from tests.programs import ROOT
from tests.repositories import committed, git

SPEC = (
    "service: shop\nteam: web\nconvention: prometheus-http\nslos: [{availability: 99.9%}]\nerrors:"
    " {above: 2%}\n"
)
PROJECT = (
    "targets: [files, kubernetes, git]\nteams: {web: {owners: ['@example/web', a@example.com]}}\n"
)


def shell(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A step of a pipeline, with opsgen on its PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.pop('FIRST', '')}{os.pathsep}{os.environ['PATH']}"
    found = os.environ | {"NO_COLOR": "1"} | environment | {"PATH": path}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=found,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clone of a repository of specs, on a branch, with its output committed."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    origin = tmp_path / "origin"
    (origin / "specs").mkdir(parents=True)
    (origin / "specs" / "shop.yaml").write_text(SPEC)
    (origin / "specs" / "till.yaml").write_text(SPEC.replace("shop", "till"))
    (origin / "opsgen.yaml").write_text(PROJECT)
    assert run("build", "specs", cwd=origin).returncode == 0
    committed(origin)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", f"file://{origin}", str(clone))
    git(clone, "switch", "--quiet", "--create=topic")
    return clone


def threshold(repository: Path) -> None:
    spec = repository / "specs" / "shop.yaml"
    spec.write_text(spec.read_text().replace("above: 2%", "above: 3%"))


# -- a round of GitOps -----------------------------------------------------------------------------


def test_a_round_from_a_changed_threshold_to_a_deleted_service(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexec opsgen build --check specs/\n")
    hook.chmod(0o755)
    threshold(repository)

    refused = shell(repository, "git commit --quiet --all --message=second")
    assert refused.returncode == 1
    assert "changed          shop/rules.yaml" in refused.stderr

    built = shell(
        repository, "opsgen build specs/ && git add --all && git commit --quiet --message=second"
    )
    assert built.returncode == 0, built.stderr
    said = shell(repository, "opsgen diff --from origin/main specs/").stdout
    assert "alert `ErrorRatioHigh (errors, ticket)`\n" in said
    assert "      number: 0.02 -> 0.03\n" in said
    assert "1 service: 1 alert changed, " in said
    assert "till" not in said

    assert shell(repository, "git switch --quiet main && git merge --quiet topic").returncode == 0
    (repository / "specs" / "till.yaml").unlink()
    stale = shell(repository, "opsgen build --check specs/")
    assert stale.returncode == 1
    assert "extra            till/rules.yaml" in stale.stderr
    pruned = shell(
        repository, "opsgen build specs/ && git add --all && git commit --quiet --message=third"
    )
    assert pruned.returncode == 0, pruned.stderr
    assert not (repository / "out" / "till").exists()
    assert shell(repository, "git status --porcelain").stdout == ""


# -- pre-commit ------------------------------------------------------------------------------------


def hooks() -> dict[str, dict[str, Any]]:
    return {
        hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    }


def test_the_hooks_run_what_they_say(repository: Path) -> None:
    check, build = (
        " ".join([hooks()[name]["entry"], *hooks()[name]["args"]])
        for name in ("opsgen-check", "opsgen-build")
    )
    assert shell(repository, check).returncode == 0
    threshold(repository)
    assert shell(repository, check).returncode == 1
    assert shell(repository, build).returncode == 0
    assert shell(repository, check).returncode == 0


@pytest.mark.slow
def test_pre_commit_itself_takes_the_hooks(repository: Path) -> None:
    program = shutil.which("pre-commit")
    if program is None:
        pytest.skip("pre-commit is not installed")
    done = subprocess.run(
        [program, "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=False
    )

    assert done.returncode == 0


# -- GitHub ----------------------------------------------------------------------------------------

# What `gh` would do to the comments of a pull request, one file each, in the folder $COMMENTS.
_GH = """\
#!/usr/bin/env python3
import os, sys
folder = os.environ["COMMENTS"]
arguments = sys.argv[1:]
assert arguments[0] == "api" and os.environ["GH_TOKEN"] == "secret", arguments
if "--method" not in arguments:
    assert "repos/example/specs/issues/7/comments" in arguments, arguments
    assert "<!-- opsgen diff -->" in arguments[arguments.index("--jq") + 1]
    for name in sorted(os.listdir(folder)):
        if open(f"{folder}/{name}").read().startswith("<!-- opsgen diff -->"):
            print(name)
    sys.exit()
method = arguments[arguments.index("--method") + 1]
body = open(arguments[arguments.index("--field") + 1].removeprefix("body=@")).read()
path = arguments[arguments.index("--method") + 2]
if method == "POST":
    assert path == "repos/example/specs/issues/7/comments", path
    name = str(len(os.listdir(folder)) + 1)
else:
    assert path.startswith("repos/example/specs/issues/comments/"), path
    name = path.rpartition("/")[2]
open(f"{folder}/{name}", "w").write(body)
"""


def steps() -> dict[str, dict[str, Any]]:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite"
    return {step["name"]: step for step in action["runs"]["steps"]}


def step(repository: Path, name: str) -> subprocess.CompletedProcess[str]:
    """One step of the action, as the runner of a pull request has it."""
    runner = repository.parent / "runner"
    (runner / "comments").mkdir(parents=True, exist_ok=True)
    (runner / "gh").write_text(_GH)
    (runner / "gh").chmod(0o755)
    return shell(
        repository,
        steps()[name]["run"],
        FIRST=str(runner),
        PATHS="specs/",
        RUNNER_TEMP=str(runner),
        GITHUB_ACTION_PATH=str(ROOT),
        GITHUB_BASE_REF="main",
        GITHUB_REPOSITORY="example/specs",
        GITHUB_STEP_SUMMARY=str(runner / "summary.md"),
        GITHUB_PATH=str(runner / "path"),
        COMMENTS=str(runner / "comments"),
        GH_TOKEN="secret",
        NUMBER="7",
    )


FRESH, PROVEN, CHANGES = (
    "The output is what the specs give",
    "Everything is proven",
    "What changes for on-call",
)


def test_the_action_passes_where_all_is_well_and_annotates_what_is_not(repository: Path) -> None:
    assert step(repository, FRESH).returncode == 0
    assert step(repository, PROVEN).returncode == 0
    threshold(repository)
    stale = step(repository, FRESH)
    assert stale.returncode == 1
    assert "::error file=specs/shop.yaml,line=1," in stale.stdout
    (repository / "specs" / "shop.yaml").write_text("service: shop\n")
    for name in (FRESH, PROVEN):
        wrong = step(repository, name)
        assert wrong.returncode == 2
        assert "::error file=specs/shop.yaml,line=1," in wrong.stdout


def test_the_action_fails_where_opsgen_crashes(repository: Path) -> None:
    broken = repository.parent / "broken"
    broken.mkdir()
    (broken / "opsgen").write_text("#!/bin/sh\nexit 139\n")
    (broken / "opsgen").chmod(0o755)
    for name in (FRESH, PROVEN, CHANGES):
        script = f'PATH="{broken}:$PATH"\n{steps()[name]["run"]}'
        environment = {
            "PATHS": "specs/",
            "RUNNER_TEMP": str(broken),
            "GITHUB_STEP_SUMMARY": str(broken / "summary"),
        }
        assert shell(repository, script, GITHUB_BASE_REF="main", **environment).returncode == 139, (
            name
        )


def test_the_action_keeps_one_comment_on_a_pull_request(repository: Path) -> None:
    threshold(repository)
    comments = repository.parent / "runner" / "comments"
    comments.mkdir(parents=True)
    (comments / "1").write_text("A word of a person.")

    for bound in ("3%", "4%"):
        spec = repository / "specs" / "shop.yaml"
        spec.write_text(SPEC.replace("above: 2%", f"above: {bound}"))
        assert step(repository, CHANGES).returncode == 0
        commented = step(repository, "Comment")
        assert commented.returncode == 0, commented.stderr

    texts = {path.name: path.read_text() for path in comments.iterdir()}
    assert sorted(texts) == ["1", "2"]
    assert texts["1"] == "A word of a person."
    assert "`0.02` → `0.04`" in texts["2"]
    assert "`0.02` → `0.04`" in (repository.parent / "runner" / "summary.md").read_text()


def test_no_input_of_the_action_is_part_of_a_script() -> None:
    for one in steps().values():
        assert "${{" not in one["run"]


@pytest.mark.slow
def test_the_action_sets_up_an_opsgen_of_its_own(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the index of packages, as in a runner; skips where that can't be reached."""
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "5")
    done = step(repository, "Set up opsgen")
    if done.returncode and "onnection" in done.stderr:
        pytest.skip("no index of packages can be reached")
    assert done.returncode == 0, done.stderr
    (folder,) = (repository.parent / "runner" / "path").read_text().splitlines()

    before = tree(repository / "out")
    checked = subprocess.run(
        [f"{folder}/opsgen", "build", "--check", "specs"], cwd=repository, check=False
    )
    assert checked.returncode == 0
    assert tree(repository / "out") == before


# -- GitLab ----------------------------------------------------------------------------------------


def test_the_jobs_of_gitlab_fail_on_what_is_wrong_alone(repository: Path) -> None:
    jobs = yaml.safe_load((ROOT / "pipelines" / "gitlab-ci.yml").read_text())
    variables = {
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "OPSGEN_PATHS": jobs["variables"]["OPSGEN_PATHS"],
    }

    def job(name: str) -> int:
        return shell(repository, "\n".join(jobs[name]["script"]), **variables).returncode

    assert [job(name) for name in ("opsgen-fresh", "opsgen-prove", "opsgen-diff")] == [0, 0, 0]
    report = jobs["opsgen-prove"]["artifacts"]["reports"]["junit"]
    assert "<testsuites" in (repository / report).read_text()
    (comment,) = jobs["opsgen-diff"]["artifacts"]["paths"]
    assert "Nothing changes in meaning." in (repository / comment).read_text()

    threshold(repository)
    assert [job(name) for name in ("opsgen-fresh", "opsgen-prove", "opsgen-diff")] == [1, 0, 0]
    (repository / "specs" / "shop.yaml").write_text("service: shop\n")
    assert [job(name) for name in ("opsgen-fresh", "opsgen-prove", "opsgen-diff")] == [2, 2, 2]


# -- Argo CD and kubectl ---------------------------------------------------------------------------


def test_the_plugin_of_argo_prints_every_resource_and_nothing_else(repository: Path) -> None:
    plugin = yaml.safe_load((ROOT / "pipelines" / "argocd-plugin.yaml").read_text())["spec"]
    assert (repository / plugin["discover"]["fileName"]).is_file()
    generate = plugin["generate"]
    before = tree(repository)
    done = shell(repository, " ".join([*generate["command"], *generate["args"]]))

    assert done.returncode == 0, done.stderr
    assert tree(repository) == before
    printed = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(done.stdout)}
    files = [
        path
        for path in (repository / "out").glob("**/kubernetes/*.yaml")
        if path.name != "kustomization.yaml"
    ]
    assert len(files) > 5
    assert printed == {
        (one["kind"], one["metadata"]["name"])
        for one in map(yaml.safe_load, map(Path.read_text, files))
    }


def test_nothing_to_deploy_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)
    done = run("manifests", "shop.yaml", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert (
        "opsgen.yaml:1:1: targets: there are no resources to print without the target kubernetes"
        in done.stderr
    )


# -- the image -------------------------------------------------------------------------------------


def test_the_image_is_made_of_files_that_are_there_and_runs_as_nobody() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [
        word
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]

    assert set(copied) == allowed
    assert all((ROOT / name).exists() for name in copied)
    user = next(line for line in reversed(lines) if line.startswith("USER ")).split()[1]
    assert user.split(":")[0] != "0"
    assert sum(line.startswith("FROM ") for line in lines) == 2


# -- git -------------------------------------------------------------------------------------------


def attribute(repository: Path, name: str, file: str) -> str:
    done = subprocess.run(
        ["git", "check-attr", name, "--", file],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip().rpartition(": ")[2]


def test_generated_files_are_folded_and_runbooks_are_not(repository: Path) -> None:
    assert attribute(repository, "linguist-generated", "out/shop/rules.yaml") == "set"
    assert attribute(repository, "linguist-generated", "out/shop/runbook.md") == "unset"
    assert attribute(repository, "linguist-generated", "specs/shop.yaml") == "unspecified"
    assert attribute(repository, "eol", "out/shop/runbook.md") == "lf"


def test_a_clone_with_windows_line_endings_is_fresh(repository: Path) -> None:
    other = repository.parent / "windows"
    git(
        repository.parent,
        "clone",
        "--quiet",
        "--config=core.autocrlf=true",
        f"file://{repository}",
        str(other),
    )

    assert b"\r\n" in (other / "specs" / "shop.yaml").read_bytes()
    assert run("build", "--check", "specs", cwd=other).returncode == 0


def test_the_owners_of_a_team_own_its_specs_and_their_output(repository: Path) -> None:
    owners = [
        line
        for line in (repository / "out" / "CODEOWNERS").read_text().splitlines()
        if line[0] != "#"
    ]

    assert owners == [
        "**/out/shop/ @example/web a@example.com",
        "**/specs/shop.yaml @example/web a@example.com",
        "**/out/till/ @example/web a@example.com",
        "**/specs/till.yaml @example/web a@example.com",
    ]


def test_patterns_of_owners_match_just_their_files(repository: Path) -> None:
    """As git reads the same patterns."""
    lines = (repository / "out" / "CODEOWNERS").read_text().splitlines()
    patterns = [line.split(" ")[0] for line in lines if "shop" in line]
    files = ["out/shop/rules.yaml", "specs/shop.yaml", "deep/out/shop/kubernetes/a.yaml"]
    others = ["out/till/rules.yaml", "specs/till.yaml", "out/README.md", "shop/rules.yaml"]
    (repository / ".gitignore").write_text("\n".join(patterns) + "\n")
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", *files, *others],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == files


def test_an_owner_is_a_handle_or_an_address(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)
    (tmp_path / "opsgen.yaml").write_text("teams: {web: {owners: [web]}}\n")
    done = run("build", "shop.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert (
        "'web' is not a valid owner; write @user, @organisation/team, or an e-mail address"
        in done.stderr
    )
