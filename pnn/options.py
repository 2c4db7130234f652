"""How to train: what a training's numbers depend on besides data and network."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nonideal.pnn.choices import Accelerator, Bits, FullScale
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.variation import Variation


class TrainingOptions(BaseModel):
    """How to train; the defaults are the paper's hardware experiment (section 7).

    The optimiser is Adam, its rate constant or falling as a half cosine over the epochs (``schedule``).
    ``seed`` draws weights, data order, grid offsets and noise. Every ``log_every`` epochs (and the last) a
    row of metrics is written; a checkpoint whenever ``checkpoint_every_s`` seconds have passed, at the end of
    an epoch (0: every epoch). ``firing_promotion`` is the factor of the term that makes silent TTFS neurons fire
    (paper, section 5: 8e-6). ``accelerator`` "auto" is CUDA where there is one; ``devices`` above 1 needs the
    extra ``devices`` (Lightning Fabric), every device takes its share of each batch. With ``variation`` every mini-batch
    sees drawn chips; what is written and evaluated is the undisturbed network all the same. With ``bits`` weights are codes of so many bits
    and a sign, of ``full_scale`` (``nonideal.pnn.codes``), in training and whenever the network is evaluated.

        options = nonideal.TrainingOptions(seed=1, epochs=200, learning_rate=5e-3, schedule="cosine")
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(default=0, ge=0, lt=2**63)
    epochs: int = Field(default=1000, ge=1, le=1_000_000_000)
    batch_size: int = Field(default=50, ge=1, le=2**31 - 1)
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    schedule: Literal["constant", "cosine"] = "constant"
    loss: LossWeights = LossWeights()
    firing_promotion: float = Field(default=0.0, ge=0.0)
    log_every: int = Field(default=10, ge=1, le=1_000_000_000)
    checkpoint_every_s: float = Field(default=5.0, ge=0.0)
    tensorboard: bool = True
    accelerator: Accelerator = "cpu"
    devices: int = Field(default=1, ge=1, le=1024)
    variation: Variation | None = None
    bits: Bits | None = None
    full_scale: FullScale = "learned"

    @model_validator(mode="after")
    def _full_scale_is_of_codes(self) -> TrainingOptions:
        if self.bits is None and "full_scale" in self.model_fields_set:
            raise ValueError(
                f"full_scale = {self.full_scale!r} is of weights that are codes: give bits, or leave it out"
            )
        return self
