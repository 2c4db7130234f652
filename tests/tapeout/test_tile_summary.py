"""What is told of a tile that was run in SPICE."""

from __future__ import annotations

from nonideal.report.tapeout_table import tile_simulation_table
from nonideal.runs.summaries.tile_simulation import LayerErrors, TileSample, TileSimulationSummary
from nonideal.stages.tile_simulation import accuracy_of

SAMPLE = TileSample(
    test_index=0, label="a", model_says="a", spice_says="a", verilog_says="b", counts=(46, None),
    order_swapped=0, order_alone=1, order_apart_s=0.0, cpu_s=298.2,
)  # fmt: skip


def errors(layer: int, rmse_s: float | None) -> LayerErrors:
    return LayerErrors(layer=layer, rmse_s=rmse_s, mean_error_s=None, pairs=34, missed=0, extra=1)


FOUND = TileSimulationSummary(
    top="tt_um_a", samples=(SAMPLE,), layers=(errors(1, 1.2e-9), errors(2, None)),
    layers_told=(errors(1, 0.8e-9), errors(2, None)), gains=((1.0, 1.0), (1.01, 0.99)), columns_rms_s=(1.8e-10, None),
    columns_cpu_s=6.8, control_V=0.9111, replica_late_s=-4e-10, bias_V={"vdis": 0.554}, supply_A=5.7e-6, devices=3,
    resistors=2, capacitors=1,
)  # fmt: skip


def test_errors_stand_beside_those_of_the_model_that_knows_the_lines() -> None:
    rows = {row[0]: row[1:] for row in tile_simulation_table(FOUND).rows}
    assert rows["decided in SPICE as by the model"] == ("1 of 1", "pass")
    assert rows["layer 1: RMSE; told the lines; missed, extra"][0] == "1.2 ns; 0.8 ns; 0, 1 of 34"
    assert rows["first sample by columns, from whole, by layer"][0] == "0.18 ns; no pair"
    told = accuracy_of(FOUND)
    assert told["decided by the Verilog as SPICE does; all spikes in its order"] == "0; 0"
    assert told["first sample, column by column against whole, rms by layer"] == "0.18 ns; no pair"
