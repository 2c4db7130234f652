"""What a model knows of codes: fits on currents of known parameters, benches as decks, and the layer that follows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from nonideal.characterize.benches import Grid, LoneNeuron, load_nets, neuron_bench, silent_V
from nonideal.characterize.code_bench import bank_bench, codes_bench, dendrite_of_codes
from nonideal.characterize.code_fit import fit_codes, lambda_ratio, of_mean_units
from nonideal.characterize.codes import CodedBank, Codes
from nonideal.characterize.column import Column
from nonideal.characterize.column_bench import ColumnBench
from nonideal.characterize.column_fit import StoredCharge
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import layer_physics, network_physics
from nonideal.characterize.stage import ColumnNetlist, on_column
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.sky130_models import Corner, find_pdk
from nonideal.spice import SimulatorOptions

Array = NDArray[np.float64]
CODED = Design.model_validate({"synapse": {"kind": "coded"}})
V = np.linspace(0.3, 1.7, 71)
OPTIONS = CharacterizeOptions()


def codes_of(unit_A: float, lam: float, bend: float, off_A: float = 0.0, spread: float = 0.0) -> Array:
    """[codes from 0 to 15, V]: the unit loses ``bend`` from one code to the next, lambda gains ``spread`` from code 1 to 15."""
    code = np.arange(16)[:, None]
    slope = lam * (1 + spread * (code - 1) / 14)
    return np.asarray(off_A + code * (1 - bend * code) * unit_A * (1 + slope * (V - 1.3)))


def test_a_bank_is_recovered() -> None:
    levels = [codes_of(unit, 0.2, bend, off_A=1e-13) for unit, bend in ((4e-9, 1e-5), (12e-9, 2e-4), (24e-9, 6e-4))]  # fmt: skip
    rest = [np.full(V.shape, current) for current in (1e-14, 2e-13, 5e-14)]
    bank, excess = fit_codes(V, levels, rest, "n", 1.3, (1.0,), OPTIONS)
    assert bank.lambda_spread < 1e-4
    assert bank.rest_A == pytest.approx(2e-13)
    assert bank.off_A == pytest.approx(1e-13)
    # c (1 - b c) against the line to 15 (1 - 15 b): largest in the middle, b c (15 - c).
    assert bank.inl_lsb == pytest.approx(6e-4 * 7 * 8 / (1 - 15 * 6e-4), rel=1e-3)
    assert np.mean(bank.current_ratio) == pytest.approx(1.0)
    assert bank.current_ratio[0] / bank.current_ratio[-1] == pytest.approx(
        (1 - 2e-4) / (1 - 15 * 2e-4), rel=1e-4
    )
    assert excess[1] == pytest.approx((1 - 8 * 2e-4) / (1 - 15 * 2e-4), rel=1e-4)


@pytest.mark.parametrize(
    ("current", "told"),
    [
        (codes_of(12e-9, 0.2, 2e-4, spread=0.05), r"lambda of its codes spreads by .* limit 2\.0 %"),
        (codes_of(12e-9, 0.2, 3e-3), r"codes are off their line by 0\.18 units, limit 0\.10"),
        (-codes_of(12e-9, 0.2, 0.0), "does its inverter pull the source"),
    ],
)
def test_what_is_no_code_is_refused(current: Array, told: str) -> None:
    with pytest.raises(FitRefused, match=told) as refused:
        fit_codes(V, [current], [np.zeros(V.shape)], "p", 1.3, (1.0,), OPTIONS)
    assert ("widen", "circuit.synapse.pull_p.w_um") in refused.value.moves


def test_mean_units_carry_more_than_those_of_the_largest_code(model: PhysicalModel) -> None:
    at = np.array([5e-8, 1.5e-7, 3e-7])
    found = of_mean_units(model.positive, at, np.exp(2e4 * at))
    gained = np.array(found.ln_current) - np.array(model.positive.ln_current)
    np.testing.assert_allclose(gained, 2e4 * np.exp(model.positive.ln_current), rtol=1e-6)
    assert found.bias_V == model.positive.bias_V
    assert found.current_max_A == pytest.approx(4e-7 * np.exp(2e4 * 4e-7))


def coded(columned: PhysicalModel, skew_s: float = 2e-9) -> PhysicalModel:
    """The round numbers as a model of codes: lambda falls by a tenth from full scale 1 to 2."""

    def bank(slope: float) -> CodedBank:
        return CodedBank(
            lambda_ratio=(1 + slope * 1.5, -slope),
            current_ratio=tuple(1.001 - 2e-4 * k for k in range(15)),
            lambda_spread=0.003,
            inl_lsb=0.02,
            off_A=1e-13,
            rest_A=1e-13,
        )

    codes = Codes(bits=4, full_scale=1.5, lowest=0.5, highest=3.0, positive=bank(0.1), negative=bank(0.2))
    (column,) = columned.columns
    delay = column.negative.delay_s
    later = delay.model_copy(update={"value": delay.value + skew_s})
    positive = column.positive.model_copy(update={"delay_s": later})

    def one_lambda(name: str) -> object:
        branch = getattr(columned, name)
        return branch.model_copy(update={"lambda_polynomial_per_V": branch.lambda_polynomial_per_V[:1]})

    return columned.model_copy(
        update={
            "codes": codes,
            "columns": (column.model_copy(update={"positive": positive}),),
            "positive": one_lambda("positive"),
            "negative": one_lambda("negative"),
        }
    )


def test_codes_survive_the_file(columned: PhysicalModel, tmp_path: Path) -> None:
    model = coded(columned)
    model.save(tmp_path / "model.json")
    assert PhysicalModel.load(tmp_path / "model.json") == model
    assert columned.codes is None


def test_a_layer_of_codes_has_one_lambda_by_its_full_scale(columned: PhysicalModel, column: Column) -> None:
    model = coded(columned)
    nominal = layer_physics(model, column.axons)
    v_th = column.v_th_V.value
    # The polynomial counts full scales in units of the bench, the layer in its own column's.
    ratio = column.membrane_F.value * v_th / model.t_circ_s / model.unit_current_A()
    wider = layer_physics(model, column.axons, full_scale=2.0)
    assert len(nominal.beta_positive) == 1
    lam = model.positive.lambda_polynomial_per_V[0]
    assert nominal.beta_positive[0] == pytest.approx(v_th * lam * (1 - 0.1 * 1.5 * (ratio - 1)))
    assert wider.beta_positive[0] == pytest.approx(v_th * lam * (1 - 0.1 * (2.0 * ratio - 1.5)))
    held = layer_physics(model, column.axons, full_scale=50.0)
    assert held.beta_negative[0] == pytest.approx(
        -v_th * model.negative.lambda_polynomial_per_V[0] * (1 - 0.2 * 1.5)
    )
    both = network_physics(model, (column.axons, 5, 3), (1.0, 2.0))
    assert both[1].beta_positive[0] < both[0].beta_positive[0]


def test_each_sign_has_its_delay(columned: PhysicalModel, column: Column) -> None:
    physics = layer_physics(coded(columned, skew_s=2e-9), column.axons)
    delay_s = column.negative.delay_s.value
    assert physics.lag - physics.skew == pytest.approx(delay_s / columned.t_circ_s, rel=1e-12)
    assert physics.lag + physics.skew == pytest.approx((delay_s + 2e-9) / columned.t_circ_s, rel=1e-12)
    # It is a charge at once: what begins later is the driver's spike alone.
    driven = layer_physics(coded(columned), column.axons, driven=True).delay
    assert (physics.delay, driven) == (0.0, column.driver_delay_s.value / columned.t_circ_s)
    analog = layer_physics(columned, column.axons)
    assert (analog.skew, analog.lag) == (0.0, 0.0)


def test_units_that_carry_less_are_more_of_them_for_a_weight(columned: PhysicalModel, column: Column) -> None:
    """A charge that a unit misses whatever it carries: at half the full scale a weight misses twice as much."""
    model = coded(columned, skew_s=0.0)
    (found,) = model.columns
    full_A = column.membrane_F.value * column.v_th_V.value / model.t_circ_s

    def delays_s(unit_C: tuple[float, ...]) -> list[float]:
        both = {name: getattr(found, name).model_copy(update={"unit_C": unit_C}) for name in ("positive", "negative")}  # fmt: skip
        one = model.model_copy(update={"columns": (found.model_copy(update=both),)})
        return [layer_physics(one, column.axons, full_scale=f).lag * model.t_circ_s for f in (0.75, 1.5, 3.0)]

    narrow, nominal, wide = delays_s((90e-18,))
    assert nominal == pytest.approx(15 * 90e-18 / (1.5 * full_A), rel=1e-9)
    assert (narrow, wide) == pytest.approx((2 * nominal, nominal / 2), rel=1e-9)
    # One that grows with the logarithm of the current: that of the layer, whose C_m is not the one that units were watched with.
    ratio = full_A / model.unit_current_A(column.axons)
    assert ratio != pytest.approx(1.0, abs=0.01)
    low, high = model.codes.lowest / 1.5, model.codes.highest / 1.5  # type: ignore[union-attr]
    grown = 90 + 20 * np.log(np.clip(ratio, low, high))
    assert delays_s((90e-18, 20e-18))[1] == pytest.approx(nominal * grown / 90, rel=1e-9)


def test_lambda_over_the_full_scale_is_one_at_the_nominal(model: PhysicalModel) -> None:
    branch = model.positive.model_copy(update={"lambda_polynomial_per_V": (0.21, -0.01, 1e-3)})
    found = np.polynomial.Polynomial(lambda_ratio(branch, 0.5, 1.5, 3.0))
    assert found(1.5) == pytest.approx(1.0)
    assert found(3.0) == pytest.approx((0.21 - 0.03 + 9e-3) / (0.21 - 0.015 + 2.25e-3))


def test_a_bent_membrane_holds_less_charge_for_its_drop() -> None:
    stored = StoredCharge((140e-15, -1e-15))
    assert stored.charge_C(0.5) == pytest.approx(0.5 * (140e-15 - 0.5e-15))
    np.testing.assert_allclose(stored.charge_C(np.array([0.0, -0.2])), [0.0, -0.2 * (140e-15 + 0.2e-15)])


def column_bench(model: PhysicalModel, design: Design) -> ColumnBench:
    topology = Topology.of((3, 3), design)
    circuit = Circuit(topology, design, schematic(topology, design), "* models\n", 0.55)
    return ColumnBench(circuit, model, SimulatorOptions(), model.codes)


def test_the_columns_decks_hold_codes(columned: PhysicalModel) -> None:
    bench = column_bench(coded(columned), CODED)
    np.testing.assert_allclose(bench.nearest(np.array([0.0, 0.01, -0.26, 9.0])), [0.0, 0.1, -0.3, 1.5])
    nominal = {abs(one.weight) for one in bench.lone() if one.full_scale is None}
    assert sorted(nominal) == pytest.approx([0.1, 0.4, 0.8, 1.5])
    wide = {abs(one.weight) for one in bench.lone() if one.full_scale == 3.0}
    assert sorted(wide) == pytest.approx([0.2, 0.8, 1.6, 3.0])
    (lone,) = (one for one in bench.lone() if (one.weight, one.along, one.full_scale) == (-0.4, False, None))
    assert bench.units(lone) == 4
    curve_A, share = bench.carried(lone)
    assert curve_A == pytest.approx(1.5 * bench.model.unit_current_A(3))
    assert share == pytest.approx(4 / 15 * (1.001 - 3 * 2e-4) / (1.001 - 14 * 2e-4))
    deck = bench.lone_cases(bench.lone())[0].deck(SimulatorOptions())
    # Weight +0.1 on the middle axon: code 1 on all three neurons.
    (network,) = (text for name, text in deck.includes.items() if name.startswith("network"))
    wired = [line for line in network.splitlines() if re.match(r"Xsynapse_1_\d_1 ", line)]
    assert ["gate_n_1 gate_p_1 gate_n_1" in line for line in wired] == [False, True, False]
    analog = column_bench(columned, Design())
    assert analog.nearest(np.array([0.123]))[0] == 0.123
    (plain, *_) = analog.lone()
    assert analog.carried(plain) == (plain.weight * columned.unit_current_A(3), 1.0)
    assert analog.units(plain) == 0


MEMBRANE = Grid(0.3, 1.7, 0.1)


@pytest.mark.spice
def test_an_extracted_column_of_codes_is_one_deck(columned: PhysicalModel) -> None:
    """Its bits are pins, which no column of a network has: of gate biases alone it is cut."""
    workbench = Workbench(find_pdk(), Corner("tt"), SimulatorOptions(), 1, 60.0)

    def simulated(design: Design, model: PhysicalModel, kind: Literal["schematic", "pex-rc"]) -> str:
        netlist = ColumnNetlist(3, kind, ColumnNetlist.schematic(3, design).text)
        return on_column(workbench, design, netlist, model).simulated

    assert simulated(Design(), columned, "pex-rc") == "columns"
    assert simulated(Design(), columned, "schematic") == "whole"
    assert simulated(CODED, coded(columned), "pex-rc") == "whole"


@pytest.mark.parametrize("polarity", ["n", "p"])
def test_benches_wire_their_codes(polarity: str) -> None:
    ports = len(CODED.contracts.synapse.ports)
    bench, (low, high) = codes_bench(CODED, polarity, MEMBRANE, [0.45, 0.48])
    lines = [line.split() for line in bench.text.splitlines() if line.startswith("Xcode_")]
    assert {len(words) - 2 for words in lines} == {ports}
    assert (len(low.code), len(lines)) == (16, 34)
    names = CODED.contracts.synapse.names
    full = dict(zip(names, next(words for words in lines if words[0] == "Xcode_1_15")[1:-1], strict=True))
    spiking, still = ("vdd", "vss") if polarity == "n" else ("vss", "vdd")
    assert {full[f"{polarity}{k}"] for k in range(4)} == {"line_1"}
    assert full[f"drive_{polarity}"] == spiking
    rest = dict(zip(names, next(words for words in lines if words[0] == "Xcode_1_rest")[1:-1], strict=True))
    assert rest[f"drive_{polarity}"] == still
    assert high.rest == "i(vm_1_rest)"
    one = bank_bench(CODED, polarity, MEMBRANE, Grid(0.3, 0.9, 0.1)).text
    assert f".dc Vdendrite {MEMBRANE.spice} Vline" in one


def test_a_dendrite_of_codes_holds_each_twice() -> None:
    text = dendrite_of_codes(CODED, [15, -7, 3], (0.5, 1.1), MEMBRANE).text
    assert len(re.findall(r"^Xcode_all_", text, re.M)) == len(re.findall(r"^Xcode_\d", text, re.M)) == 3
    assert "Vgate_p gate_p 0 1.1" in text
    with pytest.raises(CircuitError, match="coded synapses alone"):
        dendrite_of_codes(Design(), [1], (0.5, 1.1), MEMBRANE)


def test_a_silent_neuron_has_its_groups_on_their_lines() -> None:
    levels = silent_V(CODED, 0.5, 1.1)
    assert levels == {f"n{k}": 0.5 for k in range(4)} | {f"p{k}": 1.1 for k in range(4)} | {"drive_n": 0.0, "drive_p": 1.8}  # fmt: skip
    deck = neuron_bench(CODED, "neuron", LoneNeuron(1, 1.3, 0.55, driven=2), levels)
    loads = [line.split() for line in deck.text.splitlines() if line.startswith("Xload_")]
    names = CODED.contracts.synapse.names
    first, second = (dict(zip(names, words[1:-1], strict=True)) for words in loads)
    # One loads the spike, the other its complement, and neither carries anything.
    assert (first["drive_n"], first["drive_p"], first["n0"]) == ("spike", "vdd", "vss")
    assert (second["drive_n"], second["drive_p"], second["p0"]) == ("vss", "spike_b", "vdd")
    pair = load_nets(Design().contracts.synapse.storage, 1, "s", "sb")
    assert pair == {"axon": "s", "axon_b": "sb", "bias_n": "vss", "bias_p": "vdd"}


@pytest.mark.parametrize(
    ("given", "told"), [({"full_scale": 4.0}, "full_scale = 4 must lie between"), ({"full_scales": (2.0, 1.0)}, "must lie between")]
)  # fmt: skip
def test_full_scales_hold_the_nominal_one(given: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        CharacterizeOptions.model_validate(given)


@pytest.mark.spice
@pytest.mark.parametrize(("polarity", "line_V", "lam"), [("n", 0.4756, 0.2035), ("p", 0.9818, 0.0431)])
def test_codes_of_the_silicon_have_one_lambda_and_one_line(
    polarity: str, line_V: float, lam: float, tmp_path: Path
) -> None:
    """12 nA a unit. What came of the prototypes (lambda 0.205 and 0.045 at 8 to 14 nA, INL below 0.02), with this cell."""
    bench = Workbench(find_pdk(), Corner("tt"), SimulatorOptions(), 1, 60.0)
    grid = Grid(0.3, 1.7, 0.05)
    deck, (one,) = codes_bench(CODED, polarity, grid, [line_V])
    (result,) = bench.run([deck], CODED, tmp_path)
    sign = 1 if polarity == "n" else -1
    current = sign * np.array([result[v] for v in one.code], float)
    found, _ = fit_codes(
        grid.values_V,
        [current, current],
        [np.asarray(result[one.rest], float)] * 2,
        polarity,
        1.3,
        (1.0,),
        OPTIONS,
    )
    assert np.interp(1.3, grid.values_V, current[-1]) / 15 == pytest.approx(12e-9, rel=0.01)
    assert found.lambda_spread < 0.005
    assert found.inl_lsb < 0.02
    assert found.off_A < 1e-12
    inside = (grid.values_V > 0.44) & (grid.values_V < 1.36)
    middle = current[8] / np.interp(1.3, grid.values_V, current[8])
    slope = np.polyfit(grid.values_V[inside] - 1.3, middle[inside], 1)[0]
    assert abs(slope) == pytest.approx(lam, rel=0.05)
    assert "m=8" in cells_text(CODED)
