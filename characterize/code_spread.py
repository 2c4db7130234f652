"""Mismatch of a coded circuit: how its devices spread by the PDK's statistics, and how its neurons answer to that, as measured in SPICE.

A unit FET's threshold shift is a shift of its gate line: what that does to a code's current is known from the currents over the line. What
the generator's own devices do to a line is drawn with it, device by device.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nonideal.characterize.generator_bench import GeneratorBench
from nonideal.characterize.generator_spread import spread
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.specimen import Specimen
from nonideal.characterize.spread import NeuronSpread
from nonideal.characterize.spread_stage import measured_neurons
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.generator import POLARITIES, GeneratorSizes
from nonideal.circuits.design import Design
from nonideal.circuits.generator.generator import Generator
from nonideal.circuits.network.chip import draw, mismatch_sigmas
from nonideal.circuits.network.netlist import Topology


class LineSpread(BaseModel):
    """A gate line of one polarity: ``sigma_ln`` of ln(I_unit / I_dis) from chip to chip, and what its trim leaves of it at most, half a step."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sigma_ln: Annotated[float, Field(ge=0.0)]
    half_step_ln: Annotated[float, Field(ge=0.0)]


class CodeSpread(BaseModel):
    """Standard deviations by cell and device path (V; relative of capacitors), the neuron's answer, and the generator's lines by polarity (``n``,
    ``p``); ``seed`` of the drawn neurons."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sigmas: dict[str, dict[str, float]]
    neuron: NeuronSpread
    lines: dict[str, LineSpread]
    seed: int


def measure_code_spread(
    bench: Workbench, design: Design, options: CharacterizeOptions, model: PhysicalModel, folder: Path
) -> CodeSpread:
    """Draw ``options.draws`` neurons and as many generators, and simulate them; ``model`` is the circuit's.

    Raises ``FitRefused``, ``CharacterizationFailed``.
    """
    sigmas = mismatch_sigmas(bench.pdk, bench.corner, design)
    drawn = draw(options.draw_seed, Topology.of((1, options.draws), design), sigmas).layers[0]
    neuron = measured_neurons(bench, design, model, Specimen.designed(design, model), drawn.neuron, folder)
    found = {cell: dict(by_path) for cell, by_path in sigmas.cells.items()}
    lines = measured_lines(bench, design, options.draws, folder / "generators")
    return CodeSpread(sigmas=found, neuron=neuron, lines=lines, seed=options.draw_seed)


def measured_lines(bench: Workbench, design: Design, chips: int, folder: Path) -> dict[str, LineSpread]:
    """Of the design's generator, the default one where it has none. Raises ``CharacterizationFailed``."""
    sizes = design.generator or GeneratorSizes()
    made = GeneratorBench(Generator.of(sizes, design, (1, 1)), design)
    drawn = spread(bench, made, chips, folder)
    return {
        one: LineSpread(sigma_ln=drawn.sigma_ratio(one), half_step_ln=sizes.trim_step / sizes.units(one) / 2)
        for one in POLARITIES
    }
