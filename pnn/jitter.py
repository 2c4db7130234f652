"""A layer's measured noise as jitter of its spikes: the closed form by parts, and the short form that training draws from.

Between two spikes the membrane and the decay ``h(t)`` of a disturbance until the phase's end are exponentials, so that the variance of v(1),

    white:    sum_j integral over t from t_j to 1 of a_j (1 - m_j v(t)) h(t)^2
    flicker:  sum_j K_j W(1 - t_j) (integral of (1 - n_j v(t)) h(t) / (1 - t_j))^2

(``nonideal.characterize.jitter``) is a sum over sorted spikes. The firing stage divides by the ramp's slope and adds its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from nonideal.characterize.jitter import POWERS, LayerNoise, SynapseJitter, Window
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.exact import in_phase, phi
from nonideal.pnn.native import available, doubles, function
from nonideal.pnn.reversal import Reversal

PARTS = (
    "synapses_white_n", "synapses_white_p", "synapses_flicker_n", "synapses_flicker_p", "switches",
    "ramp_white", "ramp_flicker", "sensing_white", "sensing_flicker",
)  # fmt: skip
"""What the variance of a spike time is made of."""
FIRING = PARTS[5:]
"""Those of the firing stage."""
NODES = ((0.5 - math.sqrt(0.15), 5 / 18), (0.5, 8 / 18), (0.5 + math.sqrt(0.15), 5 / 18))
"""Gauss-Legendre within a segment, where all is smooth: exact to the fifth power of its length."""


def window(one: Window, x: Tensor) -> Tensor:
    """W(x), 0 for no time."""
    some = x > 0
    safe = torch.where(some, x, torch.ones_like(x))
    square = safe * safe
    found = torch.zeros_like(safe)
    for c in reversed(one.terms):
        found = (found - c) * square
    if one.lead:
        found = found + one.lead * safe**one.lead_power
    if one.log:
        found = found - one.log * square * torch.log(safe)
    return torch.where(some, found, torch.zeros_like(found))


def intensities(weight: Tensor, noise: LayerNoise) -> tuple[Tensor, Tensor]:
    """White and flicker intensity of every synapse, the shape of ``weight``; beyond the measured weights in proportion to current and its square."""
    size = weight.abs()
    root = torch.sqrt(size.clamp(1e-12, noise.highest))

    def of(name: str) -> Tensor:
        found = []
        for one in (noise.positive, noise.negative):
            value = torch.zeros_like(root)
            for c in reversed(getattr(one, name)):
                value = value * root + c
            found.append(value)
        return torch.where(weight < 0, found[1], found[0])

    return of("white") * size, of("flicker") * size * size


def membrane_variance(
    spike_time: Tensor, weight: Tensor, conductance: Tensor, noise: LayerNoise
) -> dict[str, Tensor]:
    """Variance of v(1) by part: spike_time [B, N_in], weight and conductance [N_out, N_in] -> [B, N_out] each. In units of V_th^2."""
    t, order = torch.sort(in_phase(spike_time), dim=1)
    span = torch.diff(t, dim=1, append=torch.ones_like(t[:, :1])).unsqueeze(2)
    f, g = conductance.t()[order].cumsum(1), weight.t()[order].cumsum(1)
    x = f * span
    after = torch.exp(x - x.flip(1).cumsum(1).flip(1))  # from a segment's end to the phase's
    v = torch.zeros_like(f[:, 0])
    starts = []
    for k in range(t.shape[1]):
        starts.append(v)
        v = v * torch.exp(-x[:, k]) + g[:, k] * span[:, k] * phi(x[:, k])
    start = torch.stack(starts, 1)
    white, flicker = (one.t()[order] for one in intensities(weight, noise))
    negative = weight.t()[order] < 0
    nothing = torch.zeros_like(white)
    found: dict[str, Tensor] = {}
    sides: list[tuple[str, SynapseJitter, Tensor]] = [
        ("n", noise.positive, ~negative),
        ("p", noise.negative, negative),
    ]
    held = [torch.zeros_like(f) for _ in range(2)]  # integrals of h and of v h over a segment
    intensity = {name: torch.where(mine, white, nothing).cumsum(1) for name, _, mine in sides}
    sums = {name: torch.zeros_like(v) for name, _, _ in sides}
    for at, share in NODES:
        elapsed = at * span
        there = start * torch.exp(-at * x) + g * elapsed * phi(at * x)
        decay = after * torch.exp((at - 1) * x)
        for name, side, _ in sides:
            part = intensity[name] * (1 - side.white_slope * there) * decay * decay
            sums[name] = sums[name] + (share * span * part).sum(1)
        held[0] = held[0] + share * span * decay
        held[1] = held[1] + share * span * decay * there
    for name, _, _ in sides:
        found[f"synapses_white_{name}"] = sums[name]
    left = (1 - t).unsqueeze(2)
    safe = torch.where(left > 0, left, torch.ones_like(left))
    whole, moved = (one.flip(1).cumsum(1).flip(1) for one in held)
    for name, side, mine in sides:
        amplitude = (whole - side.flicker_slope * moved) / safe
        part = torch.where(mine, flicker, nothing) * window(side.window, left) * amplitude**2
        found[f"synapses_flicker_{name}"] = part.sum(1)
    # What reset leaves decays as all else does.
    found["switches"] = noise.switched * torch.exp(-2 * x.sum(1))
    return found


def spike_variance(
    spike_time: Tensor, weight: Tensor, conductance: Tensor, fired: tuple[Tensor, Tensor], noise: LayerNoise
) -> dict[str, Tensor]:  # fmt: skip
    """Variance of the spike times by ``PARTS``, T_circ^2, [B, N_out]; ``fired``: v(1) and spike time of the undisturbed layer, [B, N_out].

    Where inputs jitter too, that comes on top, through the layer's derivatives. Of a silent neuron it is what its spike would have.
    """
    membrane = membrane_variance(spike_time, weight, conductance, noise)
    per_v = _per_v(fired[0], noise) ** 2
    return {name: value * per_v for name, value in membrane.items()} | _firing(fired[1], noise)


def _per_v(v: Tensor, noise: LayerNoise) -> Tensor:
    """|dt/dv| of the firing stage."""
    b = noise.discharge
    return -b / math.log1p(-b) / (1 - b * v)


def _firing(time: Tensor, noise: LayerNoise) -> dict[str, Tensor]:
    """Variance that the firing stage adds."""
    curvature = -math.log1p(-noise.discharge)
    x = (time - noise.ramp_white_delay).clamp(min=0.0)
    one = torch.ones_like(time)
    return {
        "ramp_white": noise.ramp_white * x * phi(curvature * x),
        "ramp_flicker": noise.ramp_flicker * window(noise.ramp_window, time - noise.ramp_flicker_delay),
        "sensing_white": noise.sense_white * one,
        "sensing_flicker": noise.sense_flicker * one,
    }


def total(parts: dict[str, Tensor], names: Sequence[str] = PARTS) -> Tensor:
    """The sum of some parts."""
    return torch.stack([parts[name] for name in names]).sum(0)


def layer_sigma(
    spike_time: Tensor, weight: Tensor, reversal: Reversal, fired: tuple[Tensor, Tensor], noise: LayerNoise
) -> Tensor:
    """``short_sigma`` without a gradient, by the native kernel where there is one: what training draws its jitter from."""
    with torch.no_grad():
        if not available(spike_time):
            return short_sigma(spike_time, weight, reversal.conductance(weight), fired, noise)
        t, w = spike_time.contiguous(), weight.t().contiguous()
        v, time = fired[0].contiguous(), fired[1].contiguous()
        out = torch.empty_like(v)
        inputs, outputs = w.shape
        function("jitter_sigma", t.dtype)(
            t.data_ptr(), w.data_ptr(), v.data_ptr(), time.data_ptr(), v.numel() // outputs, inputs, outputs,
            _law(noise, reversal), out.data_ptr(),
        )  # fmt: skip
        return out


BETAS, POINTS = 6, 1025
"""Coefficients of beta(|w|) that the kernel takes, and points of its tables."""
MEAN_V = 0.2
"""Where the membrane stands, about, while noise adds up."""
LATEST = 2.0
"""Spike times up to which the firing stage's part is tabulated: later ones are none."""


@lru_cache(maxsize=64)
def _law(noise: LayerNoise, reversal: Reversal) -> Any:
    """The numbers of the kernel's ``struct Law``."""

    def table(most: float, of: Callable[[Tensor], Tensor]) -> tuple[float, ...]:
        x = torch.linspace(0.0, most, POINTS, dtype=torch.float64)
        return ((POINTS - 1) / most, *of(x).tolist())

    def padded(values: Sequence[float], to: int) -> tuple[float, ...]:
        if len(values) > to:
            raise BadParameter(
                f"measured noise is known of polynomials of {to} coefficients, here are {len(values)}"
            )
        return (*values, *(0.0,) * (to - len(values)))

    values: list[float] = []
    for scaled, beta, limits in (
        (noise.positive, reversal.positive, reversal.positive_range),
        (_as_positive(noise), reversal.negative, reversal.negative_range),
    ):
        high = math.inf if limits[1] is None else limits[1]
        values += padded([c * (1 - scaled.white_slope * MEAN_V) for c in scaled.white], POWERS)
        values += padded([c * (1 - scaled.flicker_slope * MEAN_V) ** 2 for c in scaled.flicker], POWERS)
        values += (*padded(beta, BETAS), limits[0], high)
    values += table(1.0, lambda x: window(noise.positive.window, x))
    values += table(LATEST, lambda x: total(_firing(x, noise), FIRING))
    return doubles((*values, noise.highest, noise.switched, noise.discharge))


def _as_positive(noise: LayerNoise) -> SynapseJitter:
    """The negative polarity with the window of the positive one, alike over half of the phase."""
    half = torch.tensor(0.5, dtype=torch.float64)
    ratio = float(window(noise.negative.window, half) / window(noise.positive.window, half))
    return replace(noise.negative, flicker=tuple(ratio * c for c in noise.negative.flicker), window=noise.positive.window)  # fmt: skip


def short_sigma(
    spike_time: Tensor, weight: Tensor, conductance: Tensor, fired: tuple[Tensor, Tensor], noise: LayerNoise
) -> Tensor:
    """Standard deviation of the spike times, T_circ, [..., N_out], in the short form: sums over axons alone, as products of matrices.

    The membrane stands at ``MEAN_V`` in it, all flicker adds up as the positive polarity's, and a disturbance decays as where noise and decay
    rise together, which holds within 2 % on trained networks.
    """
    left = 1 - in_phase(spike_time)
    negative = weight < 0
    short = replace(noise, negative=_as_positive(noise))
    white, flicker = intensities(weight, short)
    sides = [
        (1 - one.white_slope * MEAN_V, (1 - one.flicker_slope * MEAN_V) ** 2)
        for one in (noise.positive, noise.negative)
    ]
    white = white * torch.where(negative, sides[1][0], sides[0][0])
    flicker = flicker * torch.where(negative, sides[1][1], sides[0][1])
    variance, decay = left @ white.t(), left @ conductance.t()
    variance = variance + window(noise.positive.window, left) @ flicker.t()
    variance = variance * phi(2 * decay) + noise.switched * torch.exp(-2 * decay)
    return torch.sqrt(variance * _per_v(fired[0], noise) ** 2 + total(_firing(fired[1], noise), FIRING))
