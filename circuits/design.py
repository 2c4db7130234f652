"""Sizes, supplies and timing of the circuit: everything a drawn network depends on, nothing a trained weight changes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from nonideal.circuits.cells.contract import CellSettings, NeuronSettings, SynapseSettings
from nonideal.circuits.cells.driver import DriverSizes
from nonideal.circuits.cells.fet import Fet
from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.kinds import Contracts, chosen, dumped
from nonideal.circuits.cells.neuron import NeuronSizes
from nonideal.circuits.cells.synapse import SynapseSizes

__all__ = ["Design", "DriverSizes", "Fet", "NeuronSizes", "Supplies", "SynapseSizes", "Timing"]

Volts = Annotated[float, Field(ge=0.0, le=1.95)]


class Timing(BaseModel):
    """Phases of one inference, in seconds. Layer l+1 accumulates while layer l fires."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    t_circ_s: Annotated[float, Field(ge=2e-8, le=1e-3)] = 1e-6  # the sensing stage alone takes 54 ns
    guard_s: Annotated[float, Field(ge=5e-9, le=1e-6)] = 50e-9
    hold_s: Annotated[
        float, Field(ge=1e-10, le=1e-6, description="from the isolation's opening to the reset of the spikes")
    ] = 5e-9
    reset_s: Annotated[float, Field(ge=20e-9, le=1e-5)] = 200e-9
    edge_s: Annotated[float, Field(ge=1e-11, le=1e-8)] = 1e-10

    @model_validator(mode="after")
    def _edges_follow_each_other_in_the_guard(self) -> Timing:
        if 2 * self.edge_s > self.hold_s * (1 + 1e-9):
            raise ValueError(
                f"timing.edge_s = {self.edge_s:g} s must be at most half of timing.hold_s = {self.hold_s:g} s: "
                "else the isolation switch still closes the membrane in while the spikes are reset"
            )
        if self.hold_s + 2 * self.edge_s > self.guard_s * (1 + 1e-9):
            raise ValueError(
                f"timing.hold_s = {self.hold_s:g} s and two edges of timing.edge_s = {self.edge_s:g} s must fit into timing.guard_s = "
                f"{self.guard_s:g} s: else the next layer fires while the spikes are reset"
            )
        return self


def _v0_for(given: dict[str, Any]) -> float:
    """The reset level at a supply: 1.3 V at 1.8 V, and three quarters of what the supply gains or loses."""
    return round(1.3 + 0.75 * (given["vdd_V"] - 1.8), 6)


def _vsense_for(given: dict[str, Any]) -> float:
    """The sensing bias at a supply: 0.85 V below it, so that the source of the sensing stage keeps its current."""
    return round(0.95 + (given["vdd_V"] - 1.8), 6)


class Supplies(BaseModel):
    """Rails and neuron biases. The discharger's bias is found by characterisation, so it is not here.

    ``v0_V`` and ``vsense_V`` follow ``vdd_V`` where they are not given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vdd_V: Annotated[float, Field(ge=1.6, le=1.98)] = 1.8
    v0_V: Annotated[float, Field(ge=0.9, le=1.7)] = Field(default_factory=_v0_for)
    vsense_V: Volts = Field(default_factory=_vsense_for)
    temperature_C: Annotated[float, Field(ge=-40.0, le=125.0)] = 27.0


class Design(BaseModel):
    """A complete circuit design, independent of array size and weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    synapse: SynapseSettings = SynapseSizes()
    driver: DriverSizes = DriverSizes()
    neuron: NeuronSettings = NeuronSizes()
    timing: Timing = Timing()
    supplies: Supplies = Supplies()
    generator: GeneratorSizes | None = Field(
        default=None,
        description="the bias generator, where biases are made on the chip; it makes gate lines of coded synapses",
    )
    cells: dict[Literal["synapse", "driver", "neuron"], str] = Field(
        default_factory=dict,
        description="SPICE text of the user's own cells; they replace ours (which then ignore their sizes)",
    )

    @field_validator("synapse", mode="before")
    @classmethod
    def _kind_of_synapse(cls, given: Any) -> Any:
        return chosen("synapse", given)

    @field_validator("neuron", mode="before")
    @classmethod
    def _kind_of_neuron(cls, given: Any) -> Any:
        return chosen("neuron", given)

    @field_serializer("synapse", "neuron")
    def _with_kind(self, settings: CellSettings, info: SerializationInfo) -> dict[str, Any]:
        return dumped(settings, mode=info.mode, exclude_unset=info.exclude_unset)

    @model_serializer(mode="wrap")
    def _without_what_it_has_not(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A circuit without a generator is known by what it was known by before there were any."""
        values: dict[str, Any] = dump(self)
        return (
            values
            if self.generator is not None
            else {key: value for key, value in values.items() if key != "generator"}
        )

    @property
    def contracts(self) -> Contracts:
        """What the leaf cells are; cells of the user's own have the same ports."""
        return Contracts(self.synapse.contract(), self.driver.contract(), self.neuron.contract())

    @model_validator(mode="after")
    def _reset_level_inside_rails(self) -> Design:
        if self.supplies.v0_V >= self.supplies.vdd_V:
            raise ValueError(
                f"supplies.v0_V = {self.supplies.v0_V} V must lie below supplies.vdd_V = {self.supplies.vdd_V} V"
            )
        return self
