"""Corners, temperatures and supplies: every condition's own physical model, and what a network written for one condition does in the others.

A condition that cannot be characterised stands in the table with its reason; no parameter is carried over from another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.condition import Condition
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.fixed_bias import FiringCurve, SynapseCurves, measure_curves, measure_firing_stage
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import BottomUp, column_for
from nonideal.characterize.stage import ColumnNetlist, characterize
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError, OutOfRange
from nonideal.circuits.network.mapping import bias_for_current
from nonideal.conditions.bench import (
    SENSE_SOURCE,
    Drift,
    Source,
    measure_drift,
    measure_leakage,
    measure_source,
)

Array = NDArray[np.float64]
REFUSALS = (CircuitError, FitRefused, CharacterizationFailed)
"""What makes a condition one that cannot be characterised."""
MORE_SPAN_V = 0.35
"""How much further gates are swept where a condition cannot carry a unit weight otherwise."""
STARVED = 0.5
"""Below this share of its home current the sensing stage is called starved."""


@dataclass(frozen=True, slots=True)
class Characterised:
    """A condition's model and what was measured beside it. ``firing``: by the axons of a column, at home's V_sense and discharger bias."""

    condition: Condition
    model: PhysicalModel
    curves: SynapseCurves
    leakage_A: tuple[float, float]
    firing: dict[int, FiringCurve] = field(default_factory=dict)
    unmeasured: str = ""


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """A condition as it was met: characterised, or ``problem`` says why not.

    ``source_ratio``: current of the sensing stage's source at home's V_sense, against home (None: a neuron of the user's own).
    """

    condition: Condition
    characterised: Characterised | None = None
    drift: Drift | None = None
    source_ratio: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the other conditions are held against: biases as they were written, the sensing source's current."""

    condition: Condition
    vsense_V: float
    vdis_V: float
    source_A: float | None


@dataclass(frozen=True, slots=True)
class Survey:
    """How conditions are measured: on ``bench``, the nominal ``design``, columns with ``axons``; decks go to ``folder``/<condition>.

    ``track_sense``: V_sense is set anew in every condition, so that the sensing stage's source carries what it does at home;
    where V_sense itself is off it is off from there.
    """

    bench: Workbench
    design: Design
    options: CharacterizeOptions
    axons: tuple[int, ...]
    folder: Path
    track_sense: bool = True

    def at_home(self, condition: Condition) -> tuple[ConditionResult, Reference]:
        """The home condition. Raises what its characterisation raises: without it there is nothing to compare with."""
        vsense_V = self.design.supplies.vsense_V
        source = self._source(condition)
        source_A = None if source is None else source.current_at_A(vsense_V)
        found, drift = self._characterised(condition, None, None), self._drift(condition)
        home = Reference(condition, vsense_V, BottomUp(found.model).vdis_V, source_A)
        found = self._with_firing(found, home)
        return ConditionResult(condition, found, drift, None if source is None else 1.0), home

    def at(self, condition: Condition, home: Reference) -> ConditionResult:
        """Any other condition; one that cannot be characterised comes back with its reason."""
        ratio, drift = None, None
        try:
            source, vsense_V = self._source(condition), None
            if source is not None and home.source_A is not None:
                ratio = source.current_at_A(home.vsense_V + condition.supplies.vsense_V) / home.source_A
                if self.track_sense:
                    vsense_V = round(source.vsense_for_V(home.source_A), 4)
            drift = self._drift(condition)
            found = self._with_firing(self._characterised(condition, vsense_V, home), home)
            return ConditionResult(condition, found, drift, ratio)
        except REFUSALS as error:
            return ConditionResult(condition, None, drift, ratio, self._told(str(error), drift, ratio))

    # -- one condition ----------------------------------------------------------------------------------------------------------

    def _source(self, condition: Condition) -> Source | None:
        roles = [device.role for device in self.design.contracts.neuron.devices]
        if "neuron" in self.design.cells or SENSE_SOURCE not in roles:
            return None
        return measure_source(
            self.bench.at(condition.corner), condition.design(self.design), self._place(condition)
        )

    def _drift(self, condition: Condition) -> Drift:
        design = condition.design(self.design)
        return measure_drift(self.bench.at(condition.corner), design, self.options, self._place(condition))

    def _place(self, condition: Condition) -> Path:
        return self.folder / condition.name

    def _characterised(
        self, condition: Condition, vsense_V: float | None, home: Reference | None
    ) -> Characterised:
        bench, design = self.bench.at(condition.corner), condition.design(self.design, vsense_V)
        columns = [ColumnNetlist.schematic(axons, design) for axons in self.axons]
        try:
            found = characterize(bench, design, self.options, self._place(condition), columns)
        except OutOfRange:
            # Cold and slow, a unit weight asks for more gate voltage than is swept at home.
            span_V = min(self.options.bias_span_V + MORE_SPAN_V, design.supplies.vdd_V)
            wide = self.options.model_copy(update={"bias_span_V": span_V})
            found = characterize(bench, design, wide, self._place(condition), columns)
        n_V, p_V = unit_biases_V(found.model)
        place = self._place(condition)
        return Characterised(
            condition,
            found.model,
            measure_curves(bench, design, self.options, place),
            measure_leakage(bench, design, n_V, p_V, place),
        )

    def _with_firing(self, found: Characterised, home: Reference) -> Characterised:
        """With the firing stage at the biases of home; where that gives no result the condition's own model still stands."""
        bench = self.bench.at(found.condition.corner)
        design = found.condition.design(self.design, home.vsense_V)
        columns = [ColumnNetlist.schematic(axons, design) for axons in self.axons]
        try:
            firing = measure_firing_stage(
                bench, design, found.model, home.vdis_V, columns, self._place(found.condition)
            )
        except REFUSALS as error:
            return Characterised(found.condition, found.model, found.curves, found.leakage_A, {}, str(error))
        return Characterised(found.condition, found.model, found.curves, found.leakage_A, firing)

    def _told(self, error: str, drift: Drift | None, ratio: float | None) -> str:
        """The reason with what the benches say of its physics."""
        physics = []
        if ratio is not None and ratio < STARVED and not self.track_sense:
            volts = self.design.supplies.vsense_V
            physics.append(
                f"the sensing stage starves: at V_sense = {volts:g} V its source has {100 * ratio:.2g} % of its current at home"
            )
        if drift is not None and abs(drift.at_low_V) > 1e-3:
            physics.append(
                f"leakage: a membrane left alone at 0.5 V moves by {1e3 * drift.at_low_V:+.1f} mV in a phase"
            )
        return "; ".join([error, *physics])


def survey(
    plan: Survey, conditions: Sequence[Condition], tell: Callable[[int, int, Condition], object]
) -> tuple[list[ConditionResult], Reference]:
    """Every condition in turn, home first; ``tell`` is told how many are done, how many there are, which one comes."""
    tell(0, len(conditions), conditions[0])
    first, home = plan.at_home(conditions[0])
    met = [first]
    for k, condition in enumerate(conditions[1:], start=1):
        tell(k, len(conditions), condition)
        met.append(plan.at(condition, home))
    return met, home


def unit_biases_V(model: PhysicalModel) -> tuple[float, float]:
    """Gate biases (N, P) of the weights +1 and -1 on the model's smallest column."""
    unit_A = np.array([BottomUp(model).unit_current_A(model.columns[0].axons)])
    return (
        float(bias_for_current(model.positive, unit_A)[0]),
        float(bias_for_current(model.negative, unit_A)[0]),
    )


PARAMETERS = (
    "lambda_N_per_V",
    "lambda_P_per_V",
    "lambda_dis_per_V",
    "membrane_F",
    "v_th_V",
    "vdis_V",
    "vsense_V",
    "unit_current_A",
    "unit_bias_N_V",
    "unit_bias_P_V",
    "leakage_N_A",
    "leakage_P_A",
    "drift_low_V",
    "sensing_delay_s",
    "linearity_N_rms",
    "linearity_P_rms",
    "largest_weight_N",
    "largest_weight_P",
    "check_rms_s",
)
"""Columns of the table that describe a condition's silicon."""


def parameters(met: ConditionResult) -> dict[str, float]:
    """One condition's numbers by name, SI units; none of one that was not characterised."""
    found = met.characterised
    if found is None:
        return {}
    model = found.model
    column = column_for(model, model.columns[0].axons)
    unit_A = BottomUp(model).unit_current_A(column.axons)
    bias_n_V, bias_p_V = unit_biases_V(model)
    assert met.drift is not None
    values = (
        model.positive.lambda_per_V.value,
        model.negative.lambda_per_V.value,
        model.lambda_dis_per_V.value,
        column.membrane_F.value,
        column.v_th_V.value,
        column.vdis_V,
        model.vsense_V,
        unit_A,
        bias_n_V,
        bias_p_V,
        *found.leakage_A,
        met.drift.at_low_V,
        model.sensing_delay_s.value,
        model.positive.linearity_rms,
        model.negative.linearity_rms,
        model.positive.current_max_A / unit_A,
        model.negative.current_max_A / unit_A,
        column.check_rms_s,
    )
    return dict(zip(PARAMETERS, values, strict=True))


def spans(met: Sequence[ConditionResult]) -> dict[str, dict[str, float]]:
    """Least, home's (typical) and largest value of every parameter, over the conditions that were characterised."""
    found = [parameters(one) for one in met if one.characterised is not None]
    return {
        name: {
            "min": min(row[name] for row in found),
            "typ": found[0][name],
            "max": max(row[name] for row in found),
        }
        for name in PARAMETERS
    }
