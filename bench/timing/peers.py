"""Other packages' leaky integrate-and-fire neurons on the same sizes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from nonideal.pnn import DSTD
from timing.images import cycle
from timing.networks import SIZES, Spiking
from timing.plan import Plan
from timing.row import Row, compare
from timing.steps import training_step

STEPS = 10


def rows(plan: Plan) -> Iterator[Row]:
    """Those of the packages that import."""
    images = plan.images
    for title, build in PEERS.items():
        name = f"step batch 32 M 10 against {title}"
        if plan.wants(name) and (peer := build()) is not None:
            ours, reference = (
                training_step(m, cycle(images.x, images.y, 32)) for m in (Spiking(DSTD(10)), Peer(peer))
            )
            yield compare(
                name,
                ours,
                f"{title} LIF, {STEPS} steps",
                reference,
                max(5, plan.rounds // 4),
                note=images.note,
            )


class Peer(nn.Module):
    """The same sizes as leaky integrate-and-fire neurons on ``STEPS`` steps; an input spikes at its step."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, t: Tensor) -> Tensor:
        steps = torch.arange(STEPS).reshape(-1, 1, 1)
        spikes = ((t * STEPS).long() == steps).to(t.dtype)  # silent: step STEPS, never
        return -self.network(spikes).sum(0) / STEPS  # negated, as if it were a time


def peer_snntorch() -> nn.Module | None:
    """snnTorch, or None where it does not import."""
    try:
        import snntorch
    except ImportError:
        return None

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(SIZES))
            self.lif = nn.ModuleList(snntorch.Leaky(beta=0.9) for _ in self.linear)

        def forward(self, spikes: Tensor) -> Tensor:
            membranes = [lif.init_leaky() for lif in self.lif]
            out = []
            for x in spikes:
                for k, (linear, lif) in enumerate(zip(self.linear, self.lif, strict=True)):
                    x, membranes[k] = lif(linear(x), membranes[k])  # noqa: PLW2901
                out.append(x)
            return torch.stack(out)

    return Network()


def peer_norse() -> nn.Module | None:
    """norse, or None where it does not import."""
    try:
        import norse.torch as norse
    except ImportError:
        return None

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for a, b in pairwise(SIZES):
                layers += [nn.Linear(a, b), norse.LIFCell()]
            self.layers = norse.SequentialState(*layers)

        def forward(self, spikes: Tensor) -> Tensor:
            state, out = None, []
            for x in spikes:
                spike, state = self.layers(x, state)
                out.append(spike)
            return torch.stack(out)

    return Network()


def peer_spikingjelly() -> nn.Module | None:
    """SpikingJelly, all steps of a layer at once, or None where it does not import."""
    try:
        from spikingjelly.activation_based import functional as jelly
        from spikingjelly.activation_based import layer, neuron
    except ImportError:
        return None

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers: list[nn.Module] = []
            for a, b in pairwise(SIZES):
                layers += [layer.Linear(a, b), neuron.LIFNode()]
            self.layers = nn.Sequential(*layers)
            jelly.set_step_mode(self.layers, "m")

        def forward(self, spikes: Tensor) -> Tensor:
            jelly.reset_net(self.layers)
            return self.layers(spikes)  # type: ignore[no-any-return]

    return Network()


PEERS = {"snnTorch": peer_snntorch, "norse": peer_norse, "SpikingJelly": peer_spikingjelly}
