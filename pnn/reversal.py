"""Reversal potentials: how a synapse's current depends on the membrane potential.

A synapse of weight w drives ``dv/dt = w (1 - beta v)`` with ``beta = 1 / E_rev`` (paper, section 2). beta is
one constant per sign of w, or a polynomial of |w| where the silicon's output conductance depends on the
current.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.characterize.physics import Physics
from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter


@dataclass(frozen=True, slots=True)
class Reversal:
    """``beta(w) = sum_k c_k |w|^k``, one polynomial for w >= 0 and one for w < 0 (normalised: 1 / V_th).

    ``positive`` must give beta >= 0 and ``negative`` beta <= 0, so that the conductance ``beta(w) w`` is
    never negative. Outside
    ``positive_range`` / ``negative_range`` (smallest and largest |w| of the fit; None: no limit) beta keeps
    its value at the end of the range. Raises ``BadParameter`` where a polynomial has the wrong sign inside
    its range.

        reversal = nonideal.pnn.Reversal.constant(2.80, -1.53)    # E_rev of w >= 0 and of w < 0, in V_th
        beta = reversal.beta(torch.tensor([0.5, -0.5]))    # 0.357, -0.654
    """

    positive: tuple[float, ...]
    negative: tuple[float, ...]
    positive_range: tuple[float, float | None] = (0.0, None)
    negative_range: tuple[float, float | None] = (0.0, None)

    def __post_init__(self) -> None:
        for name, sign, coefficients, (low, high) in (
            ("positive", 1.0, self.positive, self.positive_range),
            ("negative", -1.0, self.negative, self.negative_range),
        ):
            if not coefficients or not all(math.isfinite(c) for c in coefficients):
                raise BadParameter(
                    f"reversal {name}: need at least one finite coefficient, got {coefficients}"
                )
            if len(coefficients) > 1 and high is None:
                raise BadParameter(
                    f"reversal {name}: a polynomial needs the largest |w| of its fit ({name}_range)"
                )
            top = low if high is None else high
            if not 0.0 <= low <= top:
                raise BadParameter(f"reversal {name}: range {low}..{high} of |w| is empty or negative")
            beta = np.polynomial.polynomial.polyval(np.linspace(low, top, 101), np.asarray(coefficients))
            if np.any(sign * beta < 0.0):
                raise BadParameter(
                    f"reversal {name}: beta is {beta[np.argmin(sign * beta)]:.4g} for |w| {low}..{high}, "
                    f"it must be {'>= 0' if sign > 0 else '<= 0'} for {name} weights"
                )

    @classmethod
    def constant(cls, e_positive: float, e_negative: float) -> Reversal:
        """One reversal potential per sign: ``e_positive > 0 > e_negative``; infinite ones give the ideal
        weighted sum.
        """
        try:
            right = e_positive > 0.0 > e_negative
        except TypeError:
            right = False
        if not right:
            raise BadParameter(
                f"need E_rev+ > 0 > E_rev-, got {checks.shown(e_positive)} and {checks.shown(e_negative)}"
            )
        return cls((1.0 / e_positive,), (1.0 / e_negative,))

    @classmethod
    def ideal(cls, e_rev: float = 100.0) -> Reversal:
        """The ANN: |E_rev| so large (the paper: 100; ``math.inf`` for exactly none) that v(1) is the weighted
        sum.
        """
        return cls.constant(e_rev, -e_rev)

    @classmethod
    def from_model(cls, model: PhysicalModel) -> Reversal:
        """The paper's physical network: one constant per sign, ``V_th lambda``."""
        checks.instance(model, "model", PhysicalModel)
        return cls((model.beta_positive,), (model.beta_negative,))

    @classmethod
    def current_dependent(cls, model: PhysicalModel) -> Reversal:
        """beta as characterised over the current: ``V_th`` times each branch's polynomial in |w|."""

        checks.instance(model, "model", PhysicalModel)

        def branch(b: Branch, sign: float) -> tuple[tuple[float, ...], tuple[float, float]]:
            unit = model.unit_current_A()
            coefficients = tuple(sign * model.v_th_V * c for c in b.lambda_polynomial_per_V)
            return coefficients, (b.current_min_A / unit, b.current_max_A / unit)

        positive, positive_range = branch(model.positive, 1.0)
        negative, negative_range = branch(model.negative, -1.0)
        return cls(positive, negative, positive_range, negative_range)

    @classmethod
    def of(cls, physics: Physics) -> Reversal:
        """beta as a layer's column has it."""
        return cls(
            physics.beta_positive, physics.beta_negative, physics.positive_range, physics.negative_range
        )

    @property
    def is_constant(self) -> bool:
        """Whether beta is one number per sign."""
        return len(self.positive) == 1 and len(self.negative) == 1

    def beta(self, weight: Tensor) -> Tensor:
        """beta(w), the shape of ``weight``."""
        size = weight.abs()
        return torch.where(
            weight >= 0.0,
            _polynomial(self.positive, size, self.positive_range),
            _polynomial(self.negative, size, self.negative_range),
        )

    def conductance(self, weight: Tensor) -> Tensor:
        """beta(w) w >= 0, the shape of ``weight``, differentiable."""
        if self.is_constant:
            positive, negative = self.positive[0], self.negative[0]
            return torch.where(weight >= 0.0, positive * weight, negative * weight)
        return self.beta(weight) * weight


def _polynomial(coefficients: tuple[float, ...], size: Tensor, limits: tuple[float, float | None]) -> Tensor:
    """Horner's rule on |w| held inside ``limits``."""
    x = size.clamp(limits[0], limits[1])
    value = torch.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value
