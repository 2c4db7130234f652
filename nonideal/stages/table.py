"""The stages of the loop, as a table; what each does is in the module that its ``run`` comes from."""

from __future__ import annotations

from nonideal.characterize.shift import Shifts
from nonideal.postlayout.summary import ValidationSummary
from nonideal.runs.stage import Stage
from nonideal.runs.summaries.characterization import CharacterizationSummary
from nonideal.runs.summaries.chips import CalibrationSummary, YieldSummary
from nonideal.runs.summaries.conditions import ConditionsSummary
from nonideal.runs.summaries.explore import ExploreSummary
from nonideal.runs.summaries.layout import ColumnsSummary, LayoutSummary
from nonideal.runs.summaries.netlist import WriteBackSummary
from nonideal.runs.summaries.noise import NoiseSummary
from nonideal.runs.summaries.sample import SampleSummary
from nonideal.runs.summaries.tapeout import TapeoutSummary
from nonideal.runs.summaries.tile_simulation import TileSimulationSummary
from nonideal.runs.summaries.training import TrainingSummary
from nonideal.stages import needs
from nonideal.stages.calibration import calibrate_chip
from nonideal.stages.characterization import characterize_circuit
from nonideal.stages.chip_yield import chip_yield
from nonideal.stages.columns import lay_out_columns
from nonideal.stages.conditions import survey_conditions
from nonideal.stages.dependence import SECTIONS
from nonideal.stages.explore import explore_circuit
from nonideal.stages.layout import layout_network
from nonideal.stages.measured_on import extracted_columns
from nonideal.stages.mismatch import measure_mismatch
from nonideal.stages.netlist import write_netlists
from nonideal.stages.noise import measure_jitter
from nonideal.stages.shift import measure_shift
from nonideal.stages.simulate import simulate_sample
from nonideal.stages.tapeout import make_tapeout
from nonideal.stages.tile_simulation import simulate_tile
from nonideal.stages.tools import (
    exploration_tools,
    layout_tools,
    simulator_tools,
    tapeout_tools,
    training_tools,
)
from nonideal.stages.training import train_variants
from nonideal.stages.validation import validate_networks

STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="columns",
            summary=ColumnsSummary,
            kept="its extracted parasitics",
            on_circuit=True,
            wanted=extracted_columns,
            doing="drawing the columns to characterise; DRC, LVS, extraction",
            sections=SECTIONS["columns"],
            run=lay_out_columns,
            tools=layout_tools,
        ),
        Stage(
            name="characterization",
            summary=CharacterizationSummary,
            kept="its simulations",
            doing="sweeping the circuit in ngspice, measuring its columns and fitting the physical model",
            sections=SECTIONS["characterization"],
            run=characterize_circuit,
            needs_for=needs.column_needs,
            tools=simulator_tools,
        ),
        Stage(
            name="explore",
            summary=ExploreSummary,
            kept="its simulations and extracted parasitics",
            on_circuit=True,
            doing="drawing, characterising and ranking design choices",
            sections=SECTIONS["explore"],
            run=explore_circuit,
            tools=exploration_tools,
        ),
        Stage(
            name="conditions",
            summary=ConditionsSummary,
            kept="its simulations",
            on_circuit=True,
            doing="characterising corners and temperatures, and trying the network in each",
            sections=SECTIONS["conditions"],
            run=survey_conditions,
            needs=needs.condition_needs,
            tools=simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed, "training": e.training.seeds[0]},
        ),
        Stage(
            name="noise",
            summary=NoiseSummary,
            kept="its simulations",
            on_circuit=True,
            doing="noise of the circuit in closed form, and in simulations with noise",
            sections=SECTIONS["noise"],
            run=measure_jitter,
            needs_for=needs.noise_needs,
            tools=simulator_tools,
            seeds=lambda e: {
                "split": e.data.split_seed,
                "training": e.training.seeds[0],
                "noise": e.noise.seed,
            },
        ),
        Stage(
            name="mismatch",
            summary=CharacterizationSummary,
            kept="its simulations",
            on_circuit=True,
            doing="drawing synapses and neurons in ngspice: the statistical model of chips",
            sections=SECTIONS["mismatch"],
            run=measure_mismatch,
            needs_for=needs.mismatch_needs,
            tools=simulator_tools,
            seeds=lambda e: {"draws": e.characterize.draw_seed},
        ),
        Stage(
            name="yield",
            summary=YieldSummary,
            kept="its simulations",
            on_circuit=True,
            doing="drawing chips, in the fast model and in ngspice",
            sections=SECTIONS["yield"],
            run=chip_yield,
            needs_for=needs.chip_needs,
            tools=simulator_tools,
            seeds=lambda e: {
                "split": e.data.split_seed,
                "first chip": e.chips.first_chip,
                "training": e.training.seeds[0],
                "draws": e.characterize.draw_seed,
            },
        ),
        Stage(
            name="calibration",
            summary=CalibrationSummary,
            kept="its simulations",
            on_circuit=True,
            doing="measuring a chip in ngspice and trimming its biases",
            sections=SECTIONS["calibration"],
            run=calibrate_chip,
            needs_for=needs.chip_needs,
            tools=simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed},
        ),
        Stage(
            name="shift",
            summary=Shifts,
            kept="its simulations",
            wanted=lambda e: e.sees_conditions,
            doing="measuring what the biases carry in the conditions to train for",
            sections=SECTIONS["shift"],
            run=measure_shift,
            needs=needs.model_needs,
            needs_for=needs.column_needs,
            tools=simulator_tools,
        ),
        Stage(
            name="training",
            summary=TrainingSummary,
            doing="training on the physical model",
            sections=SECTIONS["training"],
            run=train_variants,
            needs=needs.training_needs,
            tools=training_tools,
            seeds=lambda e: {"split": e.data.split_seed, "training": list(e.training.seeds)},
        ),
        Stage(
            name="netlist",
            summary=WriteBackSummary,
            on_circuit=True,
            doing="weights -> bias voltages -> SPICE network",
            sections=SECTIONS["netlist"],
            run=write_netlists,
            needs=needs.weights_needs,
        ),
        Stage(
            name="layout",
            summary=LayoutSummary,
            kept="its extracted parasitics",
            on_circuit=True,
            doing="drawing the network; DRC, LVS, extraction",
            sections=SECTIONS["layout"],
            run=layout_network,
            needs_for=needs.mask_needs,
            tools=layout_tools,
        ),
        Stage(
            name="validation",
            summary=ValidationSummary,
            kept="its simulations",
            on_circuit=True,
            doing="simulating the networks and comparing their spikes with the models'",
            sections=SECTIONS["validation"],
            run=validate_networks,
            needs=needs.weights_needs,
            needs_for=needs.extraction_needs,
            tools=simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed, "training": e.training.seeds[0]},
        ),
        Stage(
            name="tapeout",
            summary=TapeoutSummary,
            kept="what was synthesised and its extracted parasitics",
            on_circuit=True,
            doing="making the tile of a shuttle: digital side, parts, wires, fill; rules, LVS, precheck, extraction",
            sections=SECTIONS["tapeout"],
            run=make_tapeout,
            needs_for=needs.tapeout_needs,
            tools=tapeout_tools,
        ),
        Stage(
            name="tile-simulation",
            summary=TileSimulationSummary,
            kept="its simulations",
            on_circuit=True,
            doing="simulating the extracted tile through its digital pins",
            sections=SECTIONS["tile-simulation"],
            run=simulate_tile,
            needs_for=needs.tile_needs,
            tools=simulator_tools,
            seeds=lambda e: {"split": e.data.split_seed},
        ),
        Stage(
            name="simulate",
            kept="its simulations",
            on_circuit=True,
            doing="simulating one sample, with all membranes",
            sections=SECTIONS["simulate"],
            run=simulate_sample,
            needs=needs.model_needs,
            needs_for=needs.sample_needs,
            tools=simulator_tools,
            summary=SampleSummary,
            seeds=lambda e: {"split": e.data.split_seed, "training": e.training.seeds[0]},
        ),
    )
}
LOOP = ("columns", "characterization", "shift", "training", "netlist", "layout", "validation")
