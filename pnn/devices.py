"""On what a training runs: one device with plain PyTorch, several through Lightning Fabric.

With several devices each process takes its share of every batch and gradients are averaged (DDP), so that the
batch size and the data order are those of one device. Random numbers come from generators on the CPU,
whatever the device.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from nonideal.pnn.choices import Accelerator
from nonideal.pnn.errors import BadParameter, PnnError
from nonideal.pnn.native import kernel_name


def choose_device(accelerator: Accelerator, devices: int, batch: int) -> torch.device:
    """The device that ``accelerator`` names (``auto``: CUDA where there is one).

    Raises ``BadParameter`` where this machine or installation cannot train on ``devices`` of them with batches of
    ``batch`` samples.
    """
    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if accelerator == "cuda" and seen == 0:
        raise BadParameter(
            f"accelerator = 'cuda', but PyTorch {torch.__version__} sees no CUDA device: choose 'cpu' or 'auto', "
            "or install a CUDA build of PyTorch and its driver"
        )
    device = torch.device("cpu" if accelerator == "cpu" or seen == 0 else "cuda")
    if device.type == "cuda" and devices > seen:
        raise BadParameter(
            f"devices = {devices}, but PyTorch sees {seen} CUDA device(s): choose at most {seen}"
        )
    if devices > batch:
        raise BadParameter(
            f"devices = {devices} cannot share a batch of {batch} samples: choose at most {batch}, or larger batches"
        )
    if devices > 1 and find_spec("lightning_fabric") is None:
        raise BadParameter(
            f"devices = {devices} needs Lightning Fabric: pip install 'nonideal[devices]', or choose devices = 1"
        )
    return device


class Engine:
    """What the training loop asks of its device; here the only process on one device."""

    rank = 0

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def kernel_name(self) -> str:
        """The form of the layers that runs there."""
        return kernel_name() if self.device.type == "cpu" else f"PyTorch on {self.device}"

    def prepare(
        self, network: nn.Module, optimiser: torch.optim.Optimizer
    ) -> tuple[Callable[..., Any], torch.optim.Optimizer]:
        """Forward and optimiser of a network that is already on the device."""
        return network, optimiser

    def share(self, batch: Tensor) -> tuple[Tensor, float]:
        """This process's samples of a batch, and the factor of its loss: factors average to 1."""
        return batch, 1.0

    def noise(self, generator: torch.Generator) -> torch.Generator:
        """The source of one epoch's noise and grid offsets."""
        return generator

    def backward(self, loss: Tensor) -> None:
        """Gradients, averaged over processes."""
        loss.backward()

    def mean(self, value: Tensor) -> Tensor:
        """Mean over processes; NaN if one is."""
        return value

    def total(self, value: Tensor) -> Tensor:
        """Sum over processes."""
        return value


class FabricEngine(Engine):
    """One of several processes."""

    def __init__(self, fabric: Any) -> None:
        super().__init__(fabric.device)
        self.fabric = fabric
        self.rank = fabric.global_rank
        self.processes = fabric.world_size

    def kernel_name(self) -> str:
        """Also how many."""
        return f"{super().kernel_name()}, {self.processes} processes"

    def prepare(
        self, network: nn.Module, optimiser: torch.optim.Optimizer
    ) -> tuple[Callable[..., Any], torch.optim.Optimizer]:
        """Wrapped for DDP."""
        forward, stepping = self.fabric.setup(network, optimiser)
        return forward, stepping

    def share(self, batch: Tensor) -> tuple[Tensor, float]:
        """Every n-th sample. A process that the last batch leaves without one repeats the first, with factor 0."""
        mine = batch[self.rank :: self.processes]
        factor = mine.shape[0] * self.processes / batch.shape[0]
        return (mine, factor) if mine.shape[0] else (batch[:1], 0.0)

    def noise(self, generator: torch.Generator) -> torch.Generator:
        """A stream of its own per process and epoch; ``generator`` only draws the data order, the same everywhere."""
        seed = int(torch.randint(2**62, (), generator=generator.clone_state()))
        return torch.Generator().manual_seed(seed + self.rank)

    def backward(self, loss: Tensor) -> None:
        """Through Fabric."""
        self.fabric.backward(loss)

    def mean(self, value: Tensor) -> Tensor:
        """Over all processes."""
        return self.fabric.all_reduce(value.to(self.device, copy=True), reduce_op="mean")  # type: ignore[no-any-return]

    def total(self, value: Tensor) -> Tensor:
        """Over all processes."""
        return self.fabric.all_reduce(value.to(self.device, copy=True), reduce_op="sum")  # type: ignore[no-any-return]


def launch(device: torch.device, devices: int, work: Callable[..., object], *arguments: object) -> None:
    """Run ``work(engine, *arguments)`` in ``devices`` new processes; raises what ``work`` raised.

    Processes are spawned: a script that trains on several devices needs ``if __name__ == "__main__":``.
    """
    from lightning_fabric import Fabric  # type: ignore[import-not-found]

    fabric = Fabric(accelerator=device.type, devices=devices, strategy="ddp_spawn")
    error = fabric.launch(partial(_in_process, torch.get_num_threads(), work, arguments))
    if error is not None:
        raise error


def _in_process(
    threads: int, work: Callable[..., object], arguments: tuple[object, ...], fabric: Any
) -> PnnError | None:
    torch.set_num_threads(threads)
    try:
        work(FabricEngine(fabric), *arguments)
    except PnnError as error:  # all processes raise it in the same place
        return error
    return None
