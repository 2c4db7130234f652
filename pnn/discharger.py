"""The firing phase: from the membrane potential v(1) to the output spike time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.native import first_derivatives, is_transformed


@dataclass(frozen=True, slots=True)
class Discharger:
    """A ramp that carries the membrane to threshold 1; ``b = V_th lambda_dis`` is its non-ideality (0: an
    ideal current source).

    ``t_out = [ln(1-b) - ln(1 - b v)] / ln(1-b)``, in the limit b -> 0 ``1 - v`` (paper, section 2): v = 1
    fires at t = 0, v = 0 at t = 1. Take b from the characterised model (``discharge_norm``, given as it is). Raises
    ``BadParameter`` unless -10 <= b < 1.

        times = nonideal.pnn.Discharger(0.155).spike_time(torch.tensor([0.0, 0.5, 1.0]))    # 1 (silent), 0.52, 0
    """

    b: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "b", checks.number(self.b, "discharger b"))
        if not (math.isfinite(self.b) and -10.0 <= self.b < 1.0):
            raise BadParameter(
                f"discharger b = {self.b}: V_th lambda_dis must lie in [-10, 1) (the circuit: about 0.155)"
            )

    @classmethod
    def from_model(cls, model: PhysicalModel) -> Discharger:
        """The ramp as it was measured: b = V_th lambda_dis."""
        return cls(checks.instance(model, "model", PhysicalModel).discharge_norm.value)

    def unclipped(self, v: Tensor) -> Tensor:
        """Spike time before the clip to the phase, any shape: strictly decreasing in v, finite with a
        gradient everywhere.

        Beyond half of the logarithm's argument at v = 1 the curve continues as its tangent, so that v >= 1/b
        stays defined.
        """
        if self.b == 0.0:
            return 1.0 - v
        if is_transformed():
            return _ramp(v, self.b)[0]
        return cast(Tensor, _Ramp.apply(v, self.b))  # type: ignore[no-untyped-call]

    def spike_time(self, v: Tensor) -> Tensor:
        """Spike time in [0, 1], 1 meaning silent; zero gradient where it is clipped."""
        return self.unclipped(v).clamp(0.0, 1.0)

    def membrane(self, t: Tensor) -> Tensor:
        """v(1) of a neuron that fires at ``t``, the same shape (the inverse of ``unclipped`` inside the phase)."""
        if self.b == 0.0:
            return 1.0 - t
        return -torch.expm1((1.0 - t) * math.log1p(-self.b)) / self.b

    def ramp(self, v: Tensor, since: Tensor) -> Tensor:
        """v, ``since`` T_circ into the firing phase, of a neuron that began it at ``v`` (shapes that go together): it rises to 1, where it fires."""
        if self.b == 0.0:
            return v + since
        return v + (1.0 - self.b * v) * -torch.expm1(since * math.log1p(-self.b)) / self.b


def _ramp(v: Tensor, b: float) -> tuple[Tensor, Tensor]:
    """The curve, beyond the floor its tangent; and -b v held at the floor."""
    floor, scale = 0.5 * min(1.0, 1.0 - b), -1.0 / math.log1p(-b)
    x = v * -b
    held = x.clamp(min=floor - 1.0)
    return (torch.log1p(held) + (x - held) / floor).mul_(scale).add_(1.0), held


class _Ramp(torch.autograd.Function):
    """``1 - ln(1 - b v) / ln(1 - b)``, one autograd node instead of a dozen."""

    @staticmethod
    def forward(ctx: Any, v: Tensor, b: float) -> Tensor:
        time, held = _ramp(v, b)
        ctx.save_for_backward(held)
        ctx.slope = -b * (-1.0 / math.log1p(-b))
        return time

    @staticmethod
    @first_derivatives
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (held,) = ctx.saved_tensors
        return grad * ctx.slope / (1.0 + held), None
