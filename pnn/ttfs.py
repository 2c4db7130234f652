"""Time-to-first-spike neurons (paper, section 4): the sub-threshold equation without phases; a neuron fires once, when v reaches 1.

Inside an interval that starts at T with v, f, g the crossing is at ``T + (1/f) ln[(g - f v) / (g - f)]``, in the limit f -> 0 at
``T + (1 - v) / g``. Its gradient is that of the implicit equation v(t) = 1: ``dt = -dv / v'``, with ``v' = g - f`` held above
``least_slope``, so that a grazing crossing keeps a finite gradient. Times are computed up to a horizon; a neuron that has not fired
by then is silent, and its unclipped time continues as ``horizon (2 - v)``: later the further v is from the threshold.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from nonideal.pnn import checks
from nonideal.pnn.codes import Codes, keep_codes
from nonideal.pnn.conv import convolution_taps, unfold_spikes
from nonideal.pnn.dstd import DSTD
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.evaluation import check_shapes
from nonideal.pnn.exact import Exact, in_phase, phi
from nonideal.pnn.fused_ttfs import fused_ttfs
from nonideal.pnn.native import available
from nonideal.pnn.rc_spike import Method, known_method
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.spikes import FirstSpike, Spikes, heard

# Of v at a crossing, per horizon. A membrane that takes the whole horizon to the threshold has 1. Measured on MNIST: 0.05 makes rare
# gradients so large that Adam's steps shrink (loss after 469 steps 0.82, with 1 to 3: 0.66).
LEAST_SLOPE = 2.0


def first_spike_exact(
    spike_time: Tensor, weight: Tensor, conductance: Tensor, least_slope: float = LEAST_SLOPE
) -> Tensor:
    """Unclipped first spikes, event by event. spike_time [B, N_in] in horizons (1: silent), weight per horizon -> [B, N_out]."""
    check_shapes(spike_time, weight, conductance)
    t, order = torch.sort(in_phase(spike_time), dim=1)
    f = conductance.t()[order].cumsum(1)
    g = weight.t()[order].cumsum(1)
    ends = torch.cat((t[:, 1:], torch.ones_like(t[:, :1])), dim=1)
    search = _Search(t.shape[0], weight.shape[0], t)
    for k in range(t.shape[1]):
        search.interval(t[:, k : k + 1], ends[:, k : k + 1], f[:, k], g[:, k])
    return search.result(least_slope)


def first_spike_dstd(
    spike_time: Tensor,
    weight: Tensor,
    conductance: Tensor,
    edges: tuple[float, ...],
    least_slope: float = LEAST_SLOPE,
) -> Tensor:
    """Unclipped first spikes on the grid ``edges`` of [0, 1], arguments as in ``first_spike_exact``, plain PyTorch."""
    check_shapes(spike_time, weight, conductance)
    t = in_phase(spike_time)
    both = torch.cat((conductance, weight)).t()
    search = _Search(t.shape[0], weight.shape[0], t)
    for start, end in pairwise(edges):
        share = torch.where(t < start, 1.0, torch.where(t >= end, 0.0, (end - t) / (end - start)))
        f, g = (share @ both).chunk(2, dim=1)
        search.interval(t.new_full((1, 1), start), t.new_full((1, 1), end), f, g)
    return search.result(least_slope)


class _Search:
    """v from interval to interval, and the interval in which each neuron crosses."""

    def __init__(self, batch: int, neurons: int, like: Tensor) -> None:
        self.v = like.new_zeros(batch, neurons)
        self.fired = torch.zeros_like(self.v, dtype=torch.bool)
        self.at = (self.v,) * 5  # start, end, f, g and v of that interval

    def interval(self, start: Tensor, end: Tensor, f: Tensor, g: Tensor) -> None:
        h = end - start
        after = self.v * torch.exp(-f * h) + g * h * phi(f * h)
        now = (after >= 1.0) & ~self.fired
        values = (start.expand_as(after), end.expand_as(after), f, g, self.v)
        self.at = tuple(torch.where(now, new, old) for new, old in zip(values, self.at, strict=True))  # type: ignore[assignment]
        self.fired = self.fired | now
        self.v = after

    def result(self, least_slope: float) -> Tensor:
        start, end, f, g, v = self.at
        with torch.no_grad():
            slope = g - f
            linear = (1.0 - v) / slope.clamp(min=torch.finfo(v.dtype).tiny)
            y = f * linear
            curved = torch.where(
                y > 1e-6, torch.log1p(y) / torch.where(y > 1e-6, y, torch.ones_like(y)), torch.ones_like(y)
            )
            time = torch.minimum(start + linear * curved, end)
            time = torch.where(self.fired, time, start)
        into = time - start
        crossing = v * torch.exp(-f * into) + g * into * phi(f * into)
        time = time - (crossing - crossing.detach()) / slope.clamp(min=least_slope)
        return torch.where(self.fired, time, 2.0 - self.v)


def until_last_spike(edges: tuple[float, ...], spike_time: Tensor) -> tuple[float, ...]:
    """The grid with one interval after the last spike, where f and g are constant and one step is exact: the same result, sooner."""
    if torch.compiler.is_compiling():  # a graph does not depend on values
        return edges
    last = torch.where(spike_time < 1.0, spike_time, 0.0).max().item() if spike_time.numel() else 0.0
    return (*edges[: bisect_right(edges, last) + 1], 1.0) if last < edges[-2] else edges


def firing_promotion(spikes: Sequence[FirstSpike]) -> Tensor:
    """The third term of the loss (paper, section 5), without its factor: ``shortfall`` summed over all neurons, a mean over the batch.

    Example:

        spikes = nonideal.pnn.TTFSLinear(5, 3, nonideal.pnn.Reversal.ideal())(torch.rand(10, 5))
        loss = 8e-6 * nonideal.pnn.firing_promotion([spikes])
    """
    if not spikes or not all(isinstance(s, FirstSpike) for s in spikes):
        raise BadParameter(
            f"spikes is {checks.shown(spikes)}: give the FirstSpike of every TTFS layer; other neurons have no such term"
        )
    terms = [
        functional.relu(s.unclipped - s.horizon).sum() / (s.horizon * s.unclipped.shape[0]) for s in spikes
    ]
    return torch.stack(terms).sum()


def initial_bound(reversal: Reversal, inputs: int, layers: int, t_ref: float) -> float:
    """Upper end of the uniform initial weights: ``w_max / N``, ``w_max = -4 w* L^2 ln(1 - beta) / (beta t_ref^2)``, w* = 2."""
    beta = min(0.99, reversal.positive[0])
    curve = -math.log1p(-beta) / beta if beta > 0.0 else 1.0
    return 8.0 * layers**2 * curve / t_ref**2 / inputs


class _TTFS(nn.Module):
    """Options and initial weights that the linear and the convolutional layer share; ``weight`` is an axon's weights side by side."""

    def __init__(
        self,
        weight: Tensor,
        reversal: Reversal,
        method: Method | None,
        *,
        horizon: float,
        t_ref: float,
        layers: int,
        spread: float,
    ) -> None:
        super().__init__()
        checks.instance(reversal, "reversal", Reversal)
        horizon, t_ref = checks.number(horizon, "horizon"), checks.number(t_ref, "t_ref")
        layers, spread = checks.whole(layers, "layers", 1, 1000), checks.number(spread, "spread")
        inputs = weight[0].numel() if weight.shape[0] else 0
        if not (0.0 <= spread < math.inf):
            raise BadParameter(f"TTFS layer: spread = {spread} must be a finite number, 0 or more")
        if not (0.0 < t_ref < math.inf and 0.0 < horizon < math.inf) or layers < 1 or inputs < 1:
            raise BadParameter(
                f"TTFS layer: t_ref = {t_ref} and horizon = {horizon} must be positive, layers = {layers} and inputs = {inputs} at least 1"
            )
        self.reversal, self.horizon = reversal, horizon
        self.method: Method = known_method(method, DSTD(20))
        if isinstance(self.method, DSTD) and self.method.order != 2:
            raise BadParameter("TTFS layers have no third-order form: choose order 2")
        self.bound = initial_bound(reversal, inputs, layers, t_ref)
        self.sigma = spread * 0.5 * self.bound
        self.weight = nn.Parameter(weight)
        self.codes: Codes | None = None
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the weights, from ``generator`` if given: the paper's uniform ones, plus Gaussian ones of both signs."""
        with torch.no_grad():
            self.weight.uniform_(0.0, self.bound, generator=generator)
            if self.sigma > 0.0:
                self.weight.add_(torch.empty_like(self.weight).normal_(0.0, self.sigma, generator=generator))
        keep_codes(self)

    def first_spike(
        self, samples: Tensor, flat: Tensor, taps: Tensor | None, generator: torch.Generator | None
    ) -> FirstSpike:
        """samples [images, sources, inputs] (or rows, without taps), flat weight [taps * inputs, neurons]."""
        t, w = samples / self.horizon, flat * self.horizon
        if isinstance(self.method, DSTD) and available(t):
            c = self.reversal if self.reversal.is_constant else self.reversal.conductance(flat) * self.horizon
            extra = {} if taps is None else {"taps": taps}
            edges = until_last_spike(self.method.edges(generator), t)
            time = fused_ttfs(t.contiguous(), w.contiguous(), c, edges, LEAST_SLOPE, **extra)
            return FirstSpike(time * self.horizon, self.horizon)
        c = self.reversal.conductance(flat) * self.horizon
        rows = t.flatten(0, 1)
        if isinstance(self.method, Exact):
            time = first_spike_exact(rows, w.t(), c.t(), LEAST_SLOPE)
        else:
            time = first_spike_dstd(rows, w.t(), c.t(), self.method.edges(generator), LEAST_SLOPE)
        return FirstSpike((time * self.horizon).unflatten(0, t.shape[:2]), self.horizon)


class TTFSLinear(_TTFS):
    """A fully connected layer of TTFS neurons: ``weight`` [out_features, in_features].

    ``horizon``: latest time computed; choose it beyond the target time of the network's output. ``t_ref``, and ``layers`` of the
    whole network, set the size of the initial weights by the paper's formula; choose t_ref so that the outputs of the
    untrained network fire near their target. ``spread`` (0: the paper's) adds Gaussian weights of ``spread`` times the mean: 1.5 makes
    neurons differ; from about 2 on negative weights, which load the membrane, keep layers silent. Train with DSTD(10) to
    DSTD(20), test with 60 or exactly.

        layer = nonideal.pnn.TTFSLinear(5, 3, nonideal.pnn.Reversal.ideal())
        spikes = layer(torch.rand(10, 5))    # [10, 3], times in T_circ
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        reversal: Reversal,
        method: Method | None = None,
        *,
        horizon: float = 4.0,
        t_ref: float = 3.2,
        layers: int = 3,
        spread: float = 0.0,
    ) -> None:
        weight = torch.empty(checks.layer_sizes((in_features, out_features))).t()
        super().__init__(weight, reversal, method, horizon=horizon, t_ref=t_ref, layers=layers, spread=spread)

    def forward(self, spike_time: Tensor | Spikes, generator: torch.Generator | None = None) -> FirstSpike:
        """spike_time [B, in_features] (>= horizon: silent), or the spikes of another layer -> ``FirstSpike`` [B, out_features]."""
        axons = self.weight.shape[1]
        spike_time = heard(spike_time, self.horizon)
        spike_time = checks.layer_input(spike_time, self.weight, f"[B, {axons}]", axons)
        spikes = self.first_spike(spike_time.unsqueeze(1), self.weight.t(), None, generator)
        return FirstSpike(spikes.unclipped.squeeze(1), self.horizon)


class TTFSConv2d(_TTFS):
    """A convolution of TTFS neurons, stride 1, silent padding: ``weight`` [out_channels, in_channels, kernel, kernel].

    Example:

        layer = nonideal.pnn.TTFSConv2d(1, 8, 3, nonideal.pnn.Reversal.ideal())
        spikes = layer(torch.rand(2, 1, 8, 8))    # [2, 8, 6, 6], times in T_circ
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        reversal: Reversal,
        method: Method | None = None,
        *,
        padding: int = 0,
        horizon: float = 4.0,
        t_ref: float = 3.2,
        layers: int = 3,
        spread: float = 0.0,
    ) -> None:
        in_channels, out_channels, kernel, padding = checks.convolution(
            in_channels, out_channels, kernel, padding
        )
        weight = torch.empty(kernel, kernel, in_channels, out_channels).permute(3, 2, 0, 1)
        super().__init__(weight, reversal, method, horizon=horizon, t_ref=t_ref, layers=layers, spread=spread)
        self.kernel, self.padding = kernel, padding

    def forward(self, spike_time: Tensor | Spikes, generator: torch.Generator | None = None) -> FirstSpike:
        """spike_time [B, in_channels, H, W], or the spikes of another layer -> ``FirstSpike`` [B, out_channels, H + 2 padding - kernel + 1, ...]."""
        outputs, inputs = self.weight.shape[:2]
        spike_time = checks.layer_input(
            heard(spike_time, self.horizon), self.weight, f"[B, {inputs}, H, W]", inputs
        )
        batch, _, height, width = spike_time.shape
        grow = 2 * self.padding - self.kernel + 1
        if min(height, width) + grow < 1:
            raise BadParameter(f"an image of {height} x {width} is smaller than the kernel {self.kernel}")
        flat = self.weight.permute(2, 3, 1, 0).reshape(-1, outputs)
        if isinstance(self.method, DSTD) and available(spike_time):
            images = spike_time.permute(0, 2, 3, 1).reshape(batch, height * width, inputs)
            taps = convolution_taps(height, width, self.kernel, self.padding)
            spikes = self.first_spike(images, flat, taps, generator)
        else:
            patches = unfold_spikes(spike_time, self.kernel, self.padding, silent=2.0 * self.horizon)
            spikes = self.first_spike(patches.unsqueeze(0), flat, None, generator)
        time = spikes.unclipped.reshape(batch, height + grow, width + grow, outputs).permute(0, 3, 1, 2)
        return FirstSpike(time, self.horizon)
