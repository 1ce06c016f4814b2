"""What all modules of the resolve stage share while they resolve one spec in one environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from opsgen.load.library import Library
from opsgen.load.service_spec import ServiceSpec
from opsgen.model.organisation import Organisation
from opsgen.model.service import Place
from opsgen.resolve.mistakes import KeyPath, Mistakes, Positions

_T = TypeVar("_T")


@dataclass(frozen=True)
class Context:
    """One spec in one environment, what it is resolved with, and the mistakes and warnings found so
    far.

    `spec` has the values of the environment in it, and `overlaid` are the keys that the environment
    writes. `first` is the spec in the first environment, whose outputs have the spec's own name; it
    is None when this is the first environment.
    """

    spec: ServiceSpec
    environment: str
    first: ServiceSpec | None
    overlaid: frozenset[str]
    document: Positions
    organisation: Organisation
    library: Library
    mistakes: Mistakes
    origins: dict[str, str]
    warnings: list[str] = field(default_factory=list)

    @property
    def suffix(self) -> str:
        """The suffix that distinguishes this environment's outputs from those of the first."""
        return "" if self.first is None else f"-{self.environment}"

    @property
    def name(self) -> str:
        return f"{self.spec.service}{self.suffix}"

    def path(self, *path: str | int) -> KeyPath:
        """Where a part of the spec was written: in the environment, or in the spec itself."""
        if path and path[0] in self.overlaid:
            return ("environments", self.environment, *path)
        return path

    @property
    def faulty(self) -> frozenset[KeyPath]:
        """The parts of the spec that have a mistake: a key, or a direct child of a key."""
        here = ("environments", self.environment)
        paths = (path[2:] if path[:2] == here else path for path in self.mistakes.paths)
        return frozenset(path[:2] for path in paths)

    def place(self, *path: str | int, of: str = "value") -> Place:
        return self.mistakes.place(self.path(*path), of)

    def origin(self, *path: str | int) -> str:
        """The file and line of a value that the spec gives."""
        return str(self.place(*path))

    def given(self, key: str, value: _T, default: str) -> _T:
        """Returns the value of a key, and notes its origin: the spec, or the default."""
        is_set = key in self.spec.model_fields_set or key in self.overlaid
        self.origins[key] = self.origin(key) if is_set else default
        return value

    def wrong(self, path: KeyPath, wrong: str, right: str = "", of: str = "value") -> None:
        self.mistakes.add(self.path(*path), wrong, right, of)

    def warn(self, path: KeyPath, text: str) -> None:
        place = self.place(*path)
        self.warnings.append(f"{place.file}:{place.line}: {text}")

    def refuse_double(self, names: list[str], key: str, what: str) -> None:
        """Notes each name in the list under `key` that appears earlier in it."""
        for index, name in enumerate(names):
            if name in names[:index]:
                wrong = f"two {what} are named {name}"
                self.wrong((key, index), wrong, "give this one a name of its own")
