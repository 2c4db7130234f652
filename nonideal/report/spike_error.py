"""The picture at the top of a report: what one output spike's error is made of, as far as this run directory knows, on one logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nonideal.conditions.spot_summary import AtCondition
from nonideal.report.answer import leading
from nonideal.report.blocks import Part, Parts
from nonideal.report.colours import OTHER, of_mapping, themed
from nonideal.report.units import quantity
from nonideal.runs.results import Results
from nonideal.runs.summaries.chips import Side
from nonideal.runs.summaries.conditions import ConditionSummary

DEGREES = 10.0
VDD_SHARE = 0.05
LEAST_NS = 0.1
"""The axis begins here or at a power of ten below."""
CLOSE = 0.05
"""A condition stands for the asked one where it is off by so much of it."""


@dataclass(frozen=True, slots=True)
class SpikeError:
    """One part, rms over output spikes; with nothing known ``value_s`` is None, and ``why`` says what is missing."""

    name: str
    value_s: float | None
    why: str = ""
    colour: str = OTHER


def spike_errors(results: Results) -> tuple[SpikeError, ...]:
    """Model error, noise, mismatch as written and trimmed, ten degrees, 5 % of V_dd; what was not run names its command."""
    mapping = leading(results)
    return (
        _part("model error", _model_error_s(results, mapping), results, "validation", of_mapping(mapping)),
        _part("noise (jitter)", _jitter_s(results), results, "noise"),
        _part("mismatch, as written", _mismatch_s(results, "as_written"), results, "yield"),
        _part("mismatch, trimmed", _mismatch_s(results, "trimmed"), results, "yield"),
        _condition(f"{DEGREES:g} degrees, biases kept", results, _warmer),
        _condition(f"{100 * VDD_SHARE:g} % of V_dd, biases kept", results, _weaker(results)),
    )


def parts_of(results: Results) -> Parts | None:
    """The same as a picture; None where nothing of it is known."""
    found = spike_errors(results)
    known_ns = [1e9 * one.value_s for one in found if one.value_s]
    if not known_ns:
        return None
    low = math.floor(math.log10(min(LEAST_NS, *known_ns)))
    high = max(math.ceil(math.log10(max(known_ns))), low + 1)

    def place(value_ns: float) -> float:
        return (math.log10(max(value_ns, 10.0**low)) - low) / (high - low)

    return Parts(
        title="What one output spike's error is made of",
        parts=tuple(
            Part(
                one.name,
                themed(one.colour),
                None if one.value_s is None else place(1e9 * one.value_s),
                one.why or quantity(one.value_s, "s", 3),
            )
            for one in found
        ),
        ticks=tuple(
            (place(10.0**at), f"{10.0**at:g} ns" if at == high else f"{10.0**at:g}")
            for at in range(low, high + 1)
        ),
        caption="Rms over output spikes, on a logarithmic axis. The model's error is the same every time, noise another one every time; "
        "mismatch differs from chip to chip; degrees and supplies move the biases that were written at home.",
    )


def _part(
    name: str, value_s: float | None, results: Results, stage: str, colour: str = OTHER
) -> SpikeError:  # fmt: skip
    return SpikeError(
        name, value_s, "" if value_s is not None else f"not run: `{results.command(stage)}`", colour
    )


def _model_error_s(results: Results, mapping: str) -> float | None:
    row = results.validated.get(mapping)
    return None if row is None else row.spike_time_rmse_s.output


def _jitter_s(results: Results) -> float | None:
    return None if results.noise is None or not results.noise.layers else results.noise.layers[-1].rms_s


def _mismatch_s(results: Results, side: Side) -> float | None:
    """Off the nominal chip: of all drawn chips in the fast model; where that was not told, of those that were calibrated in SPICE."""
    drawn = [getattr(one, side).off_nominal_rms_s for one in results.yields.values()]
    told = [value for value in drawn if value is not None]
    if told:
        return float(told[0])
    simulated = [getattr(one.checks, side).off_nominal_rms_s for one in results.calibrations.values()]
    known = [value for value in simulated if value is not None]
    return float(np.sqrt(np.mean(np.square(known)))) if known else None


Fits = Callable[[AtCondition, AtCondition], bool]


def _condition(name: str, results: Results, fits: Fits) -> SpikeError:
    """The larger one of either direction."""
    met = results.conditions.conditions if results.conditions is not None else ()
    if not met:
        return _part(name, None, results, "conditions")
    home, *others = met
    asked = [one for one in others if one.corner == home.corner and fits(home, one)]
    if not asked:
        return SpikeError(
            name, None, f"not run: not among the conditions of `{results.command('conditions')}`"
        )
    known = [value for value in map(_moved_s, asked) if value is not None]
    return SpikeError(name, max(known)) if known else SpikeError(name, None, "no output spike is left there")


def _moved_s(one: ConditionSummary) -> float | None:
    return one.kept_output_change_s


def _warmer(home: AtCondition, one: AtCondition) -> bool:
    degrees = abs(one.temperature_C - home.temperature_C)
    return not one.supplies.given and abs(degrees - DEGREES) <= CLOSE * DEGREES


def _weaker(results: Results) -> Fits:
    vdd_V = 1.8 if results.model is None else results.model.vdd_V
    share_V = VDD_SHARE * vdd_V

    def fits(home: AtCondition, one: AtCondition) -> bool:
        alone = set(one.supplies.given) == {"vdd_V"} and one.temperature_C == home.temperature_C
        return alone and abs(abs(one.vdd_offset_V) - share_V) <= CLOSE * share_V

    return fits
