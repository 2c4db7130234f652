"""`nonideal yield` and `nonideal calibrate` on an extracted netlist: what they need, where results go, which netlist is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.workbench import Workbench
from nonideal.chips.calibrate import FastBench
from nonideal.chips.silicon import Silicon
from nonideal.chips.spice import SpiceChip
from nonideal.circuits.design import Design
from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.network.chip import Sigmas, draw, shift_parameters
from nonideal.circuits.network.flat import flat_elements
from nonideal.circuits.network.netlist import Topology
from nonideal.cli.main import main
from nonideal.experiment.experiment import load_experiment, parse_experiment
from nonideal.files import sha256_of
from nonideal.runs.commands import CommandLine
from nonideal.runs.manifest import Inputs, Manifest, hash_files, now
from nonideal.runs.rundir import EXTRACTED, RunDir, command_of, netlist_of_stage, on_netlist, stage_of
from nonideal.stages.dependence import SECTIONS
from nonideal.stages.table import STAGES

KIND = "pex-c"
LAYERS = (5, 3, 3)
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
spice_chips = 2
spice_samples = 3
dac_bits = [8]
"""


SUMMARIES = {
    "columns": {"netlist": KIND, "columns": []},
    "layout": {
        "layers": LAYERS,
        "area_um2": 5000.0,
        "devices": 300,
        "drc_violations": 0,
        "drc_rules": 134,
        "lvs_matched": True,
        "override": False,
    },
}
"""What the report reads of the stages that are made by hand here."""


def extracted() -> Netlist:
    devices = tuple(
        Device(one.name.lower(), one.nodes, one.element.what, one.element.parameters)
        for one in flat_elements(Topology(LAYERS), Design())
    )
    return Netlist("network", Topology(LAYERS).ports, devices, (), (Element("spike_1_0", "vss", 1.5e-15),))


@pytest.fixture
def place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chip_model: PhysicalModel,
    make_workbench: Callable[..., Workbench],
) -> Path:
    """An experiment whose columns, model and layout are there, as pex-c; the fast model stands for SPICE, each spike 1 ns late."""
    make_workbench()

    def statistical_model(work: Any, experiment: Any, folder: Path) -> PhysicalModel:
        folder.mkdir(parents=True, exist_ok=True)
        chip_model.save(folder / "model.json")
        return chip_model

    def run_samples(self: SpiceChip, written: Any, spike_time: Any, name: str = "sample") -> list[Any]:
        window_s = self.circuit().timeline.window_s
        told = Silicon(self.model, LAYERS).spike_times(written, self.chip, torch.from_numpy(spike_time))
        late = [layer * 1e-6 + 1e-9 for layer in told]
        return [
            [np.where(layer[k] <= window_s, layer[k], np.inf) for layer in late]
            for k in range(len(spike_time))
        ]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nonideal.stages.mismatch.statistical_model", statistical_model)
    monkeypatch.setattr(SpiceChip, "run_samples", run_samples)
    monkeypatch.setattr(
        "nonideal.chips.spice.SpiceBench", lambda one: FastBench(Silicon(one.model, LAYERS), one.chip)
    )
    for name in ("mismatch", "yield", "calibration"):
        monkeypatch.setitem(STAGES, name, replace(STAGES[name], tools=dict))
    (tmp_path / "tiny.toml").write_text(TOML)
    rundir = RunDir(tmp_path / "runs/tiny")
    for folder in ("columns/3", "columns/5", "columns/fan_out_3_3"):
        rundir.stage(folder).joinpath(EXTRACTED).write_text(".subckt network a b\nR1 a b 1\n.ends network\n")
    made(rundir, "columns")
    rundir.stage("characterization")
    chip_model.save(rundir.model)
    made(rundir, "characterization")
    (rundir.stage("layout") / EXTRACTED).write_text(extracted().text())
    made(rundir, "layout", {"--netlist": KIND})
    return tmp_path


def made(rundir: RunDir, name: str, options: Mapping[str, Any] | None = None, **read: str) -> None:
    """The manifest of a stage that ended well."""
    experiment = load_experiment("tiny.toml").changed({"characterize": {"on": KIND}})
    settings = {section: experiment.section(section) for section in SECTIONS[name]} | dict(options or {})
    inputs = Inputs(settings=settings, seeds={}, files=read, tools={}, code="")
    folder = rundir.path / name
    outputs = {
        str(p.relative_to(folder)): sha256_of(p)
        for p in folder.rglob("*")
        if p.name != "manifest.json" and p.is_file()
    }
    Manifest(
        stage=name, inputs=inputs, outputs=outputs, versions={}, summary=SUMMARIES.get(name, {}), passed=True, started=now(), seconds=0.0
    ).save(rundir.path / name)  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "-e", "tiny.toml", "--jobs", "1"])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, " ".join(err.split())


# -- names --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mismatch", "yield", "calibration"])
@pytest.mark.parametrize("netlist", ["schematic", "pex-c", "pex-rc"])
def test_a_folder_says_stage_netlist_and_command(name: str, netlist: str) -> None:
    folder = on_netlist(name, netlist)
    assert (folder == name) == (netlist == "schematic")
    for place in (folder, f"{folder}/chip_7"):
        assert (stage_of(place), netlist_of_stage(place)) == (name, netlist)
        assert command_of(place) == ("calibrate" if name == "calibration" else "yield")


def test_commands_repeat_the_netlist() -> None:
    experiment, rundir = parse_experiment({"name": "tiny"}, "tiny.toml"), RunDir(Path("runs/tiny"))
    line = CommandLine(changes={"chips": {"chips": 50}})
    assert (
        line.command("yield_pex-rc", experiment, rundir, {"netlist": "pex-rc"})
        == "nonideal yield --experiment tiny --netlist pex-rc --chips 50"
    )
    assert (
        line.command("calibration_pex-rc/chip_7", experiment, rundir, {"chip": 7, "netlist": "pex-rc"})
        == "nonideal calibrate --experiment tiny --chip 7 --netlist pex-rc"
    )


# -- at the door --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["yield", "--characterize-on", "schematic"], "chips are drawn into the pex-c netlist"),
        (["yield", "--characterize-on", "pex-rc"], "--characterize-on pex-rc: chips are drawn into the pex-c netlist"),
        (["yield", "--hidden", "3,4"], "chips.hidden asks for parts of the network or other designs"),
        (["yield", "--vary", "synapse.memory_n.l_um=0.25,0.5"], "chips.vary asks for"),
        (["calibrate", "--chip", "20260"], "chip 20260 shares devices with the benches"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_runs(
    arguments: list[str], told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, *arguments, "--netlist", KIND)
    assert (code, told in err) == (2, True), err
    assert not (place / f"runs/tiny/mismatch_{KIND}").exists()


def test_parts_of_a_network_have_no_layout(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "tiny.toml").write_text(TOML.replace("[chips]", "[chips]\nspice_neurons = 2"))
    code, _, err = run(capsys, "yield", "--netlist", KIND)
    assert code == 2
    assert "--netlist pex-c: chips.spice_neurons asks for parts" in err


def test_what_is_missing_or_of_another_kind_has_its_command(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns, model, weights and extraction must all be of the netlist that chips are drawn into."""
    rundir = RunDir(place / "runs/tiny")
    code, _, err = run(capsys, "yield", "--netlist", "pex-rc")
    assert code == 2
    assert "`nonideal characterize --experiment tiny.toml --characterize-on pex-rc`" in err
    assert run(capsys, "train")[0] == 0
    made(rundir, "layout", {"--netlist": "pex-rc"})
    code, _, err = run(capsys, "calibrate", "--chip", "1", "--netlist", KIND)
    assert code == 2
    assert "`nonideal layout --experiment tiny.toml --netlist pex-c`" in err
    made(rundir, "layout", {"--netlist": KIND})
    made(rundir, "training", model="a hash of the model that they were trained on")
    code, _, err = run(capsys, "calibrate", "--chip", "1", "--netlist", KIND)
    assert (code, "nonideal train" in err) == (2, True), err
    made(rundir, "training", **hash_files({"model": rundir.model}))
    assert run(capsys, "calibrate", "--chip", "1", "--netlist", KIND)[0] == 0


# -- results ------------------------------------------------------------------------------------------------------------------------


def test_results_of_each_netlist_are_kept_apart(
    place: Path, capsys: pytest.CaptureFixture[str], chip_model: PhysicalModel
) -> None:
    runs = place / "runs/tiny"
    assert run(capsys, "train")[0] == 0
    code, out, err = run(capsys, "calibrate", "--chip", "7", "--netlist", KIND, "--json")
    assert code == 0, err
    stages = json.loads(out)["stages"]
    assert [one["stage"] for one in stages] == ["mismatch_pex-c", "calibration_pex-c/chip_7"]
    assert stages[1]["summary"]["netlist"] == KIND
    text = (runs / "calibration_pex-c/chip_7/network.spice").read_text()
    assert "* drawn into the pex-c netlist\n" in text
    assert "C1 spike_1_0 vss 1.5e-15\n" in text
    # Its devices have the shifts of that chip.
    assert chip_model.spread is not None
    chip = draw(7, Topology(LAYERS), Sigmas(chip_model.spread.sigmas))
    lines = {line.split()[0][1:]: line for line in text.splitlines() if line.startswith("X")}
    shifts = shift_parameters(chip, Design())
    assert len(lines) == len(shifts)
    assert all(lines[name.lower()].endswith(f" {shift}") for name, shift in shifts.items())
    made_by = json.loads((runs / "calibration_pex-c/chip_7/manifest.json").read_text())["command"]
    assert made_by == "nonideal calibrate --experiment tiny.toml --chip 7 --netlist pex-c"

    code, out, err = run(capsys, "yield", "--netlist", KIND, "--json")
    assert code == 0, err
    summary = json.loads(out)["stages"][1]["summary"]
    assert (summary["netlist"], summary["spice"]["netlist"], summary["spice"]["chips"]) == (KIND, KIND, 2)
    assert summary["spice"]["rmse_s"] == pytest.approx(1e-9)
    assert not any((runs / name).exists() for name in ("mismatch", "yield", "calibration"))

    assert run(capsys, "calibrate", "--chip", "7")[0] == 0
    drawn = (runs / "calibration/chip_7/network.spice").read_text()
    assert "* drawn into the schematic netlist\n" in drawn
    assert "C1 spike_1_0" not in drawn
    biases = [pd.read_csv(runs / name / "chip_7/biases.csv") for name in ("calibration", "calibration_pex-c")]
    pd.testing.assert_frame_equal(*biases)
    assert "up to date" in run(capsys, "calibrate", "--chip", "7", "--netlist", KIND)[2]
    assert run(capsys, "report")[0] == 0
    page = (runs / "report.md").read_text()
    for told in ("Chip 7, pex-c netlist", "12 chips, corner tt, pex-c netlist", "yield_pex-c"):
        assert told in page


def test_a_layout_that_lacks_a_device_ends_with_its_name(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No chip is simulated with a shift left out."""
    whole = extracted()
    less = replace(whole, devices=tuple(d for d in whole.devices if d.name != "synapse_2_1_0_mpm"))
    (place / "runs/tiny/layout" / EXTRACTED).write_text(less.text())
    made(RunDir(place / "runs/tiny"), "layout", {"--netlist": KIND})
    assert run(capsys, "train")[0] == 0
    for command in (["calibrate", "--chip", "1"], ["yield"]):
        code, _, err = run(capsys, *command, "--netlist", KIND)
        assert code == 2
        assert "synapse_2_1_0_MPM of the schematic has no partner" in err
