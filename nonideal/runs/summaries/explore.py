"""What is told of ranked design choices."""

from __future__ import annotations

from nonideal.files.record import Record


class ChoiceSummary(Record):
    """A choice as ``explore/table.csv`` has it: what is changed, what came of it (None where it was refused), and how it ranks.

    ``check_rms_s``: spike times of random patterns, SPICE against the column's own model; ``simple_rms_s``: against one slope of current for
    each sign; ``jitter_s`` of those spikes, and accuracies of a trained network under noise, and on drawn chips under noise, with halves of
    their 95 % intervals. ``dominated_by`` names a choice that is nowhere worse and somewhere better; ``problem``: why something is missing.
    """

    name: str
    factor: str
    choice: str
    overrides: str | None = None
    check_rms_s: float | None
    check_rms_stderr_s: float | None = None
    check_spikes: int | float | None = None
    unpaired_spikes: int | float | None = None
    simple_rms_s: float | None = None
    lambda_N_per_V: float | None = None
    lambda_P_per_V: float | None = None
    membrane_F: float | None = None
    vdis_V: float | None = None
    unit_current_A: float | None = None
    spike_load_s: float | None = None
    energy_per_neuron_J: float | None = None
    area_per_neuron_um2: float | None = None
    jitter_s: float | None = None
    noisy_accuracy: float | None = None
    noisy_accuracy_half: float | None = None
    chip_accuracy: float | None = None
    chip_accuracy_half: float | None = None
    pareto: bool
    dominated_by: str | None = None
    problem: str | None = None


class ExploreSummary(Record):
    """Choices of a column of ``axons`` axons on ``netlist``."""

    corner: str
    netlist: str
    axons: int
    choices: tuple[ChoiceSummary, ...]

    @property
    def title(self) -> str:
        """Of what choices."""
        return f"Design choices, a column of {self.axons} axons on {self.netlist}, corner {self.corner}"
