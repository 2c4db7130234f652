"""Names of what the trainer can be asked for."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

Variant: TypeAlias = Literal["ann", "pnn", "bottom_up"]
"""The paper's three networks: ``nonideal.pnn.variants``."""
Accelerator: TypeAlias = Literal["cpu", "cuda", "auto"]
"""What trains: ``nonideal.pnn.devices``."""
FEWEST_BITS: Final = 2
MOST_BITS: Final = 8
MOST_FULL_SCALE: Final = 1e6
Bits: TypeAlias = Annotated[int, Field(ge=FEWEST_BITS, le=MOST_BITS)]
"""Magnitude bits of a weight that is a code; its sign is one more: ``nonideal.pnn.codes``."""
FullScale: TypeAlias = (
    Literal["learned", "largest"] | Annotated[float, Field(gt=0.0, le=MOST_FULL_SCALE, allow_inf_nan=False)]
)
"""The weight of a layer's largest code: learned for each layer, always its largest weight, or this one for all."""
