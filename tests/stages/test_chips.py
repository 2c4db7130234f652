"""`nonideal yield` and `nonideal calibrate`: refused at the door, files, numbers, commands; no simulator."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.chips.calibrate import FastBench, calibrate
from nonideal.chips.options import CalibrationOptions, YieldOptions
from nonideal.chips.silicon import Silicon
from nonideal.circuits.design import Design
from nonideal.circuits.network.chip import Chip, Sigmas, chip_netlist, draw
from nonideal.circuits.network.mapping import read_biases
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Circuit
from nonideal.cli.main import main
from nonideal.experiment.experiment import load_experiment, parse_experiment
from nonideal.pnn.checkpoint import load_dense
from nonideal.runs.commands import CommandLine
from nonideal.runs.rundir import RunDir
from nonideal.runs.summaries.chips import ChipCheck, ChipChecks
from nonideal.stages import calibration, chip_yield
from nonideal.stages.calibration import calibration_summary
from nonideal.stages.population import network_written
from nonideal.stages.table import STAGES

TOML = """
name = "tiny"
[training]
layers = [5, 3, 3]
variants = ["bottom_up"]
seeds = [1]
epochs = 3
tensorboard = false
[validation]
mappings = ["bottom_up"]
[chips]
chips = 12
spice_chips = 0
spice_samples = 3
dac_bits = [4, 8]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chip_model: PhysicalModel) -> Path:
    """An experiment whose characterisation is done; SPICE is left out: its statistical model is the shared one."""

    def statistical_model(work: Any, experiment: Any, folder: Path) -> PhysicalModel:
        folder.mkdir(parents=True, exist_ok=True)
        chip_model.save(folder / "model.json")
        return chip_model

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nonideal.stages.mismatch.statistical_model", statistical_model)
    monkeypatch.setattr("nonideal.stages.designs.statistical_model", statistical_model)
    for name in ("mismatch", "yield", "calibration"):
        monkeypatch.setitem(STAGES, name, replace(STAGES[name], tools=dict))
    (tmp_path / "tiny.toml").write_text(TOML)
    chip_model.save(RunDir(tmp_path / "runs/tiny").stage("characterization") / "model.json")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--jobs", "1"])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


# -- at the door --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["yield", "--hidden", "5,x"], "--hidden 5,x: give whole numbers from 1 to 4096, each once"),
        (["yield", "--hidden", "5,5"], "--hidden 5,5: give whole numbers"),
        (["yield", "--hidden", "0"], "--hidden 0: give whole numbers"),
        (["yield", "--characterize-on", "pex"], "--characterize-on pex-rc: chips are drawn into the schematic"),
        (["calibrate", "--chip", "1", "--characterize-on", "pex-c"], "--characterize-on pex-c: chips are drawn"),
        (["yield", "--vary", "synapse.memory_n.l=1"], "did you mean synapse.memory_n.l_um"),
        (["yield", "--vary", "synapse.memory_n.l_um=0.01"], "0.01 um is outside"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_runs(
    arguments: list[str], told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, *arguments, "-e", "tiny.toml")
    assert code == 2
    assert told in err
    assert not (place / "runs/tiny/mismatch").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'spice_chips = 0',
            'spice_chips = 0\nmapping = "pnn"',
            "chips.mapping = 'pnn', which training.variants = ['bottom_up'] does not train",
        ),
        ("layers = [5, 3, 3]", "layers = [5, 3]", "chips.hidden = [4], but training.layers = [5, 3] has no hidden layer"),
    ],
)  # fmt: skip
def test_an_experiment_without_such_a_network_is_refused(
    old: str, new: str, told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "tiny.toml").write_text(TOML.replace(old, new))
    code, _, err = run(capsys, "yield", "-e", "tiny.toml", "--hidden", "4")
    assert code == 2
    assert told in err
    assert not (place / "runs/tiny/mismatch").exists()


def test_missing_weights_say_which_command_makes_them(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["yield"], ["calibrate", "--chip", "3"]):
        code, _, err = run(capsys, *command, "-e", "tiny.toml")
        assert code == 2
        assert "`nonideal train --experiment tiny.toml`" in err


def test_a_chip_is_a_number_from_0_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = run(capsys, "calibrate", "--chip", "-1", "-e", "tiny.toml")
    assert code == 2


def test_commands_repeat_what_was_asked_for(tmp_path: Path) -> None:
    experiment = parse_experiment({"name": "tiny"}, "tiny.toml")
    changes = {
        "chips": {"chips": 50, "spice_chips": 0, "hidden": (5, 10), "vary": {"synapse.memory_n.l_um": (0.25, 0.5)}}
    }  # fmt: skip
    line, rundir = CommandLine("tiny.toml", changes=changes), RunDir(Path("runs/tiny"))
    assert line.command("yield", experiment, rundir, {}) == (
        "nonideal yield --experiment tiny.toml --chips 50 --spice-chips 0 --vary synapse.memory_n.l_um=0.25,0.5 --hidden 5,10"
    )
    assert (
        CommandLine().command("calibration/chip_7", experiment, rundir, {"chip": 7})
        == "nonideal calibrate --experiment tiny --chip 7"
    )
    assert CommandLine().command("mismatch", experiment, rundir, {}) == "nonideal yield --experiment tiny"


def test_iris_documents_every_key_with_its_default() -> None:
    file = Path(__file__).parents[2] / "experiments/iris.toml"
    iris = load_experiment(str(file))
    assert (iris.chips, iris.calibration) == (YieldOptions(), CalibrationOptions())
    text = file.read_text(encoding="utf-8").partition("[chips]")[2]
    for section in (YieldOptions, CalibrationOptions):
        assert [key for key in section.model_fields if key not in text] == []


# -- yield --------------------------------------------------------------------------------------------------------------------------


def test_a_yield_is_drawn_written_shown_and_reported(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "-e", "tiny.toml")[0] == 0
    code, out, err = run(
        capsys,
        "yield",
        "-e",
        "tiny.toml",
        "--json",
        "--hidden",
        "2,3",
        "--vary",
        "synapse.select_n.w_um=1,20",
    )
    assert code == 0, err
    mismatch, found = json.loads(out)["stages"]
    assert (mismatch["stage"], found["stage"]) == ("mismatch", "yield")
    assert mismatch["summary"]["parameters"]["sigma_ln_ramp"]["value"] == 0.154
    folder, summary = place / "runs/tiny/yield", found["summary"]
    assert json.loads((folder / "summary.json").read_text()) == summary
    chips = pd.read_csv(folder / "chips.csv")
    assert list(chips["chip"]) == list(range(12))
    good = int((chips["accuracy"] >= summary["nominal_accuracy"] - 0.02 - 1e-9).sum())
    assert summary["as_written"]["passed"] == good
    assert summary["as_written"]["accuracy_min"] == chips["accuracy"].min()
    assert summary["trimmed"]["accuracy_typ"] == chips["accuracy_trimmed"].median()
    assert [row["bits"] for row in summary["by_bits"]] == [4, 8]
    assert summary["by_bits"][1]["passed"] == summary["trimmed"]["passed"]
    curves = pd.read_csv(folder / "yield.csv")
    assert set(curves["name"]) == {"as written", "trimmed, 8 bits"}
    for _, rows in curves.groupby("name"):
        assert rows["yield"].is_monotonic_increasing
    assert "spice" not in summary
    # A selector of 20 um cannot be drawn: the designs of the present circuit alone have yields.
    assert [(one["name"], bool(one.get("problem"))) for one in summary["designs"]] == [
        ("present-2", False), ("present-3", False), ("choice_1-2", True), ("choice_1-3", True),
    ]  # fmt: skip
    small, same = summary["designs"][:2]
    assert small["area_ratio"] == pytest.approx((5 * 2 + 2 * 3) / (5 * 3 + 3 * 3))
    assert same["area_ratio"] == 1.0
    assert same["passed_as_written"] == summary["as_written"]["passed"]
    for name in (
        "yield.png",
        "yield.svg",
        "designs.csv",
        "designs.png",
        "bits.csv",
        "designs/present-2/model.json",
    ):
        assert (folder / name).is_file(), name
    assert "design 3 of 4: choice_1-2 synapse.select_n.w_um=20" in err
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert command == "nonideal yield --experiment tiny.toml --vary synapse.select_n.w_um=1,20 --hidden 2,3"

    code, out, _ = run(
        capsys, "yield", "-e", "tiny.toml", "--hidden", "2,3", "--vary", "synapse.select_n.w_um=1,20"
    )
    assert code == 0
    for told in ("Yield of bottom_up: 12 chips", "95 % interval", "trimmed, 4 bits", "Designs: area against yield", "(up to date)",
                 "Mismatch: standard deviations"):  # fmt: skip
        assert told in out
    code, _, _ = run(capsys, "report", "-e", "tiny.toml")
    assert code == 0
    page = (place / "runs/tiny/report.md").read_text()
    for told in (
        "## Yield and calibration of chips",
        "Figure: **Yield**",
        "Figure: **Area and yield**",
        f"`{command}`",
    ):
        assert told in page


def test_spot_checks_stand_in_the_summary(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    chip_model: PhysicalModel,
) -> None:
    monkeypatch.setattr(
        chip_yield, "simulated_chip", lambda work, model, seed, layers: simulated(model, seed, layers)
    )
    assert run(capsys, "train", "-e", "tiny.toml")[0] == 0
    code, out, err = run(capsys, "yield", "-e", "tiny.toml", "--json", "--spice-chips", "4")
    assert code == 0, err
    spice = json.loads(out)["stages"][1]["summary"]["spice"]
    assert (spice["chips"], spice["samples"], spice["failed_chips"]) == (4, 3, 0)
    assert spice["rmse_s"] == pytest.approx(1e-9)
    folder = place / "runs/tiny/yield"
    assert len(pd.read_csv(folder / "spot.csv")) == 4
    assert set(pd.read_parquet(folder / "spikes.parquet")["chip"]) == {0, 1, 2, 3}
    _, out, _ = run(capsys, "yield", "-e", "tiny.toml", "--spice-chips", "4")
    assert "The fast model against SPICE: 4 chips, 3 samples each" in out
    code, out, err = run(capsys, "yield", "-e", "tiny.toml", "--json", "--chips", "10", "--spice-chips", "12")
    assert code == 0, err
    assert json.loads(out)["stages"][1]["summary"]["spice"]["chips"] == 10, (
        "no chip is simulated that was not drawn"
    )


# -- calibration --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Simulated:
    """A chip that the fast model stands for, each spike 1 ns late."""

    chip: Chip
    model: PhysicalModel

    def circuit(self, trim_V: Any = ()) -> Circuit:
        netlist = chip_netlist(self.chip, Design())
        return Circuit(self.chip.topology, Design(), netlist, "", BottomUp(self.model).vdis_V, trim_V)

    def run_samples(self, written: Any, spike_time: Any, name: str) -> list[Any]:
        silicon = Silicon(self.model, self.chip.topology.layers)
        times = silicon.spike_times(written, self.chip, torch.from_numpy(spike_time))
        window_s = self.circuit().timeline.window_s
        late = [layer * 1e-6 + 1e-9 for layer in times]
        return [
            [np.where(layer[k] <= window_s, layer[k], np.inf) for layer in late]
            for k in range(len(spike_time))
        ]


def simulated(model: PhysicalModel, seed: int, layers: tuple[int, ...]) -> Simulated:
    assert model.spread is not None
    return Simulated(draw(seed, Topology(layers), Sigmas(model.spread.sigmas)), model)


def test_a_chip_is_trimmed_written_and_shown(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    chip_model: PhysicalModel,
) -> None:
    monkeypatch.setattr(
        calibration, "simulated_chip", lambda work, model, seed, layers: simulated(model, seed, layers)
    )
    monkeypatch.setattr(
        "nonideal.chips.spice.SpiceBench",
        lambda one: FastBench(Silicon(one.model, one.chip.topology.layers), one.chip),
    )
    assert run(capsys, "train", "-e", "tiny.toml")[0] == 0
    code, out, err = run(capsys, "calibrate", "-e", "tiny.toml", "--chip", "7", "--chip", "2", "--json")
    assert code == 0, err
    stages = json.loads(out)["stages"]
    assert [one["stage"] for one in stages] == ["mismatch", "calibration/chip_7", "calibration/chip_2"]
    folder, summary = place / "runs/tiny/calibration/chip_7", stages[1]["summary"]
    assert (summary["chip"], summary["samples"]) == (7, 3)
    checks = summary["checks"]
    assert checks["trimmed"]["off_nominal_rms_s"] < checks["as_written"]["off_nominal_rms_s"]
    assert checks["trimmed"]["fast_model_rmse_s"] == pytest.approx(1e-9)
    assert summary["current_error_rms"] < 0.01

    # What is written is what was found: the netlist holds the chip, its biases and its dischargers.
    text = (folder / "network.spice").read_text()
    assert text.startswith("* chip 7 of experiment tiny, trimmed; corner tt\n")
    written = network_written(
        chip_model, load_dense(place / "runs/tiny/training/bottom_up/weights.safetensors")
    )
    one = simulated(chip_model, 7, (5, 3, 3))
    found = calibrate(
        chip_model, written, FastBench(Silicon(chip_model, (5, 3, 3)), one.chip), CalibrationOptions()
    )
    silicon = Silicon(chip_model, (5, 3, 3))
    for layer, weight in enumerate(read_biases(text, BottomUp(chip_model)), start=1):
        np.testing.assert_allclose(weight, silicon.weights(found.written, layer, None), rtol=3e-3)
    vdis_V = BottomUp(chip_model).vdis_V + found.written.trim_V[1][2]
    assert f"Vvdis_2_2 vdis_2_2 0 {vdis_V:.9g}\n" in text
    assert text.count(".subckt") == 3
    pins = pd.read_csv(folder / "pins.csv").set_index("pin")["volts_V"]
    assert pins["vdis_2_2"] == float(f"{vdis_V:.9g}")
    assert f"Vbias_n_2_0_1 bias_n_2_0_1 0 {pins['bias_n_2_0_1']:.12g}\n" in text
    biases = pd.read_csv(folder / "biases.csv")
    assert len(biases) == 24
    row = biases[(biases["layer"] == 2) & (biases["axon"] == 0) & (biases["neuron"] == 1)].iloc[0]
    assert row["bias_V"] == pytest.approx(found.written.layers[1].bias_V[1, 0])
    command = json.loads((folder / "manifest.json").read_text())["command"]
    assert command == "nonideal calibrate --experiment tiny.toml --chip 7"

    code, out, err = run(capsys, "calibrate", "-e", "tiny.toml", "--chip", "7")
    assert code == 0
    assert "calibration/chip_7: up to date" in err
    for told in ("Chip 7", "right in SPICE, trimmed", "converter of N biases"):
        assert told in out
    page = place / "runs/tiny/report.html"
    assert run(capsys, "report", "-e", "tiny.toml")[0] == 0
    assert "Chip 2" in page.read_text()
    assert "Chip 7" in page.read_text()
    # A chip that is trimmed later is not in that report.
    assert "is older than these results" in run(capsys, "calibrate", "-e", "tiny.toml", "--chip", "3")[2]


def test_a_neuron_that_was_not_seen_is_none_in_the_summary(chip_model: PhysicalModel) -> None:
    class Dark(FastBench):
        def spike_times_norm(self, written: Any, start: float) -> Any:
            return [np.full(1, np.inf)]

    from nonideal.chips.written import WrittenBiases
    from nonideal.circuits.network.mapping import map_weights

    written = WrittenBiases.of(map_weights([np.array([[0.0, 0.0]])], BottomUp(chip_model)))
    one = simulated(chip_model, 1, (2, 1))
    found = calibrate(chip_model, written, Dark(Silicon(chip_model, (2, 1)), one.chip), CalibrationOptions())
    check = ChipCheck(right=0, failed=0, off_nominal_rms_s=None, fast_model_rmse_s=None)
    checks = ChipChecks(as_written=check, trimmed=check)
    summary = calibration_summary(found, chip=1, netlist="schematic", samples=0, checks=checks)
    assert summary.silent_norm == ((None,),)
    assert summary.current_error_rms is None
    assert (summary.current_measurements, summary.open) == (0, 0)
    json.dumps(summary.as_json(), allow_nan=False)
