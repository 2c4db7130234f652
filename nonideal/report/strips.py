"""Every error of an output spike, by mapping, on one logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from nonideal.report import spike_figures
from nonideal.report.blocks import Strip, Strips
from nonideal.report.colours import of_mapping, themed
from nonideal.report.units import quantity
from nonideal.runs.results import Results
from nonideal.runs.spec import Verdict

DOTS = 400
"""So many of a row at most: evenly among its sorted errors."""
LEAST_NS = 1e-3
GOLDEN = (math.sqrt(5) - 1) / 2


def strips_of(results: Results, found: Iterable[Verdict], first: str) -> Strips | None:
    """Of a validation whose output spikes can be compared; the closest mapping above. None where there is nothing to compare."""
    if results.validation is None or results.spikes is None:
        return None
    rmse_ns = {name: _rmse_ns(results, name) for name in results.validated}
    errors = {name: np.abs(spike_figures.errors_ns(results.spikes, name)) for name in rmse_ns}
    if not any(len(values) for values in errors.values()):
        return None
    floor_ns = 1e9 * (results.validation.numerical_floor_s or 0.0)
    limit = next((v for v in found if v.parameter.startswith(f"{first}: output spike-time RMSE")), None)
    marks_ns = [] if limit is None or limit.maximum is None else [(1e9 * limit.maximum, "limit")]
    low, high = _decades(
        [floor_ns, *(value or 0.0 for value in rmse_ns.values())],
        [
            *(value or 0.0 for value in rmse_ns.values()),
            *(float(values.max()) for values in errors.values() if len(values)),
            *(value for value, _ in marks_ns),
        ],
    )

    def place(value_ns: float) -> float:
        exponent = math.log10(value_ns) if value_ns > 0 else low
        return min(max((exponent - low) / (high - low), 0.0), 1.0)

    names = sorted(rmse_ns, key=lambda name: math.inf if (value := rmse_ns[name]) is None else value)
    return Strips(
        strips=tuple(
            _strip(results, name, [place(value) for value in errors[name]], rmse_ns[name], place)
            for name in names
        ),
        ticks=tuple(
            (place(10.0**exponent), f"{10.0**exponent:g} ns" if exponent == high else f"{10.0**exponent:g}")
            for exponent in range(low, high + 1)
        ),
        marks=tuple(
            (place(value), f"{told} {quantity(1e-9 * value, 's', 3)} rms") for value, told in marks_ns
        ),
        floor=place(floor_ns) if floor_ns else 0.0,
        caption="How far spikes in SPICE are from the model's: a dot for each output spike of each test sample, a bar at their rms. "
        "Shaded: finer than the simulator resolves. Missed and extra spikes are counted over all layers.",
    )


def _decades(small_ns: list[float], large_ns: list[float]) -> tuple[int, int]:
    """Exponents of the axis' ends, in ns: below the smallest, above the largest; at least one decade, of what is not zero."""
    lowest = max(min((value for value in small_ns if value > 0), default=1.0), LEAST_NS)
    highest = max((value for value in large_ns if value > 0), default=1.0)
    low = math.floor(math.log10(lowest))
    return low, max(math.ceil(math.log10(highest)), low + 1)


def _strip(
    results: Results,
    name: str,
    places: list[float],
    rmse_ns: float | None,
    place: Callable[[float], float],
) -> Strip:
    shown = (
        np.sort(places)[np.unique(np.linspace(0, len(places) - 1, min(len(places), DOTS)).astype(int))]
        if places
        else []
    )
    row = results.validated[name]
    counts = (("missed", row.missed_spikes), ("extra", row.extra_spikes))
    lost = [f"{count} {kind}" for kind, count in counts if count]
    return Strip(
        name=name,
        colour=themed(of_mapping(name)),
        # Heights are spread evenly and mean nothing.
        dots=tuple((float(x), (k * GOLDEN) % 1.0) for k, x in enumerate(shown)),
        rms=None if rmse_ns is None else place(rmse_ns),
        value=quantity(None if rmse_ns is None else 1e-9 * rmse_ns, "s", 3),
        aside=", ".join(lost),
    )


def _rmse_ns(results: Results, name: str) -> float | None:
    found = results.validated[name].spike_time_rmse_s.output
    return None if found is None else 1e9 * found
