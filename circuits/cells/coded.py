"""The coded synapse: binary groups of unit FETs on the dendrite, one bank for each sign, switched by the axon at their common source.

Each group's gate is tied by its bit to a line that the layer shares or to a rail. An inverter of the synapse pulls the bank's source to the rail
while the axon spikes, and to the other rail else, so that units at rest have a reversed gate-source voltage: no charge waits on an inner node
for the next spike, as it does behind a series selector.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.cells.contract import Device, Synapse, SynapseSettings
from nonideal.circuits.cells.fet import NFET, PFET, Fet
from nonideal.circuits.cells.port import RAILS, Role, ports


class CodedSizes(SynapseSettings):
    """``bits`` of the magnitude, a sign besides; where they are held; the unit of each bank and the inverter at its source.

    ``pull_*`` carries the bank's current while its axon spikes, ``rest_*`` holds its source at rest.
    """

    bits: Annotated[int, Field(ge=2, le=6)] = 4
    storage: Literal["mask"] = "mask"
    unit_n: Fet = Fet(w_um=0.42, l_um=1.0)
    unit_p: Fet = Fet(w_um=0.42, l_um=1.0)
    pull_n: Fet = Fet(w_um=2.0, l_um=0.15)
    rest_n: Fet = Fet(w_um=0.42, l_um=0.15)
    pull_p: Fet = Fet(w_um=4.0, l_um=0.15)
    rest_p: Fet = Fet(w_um=0.42, l_um=0.15)

    def contract(self) -> Synapse:
        """Cell ``synapse``: group k of a bank is 2^k units, gates ``n<k>`` and ``p<k>``; inverters driven by ``drive_n`` and ``drive_p``.

        With a mask these ports are wired, synapse by synapse: gates to ``gate_n``/``gate_p`` or the rail, drives to ``axon``/``axon_b`` or
        the rail, where the bank stays still.
        """
        n, p = (tuple(f"{bank}{k}" for k in range(self.bits)) for bank in "np")
        units = [
            Device("unit_n", f"MN{k}", NFET, ("dendrite", gate, "sn", "vss"), self.unit_n, units=2**k)
            for k, gate in enumerate(n)
        ]
        units += [
            Device("unit_p", f"MP{k}", PFET, ("dendrite", gate, "sp", "vdd"), self.unit_p, units=2**k)
            for k, gate in enumerate(p)
        ]
        return Synapse(
            "synapse",
            (
                *ports("axon", Role.AXON),
                *ports("axon_b", Role.AXON_B),
                *ports("dendrite", Role.DENDRITE),
                *ports("gate_n gate_p", Role.SCALE),
                *ports(" ".join((*n, *p, "drive_n", "drive_p")), Role.WEIGHT),
                *RAILS,
            ),
            (
                *units,
                Device("pull_n", "MNS", NFET, ("sn", "drive_n", "vss", "vss"), self.pull_n),
                Device("rest_n", "MNR", PFET, ("sn", "drive_n", "vdd", "vdd"), self.rest_n),
                Device("pull_p", "MPS", PFET, ("sp", "drive_p", "vdd", "vdd"), self.pull_p),
                Device("rest_p", "MPR", NFET, ("sp", "drive_p", "vss", "vss"), self.rest_p),
            ),
            storage=CodedWeights(n, p, "drive_n", "drive_p", "gate_n", "gate_p"),
        )
