"""Builds that are killed, that meet a full disk, or each other: what is left, and what the next one
makes of it."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from opsgen.output.disk import WriteError
from opsgen.output.plan import plan
from opsgen.output.write import locked, write
from tests.output.builders import NEW
from tests.output.trees import Files, content, failing, snapshot, spoil, wanted
from tests.programs import ROOT

_OLD = wanted(
    checkout={"rules.yaml": "1\n", "runbook.md": "1\n", "gone.yaml": "1\n", "kept.yaml": "1\n"},
    pruned={"sub/a": "1\n"},
)
_NEWER = wanted(
    checkout={"rules.yaml": "3\n", "runbook.md": "3\n", "sub/new.yaml": "3\n"},
    added={"a/b/c": "3\n"},
)

_PEOPLES = {
    "checkout/runbook.md": "edited\n",
    "checkout/notes.md": "mine\n",
    "pruned/sub/notes.md": "mine\n",
}


def _build_old(out: Path) -> Path:
    """As opsgen wrote it, and then as people changed it."""
    write(out, _OLD, complete=True)
    for path, text in _PEOPLES.items():
        spoil(out, path, text)
    return out


def _clean(tmp_path: Path) -> dict[str, bytes]:
    """What `_NEWER` gives after people's changes and an undisturbed life."""
    out = _build_old(tmp_path / "undisturbed")
    for services in (NEW, _NEWER):
        write(out, services, complete=True)
    return snapshot(out)


def _assert_heals(out: Path, clean: Files | dict[str, bytes]) -> None:
    done = write(out, _NEWER, complete=True)

    assert [conflict.path for conflict in done.conflicts] == ["checkout/runbook.md"]
    assert snapshot(out) == clean
    assert not [path for path in out.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert {path: (out / path).read_text() for path in _PEOPLES} == _PEOPLES


_BUILDERS = [sys.executable, "-m", "tests.output.builders"]


def test_a_build_killed_at_any_system_call_is_healed_by_the_next_whatever_changed_meanwhile(
    tmp_path: Path,
) -> None:
    _build_old(tmp_path / "old")

    subprocess.run([*_BUILDERS, "killed", str(tmp_path)], cwd=ROOT, check=True)

    killed = [folder for folder in tmp_path.iterdir() if folder.name.isdecimal()]
    assert len(killed) > 50
    assert any(path.endswith(".tmp") for folder in killed for path in snapshot(folder))
    clean = _clean(tmp_path)
    for folder in killed:
        _assert_heals(folder, clean)


@contextmanager
def _builder(out: Path, seed: int, builds: int) -> Iterator[subprocess.Popen[str]]:
    """A process that builds random services into `out`, already at work."""
    command = [*_BUILDERS, "random", str(out), str(seed), str(builds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


@pytest.mark.slow
def test_builds_killed_at_random_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    chance = random.Random(7)
    out, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    for folder in (out, undisturbed):
        write(folder, wanted(checkout={"rules.yaml": "1\n"}), complete=True)
        spoil(folder, "checkout/rules.yaml", "edited\n")
        spoil(folder, "search/notes.md", "mine\n")

    for seed in range(25):
        with _builder(out, seed, builds=10_000) as process:
            time.sleep(chance.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)

    services = wanted(checkout={"rules.yaml": "2\n", "a": "2\n"}, payments={"a": "2\n"})
    for folder in (out, undisturbed):
        write(folder, services, complete=True)
    assert snapshot(out) == snapshot(undisturbed)
    assert (out / "checkout" / "rules.yaml").read_text() == "edited\n"


@pytest.mark.slow
def test_builds_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    with _builder(tmp_path, 1, builds=40) as one, _builder(tmp_path, 2, builds=40) as two:
        assert one.wait() == two.wait() == 0

    done = write(tmp_path, NEW, complete=True)
    assert not done.conflicts
    write(tmp_path / "undisturbed", NEW, complete=True)
    alone = snapshot(tmp_path / "undisturbed")
    shutil.rmtree(tmp_path / "undisturbed")
    assert snapshot(tmp_path) == alone


def test_a_build_gives_up_waiting_with_a_reason(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(WriteError, match="another build is writing here"):
        write(tmp_path, NEW, complete=True, wait_seconds=0.05)

    assert not snapshot(tmp_path)
    assert write(tmp_path, NEW, complete=True, wait_seconds=0).stale


def test_the_lock_of_a_killed_build_is_gone(tmp_path: Path) -> None:
    script = "import sys,time; from pathlib import Path; from opsgen.output.write import locked\n" \
        "with locked(Path(sys.argv[1])): print('ready', flush=True); time.sleep(600)"  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(WriteError):
            write(tmp_path, NEW, complete=True, wait_seconds=0)
        process.kill()

    write(tmp_path, NEW, complete=True, wait_seconds=0)


def test_the_lock_leaves_no_file(tmp_path: Path) -> None:
    with locked(tmp_path / "out"):
        assert list(tmp_path.rglob("*")) == [tmp_path / "out"]


def test_a_build_goes_on_where_folders_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refuse)

    write(tmp_path, NEW, complete=True)

    assert not plan(tmp_path, NEW, complete=True).stale


_ANY_CALL = ("open", "write", "mkdir", "replace", "unlink")


@pytest.mark.parametrize(
    ("functions", "once"), [(("open", "write", "mkdir"), False), (_ANY_CALL, True)]
)
def test_an_error_at_any_system_call_is_one_clear_error_and_healed_by_the_next_build(
    tmp_path: Path, functions: tuple[str, ...], once: bool
) -> None:
    clean = _clean(tmp_path)
    old = _build_old(tmp_path / "old")
    before = snapshot(old)

    for at in count():
        out = shutil.copytree(old, tmp_path / str(at))
        with failing(functions, at, once=once) as failures:
            error = _write_error(out)
        if not failures.failed:
            break
        if error:  # else it was a call that may fail
            assert error.reason == "no space left on device"
            assert error.path.startswith(str(out))
        if error and "replace" not in failures.passed:
            assert snapshot(out) == before
        assert not [path for path in snapshot(out) if path.endswith(".tmp")]
        _assert_heals(out, clean)
    assert at > 25


def _write_error(out: Path) -> WriteError | None:
    try:
        write(out, NEW, complete=True)
    except WriteError as error:
        return error
    return None


def test_a_full_disk_leaves_a_new_output_folder_empty(tmp_path: Path) -> None:
    with (
        failing(("write",), 3, once=False),
        pytest.raises(WriteError, match="no space left on device"),
    ):
        write(tmp_path / "out", NEW, complete=True)

    assert not list((tmp_path / "out").iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_a_read_only_folder_is_a_write_error_and_no_matter_where_nothing_changes(
    tmp_path: Path,
) -> None:
    write(tmp_path, NEW, complete=True)
    (tmp_path / "checkout").chmod(0o555)
    before = snapshot(tmp_path)

    assert not write(tmp_path, NEW, complete=True).stale
    with pytest.raises(WriteError, match="permission denied"):
        write(tmp_path, _NEWER, complete=True)

    (tmp_path / "checkout").chmod(0o755)
    assert snapshot(tmp_path) == before


def _ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("process", "stays"), [(_ended_process, False), (os.getpid, False), (os.getppid, True)]
)
def test_temporary_files_go_once_their_process_has_gone(
    tmp_path: Path, process: Callable[[], int], stays: bool
) -> None:
    services = NEW | {"": content("", {"README.md": "1\n"})}
    write(tmp_path, services, complete=True)
    name = f".rules.yaml.opsgen-{process()}.tmp"
    leftovers = [
        spoil(tmp_path, f"{folder}/{name}", "x")
        for folder in (".", "checkout", "checkout/old", "abandoned")
    ]

    assert not plan(tmp_path, services, complete=True).stale
    write(tmp_path, services, complete=True)

    assert [leftover.exists() for leftover in leftovers] == [stays] * 4
    assert (tmp_path / "abandoned").exists() == stays


def test_a_build_that_waited_for_a_folder_that_was_deleted_meanwhile_makes_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, lock, operations = tmp_path / "out", fcntl.flock, list[int]()

    def lock_a_deleted_folder_first(descriptor: int, operation: int) -> None:
        if not operations:
            out.rename(tmp_path / "deleted")
        operations.append(operation)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_a_deleted_folder_first)

    with locked(out):
        assert out.is_dir()
        monkeypatch.undo()
        with pytest.raises(WriteError, match="another build"), locked(out, wait_seconds=0):
            pass
