"""What is told of the circuit's noise, as ``noise/summary.json`` holds it."""

from __future__ import annotations

from nonideal.files.record import Record


class LayerJitterSummary(Record):
    """A layer (1: the first that fires) over the held-out samples: its spikes, their standard deviations, and the rms of each part over them."""

    layer: int
    spikes: int
    min_s: float | None
    typ_s: float | None
    max_s: float | None
    rms_s: float | None
    parts_s: dict[str, float]


class CornerJitter(Record):
    """Jitter of the last layer's spikes, rms, with flicker from another low corner on."""

    low_corner_Hz: float
    output_rms_s: float | None


class NoisyNeuron(Record):
    """One neuron over noisy simulations, beside the closed form.

    A standard deviation of so many runs has the error ``sigma_stderr_s``; skewness and excess kurtosis are 0 for a normal distribution, with
    the standard errors that follow.
    """

    layer: int
    neuron: int
    runs: int
    quiet_s: float
    mean_s: float
    sigma_s: float
    sigma_stderr_s: float
    closed_form_s: float
    skewness: float
    skewness_stderr: float
    excess_kurtosis: float
    kurtosis_stderr: float


class NoisyAccuracy(Record):
    """Accuracy on the held-out samples without noise, and its mean over draws of noise: ``low`` to ``high`` is the 95 % interval of that mean
    on these samples, ``samples_low`` to ``samples_high`` (Wilson) what other samples of as many may give.
    """

    quiet: float
    mean: float
    draws: int
    low: float
    high: float
    samples_low: float
    samples_high: float


class NoiseSummary(Record):
    """Noise of the network of ``mapping`` on ``netlist``. ``column`` and ``network``: noisy simulations of held-out sample ``sample``, of one
    hidden neuron by itself and of the whole. ``shot_ratio``: white noise of weight 1
    beside 2 q I; ``silent_part``: a silent synapse's beside weight 1's.
    """

    mapping: str
    netlist: str = "schematic"
    samples: int
    sample: int
    low_corner_Hz: float
    seed: int
    layers: tuple[LayerJitterSummary, ...]
    corners: tuple[CornerJitter, ...]
    accuracy: NoisyAccuracy
    column: tuple[NoisyNeuron, ...]
    network: tuple[NoisyNeuron, ...]
    shot_ratio_N: float
    shot_ratio_P: float
    silent_part: float
