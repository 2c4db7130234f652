"""Worker processes for Python's own work: they end when what started them does, however that ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from joblib import Parallel

LOOK_EVERY_S: Final = 0.2


def in_order(jobs: int, calls: Iterable[Any]) -> Iterator[Any]:
    """The results of `joblib.delayed` calls in `jobs` processes, in their order, as they come; with one, in this process.

    Closing the iterator, an exception and Ctrl-C end the workers. When this process is killed they are gone within
    `LOOK_EVERY_S`, in the middle of what they do.
    """
    parallel = Parallel(
        n_jobs=jobs, return_as="generator", initializer=_end_with_parent, initargs=(os.getpid(),)
    )
    results = parallel(calls)
    try:
        yield from results
    finally:
        results.close()


def _end_with_parent(parent: int) -> None:
    """In a worker: a thread that ends the process once its parent is another one, for then that is dead.

    Not the kernel's own signal for it (PR_SET_PDEATHSIG): that comes when the starting thread ends.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)
        os._exit(1)

    threading.Thread(target=look, name="end with parent", daemon=True).start()
