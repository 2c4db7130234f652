"""What the ways to evaluate a layer have in common: natively where the kernel is available, else in plain PyTorch."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from nonideal.pnn.checks import shown
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.native import available
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.wiring import Wiring


def check_shapes(spike_time: Tensor, weight: Tensor, conductance: Tensor) -> None:
    """Raise ``BadParameter`` unless the shapes are [B, N_in], [N_out, N_in], [N_out, N_in]."""
    if (
        not all(isinstance(x, Tensor) for x in (spike_time, weight, conductance))
        or spike_time.ndim != 2
        or weight.ndim != 2
        or spike_time.shape[1] != weight.shape[1]
        or weight.shape != conductance.shape
    ):
        raise BadParameter(
            "need spike_time [B, N_in], weight and conductance [N_out, N_in]; got "
            + ", ".join(
                str(tuple(x.shape)) if isinstance(x, Tensor) else shown(x)
                for x in (spike_time, weight, conductance)
            )
        )


class Evaluation(ABC):
    """A way to evaluate layers: spike_time [B, N_in], weight [N_out, N_in], and beta w, given or as a ``Reversal``."""

    __slots__ = ()

    def membrane(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor | Reversal,
        generator: torch.Generator | None = None,
        wiring: Wiring | None = None,
    ) -> Tensor:
        """v(1) [B, N_out]."""
        if _is_native(spike_time, conductance, wiring):
            check_shapes(spike_time, weight, weight)
            v = self._native(spike_time, weight, conductance, generator, wiring, None)[0]
            if wiring is None or not wiring.leaks:
                return v
            return v + wiring.leaked(spike_time, weight, _conductance(conductance, weight))
        conductance = _conductance(conductance, weight)
        if wiring is None:
            return self._plain(spike_time, weight, conductance, generator)
        arrival, charge = wiring.arrival(spike_time), wiring.charge(weight)
        v = wiring.coupled(self._plain(arrival, weight, conductance, generator, charge))
        return v if not wiring.leaks else v + wiring.leaked(spike_time, weight, conductance)

    def firing(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor | Reversal,
        discharger: Discharger,
        generator: torch.Generator | None = None,
        wiring: Wiring | None = None,
    ) -> tuple[Tensor, Tensor]:
        """v(1) as ``membrane``, and the unclipped spike time: natively in one pass, unless something leaks."""
        if _is_native(spike_time, conductance, wiring) and not (wiring is not None and wiring.leaks):
            check_shapes(spike_time, weight, weight)
            return self._native(spike_time, weight, conductance, generator, wiring, discharger.b)
        v = self.membrane(spike_time, weight, conductance, generator, wiring)
        time = discharger.unclipped(v)
        return v, time if wiring is None else wiring.left(time)

    @abstractmethod
    def chips_firing(
        self,
        spike_time: Tensor,
        weight: Tensor,
        reversal: Reversal,
        discharger: Discharger,
        generator: torch.Generator | None = None,
        wiring: Wiring | None = None,
    ) -> tuple[Tensor, Tensor]:
        """As ``firing``, natively for several chips in one call (ask ``share_a_call``): spike_time [B, chips, N_in], weight
        [chips, N_in, N_out] -> [B, chips, N_out].
        """

    @abstractmethod
    def _native(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor | Reversal,
        generator: torch.Generator | None,
        wiring: Wiring | None,
        ramp: float | None,
    ) -> tuple[Tensor, Tensor]:
        """The kernel: v(1), and with a ``ramp``, the discharger's b, the unclipped spike time."""

    @abstractmethod
    def _plain(
        self,
        spike_time: Tensor,
        weight: Tensor,
        conductance: Tensor,
        generator: torch.Generator | None,
        charge: Tensor | None = None,
    ) -> Tensor:
        """v(1) in plain PyTorch; ``charge`` is added per spike."""


def _conductance(given: Tensor | Reversal, weight: Tensor) -> Tensor:
    """beta w."""
    return given.conductance(weight) if isinstance(given, Reversal) else given


def _is_native(spike_time: Tensor, conductance: Tensor | Reversal, wiring: Wiring | None) -> bool:
    """Whether a kernel evaluates this layer: charges go with a ``Reversal`` only."""
    return available(spike_time) and (wiring is None or isinstance(conductance, Reversal))
