"""The neuron: membrane behind an isolation switch, reset, discharger, sensing inverter, driver.

The isolation switch is beyond the paper: it opens just before the input spikes are reset, so the selectors' turn-off
charge lands on the dendrite and not on the membrane.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from nonideal.circuits.cells.contract import Device, Neuron, NeuronSettings
from nonideal.circuits.cells.driver import driver_call
from nonideal.circuits.cells.fet import MIM, MIM_MET4, NFET, NFET_LVT, PFET, PFET_HVT, Fet
from nonideal.circuits.cells.port import RAILS, Port, Role, ports


class NeuronSizes(NeuronSettings):
    """Membrane capacitor, switches, discharger and sensing inverter."""

    capacitor: ClassVar[str] = MIM

    mim_w_um: Annotated[float, Field(ge=2.0, le=30.0)] = 7.0
    mim_l_um: Annotated[float, Field(ge=2.0, le=30.0)] = 7.0
    isolation_n: Fet = Fet(w_um=1.0, l_um=0.15)
    isolation_p: Fet = Fet(w_um=1.0, l_um=0.15)
    dummy_n: Fet = Fet(w_um=0.5, l_um=0.15)
    dummy_p: Fet = Fet(w_um=0.5, l_um=0.15)
    reset_n: Fet = Fet(w_um=0.42, l_um=0.15)
    reset_p: Fet = Fet(w_um=0.42, l_um=0.15)
    discharge: Fet = Fet(w_um=1.0, l_um=0.5)
    discharge_enable: Fet = Fet(w_um=0.42, l_um=0.15)
    sense_n: Fet = Fet(w_um=1.0, l_um=0.25)
    sense_p: Fet = Fet(w_um=0.42, l_um=0.15)
    sense_bias: Fet = Fet(w_um=0.5, l_um=0.46)

    def contract(self) -> Neuron:
        """Cell ``neuron``; it calls the cell ``driver``, which must stand in the same netlist."""
        plates = Fet(w_um=self.mim_w_um, l_um=self.mim_l_um)
        return Neuron(
            "neuron",
            PORTS,
            (
                Device("isolation_n", "MISN", NFET, ("dendrite", "iso", "membrane", "vss"), self.isolation_n),
                Device(
                    "isolation_p", "MISP", PFET, ("dendrite", "iso_b", "membrane", "vdd"), self.isolation_p
                ),
                Device("dummy_n", "MDUN", NFET, ("membrane", "iso_b", "membrane", "vss"), self.dummy_n),
                Device("dummy_p", "MDUP", PFET, ("membrane", "iso", "membrane", "vdd"), self.dummy_p),
                Device(
                    "capacitor", "CM", self.capacitor, ("membrane", "vss"), plates, key="mim_w_um x mim_l_um"
                ),
                Device("reset_n", "MRN", NFET, ("v0", "reset", "membrane", "vss"), self.reset_n),
                Device("reset_p", "MRP", PFET, ("v0", "reset_b", "membrane", "vdd"), self.reset_p),
                Device("discharge", "MDI", NFET, ("membrane", "vdis", "dx", "vss"), self.discharge),
                Device("discharge_enable", "MDE", NFET, ("dx", "phase", "vss", "vss"), self.discharge_enable),
                Device("sense_n", "MSN", NFET_LVT, ("sense", "membrane", "vss", "vss"), self.sense_n),
                Device("sense_p", "MSP", PFET_HVT, ("sense", "membrane", "sx", "vdd"), self.sense_p),
                Device("sense_bias", "MSB", PFET, ("sx", "vsense", "vdd", "vdd"), self.sense_bias),
                driver_call("sense", "phase", "spike", "spike_b"),
            ),
            {"membrane": "membrane", "sense": "sense"},
        )


class NeuronSizesMet4(NeuronSizes):
    """The same, its membrane capacitor between metals 3 and 4: metal 5 stays free, as shuttles ask."""

    capacitor: ClassVar[str] = MIM_MET4


PORTS = (
    *ports("dendrite", Role.DENDRITE),
    *ports("spike", Role.SPIKE),
    *ports("spike_b", Role.SPIKE_B),
    *ports("phase reset reset_b iso iso_b", Role.CONTROL),
    Port("v0", Role.RESET_LEVEL, "v0_V"),
    *ports("vdis", Role.TRIM),
    Port("vsense", Role.SENSE, "vsense_V"),
    *RAILS,
)
