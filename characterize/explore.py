"""The circuit side of co-design: every design choice is characterised anew and ranked by error, jitter, area and energy.

Nothing is estimated: error and energy are those of SPICE on random patterns, jitter the closed form with the choice's own measured noise, the area
that of a drawn layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nonideal.characterize.candidates import Candidate
from nonideal.characterize.column_bench import NEURONS
from nonideal.characterize.column_check import Check, check_column, rms_s
from nonideal.characterize.errors import CharacterizationFailed, FitRefused
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.noise_stage import has_noise
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.physics import Physics, layer_physics
from nonideal.characterize.stage import ColumnNetlist, characterize, on_column
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction import ExtractorMissing
from nonideal.circuits.layout.errors import ExtractionFailed

Array = NDArray[np.float64]
PATTERNS = 24
"""Random patterns of a ranking: four times those of a characterisation, whose first are among them."""
AXES = ("check_rms_s", "jitter_s", "area_per_neuron_um2", "energy_per_neuron_J")
"""What is ranked by: less is better."""


@dataclass(frozen=True, slots=True)
class ColumnLayout:
    """What the layout of a choice's column gives: its netlist, its area, and why there is no area."""

    netlist: ColumnNetlist
    area_um2: float | None
    problem: str = ""


Draw = Callable[[Candidate, Design], ColumnLayout]
"""Draws the column of a choice; may raise ``CircuitError`` or ``ExtractionFailed`` where there is then no netlist either."""
Tell = Callable[[int, int, Candidate], object]
"""Told before each choice: how many are done, how many there are, which one comes."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What noise and mismatch do in a choice; None for what was not asked for, or is not known of its cells.

    ``jitter_s``: standard deviation of the check patterns' spikes, rms over them. Accuracies are of a network trained on the choice's own model,
    under its noise alone (``noisy_accuracy``), and on drawn chips under noise (``chip_accuracy``); mean over seeds, half of its 95 % interval.
    """

    jitter_s: float | None = None
    noisy_accuracy: float | None = None
    noisy_accuracy_half: float | None = None
    chip_accuracy: float | None = None
    chip_accuracy_half: float | None = None


Judge = Callable[[Design, PhysicalModel, Check, Path], Judged]
"""Says what noise and mismatch do in a design with this model; what it writes goes to the folder."""


def unjudged(design: Design, model: PhysicalModel, check: Check, folder: Path) -> Judged:
    """Nothing is said of them."""
    return Judged()


@dataclass(frozen=True, slots=True)
class Measured:
    """Numbers of one choice: spike-time errors over the check patterns, the physical model's parameters, energy and area by neuron.

    ``judged``: what noise and mismatch do. ``simple_rms_s`` is the error of the model with one slope of current for each sign and nothing else: how
    far the circuit is from it. ``unpaired_spikes`` came in one of SPICE and model alone.
    """

    check_rms_s: float
    check_rms_stderr_s: float
    check_spikes: int
    unpaired_spikes: int
    simple_rms_s: float
    lambda_N_per_V: float
    lambda_P_per_V: float
    membrane_F: float
    vdis_V: float
    unit_current_A: float
    spike_load_s: float
    energy_per_neuron_J: float
    area_per_neuron_um2: float | None
    judged: Judged = Judged()

    @property
    def numbers(self) -> dict[str, float | None]:
        """All of them by name."""
        own = {name: getattr(self, name) for name in NUMBERS}
        return own | {name: getattr(self.judged, name) for name in Judged.__dataclass_fields__}


NUMBERS = tuple(name for name in Measured.__dataclass_fields__ if name != "judged")


@dataclass(frozen=True, slots=True)
class Point:
    """A choice as ranked: its numbers, or none where it was refused; ``problem`` says why something is missing.

    ``pareto``: no other is nowhere worse and somewhere better in error, jitter, area and energy; else ``dominated_by`` names such a choice.
    """

    candidate: Candidate
    measured: Measured | None
    problem: str = ""
    pareto: bool = False
    dominated_by: str = ""

    def axes(self) -> tuple[float | None, ...]:
        """Error, jitter, area, energy; None for what is not known."""
        return tuple(None if self.measured is None else self.measured.numbers[name] for name in AXES)


def explore(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    candidates: Sequence[Candidate],
    draw: Draw,
    folder: Path,
    tell: Tell = lambda done, total, candidate: None,
    judge: Judge = unjudged,
) -> list[Point]:
    """Measure and rank ``candidates`` around ``design``; decks go to ``folder``/<candidate>.

    With ``options.noise`` each choice's noise is measured where it is known how to, with ``options.draws`` its mismatch; ``judge`` says what they do.

    A choice that cannot be drawn, simulated or fitted stands in the list with its reason. Where none can, raises
    ``CharacterizationFailed`` if none could be simulated, else ``FitRefused``. A tool or PDK that is missing ends it at the first
    choice, and so does a simulator that runs nothing: it would be so for all.
    """
    points: list[Point] = []
    failed: list[CharacterizationFailed] = []
    for k, candidate in enumerate(candidates):
        tell(k, len(candidates), candidate)
        try:
            points.append(_point(bench, design, options, candidate, draw, judge, folder / candidate.name))
        except CharacterizationFailed as error:
            points.append(Point(candidate, None, str(error)))
            failed.append(error)
            if error.nothing_ran and k == 0:
                break
    if all(point.measured is None for point in points):
        told = f"no design choice could be measured; {points[0].candidate.name}: {points[0].problem}"
        if len(points) < len(candidates):
            told += f". The other {len(candidates) - len(points)} were not tried"
        if len(failed) == len(points):
            raise CharacterizationFailed(told, failed[0].failures)
        raise FitRefused(told)
    return ranked(points)


def _point(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    candidate: Candidate,
    draw: Draw,
    judge: Judge,
    folder: Path,
) -> Point:
    try:
        made = candidate.applied(design)
        drawn = draw(candidate, made)
        return Point(candidate, measure(bench, made, options, drawn, folder, judge), drawn.problem)
    except ExtractorMissing:
        raise
    except (CircuitError, FitRefused, ExtractionFailed) as error:
        return Point(candidate, None, str(error))


def measure(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    drawn: ColumnLayout,
    folder: Path,
    judge: Judge = unjudged,
) -> Measured:
    """Characterise a design with the column as drawn, check and judge it. Raises as ``characterize`` does."""
    known = options.model_copy(update={"noise": options.noise and has_noise(design)})
    model = characterize(bench, design, known, folder, [drawn.netlist]).model
    column = model.columns[0]
    benches = on_column(bench, design, drawn.netlist, model).at(column.vdis_V)
    check = check_column(bench, benches, model, folder / f"column_{column.axons}", patterns=PATTERNS)
    errors_s = check.errors_s(check.told)
    rms = rms_s(errors_s)
    return Measured(
        check_rms_s=rms,
        check_rms_stderr_s=float(np.std(np.square(errors_s)) / np.sqrt(len(errors_s)) / (2 * rms)),
        check_spikes=len(errors_s),
        unpaired_spikes=int(np.sum((check.told < 1.0) != (check.seen < 1.0))),
        simple_rms_s=rms_s(check.errors_s(check.told_by(simple_physics(model, column.axons)))),
        lambda_N_per_V=model.positive.lambda_per_V.value,
        lambda_P_per_V=model.negative.lambda_per_V.value,
        membrane_F=column.membrane_F.value,
        vdis_V=column.vdis_V,
        unit_current_A=column.membrane_F.value * column.v_th_V.value / model.t_circ_s,
        spike_load_s=column.spike_load_s.value,
        energy_per_neuron_J=_energy_J(check) / NEURONS,
        area_per_neuron_um2=None if drawn.area_um2 is None else drawn.area_um2 / NEURONS,
        judged=judge(design, model, check, folder),
    )


def simple_physics(model: PhysicalModel, axons: int) -> Physics:
    """The layer with one beta for each sign, and neither delay, charge nor coupling; scale and firing stage as measured."""
    column = model.columns[0]
    v_th_V = column.v_th_V.value
    return replace(
        layer_physics(model, axons, driven=True),
        beta_positive=(v_th_V * model.positive.lambda_per_V.value,),
        beta_negative=(-v_th_V * model.negative.lambda_per_V.value,),
        delay=0.0,
        charge_positive=0.0,
        charge_negative=0.0,
        coupling=0.0,
    )


def _energy_J(check: Check) -> float:
    """Mean over the patterns, of the whole column."""
    return float(np.mean([result.energy_J for result in check.results]))


def ranked(points: Sequence[Point]) -> list[Point]:
    """The points with what dominates them. What no choice has (an area, where cells cannot be drawn) is not ranked by."""
    axes = [k for k in range(len(AXES)) if any(point.axes()[k] is not None for point in points)]

    def place(point: Point) -> tuple[float, ...] | None:
        found = [point.axes()[k] for k in axes]
        return None if None in found else tuple(value for value in found if value is not None)

    def placed(point: Point, mine: tuple[float, ...] | None) -> Point:
        if mine is None:
            return point
        by = next((other for other, its in pairs if its is not None and _dominates(its, mine)), None)
        return replace(point, pareto=by is None, dominated_by="" if by is None else by.candidate.name)

    pairs = [(point, place(point)) for point in points]
    return [placed(point, mine) for point, mine in pairs]


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def table(points: Sequence[Point]) -> pd.DataFrame:
    """One row a choice, in order; SI units but um2 as the names say; NaN for what could not be measured."""
    names = [*NUMBERS, *Judged.__dataclass_fields__]
    rows = [
        {
            "name": point.candidate.name,
            "factor": point.candidate.factor,
            "choice": point.candidate.label,
            "overrides": point.candidate.settings_text,
            **(dict.fromkeys(names, np.nan) if point.measured is None else point.measured.numbers),
            "pareto": point.pareto,
            "dominated_by": point.dominated_by,
            "problem": point.problem,
        }
        for point in points
    ]
    return pd.DataFrame(rows).astype(
        dict.fromkeys(("area_per_neuron_um2", *Judged.__dataclass_fields__), float)
    )
