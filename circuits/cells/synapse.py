"""The synapse pair: one current sink for positive weights, one current source for negative ones (paper, section 6)."""

from __future__ import annotations

from nonideal.circuits.cells.analog import GateBiases
from nonideal.circuits.cells.contract import Device, Synapse, SynapseSettings
from nonideal.circuits.cells.fet import NFET, PFET, Fet
from nonideal.circuits.cells.port import RAILS, Role, ports


class SynapseSizes(SynapseSettings):
    """The 1T1R-like pair: memory FETs sit on the dendrite, selectors at the rails (this order keeps the current linear in V)."""

    memory_n: Fet = Fet(w_um=1.0, l_um=0.25)
    select_n: Fet = Fet(w_um=1.0, l_um=0.25)
    memory_p: Fet = Fet(w_um=1.0, l_um=0.25)
    select_p: Fet = Fet(w_um=1.0, l_um=0.25)

    def contract(self) -> Synapse:
        """Cell ``synapse``: memory FETs on the dendrite, selectors (gated by the spike and its complement) at the rails."""
        return Synapse(
            "synapse",
            (
                *ports("axon", Role.AXON),
                *ports("axon_b", Role.AXON_B),
                *ports("dendrite", Role.DENDRITE),
                *ports("bias_n bias_p", Role.WEIGHT),
                *RAILS,
            ),
            (
                Device("memory_n", "MNM", NFET, ("dendrite", "bias_n", "xn", "vss"), self.memory_n),
                Device("select_n", "MNS", NFET, ("xn", "axon", "vss", "vss"), self.select_n),
                Device("memory_p", "MPM", PFET, ("dendrite", "bias_p", "xp", "vdd"), self.memory_p),
                Device("select_p", "MPS", PFET, ("xp", "axon_b", "vdd", "vdd"), self.select_p),
            ),
            storage=GateBiases("bias_n", "bias_p"),
        )
