"""Label matchers go in; frozen `Labels` come out, the labels that the series of a result can have.

As in Prometheus, a missing label is a label with the empty value. So one `Domain` says everything:
whether the label may be missing, and which values it may have. Where nothing is known, a label may
be there or not; what is called impossible or guaranteed holds for every series.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from opsgen.promql import Matcher


@dataclass(frozen=True, slots=True)
class Domain:
    """What one label can be: missing where `missing`, else one of `values` (None: anything but
    empty).

    `assumed` where it is not missing for the one reason that its series are taken to be scraped.
    """

    missing: bool
    values: frozenset[str] | None
    assumed: bool = False

    def __and__(self, other: Domain) -> Domain:
        """What is possible under both."""
        if other is MAYBE or self is other:
            return self
        if self is MAYBE:
            return other
        values = other.values if self.values is None else self.values
        if self.values is not None and other.values is not None:
            values = self.values & other.values
        sure = any(not one.missing and not one.assumed for one in (self, other))
        missing = self.missing and other.missing
        return Domain(missing, values, assumed=not missing and not sure)

    def __or__(self, other: Domain) -> Domain:
        """What is possible under either."""
        if self is other or other is MAYBE:
            return other
        unknown = self.values is None or other.values is None
        values = None if unknown else (self.values or frozenset()) | (other.values or frozenset())
        missing = self.missing or other.missing
        return Domain(missing, values, assumed=not missing and (self.assumed or other.assumed))

    @property
    def without_assumption(self) -> Domain:
        """What it can be if its series may not be scraped."""
        return Domain(True, self.values) if self.assumed else self

    @property
    def impossible(self) -> bool:
        """Whether nothing is left, not even a missing label."""
        return not self.missing and self.values == frozenset()


GONE = Domain(True, frozenset())
MAYBE = Domain(True, None)
PRESENT = Domain(False, None)
ASSUMED = Domain(False, None, assumed=True)


def exactly(value: str) -> Domain:
    """One fixed value; the empty one means that the label is not there."""
    return Domain(False, frozenset({value})) if value else GONE


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of every series of a result: what is known of some, and whether there can be
    `others`.

    Labels that start with two underscores are Prometheus' own (`__name__`) and never count as gone.
    """

    known: Mapping[str, Domain] = field(default_factory=dict, hash=False)
    others: bool = True

    @classmethod
    def anything(cls) -> Labels:
        """Nothing is known: any label is possible, none is sure."""
        return cls()

    @classmethod
    def nothing(cls) -> Labels:
        """A result without labels: `sum(x)`, `vector(1)`, a scalar."""
        return cls({}, others=False)

    @classmethod
    def of(cls, known: Mapping[str, Domain], others: bool) -> Labels:
        """The canonical value: leaves out what `others` already says, so that equal knowledge
        compares equal."""
        default = MAYBE if others else GONE
        kept = {
            label: domain
            for label, domain in known.items()
            if domain is not default and domain != default
        }
        return cls(kept, others)

    def domain(self, label: str) -> Domain:
        found = self.known.get(label)
        if found is not None:
            return found
        return MAYBE if self.others or label.startswith("__") else GONE

    def can_have(self, label: str) -> bool:
        """Whether some series may have the label, with a value that is not empty."""
        return self.domain(label).values != frozenset()

    def guarantees(self, label: str) -> bool:
        """Whether every series has the label, with a value that is not empty."""
        return not self.domain(label).missing

    def keep(self, labels: Iterable[str]) -> Labels:
        """Only these labels, as `by` does."""
        kept = (label for label in labels if not label.startswith("__"))
        return Labels.of({label: self.domain(label) for label in kept}, others=False)

    def drop(self, labels: Iterable[str]) -> Labels:
        """All but these labels, as `without` does."""
        gone = (label for label in labels if not label.startswith("__"))
        return Labels.of({**self.known, **dict.fromkeys(gone, GONE)}, self.others)

    def with_domain(self, label: str, domain: Domain) -> Labels:
        return Labels.of({**self.known, label: domain}, self.others)

    def __or__(self, other: Labels) -> Labels:
        """Series of either kind."""
        names = {**self.known, **other.known}
        known = {label: self.domain(label) | other.domain(label) for label in names}
        return Labels.of(known, self.others or other.others)


# Regular expressions that mean the same in RE2 and in Python's `re`; of others nothing is
# concluded.
_PORTABLE = re.compile(r"(?:[\w\s:/@%#,;=~<>!&'\"-]|\\[.\-/dws]|[.+*?|()^$]|\[[^\[\]\\]*\])*")
_LITERAL = re.compile(r"(?:[\w\s:/@%#,;=~<>!&'\"-]|\\[.\-/])*")


def matcher_domain(matcher: Matcher) -> Domain:
    """What the label can be in a series that the matcher selects."""
    if matcher.op == "=":
        return exactly(matcher.value)
    if matcher.op == "!=":
        return MAYBE if matcher.value else PRESENT
    if matcher.op == "!~":
        return PRESENT if matches_empty(matcher.value) else MAYBE
    values = alternatives(matcher.value)
    if values is not None:
        return Domain("" in values, values - {""})
    return PRESENT if matches_empty(matcher.value) is False else MAYBE


@lru_cache(maxsize=4096)
def matches_empty(pattern: str) -> bool | None:
    """Whether the pattern matches the empty value; None where RE2 and Python might differ."""
    if not _PORTABLE.fullmatch(pattern):
        return None
    try:
        return re.fullmatch(pattern, "") is not None
    except re.error:
        return None


@lru_cache(maxsize=4096)
def alternatives(pattern: str) -> frozenset[str] | None:
    """The values of a pattern that is a plain list of them (`GET|POST`); None for any other
    pattern."""
    bare = pattern.removeprefix("^").removesuffix("$")
    if bare.startswith("(") and bare.endswith(")"):
        bare = bare[1:-1].removeprefix("?:")
    parts = bare.split("|")
    if not all(_LITERAL.fullmatch(part) for part in parts):
        return None
    return frozenset(re.sub(r"\\(.)", r"\1", part) for part in parts)
