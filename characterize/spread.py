"""The statistical part of the physical model: how synapses and neurons answer to the shifts of their devices, and how far they spread.

A chip's shifts (``nonideal.circuits.network.chip``) are known numbers. What they do to currents and spike times is measured on drawn devices in
SPICE: a response for each device of a cell, and the spread of the whole with its standard error. Imports no SPICE.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nonideal.characterize.estimate import Estimate, estimate

Count = Annotated[int, Field(ge=2)]


class Response(BaseModel):
    """What a shift x of one device (V; relative for a capacitor) adds to a quantity: ``slope x + curvature x^2``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    slope: Estimate
    curvature: float


class SynapseSpread(BaseModel):
    """One polarity. Tables run along ``ln_current``, the ln of the undisturbed current in A.

    The memory FET's shift x acts as a change ``memory_gain x`` of its gate bias; the selector's adds
    ``select_slope x + select_curvature x^2`` to ln I.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    memory: str = Field(description="path of the memory FET in the cell")
    select: str = Field(description="path of the selector")
    memory_gain: Estimate
    ln_current: tuple[float, ...]
    select_slope_per_V: tuple[float, ...]
    select_curvature_per_V2: tuple[float, ...]
    sigma_ln_current: tuple[Estimate, ...] = Field(description="spread of ln I over the drawn synapses")
    sigma_lambda_rel: tuple[Estimate, ...] = Field(description="spread of lambda, relative")
    residual_ln_current: tuple[float, ...] = Field(
        description="rms of ln I that the shifts leave unexplained"
    )
    draws: Count

    def sigma_at(self, current_A: float) -> Estimate:
        """Spread of ln I of a synapse whose undisturbed current this is, within the table."""
        at = np.log(current_A)
        value = np.interp(at, self.ln_current, [one.value for one in self.sigma_ln_current])
        stderr = np.interp(at, self.ln_current, [one.stderr for one in self.sigma_ln_current])
        return estimate(float(value), float(stderr), "1")

    @model_validator(mode="after")
    def _tables_are_as_long(self) -> SynapseSpread:
        lengths = {
            len(table)
            for table in (
                self.ln_current,
                self.select_slope_per_V,
                self.select_curvature_per_V2,
                self.sigma_ln_current,
                self.sigma_lambda_rel,
                self.residual_ln_current,
            )
        }
        if len(lengths) != 1 or min(lengths) < 2:
            raise ValueError(f"tables along ln_current need one length of at least 2, got {sorted(lengths)}")
        return self


class NeuronSpread(BaseModel):
    """A neuron fires at ``(t - 1 + ln(1 - b theta) / ln(1 - b)) / r``, t being the time of the undisturbed one (T_circ).

    ``ln_ramp`` and ``threshold`` (theta - 1, in V_th) are sums of responses, by device path. ``threshold_with_ramp`` adds
    ``slope x ln r`` to theta: the sensing stage's delay costs threshold in proportion to the ramp.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ln_ramp: dict[str, Response]
    threshold: dict[str, Response]
    threshold_with_ramp: dict[str, Estimate] = Field(default_factory=dict)
    sigma_ln_ramp: Estimate
    sigma_threshold: Estimate
    residual_s: float = Field(description="rms of the spike times that the shifts leave unexplained")
    draws: Count
    left_out: Annotated[int, Field(ge=0)] = Field(
        default=0, description="drawn neurons that did not fire from every charge: in no number above"
    )

    def correlation(self, sigmas: Mapping[str, float]) -> float:
        """Correlation of ln r and theta where the devices' shifts are independent and normal, ``sigmas`` by path.

        A device that steepens the ramp moves the threshold as well, the discharger above all. ``threshold_with_ramp``
        adds spread and no covariance: a shift times the ramp of other devices has mean 0, and so has its product with that ramp.
        """
        ramp = _covariance(self.ln_ramp, self.ln_ramp, sigmas)
        along = sum((slope.value * sigmas[path]) ** 2 for path, slope in self.threshold_with_ramp.items())
        threshold = _covariance(self.threshold, self.threshold, sigmas) + along * ramp
        if ramp == 0.0 or threshold == 0.0:
            return 0.0
        found = _covariance(self.ln_ramp, self.threshold, sigmas) / math.sqrt(ramp * threshold)
        return max(-1.0, min(1.0, found))  # where one device does it all, rounding passes 1


def _covariance(a: Mapping[str, Response], b: Mapping[str, Response], sigmas: Mapping[str, float]) -> float:
    """Of two sums of responses. The variance of x^2 is 2 sigma^4, and x and x^2 are not correlated."""
    return sum(
        a[path].slope.value * b[path].slope.value * sigmas[path] ** 2
        + 2.0 * a[path].curvature * b[path].curvature * sigmas[path] ** 4
        for path in a.keys() & b.keys()
    )


class LibraryCheck(BaseModel):
    """One device, drawn by the library's own mismatch section, beside the sigma that chips are drawn from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    device: str = Field(description="name, W x L in um")
    sigma: float = Field(gt=0.0, description="ours; V, relative for a capacitor")
    library_mean: float = Field(description="mean beside that of an undrawn device")
    library_sigma: float
    draws: Count
    confidence: float = Field(
        description="of each test: mean (Student's t) and sigma (chi squared); 99.9 % that all of a design pass"
    )
    agrees: bool


class Spread(BaseModel):
    """Mismatch of one design at one corner: standard deviations by cell and path, responses, and the check of the statistics."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sigmas: dict[str, dict[str, float]]
    positive: SynapseSpread
    negative: SynapseSpread
    neuron: NeuronSpread
    library: tuple[LibraryCheck, ...]
    seed: int
