"""What a tile's network is driven with, and what is read of it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.extraction.reduction import Reduction
from nonideal.circuits.generator.generator import line_net
from nonideal.circuits.network.timeline import Timeline
from nonideal.spice.result import Plot, Result
from nonideal.tapeout.assembly import Chip
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.halves import half
from nonideal.tapeout.sides import SUPPLY_CURRENT, Side
from nonideal.tapeout.tile_simulation import BEFORE_S, driven, next_V, read, without_body_network
from tests.tapeout.test_halves import SUPPLIES, tile


def renamed(netlist: Netlist, net: str) -> Netlist:
    """With another name for the net that the digital side drives."""

    def node(name: str) -> str:
        return name.replace("in_0", net) if name.startswith("in_0") else name

    def element(one: Element) -> Element:
        return Element(node(one.a), node(one.b), one.value)

    devices = tuple(Device(d.name, tuple(map(node, d.nodes)), d.model, d.parameters) for d in netlist.devices)
    return replace(
        netlist,
        devices=devices,
        resistors=tuple(map(element, netlist.resistors)),
        capacitors=tuple(map(element, netlist.capacitors)),
    )


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="no iverilog")
@pytest.mark.parametrize("line", ["reset_1", "phase_1", "in_0"])
def test_lines_and_inputs_come_at_the_timelines_times(chip: Chip, line: str) -> None:
    side = Side(chip, half(renamed(tile(), line), "control", SUPPLIES, rest=True, reduction=Reduction()), "")
    timeline = Timeline(chip.design.timing, chip.topology.depth)
    wave = driven(side, (0.1, 1.0, 1.0, 1.0, 1.0), BEFORE_S + timeline.stop_s)[line]
    points = [float(word) for word in re.findall(r"[-0-9.e]+", wave)]
    times = np.array(points[0::2])[1:].reshape(-1, 2).mean(axis=1) - BEFORE_S
    begin_s, end_s = timeline.spans().get(line, (0.0, 0.0))
    if line == "in_0":
        assert times[0] == pytest.approx(timeline.firing_s(0) + 1e-7, abs=1e-12)
    elif begin_s:
        assert times[:2] == pytest.approx([begin_s, end_s], abs=1e-12)
    else:
        assert times[0] == pytest.approx(end_s, abs=1e-12)


def test_the_control_voltage_is_searched_by_secant() -> None:
    most_s = 60e-9

    def late_s(volts: float) -> float:
        return min(-(volts - 0.906) * 3.2e-6, most_s)

    tried, late = [0.88], [late_s(0.88)]
    for _ in range(3):
        tried.append(next_V(tried, late, most_s))
        late.append(late_s(tried[-1]))
    # A replica that did not fire says nothing of the slope.
    assert late[0] == most_s
    assert tried[1] == pytest.approx(0.88 + 2.75e5 * most_s)
    assert tried[3] == pytest.approx(0.906, abs=1e-6)
    # Nor do two that agree.
    assert np.isfinite(next_V([0.9, 0.91], [1e-9, 1e-9], most_s))


def test_spikes_are_read_from_the_rise_of_their_phase(chip: Chip) -> None:
    axis = np.linspace(0.0, 4e-6, 4001)

    def high(begin_s: float, end_s: float) -> np.ndarray:
        return 1.8 * ((axis >= begin_s) & (axis < end_s))

    waves = {net: high(9.0, 9.0) for net in chip.control.spikes}
    waves |= {"phase_1": high(1e-6, 2e-6), "phase_2": high(2e-6, 3e-6), "ramp": high(1e-6, 2.1e-6)}
    waves |= {"spike_1_2": high(1.25e-6, 2e-6), "spike_2_0": high(2e-6, 3e-6), "replica": high(2.02e-6, 3e-6)}
    waves |= {name: np.full(len(axis), 0.5) for name in ("control", "vdis", "vsense")}
    waves |= {line_net(*one): np.full(len(axis), 0.4) for one in chip.generator.lines}
    vectors = {name: f"v({name})" for name in waves}
    plot = Plot("Transient Analysis", "time", axis, {f"v({name})": wave for name, wave in waves.items()})
    plot.vectors[SUPPLY_CURRENT] = np.full(len(axis), -5e-6)
    plot = Plot(plot.title, plot.axis_name, axis, plot.vectors)
    found = read(chip, Result("r", (plot,), (), "39"), vectors)
    assert found.spikes_s[0][2] == pytest.approx(0.25e-6, abs=2e-9)
    assert found.spikes_s[1][0] == pytest.approx(0.0, abs=2e-9)
    assert np.isinf(found.spikes_s[1][1])
    assert found.replica_s == pytest.approx(1.02e-6, abs=2e-9)
    assert [bit for _, bit in found.edges_s["spike_1_2"]] == [1, 0]
    assert found.edges_s["spike_1_2"][0][0] == pytest.approx(1.25e-6 - BEFORE_S, abs=2e-9)
    assert found.supply_A == pytest.approx(5e-6)


def test_body_networks_are_left_out_and_a_library_without_is_refused() -> None:
    model = ".model a.1 nmos (rbodymod=1.0 rdsmod=0.0)\n"
    assert without_body_network(model) == ".model a.1 nmos (rbodymod=0 rdsmod=0.0)\n"
    assert without_body_network(".model m r rsh=1\n") == ".model m r rsh=1\n"
    for other in ("rbodymod=2.0", "rbodymod={1}", ""):
        with pytest.raises(TapeoutError, match="2 FET models and 1 body networks"):
            without_body_network(model + model.replace("rbodymod=1.0", other))
