"""A fitted quantity."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Estimate(BaseModel):
    """A fitted quantity: value, standard error of the fit (same unit), unit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float
    stderr: Annotated[float, Field(ge=0.0)]
    unit: str


def estimate(value: float, stderr: float, unit: str) -> Estimate:
    """An estimate from plain numbers; the sign of a standard error does not matter."""
    return Estimate(value=float(value), stderr=float(abs(stderr)), unit=unit)
