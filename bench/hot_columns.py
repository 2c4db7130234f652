"""How well the model tells a column's spikes at a temperature, corner by corner, V_sense following: writes bench/hot_columns.json.

    python bench/hot_columns.py [--corners tt ff ss sf fs] [--temperature 125] [--run FOLDER] [--out FILE]

Each corner is characterised at the temperature as `nonideal conditions` does it (V_sense so that the sensing stage's source carries what it does at
home), then 24 random patterns on its column, SPICE against the column's own model, told beforehand: rms and mean. Schematic. ``without_s``: what the
same model tells if it is made to forget leakage.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from nonideal.characterize.column_check import Check, check_column, rms_s
from nonideal.characterize.condition import Condition
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import layer_physics
from nonideal.characterize.stage import ColumnNetlist, characterize, on_column
from nonideal.circuits.design import Design
from nonideal.conditions.bench import measure_source
from nonideal.experiment.experiment import load_experiment
from nonideal.runs.context import Context
from nonideal.sky130_models import Corner
from nonideal.stages.workbench import workbench

ROOT = Path(__file__).resolve().parent.parent
PATTERNS, AXONS = 24, 5


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corners", nargs="+", default=["tt", "ff", "ss", "sf", "fs"])
    parser.add_argument("--temperature", type=float, default=125.0)
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "hot_columns")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    iris = load_experiment("iris")
    bench, home, options = (
        workbench(iris, Context(), arguments.run / "cache"),
        iris.circuit,
        iris.characterize,
    )
    source_A = measure_source(bench, home, arguments.run / "home").current_at_A(home.supplies.vsense_V)
    rows = []
    for corner in map(Corner, arguments.corners):
        condition = Condition(corner, arguments.temperature)
        here, folder = bench.at(corner), arguments.run / condition.name
        source = measure_source(here, condition.design(home), folder)
        design: Design = condition.design(home, round(source.vsense_for_V(source_A), 4))
        netlist = ColumnNetlist.schematic(AXONS, design)
        model = characterize(here, design, options, folder, [netlist]).model
        model.save(folder / "model.json")
        column = on_column(here, design, netlist, model).at(model.columns[0].vdis_V)
        check = check_column(here, column, model, folder / "check", patterns=PATTERNS)
        rows.append({"corner": corner.value, "vsense_V": design.supplies.vsense_V, **numbers(check, model)})
        print(rows[-1], flush=True)
        told = {"date": datetime.now(UTC).date().isoformat(), "temperature_C": arguments.temperature}
        arguments.out.write_text(json.dumps(told | {"rows": rows}, indent=1) + "\n", encoding="utf-8")


def numbers(check: Check, model: PhysicalModel) -> dict[str, float | int]:
    """Errors of a check's spikes, s: all, their mean, and without leakage."""
    errors_s = check.errors_s(check.told)
    known = layer_physics(model, AXONS, neurons=3, driven=True)
    deaf = replace(known, **{field.name: 0.0 for field in fields(known) if field.name.startswith("leak")})
    return {
        "spikes": len(errors_s),
        "rms_s": rms_s(errors_s),
        "mean_s": float(np.mean(errors_s)),
        "without_s": rms_s(check.errors_s(check.told_by(deaf))),
    }


if __name__ == "__main__":
    main()
