"""A layer's measured noise as jitter of its spikes: the closed form by parts, and the short form that training draws from.

Between two spikes the membrane and the decay ``h(t)`` of a disturbance until the phase's end are exponentials, so that the variance of v(1),

    white:    sum_j integral over t from t_j to 1 of a_j (1 - m_j v(t)) h(t)^2
    flicker:  sum_j K_j W(1 - t_j) (integral of (1 - n_j v(t)) h(t) / (1 - t_j))^2

(``nonideal.characterize.jitter``) is a sum over sorted spikes. The firing stage divides by the ramp's slope and adds its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nonideal.characterize.jitter import LayerNoise, SynapseJitter, Window
from nonideal.pnn.exact import in_phase, phi

PARTS = (
    "synapses_white_n", "synapses_white_p", "synapses_flicker_n", "synapses_flicker_p", "switches",
    "ramp_white", "ramp_flicker", "sensing_white", "sensing_flicker",
)  # fmt: skip
"""What the variance of a spike time is made of."""
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
    held = size.clamp(noise.lowest, noise.highest)
    ln, beyond = torch.log(held), size / held

    def of(name: str) -> Tensor:
        found = []
        for one in (noise.positive, noise.negative):
            value = torch.zeros_like(ln)
            for c in reversed(getattr(one, name)):
                value = value * ln + c
            found.append(value)
        return torch.exp(torch.where(weight < 0, found[1], found[0]))

    return of("white") * beyond, of("flicker") * beyond * beyond


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


def short_sigma(
    spike_time: Tensor, weight: Tensor, conductance: Tensor, fired: tuple[Tensor, Tensor], noise: LayerNoise
) -> Tensor:
    """Standard deviation of the spike times, T_circ, [..., N_out], in the short form: sums over axons alone, as products of matrices.

    The membrane stands at half of v(1) in it, and a disturbance decays as where noise and decay rise together, which holds to some per cent.
    """
    left = 1 - in_phase(spike_time)
    white, flicker = intensities(weight, noise)
    negative = weight < 0
    m = torch.where(negative, noise.negative.white_slope, noise.positive.white_slope).to(weight.dtype)
    n = torch.where(negative, noise.negative.flicker_slope, noise.positive.flicker_slope).to(weight.dtype)
    outputs = weight.shape[0]
    stacked = torch.cat([white, white * m, conductance]).t()
    level, slope, decay = (left @ stacked).split(outputs, -1)
    zero = torch.zeros_like(flicker)
    sides = [
        (noise.positive.window, torch.where(negative, zero, flicker)),
        (noise.negative.window, torch.where(negative, flicker, zero)),
    ]
    half = fired[0] / 2
    variance = level - half * slope
    for law, k in sides:
        level, slope = (window(law, left) @ torch.cat([k, k * n]).t()).split(outputs, -1)
        variance = variance + level - 2 * half * slope
    variance = variance.clamp(min=0.0) * phi(2 * decay) + noise.switched * torch.exp(-2 * decay)
    return torch.sqrt(variance * _per_v(fired[0], noise) ** 2 + total(_firing(fired[1], noise), PARTS[5:]))
