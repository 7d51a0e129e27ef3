"""Threads over tiles, one BLAS thread in each: results do not depend on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def tile_threads(
    count: int,
) -> Iterator[Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]]:
    """Yield an ordered `map` over `count` threads, with torch's own threading switched off meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if count == 1:
            yield map
        else:
            with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield pool.map
    finally:
        torch.set_num_threads(before)
