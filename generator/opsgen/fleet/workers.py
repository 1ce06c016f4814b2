"""Pure functions over many items, spread over the cores: items in, results in the items' order out.

Worker processes are forks, so that what the function needs is there already and only results are
sent. Where there is one core, no fork, or little to do, everything is done here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")

# To start workers takes as long as some services do.
_FEWEST = 16
_CHUNKS_A_WORKER = 8

# What the forks work on: set before they are made, and never sent.
_work: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def each(function: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
    """`map`, over all cores. The function must not raise: in a worker, that would end the others
    too."""
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
    """Those that this process may use; one where forks are not safe."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
