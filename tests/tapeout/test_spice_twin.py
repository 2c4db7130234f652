"""The twin whose network is simulated elsewhere, read through its pins as the tile of Verilog is."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from nonideal.circuits.network.timeline import Timeline
from nonideal.stages.tile_simulation import through_pins
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.bringup import protocol
from nonideal.tapeout.spice_twin import SpiceTwin
from nonideal.tapeout.tile_simulation import Inference, script_of
from nonideal.tapeout.twin import GO_CLOCKS, chip_facts
from tests.tapeout.conftest import promised_layers

SAMPLES = ((0.0, 150.0, 420.0, 700.0, 980.0), (300.0, None, 10.0, 600.0, 0.0))
icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="no iverilog")


def ideal(chip: Chip, inputs: tuple[float, ...]) -> Inference:
    """What ideal neurons do, with the edges that they would have."""
    layers = promised_layers(chip, tuple(None if at >= 1.0 else 1e3 * at for at in inputs))
    timeline, edges = Timeline(chip.design.timing, chip.topology.depth), {}
    for layer, times in enumerate(layers, start=1):
        begin_s, end_s = timeline.spans()[f"phase_{layer}"]
        for k, at in enumerate(times):
            edges[f"spike_{layer}_{k}"] = () if np.isinf(at) else ((begin_s + 1e-6 * at, 1), (end_s, 0))
    return Inference(tuple(1e-6 * times for times in layers), 1e-6, (0.9, 0.9), {}, edges, 5e-6, 0.0)


@icarus
@pytest.mark.parametrize("times_ns", SAMPLES)
def test_spikes_of_another_simulator_are_read_as_those_of_the_verilog(
    chip: Chip, times_ns: tuple[float | None, ...]
) -> None:
    sample = tuple(1.0 if at is None else at / 1e3 for at in times_ns)
    found = through_pins(chip, sample, ideal(chip, sample), 7, "a", "b", list("abcde"))
    assert (found.order_swapped, found.order_alone) == (0, 0)
    assert found.spice_says == found.verilog_says
    assert found.test_index == 7
    for count, at in zip(found.counts, promised_layers(chip, times_ns)[-1], strict=True):
        if at < 0.97:
            assert count is not None
            assert abs(count - 50 * at) <= 1.5


@icarus
def test_the_network_is_simulated_once_an_inference_with_the_inputs_of_its_pins(chip: Chip) -> None:
    asked: list[tuple[float, ...]] = []

    def infer(inputs: tuple[float, ...]) -> Inference:
        asked.append(inputs)
        return ideal(chip, inputs)

    twin, facts = SpiceTwin(chip, infer=infer), chip_facts(chip)
    protocol.reset(twin, facts)
    for times_ns in SAMPLES:
        protocol.infer(twin, facts, times_ns)
    assert asked == [(0.0, 0.15, 0.42, 0.7, 0.98), (0.3, 1.0, 0.01, 0.6, 0.0)]
    assert len(twin.inferences) == 2


def test_a_script_resets_and_says_when_its_inference_begins(chip: Chip) -> None:
    script = script_of(chip, (0.25, 1.0, 0.5, 0.5, 0.5))
    go_ns = next(at for at, pin, bit in script.done if (pin, bit) == ("ui_in[7]", 1))
    clock_ns = chip.control.clock_s * 1e9
    assert 0 < script.begin_ns - go_ns - GO_CLOCKS * clock_ns < clock_ns
    raised = {
        pin: at for at, pin, bit in script.done if bit and pin.startswith("ui_in[") and pin != "ui_in[7]"
    }
    begin_ns = script.begin_ns + Timeline(chip.design.timing, 2).firing_s(0) * 1e9
    assert raised["ui_in[0]"] == pytest.approx(begin_ns + 250.0)
    assert "ui_in[1]" not in raised
