"""What is told of one sample in SPICE."""

from __future__ import annotations

from nonideal.files.record import Record
from nonideal.postlayout.summary import CurrentScale


class SpikeRow(Record):
    """A neuron's spike, model against SPICE, s from the start of its layer's firing phase; None: none came. ``kind`` as in spikes.parquet."""

    layer: int
    neuron: int
    t_model_s: float | None
    t_spice_s: float | None
    kind: str

    @property
    def error_s(self) -> float | None:
        """SPICE minus model, where both have the spike."""
        paired = self.kind == "pair" and self.t_model_s is not None and self.t_spice_s is not None
        return self.t_spice_s - self.t_model_s if paired else None  # type: ignore[operator]


class SampleSummary(Record):
    """One sample: what it is, what model and SPICE make of it.

    ``sample``: its number in the results of a validation; ``test_index``: in the test set. Classes by name; None: no output fired.
    ``current_scale``, ``vdis_V``: what the network was written with. Files by name, in the stage's folder.
    """

    experiment: str
    mapping: str
    netlist: str
    corner: str
    sample: int
    test_index: int
    label: str
    model_says: str | None
    spice_says: str | None
    current_scale: CurrentScale
    vdis_V: float
    clipped_weights: int
    energy_J: float
    spikes: tuple[SpikeRow, ...]
    deck: str
    raw: str
    waveforms: str
    table: str

    @property
    def rmse_s(self) -> float | None:
        """Over the spikes that both have."""
        errors = [row.error_s for row in self.spikes if row.error_s is not None]
        return (sum(error**2 for error in errors) / len(errors)) ** 0.5 if errors else None
