"""The axon driver: NAND and inverter. The same cell drives the inputs and ends every neuron, so all spikes have one edge."""

from __future__ import annotations

from nonideal.circuits.cells.contract import Call, CellSettings, Contract, Device
from nonideal.circuits.cells.fet import NFET, PFET, Fet
from nonideal.circuits.cells.port import RAILS, Port, Role

CELL = "driver"


class DriverSizes(CellSettings):
    """NAND and inverter that drive an axon pair, the same for inputs and neurons so that every spike has the same edge."""

    nand_n: Fet = Fet(w_um=1.0, l_um=0.15)
    nand_p: Fet = Fet(w_um=1.0, l_um=0.15)
    inverter_n: Fet = Fet(w_um=1.0, l_um=0.15)
    inverter_p: Fet = Fet(w_um=2.0, l_um=0.15)

    def contract(self) -> Contract:
        """Cell ``driver``: out_b = NAND(trigger, phase), out = NOT out_b."""
        parts = (
            Device("nand_n", "MN1", NFET, ("out_b", "trigger", "nx", "vss"), self.nand_n),
            Device("nand_n", "MN2", NFET, ("nx", "phase", "vss", "vss"), self.nand_n),
            Device("nand_p", "MP1", PFET, ("out_b", "trigger", "vdd", "vdd"), self.nand_p),
            Device("nand_p", "MP2", PFET, ("out_b", "phase", "vdd", "vdd"), self.nand_p),
            Device("inverter_n", "MN3", NFET, ("out", "out_b", "vss", "vss"), self.inverter_n),
            Device("inverter_p", "MP3", PFET, ("out", "out_b", "vdd", "vdd"), self.inverter_p),
        )
        return Contract(CELL, PORTS, parts)


PORTS = (
    Port("trigger", Role.INPUT),
    Port("phase", Role.CONTROL),
    Port("out", Role.AXON),
    Port("out_b", Role.AXON_B),
    *RAILS,
)


def driver_call(trigger: str, phase: str, out: str, out_b: str) -> Call:
    """The driver inside of a neuron, on these nets of it."""
    return Call(CELL, CELL, (trigger, phase, out, out_b, "vdd", "vss"))
