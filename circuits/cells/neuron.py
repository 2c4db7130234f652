"""The neuron: membrane behind an isolation switch, reset, discharger, sensing inverter, driver.

The isolation switch is beyond the paper: it opens just before the input spikes are reset, so the selectors' turn-off
charge lands on the dendrite and not on the membrane.
"""

from __future__ import annotations

from PySpice.Spice.Netlist import SubCircuit

from nonideal.circuits.cells.fet import MIM, NFET, NFET_LVT, PFET, PFET_HVT, add_fet
from nonideal.circuits.design import NeuronSizes

PORTS = (
    "dendrite", "spike", "spike_b", "phase", "reset", "reset_b", "iso", "iso_b", "v0", "vdis", "vsense", "vdd", "vss",
)  # fmt: skip


def neuron(sizes: NeuronSizes) -> SubCircuit:
    """Cell ``neuron``; instantiates the cell ``driver``, which must stand in the same netlist."""
    cell = SubCircuit("neuron", *PORTS)
    add_fet(cell, "MISN", NFET, ("dendrite", "iso", "membrane", "vss"), sizes.isolation_n)
    add_fet(cell, "MISP", PFET, ("dendrite", "iso_b", "membrane", "vdd"), sizes.isolation_p)
    add_fet(cell, "MDUN", NFET, ("membrane", "iso_b", "membrane", "vss"), sizes.dummy_n)
    add_fet(cell, "MDUP", PFET, ("membrane", "iso", "membrane", "vdd"), sizes.dummy_p)
    cell.X("CM", MIM, "membrane", "vss", w=sizes.mim_w_um, l=sizes.mim_l_um)
    add_fet(cell, "MRN", NFET, ("v0", "reset", "membrane", "vss"), sizes.reset_n)
    add_fet(cell, "MRP", PFET, ("v0", "reset_b", "membrane", "vdd"), sizes.reset_p)
    add_fet(cell, "MDI", NFET, ("membrane", "vdis", "dx", "vss"), sizes.discharge)
    add_fet(cell, "MDE", NFET, ("dx", "phase", "vss", "vss"), sizes.discharge_enable)
    add_fet(cell, "MSN", NFET_LVT, ("sense", "membrane", "vss", "vss"), sizes.sense_n)
    add_fet(cell, "MSP", PFET_HVT, ("sense", "membrane", "sx", "vdd"), sizes.sense_p)
    add_fet(cell, "MSB", PFET, ("sx", "vsense", "vdd", "vdd"), sizes.sense_bias)
    cell.X("driver", "driver", "sense", "phase", "spike", "spike_b", "vdd", "vss")
    return cell
