"""The trainer's optimiser."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from nonideal.pnn.adam import FusedAdam

LAYOUTS = {
    "contiguous": lambda x: x.contiguous(),
    "transposed": lambda x: x.permute(2, 1, 0).contiguous().permute(2, 1, 0),
    "permuted": lambda x: x.permute(1, 2, 0).contiguous().permute(2, 0, 1),
}


def steps(optimiser: torch.optim.Optimizer, parameter: Tensor, layout: str, count: int = 4) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        parameter.grad = LAYOUTS[layout](torch.randn(parameter.shape, generator=generator))
        optimiser.step()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("gradient", LAYOUTS)
def test_memory_order_of_parameter_and_gradient_changes_nothing(layout: str, gradient: str) -> None:
    start = torch.randn(7, 5, 40, generator=torch.Generator().manual_seed(0))
    plain, ours = nn.Parameter(start.clone()), nn.Parameter(LAYOUTS[layout](start.clone()))
    steps(torch.optim.Adam([plain], lr=0.1, fused=False), plain, "contiguous")
    steps(FusedAdam([ours], lr=0.1), ours, gradient)
    assert ours.stride() == LAYOUTS[layout](start).stride()
    torch.testing.assert_close(ours, plain, atol=1e-6, rtol=0.0)


def test_averages_loaded_in_another_order_are_read_rightly() -> None:
    start = LAYOUTS["transposed"](torch.randn(3, 4, 20, generator=torch.Generator().manual_seed(0)))
    through, stopped = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    optimiser = FusedAdam([through])
    steps(optimiser, through, "transposed")
    steps(optimiser, through, "transposed")
    first = FusedAdam([stopped])
    steps(first, stopped, "transposed")
    state = copy.deepcopy(first.state_dict())
    state["state"][0] = {name: value.contiguous() for name, value in state["state"][0].items()}
    second = FusedAdam([stopped])
    second.load_state_dict(state)
    steps(second, stopped, "transposed")
    torch.testing.assert_close(stopped, through, atol=0.0, rtol=0.0)
