"""What a characterisation sweeps, where it fits, and what it still calls a fit."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nonideal.characterize.column import Netlist
from nonideal.circuits.network.netlist import MAX_NEURONS

LEAST_DRAWS = 50


class CharacterizeOptions(BaseModel):
    """What is swept, in which window it is fitted, what is still called a fit, and ``on`` which netlist columns are measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: Netlist = "schematic"
    membrane_start_V: Annotated[float, Field(ge=0.0, le=1.0)] = 0.30
    membrane_stop_V: Annotated[float, Field(ge=1.0, le=1.95)] = 1.70
    membrane_step_V: Annotated[float, Field(gt=0.0, le=0.1)] = 0.02
    bias_step_V: Annotated[float, Field(gt=0.0, le=0.05)] = 0.0125
    bias_span_V: Annotated[float, Field(ge=0.4, le=1.8)] = 0.95
    window_V: tuple[float, float] = (0.43, 1.36)
    swing_V: tuple[float, float] = (0.45, 1.57)
    weight_window: tuple[float, float] = (0.02, 1.0)
    max_weight: Annotated[float, Field(ge=1.0, le=10.0)] = 4.0
    axons: Annotated[int, Field(ge=1, le=256)] = 5
    max_linearity_rms: Annotated[float, Field(gt=0.0, le=0.2)] = 0.02
    full_scale: Annotated[
        float,
        Field(gt=0.05, le=10.0, description="of coded synapses: weight of the largest code where columns are measured"),
    ] = 0.8  # fmt: skip
    full_scales: Annotated[
        tuple[float, float],
        Field(description="of coded synapses: between which a layer's full scale may lie"),
    ] = (0.25, 2.5)
    max_lambda_spread: Annotated[float, Field(gt=0.0, le=0.2)] = 0.02
    max_inl_lsb: Annotated[float, Field(gt=0.0, le=0.5)] = 0.1
    max_firing_rms_s: Annotated[float, Field(gt=0.0, le=1e-6)] = 2e-9
    silent_bias_n_V: Annotated[float, Field(ge=0.0, le=1.95)] = 0.5
    silent_bias_p_V: Annotated[float, Field(ge=0.0, le=1.95)] = 1.1
    draws: Annotated[
        int,
        Field(ge=0, le=MAX_NEURONS, description="synapses and neurons drawn to measure mismatch; 0: none"),
    ] = 0
    draw_seed: Annotated[int, Field(ge=0, lt=2**31)] = 20260
    noise: Annotated[bool, Field(description="whether the noise of synapses and neurons is measured")] = False

    @model_validator(mode="after")
    def _full_scales_hold_the_nominal_one(self) -> CharacterizeOptions:
        low, high = self.full_scales
        if not 0 < low < self.full_scale < high:
            raise ValueError(
                f"full_scale = {self.full_scale:g} must lie between the ends of full_scales = [{low:g}, {high:g}]"
            )
        return self

    @field_validator("draws")
    @classmethod
    def _enough_draws_or_none(cls, draws: int) -> int:
        if 0 < draws < LEAST_DRAWS:
            raise ValueError(
                f"{draws} draws say too little of a spread: at least {LEAST_DRAWS}, or 0 for none"
            )
        return draws
