"""What a run must reach: one table of limits, and the verdicts of a validation and of a run directory.

The report judges every limit; the exit code those that the experiment sets in its [spec] section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from nonideal.characterize.plots import PAPER_LAMBDA_PER_V
from nonideal.experiment.sections import Spec
from nonideal.postlayout.summary import JudgedLimit, MappingSummary, ValidationSummary
from nonideal.runs.results import REFERENCE, Results, load_results


class State(StrEnum):
    """What a verdict says. Only ``passed`` passes."""

    passed = "pass"
    failed = "fail"
    not_run = "not run"
    unlimited = "no limit"


@dataclass(frozen=True, slots=True)
class Limit:
    """One parameter, its limits in SI units, and which number of which file it is held against.

    ``typical`` is the reference paper's value. ``setting`` is the key of the experiment's [spec] section that
    overrides the limit.
    With ``reference`` it is a comparison with the mapping ``ann``. ``per_mapping``: for every mapping that was validated, or
    trained where the stage is training; ``primary`` alone where the stage was not run.
    Limits hold where ``applies`` says so: elsewhere the value is shown and not judged.
    """

    parameter: str
    unit: str
    stage: str
    source: str
    measure: Callable[[Results, str], float | None]
    minimum: float | None = None
    typical: float | None = None
    maximum: float | None = None
    setting: str | None = None
    per_mapping: bool = False
    reference: bool = False
    applies: Callable[[Results], bool] = lambda results: True


@dataclass(frozen=True, slots=True)
class Verdict:
    """A limit and what was measured; ``source`` names the file and the key."""

    parameter: str
    unit: str
    minimum: float | None
    typical: float | None
    maximum: float | None
    measured: float | None
    state: State
    source: str
    stage: str

    @property
    def passed(self) -> bool:
        """Measured, and inside its limits."""
        return self.state is State.passed

    def judged(self) -> JudgedLimit:
        """For summaries."""
        return JudgedLimit(
            parameter=self.parameter,
            unit=self.unit,
            measured=self.measured,
            minimum=self.minimum,
            maximum=self.maximum,
            passed=self.passed,
        )


def _of_mapping(number: Callable[[MappingSummary], float | None]) -> Callable[[Results, str], float | None]:
    """A number of a validated mapping; None where it was not validated."""

    def measure(results: Results, name: str) -> float | None:
        row = results.validated.get(name)
        return None if row is None else number(row)

    return measure


def _of_validation(
    number: Callable[[ValidationSummary], float | None],
) -> Callable[[Results, str], float | None]:
    return lambda results, name: None if results.validation is None else number(results.validation)


_rmse_s = _of_mapping(lambda row: row.spike_time_rmse_s.output)


def _ratio(results: Results, name: str) -> float | None:
    mine, reference = _rmse_s(results, name), _rmse_s(results, REFERENCE)
    return reference / mine if mine and reference is not None else None


def _accuracy_lost(row: MappingSummary) -> float | None:
    model, spice = row.accuracy_model, row.accuracy_spice
    return None if model is None or spice is None else round(model - spice, 9)


def _trained_accuracy(results: Results, name: str) -> float | None:
    found = results.variants.get(name)
    return None if found is None else found.test_accuracy_median


def _lambda(results: Results, source: str) -> float | None:
    model = results.model
    if model is None:
        return None
    found = {"n": model.positive.lambda_per_V, "p": model.negative.lambda_per_V}
    return found.get(source, model.lambda_dis_per_V).value


def _is_typical(results: Results) -> bool:
    return results.model is None or results.model.corner == "tt"


def _is_iris(results: Results) -> bool:
    return results.training is None or results.training.data_set == "iris"


def _is_schematic(results: Results) -> bool:
    return results.validation is None or results.validation.netlist == "schematic"


def _is_drawn(results: Results) -> bool:
    return results.drc is not None or results.lvs is not None or not _is_schematic(results)


def _lambda_limit(name: str, source: str, key: str) -> Limit:
    """Within 5 % of the paper's value, at the typical corner."""
    paper = PAPER_LAMBDA_PER_V[source]
    return Limit(
        parameter=f"λ of the {name}",
        unit="1/V",
        stage="characterization",
        source=f"model.json: {key}",
        measure=lambda results, mapping: _lambda(results, source),
        minimum=0.95 * paper,
        typical=paper,
        maximum=1.05 * paper,
        applies=_is_typical,
    )


LIMITS: tuple[Limit, ...] = (
    Limit(
        "output spike-time RMSE, model against SPICE", "s", "validation",
        "summary.json: mappings.{mapping}.spike_time_rmse_s.output", _rmse_s,
        typical=1.97e-9, maximum=4e-9, setting="output_rmse_max_s", per_mapping=True,
    ),
    Limit(
        "hidden spike-time RMSE, model against SPICE", "s", "validation",
        "summary.json: mappings.{mapping}.spike_time_rmse_s.hidden",
        _of_mapping(lambda row: row.spike_time_rmse_s.hidden),
        setting="hidden_rmse_max_s", per_mapping=True,
    ),
    Limit(
        f"RMSE of {REFERENCE} over it", "", "validation",
        f"summary.json: mappings.{REFERENCE} / mappings.{{mapping}}, spike_time_rmse_s.output", _ratio,
        minimum=8.0, typical=39.04 / 1.97, setting="ann_ratio_min", per_mapping=True, reference=True,
    ),
    Limit(
        "accuracy in SPICE", "%", "validation",
        "summary.json: mappings.{mapping}.accuracy_spice",
        _of_mapping(lambda row: row.accuracy_spice),
        setting="accuracy_spice_min", per_mapping=True,
    ),
    Limit(
        "accuracy lost from model to SPICE", "%", "validation",
        "summary.json: mappings.{mapping}.accuracy_model - accuracy_spice", _of_mapping(_accuracy_lost),
        setting="accuracy_loss_max", per_mapping=True,
    ),
    Limit(
        "missed and extra spikes, all layers", "", "validation",
        "summary.json: mappings.{mapping}.missed_spikes + extra_spikes",
        _of_mapping(lambda row: row.unpaired_spikes),
        setting="missed_and_extra_spikes_max", per_mapping=True,
    ),
    Limit(
        "samples without a result, all mappings", "", "validation", "summary.json: failed_samples",
        _of_validation(lambda found: found.failed_samples), maximum=0.0,
    ),
    Limit(
        "numerical floor of the simulator", "s", "validation", "summary.json: numerical_floor_s",
        _of_validation(lambda found: found.numerical_floor_s), maximum=0.2e-9, setting="numerical_floor_max_s",
    ),
    Limit(
        "violations of design rules", "", "layout", "drc.json: violations",
        lambda results, name: None if results.drc is None else results.drc.violations, maximum=0.0, applies=_is_drawn,
    ),
    Limit(
        "layout matches the schematic (1: yes)", "", "layout", "lvs.json: matched",
        lambda results, name: None if results.lvs is None else results.lvs.matched, minimum=1.0, applies=_is_drawn,
    ),
    Limit(
        "test accuracy of the model, median of seeds", "%", "training",
        "summary.json: variants.{mapping}.test_accuracy_median", _trained_accuracy,
        minimum=0.94, per_mapping=True, applies=_is_iris,
    ),
    _lambda_limit("NMOS (positive weights)", "n", "positive.lambda_per_V"),
    _lambda_limit("PMOS (negative weights)", "p", "negative.lambda_per_V"),
    _lambda_limit("discharger", "discharger", "lambda_dis_per_V"),
)  # fmt: skip


def primary(results: Results) -> str:
    """The mapping that stands for a run: bottom_up where it was validated, or before validation trained, else pnn."""
    known = results.variants if results.validation is None else results.validated
    return "bottom_up" if "bottom_up" in known else "pnn"


def verdicts(rundir: Path) -> list[Verdict]:
    """The verdict on every limit for a run directory; a stage that was not run does not pass."""
    return judge(load_results(rundir))


def judge_summary(spec: Spec, summary: ValidationSummary) -> list[Verdict]:
    """The verdict on every limit that ``spec`` sets, for a validation's summary."""
    results, settings = Results(Path(), validation=summary), spec.model_dump()
    return [
        _judge(_own(limit, results, settings, name), results, name)
        for limit in LIMITS
        for name in _names(limit, results)
        if limit.setting is not None and _set(limit.setting, settings, name) is not None
        if not (limit.reference and REFERENCE not in summary.mappings)
    ]


def judge(results: Results) -> list[Verdict]:
    """The verdict on every limit, with the experiment's own where the validation recorded them."""
    manifest = results.manifests.get("validation")
    spec = manifest.inputs.settings.get("spec") if manifest is not None else None
    found = []
    for limit in LIMITS:
        if limit.stage == "layout" and not limit.applies(results):
            continue  # a schematic run draws nothing
        for name in _names(limit, results):
            own = _own(limit, results, spec if isinstance(spec, dict) else {}, name)
            if own.setting and own.minimum is own.maximum is own.typical is None:
                continue  # an optional limit that the experiment does not set: the tables show the value
            found.append(_judge(own, results, name))
    return found


def _names(limit: Limit, results: Results) -> list[str]:
    """The mappings that a limit is held against, the primary one first; the reference is not judged."""
    if not limit.per_mapping:
        return [""]
    first = primary(results)
    known = results.variants if limit.stage == "training" else results.validated
    if not results.has(limit.stage):
        return [first]
    return sorted((name for name in known if name != REFERENCE), key=lambda name: name != first)


def _set(setting: str, spec: Mapping[str, Any], name: str) -> float | None:
    """A limit on a mapping as the experiment's [spec] section has it: in the mapping's own section, else for all."""
    own: float | None = (spec.get(name) or {}).get(setting)
    return spec.get(setting) if own is None else own


def _own(limit: Limit, results: Results, spec: Mapping[str, Any], name: str) -> Limit:
    """The limit on a mapping as the experiment's [spec] section set it; else the table's."""
    if not limit.applies(results):
        return replace(limit, minimum=None, maximum=None)
    if limit.setting is None or limit.setting not in spec:
        return limit
    side = "minimum" if "_min" in limit.setting else "maximum"
    own: dict[str, Any] = {side: _set(limit.setting, spec, name)}
    return replace(limit, **own)


def _judge(limit: Limit, results: Results, name: str) -> Verdict:
    measured = limit.measure(results, name)
    run = results.has(limit.stage)
    low, high = limit.minimum, limit.maximum
    if not run:
        state = State.not_run
    elif low is None and high is None:
        state = State.unlimited
    else:
        state = State.passed if _inside(measured, low, high) else State.failed
    return Verdict(
        parameter=f"{name}: {limit.parameter}" if limit.per_mapping else limit.parameter,
        unit=limit.unit,
        minimum=low,
        typical=limit.typical,
        maximum=high,
        measured=measured,
        state=state,
        source=f"{limit.stage}/{limit.source.format(mapping=name)}",
        stage=limit.stage,
    )


def _inside(measured: float | None, low: float | None, high: float | None) -> bool:
    """A value that could not be measured lies inside no limits."""
    if measured is None:
        return False
    return (low is None or measured >= low) and (high is None or measured <= high)
