"""Write-back: by the bench for weights trained on it, by the columns for weights trained on those; always read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from characterize.column import Column
from characterize.errors import NoColumn
from characterize.model import PhysicalModel
from characterize.physics import BottomUp
from circuits.mapping import read_biases
from flow.experiment import Experiment
from flow.writeback import write_netlist
from pnn.checkpoint import Provenance, WeightsHeader, save_network
from pnn.data import Encoding
from pnn.variants import Variant, variant_options


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
            path, tmp_path / "model.json", tiny, netlist, tmp_path / f"{variant}.csv", clip=True
        )
    assert found["pnn"]["vdis_V"] == columned.vdis_V
    assert found["bottom_up"]["vdis_V"] == BottomUp(columned).vdis_V == 0.552
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


def test_weights_of_columns_need_columns(
    columned: PhysicalModel, paper_model: PhysicalModel, tiny: Experiment, tmp_path: Path
) -> None:
    paper_model.save(tmp_path / "model.json")
    path = weights(tmp_path, "bottom_up", columned)
    with pytest.raises(NoColumn, match="characterise again"):
        write_netlist(
            path, tmp_path / "model.json", tiny, tmp_path / "n.spice", tmp_path / "n.csv", clip=True
        )
    assert not (tmp_path / "n.spice").exists()
