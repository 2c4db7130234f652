"""The tile in Verilog, run through its digital pins alone: what it gives is what its codes say."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.network.netlist import Topology
from nonideal.experiment.experiment import load_experiment
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.behaviour import behaviour_text, code_of, weights_of

EXPERIMENT = load_experiment("iris_tile")
INPUTS_NS = (0.0, 150.0, 420.0, 700.0, 980.0)
PHASES_NS = {1: 1320.0, 2: 2380.0}
BENCH = """`timescale 1ns / 1ps
module bench;
    reg clk = 0, ena = 1, rst_n = 0;
    reg [7:0] ui_in = 0, uio_in = 0;
    wire [7:0] uo_out, uio_out, uio_oe, ua;
    wire VGND, VDPWR;
    real went, after, begun;
    TOP dut (.VGND(VGND), .VDPWR(VDPWR), .clk(clk), .ena(ena), .rst_n(rst_n), .ua(ua), .ui_in(ui_in), .uio_in(uio_in), .uio_oe(uio_oe),
        .uio_out(uio_out), .uo_out(uo_out));
    always #10 clk = ~clk;
    always @(uo_out) if (begun > 0.0) $display("out %b %.3f", uo_out[4:0], $realtime - begun);
    always @(uio_out) if (begun > 0.0) $display("hidden %b %.3f", uio_out[4:0], $realtime - begun);
    initial begin
        begun = 0.0;
        #105 rst_n = 1;
        #200 ui_in[7] = 1; went = $realtime;   // once without inputs: when does an inference begin after go?
        @(posedge uio_out[6]) after = $realtime - went - 1320.0;
        @(posedge uo_out[6]) #195 ui_in[7] = 0;
        #(20.0 * 20 - ($realtime - went - 20.0 * $floor(($realtime - went) / 20.0))) ui_in[7] = 1;
        #(after) begun = $realtime;
        #260 fork
INPUTS
        join
        @(posedge uo_out[6]) $finish;
    end
    initial #20000 $finish;
endmodule
"""

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="no iverilog")


@pytest.fixture(scope="module")
def chip() -> Chip:
    drawn = np.random.default_rng(7)

    def synapse() -> frozenset[str]:
        code, polarity = int(drawn.integers(0, 5)), "np"[int(drawn.integers(0, 2))]
        return frozenset(f"{polarity}{bit}" for bit in range(4) if code >> bit & 1)

    mask = tuple(tuple(tuple(synapse() for _ in range(5)) for _ in range(5)) for _ in range(2))
    assert EXPERIMENT.tapeout is not None
    topology = replace(Topology.of((5, 5, 5), EXPERIMENT.circuit), mask=mask)
    return Chip.of(EXPERIMENT.tapeout, EXPERIMENT.circuit, topology)


def promised(chip: Chip) -> list[np.ndarray]:
    """Spike times by layer, of a phase, from the codes: what comes after the phase is no spike."""
    times, layers = np.array(INPUTS_NS) / 1000.0, []
    for weights in weights_of(chip):
        reached = np.where(np.isfinite(times), 1.0 - times, 0.0)
        found = np.maximum(1.0 - np.array(weights) @ reached, 0.0)
        times = np.where(found <= 1.0, found, np.inf)
        layers.append(times)
    return layers


def test_spikes_come_when_the_codes_say(chip: Chip, tmp_path: Path) -> None:
    inputs = "\n".join(f"            #{at:g} ui_in[{j}] = 1;" for j, at in enumerate(INPUTS_NS))
    (tmp_path / "bench.v").write_text(BENCH.replace("TOP", chip.options.top).replace("INPUTS", inputs))
    (tmp_path / "tile.v").write_text(behaviour_text(chip))
    made = ["iverilog", "-g2005", "-s", "bench", "-o", tmp_path / "bench.vvp", tmp_path / "tile.v", tmp_path / "bench.v"]  # fmt: skip
    subprocess.run(made, check=True, timeout=60)
    told = subprocess.run(["vvp", "-n", tmp_path / "bench.vvp"], check=True, timeout=60, capture_output=True, text=True).stdout  # fmt: skip
    for name, layer in (("hidden", 1), ("out", 2)):
        found = np.full(5, np.inf)
        for line in told.splitlines():
            what, bits, at = line.split()
            for k in range(5):
                if what == name and bits[4 - k] == "1" and not np.isfinite(found[k]):
                    found[k] = (float(at) - PHASES_NS[layer]) / 1000.0
        want = promised(chip)[layer - 1]
        # A neuron that nothing reaches, or that fires within the hold after its phase, is seen at the phase's end or a little later.
        early = want < 0.999
        assert np.allclose(found[early], want[early], atol=2e-3), (name, found, want)
        assert np.all(found[~early] >= 0.99)


def test_a_code_is_the_sum_of_its_groups() -> None:
    assert code_of(frozenset({"n0", "n2", "drive_n"})) == 5
    assert code_of(frozenset({"p3", "p0"})) == -9
    assert code_of(frozenset()) == 0
