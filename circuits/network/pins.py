"""All pins of a network with what drives them: what a test board, or a deck by hand, has to put on each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.biases import levels_of, scales_of
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.timeline import Timeline, control_waveforms

Array = NDArray[np.float64]


class Pin(NamedTuple):
    """One port. ``layer``, ``axon`` and ``neuron`` count as in the port's name; what does not apply is None.

    ``volts_V`` is what a source holds it at, ``waveform`` what one inference puts on it. A pin with neither is read, or its voltage
    belongs to weights that are not known.
    """

    pin: str
    kind: str
    layer: int | None = None
    axon: int | None = None
    neuron: int | None = None
    volts_V: float | None = None
    waveform: str | None = None


def pins_table(
    topology: Topology,
    design: Design,
    discharger_V: Callable[[int, int], float] | None = None,
    biases: str | None = None,
) -> pd.DataFrame:
    """A row for each port of the network, in the order of ``Topology.ports``; the columns are those of ``Pin``.

    ``discharger_V(layer, neuron)`` is the bias of a discharger, its trim included, and ``biases`` the cell ``biases`` of a mapping at its
    scale, as SPICE text; None leaves those volts empty. Kinds: ``input``, ``phase``, ``reset``, ``reset_b``, ``iso``, ``iso_b``, ``output``
    (a spike), ``reset level`` (v0), ``sense``, ``supply``, ``line``, ``discharger bias``, ``gate line``, and the
    names of the synapses' weight ports (``bias_n``,
    ``bias_p``). Raises ``CircuitError`` where ``biases`` does not hold each of them once.
    """
    scales = None if biases is None else scales_of(biases, [port.name for port in topology.pinout.scale_ports], topology.depth)  # fmt: skip
    topology.check(design)
    few = [*_around(topology, design, discharger_V), *_scales(topology, scales)]
    tables = (pd.DataFrame(few, columns=list(Pin._fields)), _weights(topology, biases))
    dtypes = {
        "layer": "Int64",
        "axon": "Int64",
        "neuron": "Int64",
        "volts_V": "float64",
        "waveform": "object",
    }
    return pd.concat([table.astype(dtypes) for table in tables], ignore_index=True)


def _around(
    topology: Topology, design: Design, discharger_V: Callable[[int, int], float] | None
) -> list[Pin]:
    """All pins but those of the synapses."""
    supplies, timing = design.supplies, design.timing
    timeline = Timeline(timing, topology.depth)
    begin_s, end_s = timeline.firing_s(0), timeline.spans()["phase_0"][1]
    wave = (
        f"0 to {supplies.vdd_V:.6g} V at {begin_s:.12g} s + t * {timing.t_circ_s:.12g} s, back at {end_s:.12g} s; "
        f"t: the input's spike time in 0 .. 1, else it stays at 0; edges of {timing.edge_s:.6g} s"
    )
    pins = [Pin(f"in_{j}", "input", 0, axon=j, waveform=wave) for j in range(topology.layers[0])]
    controls = control_waveforms(timeline, supplies.vdd_V)
    for net in topology.control_ports:
        line, _, number = net.rpartition("_")
        pins.append(Pin(net, line, int(number), waveform=controls[net]))
    pins += [Pin(topology.spike(layer, k), "output", layer, neuron=k) for layer, k in topology.neurons()]
    for net, port, (layer, axon, neuron) in topology.lines():
        volts_V = float(f"{port.level_V(supplies):.6g}")
        pins.append(Pin(net, port.kind, layer or None, axon, neuron, volts_V))
    for layer, k in topology.neurons():
        bias_V = None if discharger_V is None else float(f"{discharger_V(layer, k):.9g}")
        pins.append(Pin(topology.vdis(layer, k), "discharger bias", layer, neuron=k, volts_V=bias_V))
    return pins


def _scales(topology: Topology, scales: list[dict[str, float]] | None) -> list[Pin]:
    """The lines that are steps of weights."""
    return [
        Pin(topology.net(port, layer), port.kind, layer, volts_V=None if scales is None else scales[layer - 1][port.name])
        for layer in range(1, topology.depth + 1)
        for port in topology.pinout.scale_ports
    ]  # fmt: skip


def _weights(topology: Topology, biases: str | None) -> pd.DataFrame:
    """The pins that hold the weights, whole columns at once: a large network has half a million."""
    names = topology.weight_ports
    synapses = np.array(topology.synapses(), dtype=np.int64)
    layer, axon, neuron = np.repeat(synapses, len(names), axis=0).T
    return pd.DataFrame(
        {
            "pin": topology.bias_ports,
            "kind": names * len(synapses),
            "layer": layer,
            "axon": axon,
            "neuron": neuron,
            "volts_V": np.nan if biases is None else _bias_V(biases, topology),
            "waveform": None,
        }
    )


def _bias_V(text: str, topology: Topology) -> Array:
    """Volts of every pin that holds a weight, in the order of ``Topology.bias_ports``, as the sources of the cell ``biases`` have them."""
    ports = topology.weight_ports
    if not ports:
        return np.zeros(0)
    levels = levels_of(text, ports)
    sizes = [by_port[ports[0]].shape[::-1] for by_port in levels]
    if sizes != [*pairwise(topology.layers)]:
        raise CircuitError(
            f"the cell `biases` has sources for synapses {sizes} (axons, neurons), and not for each of a network "
            f"{'-'.join(map(str, topology.layers))}"
        )
    return np.concatenate(
        [np.stack([by_port[port].T for port in ports], axis=-1).ravel() for by_port in levels]
    )
