"""The synapse pair: one current sink for positive weights, one current source for negative ones (paper, section 6)."""

from __future__ import annotations

from PySpice.Spice.Netlist import SubCircuit

from nonideal.circuits.cells.fet import NFET, PFET, add_fet
from nonideal.circuits.design import SynapseSizes

PORTS = ("axon", "axon_b", "dendrite", "bias_n", "bias_p", "vdd", "vss")


def synapse(sizes: SynapseSizes) -> SubCircuit:
    """Cell ``synapse``: memory FETs on the dendrite, selectors (gated by the spike and its complement) at the rails."""
    cell = SubCircuit("synapse", *PORTS)
    add_fet(cell, "MNM", NFET, ("dendrite", "bias_n", "xn", "vss"), sizes.memory_n)
    add_fet(cell, "MNS", NFET, ("xn", "axon", "vss", "vss"), sizes.select_n)
    add_fet(cell, "MPM", PFET, ("dendrite", "bias_p", "xp", "vdd"), sizes.memory_p)
    add_fet(cell, "MPS", PFET, ("xp", "axon_b", "vdd", "vdd"), sizes.select_p)
    return cell
