"""What is told of a validation: the numbers of every mapping, as ``validation/summary.json`` holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nonideal.files.record import Record
from nonideal.postlayout.budget_summary import BudgetSummary

if TYPE_CHECKING:
    import pandas as pd

    from nonideal.postlayout.plan import ValidationPlan
    from nonideal.postlayout.scale import Scale


class ByLayer(Record):
    """One time (s) for all hidden layers and one for the output layer; None where no spike was compared."""

    hidden: float | None = None
    output: float | None = None


class CountByLayer(Record):
    """A count over all hidden layers, and over the output layer."""

    hidden: int | None = None
    output: int | None = None


class CurrentScale(Record):
    """The factors on positive and negative synaptic currents."""

    positive: float
    negative: float


class ScaleTrial(Record):
    """A factor on all currents that was tried in SPICE, and the RMSE (s) of the calibration samples with it."""

    factor: float
    rmse_s: float


class CutDifference(Record):
    """What cutting a network into columns moves: ``samples`` were simulated whole as well, and all their spikes compared."""

    samples: int
    rms_s: float | None = None
    max_s: float | None = None
    unpaired_spikes: int = 0


class MappingSummary(Record):
    """A mapping in SPICE against its model.

    Times in s, energy in J, accuracies as fractions of 1. Errors are SPICE minus model, over the spikes that both have (``spike_pairs``); the
    others are counted over all layers, ``missed_spikes`` (only the model has them) and ``extra_spikes`` (only SPICE). ``scale_search``: the
    factors that were tried on training samples. ``failed_samples``: samples without a result.
    """

    spike_time_rmse_s: ByLayer
    spike_time_rmse_used_outputs_s: float | None = None
    spike_time_max_error_s: ByLayer = ByLayer()
    spike_time_mean_error_s: ByLayer = ByLayer()
    spike_pairs: CountByLayer = CountByLayer()
    missed_spikes: int | None = None
    extra_spikes: int | None = None
    accuracy_model: float | None = None
    accuracy_spice: float | None = None
    current_scale: CurrentScale | None = None
    scale_search: tuple[ScaleTrial, ...] = ()
    clipped_weights: int | None = None
    energy_per_inference_J: float | None = None
    failed_samples: int | None = None
    vdis_V: float | None = None
    error_budget: BudgetSummary | None = None
    cut_error: CutDifference | None = None

    @property
    def unpaired_spikes(self) -> int | None:
        """Missed and extra spikes together."""
        missed, extra = self.missed_spikes, self.extra_spikes
        return None if missed is None or extra is None else missed + extra

    @property
    def line(self) -> str:
        """The numbers in a line."""

        def ns(value: float | None) -> str:
            return "none" if value is None else f"{1e9 * value:.2f} ns"

        rmse = self.spike_time_rmse_s
        return (
            f"RMSE hidden {ns(rmse.hidden)}, output {ns(rmse.output)}; missed {self.missed_spikes}, extra {self.extra_spikes}, "
            f"failed {self.failed_samples}"
        )


class OnSchematic(Record):
    """The same mapping on the schematic, where an extracted netlist was validated."""

    spike_time_rmse_s: ByLayer
    current_scale: CurrentScale | None = None


class DrawnSamples(Record):
    """The test samples that were simulated: places in the data set, true classes, and the names of all classes."""

    index: tuple[int, ...]
    label: tuple[int, ...]
    classes: tuple[str, ...]


class JudgedLimit(Record):
    """A limit that the experiment sets, in SI units, and what was measured."""

    parameter: str
    unit: str
    measured: int | float | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    passed: bool


class ValidationSummary(Record):
    """Networks in SPICE against their models, by mapping; None for what an older version did not record.

    ``samples`` test samples were simulated on ``netlist`` (``schematic``, ``pex-c``, ``pex-rc``) at process ``corner``; ``layers``: neurons by
    layer, the axons first; ``t_circ_s``: length of a phase. ``simulated``: ``whole`` or ``columns``.
    ``numerical_floor_s``: rms by which spike times move in a finer simulation.
    ``seconds_per_sample``: CPU time. ``silent_spread_s``: of neurons without input, on extracted netlists. ``seed``: of the training.
    """

    experiment: str | None = None
    samples: int
    test_samples: DrawnSamples | None = None
    netlist: str
    layers: tuple[int, ...] | None = None
    corner: str | None = None
    t_circ_s: float | None = None
    vdis_V: float | None = None
    silent_spread_s: float | None = None
    mappings: dict[str, MappingSummary]
    simulated: str | None = None
    numerical_floor_s: float | None = None
    seconds_per_sample: float | None = None
    failed_samples: int | None = None
    seed: int | None = None
    beside_schematic: dict[str, OnSchematic] | None = None
    spec: tuple[JudgedLimit, ...] | None = None
    passed: bool | None = None


def mapping_summary(
    table: pd.DataFrame, plan: ValidationPlan, scale: Scale | None, clipped: int | None, accuracy_model: float, accuracy_spice: float | None,
    energy: float | None, failed: int,
) -> MappingSummary:  # fmt: skip
    """The numbers of a mapping; None where there is none."""
    from nonideal.postlayout.comparison import statistics

    depth = plan.circuit.topology.depth
    parts = {"hidden": table[table["layer"] < depth], "output": table[table["layer"] == depth]}
    stats = {name: statistics(part) for name, part in parts.items()}
    # Outputs that stand for no class rest near the end of the phase, where errors are small: they flatter the output layer's figure.
    used = statistics(parts["output"][parts["output"]["neuron"] < plan.dataset.classes])
    number = _number_or_none
    return MappingSummary(
        spike_time_rmse_s=ByLayer(**{name: number(s.rmse_s) for name, s in stats.items()}),
        spike_time_rmse_used_outputs_s=number(used.rmse_s),
        spike_time_max_error_s=ByLayer(**{name: number(s.max_error_s) for name, s in stats.items()}),
        spike_time_mean_error_s=ByLayer(**{name: number(s.mean_error_s) for name, s in stats.items()}),
        spike_pairs=CountByLayer(**{name: s.pairs for name, s in stats.items()}),
        missed_spikes=sum(s.missed for s in stats.values()),
        extra_spikes=sum(s.extra for s in stats.values()),
        accuracy_model=accuracy_model,
        accuracy_spice=accuracy_spice,
        current_scale=None
        if scale is None
        else CurrentScale(positive=scale.positive, negative=scale.negative),
        scale_search=() if scale is None else tuple(ScaleTrial(factor=f, rmse_s=e) for f, e in scale.tried),
        clipped_weights=clipped,
        energy_per_inference_J=energy,
        failed_samples=failed,
    )


def _number_or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
