"""A column as measured: a dendrite with its axons, its neuron and its neighbours, on the schematic or extracted from the layout.

What a cell alone cannot say: the membrane capacitance with wiring, the coupling to the neighbours, the charge that arriving
spikes leave behind, the firing stage as loaded. Imports no SPICE.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from nonideal.characterize.estimate import Estimate

Netlist = Literal["schematic", "pex-c", "pex-rc"]
Sidewall = Literal["full", "halved"]
"""As ``nonideal.circuits.sidewall`` has it."""


class TurnOn(BaseModel):
    """What the arrival of a spike costs: a synapse of current I moves the membrane by ``(I delay_s + charge_C) / C_m`` less than
    ``I`` flowing from the spike's arrival on would. Of codes ``delay_s`` is that of a layer of the nominal full scale; each unit of a
    code misses a charge that grows by less than its current: ``unit_C`` is a polynomial of ln(full scale / nominal one), C.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    delay_s: Estimate
    charge_C: Estimate
    unit_C: tuple[float, ...] = ()


class Leakage(BaseModel):
    """Currents off a membrane at the reset level while nothing is meant to flow, A (positive: the membrane drops).

    ``idle_A`` with every synapse off; ``positive_A`` and ``negative_A`` more for each synapse of that sign that waits for its spike, and
    ``on_positive_A``, ``on_negative_A`` beside its weight's current once that flows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    idle_A: float
    positive_A: float
    negative_A: float
    on_positive_A: float = 0.0
    on_negative_A: float = 0.0

    def counts(self, axons: int, least_A: float) -> bool:
        """Whether more than so much may leak off a membrane with so many axons."""
        return abs(self.idle_A) + axons * max(abs(self.positive_A), abs(self.negative_A)) > least_A


class EdgeCharge(BaseModel):
    """What a spike takes off a membrane through its axon's wires alone, where its synapse carries nothing, C.

    ``charge_C`` through an axon that runs between others; the first axon takes ``first_axon_C`` more, the last, which runs beside the neurons,
    ``last_axon_C``, whatever the weight. The first dendrite, beside the input drivers, loses ``first_neuron_C`` more for every spike of those.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    charge_C: Estimate
    first_axon_C: Estimate
    last_axon_C: Estimate
    first_neuron_C: Estimate


class FanOut(BaseModel):
    """When the spikes of a layer leave, by neuron: each the later the longer its axon, across the crossbar of the neurons that it drives.

    Counted from a neuron that drives nothing, as columns are measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    neurons: Annotated[int, Field(ge=1)]
    driven: Annotated[int, Field(ge=1, description="neurons of the next layer")]
    delay_s: tuple[float, ...]


class Column(BaseModel):
    """The parameters of one column; its firing stage is that of an inner neuron whose neighbours fire along with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    netlist: Netlist
    sidewall: Sidewall | None = Field(
        default=None,
        description="how sidewalls were counted in its extraction; None on the schematic, and in older files",
    )
    axons: Annotated[int, Field(ge=1)]
    vdis_V: float = Field(
        description="discharger bias at which neurons without input fire at the end of their phase"
    )
    v_0_V: Estimate = Field(description="membrane potential once reset has ended")
    v_th_V: Estimate = Field(description="threshold below v_0_V, effective: sensing delay included")
    discharge_norm: Estimate = Field(description="b of the firing phase")
    membrane_F: Estimate = Field(description="C_m of an inner neuron, the neighbours' membranes held")
    coupling_F: Estimate = Field(description="part of C_m that goes to either neighbour's membrane")
    positive: TurnOn
    negative: TurnOn
    edge: EdgeCharge | None = Field(
        default=None,
        description="of axons whose synapses carry nothing; None in older files, whose turn-on charges are means over all axons",
    )
    leakage: Leakage | None = Field(
        default=None, description="None in older files: not measured, none is told"
    )
    driver_delay_s: Estimate = Field(description="from the edge on an input pin to the edge on its axon")
    spike_load_s: Estimate = Field(description="delay of a neuron's spike for every neuron that it drives")
    firing_rms_s: float = Field(description="residual of the firing formula")
    turn_on_rms_V: float = Field(description="residual of the turn-on charge, as membrane potential")
    check_rms_s: float = Field(
        description="spike times of random patterns that no parameter was fitted to: SPICE against this model, rms"
    )
    check_spikes: int
