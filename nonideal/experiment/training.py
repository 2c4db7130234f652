"""What an experiment trains: its network, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from nonideal.circuits.network.netlist import MAX_NEURONS
from nonideal.experiment.sections import Section, Seed, Temperature
from nonideal.pnn.choices import Accelerator, FullScale, Variant
from nonideal.pnn.layers import Convolution, Layer, Pool, check_order, shapes
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.presets import preset_names
from nonideal.sky130_models.corner import Corner

if TYPE_CHECKING:
    from nonideal.characterize.shift import LayerShift
    from nonideal.characterize.variation import LayerVariation
    from nonideal.pnn.options import TrainingOptions
    from nonideal.pnn.rc_spike import Method


class Network(Section):
    """A network beyond fully connected RC-Spike layers; it is trained, but there is no circuit for it.

    ``layers`` follow the input, which the data set gives: numbers of neurons, ``{ conv = channels }``, ``{ pool = size }``.
    ``horizon_norm``, and ``initial_t_ref_norm`` and ``spread``, which set the initial weights: of TTFS neurons, see ``nonideal.pnn.ttfs``.
    """

    neuron: Literal["rc_spike", "ttfs"] = "rc_spike"
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)]
    horizon_norm: Annotated[float, Field(gt=0.0, le=1000.0)] = 3.0
    initial_t_ref_norm: Annotated[float, Field(gt=0.0, le=1000.0)] = 3.6
    spread: Annotated[float, Field(ge=0.0, le=10.0)] = 1.5

    def check_image(self, shape: tuple[int, ...]) -> None:
        """Raise ``ValueError`` unless the layers fit an input of this shape."""
        shapes(shape, self.layers)

    @property
    def needs_image(self) -> bool:
        """Whether some layer has a place in an image."""
        return any(isinstance(layer, Convolution | Pool) for layer in self.layers)


class TrainingVariation(Section):
    """Training on drawn chips, with the spread that characterisation measured, in these conditions; see ``nonideal.pnn.variation``.

    ``scale`` multiplies every standard deviation: what calibration leaves, or more than 1 for worse chips than are built; 0 for
    conditions without mismatch. ``corners`` x ``temperatures_C``, biases kept as they are at home, which is always among them; where
    only one of the two is given the other is home's.
    """

    chips: Annotated[int, Field(ge=1, le=4096)] = 8
    tail: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    scale: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    corners: tuple[Corner, ...] = ()
    temperatures_C: tuple[Temperature, ...] = ()

    @field_validator("corners", "temperatures_C")
    @classmethod
    def _no_repeats(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) != len(values):
            raise ValueError("an entry stands there twice")
        return values

    @model_validator(mode="after")
    def _varies(self) -> TrainingVariation:
        if self.scale == 0.0 and not self.has_conditions:
            raise ValueError(
                "scale = 0 and no conditions: nothing varies; give temperatures_C or corners, or leave [training.variation] out"
            )
        return self

    @property
    def has_conditions(self) -> bool:
        """Whether corners or temperatures are given."""
        return bool(self.corners or self.temperatures_C)


class Training(Section):
    """What is trained, on which seeds, and how.

    ``layers`` are fully connected RC-Spike layers; ``network`` takes their place for any other network.
    The first seed goes to silicon; the others say how much the draw matters. ``full_scale``: of the codes of a coded synapse, see
    ``nonideal.pnn.codes``.
    """

    layers: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_NEURONS)], ...], Field(min_length=2)] = (
        5,
        5,
        5,
    )
    network: Network | None = None
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)] = ("ann", "pnn", "bottom_up")
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (1, 2, 3, 4, 5)
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    batch_size: Annotated[int, Field(ge=1, le=2**31 - 1)] = 50
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    preset: str | None = None
    method: Literal["exact", "dstd"] = "exact"
    dstd_steps: Annotated[int, Field(ge=1, le=1000)] = 10
    dstd_random_offset: bool = True
    dstd_order: Literal[2, 3] = 2
    spike_noise: Literal["constant", "measured"] = "constant"
    spike_noise_norm: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    loss: LossWeights = LossWeights()
    firing_promotion: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    variation: TrainingVariation | None = None
    full_scale: FullScale = "learned"
    accelerator: Accelerator = "cpu"
    devices: Annotated[int, Field(ge=1, le=1024)] = 1
    log_every_epochs: Annotated[int, Field(ge=1, le=1_000_000_000)] = 10
    checkpoint_every_s: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 5.0
    tensorboard: bool = True

    @field_validator("variants", "seeds")
    @classmethod
    def _no_repeats(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        if len(set(values)) != len(values):
            raise ValueError("an entry stands there twice")
        return values

    @field_validator("preset")
    @classmethod
    def _preset_is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in preset_names():
            raise ValueError(
                f"no such physical model ships with the package; there are {', '.join(preset_names())}"
            )
        return name

    @model_validator(mode="after")
    def _network_fits(self) -> Training:
        if self.network is not None and "layers" in self.model_fields_set:
            raise ValueError("layers and [training.network] exclude each other: give one of them")
        if self.preset is not None and self.variation is not None and self.variation.has_conditions:
            raise ValueError(
                f"[training.variation] has conditions, which the preset {self.preset} does not know: leave training.preset out"
            )
        if self.spike_noise == "measured" and self.spike_noise_norm:
            raise ValueError(
                f'spike_noise = "measured" takes the place of spike_noise_norm = {self.spike_noise_norm:g}: leave one of them out'
            )
        ttfs = self.network is not None and self.network.neuron == "ttfs"
        if ttfs and self.spike_noise == "measured":
            raise ValueError(
                'spike_noise = "measured" is of RC-Spike neurons, of a membrane at the end of its phase and of the ramp that follows; '
                "network.neuron = 'ttfs' has neither: give spike_noise_norm"
            )
        if ttfs and self.variation is not None:
            raise ValueError(
                "[training.variation] is for RC-Spike neurons: the threshold that was measured is where a ramp and its sensing stage fire, which "
                "network.neuron = 'ttfs' does not have; leave the section out"
            )
        if self.firing_promotion > 0.0 and not ttfs:
            raise ValueError("firing_promotion is for network.neuron = 'ttfs': set it to 0, or leave it out")
        if ttfs:
            check_order("ttfs", self.dstd_order if self.method == "dstd" else None)
        return self

    def evaluation(self) -> Method:
        """How layers are evaluated while training."""
        from nonideal.pnn.dstd import DSTD
        from nonideal.pnn.exact import Exact

        return (
            Exact()
            if self.method == "exact"
            else DSTD(self.dstd_steps, random_offset=self.dstd_random_offset, order=self.dstd_order)
        )

    def options(
        self,
        seed: int,
        spread: tuple[LayerVariation, ...] = (),
        conditions: tuple[tuple[LayerShift, ...], ...] = (),
        bits: int | None = None,
    ) -> TrainingOptions:
        """The trainer's options for one seed; ``spread`` of every layer is needed with ``variation``, so are its ``conditions``.

        ``bits``: of the codes that the circuit's synapses hold; None: they are analog.
        """
        from nonideal.pnn.options import TrainingOptions
        from nonideal.pnn.variation import Variation

        drawn = None
        if self.variation is not None:
            asked = self.variation.model_dump(include={"chips", "tail", "scale"})
            drawn = Variation(layers=spread, conditions=conditions, **asked)
        coded: dict[str, Any] = {} if bits is None else {"bits": bits, "full_scale": self.full_scale}
        return TrainingOptions(
            seed=seed,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            loss=self.loss,
            firing_promotion=self.firing_promotion,
            variation=drawn,
            accelerator=self.accelerator,
            devices=self.devices,
            log_every=self.log_every_epochs,
            checkpoint_every_s=self.checkpoint_every_s,
            tensorboard=self.tensorboard,
            **coded,
        )
