"""A chip is a seed: it draws how far every device of a network is from its nominal self.

The statistics are the PDK's, one number a device: a threshold shift in V for a FET, a relative deviation for a capacitor.
The same numbers go into the netlist and into the fast model.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.network.flat import Element, elements, flat_network
from nonideal.circuits.network.netlist import Topology
from nonideal.sky130_models import Corner, Pdk, mismatch_sigma_rel, mismatch_sigma_V
from nonideal.sky130_models.device import find_device
from nonideal.sky130_models.library import assignments
from nonideal.sky130_models.netlist import instances, parallel_devices

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sigmas:
    """Standard deviations by leaf cell and device path: ``sigmas["synapse"]["MNM"]``; V for a FET, relative for a capacitor."""

    cells: Mapping[str, Mapping[str, float]]

    def __getitem__(self, cell: str) -> Mapping[str, float]:
        return self.cells[cell]


@dataclass(frozen=True, slots=True)
class LayerShifts:
    """A layer's devices by path: ``synapse["MNM"]`` [neurons, axons], ``neuron["MDI"]`` [neurons]; V, relative for capacitors."""

    synapse: Mapping[str, Array]
    neuron: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip: its seed, the shifts of every layer, and those of the drivers of its inputs (by path, [inputs])."""

    seed: int
    topology: Topology
    layers: tuple[LayerShifts, ...]
    inputs: Mapping[str, Array]

    def devices(self) -> Iterator[tuple[str, str, float]]:
        """(instance, path, shift) of every device: ``("synapse_1_0_2", "MNM", 0.01)``."""
        for path, shift in self.inputs.items():
            for j, value in enumerate(shift):
                yield f"driver_{j}", path, float(value)
        for layer, shifts in enumerate(self.layers, start=1):
            for path, shift in shifts.synapse.items():
                for (k, j), value in np.ndenumerate(shift):
                    yield f"synapse_{layer}_{j}_{k}", path, float(value)
            for path, shift in shifts.neuron.items():
                for k, value in enumerate(shift):
                    yield f"neuron_{layer}_{k}", path, float(value)


def mismatch_sigmas(pdk: Pdk, corner: Corner, design: Design) -> Sigmas:
    """The library's statistics for every device of the design's cells, at its drawn size.

    Raises ``PdkError`` where a device class does not vary in the library: a chip drawn from it would not be one.
    """
    return Sigmas(
        {
            cell: {one.path: _sigma(pdk, corner, one) for one in parts if one.is_device}
            for cell, parts in elements(design).items()
        }
    )


def _sigma(pdk: Pdk, corner: Corner, element: Element) -> float:
    ((size, _),) = instances(f"X{element.path} n {element.what} {element.parameters}\n")
    known = assignments(element.parameters)
    mult = parallel_devices(known)
    if find_device(size.device).kind == "mim":
        return mismatch_sigma_rel(pdk, corner, size.device, size.w_um, size.l_um, mult=mult)
    return mismatch_sigma_V(pdk, corner, size.device, size.w_um, size.l_um, fingers=size.fingers, mult=mult)


def draw(seed: int, topology: Topology, sigmas: Sigmas) -> Chip:
    """The chip of a seed.

    Every device class of every layer has a stream of its own, so that one that is added or resized changes no other's draw.
    """
    if seed < 0:
        raise CircuitError(f"chip {seed}: a chip's seed is a whole number from 0 on")

    def normal(layer: int, cell: str, path: str, shape: tuple[int, ...]) -> Array:
        key = np.random.SeedSequence([seed, layer, zlib.crc32(f"{cell}.{path}".encode())])
        drawn = np.random.Generator(np.random.Philox(key)).standard_normal(shape)
        return np.asarray(drawn * sigmas[cell][path])

    sizes = topology.layers
    layers = tuple(
        LayerShifts(
            {
                path: normal(layer, "synapse", path, (sizes[layer], sizes[layer - 1]))
                for path in sigmas["synapse"]
            },
            {path: normal(layer, "neuron", path, (sizes[layer],)) for path in sigmas["neuron"]},
        )
        for layer in range(1, topology.depth + 1)
    )
    inputs = {path: normal(0, "driver", path, (sizes[0],)) for path in sigmas["driver"]}
    return Chip(seed, topology, layers, inputs)


def shift_parameters(chip: Chip, design: Design) -> dict[str, str]:
    """The shift of every device as a parameter of its line (``dvt=0.01``, ``dc=0.001``), by full name: ``synapse_1_0_2_MNM``."""
    parameter = {
        (cell, one.path): "dc" if find_device(one.what).kind == "mim" else "dvt"
        for cell, parts in elements(design).items()
        for one in parts
        if one.is_device
    }
    return {
        f"{instance}_{path}": f"{parameter[instance.split('_')[0], path]}={shift:.9g}"
        for instance, path, shift in chip.devices()
    }


def chip_netlist(chip: Chip, design: Design) -> str:
    """The flat netlist of a chip: the schematic's cell ``network``, every device with its shift (``dvt``, ``dc``).

    It needs a lean library, whose subcircuits have these parameters.
    """
    return f"* chip {chip.seed}\n" + flat_network(chip.topology, design, shift_parameters(chip, design))
