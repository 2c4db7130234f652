"""What training minimises (paper, sections 5 and 7)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor
from torch.nn import functional

from nonideal.pnn import checks
from nonideal.pnn.errors import BadParameter
from nonideal.pnn.rc_spike import Firing

_NO_LABEL = -(2**62)


class LossWeights(BaseModel):
    """Factors of the terms; the defaults are those of the hardware experiment (section 7).

    ``tau_soft``: softmax temperature of the output spike times, in T_circ; smaller separates classes by
    shorter times.
    ``temporal_penalty``: pulls the used outputs to ``t_ref``, so that all stay inside the phase.
    ``window``: pulls the true class's output into ``t_window``: after the phase an output decides nothing, and outputs that have passed
    threshold before they may fire do so together; cross-entropy sees neither. For training in conditions that slow the circuit down or
    speed it up.
    ``weight_norm``: sum of squared weights; small weights are small currents and keep v off the rails.
    ``early_spike``: sum of (t - 1)^2 over hidden and output neurons; fewer, later spikes and membranes near
    rest.
    ``rail``: sum of (t - t_rail)^2 over hidden and output neurons that come later than ``t_rail``. A membrane at the upper supply fires
    at 1.5 (sky130, v = -0.57), and a circuit holds it there, which the model does not know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tau_soft: float = Field(default=0.07, gt=0.0)
    temporal_penalty: float = Field(default=0.1, ge=0.0)
    t_ref: float = Field(default=0.9, ge=0.0)
    window: float = Field(default=0.0, ge=0.0)
    t_window: tuple[float, float] = (0.1, 0.9)
    weight_norm: float = Field(default=1e-2, ge=0.0)
    early_spike: float = Field(default=0.2, ge=0.0)
    rail: float = Field(default=0.0, ge=0.0)
    t_rail: float = Field(default=1.4, ge=0.0)

    @field_validator("t_window")
    @classmethod
    def _window_opens_first(cls, window: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 <= window[0] < window[1]:
            raise ValueError("give when the window opens and when it closes, as [0.1, 0.9]")
        return window

    @property
    def reads_hidden(self) -> bool:
        """Whether some term reads the spikes of hidden layers."""
        return self.early_spike > 0.0 or self.rail > 0.0


def first_to_fire(output_time: Tensor, label: Tensor, tau_soft: float) -> Tensor:
    """Cross-entropy of softmax(-t / tau): small when the true class fires first. output_time [B, classes],
    label [B], integers below the number of classes -> scalar. Raises ``DataError`` for a label that is no class, ``BadParameter`` for other shapes.
    """
    return _cross_entropy(output_time * (-1.0 / tau_soft), label, "mean")


def chip_loss(output_time: Tensor, label: Tensor, options: LossWeights) -> Tensor:
    """What decides how bad a chip is, ``first_to_fire`` and ``window``: output_time [B, chips, classes], label [B, chips] -> [chips]."""
    scores = output_time.flatten(0, 1) * (-1.0 / options.tau_soft)
    loss = _cross_entropy(scores, label.flatten(), "none").view(label.shape)
    if options.window > 0.0:
        loss = loss + options.window * _outside(output_time, label, options).square()
    return loss.mean(0)


def _cross_entropy(score: Tensor, label: Tensor, reduction: str) -> Tensor:
    """PyTorch's, without its ignored label, -100. What it refuses is looked at only then: a training step pays nothing."""
    try:
        return functional.cross_entropy(score, label, reduction=reduction, ignore_index=_NO_LABEL)
    except (TypeError, AttributeError, ValueError, IndexError, RuntimeError) as error:
        scores = checks.table(score, "output_time")
        label = checks.labels(label, "label", scores.shape[1], scores.shape[0])
        raise BadParameter(
            f"output_time {checks.shown(score)}, label {checks.shown(label)}: {error}; give floating point [B, classes] and int64 [B]"
        ) from error


def _outside(output_time: Tensor, label: Tensor, options: LossWeights) -> Tensor:
    """How far outside ``t_window`` the true class's output comes: output_time [..., classes], label [...] -> [...]."""
    first, last = options.t_window
    true = output_time.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    return (true - last).clamp(min=0.0) + (first - true).clamp(min=0.0)


def training_loss(
    firings: Sequence[Firing],
    label: Tensor,
    weights: Sequence[Tensor],
    options: LossWeights,
    classes: int,
    at_home: Sequence[Tensor] = (),
) -> Tensor:
    """The whole loss, a scalar: mean over the batch, sums over neurons.

    ``firings`` of all layers, ``label`` [B], ``weights`` of all layers; the first ``classes`` outputs are
    used. Spike times enter unclipped, so that a silent or saturated neuron still has a gradient. ``at_home``: per layer
    [B, N_out], unclipped times as the ramp of home gives them, for ``rail``, which means membranes: elsewhere a neuron at rest does
    not fire as the phase ends. Left out: those of ``firings``. Raises as ``first_to_fire``.
    """
    if not firings or not 1 <= classes <= firings[-1].unclipped.shape[1]:
        raise BadParameter(
            f"classes = {classes} of {firings[-1].unclipped.shape[1] if firings else 0} outputs: give 1 to all of the last layer's"
        )
    used = firings[-1].unclipped[:, :classes]
    loss = first_to_fire(used, label, options.tau_soft)
    batch = label.shape[0]
    if options.temporal_penalty > 0.0:
        loss = loss + options.temporal_penalty / batch * (used - options.t_ref).square().sum()
    if options.window > 0.0:
        loss = loss + options.window / batch * _outside(used, label, options).square().sum()
    if options.early_spike > 0.0:
        early = torch.cat([f.unclipped for f in firings], dim=1) - 1.0
        loss = loss + options.early_spike / batch * early.square().sum()
    if options.rail > 0.0:
        time = torch.cat(list(at_home) or [f.unclipped for f in firings], dim=1)
        loss = loss + options.rail / batch * (time - options.t_rail).clamp(min=0.0).square().sum()
    if options.weight_norm > 0.0:
        loss = loss + options.weight_norm * torch.stack([w.square().sum() for w in weights]).sum()
    return loss
