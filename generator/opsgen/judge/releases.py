"""Releases of Prometheus, as the tables of what it loads name them."""

from __future__ import annotations

Release = tuple[int, int]

# The oldest supported one: what is as old or older is always there.
OLDEST: Release = (2, 42)
# Every release, where none is named.
NEWEST: Release = (99, 0)


def release_of(version: str) -> Release:
    """`2.42`, `3.16.0`: major and minor."""
    major, minor, *_ = (int(part) for part in version.split("."))
    return major, minor
