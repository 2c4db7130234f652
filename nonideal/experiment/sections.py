"""The sections of an experiment file that belong to no other room."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nonideal.circuits.network.netlist import MAX_NEURONS
from nonideal.circuits.sidewall import DEFAULT as DEFAULT_SIDEWALL
from nonideal.circuits.sidewall import Sidewall
from nonideal.pnn.choices import Accelerator, FullScale, Variant
from nonideal.pnn.layers import Convolution, Layer, Pool, check_order, shapes
from nonideal.pnn.loss_weights import LossWeights
from nonideal.pnn.presets import preset_names
from nonideal.sky130_models.corner import Corner
from nonideal.spice.options import SimulatorOptions

if TYPE_CHECKING:
    from nonideal.characterize.shift import LayerShift
    from nonideal.characterize.variation import LayerVariation
    from nonideal.pnn.options import TrainingOptions
    from nonideal.pnn.rc_spike import Method

Offset = Annotated[float, Field(ge=-0.5, le=0.5)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Mapping = Literal["ann", "pnn", "bottom_up"]
MAPPINGS: tuple[str, ...] = get_args(Mapping)


class Section(BaseModel):
    """Base of all sections: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Process(Section):
    """The process: which corner of sky130."""

    corner: Corner = Corner.tt


class Extraction(Section):
    """How parasitics are extracted, of columns and networks alike: by which ``extractor`` (``--extractor`` goes before it), and ``sidewall`` as
    ``nonideal.circuits.sidewall`` explains it."""

    extractor: Literal["nonideal", "kpex", "magic"] = "nonideal"
    sidewall: Sidewall = DEFAULT_SIDEWALL


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


Temperature = Annotated[float, Field(ge=-40.0, le=125.0)]


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


class Netlist(Section):
    """Write-back: whether weights outside the realisable range are clipped (and counted), or refused."""

    clip: bool = False


class CurrentScale(Section):
    """Grid over which the factor on the synaptic currents is searched, before SPICE refines it."""

    low: Annotated[float, Field(gt=0.0, le=10.0)] = 0.6
    high: Annotated[float, Field(gt=0.0, le=10.0)] = 1.8
    step: Annotated[float, Field(ge=1e-4, le=1.0)] = 0.01

    @model_validator(mode="after")
    def _is_a_range(self) -> CurrentScale:
        if self.high < self.low:
            raise ValueError(f"low = {self.low} lies above high = {self.high}")
        return self


class Validation(Section):
    """What is simulated and compared.

    ``compare = "layout"`` asks whether the network works on its layout: ``mappings``, on the netlist asked for alone; beside ``bottom_up``
    nothing is fitted in SPICE. ``"paper"`` compares as the paper does: every variant that is trained, the schematic beside an extracted
    netlist, and current scales that are searched in SPICE, on ``calibration_samples`` training samples, never on test samples.
    """

    samples: Annotated[int, Field(ge=1, le=100_000)] = 50
    mappings: Annotated[tuple[Mapping, ...], Field(min_length=1)] = ("ann", "bottom_up")
    compare: Literal["layout", "paper"] = "layout"
    calibration_samples: Annotated[int, Field(ge=1, le=10_000)] = 10
    current_scale: CurrentScale = CurrentScale()
    simulate: Literal["columns", "whole"] = "columns"

    @field_validator("mappings")
    @classmethod
    def _no_repeats(cls, values: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
        if len(set(values)) != len(values):
            raise ValueError("a mapping stands there twice")
        return values


class Simulator(Section):
    """Numerical settings of ngspice, and the time limit of one run. Ranges: ``nonideal.spice.options``."""

    method: Literal["trap", "gear"] = "trap"
    reltol: float = SimulatorOptions().reltol
    abstol_A: float = SimulatorOptions().abstol_A
    vntol_V: float = SimulatorOptions().vntol_V
    chgtol_C: float = SimulatorOptions().chgtol_C
    gmin_S: float = SimulatorOptions().gmin_S
    max_step_s: float = SimulatorOptions().max_step_s
    bypass: bool = False
    timeout_s: Annotated[float, Field(gt=0.0, le=86_400.0)] = 120.0

    @model_validator(mode="after")
    def _in_range(self) -> Simulator:
        self.options(27.0)
        return self

    def options(self, temperature_C: float) -> SimulatorOptions:
        """As ``spice`` takes them; the temperature is the circuit's."""
        names = {f.name for f in fields(SimulatorOptions)}
        return SimulatorOptions(**self.model_dump(include=names), temperature_C=temperature_C)


class Explore(Section):
    """Design choices to rank: values by dotted key of [circuit], in all combinations; none: the built-in list.

    Keys joined by ``+`` take one value together. ``limit``: at most so many combinations. ``accuracy``: in every choice mismatch is measured and a
    network trained, which says how accurate it is under noise and on drawn chips.
    """

    accuracy: bool = False
    vary: dict[str, Annotated[tuple[float, ...], Field(min_length=1)]] = {}
    limit: Annotated[int, Field(ge=1, le=10_000)] = 64


class Conditions(Section):
    """At which corners and temperatures the circuit is characterised and a trained network tried; home is always among them.

    ``..._offsets_...``: by how much temperature or a supply is off, one at a time, all else as at home (None: ``nonideal.experiment.offsets``).
    ``mapping``: whose weights (None: bottom_up where it is trained, else pnn). ``track_sense``: V_sense is set anew in every
    condition. ``noise_draws`` of the circuit's own noise for each sample, where ``characterize.noise`` has it measured (0: none; else 2 or
    more). ``spice_samples`` are simulated in ``spice_conditions`` of them; there so many drawn chips too, untrimmed
    and with biases kept (``spice_chips``, the first is ``chips.first_chip``).
    """

    corners: Annotated[tuple[Corner, ...], Field(min_length=1)] = (
        Corner.tt,
        Corner.ff,
        Corner.ss,
        Corner.sf,
        Corner.fs,
    )
    temperatures_C: Annotated[tuple[Temperature, ...], Field(min_length=1)] = (
        -40.0,
        27.0,
        85.0,
        125.0,
    )
    temperature_offsets_C: tuple[Annotated[float, Field(ge=-165.0, le=165.0)], ...] | None = None
    vdd_offsets_V: tuple[Offset, ...] | None = None
    v0_offsets_V: tuple[Offset, ...] | None = None
    vsense_offsets_V: tuple[Offset, ...] | None = None
    mapping: Literal["pnn", "bottom_up"] | None = None
    track_sense: bool = True
    noise_draws: Annotated[int, Field(ge=0, le=1_000_000)] = 100
    spice_samples: Annotated[int, Field(ge=0, le=10_000)] = 3
    spice_conditions: Annotated[int, Field(ge=1, le=100)] = 3
    spice_chips: Annotated[int, Field(ge=0, le=1000)] = 0

    @field_validator("temperature_offsets_C", "vdd_offsets_V", "v0_offsets_V", "vsense_offsets_V")
    @classmethod
    def _offsets_are_others(cls, given: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if given is not None and (0.0 in given or len(set(given)) < len(given)):
            raise ValueError(
                "0 is home, which is always among the conditions, and each offset stands there once"
            )
        return given

    @field_validator("noise_draws")
    @classmethod
    def _draws_have_a_spread(cls, draws: int) -> int:
        if draws == 1:
            raise ValueError("one draw has no interval: give 2 or more, or 0 for none")
        return draws

    @model_validator(mode="after")
    def _chips_have_samples(self) -> Conditions:
        if self.spice_chips and not self.spice_samples:
            raise ValueError(
                "spice_chips asks for drawn chips in SPICE, spice_samples = 0 for no samples: set one or the other"
            )
        return self


class Noise(Section):
    """What of noise counts, and how it is witnessed.

    ``low_corner_Hz``: flicker that is slower is an offset, see ``nonideal.characterize.flicker``; for training too. ``mapping``: whose weights (None:
    bottom_up where it is trained, else pnn). ``draws`` of noise for every held-out sample say how accurate it is. ``column_runs``: noisy
    simulations of one column, ``network_runs``: of the whole network, one sample each.
    """

    low_corner_Hz: Annotated[float, Field(gt=0.0, le=1e9)] = 1.0
    mapping: Literal["pnn", "bottom_up"] | None = None
    draws: Annotated[int, Field(ge=10, le=1_000_000)] = 200
    column_runs: Annotated[int, Field(ge=0, le=100_000)] = 200
    network_runs: Annotated[int, Field(ge=0, le=100_000)] = 0
    seed: Seed = 20261


class MappingLimits(Section):
    """Limits on one mapping; a limit left out is not checked."""

    output_rmse_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    hidden_rmse_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    ann_ratio_min: Annotated[float, Field(gt=0.0)] | None = None
    accuracy_spice_min: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    accuracy_loss_max: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    missed_and_extra_spikes_max: Annotated[int, Field(ge=0)] | None = None


class Spec(MappingLimits):
    """Limits on the validation; a limit left out is not checked.

    They hold for every mapping but ``ann``, the reference that the others must beat by ``ann_ratio_min``; a mapping's own
    section overrides them. What they are held against: ``nonideal.runs.spec``.
    """

    numerical_floor_max_s: Annotated[float, Field(gt=0.0, le=1e-3)] | None = None
    pnn: MappingLimits = MappingLimits()
    bottom_up: MappingLimits = MappingLimits()
