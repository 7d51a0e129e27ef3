"""Threads over tiles, one BLAS thread in each: results do not depend on how many there are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 256
"""Threads beyond it cost memory and gain nothing."""


@contextmanager
def tile_threads(
    count: int,
) -> Iterator[Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]]:
    """Yield an ordered `map` over `count` threads, with torch's own threading switched off meanwhile.

    The switch is one for the process: fits and decodes belong into separate processes, not into separate threads.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if count == 1:
            yield map
        else:
            count = min(count, MOST_THREADS)
            with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield partial(_mapped, pool, 4 * count)
    finally:
        torch.set_num_threads(before)


def _mapped(
    pool: ThreadPoolExecutor, ahead: int, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """Map in order, at most `ahead` items at a time, so that memory does not grow with their number."""
    begun: deque[Future[Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) == ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()
