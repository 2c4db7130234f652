"""Names of what the trainer can be asked for."""

from __future__ import annotations

from typing import Literal, TypeAlias

Variant: TypeAlias = Literal["ann", "pnn", "bottom_up"]
"""The paper's three networks: ``nonideal.pnn.variants``."""
Accelerator: TypeAlias = Literal["cpu", "cuda", "auto"]
"""What trains: ``nonideal.pnn.devices``."""
