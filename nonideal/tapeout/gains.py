"""What the lines of a tile make of its network's weights: its generator gives them other levels than the weights ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nonideal.circuits.network.biases import mask_of, scales_of
from nonideal.tapeout.assembly import Chip


def line_gains(
    chip: Chip, netlist: str, model: Any, bias_V: Mapping[str, float]
) -> list[tuple[float, float]]:
    """By layer the factors on positive and on negative weights, 1 where the layer has none of a sign.

    ``netlist``: as the network was written back, with the levels that its weights ask for. ``model``: the physical model that they were found
    with. ``bias_V``: the levels that the lines have, by net. Raises ``MappingError`` for a netlist that holds no weights.
    """
    topology, storage = chip.topology, chip.design.contracts.synapse.storage
    ports = topology.pinout.scale_ports
    masks = mask_of(netlist, topology.pinout)
    asked = scales_of(netlist, [port.name for port in ports], topology.depth)
    found = []
    for layer, (mask, levels) in enumerate(zip(masks, asked, strict=True), start=1):
        have = {port.name: bias_V[topology.net(port, layer)] for port in ports}
        wanted, there = (storage.read(mask, lines, model, (1.0, 1.0), layer) for lines in (levels, have))
        signs = (wanted > 0, wanted < 0)
        found.append(tuple(float(np.sum(there[s]) / np.sum(wanted[s])) if np.any(s) else 1.0 for s in signs))
    return [(positive, negative) for positive, negative in found]
