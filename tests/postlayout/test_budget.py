"""The error budget where the simulator is the reference itself: every term has a size that must come out."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from nonideal.characterize.column import Column, TurnOn
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import column_for, network_physics
from nonideal.characterize.reference import firing_time, spike_times
from nonideal.pnn import DSTD
from nonideal.postlayout.budget import Budget, Entry, Groups, error_budget
from nonideal.postlayout.terms import TERMS, terms_of

SIZES = (4, 3, 2)
LOAD_S = 2e-10
NAMES = ("hidden_s", "output_s", "output_given_s")


def made(model: PhysicalModel, column: Column, **changes: Any) -> PhysicalModel:
    return model.model_copy(update={"columns": (column.model_copy(update=changes),)})


@pytest.fixture
def bare(model: PhysicalModel, column: Column) -> PhysicalModel:
    """A column without any correction, whose firing stage and lambda are the cells' own; its capacitance is not."""

    def zero(known: Any) -> Any:
        return known.model_copy(update={"value": 0.0})

    off = TurnOn(delay_s=zero(column.positive.delay_s), charge_C=zero(column.positive.charge_C))
    return made(
        model, column, netlist="pex-rc", positive=off, negative=off, firing_rms_s=0.0, turn_on_rms_V=0.0, discharge_norm=model.discharge_norm,
        v_th_V=column.v_th_V.model_copy(update={"value": model.v_th_V}),
        **{name: zero(getattr(column, name)) for name in ("driver_delay_s", "coupling_F", "spike_load_s")},
    )  # fmt: skip


def with_(model: PhysicalModel, name: str, value: float) -> PhysicalModel:
    (column,) = model.columns
    return made(model, column, **{name: getattr(column, name).model_copy(update={"value": value})})


@pytest.fixture
def inputs() -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).uniform(0.0, 0.7, (20, SIZES[0]))


@pytest.fixture
def weights() -> list[np.ndarray[Any, Any]]:
    """Both signs (of one sign alone any grid is exact) with positive sums: every neuron fires inside the phase."""
    rng = np.random.default_rng(4)
    return [rng.uniform(-0.1, 0.6, (n, m)) * (2.5 / m) for m, n in pairwise(SIZES)]


def budget(model: PhysicalModel, weights: Any, inputs: Any, spice: Any = None, **more: Any) -> Budget:
    if spice is None:
        spice = spike_times(network_physics(model, SIZES), weights, inputs)
    return error_budget(model, weights, inputs, spice, window=1.005, **more)


def entry(found: Budget, name: str) -> Entry:
    return next(e for e in found.entries if e.name == name)


def test_a_term_that_is_not_there_is_worth_nothing(bare: PhysicalModel, weights: Any, inputs: Any) -> None:
    found = budget(bare, weights, inputs)
    assert found.pairs == (20 * 3, 20 * 2)
    np.testing.assert_allclose(found.rmse.values, 0.0, atol=1e-20)
    for name in TERMS:
        if name != "membrane_capacitance":
            np.testing.assert_allclose(entry(found, name).change.values, 0.0, atol=1e-20)
    for name in ("lambda_fit", "capacitance_fit", "firing_fit", "turn_on_fit"):
        np.testing.assert_allclose(entry(found, name).change.values, 0.0, atol=1e-20)


def test_the_load_of_a_spike_is_its_delay(bare: PhysicalModel, weights: Any, inputs: Any) -> None:
    """Hidden spikes come earlier by the load of the neurons that they drive; outputs drive none."""
    loaded = with_(bare, "spike_load_s", LOAD_S)
    found = entry(budget(loaded, weights, inputs), "spike_load")
    assert found.change.hidden_s == pytest.approx(SIZES[2] * LOAD_S, rel=1e-9)
    assert found.change.output_s > 0.1 * LOAD_S
    assert found.change.output_given_s == 0.0
    assert found.rmse.values == pytest.approx(found.change.values)  # the whole model has no error here


def test_the_capacitance_of_wiring_is_a_gain(bare: PhysicalModel, weights: Any, inputs: Any) -> None:
    """The same currents on the schematic's membrane move it further: closed form, without any reversal potential."""
    (column,) = bare.columns
    flat = {"lambda_polynomial_per_V": (0.0,)}
    bare = bare.model_copy(
        update={side: getattr(bare, side).model_copy(update=flat) for side in ("positive", "negative")}
    )
    (first, _), b = weights, column.discharge_norm.value
    gain = column_for(bare, SIZES[0]).membrane_F.value / bare.membrane_for_F(SIZES[0])
    v = (1.0 - inputs) @ first.T
    physics = network_physics(bare, SIZES)[0]
    assert physics.discharge == b
    moved = firing_time(physics, gain * v) - firing_time(physics, v)
    found = entry(budget(bare, weights, inputs), "membrane_capacitance")
    both = (firing_time(physics, v) > 0.0) & (firing_time(physics, gain * v) > 0.0)
    assert both.all()
    assert found.change.hidden_s == pytest.approx(1e-6 * np.sqrt(np.mean(moved**2)), rel=1e-3)


def test_only_extracted_columns_have_wiring(bare: PhysicalModel) -> None:
    assert set(terms_of(bare)) == set(TERMS)
    assert set(terms_of(made(bare, bare.columns[0], netlist="schematic"))) == set(TERMS) - {
        "membrane_capacitance"
    }


def test_the_firing_stage_of_the_cell_keeps_the_currents(
    bare: PhysicalModel, weights: Any, inputs: Any
) -> None:
    """Another threshold alone: the same volts are another v."""
    here = with_(bare, "v_th_V", 1.02 * bare.v_th_V)
    physics = [replace(p, charge_positive=0.0) for p in network_physics(bare, SIZES)]
    same_volts = spike_times(physics, [1.02 * w for w in weights], inputs)
    found = budget(here, weights, inputs, spice=same_volts)
    assert entry(found, "firing_stage").rmse.hidden_s == pytest.approx(0.0, abs=1e-15)
    assert entry(found, "firing_stage").change.hidden_s == pytest.approx(found.rmse.hidden_s)
    assert found.rmse.hidden_s > 1e-9


@pytest.mark.parametrize(
    ("field", "value", "term"), [("driver_delay_s", 3e-10, "driver_delay"), ("coupling_F", 4e-16, "coupling")]
)
def test_without_a_term_the_prediction_is_that_of_a_model_that_never_had_it(
    bare: PhysicalModel, weights: Any, inputs: Any, field: str, value: float, term: str
) -> None:
    has = with_(bare, field, value)
    never = spike_times(network_physics(bare, SIZES), weights, inputs)
    found = budget(has, weights, inputs, spice=never)
    assert found.rmse.hidden_s > 1e-11
    assert entry(found, term).rmse.values == pytest.approx(np.zeros(3), abs=1e-20)


def test_the_output_layer_given_the_spikes_of_spice(bare: PhysicalModel, weights: Any, inputs: Any) -> None:
    """Hidden spikes of SPICE all late: an output layer that is given them has no error left."""
    physics = network_physics(bare, SIZES)
    hidden = spike_times(physics[:1], weights[:1], inputs)[0] + 3e-3
    spice = [hidden, spike_times(physics[1:], weights[1:], hidden)[0]]
    found = budget(bare, weights, inputs, spice=spice)
    assert found.rmse.hidden_s == pytest.approx(3e-9, rel=1e-9)
    assert found.rmse.output_s > 1e-9
    assert found.rmse.output_given_s == pytest.approx(0.0, abs=1e-20)


def test_residuals_come_out_at_their_size(bare: PhysicalModel, weights: Any, inputs: Any) -> None:
    noisy = made(bare, bare.columns[0], firing_rms_s=2e-10)
    found = budget(noisy, weights, inputs, floor_s=1e-10)
    firing = entry(found, "firing_fit").change
    assert firing.hidden_s == pytest.approx(2e-10, rel=0.05)
    assert firing.output_given_s == pytest.approx(2e-10, rel=0.05)
    assert firing.output_s > 1.1 * firing.output_given_s
    assert entry(found, "numerical_floor").change.output_s == 1e-10
    assert budget(noisy, weights, inputs, floor_s=1e-10).summary() == found.summary(), (
        "drawn alike every time"
    )
    assert found.remainder().values == pytest.approx(np.zeros(3)), "the residuals explain more than there is"


def test_a_finer_grid_is_closer(bare: PhysicalModel, weights: Any, inputs: Any) -> None:
    coarse, fine = (
        entry(budget(bare, weights, inputs, grid=DSTD(steps)), "training_grid").change.output_s
        for steps in (3, 100)
    )
    assert coarse > 20 * fine > 0.0
    exact = entry(budget(bare, weights, inputs), "training_exact")
    np.testing.assert_allclose(exact.change.values, 0.0, atol=1e-18)


def test_sums_are_in_quadrature() -> None:
    def of(*values: float) -> Groups:
        return Groups(*values)

    entries = (
        Entry("a", "term", of(3e-9, 3e-9, 0.0), of(0.0, 0.0, 0.0)),
        Entry("b", "term", of(4e-9, 0.0, 1e-9), of(0.0, 0.0, 0.0)),
        Entry("c", "residual", of(3e-9, 3e-9, 9e-9), of(0.0, 0.0, 0.0)),
        Entry("d", "numerics", of(7e-9, 7e-9, 7e-9), of(0.0, 0.0, 0.0)),
    )
    found = Budget(of(5e-9, 5e-9, 5e-9), entries, entries[0], (1, 1))
    assert found.quadrature("term").values == pytest.approx([5e-9, 3e-9, 1e-9])
    assert found.quadrature("residual").values == pytest.approx([3e-9, 3e-9, 9e-9])
    assert found.remainder().values == pytest.approx([4e-9, 4e-9, 0.0])
    assert list(found.table()["name"]) == ["a", "b", "c", "d", "a"]


def test_a_network_without_hidden_layer_has_no_hidden_figures(bare: PhysicalModel, inputs: Any) -> None:
    weights = [np.full((2, SIZES[0]), 0.2)]
    spice = spike_times(network_physics(bare, (SIZES[0], 2)), weights, inputs)
    found = error_budget(bare, weights, inputs, spice, window=1.005, floor_s=1e-10, grid=DSTD(5))
    written = found.summary().as_json()
    json.dumps(written, allow_nan=False)
    assert written["rmse"]["hidden_s"] is None
    assert all(e["change"]["hidden_s"] is None for e in written["entries"])
    assert all(
        e["change"]["output_s"] == e["change"]["output_given_s"]
        for e in written["entries"]
        if e["kind"] == "term"
    )
    assert set(written["rmse"]) == set(NAMES)
