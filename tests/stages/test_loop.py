from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from nonideal.characterize.options import CharacterizeOptions
from nonideal.spice import Cache

TOML = """
name = "small"
[training]
layers = [5, 3]
variants = ["pnn"]
seeds = [1]
epochs = 300
tensorboard = false
[data]
test_samples = 6
[validation]
samples = 2
mappings = ["pnn"]
calibration_samples = 1
compare = "paper"
[characterize]
bias_step_V = {coarse.bias_step_V}
membrane_step_V = {coarse.membrane_step_V}
[spec]
output_rmse_max_s = {limit}
"""

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.spice,
    pytest.mark.skipif(
        shutil.which(os.environ.get("NONIDEAL_NGSPICE", "ngspice")) is None, reason="no ngspice"
    ),
]


def command() -> list[str]:
    # On the schematic, whose columns other tests measure too; the mapping pnn asks none of them.
    columns = ["--characterize-on", "schematic"]
    options = ["-e", "small.toml", "--netlist", "pex-c", *columns, "--jobs", "2", "--json"]
    return [sys.executable, "-m", "nonideal.cli.main", "reproduce", *options]


@pytest.mark.slow
def test_the_loop_survives_a_kill_and_ends_with_the_same_numbers(
    coarse: CharacterizeOptions, known: Cache, tmp_path: Path
) -> None:
    """The whole loop on real ngspice, sky130, layout and extraction: cut off by kill -9, gone on with, skipped, judged."""
    (tmp_path / "small.toml").write_text(TOML.format(limit=1e-15, coarse=coarse))
    (tmp_path / "runs/small").mkdir(parents=True)
    (tmp_path / "runs/small/cache").symlink_to(known.folder)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    # Deliberately one layer: nothing is hidden.
    validation = tmp_path / "runs/small/validation"
    with (tmp_path / "log").open("w") as log:
        first = subprocess.Popen(command(), cwd=tmp_path, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 400
        while (
            not list(validation.glob("schematic/decks/*.log"))
            and first.poll() is None
            and time.monotonic() < deadline
        ):
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert (validation / "started.json").is_file(), (tmp_path / "log").read_text()
    assert not (validation / "manifest.json").exists()

    # What was simulated before stands; so does the limit, which cannot be met: a verdict, not an error.
    done = subprocess.run(
        command(), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    stages = {stage["stage"]: stage for stage in json.loads(done.stdout)["stages"]}
    assert [s for s, stage in stages.items() if not stage["skipped"]] == ["validation"]
    assert not stages["validation"]["passed"]
    summary = json.loads((validation / "summary.json").read_text())
    assert summary["experiment"] == "small"
    assert summary["mappings"]["pnn"]["spike_time_rmse_s"]["output"] < 5e-9
    assert summary["mappings"]["pnn"]["failed_samples"] == 0
    assert summary["numerical_floor_s"] < 0.5e-9
    spikes = pd.read_parquet(validation / "spikes.parquet")
    assert len(spikes) == 2 * 3
    assert summary["netlist"] == "pex-c"
    assert summary["vdis_V"] > 0.5
    assert summary["mappings"]["pnn"]["spike_time_rmse_s"]["hidden"] is None
    # Wiring adds some fF to a membrane of 117 fF: more current is needed than on the schematic, which stands beside it.
    beside = summary["beside_schematic"]["pnn"]["current_scale"]["positive"]
    assert 1.02 < summary["mappings"]["pnn"]["current_scale"]["positive"] / beside < 1.3
    layout = tmp_path / "runs/small/layout"
    assert json.loads((layout / "drc.json").read_text())["violations"] == 0
    assert json.loads((layout / "lvs.json").read_text())["matched"] is True
    assert json.loads((layout / "pex.json").read_text())["net_capacitance_F"]["dendrite_1_0"] > 1e-15
    assert (tmp_path / "runs/small/report.html").is_file()
