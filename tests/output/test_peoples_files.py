"""Whatever people and builds do in whatever order: no byte that a person wrote is lost without
force, and with force none but for the bytes that take its place."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from opsgen.model.artifact import MANIFEST
from opsgen.output.decision import UNWANTED, Action, Plan
from opsgen.output.disk import WriteError
from opsgen.output.plan import plan
from opsgen.output.write import write
from tests.output.trees import Files, failing, snapshot, wanted

_SERVICES = ("checkout", "payments")
_NAMES = ("rules.yaml", "runbook.md", "sub/a", "sub/b")
_PATHS = st.sampled_from(
    [f"{service}/{name}" for service in (*_SERVICES, "notes") for name in _NAMES]
)
_FLEETS = st.dictionaries(
    st.sampled_from(_SERVICES),
    st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(["1\n", "2\n"])),
    max_size=2,
)
_CALLS = ("open", "write", "mkdir", "replace", "unlink")


class PeopleAndBuilds(RuleBasedStateMachine):
    """`peoples` is what must be there: paths, and the bytes of a file or the target of a link."""

    @initialize()
    def start(self) -> None:
        self.out = Path(tempfile.mkdtemp())
        self.peoples: dict[str, bytes | str] = {}
        self.saved = 0

    def teardown(self) -> None:
        shutil.rmtree(self.out)

    @rule(path=_PATHS)
    def a_person_saves_a_file(self, path: str) -> None:
        file = self._take(path)
        self.saved += 1
        self.peoples[path] = f"a person's, {self.saved}\n".encode()
        file.write_bytes(f"a person's, {self.saved}\n".encode())

    @rule(path=_PATHS)
    def a_person_makes_a_link(self, path: str) -> None:
        self._take(path).symlink_to("../elsewhere")
        self.peoples[path] = "../elsewhere"

    @rule(path=_PATHS)
    def a_person_deletes_a_file(self, path: str) -> None:
        self._take(path)

    @rule(service=st.sampled_from(_SERVICES))
    def a_person_deletes_a_manifest(self, service: str) -> None:
        """Then nobody knows any more what is whose: from now on every file there counts as a
        person's."""
        (self.out / service / MANIFEST).unlink(missing_ok=True)
        for path, present in snapshot(self.out).items():
            if (
                path.startswith(f"{service}/")
                and path not in self.peoples
                and not path.endswith(MANIFEST)
            ):
                (self.out / path).write_bytes(present + b"a person's\n")
                self.peoples[path] = present + b"a person's\n"

    @rule(fleet=_FLEETS, complete=st.booleans())
    def a_build(self, fleet: dict[str, Files], complete: bool) -> None:
        services = wanted(**fleet)

        done = write(self.out, services, complete=complete)

        self._assert_done(done, fleet, complete)
        again = plan(self.out, services, complete=complete)
        assert {decision.action for decision in again.decisions} <= {Action.KEEP, Action.CONFLICT}

    @rule(fleet=_FLEETS, complete=st.booleans(), at=st.integers(0, 40))
    def a_build_that_fails(self, fleet: dict[str, Files], complete: bool, at: int) -> None:
        with suppress(WriteError), failing(_CALLS, at, once=True):
            write(self.out, wanted(**fleet), complete=complete)

    @rule(fleet=_FLEETS, complete=st.booleans())
    def a_forced_build(self, fleet: dict[str, Files], complete: bool) -> None:
        done = write(self.out, wanted(**fleet), complete=complete, force=True)

        for path in done.paths(Action.CHANGE):
            self.peoples.pop(path, None)
        assert {conflict.reason for conflict in done.conflicts} <= {UNWANTED}
        self._assert_done(done, fleet, complete)

    @invariant()
    def every_byte_of_a_person_is_there(self) -> None:
        present = {path: self._present(path) for path in self.peoples}
        assert present == self.peoples

    @invariant()
    def no_temporary_file_is_there(self) -> None:
        assert not [path for path in snapshot(self.out) if path.endswith(".tmp")]

    def _take(self, path: str) -> Path:
        """The path, with nothing there and its folder made."""
        file = self.out / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        self.peoples.pop(path, None)
        return file

    def _present(self, path: str) -> bytes | str | None:
        file = self.out / path
        if file.is_symlink():
            return os.readlink(file)  # noqa: PTH115
        return file.read_bytes() if file.is_file() else None

    def _assert_done(self, done: Plan, fleet: dict[str, Files], complete: bool) -> None:
        """What is wanted is there, conflicts are exactly people's, and nothing else of ours is
        left."""
        files = {
            f"{service}/{name}": text.encode()
            for service, names in fleet.items()
            for name, text in names.items()
        }
        conflicts = {conflict.path for conflict in done.conflicts}
        assert conflicts <= self.peoples.keys()
        for path, text in files.items():
            assert self._present(path) == (self.peoples[path] if path in conflicts else text)
        judged = {
            path for path in snapshot(self.out) if complete or path.partition("/")[0] in fleet
        }
        ours = {path for path in judged if not path.endswith(MANIFEST)} - self.peoples.keys()
        assert ours == files.keys() - conflicts


TestPeopleAndBuilds = PeopleAndBuilds.TestCase
TestPeopleAndBuilds.settings = settings(max_examples=60, stateful_step_count=25)
