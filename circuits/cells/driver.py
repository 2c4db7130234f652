"""The axon driver: NAND and inverter. The same cell drives the inputs and ends every neuron, so all spikes have one edge."""

from __future__ import annotations

from PySpice.Spice.Netlist import SubCircuit

from nonideal.circuits.cells.fet import NFET, PFET, add_fet
from nonideal.circuits.design import DriverSizes

PORTS = ("trigger", "phase", "out", "out_b", "vdd", "vss")


def driver(sizes: DriverSizes) -> SubCircuit:
    """Cell ``driver``: out_b = NAND(trigger, phase), out = NOT out_b."""
    cell = SubCircuit("driver", *PORTS)
    add_fet(cell, "MN1", NFET, ("out_b", "trigger", "nx", "vss"), sizes.nand_n)
    add_fet(cell, "MN2", NFET, ("nx", "phase", "vss", "vss"), sizes.nand_n)
    add_fet(cell, "MP1", PFET, ("out_b", "trigger", "vdd", "vdd"), sizes.nand_p)
    add_fet(cell, "MP2", PFET, ("out_b", "phase", "vdd", "vdd"), sizes.nand_p)
    add_fet(cell, "MN3", NFET, ("out", "out_b", "vss", "vss"), sizes.inverter_n)
    add_fet(cell, "MP3", PFET, ("out", "out_b", "vdd", "vdd"), sizes.inverter_p)
    return cell
