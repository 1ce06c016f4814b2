"""`opsgen check --mutate`: a fleet goes in; which planted faults its proofs notice comes out."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from opsgen.fleet.build import all_artifacts, contents
from opsgen.fleet.load import FleetModel
from opsgen.judge.mutation.faults import FAULTS
from opsgen.judge.mutation.mutants import STEP, Mutant, mutants_of, proofs_in, sample
from opsgen.judge.mutation.trial import PROMTOOL, noticed, refusals
from opsgen.model.findings import CaseResult, Finding, FindingLevel
from opsgen.quantities import Ratio

Progress = Callable[[Iterable[bool], int], Iterable[bool]]

DEFAULT_AT_LEAST = Ratio.parse("95%")


@dataclass(frozen=True)
class KindCount:
    """How many faults of one kind were planted, and how many of them were noticed."""

    kind: str
    planted: int
    noticed: int


@dataclass(frozen=True)
class MutationReport:
    """The faults that were planted, and those of them that no proof noticed. `equivalent` are the
    faults that change nothing; they were not planted. `broken` are the proofs that promtool
    refuses without any fault, with what it says. `specs` are the places of the services."""

    planted: tuple[Mutant, ...] = ()
    missed: tuple[Mutant, ...] = ()
    equivalent: tuple[Mutant, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    at_least: Ratio = DEFAULT_AT_LEAST
    specs: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    not_installed: tuple[str, ...] = ()

    @property
    def noticed(self) -> int:
        return len(self.planted) - len(self.missed)

    @property
    def good(self) -> bool:
        """Whether enough faults were noticed, of at least one."""
        enough = self.noticed >= self.at_least.value * len(self.planted)
        return bool(self.planted) and enough

    @property
    def kinds(self) -> list[KindCount]:
        planted = Counter(mutant.kind for mutant in self.planted)
        missed = Counter(mutant.kind for mutant in self.missed)
        order = [f"{prefix}{kind.name}" for prefix in ("", STEP) for kind in FAULTS]
        found = [KindCount(name, planted[name], planted[name] - missed[name]) for name in order]
        return [count for count in found if count.planted]

    @property
    def findings(self) -> Iterator[Finding]:
        """Reports each fault at the spec of its service, since people change the spec."""
        for path, said in self.broken:
            wrong = f"promtool refuses {path}: {said}"
            yield Finding("error", "refused", *self._place(path), wrong)
        level: FindingLevel = "warning" if self.good else "error"
        for mutant in self.missed:
            place = self._place(mutant.proof.path)
            yield Finding(level, "unnoticed", *place, f"no proof notices: {_line(mutant)}")

    def _place(self, path: str) -> tuple[str, int, int]:
        return self.specs.get(path.partition("/")[0], (path, 1, 1))

    @property
    def cases(self) -> list[CaseResult]:
        """A test case for each kind of fault. All pass if enough of the faults are noticed."""
        broken = [CaseResult("proofs", path, said) for path, said in self.broken]
        missed: dict[str, list[str]] = defaultdict(list)
        for mutant in self.missed:
            missed[mutant.kind].append(_line(mutant))
        return [*broken, *(self._case(count, missed[count.kind]) for count in self.kinds)]

    def _case(self, count: KindCount, missed: Sequence[str]) -> CaseResult:
        return CaseResult("planted faults", count.kind, "" if self.good else "\n".join(missed))

    @property
    def lines(self) -> Iterator[str]:
        for path, said in self.broken:
            yield f"  refused  promtool on {path}, without any fault:"
            yield from (f"    {line}" for line in said.splitlines())
        for program in self.not_installed:
            yield f"  skipped  {program} is not installed, so it judged nothing"
        yield from (f"  missed   {_line(mutant)}" for mutant in self.missed)
        for reason, number in Counter(mutant.same for mutant in self.equivalent).items():
            yield f"  the same {number} not planted: {reason}"
        yield from _table(self.kinds)
        yield f"{self._figure()}; at least {self.at_least} are asked for."

    def _figure(self) -> str:
        planted = len(self.planted)
        share = 100 * self.noticed / planted if planted else 0
        faults = "planted fault" if planted == 1 else "planted faults"
        return f"The proofs notice {self.noticed} of {planted} {faults}, {share:.1f}%"

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.good,
            "planted": len(self.planted),
            "noticed": self.noticed,
            "at_least": str(self.at_least),
            "kinds": [asdict(count) for count in self.kinds],
            "missed": [_as_json(mutant) for mutant in self.missed],
            "equivalent": [{**_as_json(one), "reason": one.same} for one in self.equivalent],
            "failed": [
                {"program": PROMTOOL, "file": path, "output": said} for path, said in self.broken
            ],
            "not_installed": list(self.not_installed),
        }


def _line(mutant: Mutant) -> str:
    return f"{mutant.kind}: {mutant.place}: {mutant.rule.title}: {mutant.words}"


def _as_json(mutant: Mutant) -> dict[str, Any]:
    return {
        "kind": mutant.kind,
        "file": mutant.proof.rules_path,
        "line": mutant.rule.line,
        "rule": mutant.rule.title,
        "fault": mutant.words,
    }


def _table(kinds: Sequence[KindCount]) -> Iterator[str]:
    width = max((len(count.kind) for count in kinds), default=0)
    for count in kinds:
        yield f"  {count.kind:<{width}}  {count.noticed:>5} of {count.planted}"


def mutate_fleet(
    fleet: FleetModel,
    progress: Progress,
    at_least: Ratio = DEFAULT_AT_LEAST,
    most: int | None = None,
) -> MutationReport:
    """Plants faults in the rules of each service, at most `most` of them, and runs its proof on
    each."""
    specs = {model.service.name: model.place for model in fleet.services}
    if shutil.which(PROMTOOL) is None:
        return MutationReport(at_least=at_least, specs=specs, not_installed=(PROMTOOL,))
    with tempfile.TemporaryDirectory(prefix="opsgen-") as name:
        folder = Path(name)
        built = all_artifacts(contents(fleet, None))
        texts = {artifact.path: artifact.content for artifact in built}
        proofs = list(proofs_in(texts))
        said = refusals(folder, proofs, [texts[proof.rules_path] for proof in proofs])
        broken = [(proof.path, words) for proof, words in zip(proofs, said, strict=True) if words]
        refused = {path for path, _ in broken}
        found = [one for proof in proofs if proof.path not in refused for one in mutants_of(proof)]
        planted = [one for one in found if not one.same]
        planted = planted if most is None else sample(planted, most)
        seen = list(progress(noticed(folder, planted), len(planted)))
    return MutationReport(
        planted=tuple(planted),
        missed=tuple(one for one, was_seen in zip(planted, seen, strict=True) if not was_seen),
        equivalent=tuple(one for one in found if one.same),
        broken=tuple(broken),
        at_least=at_least,
        specs=specs,
    )
