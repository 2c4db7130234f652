"""The discharger's bias on an extracted netlist, on neurons whose ramp is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.trim import Trim, trim_discharger
from nonideal.circuits.design import Design
from nonideal.circuits.network.inference import Run, infer_whole
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.network.timeline import Timeline
from nonideal.spice import Attempt, Deck, Failure, FailureKind, Plot, Result, SimulatorOptions

PER_V = 25.0


def ramps(topology: Topology, best_V: float, slower: float = 0.0, fails: str = "") -> Run:
    """Neurons that fire at T_circ at ``best_V``, faster with more bias; every second one is ``slower`` (relative)."""

    def run(decks: Sequence[Deck]) -> list[Result | Failure]:
        return [outcome(deck) for deck in decks]

    def outcome(deck: Deck) -> Result | Failure:
        if deck.name == fails:
            return Failure(deck.name, FailureKind.timed_out, "not done after 10 s", (), Path("decks"))
        vdis = float(deck.text.split("Vvdis_1_0 vdis_1_0 0 ")[1].split()[0])
        assert deck.t_stop_s is not None
        step = 1.5e-6  # T_circ and the longer guard
        axis = np.linspace(0, deck.t_stop_s, 60001)
        waves: dict[str, Any] = {"i(vdd)": np.zeros(axis.shape), "i(vv0)": np.zeros(axis.shape)}
        from nonideal.circuits.design import Timing

        timeline = Timeline(Timing(guard_s=0.5e-6, hold_s=0.25e-6), topology.depth)
        assert timeline.accumulation_s(2) - timeline.accumulation_s(1) == pytest.approx(step)
        for net in topology.spike_ports:
            _, layer, k = net.split("_")
            at = 1e-6 * math.exp(-PER_V * (vdis - best_V)) * (1 + slower * (int(k) % 2))
            begin = timeline.firing_s(int(layer))
            waves[f"v({net})"] = np.clip((axis - begin - at) / 1e-9 + 0.5, 0, 1) * 1.8
        plot = Plot("Transient Analysis", "time", axis, waves)
        return Result(deck.name, (plot,), (Attempt("as_given", None, 1, 1),), "x")

    return run


def circuit(*layers: int) -> Circuit:
    topology, design = Topology(layers), Design()
    return Circuit(topology, design, schematic(topology, design), "* models\n", 0.55)


def trimmed(under_test: Circuit, run: Run) -> Trim:
    return trim_discharger(
        under_test, Biases("off", "* off\n"), lambda cases: infer_whole(cases, SimulatorOptions(), run)
    )


@pytest.mark.parametrize("offset_V", [-0.002, 0.0, 0.0025, 0.006, 0.011])
def test_the_bias_at_which_silence_ends_with_the_phase(offset_V: float) -> None:
    here = circuit(4, 3, 2)
    found = trimmed(here, ramps(here.topology, 0.55 + offset_V))
    assert found.vdis_V == pytest.approx(0.55 + offset_V, abs=1e-5)
    assert found.spread_s < 1e-12


def test_neurons_that_differ_are_met_in_the_middle_and_their_spread_is_told() -> None:
    here = circuit(4, 2, 2)
    found = trimmed(here, ramps(here.topology, 0.552, slower=0.02))
    assert found.vdis_V == pytest.approx(0.552 + math.log(1.02) / 2 / PER_V, abs=1e-5)
    assert found.spread_s == pytest.approx(0.01e-6, rel=0.05, abs=0)


def test_a_bias_out_of_reach_is_refused_with_what_was_seen() -> None:
    here = circuit(4, 3, 2)
    with pytest.raises(
        FitRefused, match=r"no discharger bias in reach .*0\.5570 V: no spike.*characterise again"
    ):
        trimmed(here, ramps(here.topology, 0.57))


def test_a_failed_simulation_is_the_simulators_fault() -> None:
    here = circuit(4, 3, 2)
    with pytest.raises(CharacterizationFailed, match="trim_2: timed_out: not done after 10 s"):
        trimmed(here, ramps(here.topology, 0.55, fails="trim_2"))
