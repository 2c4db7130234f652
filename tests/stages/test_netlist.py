"""Write-back: by the bench for weights trained on it, by the columns for weights trained on those; always read back."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from nonideal.characterize.column import Column
from nonideal.characterize.errors import NoColumn
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp
from nonideal.circuits.network.mapping import read_biases
from nonideal.circuits.network.netlist import Topology
from nonideal.cli.own_files import check_netlist_name, write_given
from nonideal.experiment.errors import BadOption
from nonideal.experiment.experiment import Experiment
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, save_network
from nonideal.pnn.choices import Variant
from nonideal.pnn.data import Encoding
from nonideal.pnn.variants import variant_options
from nonideal.spice.raw import read_raw
from nonideal.stages.netlist import NetlistFiles, write_netlist


def weights(folder: Path, variant: Variant, model: PhysicalModel) -> Path:
    options = variant_options(variant, model, (5, 3, 3))
    path = folder / f"{variant}.safetensors"
    made = Provenance(variant=variant, seed=1, dataset="iris", encoding=Encoding(), model_sha256="", epochs=0)
    save_network(path, options.build(), WeightsHeader(network=options, provenance=made))
    return path


@pytest.fixture
def columned(paper_model: PhysicalModel, column: Column) -> PhysicalModel:
    return paper_model.model_copy(update={"columns": (column.model_copy(update={"axons": 3}), column)})


def test_bottom_up_is_realised_as_its_columns_were_measured(
    columned: PhysicalModel, tiny: Experiment, tmp_path: Path
) -> None:
    columned.save(tmp_path / "model.json")
    found = {}
    for variant in ("pnn", "bottom_up"):
        path = weights(tmp_path, variant, columned)
        netlist = tmp_path / f"{variant}.spice"
        found[variant] = write_netlist(
            path, tmp_path / "model.json", tiny, NetlistFiles.beside(netlist), of="a test", clip=True
        )
    assert found["pnn"].vdis_V == columned.vdis_V
    assert found["bottom_up"].vdis_V == BottomUp(columned).vdis_V == 0.552
    head, _, _ = (tmp_path / "bottom_up.spice").read_text().partition(".subckt")
    assert (
        "* currents as the columns were measured (pex-rc), scale 1; bias of every discharger (vdis_<layer>_<neuron>) 0.552 V"
        in head
    )
    assert "finds the scale" in (tmp_path / "pnn.spice").read_text().partition(".subckt")[0]

    text = (tmp_path / "bottom_up.spice").read_text()
    realised = read_biases(text, BottomUp(columned))
    as_bench = read_biases(text, columned)
    column = columned.columns[1]
    ratio = column.membrane_F.value * column.v_th_V.value / 1e-6 / columned.unit_current_A(5)
    np.testing.assert_allclose(as_bench[0], ratio * realised[0], rtol=1e-9)


@pytest.mark.spice
def test_the_told_command_runs_and_inputs_make_spikes(tmp_path: Path) -> None:
    """A state_dict of another program, as netlist, and the command that stands in the netlist, as it stands there."""
    if shutil.which("ngspice") is None:
        pytest.skip("no ngspice")
    torch.save({"fc.weight": torch.full((2, 3), 0.8)}, tmp_path / "mine.pt")
    out = tmp_path / "net.spice"
    found = write_given(
        "iris",
        weights=tmp_path / "mine.pt",
        out=out,
        model=Path("sky130_tt"),
        run_dir=None,
        corner=None,
        clip=False,
    )
    head = out.read_text().partition(".subckt")[0]
    assert head.startswith("* network 3-2: weights mine.pt, on the circuit of experiment iris, corner tt\n")
    (command,) = [line.strip("* ") for line in head.splitlines() if "ngspice -b" in line]
    assert found.deck == str(tmp_path / "net.cir")
    subprocess.run(shlex.split(command), cwd=tmp_path, check=True, timeout=120, capture_output=True)
    (plot,) = read_raw(tmp_path / "out.raw")
    for k in range(2):
        assert plot.vectors[f"v(spike_1_{k})"].max() > 1.7
    pins = pd.read_csv(tmp_path / "net.pins.csv")
    assert tuple(pins["pin"]) == Topology((3, 2)).ports
    deck = (tmp_path / "net.cir").read_text()
    assert f"Vvdis_1_0 vdis_1_0 0 {pins.set_index('pin')['volts_V']['vdis_1_0']:.9g}\n" in deck


@pytest.mark.parametrize(
    "name", ["network.csv", "network.cir", "a\n*#shell x.spice", 'a"b.spice', "größe.spice"]
)
def test_a_name_that_no_deck_can_include_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadOption, match="--out"):
        check_netlist_name(tmp_path / name)


def test_weights_of_columns_need_columns(
    columned: PhysicalModel, paper_model: PhysicalModel, tiny: Experiment, tmp_path: Path
) -> None:
    paper_model.save(tmp_path / "model.json")
    path = weights(tmp_path, "bottom_up", columned)
    with pytest.raises(NoColumn, match="characterise again"):
        write_netlist(
            path,
            tmp_path / "model.json",
            tiny,
            NetlistFiles.beside(tmp_path / "n.spice"),
            of="a test",
            clip=True,
        )
    assert not (tmp_path / "n.spice").exists()
