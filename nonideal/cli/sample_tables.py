"""One sample for people: its spikes as a table, its waveforms as a picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from nonideal.files import write_bytes
from nonideal.report.units import quantity
from nonideal.runs.summaries.sample import SampleSummary

if TYPE_CHECKING:
    from nonideal.experiment.experiment import Experiment
    from nonideal.files.record import Document
    from nonideal.runs.rundir import RunDir

DPI = 130


def sample_table(found: Document) -> Table:
    """Spike times by neuron, model against SPICE; whose class each says."""
    assert isinstance(found, SampleSummary)
    scale = found.current_scale
    factor = (
        f"{scale.positive:.4f}"
        if scale.positive == scale.negative
        else f"{scale.positive:.4f} (positive), {scale.negative:.4f} (negative)"
    )
    verdict = f"label {found.label}; model says {found.model_says or 'nothing'}, SPICE {found.spice_says or 'nothing'}"
    rmse = "no spike in both" if found.rmse_s is None else f"RMSE {quantity(found.rmse_s, 's', 3)}"
    table = Table(
        title=f"sample {found.sample} of {found.experiment}, {found.mapping} on {found.netlist}, corner {found.corner}",
        caption=f"{verdict}; {rmse}; energy {quantity(found.energy_J, 'J', 3)}; currents x {factor}",
    )
    for heading in ("layer", "neuron", "model", "SPICE", "error", ""):
        table.add_column(heading, justify="left" if heading == "" else "right")
    layer = None
    for row in found.spikes:
        if layer not in (None, row.layer):
            table.add_section()
        layer = row.layer
        table.add_row(
            str(row.layer),
            str(row.neuron),
            _time(row.t_model_s),
            _time(row.t_spice_s),
            "" if row.error_s is None else quantity(row.error_s, "s", 3),
            "" if row.kind == "pair" else row.kind,
        )
    return table


def _time(value: float | None) -> str:
    return "none" if value is None else quantity(value, "s")


def draw(folder: Path, at: tuple[Experiment, RunDir], sample: int) -> Path:
    """The picture of the waveforms in ``folder``, beside them."""
    import pandas as pd

    from nonideal.characterize.model import PhysicalModel
    from nonideal.circuits.network.timeline import Timeline
    from nonideal.report.waveform_figure import layers_of, waveforms

    experiment, rundir = at
    table = pd.read_parquet(folder / f"sample_{sample}.parquet")
    timeline = Timeline(experiment.circuit.timing, len(layers_of(table)))
    figure = waveforms(table, PhysicalModel.load(rundir.model), timeline)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    path = folder / "waveforms.png"
    write_bytes(path, buffer.getvalue())
    return path
