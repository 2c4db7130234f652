"""The optimiser of the trainer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class FusedAdam(torch.optim.Adam):
    """PyTorch's fused Adam for parameters of any dense memory order.

    An RC-Spike layer keeps its weights axon by axon: ``weight`` is a transposed view. PyTorch's fused kernel on
    the CPU walks memory and expects parameter, gradient and averages to share one order: it copies a gradient
    that is not contiguous in vain, and a gradient of another order than its parameter's gives wrong weights.
    Here every parameter is stepped in the order of its memory; the numbers are those of contiguous parameters.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float = 1e-3) -> None:
        super().__init__(parameters, lr=lr, fused=True)

    def _init_group(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        exp_avgs: list[Tensor],
        exp_avg_sqs: list[Tensor],
        max_exp_avg_sqs: list[Tensor],
        state_steps: list[Tensor],
    ) -> bool:
        """PyTorch collects here what its kernel is given."""
        has_complex: bool = super()._init_group(
            group, params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps
        )
        for index, parameter in enumerate(params):
            strides = parameter.stride()
            order = sorted(range(parameter.ndim), key=strides.__getitem__, reverse=True)
            for name, averages in (("exp_avg", exp_avgs), ("exp_avg_sq", exp_avg_sqs)):
                if averages[index].stride() != strides:  # loaded from a file
                    averages[index] = torch.empty_like(parameter).copy_(averages[index])
                    self.state[parameter][name] = averages[index]
                averages[index] = averages[index].permute(order)
            params[index] = parameter.permute(order)
            grads[index] = grads[index].permute(order).contiguous()
        return has_complex
