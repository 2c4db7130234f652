"""The noise part of the physical model: what the PDK's own models say of synapses and neurons, turned into charge and into spike time.

Every density is one-sided, of a current. A phase's white noise of density S leaves a charge of variance ``S T / 2``; flicker's is
``nonideal.characterize.flicker``. Imports no SPICE.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nonideal.characterize.estimate import Estimate

Positive = Annotated[float, Field(gt=0.0)]
BOLTZMANN_J_PER_K = 1.380649e-23
ZERO_C_K = 273.15


class SynapseNoise(BaseModel):
    """One polarity, along ``ln_current``, the ln of the current at the reset level in A.

    At the membrane's drop x below the reset level (V) the density is ``white (1 - white_slope x)``, and flicker
    ``flicker (1 - flicker_slope x)^2 / f^exponent``: both go with the current, which the membrane moves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ln_current: tuple[float, ...]
    white: tuple[Estimate, ...] = Field(description="A^2/Hz at the reset level")
    white_slope_per_V: tuple[float, ...]
    flicker: tuple[Estimate, ...] = Field(description="A^2/Hz at the reset level and 1 Hz")
    flicker_slope_per_V: tuple[float, ...] = Field(description="of the amplitude, the density's root")
    exponent: float
    shot_ratio: tuple[float, ...] = Field(
        description="white noise beside that of charges that come one by one, 2 q I"
    )

    @model_validator(mode="after")
    def _tables_are_as_long(self) -> SynapseNoise:
        tables = (self.ln_current, self.white, self.white_slope_per_V, self.flicker, self.flicker_slope_per_V)
        if len({len(table) for table in tables}) != 1 or len(self.ln_current) < 3:
            raise ValueError("tables along ln_current need one length of at least 3")
        if any(b <= a for a, b in zip(self.ln_current, self.ln_current[1:], strict=False)):
            raise ValueError("ln_current must rise")
        return self


class RampNoise(BaseModel):
    """The discharger's, as jitter of a spike at the time t of its phase.

    White noise, of a current that falls with the membrane, leaves the variance ``white_s (1 - e^(-k x)) / k`` with x = t - white_delay_s, and
    flicker ``flicker W(t - flicker_delay_s)``. The ramp's own curvature is k = -ln(1 - b) / T_circ; delays: towards the spike the sensing
    stage listens to the membrane ever less.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    per_charge_s_per_C: Estimate = Field(description="how far a charge on the membrane moves the spike")
    white_s: Estimate = Field(description="variance gained per time, s^2/s")
    white_delay_s: float
    flicker: Estimate = Field(description="squared relative amplitude, 1/Hz at 1 Hz")
    flicker_delay_s: float
    exponent: float


class SenseNoise(BaseModel):
    """One device of what senses the membrane and drives the spike: the same for every spike, as its ramp is.

    Variances of the spike time: ``white_s2``, and of flicker ``flicker_s^2 W(window_s) / window_s^2``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    white_s2: Annotated[float, Field(ge=0.0)]
    flicker_s: Annotated[float, Field(ge=0.0)] = Field(
        description="s, of a density of 1 / f^exponent in f / Hz"
    )
    window_s: Positive
    exponent: float


class Noise(BaseModel):
    """Noise of one design at one corner and temperature.

    ``switched`` is what switches leave when they open, kT/C, and needs no bench. ``grid_error`` is how far the sensing stage's variance moves when
    every second instant is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperature_C: float
    positive: SynapseNoise
    negative: SynapseNoise
    silent_A2_per_Hz: Annotated[float, Field(ge=0.0)] = Field(
        description="largest density of a synapse whose axon is silent"
    )
    ramp: RampNoise
    sense: dict[str, SenseNoise] = Field(description="by device path")
    grid_error: Annotated[float, Field(ge=0.0)]

    @property
    def kt_J(self) -> float:
        """Boltzmann's constant times the temperature."""
        return BOLTZMANN_J_PER_K * (ZERO_C_K + self.temperature_C)
