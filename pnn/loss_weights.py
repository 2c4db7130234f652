"""How much each term of the loss counts; the terms are in ``nonideal.pnn.loss``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


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

        options = nonideal.TrainingOptions(loss=nonideal.pnn.LossWeights(tau_soft=0.1, weight_norm=1e-3))
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
