"""Bias tables, and silicon that has them: what `nonideal.circuits.network.mapping` asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Table:
    """A branch as `nonideal.circuits.network.mapping` asks for one."""

    ln_current: tuple[float, ...]
    bias_V: tuple[float, ...]
    off_bias_V: float

    @property
    def current_min_A(self) -> float:
        return float(np.exp(self.ln_current[0]))

    @property
    def current_max_A(self) -> float:
        return float(np.exp(self.ln_current[-1]))


@dataclass(frozen=True)
class Silicon:
    """A bias model whose unit current grows with the number of axons, by ``growth`` each."""

    positive: Table
    negative: Table
    unit_A: float = 1e-7
    growth: float = 0.01

    def unit_current_A(self, axons: int | None = None) -> float:
        return self.unit_A * (1 + self.growth * (5 if axons is None else axons))
