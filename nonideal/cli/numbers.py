"""The main numbers of a stage, in a few words each, with engineering units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nonideal.characterize.shift import Shifts
from nonideal.files.record import Document
from nonideal.postlayout.summary import ValidationSummary
from nonideal.report.units import quantity
from nonideal.runs.summaries.characterization import CharacterizationSummary
from nonideal.runs.summaries.chips import CalibrationSummary, YieldSummary
from nonideal.runs.summaries.conditions import ConditionsSummary
from nonideal.runs.summaries.explore import ExploreSummary
from nonideal.runs.summaries.layout import ColumnsSummary, LayoutSummary
from nonideal.runs.summaries.netlist import WriteBackSummary
from nonideal.runs.summaries.noise import NoiseSummary
from nonideal.runs.summaries.sample import SampleSummary
from nonideal.runs.summaries.tapeout import TapeoutSummary
from nonideal.runs.summaries.tile_simulation import TileSimulationSummary
from nonideal.runs.summaries.training import TrainingSummary

Numbers = tuple[str, ...]


def main_numbers(summary: Document) -> Numbers:
    """What of a summary says whether it is any good."""
    tell = TELL.get(type(summary))
    return () if tell is None else tell(summary)


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f} %"


def _time(value: float | None) -> str:
    return "none" if value is None else quantity(value, "s", 3)


def _columns(found: ColumnsSummary) -> Numbers:
    sizes = ", ".join(str(one.layers[0]) for one in found.columns)
    return (f"columns of {sizes} axons on {found.netlist or 'their layouts'}",)


def _characterization(found: CharacterizationSummary) -> Numbers:
    membrane = found.parameters.get("membrane_F")
    capacitor = () if membrane is None else (f"C_m {quantity(membrane.value, 'F', 3)}",)
    rails = f"E_rev {found.e_rev_positive_norm:+.2f}, {found.e_rev_negative_norm:+.2f} V_th"
    return (f"corner {found.corner}", rails, *capacitor)


def _shift(found: Shifts) -> Numbers:
    return (f"{len(found.labels)} conditions",)


def _training(found: TrainingSummary) -> Numbers:
    return tuple(f"{name} {_percent(one.test_accuracy_median)} test" for name, one in found.variants.items())


def _netlist(found: WriteBackSummary) -> Numbers:
    return tuple(
        f"{name} {'-'.join(map(str, one.layers))}, {one.clipped} clipped"
        for name, one in found.mappings.items()
    )


def _layout(found: LayoutSummary) -> Numbers:
    lvs = "LVS matches" if found.lvs_matched else "LVS DIFFERS"
    return (
        f"{found.area_um2:.0f} um2, {found.devices} devices",
        f"{found.drc_violations} DRC violations, {lvs}",
    )


def _validation(found: ValidationSummary) -> Numbers:
    told = [
        f"{name} {_time(one.spike_time_rmse_s.output)} RMSE, {_percent(one.accuracy_spice)} in SPICE"
        for name, one in found.mappings.items()
    ]
    failed = [f"{found.failed_samples} samples FAILED"] if found.failed_samples else []
    return (f"{found.samples} samples on {found.netlist}", *told, *failed)


def _explore(found: ExploreSummary) -> Numbers:
    best = [one.name for one in found.choices if one.pareto]
    return (f"{len(found.choices)} choices", f"best: {', '.join(best) or 'none'}")


def _noise(found: NoiseSummary) -> Numbers:
    jitter = ", ".join(_time(one.rms_s) for one in found.layers)
    return (
        f"{found.mapping} jitters by {jitter} (layers, rms)",
        f"{_percent(found.accuracy.mean)} under noise",
    )


def _conditions(found: ConditionsSummary) -> Numbers:
    return (f"{found.mapping} in {len(found.conditions)} conditions",)


def _yield(found: YieldSummary) -> Numbers:
    return (
        f"{found.chips} chips: {_percent(found.as_written.share)} good as written",
        f"{_percent(found.trimmed.share)} trimmed with {found.trimmed.bits} bits",
    )


def _calibration(found: CalibrationSummary) -> Numbers:
    checks = found.checks
    return (
        f"chip {found.chip}: {checks.as_written.right} of {found.samples} right as written, {checks.trimmed.right} trimmed",
    )


def _sample(found: SampleSummary) -> Numbers:
    says = f"label {found.label}, SPICE says {found.spice_says or 'nothing'}"
    return (f"{says}, RMSE {_time(found.rmse_s)}",)


def _tapeout(found: TapeoutSummary) -> Numbers:
    lvs = "matches" if found.lvs_matched else "DIFFERS"
    broken = ", ".join(found.precheck_failed)
    return (
        f"{found.top}: {found.devices} devices on {found.tile}, {found.drc_violations} DRC violations, LVS {lvs}",
        f"precheck: {f'breaks {broken}' if broken else 'passes'}",
    )


def _tile_simulation(found: TileSimulationSummary) -> Numbers:
    count, last = len(found.samples), found.layers[-1]
    return (
        f"{found.agreeing} of {count} samples decided as the model, output RMSE {_time(last.rmse_s)}",
        f"Verilog: {found.verilog_agreeing} of {count} decided as SPICE, {found.same_order} in its order",
    )


TELL: dict[type[Document], Callable[[Any], Numbers]] = {
    ColumnsSummary: _columns,
    CharacterizationSummary: _characterization,
    Shifts: _shift,
    TrainingSummary: _training,
    WriteBackSummary: _netlist,
    LayoutSummary: _layout,
    ValidationSummary: _validation,
    ExploreSummary: _explore,
    ConditionsSummary: _conditions,
    NoiseSummary: _noise,
    YieldSummary: _yield,
    CalibrationSummary: _calibration,
    SampleSummary: _sample,
    TapeoutSummary: _tapeout,
    TileSimulationSummary: _tile_simulation,
}
