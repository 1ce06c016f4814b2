"""Processes that build, to be killed: `python -m tests.output.builders killed FOLDER` or `random
OUT SEED BUILDS`."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from opsgen.output.decision import FolderContent
from opsgen.output.write import write
from tests.output.trees import wanted

NEW = wanted(
    checkout={"rules.yaml": "2\n", "runbook.md": "2\n", "kept.yaml": "1\n", "sub/new.yaml": "2\n"},
    added={"a/b/c": "2\n"},
)
_CHANGING = ("open", "write", "close", "mkdir", "replace", "unlink", "rmdir")


def kill_at_every_call(folder: Path) -> None:
    """Builds NEW into copies of `folder/old`, named 0, 1, 2...: each is killed before its call of
    that number."""
    for at in count():
        out = shutil.copytree(folder / "old", folder / str(at))
        process = os.fork()
        if process == 0:
            _die_at(at)
            write(out, NEW, complete=True)
            os._exit(0)
        if os.waitpid(process, 0)[1] == 0:
            break


def build_at_random(out: Path, seed: int, builds: int) -> None:
    """Builds one random fleet after the other; says `ready` before the first."""
    chance = random.Random(seed)
    print("ready", flush=True)
    for _ in range(builds):
        write(out, _random_services(chance), complete=chance.random() < 0.5)


def _die_at(at: int) -> None:
    numbers = count()
    for name in _CHANGING:
        setattr(os, name, _dying(getattr(os, name), numbers, at))


def _dying(real: Callable[..., object], numbers: Iterator[int], at: int) -> Callable[..., object]:
    def function(*args: object, **kwargs: object) -> object:
        if next(numbers) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)

    return function


def _random_services(chance: random.Random) -> dict[str, FolderContent]:
    names = ["rules.yaml", "sub/a", "sub/b", "dashboard.json"]
    services = [service for service in ("checkout", "payments", "search") if chance.random() < 0.7]
    return wanted(
        **{
            service: {
                name: chance.choice("123") * 20_000 + "\n"
                for name in names
                if chance.random() < 0.7
            }
            for service in services
        }
    )


if __name__ == "__main__":
    command, where, *numbers = sys.argv[1:]
    if command == "killed":
        kill_at_every_call(Path(where))
    else:
        build_at_random(Path(where), *map(int, numbers))
