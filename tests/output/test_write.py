"""Building into a folder, as `opsgen build` does: what is there afterwards, and what is not
touched."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsgen.model.artifact import MANIFEST
from opsgen.output.decision import Action
from opsgen.output.disk import WriteError
from opsgen.output.plan import plan
from opsgen.output.write import apply, write
from tests.output.trees import content, snapshot, spoil, times, wanted

_ONE = wanted(checkout={"rules.yaml": "1\n", "runbook.md": "π\n", "terraform/main.tf": "1\n"})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two services and the fleet's files, as opsgen wrote them."""
    folder = tmp_path / "deep" / "out"
    fleet = content("", {"README.md": "1\n"})
    write(folder, _ONE | wanted(payments={"rules.yaml": "1\n"}) | {"": fleet}, complete=True)
    return folder


def test_every_artifact_is_there_with_its_bytes(out: Path) -> None:
    files = {path: text for path, text in snapshot(out).items() if not path.endswith(MANIFEST)}

    assert files == {
        "README.md": b"1\n",
        "checkout/rules.yaml": b"1\n",
        "checkout/runbook.md": b"\xcf\x80\n",
        "checkout/terraform/main.tf": b"1\n",
        "payments/rules.yaml": b"1\n",
    }


def test_the_same_input_gives_the_same_tree_whatever_was_there_before(
    out: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    write(
        other,
        wanted(checkout={"rules.yaml": "0\n", "old.yaml": "0\n"}, gone={"a": "1\n"}),
        complete=True,
    )
    write(other, _ONE, complete=True)

    write(out, _ONE | {"": content("", {})}, complete=True)

    assert snapshot(out) == snapshot(other)


def test_an_unchanged_build_touches_nothing(out: Path) -> None:
    before = times(out)

    done = write(out, _ONE, complete=False)

    assert not done.stale
    assert times(out) == before


def test_a_change_touches_only_the_changed_file_and_its_manifest(out: Path) -> None:
    before = times(out)

    changed = wanted(
        checkout={"rules.yaml": "2\n", "runbook.md": "π\n", "terraform/main.tf": "1\n"}
    )
    done = write(out, changed, complete=False)

    assert done.paths(Action.CHANGE) == (f"checkout/{MANIFEST}", "checkout/rules.yaml")
    touched = {path for path, when in times(out).items() if when != before[path]}
    assert touched == {str(out / "checkout" / name) for name in ("", MANIFEST, "rules.yaml")}


def test_a_foreign_file_is_never_touched(out: Path) -> None:
    files = [
        spoil(out, path, "mine") for path in ("notes.md", "checkout/notes.md", "foreign/rules.yaml")
    ]
    before = [file.stat() for file in files]

    write(out, wanted(checkout={"rules.yaml": "2\n"}), complete=True, force=True)
    write(out, {}, complete=True, force=True)

    assert [(file.stat(), file.read_text()) for file in files] == [
        (status, "mine") for status in before
    ]


def test_a_hand_edited_file_survives_and_everything_else_is_built(out: Path) -> None:
    edited = spoil(out, "checkout/runbook.md", "mine")

    for _ in range(3):  # it stays a conflict
        done = write(
            out, wanted(checkout={"rules.yaml": "2\n", "runbook.md": "2\n"}), complete=False
        )

        assert [conflict.path for conflict in done.conflicts] == ["checkout/runbook.md"]
        assert edited.read_text() == "mine"
        assert (out / "checkout" / "rules.yaml").read_text() == "2\n"


def test_undoing_ones_edit_settles_the_conflict(out: Path) -> None:
    edited = spoil(out, "checkout/runbook.md", "mine")
    write(out, wanted(checkout={"runbook.md": "2\n"}), complete=False)

    edited.write_text("π\n")
    done = write(out, wanted(checkout={"runbook.md": "2\n"}), complete=False)

    assert not done.conflicts
    assert edited.read_text() == "2\n"


def test_force_overwrites_what_is_wanted(out: Path) -> None:
    spoil(out, "checkout/runbook.md", "mine")
    spoil(out, "payments/runbook.md", "mine")

    services = wanted(checkout={"runbook.md": "2\n"}, payments={"runbook.md": "2\n"})
    done = write(out, services, complete=False, force=True)

    assert not done.conflicts
    assert (
        (out / "checkout" / "runbook.md").read_text()
        == (out / "payments" / "runbook.md").read_text()
        == "2\n"
    )
    assert not plan(out, services, complete=False).stale


def test_force_replaces_a_link_and_not_what_it_points_to(out: Path) -> None:
    target = spoil(out, "checkout/notes.md", "mine")
    link = out / "checkout" / "rules.yaml"
    link.unlink()
    link.symlink_to("notes.md")

    write(out, wanted(checkout={"rules.yaml": "2\n"}), complete=False, force=True)

    assert not link.is_symlink()
    assert link.read_text() == "2\n"
    assert target.read_text() == "mine"


def test_a_service_that_is_gone_is_pruned_with_its_folders(out: Path) -> None:
    write(out, wanted(payments={"rules.yaml": "1\n"}), complete=True)

    assert sorted(path.name for path in out.iterdir()) == [MANIFEST, "README.md", "payments"]


def test_pruning_leaves_people_their_files(out: Path) -> None:
    spoil(out, "checkout/terraform/notes.md", "mine")
    spoil(out, "checkout/rules.yaml", "edited")

    for _ in range(2):  # the edited one is reported until a person settles it
        done = write(out, {}, complete=True)
        assert [conflict.path for conflict in done.conflicts] == ["checkout/rules.yaml"]
    assert set(snapshot(out / "checkout")) == {MANIFEST, "rules.yaml", "terraform/notes.md"}

    write(out, {}, complete=True, force=True)
    assert set(snapshot(out / "checkout")) == {MANIFEST, "rules.yaml", "terraform/notes.md"}
    assert snapshot(out / "checkout")["rules.yaml"] == b"edited"


def test_a_build_of_one_service_leaves_the_others_alone(out: Path) -> None:
    before = {path: when for path, when in times(out).items() if "payments" in path}

    write(out, wanted(checkout={"rules.yaml": "2\n"}), complete=False)

    assert {path: when for path, when in times(out).items() if "payments" in path} == before


def test_a_file_no_longer_wanted_goes_and_so_does_its_emptied_folder(out: Path) -> None:
    write(out, wanted(checkout={"rules.yaml": "1\n"}), complete=False)

    assert set(snapshot(out / "checkout")) == {MANIFEST, "rules.yaml"}
    assert not (out / "checkout" / "terraform").exists()


def test_a_folder_takes_the_place_of_a_file_in_two_builds(out: Path) -> None:
    services = wanted(checkout={"rules.yaml/a": "1\n"})

    write(out, services, complete=False)
    write(out, services, complete=False)

    assert not plan(out, services, complete=False).stale


@pytest.fixture
def umask() -> Iterator[int]:
    mask = 0o027
    previous = os.umask(mask)
    yield mask
    os.umask(previous)


def test_files_are_readable_by_all_whom_the_umask_allows(tmp_path: Path, umask: int) -> None:
    write(tmp_path, _ONE, complete=True)

    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.rglob("*") if file.is_file()}
    assert modes == {0o644 & ~umask}


def test_an_output_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")

    write(tmp_path / "out", _ONE, complete=True)

    assert (tmp_path / "real" / "checkout" / "rules.yaml").read_text() == "1\n"


def test_an_output_folder_that_is_a_file_is_a_write_error(tmp_path: Path) -> None:
    out = spoil(tmp_path, "out", "mine")

    with pytest.raises(WriteError, match="out: not a directory"):
        write(out, _ONE, complete=True)
    with pytest.raises(WriteError, match="out: not a directory"):
        plan(out, _ONE, complete=True)
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    "path", ["checkout/rules.yaml", "checkout/new.yaml", "payments/rules.yaml"]
)
def test_a_file_that_a_person_saves_between_plan_and_execution_is_not_lost(
    out: Path, path: str
) -> None:
    planned = plan(out, wanted(checkout={"rules.yaml": "2\n", "new.yaml": "2\n"}), complete=True)
    saved = spoil(out, path, "saved just now")

    with pytest.raises(WriteError, match="build again"):
        apply(planned)

    assert saved.read_text() == "saved just now"
    done = write(out, wanted(checkout={"rules.yaml": "2\n", "new.yaml": "2\n"}), complete=True)
    assert [conflict.path for conflict in done.conflicts] == [path]


def test_a_plan_can_be_applied_where_no_folder_is_yet(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"

    apply(plan(out, _ONE, complete=True))

    assert not plan(out, _ONE, complete=True).stale
