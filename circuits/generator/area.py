"""What the generator would take on silicon, estimated before it is drawn: every device with its contacts, and the distance to the next."""

from __future__ import annotations

from nonideal.circuits.cells.contract import Call, Contract, Device
from nonideal.circuits.cells.fet import SHARED_UM
from nonideal.circuits.generator.generator import Generator
from nonideal.sky130_models.device import find_device

ROW_UM = 0.6
"""Added to a FET's width: gates reach over the channel, and rows of diffusion keep a distance."""
END_UM = 0.7
"""Added to a row's length: its last contact, and the distance to the next."""
WIRING = 1.25
"""Against what the devices alone take: guard rings, taps, wires that no device lies under."""
NEURON_UM2 = 100.0
"""The replica as the layout draws a neuron, its capacitor above the rest."""
DRIVER_UM2 = 30.0
CALLED = {"neuron": NEURON_UM2, "driver": DRIVER_UM2}
"""What the network's own cells take that the generator calls."""


def device_um2(device: Device) -> float:
    """A row of FETs that share their contacts; MIM capacitors lie above others and take nothing."""
    if find_device(device.model).kind == "mim":
        return 0.0
    count = device.units or 1
    return (device.size.w_um + ROW_UM) * (count * (device.size.l_um + SHARED_UM) + END_UM)


def areas_um2(generator: Generator) -> dict[str, float]:
    """By cell of the generator, what it calls of the network included."""
    cells: dict[str, Contract] = {one.cell: one for one in generator.cells}
    found = {}
    for cell in cells.values():
        own = WIRING * sum(device_um2(device) for device in cell.devices)
        own += sum(CALLED.get(part.cell, 0.0) for part in cell.parts if isinstance(part, Call))
        found[cell.cell] = own
    return {name: area for name, area in found.items() if area > 0}
