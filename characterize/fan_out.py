"""How late the spikes of a layer leave, by neuron: the wires of its axons as extracted, on the neuron's bench.

An axon runs down its own neuron's column to its row, and along the crossbar to the farthest of both: the farther right a neuron stands, the more
wire it drives. Between an axon and its complement, which go opposite ways, capacitance counts four times.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nonideal.characterize.benches import LoneNeuron, SpikeWires, neuron_benches, silent_V
from nonideal.characterize.column import FanOut
from nonideal.characterize.neuron import loaded_times_s
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction.netlist import Netlist, net_of, parse_netlist
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.timeline import Timeline

MEASURED = 9
"""At most so many neurons of a layer are simulated; wires grow steadily between them."""
DROP_V = 0.3
"""How far down the neurons begin: when they spike does not matter to what their load costs."""


@dataclass(frozen=True, slots=True)
class FanOutNetlist:
    """The extracted network of one input, ``neurons`` and the ``driven`` neurons behind them."""

    neurons: int
    driven: int
    text: str


def spike_wires(netlist: Netlist, layer: int, neurons: int) -> list[SpikeWires]:
    """The wires of every neuron's spike, as extracted. Raises ``CircuitError`` for a netlist that has no such spikes."""
    spikes = [(Topology.spike(layer, k), Topology.spike_b(layer, k)) for k in range(neurons)]
    pair_of = {net: pair for pair in spikes for net in pair}
    to_others: dict[str, float] = defaultdict(float)
    between: dict[tuple[str, str], float] = defaultdict(float)
    for c in netlist.capacitors:
        a, b = net_of(c.a), net_of(c.b)
        if a in pair_of and b in pair_of[a] and a != b:
            between[pair_of[a]] += c.value
            continue
        for net in {a, b} & pair_of.keys() if a != b else ():
            to_others[net] += c.value
    if lost := [net for net in pair_of if net not in to_others]:
        raise CircuitError(
            f"the extraction has no wires of {', '.join(lost[:5])}: draw and extract it anew (the command characterize)"
        )
    return [
        SpikeWires(to_others[spike], to_others[spike_b], between[spike, spike_b]) for spike, spike_b in spikes
    ]


def measure_fan_out(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    vdis_V: float,
    bare: SpikeWires,
    netlist: FanOutNetlist,
    folder: Path,
) -> FanOut:
    """When spikes leave, against those of a neuron that drives nothing through the wires ``bare``, as those of columns are.

    Raises ``FitRefused`` or ``CharacterizationFailed``.
    """
    name = f"fan_out_{netlist.neurons}_{netlist.driven}"
    every = spike_wires(parse_netlist(netlist.text, name), 1, netlist.neurons)
    seen = np.unique(np.linspace(0, netlist.neurons - 1, min(netlist.neurons, MEASURED)).round().astype(int))
    start_V = round(design.supplies.v0_V - DROP_V, 6)
    alone = LoneNeuron(0, start_V, vdis_V, wires=bare)
    loaded = [LoneNeuron(0, start_V, vdis_V, driven=netlist.driven, wires=every[k]) for k in seen]
    silent = silent_V(design, options.silent_bias_n_V, options.silent_bias_p_V)
    results = bench.run(neuron_benches(design, name, [alone, *loaded], silent), design, folder)
    times = loaded_times_s(results, Timeline(design.timing, 1), design.supplies.vdd_V)
    delay_s = np.interp(np.arange(netlist.neurons), seen, times[1:] - times[0])
    return FanOut(
        neurons=netlist.neurons, driven=netlist.driven, delay_s=tuple(float(one) for one in delay_s)
    )
