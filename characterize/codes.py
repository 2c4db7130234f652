"""What a physical model knows of a coded synapse beside what it knows of any: how its codes differ from multiples of one current."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class CodedBank(BaseModel):
    """One polarity. Worst of all codes at all levels of the gate line that were measured; currents in A."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    lambda_ratio: tuple[float, ...] = Field(
        description="lambda against that at the nominal full scale, a polynomial of the full scale"
    )
    current_ratio: tuple[float, ...] = Field(
        description="current of each code from 1 against as many mean units, at the nominal full scale"
    )
    lambda_spread: float = Field(description="lambda of the codes, largest less smallest, against its mean")
    inl_lsb: float = Field(
        description="current at V_0 against the line from code 0 to the largest code, in units"
    )
    off_A: float = Field(description="code 0, its axon spiking, anywhere in the window of the fits")
    rest_A: float = Field(description="the largest code, its axon silent, at V_0")


class Codes(BaseModel):
    """A synapse whose weight is a code: ``|code| <= 2**bits - 1``. The branches of its model are those of as many mean units as its largest code.

    A mean unit carries the mean over all codes of current against code, so that what the inverter at the source takes from large codes is
    shared by all. ``full_scale`` is the nominal weight of the largest code, at which columns were measured; ``lowest`` and ``highest`` are
    those at which banks were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    bits: Annotated[int, Field(ge=2, le=6)]
    full_scale: Annotated[float, Field(gt=0.0)]
    lowest: Annotated[float, Field(gt=0.0)]
    highest: Annotated[float, Field(gt=0.0)]
    positive: CodedBank
    negative: CodedBank

    @property
    def largest(self) -> int:
        """Code."""
        return int(2**self.bits - 1)

    def lambda_ratio(self, polarity: str, full_scale: float) -> float:
        """The factor on lambda in a layer of this full scale, ``positive`` or ``negative``; held outside of what was measured."""
        bank = {"positive": self.positive, "negative": self.negative}[polarity]
        held = min(max(full_scale, self.lowest), self.highest)
        return float(np.polynomial.polynomial.polyval(held, bank.lambda_ratio))

    def of_largest(self, weight: float, full_scale: float) -> float:
        """The current of a synapse of this weight in a layer of ``full_scale`` against that of the largest code of its sign."""
        code = round(abs(weight) / full_scale * self.largest)
        if code == 0:
            return 0.0
        ratio = self._ratio(weight, full_scale)
        return code * ratio[code - 1] / (self.largest * ratio[-1])

    def _ratio(self, weight: float, full_scale: float) -> list[float]:
        """Of each code from 1: its deviation goes with the current of a unit."""
        bank = self.positive if weight >= 0 else self.negative
        return [1 + (one - 1) * full_scale / self.full_scale for one in bank.current_ratio]
