"""The answer at the top of a report: did it work, how well, against what."""

from __future__ import annotations

from collections.abc import Iterable

from nonideal.report.blocks import Tile
from nonideal.report.panels import few_samples
from nonideal.report.units import NONE, quantity
from nonideal.runs.results import REFERENCE, Results
from nonideal.runs.spec import State, Verdict, primary

NETLISTS = {
    "schematic": "the schematic netlist",
    "pex-c": "the netlist with extracted capacitances",
    "pex-rc": "the netlist with extracted resistances and capacitances",
}


def verdict(results: Results, found: list[Verdict]) -> tuple[str, str]:
    """How many limits are met and what else is to be known, in a sentence; and ``pass``, ``fail`` or ``idle``."""
    judged = [v for v in found if v.state is not State.unlimited]
    failed = [v for v in judged if v.state is State.failed]
    waiting = [v for v in judged if v.state is State.not_run]
    met = len(judged) - len(failed) - len(waiting)
    text = f"{met} of {len(judged)} limits met"
    if failed:
        text += f"; not met: {', '.join(v.parameter for v in failed)}"
    if waiting:
        text += f"; {len(waiting)} of stages that are not in this run"
    incomplete = results.has("validation") and not results.complete("validation")
    if incomplete:
        text += "; the validation is not complete"
    if few_samples(results):
        text += "; few samples"
    if results.altered:
        many = len(results.altered)
        text += (
            f"; {many} files are not what their stages made"
            if many > 1
            else "; 1 file is not what its stage made"
        )
    return text + ".", "fail" if failed or results.altered else "idle" if waiting or incomplete else "pass"


def leading(results: Results) -> str:
    """The mapping that stands for a validation; "" without one."""
    first = primary(results)
    return first if first in results.validated else next(iter(results.validated), "")


def headline(results: Results, found: list[Verdict]) -> tuple[str, str]:
    """What was found, in a sentence; and what it was found on and against."""
    model, validation, name = results.model, results.validation, leading(results)
    on = [f"Experiment `{results.experiment}`"]
    if model is not None:
        on.append(f"sky130 corner {model.corner}, {model.temperature_C:g} °C")
    if validation is None:
        done = [
            told
            for stage, told in (("characterization", "Circuit measured"), ("training", "networks trained"))
            if results.has(stage)
        ]
        begun = ", ".join(done) or "Begun"
        return f"{begun[0].upper()}{begun[1:]}; no network simulated yet", ", ".join(on) + "."
    on.append(f"{validation.samples} test samples on {NETLISTS.get(validation.netlist, validation.netlist)}")
    rmse = {key: row.spike_time_rmse_s.output for key, row in results.validated.items()}
    if rmse.get(name) is None:
        return "No output spike could be compared with SPICE", ", ".join(on) + "."
    limit = next((v for v in found if v.parameter == _rmse_limit(name)), None)
    how = quantity(rmse[name], "s", 3)
    told = f"The circuit fires within {how} (rms) of what its model promised"
    if limit is not None and limit.state is State.failed:
        told = f"The circuit fires {how} (rms) off what its model promised"
    against = ""
    if REFERENCE in rmse and name != REFERENCE:
        against = (
            f" The numbers are those of `{name}`, trained on the circuit as measured; `{REFERENCE}`, trained on ideal arithmetic, is "
            f"{quantity(rmse[REFERENCE], 's', 3)} off."
        )
    return told, ", ".join(on) + f".{against}"


def _rmse_limit(name: str) -> str:
    return f"{name}: output spike-time RMSE, model against SPICE"


def tiles(results: Results, found: list[Verdict]) -> Iterable[Tile]:
    """Three or four numbers with what each is held against."""
    by_name = {v.parameter: v for v in found}
    if results.validation is None:
        yield from _without_validation(results, by_name)
        return
    name = leading(results)
    row = results.validated[name]

    def state(parameter: str) -> str:
        known = by_name.get(parameter)
        return known.state.value if known and known.state in (State.passed, State.failed) else ""

    def against(parameter: str) -> str:
        return _against(by_name.get(parameter))

    rmse = _rmse_limit(name)
    value = row.spike_time_rmse_s.output
    yield Tile(quantity(value, "s", 3), "spike-time error, rms", state(rmse), against(rmse))
    ratio = by_name.get(f"{name}: RMSE of {REFERENCE} over it")
    if ratio is not None and ratio.measured is not None:
        told = f"closer than {REFERENCE}"
        yield Tile(f"{ratio.measured:.3g} ×", told, state(ratio.parameter), _against(ratio))
    accuracy = f"{name}: accuracy in SPICE"
    model = quantity(row.accuracy_model, "%", 3)
    yield Tile(
        quantity(row.accuracy_spice, "%", 3),
        "accuracy in SPICE",
        state(accuracy),
        f"model {model}" + _after(against(accuracy)),
    )
    failed = results.validation.failed_samples or 0
    if failed:
        yield Tile(str(failed), "samples without a result", "fail", "in SPICE, all mappings")
    else:
        unpaired = f"{name}: missed and extra spikes, all layers"
        yield Tile(
            f"{row.missed_spikes} / {row.extra_spikes}",
            "missed / extra spikes",
            state(unpaired),
            "all layers" + _after(against(unpaired)),
        )


def _without_validation(results: Results, found: dict[str, Verdict]) -> Iterable[Tile]:
    if results.model is not None:
        for name, estimate, row in (
            ("λ_N, NMOS", results.model.positive.lambda_per_V, "λ of the NMOS (positive weights)"),
            ("λ_P, PMOS", results.model.negative.lambda_per_V, "λ of the PMOS (negative weights)"),
            ("λ_dis, discharger", results.model.lambda_dis_per_V, "λ of the discharger"),
        ):
            known = found.get(row)
            state = known.state.value if known and known.state in (State.passed, State.failed) else ""
            yield Tile(quantity(estimate.value, estimate.unit), name, state, _against(known))
    for name, variant in results.variants.items():
        label = f"{name}: accuracy of the model"
        yield Tile(quantity(variant.test_accuracy_median, "%", 3), label, against="median of seeds")


def _after(told: str) -> str:
    return f" · {told}" if told else ""


def _against(known: Verdict | None) -> str:
    """The limit and the paper's value."""
    if known is None:
        return ""
    told = []
    if known.minimum is not None and known.maximum is not None:
        told.append(f"{known.minimum:.3g} .. {quantity(known.maximum, known.unit, 3)}")
    elif known.maximum is not None:
        told.append(f"≤ {quantity(known.maximum, known.unit, 3)}")
    elif known.minimum is not None:
        told.append(f"≥ {quantity(known.minimum, known.unit, 3)}")
    if known.typical is not None:
        told.append(f"paper {quantity(known.typical, known.unit, 3)}")
    return " · ".join(one for one in told if one != NONE)
