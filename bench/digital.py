"""The digital side of a 5-5-5 tile: what it takes, how safe its clock is, and its timing diagram.

    python bench/digital.py area [--height 33]
    python bench/digital.py hold [--height 33]
    python bench/digital.py edges
    python bench/digital.py diagram docs/figures/digital-timing.svg

``area``: cells, rows and wires of the block drawn by itself, pins spread over its edges. ``hold``: the skew estimated from the placed clock
tree, against the skew from which on one flip-flop takes the next's datum, found in ngspice between two of them. ``edges``: the first clocks of an
inference of a 1-1-1 control as transistors in ngspice, edge for edge beside those of the Verilog (some minutes). ``diagram``: the
control lines of one inference as Icarus simulates the Verilog.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from nonideal.circuits.design import Design
from nonideal.circuits.digital.buffering import buffered_and_placed
from nonideal.circuits.digital.build import build, shuttle_ports, spread
from nonideal.circuits.digital.cells import cell
from nonideal.circuits.digital.control import Control
from nonideal.circuits.digital.netlist import Instance, Netlist
from nonideal.circuits.digital.placement import FloorPlan
from nonideal.circuits.digital.simulation import Change, as_written, simulate
from nonideal.circuits.digital.skew import leaf_delays_s, skew_s
from nonideal.circuits.digital.synthesis import synthesised
from nonideal.circuits.digital.transistors import deck, node, simulated
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.layout.block import Box
from nonideal.sky130_models import Corner, find_pdk, lean_library
from nonideal.spice import Deck, SimulatorOptions, find_ngspice, run

LAYERS = (5, 5, 5)
CLOCK_S = 20e-9
TIMING = {"t_circ_s": 1e-6, "hold_s": 20e-9, "guard_s": 60e-9, "reset_s": 200e-9}
WIDTH_UM = 147.0
KEPT = Path("runs/cache/synthesis")


def tile_control(layers: tuple[int, ...] = LAYERS, **timing: float) -> Control:
    """At the timing of ``iris_tile`` unless told otherwise."""
    design = Design.model_validate({"synapse": {"kind": "coded"}, "generator": {}, "timing": TIMING | timing})
    assert design.generator is not None
    return Control.of(layers, Generator.of(design.generator, design, layers), design.timing, CLOCK_S)


def edge_pins(netlist: Netlist, plan: FloorPlan) -> dict[str, Box]:
    """The tile's pins above, the network's below."""
    upper = shuttle_ports(netlist)
    lower = [port for port in (*netlist.inputs, *netlist.outputs) if port not in upper]
    return spread(upper, plan, above=True) | spread(lower, plan, above=False)


def area(height_um: float) -> None:
    control, plan = tile_control(), FloorPlan.within(WIDTH_UM, height_um)
    made = build(control, plan, edge_pins(synthesised(control, KEPT), plan), kept=KEPT)
    placed = made.placed
    print(
        f"{plan.rows} rows, {plan.width_um} x {plan.height_um} um, {len(placed.netlist.instances)} cells, {placed.utilisation:.1%} filled"
    )
    print(
        f"half perimeter of nets {placed.length_um / 1000:.2f} mm, wires {made.drawn.wires_um / 1000:.2f} mm"
    )
    for name, um2 in made.areas_um2().items():
        print(f"{name:10s} {um2:8.1f} um2")


def hold(height_um: float) -> None:
    control, plan = tile_control(), FloorPlan.within(WIDTH_UM, height_um)
    netlist = synthesised(control, KEPT)
    pins = {port: (box.x, box.y) for port, box in edge_pins(netlist, plan).items()}
    placed = buffered_and_placed(netlist, plan, pins)
    delays = leaf_delays_s(placed)
    told = ", ".join(f"{value * 1e12:.0f}" for value in delays.values())
    print(f"{len(delays)} leaves, their own delays {told} ps; skew at most {skew_s(placed) * 1e12:.0f} ps")
    for corner, temperature_C in ((Corner.tt, 27.0), (Corner.ff, -40.0), (Corner.ss, 125.0)):
        safe = [skew for skew in range(20, 620, 20) if _shifts(corner, temperature_C, skew * 1e-12)]
        print(f"{corner} {temperature_C:g}: data are held up to a skew of {max(safe, default=0)} ps")


def _shifts(corner: Corner, temperature_C: float, skew_s: float) -> bool:
    """Whether the second of two flip-flops still takes the old datum when it is clocked so much later."""
    flop = cell("dfxtp_1").name
    two = (
        Instance("first", flop, {"CLK": "clk", "D": "d", "Q": "q"}),
        Instance("second", flop, {"CLK": "late", "D": "q", "Q": "shifted"}),
    )
    netlist = Netlist("pair", ("clk", "late", "d"), ("q", "shifted"), two)
    text = simulated(netlist).replace("#", "")
    lines = ["* hold", ".include models.spice", ".include pair.spice", "Vvdd vdd 0 1.8", "Vvss vss 0 0"]
    for name, delay in (("clk", 0.0), ("late", skew_s)):
        lines.append(f"V{name} {name} 0 PULSE(0 1.8 {2e-9 + delay:.6g} 1e-10 1e-10 1.9e-09 4e-09)")
    lines.append("Vd d 0 PWL(0 0 4e-09 0 4.1e-09 1.8)")
    simulator = SimulatorOptions(temperature_C=temperature_C, max_step_s=2e-11)
    lines += [
        "Xpair clk late d q shifted vdd vss pair",
        ".save v(shifted)",
        simulator.lines() + simulator.tran(9e-9),
        ".end",
    ]
    models = lean_library(find_pdk(), corner, text)
    deck = Deck(
        "hold", "\n".join(lines) + "\n", {"models.spice": models, "pair.spice": text}, ("v(shifted)",), 9e-9
    )
    with TemporaryDirectory() as folder:
        result = run(deck, find_ngspice(), Path(folder), 120.0)
    # The datum rises before the second edge: the second flip-flop may not have it before the third.
    return bool(np.interp(9e-9, result.axis, result["v(shifted)"]) < 0.9)


def edges() -> None:
    control = tile_control((1, 1, 1), t_circ_s=40e-9, reset_s=40e-9)
    netlist, lines = synthesised(control, KEPT), ("phase_0", "reset_1", "reset_b_1", "iso_1", "early")
    changes: list[Change] = [(0.0, "ena", "1"), (25.0, "rst_n", "1"), (85.0, "ui_in[7]", "1")]
    written = simulate(control, as_written(control), changes, 260.0)
    models = lean_library(find_pdk(), "tt", simulated(netlist))
    coarse = SimulatorOptions(
        reltol=1e-3, abstol_A=1e-12, vntol_V=1e-5, gmin_S=1e-12, max_step_s=2e-9, bypass=True
    )
    with TemporaryDirectory() as folder:
        result = run(
            deck(control, netlist, models, changes, 260e-9, lines, coarse),
            find_ngspice(),
            Path(folder),
            1200.0,
        )
    for line in lines:
        high = result[f"v({node(line)})"] > 0.9
        times = result.axis[1:][np.diff(high.astype(int)) != 0] * 1e9
        clocked = [time for time, _ in written.edges(line)]
        late = ", ".join(f"{time - at:.2f}" for time, at in zip(times, clocked, strict=True))
        print(f"{line:10s} {len(times)} edges, {late} ns after the Verilog's")


def diagram(path: Path) -> None:
    from matplotlib import pyplot

    control = tile_control()
    waves = simulate(
        control, as_written(control), [(0, "ena", "1"), (95, "rst_n", "1"), (205, "ui_in", "128")], 4200
    )
    origin = waves.edges("iso_1", 200)[0][0] - control.spans["iso_1"][1] * 10
    names = [*control.spans, "uio_out[5]", "uo_out[6]"]
    shown = {"uio_out[5]": "busy", "uo_out[6]": "done"}
    figure, axes = pyplot.subplots(figsize=(9, 4.2))
    for row, name in enumerate(reversed(names)):
        times, levels = [-200.0], [int(waves.at(name, origin - 200))]
        for time, value in waves.edges(name, origin - 200):
            times += [time - origin, time - origin]
            levels += [levels[-1], int(value)]
        times.append(3700.0)
        levels.append(levels[-1])
        axes.plot(times, [row + 0.7 * level for level in levels], color="#2f5d8a", linewidth=1.2)
    axes.set_yticks(
        [row + 0.35 for row in range(len(names))], [shown.get(name, name) for name in reversed(names)]
    )
    axes.set_xlabel("ns from the beginning of an inference")
    axes.set_xlim(-200, 3700)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("area", "hold"):
        commands.add_parser(name).add_argument("--height", type=float, default=33.0, help="um of rows")
    commands.add_parser("edges")
    commands.add_parser("diagram").add_argument("path", type=Path)
    given = parser.parse_args()
    if given.command == "diagram":
        diagram(given.path)
    elif given.command == "edges":
        edges()
    else:
        {"area": area, "hold": hold}[given.command](given.height)


if __name__ == "__main__":
    main()
