"""What is asked about chips: how many are drawn, what counts as good, which designs are compared, how they are trimmed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nonideal.characterize.candidates import varied
from nonideal.characterize.options import LEAST_DRAWS
from nonideal.circuits.network.netlist import MAX_NEURONS

Range = tuple[float, float]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class YieldOptions(BaseModel):
    """The yield of an experiment's network.

    ``chips`` are drawn in the fast model, seeds from ``first_chip`` on; the first ``spice_chips`` of them are simulated on
    ``spice_samples`` samples each; with ``spice_neurons`` only that many neurons of every layer, each layer by itself: what a large
    network allows. A chip is good that loses at most ``accuracy_loss_max`` against the nominal chip's accuracy. ``draws``:
    synapses of each polarity, and neurons, that the statistical model is measured on. ``dac_bits``: converters that trimmed chips are
    looked at with. ``noise_draws``: of the circuit's own noise, for each sample on each chip (0: none; where noise was not measured there are none
    either). ``vary`` (as ``explore.vary``, at most ``limit`` combinations) and ``hidden`` (sizes of the first hidden layer):
    designs to compare, each characterised and trained anew.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mapping: Literal["pnn", "bottom_up"] = "bottom_up"
    chips: Annotated[int, Field(ge=10, le=1_000_000)] = 1000
    first_chip: Annotated[int, Field(ge=0, lt=2**31)] = 0
    accuracy_loss_max: Fraction = 0.02
    spice_chips: Annotated[int, Field(ge=0, le=10_000)] = 20
    spice_samples: Annotated[int, Field(ge=1, le=10_000)] = 10
    draws: Annotated[int, Field(ge=LEAST_DRAWS, le=MAX_NEURONS)] = 200
    noise_draws: Annotated[int, Field(ge=0, le=100_000)] = 10
    spice_neurons: Annotated[int, Field(ge=1, le=4096)] | None = None
    dac_bits: tuple[Annotated[int, Field(ge=2, le=16)], ...] = (4, 5, 6, 7, 8, 10)
    vary: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = {}
    hidden: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = ()
    limit: Annotated[int, Field(ge=1, le=1000)] = 32

    @field_validator("dac_bits", "hidden")
    @classmethod
    def _no_repeats(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) != len(values):
            raise ValueError("an entry stands there twice")
        return values

    @field_validator("vary")
    @classmethod
    def _can_be_varied(cls, vary: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        if vary:
            varied(vary, 1000)
        return vary


class CalibrationOptions(BaseModel):
    """How a chip is trimmed.

    ``*_range_V`` None: what the network asks for, and four standard deviations of mismatch around it. Synapses of less than
    ``smallest_weight`` share the lowest code, or are off below half of it. ``current_s`` and ``time_s``: how long one measurement of a
    synapse's current, of a layer's spike times takes. A chip of codes is measured by ``inferences`` alone, each of ``time_s`` a layer, and gets
    ``other_codes``, unless told only where they are latched: else it keeps its own, and is measured by them. The rest says nothing of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias_dac_bits: Annotated[int, Field(ge=2, le=16)] = 8
    trim_dac_bits: Annotated[int, Field(ge=2, le=16)] = 8
    bias_n_range_V: Range | None = None
    bias_p_range_V: Range | None = None
    trim_range_V: Range | None = None
    smallest_weight: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    current_tolerance: Annotated[float, Field(ge=0.0, le=1.0)] = 0.005
    time_tolerance_norm: Annotated[float, Field(ge=0.0, le=1.0)] = 1e-3
    steps: Annotated[int, Field(ge=0, le=100)] = 6
    inferences: Annotated[int, Field(ge=4, le=10_000)] = 16
    other_codes: bool | None = None
    gain_start: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.6
    current_s: Annotated[float, Field(gt=0.0, le=1.0)] = 10e-6
    time_s: Annotated[float, Field(gt=0.0, le=1.0)] = 5e-6

    @model_validator(mode="after")
    def _ranges_rise(self) -> CalibrationOptions:
        for name in ("bias_n_range_V", "bias_p_range_V", "trim_range_V"):
            value = getattr(self, name)
            if value is not None and not value[0] < value[1]:
                raise ValueError(f"{name} = {list(value)}: give the lower voltage first")
        return self
