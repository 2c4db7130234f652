"""What is told of drawn chips, as ``yield/summary.json`` and ``calibration/chip_<seed>/summary.json`` hold it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from nonideal.chips.spot_summary import SpotSummary
from nonideal.files.record import Record

Side: TypeAlias = Literal["as_written", "trimmed"]
SIDES: tuple[Side, Side] = ("as_written", "trimmed")
"""A chip before and after it was measured and written anew."""


class PopulationSummary(Record):
    """The share of ``chips`` chips that pass (``yield`` in files) with the ends of its interval at ``confidence``, and the accuracy over the
    chips that have one; ``typ``: the median chip's. ``accuracy_mean_half``: half of the 95 % interval of the mean over chips.
    ``off_nominal_rms_s``: output spikes without noise against the nominal chip's.
    """

    share: float = Field(alias="yield")
    passed: int | None = None
    chips: int | None = None
    low: float
    high: float
    confidence: float | None = None
    accuracy_min: float | None = None
    accuracy_typ: float | None = None
    accuracy_max: float | None = None
    accuracy_mean: float | None = None
    accuracy_mean_half: float | None = None
    off_nominal_rms_s: float | None = None


class Converter(Record):
    """``bits``: of the converters that set the biases."""

    bits: int


class TrimmedSummary(PopulationSummary, Converter):
    """A population that was trimmed by converters of so many bits."""


class DesignSummary(Record):
    """A design by what it costs and what it yields; where it could not be, ``problem`` says why and there are no numbers.

    ``hidden``: neurons of the first hidden layer. ``area_ratio``: relative to the experiment's own network. Sigmas of a synapse of weight 1
    and of a neuron. ``..._as_written``, ``..._trimmed``: as in ``PopulationSummary``.
    """

    name: str
    overrides: str | None = None
    hidden: int | None = None
    synapse_area_um2: float | None = None
    area_ratio: float | None = None
    sigma_ln_current_n: float | None = None
    sigma_ln_current_p: float | None = None
    sigma_ln_ramp: float | None = None
    sigma_threshold: float | None = None
    clipped: int | None = None
    nominal_accuracy: float | None = None
    yield_as_written: float | None = None
    passed_as_written: int | None = None
    chips_as_written: int | None = None
    low_as_written: float | None = None
    high_as_written: float | None = None
    confidence_as_written: float | None = None
    accuracy_min_as_written: float | None = None
    accuracy_typ_as_written: float | None = None
    accuracy_max_as_written: float | None = None
    accuracy_mean_as_written: float | None = None
    yield_trimmed: float | None = None
    passed_trimmed: int | None = None
    chips_trimmed: int | None = None
    low_trimmed: float | None = None
    high_trimmed: float | None = None
    confidence_trimmed: float | None = None
    accuracy_min_trimmed: float | None = None
    accuracy_typ_trimmed: float | None = None
    accuracy_max_trimmed: float | None = None
    accuracy_mean_trimmed: float | None = None
    problem: str | None = None

    def population(self, side: Side) -> PopulationSummary | None:
        """Its chips, as written or trimmed; None where it could not be."""
        own = {name.removesuffix(f"_{side}"): value for name, value in self if name.endswith(f"_{side}")}
        return None if own["yield"] is None else PopulationSummary.model_validate(own)


class YieldSummary(Record):
    """Chips ``first_chip``, ``first_chip + 1`` ... in the fast model, drawn into ``netlist``; good ones lose at most ``accuracy_loss_max`` of
    ``nominal_accuracy``. ``spice``: some of them in SPICE. ``designs``: compared by yield. ``noisy_as_written``, ``noisy_trimmed``: the same chips
    under so many ``noise_draws`` of the circuit's own noise for each sample; None where it was not measured.
    """

    corner: str
    netlist: str | None = None
    mapping: str
    chips: int
    first_chip: int
    samples: int
    nominal_accuracy: float
    accuracy_loss_max: float
    as_written: PopulationSummary
    trimmed: TrimmedSummary
    by_bits: tuple[TrimmedSummary, ...]
    noise_draws: int | None = None
    noisy_as_written: PopulationSummary | None = None
    noisy_trimmed: TrimmedSummary | None = None
    spice: SpotSummary | None = None
    designs: tuple[DesignSummary, ...] | None = None


class DacSummary(Record):
    """A converter: its range and its bits."""

    low_V: float
    high_V: float
    bits: int

    @property
    def step_V(self) -> float:
        """Between two codes."""
        return (self.high_V - self.low_V) / (2**self.bits - 1)


class ConverterSummary(Record):
    """Those of the N biases, the P biases and the dischargers' trims."""

    bias_n: DacSummary
    bias_p: DacSummary
    trim: DacSummary


class ChipCheck(Record):
    """A chip in SPICE: samples decided ``right``, those without a result; its output spikes off the nominal chip's, and off its own fast model."""

    right: int
    failed: int
    off_nominal_rms_s: float | None
    fast_model_rmse_s: float | None


class ChipChecks(Record):
    """Before and after trimming."""

    as_written: ChipCheck
    trimmed: ChipCheck


class CodesTrim(Record):
    """How a chip of codes was trimmed.

    Measured by ``inferences`` alone, of whose ``spikes`` it explains all but ``residual_s`` (rms). ``changed`` codes of all are others; all ramps
    became ``common_ratio`` times as fast; ``lines``: by layer and polarity, what a line's trim makes of a unit's current.
    """

    inferences: int
    spikes: int
    residual_s: float
    changed: int
    common_ratio: float
    lines: tuple[dict[str, float], ...]


class CalibrationSummary(Record):
    """What trimming a chip took and gave.

    ``codes``: of a chip of codes, which has no ``converters``, and whose currents are not measured; None for any other.

    ``open``: synapses outside the tolerance; ``gains_not_measured``: rows whose factor could not be measured; ``current_error_rms``: relative,
    None where no synapse is on; ``silent_norm``: when neurons without input fire, by layer, in T_circ, None for those that were not seen.
    ``seconds``: on a bench. ``bits``: that are kept.
    """

    converters: ConverterSummary | None
    codes: CodesTrim | None = None
    open: int
    gains_not_measured: int | None = None
    current_error_rms: float | None
    silent_norm: tuple[tuple[float | None, ...], ...]
    current_measurements: int
    time_measurements: int
    writes: int
    seconds: float
    bits: int
    chip: int
    netlist: str | None = None
    samples: int
    checks: ChipChecks
