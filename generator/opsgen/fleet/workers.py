"""Applies a pure function to many items on all cores, and gives the results in the items' order.

Worker processes are forks: they already have what the function needs, and send only results. With
one core, without fork, or with few items, this process does the work itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

# Starting the workers takes as long as building some services.
_FEWEST = 16
_CHUNKS_A_WORKER = 8

# The work of the forks: set before they start, and never sent.
_work: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def each(function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """`map` on all cores. The function must not raise: that would stop the other workers."""
    workers = min(_cores(), len(items))
    if len(items) < _FEWEST or workers < 2:
        yield from map(function, items)
        return
    yield from _forked(function, items, workers)


def _forked(function: Callable[[_T], _R], items: Sequence[_T], workers: int) -> Iterator[_R]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    global _work
    _work = (function, items)
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
            yield from pool.map(
                _do, range(len(items)), chunksize=-(-len(items) // (workers * _CHUNKS_A_WORKER))
            )
    finally:
        _work = None


def _do(index: int) -> Any:
    if _work is None:
        raise RuntimeError("a worker was started without its work")
    function, items = _work
    return function(items[index])


def _cores() -> int:
    """The cores that this process may use; 1 where forks are not safe."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
