"""RC-Spike convolution and earliest-spike pooling."""

from __future__ import annotations

import math
from functools import cache
from typing import overload

import torch
from torch import Tensor, nn
from torch.nn import functional

from nonideal.characterize.jitter import LayerNoise
from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import checks
from nonideal.pnn.codes import Codes, keep_codes
from nonideal.pnn.discharger import Discharger
from nonideal.pnn.dstd import DSTD, membrane_dstd
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.exact import MOST_AXONS_A_CALL, Exact
from nonideal.pnn.fused_dstd import fused_dstd
from nonideal.pnn.jitter import layer_sigma
from nonideal.pnn.native import available
from nonideal.pnn.rc_spike import Method, columns_firing, known_method
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.spikes import Firing, FirstSpike, Spikes, earliest, heard
from nonideal.pnn.variation import LayerChips

SILENT = 2.0  # spike time of what lies outside the image
COLUMNS_A_CALL = 32  # the kernel looks for a column's spikes among those of all that share its call


class RCSpikeConv2d(nn.Module):
    """A convolution of RC-Spike neurons: every output pixel and channel is a neuron of kernel^2 x in_channels axons.

    Stride 1; ``padding`` pixels round the image are silent. ``weight`` [out_channels, in_channels, kernel, kernel], initialised
    as ``nn.Conv2d``. Native where the kernel is available (DSTD): each pixel's spikes are sorted into intervals once, not once per
    output pixel that sees them. Otherwise, and for exact evaluation, the image is unfolded.

    On a chip every neuron has a column of its own (``nonideal.pnn.layers.Columns``): a membrane is one neuron's, and all accumulate in the
    same phase. So the kernel is written once for each output pixel, and drawn chips (``on_chips``) shift every copy apart.

        layer = nonideal.pnn.RCSpikeConv2d.from_model(1, 8, 3, nonideal.preset("sky130_tt"))
        firing = layer(torch.rand(2, 1, 8, 8))    # spikes [2, 8, 6, 6], times in T_circ
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        reversal: Reversal,
        discharger: Discharger | None = None,
        method: Method | None = None,
        *,
        padding: int = 0,
    ) -> None:
        super().__init__()
        in_channels, out_channels, kernel, padding = checks.convolution(
            in_channels, out_channels, kernel, padding
        )
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel, self.padding = kernel, padding
        self.reversal = checks.instance(reversal, "reversal", Reversal)
        self.discharger = checks.instance(
            discharger if discharger is not None else Discharger(), "discharger", Discharger
        )
        self.method: Method = known_method(method, DSTD())
        # memory order [kernel, kernel, in, out]: an axon's weights side by side, as the native kernel reads them
        self.weight = nn.Parameter(torch.empty(kernel, kernel, in_channels, out_channels).permute(3, 2, 0, 1))
        self.codes: Codes | None = None
        self.reset_parameters()

    @classmethod
    def from_model(
        cls,
        in_channels: int,
        out_channels: int,
        kernel: int,
        model: PhysicalModel,
        method: Method | None = None,
        *,
        padding: int = 0,
    ) -> RCSpikeConv2d:
        """A layer of a circuit as it was measured: one reversal potential per sign, and the ramp of its firing phase (the variant ``pnn``)."""
        reversal, discharger = Reversal.from_model(model), Discharger.from_model(model)
        return cls(in_channels, out_channels, kernel, reversal, discharger, method, padding=padding)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights, from ``generator`` if given."""
        bound = 1.0 / math.sqrt(self.in_channels * self.kernel**2)
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
        keep_codes(self)

    def forward(self, spike_time: Tensor | Spikes, generator: torch.Generator | None = None) -> Firing:
        """spike_time [B, in_channels, H, W], or the spikes of another layer -> ``Firing`` [B, out_channels, H + 2 padding - kernel + 1, ...]."""
        form = f"[B, {self.in_channels}, H, W]"
        spike_time = checks.layer_input(heard(spike_time, 1.0), self.weight, form, self.in_channels)
        batch, _, height, width = spike_time.shape
        rows = self._rows(height, width)
        flat = self.flat()
        if isinstance(self.method, DSTD) and available(spike_time):
            edges, third = self.method.edges(generator), self.method.order == 3
            taps = convolution_taps(height, width, self.kernel, self.padding)
            images = (
                spike_time.permute(0, 2, 3, 1).reshape(batch, height * width, self.in_channels).contiguous()
            )
            v = fused_dstd(images, flat.contiguous(), self.reversal, edges, third, taps=taps)
        else:
            samples = unfold_spikes(spike_time, self.kernel, self.padding, silent=SILENT)
            if isinstance(self.method, Exact):
                v = self.method.membrane(samples, flat.t(), self.reversal)
            else:
                c = self.reversal.conductance(flat.t())
                v = membrane_dstd(samples, flat.t(), c, self.method.edges(generator), self.method.order == 3)
        v = v.reshape(batch, *rows, self.out_channels).permute(0, 3, 1, 2)
        return Firing(v, self.discharger.unclipped(v))

    def on_chips(
        self, spike_time: Tensor, chips: LayerChips, generator: torch.Generator | None = None
    ) -> Firing:
        """As ``forward`` on drawn chips: spike_time [B, chips, in_channels, H, W] -> ``Firing`` [B, chips, out_channels, ...].

        Raises ``BadParameter`` for chips of another number of output pixels.
        """
        checks.instance(chips, "chips", LayerChips)
        batch, count, _, height, width = spike_time.shape
        rows, flat = self._rows(height, width), self.flat()
        columns = count * rows[0] * rows[1]
        if chips.normal.shape != (columns, *flat.shape):
            raise BadParameter(
                f"chips have columns {list(chips.normal.shape)}; {count} chips of {rows[0]} x {rows[1]} output pixels are {[columns, *flat.shape]}"
            )
        axons = self.unfolded(spike_time.flatten(0, 1))[0].reshape(batch, columns, -1)
        most = max(1, min(COLUMNS_A_CALL, MOST_AXONS_A_CALL // axons.shape[2]))
        found = [
            columns_firing(t, flat.t(), some, self.method, self.reversal, self.discharger, generator)
            for t, some in zip(axons.split(most, 1), chips.apart(most), strict=True)
        ]
        v, time = (
            torch.cat(parts, 1).view(batch, count, *rows, -1).movedim(-1, 2)
            for parts in zip(*found, strict=True)
        )
        return Firing(v, time)

    @torch.no_grad()
    def sigma(self, spike_time: Tensor, fired: Firing, noise: LayerNoise) -> Tensor:
        """Standard deviation of every spike by measured noise, T_circ: of spike_time [..., in_channels, H, W], the shape of ``fired``."""
        axons = unfold_spikes(spike_time.flatten(0, -4), self.kernel, self.padding, silent=SILENT)
        membrane, time = (x.movedim(-3, -1) for x in fired)
        of_rows = (membrane.reshape(-1, self.out_channels), time.reshape(-1, self.out_channels))
        return (
            layer_sigma(axons, self.flat().t(), self.reversal, of_rows, noise)
            .view(time.shape)
            .movedim(-1, -3)
        )

    def _rows(self, height: int, width: int) -> tuple[int, int]:
        """Output pixels, down and across. Raises ``BadParameter`` where there are none."""
        grow = 2 * self.padding - self.kernel + 1
        if min(height, width) + grow < 1:
            raise BadParameter(f"an image of {height} x {width} is smaller than the kernel {self.kernel}")
        return height + grow, width + grow

    def unfolded(self, spike_time: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """What the columns of every output pixel hear, [B, pixels, taps * in_channels] of [B, in_channels, H, W]; pixels down and across."""
        rows = self._rows(*spike_time.shape[2:])
        axons = unfold_spikes(spike_time, self.kernel, self.padding, silent=SILENT)
        return axons.unflatten(0, (spike_time.shape[0], -1)), rows

    def flat(self) -> Tensor:
        """The kernel as a column has it, [taps * in_channels, out_channels]."""
        return self.weight.permute(2, 3, 1, 0).reshape(-1, self.out_channels)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel={self.kernel}, padding={self.padding}, "
            f"{self.reversal}, {self.discharger}, {self.method}"
        )


def unfold_spikes(spike_time: Tensor, kernel: int, padding: int, *, silent: float) -> Tensor:
    """One row of axons per output pixel, [B * rows, kernel^2 * channels], taps first; ``silent`` outside the image."""
    padded = functional.pad(spike_time, [padding] * 4, value=silent)
    patches = padded.unfold(2, kernel, 1).unfold(3, kernel, 1)  # [B, channels, H, W, kernel, kernel]
    return patches.permute(0, 2, 3, 4, 5, 1).reshape(-1, kernel**2 * spike_time.shape[1])


def convolution_taps(height: int, width: int, kernel: int, padding: int) -> Tensor:
    """For every output pixel the flat index of each tap's input pixel, -1 outside: [rows, kernel^2] int32."""
    made = (
        _taps if torch.compiler.is_compiling() else _kept_taps
    )  # a compiler sees through no cache, and warns
    return made(height, width, kernel, padding)


def _taps(height: int, width: int, kernel: int, padding: int) -> Tensor:
    pixels = torch.arange(height * width, dtype=torch.int32).reshape(height, width)
    padded = functional.pad(pixels, [padding] * 4, value=-1)
    return padded.unfold(0, kernel, 1).unfold(1, kernel, 1).reshape(-1, kernel * kernel).contiguous()


_kept_taps = cache(_taps)


class EarliestSpikePool2d(nn.Module):
    """Pooling that passes on the first spike of each ``size`` x ``size`` window, as a wired OR would; remainders are dropped.

    Example:

        times = nonideal.pnn.EarliestSpikePool2d(2)(torch.rand(1, 3, 8, 8))    # [1, 3, 4, 4] in T_circ
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = checks.whole(size, "pooling size", 1, 4096)

    @overload
    def forward(self, spike_time: Tensor) -> Tensor: ...

    @overload
    def forward(self, spike_time: Firing) -> Firing: ...

    @overload
    def forward(self, spike_time: FirstSpike) -> FirstSpike: ...

    def forward(self, spike_time: Tensor | Spikes) -> Tensor | Spikes:
        """[B, C, H, W] -> [B, C, H // size, W // size], a tensor of a tensor, spikes of spikes; the gradient goes to the spike that was first."""
        if not isinstance(spike_time, Tensor | Firing | FirstSpike):
            raise BadParameter(
                f"spike_time is {checks.shown(spike_time)}: give a tensor [B, C, H, W] or the spikes of a layer"
            )
        t = spike_time if isinstance(spike_time, Tensor) else spike_time.unclipped
        if t.ndim != 4 or min(t.shape[2:]) < self.size:
            raise BadParameter(
                f"need spike_time [B, C, H, W] of at least {self.size} x {self.size} pixels, got {list(t.shape)}"
            )
        return earliest(t, self.size) if isinstance(spike_time, Tensor) else spike_time.pooled(self.size)
