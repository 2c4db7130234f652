"""Benches as decks, without a simulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.benches import (
    Bench,
    Grid,
    LoneNeuron,
    dendrite_bench,
    discharger_bench,
    neuron_bench,
    neuron_benches,
    sensing_bench,
    synapse_bench,
)
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.spice import Deck, SimulatorOptions

MEMBRANE, BIAS = Grid(0.3, 1.7, 0.05), Grid(0.0, 0.9, 0.1)


def neuron(axons: int, injected_A: float, driven: int = 0) -> Bench:
    lone = LoneNeuron(axons, 1.3, 0.548540889, injected_A=injected_A, driven=driven)
    return neuron_bench(Design(), "neuron", lone, {"bias_n": 0.5, "bias_p": 1.1})


ALL: list[Callable[[], Bench]] = [
    lambda: synapse_bench(Design(), "n", MEMBRANE, BIAS),
    lambda: synapse_bench(Design(), "p", MEMBRANE, BIAS),
    lambda: dendrite_bench(Design(), [0.5, 0.52], [1.1, 1.08], MEMBRANE),
    lambda: discharger_bench(Design(), Grid(0.5, 0.6, 0.02), MEMBRANE),
    lambda: sensing_bench(Design(), Grid(0.3, 0.7, 0.001)),
    lambda: neuron(0, 0.0),
    lambda: neuron(2, 1e-8, driven=3),
]


@pytest.mark.parametrize("make", ALL)
def test_benches_make_decks_that_are_accepted(make: Callable[[], Bench]) -> None:
    """One analysis; everything that is saved is required; every instance has as many nets as its cell has ports."""
    bench, options = make(), SimulatorOptions()
    tail = options.lines() + ("" if bench.t_stop_s is None else options.tran(bench.t_stop_s))
    text = "* bench\n.include cells.spice\n" + bench.text.replace(".title ", "* ", 1) + tail + ".end\n"
    deck = Deck(bench.name, text, {"cells.spice": cells_text(Design())}, bench.vectors, bench.t_stop_s)
    assert len(deck.analyses()) == 1
    save = next(card for card in deck.cards() if card.startswith(".save"))
    assert save.split()[1:] == list(bench.vectors)
    ports = {
        m[1]: len(m[2].split()) for m in re.finditer(r"^\.subckt (\S+) (.*)$", cells_text(Design()), re.M)
    }
    sources = set()
    for card in deck.cards():
        words = card.split()
        if words[0].startswith("X"):
            assert len(words) - 2 == ports[words[-1]], card
        elif words[0].startswith(("V", "I")):
            assert words[0].lower() not in sources
            sources.add(words[0].lower())
    for vector in bench.vectors:
        if vector.startswith("i("):
            assert vector[2:-1] in sources


def test_a_branch_is_measured_with_the_other_off() -> None:
    for polarity, off in (("n", "Vbias_p bias_p 0 1.8"), ("p", "Vbias_n bias_n 0 0.0")):
        text = synapse_bench(Design(), polarity, MEMBRANE, BIAS).text
        assert off in text
        assert f".dc Vdendrite 0.3 1.7 0.05 Vbias_{polarity} 0 0.9 0.1" in text


def test_the_dendrite_bench_holds_each_pair_twice() -> None:
    text = dendrite_bench(Design(), [0.5, 0.52, 0.54], [1.1, 1.08, 1.06], MEMBRANE).text
    assert len(re.findall(r"^Xpair_all_", text, re.M)) == 3
    assert len(re.findall(r"^Xpair_\d", text, re.M)) == 3
    for j in range(3):
        both = re.findall(rf"^Xpair_\S+_{j} .*$", text, re.M)
        assert [card.split()[4:6] for card in both] == [[f"bias_n_{j}", f"bias_p_{j}"]] * 2


def test_a_neuron_bench_has_its_pairs_and_currents_with_all_digits() -> None:
    text = neuron(5, -1.2345678901e-8, driven=4).text
    assert [len(re.findall(rf"^X{kind}_", text, re.M)) for kind in ("pair", "load")] == [5, 4]
    assert len(re.findall(r"^Xneuron ", text, re.M)) == 1
    assert "Iinject dendrite 0 PWL(" in text
    assert "-1.23456789e-08" in text
    assert "0.548540889" in text
    bare = neuron(0, 0.0).text
    assert "Iinject" not in bare
    assert "synapse" not in bare


def test_neurons_have_benches_of_their_own() -> None:
    some = [LoneNeuron(1, start, 0.5) for start in (1.1, 1.2)]
    benches = neuron_benches(Design(), "firing", some, {"bias_n": 0.5, "bias_p": 1.1})
    assert [one.name for one in benches] == ["firing_0", "firing_1"]
    assert ["Vv0 v0 0 1.1" in one.text for one in benches] == [True, False]


@pytest.mark.parametrize(("start", "stop", "step", "size"), [
    (0.3, 1.7, 0.02, 71), (0.0, 0.95, 0.0125, 77), (0.3, 1.7, 0.03, 47), (0.3, 1.7, 0.07, 21), (0.3, 1.0, 0.1, 8),
])  # fmt: skip
def test_a_grid_counts_what_the_simulator_visits(start: float, stop: float, step: float, size: int) -> None:
    """Numbers of points as ngspice 39 gives them, also where the stop is off the grid."""
    assert Grid(start, stop, step).size == size
    assert Grid(start, stop, step).spice.split() == [f"{x:.6g}" for x in (start, stop, step)]


@pytest.mark.spice
def test_the_simulator_visits_what_the_grid_says(
    make_workbench: Callable[..., Workbench], tmp_path: Path
) -> None:
    bench = make_workbench()
    grids = [Grid(0.3, 1.7, 0.03), Grid(0.3, 1.0, 0.1), Grid(0.31, 0.7, 0.0125)]
    for grid in grids:
        result = bench.run([sensing_bench(Design(), grid)], Design(), tmp_path)[0]
        np.testing.assert_allclose(result.axis, grid.start_V + grid.step_V * np.arange(grid.size), atol=1e-9)


@pytest.mark.spice
def test_the_designs_temperature_reaches_the_deck(make_workbench: Callable[..., Workbench]) -> None:
    from nonideal.circuits.design import Supplies

    hot = Design(supplies=Supplies(temperature_C=85.0))
    deck = make_workbench().deck(sensing_bench(hot, BIAS), hot)
    assert ".temp 85\n" in deck.text
