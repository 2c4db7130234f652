"""The column's benches and fits, on decks and waveforms whose answer is known; and once in the real simulator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.column import Column
from nonideal.characterize.column_bench import INNER, NEURONS, ColumnBench, lone_synapses, random_patterns
from nonideal.characterize.column_fit import Levels, over_axons
from nonideal.characterize.fits import fit_chord
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.stage import ColumnNetlist, characterize
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.mapping import read_biases
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.spice import Cache, SimulatorOptions


def bench_of(model: PhysicalModel, axons: int = 4) -> ColumnBench:
    topology, design = Topology((axons, NEURONS)), Design()
    circuit = Circuit(topology, design, schematic(topology, design), "* models\n", model.vdis_V)
    return ColumnBench(circuit, model, SimulatorOptions())


def test_a_column_is_one_layer_of_three(model: PhysicalModel) -> None:
    topology, design = Topology((4, 2)), Design()
    circuit = Circuit(topology, design, schematic(topology, design), "* models\n", 0.55)
    with pytest.raises(CircuitError, match=r"one layer of 3 neurons.*\[4, 2\]"):
        ColumnBench(circuit, model, SimulatorOptions())


@pytest.mark.parametrize("axons", [1, 2, 5, 16])
def test_every_lone_synapse_has_its_deck_and_its_weight(model: PhysicalModel, axons: int) -> None:
    column = bench_of(model, axons)
    lone, decks = (
        lone_synapses(axons),
        [case.deck(SimulatorOptions()) for case in column.lone_cases(column.lone())],
    )
    assert len({one.name for one in lone}) == len(lone) == len(decks)
    for one, deck in zip(lone, decks, strict=True):
        biases = next(text for name, text in deck.includes.items() if name.startswith("biases"))
        (weight,) = read_biases(biases, model)
        assert weight[INNER, one.axon] == pytest.approx(one.weight, rel=1e-6, abs=0)
        assert np.count_nonzero(weight) == (NEURONS if one.along else 1)
        assert f"Vin_{one.axon} in_{one.axon} 0 PWL(" in deck.text


def test_the_membrane_stays_where_currents_are_linear() -> None:
    for one in lone_synapses(5):
        swing = one.weight * (1 - one.arrival_norm)
        assert -0.26 < swing < 0.76


def test_lone_synapses_of_a_long_column_carry_what_a_networks_do(model: PhysicalModel) -> None:
    most = {axons: max(abs(one.weight) for one in bench_of(model, axons).lone()) for axons in (5, 16, 64)}
    assert most == pytest.approx({5: 1.0, 16: 1.0, 64: 0.25})
    assert [bench_of(model, axons).bends for axons in (5, 16, 17)] == [False, False, True]


def test_the_first_and_the_last_axon_stand_for_themselves() -> None:
    """The last runs beside the neurons' membranes: 381 aC where the others have 6 (65 axons)."""
    mean, spread = over_axons({0: 4.0, 16: 6.0, 32: 6.0, 64: -381.0}, 65)
    assert mean == pytest.approx((4 + 63 * 6 - 381) / 65)
    assert spread == pytest.approx(np.std([4.0, *63 * [6.0], -381.0]))
    assert over_axons({0: 1.0, 1: 2.0, 2: 6.0}, 3) == pytest.approx((3.0, np.std([1.0, 2.0, 6.0])))
    assert over_axons({}, 3) == (0.0, 0.0)


def test_firing_decks_differ_in_their_reset_level_alone(model: PhysicalModel) -> None:
    column = bench_of(model)
    levels = [
        float(next(line for line in deck.text.splitlines() if line.startswith("Vv0 ")).split()[-1])
        for deck in (case.deck(SimulatorOptions()) for case in column.firing_cases())
    ]
    assert levels == pytest.approx(list(column.starts_V()), abs=1e-6)
    assert 1.3 in column.starts_V()
    assert all(level < 1.75 for level in levels)


def test_isolation_is_undone_from_the_potential_after_it() -> None:
    end = np.array([0.5, 0.8, 1.3, 1.6])
    levels = Levels(1.3, end, end - np.array([8e-4, 4e-4, 1e-4, -2e-4]))
    for before, after in zip(levels.end_V, levels.held_V, strict=True):
        assert levels.before_isolation_V(float(after)) == pytest.approx(before, abs=1e-12)


def test_random_patterns_come_again_from_their_seed() -> None:
    first, again = (next(random_patterns(5, np.random.default_rng(7))) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert first[0].shape == (NEURONS, 5)


def test_a_chord_is_anchored_at_the_reset_level() -> None:
    volts = np.arange(0.3, 1.7001, 0.02)
    line = 1e-8 * (1 + 0.4 * (volts - 1.3))
    assert fit_chord(volts, line, 1.3, (0.45, 1.57)) == pytest.approx(0.4, rel=1e-9)
    offset = line + np.where(volts < 0.44, 1e-8, 0.0)  # outside the swing nothing counts
    assert fit_chord(volts, offset, 1.3, (0.45, 1.57)) == pytest.approx(0.4, rel=1e-9)


def test_a_column_survives_its_file(columned: PhysicalModel, column: Column, tmp_path: Path) -> None:
    columned.save(tmp_path / "model.json")
    assert PhysicalModel.load(tmp_path / "model.json").columns == (column,)


@pytest.mark.slow
@pytest.mark.spice
def test_the_schematic_column_predicts_itself(
    make_workbench: Callable[..., Workbench], coarse: CharacterizeOptions, known: Cache, tmp_path: Path
) -> None:
    """Blind: random patterns that no parameter was fitted to come within half a nanosecond in a phase of one microsecond."""
    design = Design()
    found = characterize(
        make_workbench(cache=known), design, coarse, tmp_path, [ColumnNetlist.schematic(5, design)]
    )
    (column,) = found.model.columns
    assert column.axons == 5
    assert column.check_spikes >= 6
    assert column.check_rms_s < 0.5e-9
    assert column.membrane_F.value == pytest.approx(found.model.membrane_for_F(5), rel=0.01, abs=0)
    assert abs(column.coupling_F.value) < 0.05e-15  # the schematic has no wires
    assert 0 < column.spike_load_s.value < 2e-10
    assert 2e-11 < column.driver_delay_s.value < 5e-10
    for side in (column.positive, column.negative):
        assert 1e-10 < side.delay_s.value < 1e-9
    assert column.v_th_V.value == pytest.approx(found.model.v_th_V, rel=2e-3, abs=0)
