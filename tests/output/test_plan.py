"""Decisions: what becomes of each file, and which files are a person's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from opsgen.model.artifact import MANIFEST, Artifact, ArtifactSet
from opsgen.output.decision import EDITED, FOREIGN, UNWANTED, Action, FolderContent, Plan
from opsgen.output.plan import plan
from opsgen.output.write import write
from tests.output.trees import Files, content, snapshot, spoil, wanted


def _plan(out: Path, *, complete: bool = True, force: bool = False, **services: Files) -> Plan:
    return plan(out, wanted(**services), complete=complete, force=force)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """One service with two files, as opsgen wrote them."""
    folder = tmp_path / "out"
    write(folder, wanted(checkout={"rules.yaml": "1\n", "runbook.md": "1\n"}), complete=True)
    return folder


def test_everything_is_to_be_added_where_nothing_is_and_planning_writes_nothing(
    tmp_path: Path,
) -> None:
    missing = tmp_path / "missing"

    found = _plan(missing, checkout={"rules.yaml": "1\n"})

    assert found.paths(Action.ADD) == (f"checkout/{MANIFEST}", "checkout/rules.yaml")
    assert found.stale
    assert not missing.exists()


def test_a_fresh_tree_is_not_stale(out: Path) -> None:
    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "1\n"})

    assert found.counts == dict.fromkeys(Action, 0) | {Action.KEEP: 3}
    assert not found.stale


def test_each_file_gets_its_own_decision(out: Path) -> None:
    spoil(out, "checkout/runbook.md", "mine")

    found = _plan(out, checkout={"runbook.md": "2\n", "probes.yaml": "1\n"}, payments={})

    assert [(decision.path, decision.action) for decision in found.decisions] == [
        (f"checkout/{MANIFEST}", Action.CHANGE),
        ("checkout/probes.yaml", Action.ADD),
        ("checkout/rules.yaml", Action.REMOVE),
        ("checkout/runbook.md", Action.CONFLICT),
    ]
    assert [(conflict.path, conflict.reason) for conflict in found.conflicts] == [
        ("checkout/runbook.md", EDITED)
    ]
    assert found.stale


@pytest.mark.parametrize(
    ("files", "facts"),
    [({"rules.yaml": "2\n"}, {"name": "checkout"}), ({"rules.yaml": "1\n"}, {"name": "Checkout"})],
)
def test_a_changed_file_or_a_changed_fact_makes_the_tree_stale(
    tmp_path: Path, files: Files, facts: Files
) -> None:
    write(tmp_path, wanted(checkout={"rules.yaml": "1\n"}), complete=True)

    assert plan(tmp_path, {"checkout": content("checkout", files, facts)}, complete=True).stale


def test_a_missing_file_of_ours_is_to_be_added_again(out: Path) -> None:
    (out / "checkout" / "rules.yaml").unlink()

    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "1\n"})

    assert found.paths(Action.ADD) == ("checkout/rules.yaml",)
    assert len(found.of(Action.KEEP)) == 2


def _link(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.symlink_to("runbook.md")


def _folder(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink(missing_ok=True)
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("replace", "reason", "with_force"),
    [
        (lambda file: file.write_text("mine"), EDITED, Action.CHANGE),
        (_link, "is a symbolic link", Action.CHANGE),
        (_folder, "is a folder", Action.CONFLICT),
        (_pipe, "is neither a file nor a folder", Action.CONFLICT),
    ],
)
def test_what_a_person_put_in_the_place_of_a_wanted_file_is_a_conflict(
    out: Path, replace: Callable[[Path], object], reason: str, with_force: Action
) -> None:
    replace(out / "checkout" / "rules.yaml")

    carefully = _plan(out, checkout={"rules.yaml": "2\n", "runbook.md": "1\n"})
    forced = _plan(out, force=True, checkout={"rules.yaml": "2\n", "runbook.md": "1\n"})

    assert [(conflict.path, conflict.reason) for conflict in carefully.conflicts] == [
        ("checkout/rules.yaml", reason)
    ]
    assert "checkout/rules.yaml" in forced.paths(with_force)


def test_a_file_that_was_there_before_opsgen_is_a_conflict(out: Path) -> None:
    spoil(out, "checkout/probes.yaml", "mine")

    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "1\n", "probes.yaml": "1\n"})

    assert [(conflict.path, conflict.reason) for conflict in found.conflicts] == [
        ("checkout/probes.yaml", FOREIGN)
    ]


def test_a_foreign_file_with_the_wanted_bytes_is_as_good_as_ours(out: Path) -> None:
    spoil(out, "checkout/probes.yaml", "1\n")

    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "1\n", "probes.yaml": "1\n"})

    assert "checkout/probes.yaml" in found.paths(Action.KEEP)


@pytest.mark.parametrize("force", [False, True])
def test_a_foreign_file_that_nothing_wants_is_not_even_listed(out: Path, force: bool) -> None:
    spoil(out, "checkout/notes.md", "mine")
    spoil(out, "notes/today.md", "mine")

    found = _plan(out, force=force, payments={"rules.yaml": "1\n"})

    assert not [decision.path for decision in found.decisions if "notes" in decision.path]


@pytest.mark.parametrize("force", [False, True])
def test_an_edited_file_that_nothing_wants_is_a_conflict_also_when_forced(
    out: Path, force: bool
) -> None:
    spoil(out, "checkout/runbook.md", "mine")

    found = _plan(out, force=force)

    assert [(one.path, one.reason) for one in found.conflicts] == [
        ("checkout/runbook.md", UNWANTED)
    ]
    assert "checkout/runbook.md" not in found.paths(Action.REMOVE)


@pytest.mark.parametrize("replace", [_link, _folder, _pipe])
@pytest.mark.parametrize("force", [False, True])
def test_what_replaced_a_file_that_nothing_wants_is_foreign(
    out: Path, replace: Callable[[Path], object], force: bool
) -> None:
    replace(out / "checkout" / "rules.yaml")

    found = _plan(out, force=force, checkout={"runbook.md": "1\n"})

    assert "checkout/rules.yaml" not in {decision.path for decision in found.decisions}


def test_only_a_complete_build_prunes_other_services(out: Path) -> None:
    complete = _plan(out, complete=True, payments={"rules.yaml": "1\n"})
    partial = _plan(out, complete=False, payments={"rules.yaml": "1\n"})

    assert complete.paths(Action.REMOVE) == (
        f"checkout/{MANIFEST}",
        "checkout/rules.yaml",
        "checkout/runbook.md",
    )
    assert not partial.of(Action.REMOVE)


def test_the_files_of_the_fleet_are_no_service_to_prune(out: Path) -> None:
    write(out, {"": content("", {"README.md": "1\n"})}, complete=False)

    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "1\n"})

    assert not found.stale


@pytest.mark.parametrize("force", [False, True])
def test_a_copy_of_a_service_folder_is_a_persons_and_not_pruned(out: Path, force: bool) -> None:
    for name in (MANIFEST, "rules.yaml"):
        spoil(out, f"backup/{name}", (out / "checkout" / name).read_text())

    found = _plan(out, force=force, checkout={"rules.yaml": "1\n", "runbook.md": "1\n"})

    assert not found.stale


def test_another_projects_output_below_ours_is_not_pruned(out: Path) -> None:
    write(
        out / "other",
        wanted(search={"rules.yaml": "1\n"}) | {"": content("", {"README.md": "1\n"})},
        complete=True,
    )

    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "1\n"})

    assert not found.stale


def test_a_renamed_service_takes_its_moved_files_along(out: Path) -> None:
    (out / "checkout").rename(out / "basket")

    found = _plan(out, basket={"rules.yaml": "2\n", "runbook.md": "1\n"})

    assert not found.conflicts
    assert "basket/rules.yaml" in found.paths(Action.CHANGE)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("complete", [False, True])
def test_a_service_folder_that_is_a_link_is_never_followed(
    out: Path, force: bool, complete: bool
) -> None:
    elsewhere = (out / "checkout").rename(out.parent / "elsewhere")
    (out / "checkout").symlink_to(elsewhere)

    found = _plan(out, complete=complete, force=force, checkout={"rules.yaml": "2\n"})

    assert [(decision.path, decision.reason) for decision in found.decisions] == [
        ("checkout/rules.yaml", "checkout is a symbolic link")
    ]
    assert not _plan(out, complete=complete, force=force, payments={}).decisions


@pytest.mark.parametrize("force", [False, True])
def test_a_link_in_the_place_of_a_folder_further_down_is_never_followed(
    out: Path, force: bool
) -> None:
    write(out, wanted(checkout={"sub/a": "1\n"}), complete=True)
    elsewhere = (out / "checkout" / "sub").rename(out.parent / "elsewhere")
    (out / "checkout" / "sub").symlink_to(elsewhere)

    assert [one.reason for one in _plan(out, force=force, checkout={"sub/a": "2\n"}).conflicts] == [
        "checkout/sub is a symbolic link"
    ]
    assert "checkout/sub/a" not in {
        one.path for one in _plan(out, force=force, checkout={"b": "1\n"}).decisions
    }


@pytest.mark.parametrize("force", [False, True])
def test_a_file_in_the_place_of_a_service_folder_is_a_conflict(tmp_path: Path, force: bool) -> None:
    spoil(tmp_path, "checkout", "mine")

    found = _plan(tmp_path, force=force, checkout={"rules.yaml": "1\n"})

    assert [(one.path, one.reason) for one in found.decisions] == [
        ("checkout/rules.yaml", "checkout is a file")
    ]


def test_the_fleets_manifest_claims_no_file_of_a_service(out: Path) -> None:
    write(out, {"": content("", {"kubernetes/a": "1\n"})}, complete=False)

    services = wanted(kubernetes={"a": "1\n"}) | {"": content("", {"README.md": "1\n"})}
    found = plan(out, services, complete=False)

    assert "kubernetes/a" in found.paths(Action.KEEP)
    assert not found.of(Action.REMOVE)


class _Lazy(Mapping[str, FolderContent]):
    """Content that is made when asked for."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> FolderContent:
        self.asked.append(name)
        return content(name, {"rules.yaml": "1\n"})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def test_each_content_is_asked_for_once_and_in_order(out: Path) -> None:
    services = _Lazy(["checkout", "payments", "basket"])

    plan(out, services, complete=True)

    assert services.asked == ["checkout", "payments", "basket"]


def test_wanted_bytes_are_held_only_as_long_as_there_is_something_to_write(out: Path) -> None:
    found = _plan(out, checkout={"rules.yaml": "1\n", "runbook.md": "2\n"})

    held = {decision.path for decision in found.decisions if decision.content is not None}
    assert held == {f"checkout/{MANIFEST}", "checkout/runbook.md"}


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("checkout", "rules.yaml"),
        ("checkout", "payments/rules.yaml"),
        ("checkout", "checkout"),
        ("checkout", f"checkout/{MANIFEST}"),
        ("checkout", "checkout/.rules.yaml.opsgen-1.tmp"),
        ("", MANIFEST),
        ("", "payments/rules.yaml"),
        ("", "payments"),
        ("..", "../rules.yaml"),
        ("a/b", "a/b/rules.yaml"),
    ],
)
def test_an_artifact_out_of_its_place_is_a_bug(tmp_path: Path, folder: str, path: str) -> None:
    services = wanted(payments={"rules.yaml": "1\n"})

    with pytest.raises(ValueError, match=r"is no name of a folder|has no place|the path"):
        plan(
            tmp_path,
            services | {folder: FolderContent(ArtifactSet((Artifact(path, "1\n"),)))},
            complete=True,
        )
    assert not snapshot(tmp_path)
