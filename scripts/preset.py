"""Remake the physical model that ships with the package: experiment iris' circuit, with schematic columns of 5, 10 and
16 axons, and its mismatch.

.venv/bin/python scripts/preset.py            # writes pnn/presets/sky130_tt.json; about two minutes
"""

from __future__ import annotations

import sys
from pathlib import Path

from nonideal.characterize.stage import ColumnNetlist, characterize
from nonideal.experiment.experiment import load_experiment
from nonideal.runs.context import Context
from nonideal.stages.workbench import workbench

ROOT = Path(__file__).resolve().parent.parent
AXONS = (5, 10, 16)
DRAWS = 200
RUN = ROOT / "runs" / "preset"


def main(path: Path) -> None:
    """Characterise and write the model to ``path``; simulations are kept in runs/preset."""
    iris = load_experiment(str(ROOT / "experiments" / "iris.toml"))
    columns = [ColumnNetlist.schematic(axons, iris.circuit) for axons in AXONS]
    bench = workbench(iris, Context(), RUN / "cache")
    options = iris.characterize.model_copy(update={"draws": DRAWS, "noise": True})
    found = characterize(bench, iris.circuit, options, RUN / "decks", columns)
    found.model.save(path)
    for column in found.model.columns:
        print(
            f"{column.axons} axons: check {1e9 * column.check_rms_s:.3g} ns over {column.check_spikes} spikes"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "pnn" / "presets" / "sky130_tt.json")
