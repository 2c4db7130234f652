"""The sections of an experiment file that belong to no other room."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nonideal.circuits.sidewall import DEFAULT as DEFAULT_SIDEWALL
from nonideal.circuits.sidewall import Sidewall
from nonideal.sky130_models.corner import Corner
from nonideal.spice.options import SimulatorOptions

Offset = Annotated[float, Field(ge=-0.5, le=0.5)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Temperature = Annotated[float, Field(ge=-40.0, le=125.0)]
Mapping = Literal["ann", "pnn", "bottom_up"]
MAPPINGS: tuple[str, ...] = get_args(Mapping)


class Section(BaseModel):
    """Base of all sections: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Process(Section):
    """The process: which corner of sky130."""

    corner: Corner = Corner.tt


class Extraction(Section):
    """How parasitics are extracted, of columns and networks alike: by which ``extractor`` (``--extractor`` goes before it), and ``sidewall`` as
    ``nonideal.circuits.sidewall`` explains it."""

    extractor: Literal["nonideal", "kpex", "magic"] = "nonideal"
    sidewall: Sidewall = DEFAULT_SIDEWALL


class Netlist(Section):
    """Write-back: whether weights outside the realisable range are clipped (and counted), or refused."""

    clip: bool = False


class CurrentScale(Section):
    """Grid over which the factor on the synaptic currents is searched, before SPICE refines it."""

    low: Annotated[float, Field(gt=0.0, le=10.0)] = 0.6
    high: Annotated[float, Field(gt=0.0, le=10.0)] = 1.8
    step: Annotated[float, Field(ge=1e-4, le=1.0)] = 0.01

    @model_validator(mode="after")
    def _is_a_range(self) -> CurrentScale:
        if self.high < self.low:
            raise ValueError(f"low = {self.low} lies above high = {self.high}")
        return self


class Validation(Section):
    """What is simulated and compared.

    ``compare = "layout"`` asks whether the network works on its layout: ``mappings``, on the netlist asked for alone; beside ``bottom_up``
    nothing is fitted in SPICE. ``"paper"`` compares as the paper does: every variant that is trained, the schematic beside an extracted
    netlist, and current scales that are searched in SPICE, on ``calibration_samples`` training samples, never on test samples.
    """

    samples: Annotated[int, Field(ge=1, le=100_000)] = 50
    mappings: Annotated[tuple[Mapping, ...], Field(min_length=1)] = ("ann", "bottom_up")
    compare: Literal["layout", "paper"] = "layout"
    calibration_samples: Annotated[int, Field(ge=1, le=10_000)] = 10
    current_scale: CurrentScale = CurrentScale()
    simulate: Literal["columns", "whole"] = "columns"

    @field_validator("mappings")
    @classmethod
    def _no_repeats(cls, values: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
        if len(set(values)) != len(values):
            raise ValueError("a mapping stands there twice")
        return values


class Simulator(Section):
    """Numerical settings of ngspice, and the time limit of one run. Ranges: ``nonideal.spice.options``."""

    method: Literal["trap", "gear"] = "trap"
    reltol: float = SimulatorOptions().reltol
    abstol_A: float = SimulatorOptions().abstol_A
    vntol_V: float = SimulatorOptions().vntol_V
    chgtol_C: float = SimulatorOptions().chgtol_C
    gmin_S: float = SimulatorOptions().gmin_S
    max_step_s: float = SimulatorOptions().max_step_s
    bypass: bool = False
    timeout_s: Annotated[float, Field(gt=0.0, le=86_400.0)] = 120.0

    @model_validator(mode="after")
    def _in_range(self) -> Simulator:
        self.options(27.0)
        return self

    def options(self, temperature_C: float) -> SimulatorOptions:
        """As ``spice`` takes them; the temperature is the circuit's."""
        names = {f.name for f in fields(SimulatorOptions)}
        return SimulatorOptions(**self.model_dump(include=names), temperature_C=temperature_C)


class Explore(Section):
    """Design choices to rank: values by dotted key of [circuit], in all combinations; none: the built-in list.

    Keys joined by ``+`` take one value together. ``limit``: at most so many combinations. ``accuracy``: in every choice mismatch is measured and a
    network trained, which says how accurate it is under noise and on drawn chips.
    """

    accuracy: bool = False
    vary: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = {}
    limit: Annotated[int, Field(ge=1, le=10_000)] = 64


class Conditions(Section):
    """At which corners and temperatures the circuit is characterised and a trained network tried; home is always among them.

    ``..._offsets_...``: by how much temperature or a supply is off, one at a time, all else as at home (None: ``nonideal.experiment.offsets``).
    ``mapping``: whose weights (None: bottom_up where it is trained, else pnn). ``track_sense``: V_sense is set anew in every
    condition. ``noise_draws`` of the circuit's own noise for each sample, where ``characterize.noise`` has it measured (0: none; else 2 or
    more). ``spice_samples`` are simulated in ``spice_conditions`` of them; there so many drawn chips too, untrimmed
    and with biases kept (``spice_chips``, the first is ``chips.first_chip``).
    """

    corners: Annotated[tuple[Corner, ...], Field(min_length=1)] = (
        Corner.tt,
        Corner.ff,
        Corner.ss,
        Corner.sf,
        Corner.fs,
    )
    temperatures_C: Annotated[tuple[Temperature, ...], Field(min_length=1)] = (
        -40.0,
        27.0,
        85.0,
        125.0,
    )
    temperature_offsets_C: tuple[Annotated[float, Field(ge=-165.0, le=165.0)], ...] | None = None
    vdd_offsets_V: tuple[Offset, ...] | None = None
    v0_offsets_V: tuple[Offset, ...] | None = None
    vsense_offsets_V: tuple[Offset, ...] | None = None
    mapping: Literal["pnn", "bottom_up"] | None = None
    track_sense: bool = True
    noise_draws: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    spice_samples: Annotated[int, Field(ge=0, le=10_000)] = 3
    spice_conditions: Annotated[int, Field(ge=1, le=100)] = 3
    spice_chips: Annotated[int, Field(ge=0, le=1000)] = 0

    @field_validator("temperature_offsets_C", "vdd_offsets_V", "v0_offsets_V", "vsense_offsets_V")
    @classmethod
    def _offsets_are_others(cls, given: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if given is not None and (0.0 in given or len(set(given)) < len(given)):
            raise ValueError(
                "0 is home, which is always among the conditions, and each offset stands there once"
            )
        return given

    @field_validator("noise_draws")
    @classmethod
    def _draws_have_a_spread(cls, draws: int) -> int:
        if draws == 1:
            raise ValueError("one draw has no interval: give 2 or more, or 0 for none")
        return draws

    @model_validator(mode="after")
    def _chips_have_samples(self) -> Conditions:
        if self.spice_chips and not self.spice_samples:
            raise ValueError(
                "spice_chips asks for drawn chips in SPICE, spice_samples = 0 for no samples: set one or the other"
            )
        return self


class Noise(Section):
    """What of noise counts, and how it is witnessed.

    ``low_corner_Hz``: flicker that is slower is an offset, see ``nonideal.characterize.flicker``; for training too. ``mapping``: whose weights (None:
    bottom_up where it is trained, else pnn). ``draws`` of noise for every held-out sample say how accurate it is. ``column_runs``: noisy
    simulations of one column, ``network_runs``: of the whole network, one sample each.
    """

    low_corner_Hz: Annotated[float, Field(gt=0.0, le=1e9)] = 1.0
    mapping: Literal["pnn", "bottom_up"] | None = None
    draws: Annotated[int, Field(ge=10, le=1_000_000)] = 200
    column_runs: Annotated[int, Field(ge=0, le=100_000)] = 200
    network_runs: Annotated[int, Field(ge=0, le=100_000)] = 0
    seed: Seed = 20261


class MappingLimits(Section):
    """Limits on one mapping; a limit left out is not checked."""

    output_rmse_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    hidden_rmse_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    ann_ratio_min: Annotated[float, Field(gt=0.0)] | None = None
    accuracy_spice_min: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    accuracy_loss_max: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    missed_and_extra_spikes_max: Annotated[int, Field(ge=0)] | None = None


class Spec(MappingLimits):
    """Limits on the validation; a limit left out is not checked.

    They hold for every mapping but ``ann``, the reference that the others must beat by ``ann_ratio_min``; a mapping's own
    section overrides them. What they are held against: ``nonideal.runs.spec``.
    """

    numerical_floor_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    pnn: MappingLimits = MappingLimits()
    bottom_up: MappingLimits = MappingLimits()
