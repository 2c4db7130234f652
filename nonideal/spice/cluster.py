"""A Dask cluster, and a job's place in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from nonideal.spice.errors import SchedulerUnavailable

CONNECT_S: Final = 5
"""How long a scheduler may take to answer, s."""


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """A Dask client of the cluster at `scheduler` (`tcp://host:port`); closing it gives up what it asked for.

    Raises `SchedulerUnavailable`: Dask is not installed, nothing answers, or there are no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise SchedulerUnavailable(
            f"scheduler {scheduler}: Dask is not installed; pip install 'nonideal[cluster]'"
        ) from error
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SchedulerUnavailable(
            f"scheduler {scheduler}: no answer within {CONNECT_S} s ({error}); "
            "start one with `dask scheduler` and workers with `dask worker ADDRESS`"
        ) from error
    with client:
        if not client.ncores():
            raise SchedulerUnavailable(
                f"scheduler {scheduler}: it has no workers; start some: dask worker {scheduler}"
            )
        yield client


class Abandoned:
    """On a worker: set once the cluster no longer wants the job that is running in this thread.

    So it is when the coordinator closed its client, was interrupted, or was killed.
    """

    def __init__(self) -> None:
        from distributed import get_worker
        from distributed.worker import thread_state

        self._worker = get_worker()
        self._key = thread_state.key

    def is_set(self) -> bool:
        """True once the job is cancelled or unknown."""
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state == "cancelled"
