"""A tile's behaviour in Verilog: its control as it is written, and a network of ideal neurons with the codes of its mask.

A spike of weight w at t (both of a phase) makes a neuron's own spike w (1 - t) earlier; one that nothing reaches spikes at 1. Reversal
potentials, delays and noise are not in it: it says in which order things happen, and which output is first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nonideal.circuits.digital.simulation import as_written
from nonideal.circuits.digital.verilog_writer import SHUTTLE_IN, SHUTTLE_OUT, shuttle_out
from nonideal.tapeout.assembly import Chip, unit_norm
from nonideal.tapeout.verilog import HEAD, port_text

POLARITIES = {"n": 1, "p": -1}


def code_of(on: Iterable[str]) -> int:
    """The code of what is on in a synapse: groups of 1, 2, 4 ... units, N counted positive."""
    return sum(POLARITIES[name[0]] << int(name[1:]) for name in on if name[1:].isdigit())


def weights_of(chip: Chip) -> list[list[list[float]]]:
    """By layer, neuron and axon: what a unit weighs, times the code.

    Where the chip does not know what it weighs that is its current in a discharger's, as if dendrites had no capacitance.
    """
    found = []
    for layer, neurons in enumerate(chip.topology.mask or (), start=1):
        step = {
            name: chip.weight.get((name, layer), unit_norm(chip.generator, name, layer))
            for name in POLARITIES
        }
        codes = [[code_of(on) for on in axons] for axons in neurons]
        found.append([[code * step["n" if code > 0 else "p"] for code in row] for row in codes])
    return found


def behaviour_text(chip: Chip) -> str:
    """The module of the tile, with what it is made of."""
    inner = [*chip.control.outputs, *chip.control.spikes]
    network = network_ports(chip)
    lines = [HEAD, "`timescale 1ns / 1ps", *as_written(chip.control), network_model(chip)]
    lines += [f"module {chip.options.top} (", port_text(chip.template), ");"]
    lines += [f"    wire {net};" for net in inner]
    bound = ", ".join(f".{port}({port})" for port in (*SHUTTLE_IN, *shuttle_out(chip.control), *inner))
    lines.append(f"    control control ({bound});")
    lines.append(f"    network_model network ({', '.join(f'.{port}({port})' for port in network)});")
    lines += [f"    assign {port} = 8'b0;" for port in SHUTTLE_OUT if port not in shuttle_out(chip.control)]
    return "\n".join([*lines, "endmodule"]) + "\n"


def network_ports(chip: Chip) -> list[str]:
    """What of the network's ports its behaviour depends on, and its spikes."""
    inputs = [f"in_{j}" for j in range(chip.topology.layers[0])]
    return [*inputs, *_lines(chip), *chip.control.spikes]


def network_model(chip: Chip) -> str:
    """Neurons that gather slope while they are isolated from nothing, and fire when their phase has taken them to the threshold."""
    phase_ns = chip.design.timing.t_circ_s * 1e9
    inputs = [f"in_{j}" for j in range(chip.topology.layers[0])]
    ports = [f"    input wire {net}" for net in (*inputs, *_lines(chip))]
    ports += [f"    output reg {net}" for net in chip.control.spikes]
    lines = ["module network_model (", ",\n".join(ports), ");", f"    localparam real PHASE = {phase_ns:g};"]
    for layer, neurons in enumerate(weights_of(chip), start=1):
        axons = [f"axon_{layer}_{j}" for j in range(len(neurons[0]))]
        for j, axon in enumerate(axons):
            source = f"in_{j} & phase_0" if layer == 1 else f"spike_{layer - 1}_{j}"
            lines.append(f"    wire {axon} = {source};")
        for k, row in enumerate(neurons):
            lines += list(_neuron(layer, k, axons, row))
    return "\n".join([*lines, "endmodule"]) + "\n"


def _lines(chip: Chip) -> list[str]:
    depth = range(1, chip.topology.depth + 1)
    return ["phase_0", *(f"{line}_{layer}" for layer in depth for line in ("reset", "iso", "phase"))]


def _neuron(layer: int, k: int, axons: list[str], row: list[float]) -> Iterator[str]:
    name = f"{layer}_{k}"
    slope = " + ".join(f"({axon} ? {w:.9g} : 0.0)" for axon, w in zip(axons, row, strict=True))
    yield f"    real charge_{name} = 0.0, slope_{name} = 0.0, since_{name} = 0.0;"
    yield f"    initial spike_{name} = 1'b0;"
    yield f"    always @({' or '.join(axons)} or iso_{layer} or reset_{layer}) begin"
    yield f"        charge_{name} = reset_{layer} ? 0.0 : charge_{name} + slope_{name} * ($realtime - since_{name}) / PHASE;"
    yield f"        slope_{name} = iso_{layer} && !reset_{layer} ? {slope} : 0.0;"
    yield f"        since_{name} = $realtime;"
    yield "    end"
    # A neuron that would fire after its phase has none of it to fire in.
    yield f"    always @(posedge phase_{layer}) begin"
    yield f"        if (charge_{name} < 1.0) #(PHASE * (charge_{name} < -1.0 ? 2.0 : 1.0 - charge_{name}));"
    yield f"        if (phase_{layer}) spike_{name} = 1'b1;"
    yield "    end"
    yield f"    always @(negedge phase_{layer}) spike_{name} = 1'b0;"
