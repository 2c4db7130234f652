"""The coded synapse: binary groups of unit FETs on the dendrite, one bank for each sign, switched by the axon at their common source.

Each group's gate is tied by its bit to a line that the layer shares or to a rail. An inverter of the synapse pulls the bank's source to the rail
while the axon spikes, and to the other rail else, so that units at rest have a reversed gate-source voltage: no charge waits on an inner node
for the next spike, as it does behind a series selector.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from nonideal.circuits.cells.codes import CodedWeights
from nonideal.circuits.cells.contract import Device, Synapse, SynapseSettings
from nonideal.circuits.cells.fet import NFET, PFET, Fet
from nonideal.circuits.cells.port import RAILS, VDD, VSS, Per, Port, Role, ports

FINGER_UM = 1.0
"""Width of the widest finger that a row has room for."""


def _folded(role: str, path: str, model: str, nodes: tuple[str, ...], size: Fet) -> Device:
    """A FET as fingers of equal width in a row: an even number, so that both ends are drains and the rail stands between."""
    fingers = 2 * max(1, math.ceil(size.w_um / (2 * FINGER_UM) - 1e-9))
    width = round(size.w_um / fingers, 6)
    return Device(role, path, model, nodes, Fet(w_um=width, l_um=size.l_um), units=fingers)


class CodedSizes(SynapseSettings):
    """``bits`` of the magnitude, a sign besides; where they are held; the unit of each bank and the inverter at its source.

    ``pull_*`` carries the bank's current while its axon spikes, in an even number of fingers of at most 1 um; ``rest_*`` holds its source at
    rest. Of latches alone: ``switch`` ties the gate of a group to its line or its rail, ``gate`` the axon to an inverter; ``latch`` are the
    inverters of a bit's cell, ``access`` its ways to bit lines.
    """

    bits: Annotated[int, Field(ge=2, le=6)] = 4
    storage: Literal["mask", "latch"] = "mask"
    unit_n: Fet = Fet(w_um=0.42, l_um=1.0)
    unit_p: Fet = Fet(w_um=0.42, l_um=1.0)
    pull_n: Fet = Fet(w_um=2.0, l_um=0.15)
    rest_n: Fet = Fet(w_um=0.42, l_um=0.15)
    pull_p: Fet = Fet(w_um=4.0, l_um=0.15)
    rest_p: Fet = Fet(w_um=0.42, l_um=0.15)
    switch: Fet = Fet(w_um=0.42, l_um=0.5)
    gate: Fet = Fet(w_um=0.42, l_um=0.15)
    latch: Fet = Fet(w_um=0.42, l_um=0.15)
    access: Fet = Fet(w_um=0.42, l_um=0.15)

    def contract(self) -> Synapse:
        """Cell ``synapse``: group k of a bank is 2^k units, gates ``n<k>`` and ``p<k>``; inverters driven by ``drive_n`` and ``drive_p``.

        With a mask these are ports and wired, synapse by synapse: gates to ``gate_n``/``gate_p`` or the rail, drives to ``axon``/``axon_b`` or
        the rail, where the bank stays still. With latches they are nodes inside, and switches tie them so.
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
        banks = (
            *units,
            _folded("pull_n", "MNS", NFET, ("sn", "drive_n", "vss", "vss"), self.pull_n),
            Device("rest_n", "MNR", PFET, ("sn", "drive_n", "vdd", "vdd"), self.rest_n),
            _folded("pull_p", "MPS", PFET, ("sp", "drive_p", "vdd", "vdd"), self.pull_p),
            Device("rest_p", "MPR", NFET, ("sp", "drive_p", "vss", "vss"), self.rest_p),
        )
        latched = self.storage == "latch"
        storage = CodedWeights(n, p, "drive_n", "drive_p", "gate_n", "gate_p", latched=latched)
        weights = () if latched else ports(" ".join((*n, *p, "drive_n", "drive_p")), Role.WEIGHT)
        return Synapse(
            "synapse",
            (
                *ports("axon", Role.AXON),
                *ports("axon_b", Role.AXON_B),
                *ports("dendrite", Role.DENDRITE),
                *ports("gate_n gate_p", Role.SCALE),
                *weights,
                *(self._lines(storage) if latched else ()),
                *RAILS,
            ),
            (*banks, *self._switches(storage), *self._latches(storage)) if latched else banks,
            storage=storage,
        )

    def _lines(self, storage: CodedWeights) -> list[Port]:
        """What latches are written through: a word line for each axon, two bit lines for each bit of a neuron."""
        bits = [
            Port(f"{line}_{name}", Role.LINE, 0.0, Per.NEURON)
            for name in storage.latches
            for line in ("bit", "bit_b")
        ]
        return [Port("word", Role.LINE, 0.0, Per.AXON), *bits]

    def _switches(self, storage: CodedWeights) -> list[Device]:
        """A pass FET to the line of an N group, both kinds to that of a P group and to the axon, and one FET to the rail.

        Those of the gates are long: PMOS of 0.15 um leak nanoamperes into a gate at 125 degrees.
        """
        found = []
        for k, (n, p) in enumerate(zip(storage.n, storage.p, strict=True)):
            q, q_b = storage.latches[str(k)].q, storage.latches[str(k)].q_b
            found += [
                Device("switch", f"MTN{k}", NFET, (n, q, storage.gate_n, VSS), self.switch),
                Device("switch", f"MRN{k}", NFET, (n, q_b, VSS, VSS), self.switch),
                Device("switch", f"MTP{k}", PFET, (p, q_b, storage.gate_p, VDD), self.switch),
                Device("switch", f"MTQ{k}", NFET, (p, q, storage.gate_p, VSS), self.switch),
                Device("switch", f"MRP{k}", PFET, (p, q, VDD, VDD), self.switch),
            ]
        for sign, drive, axon, rest, rail in (
            ("n", storage.drive_n, storage.axon, NFET, VSS),
            ("p", storage.drive_p, storage.axon_b, PFET, VDD),
        ):
            q, q_b = storage.latches[sign].q, storage.latches[sign].q_b
            found += [
                Device("gate", f"MGN{sign}", NFET, (drive, q, axon, VSS), self.gate),
                Device("gate", f"MGP{sign}", PFET, (drive, q_b, axon, VDD), self.gate),
                Device("gate", f"MGR{sign}", rest, (drive, q_b if sign == "n" else q, rail, rail), self.gate),
            ]
        return found

    def _latches(self, storage: CodedWeights) -> list[Device]:
        """Two inverters in a ring, and a FET to either bit line."""
        found = []
        for name, one in storage.latches.items():
            for side, node, other, line in (
                ("a", one.q, one.q_b, f"bit_{name}"),
                ("b", one.q_b, one.q, f"bit_b_{name}"),
            ):
                found += [
                    Device("latch", f"MLN{name}{side}", NFET, (node, other, VSS, VSS), self.latch),
                    Device("latch", f"MLP{name}{side}", PFET, (node, other, VDD, VDD), self.latch),
                    Device("access", f"MLA{name}{side}", NFET, (line, "word", node, VSS), self.access),
                ]
        return found
