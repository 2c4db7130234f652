"""A row: a step and a reference, timed in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Step = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison."""

    name: str
    ours_s: float
    reference: str
    reference_s: float
    ratio: float
    peak_bytes: int | None = None
    reference_peak_bytes: int | None = None
    ours_median_s: float | None = None
    reference_median_s: float | None = None
    target: str = ""
    note: str = ""


def compare(name: str, ours: Step, reference_name: str, reference: Step, rounds: int, **extra: object) -> Row:
    """Measure a row."""
    a, b = interleave(ours, reference, rounds)
    row = Row(
        name, min(a), reference_name, min(b), min(a) / min(b),
        ours_median_s=statistics.median(a), reference_median_s=statistics.median(b), **extra,
    )  # type: ignore[arg-type]  # fmt: skip
    print(
        f"{row.name:58s} {1e3 * row.ours_s:9.2f} ms  {row.ratio:9.4g} x {row.reference}  {row.target} {row.note}",
        flush=True,
    )
    return row


def interleave(ours: Step, reference: Step, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of both, alternating."""
    times: tuple[list[float], list[float]] = ([], [])
    for warm_up in (True, *[False] * rounds):
        for step, seconds in zip((ours, reference), times, strict=True):
            start = time.thread_time()
            step()
            if not warm_up:
                seconds.append(time.thread_time() - start)
    return times
