"""Codes through the stages: a layer's own full scale in its physics, write-back into a mask, and what does not go together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nonideal.characterize.codes import CodedBank, Codes
from nonideal.characterize.column import Column
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.physics import BottomUp, layer_physics
from nonideal.circuits.errors import CircuitError, MappingError
from nonideal.circuits.network.mapping import read_biases
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.pnn.checkpoint import load_dense
from nonideal.stages.codes import codes_of, refuse_codes_on, refuse_noise, takes_other_codes
from nonideal.stages.netlist import NetlistFiles, write_netlist
from nonideal.stages.training_job import train_one
from tests.tiny import TINY


def coded(bits: int = 4) -> Experiment:
    changed = {"circuit": {"synapse": {"kind": "coded", "bits": bits}}, "training": TINY["training"] | {"variants": ["bottom_up"]}}  # type: ignore[operator]  # fmt: skip
    return parse_experiment(TINY | changed | {"validation": {"mappings": ["bottom_up"]}}, "tiny.toml")


@pytest.fixture
def model(paper_model: PhysicalModel, column: Column) -> PhysicalModel:
    """Of codes; lambda falls with the full scale."""
    bank = CodedBank(
        lambda_ratio=(1.16, -0.2),
        current_ratio=(1.0,) * 15,
        lambda_spread=0.0,
        inl_lsb=0.0,
        off_A=0.0,
        rest_A=0.0,
    )
    codes = Codes(bits=4, full_scale=0.8, lowest=0.1, highest=3.0, positive=bank, negative=bank)
    return paper_model.model_copy(
        update={"columns": (column.model_copy(update={"axons": 3}), column), "codes": codes}
    )


@pytest.fixture
def trained(model: PhysicalModel, tmp_path: Path) -> Path:
    model.save(tmp_path / "model.json")
    return train_one(coded(), tmp_path / "model.json", "bottom_up", 1, tmp_path / "training").weights


def test_a_layer_is_told_by_its_own_full_scale(model: PhysicalModel, trained: Path) -> None:
    network = load_dense(trained)
    for axons, codes, physics in zip((5, 3), network.codes, network.physics, strict=True):
        full_scale = float(codes.full_scale)
        assert physics.beta_positive == layer_physics(model, axons, full_scale=full_scale).beta_positive
        assert physics.beta_positive != layer_physics(model, axons).beta_positive


def test_codes_are_written_into_the_mask_and_read_back(
    model: PhysicalModel, trained: Path, tmp_path: Path
) -> None:
    experiment = coded()
    files = NetlistFiles.beside(tmp_path / "net.spice")
    found = write_netlist(trained, tmp_path / "model.json", experiment, files, of="a test", clip=False)
    assert (found.synapses, found.clipped) == (24, 0)
    text = files.netlist.read_text()
    network = load_dense(trained)
    back = read_biases(text, BottomUp(model), design=experiment.circuit)
    for weight, layer in zip(back, network.linear_layers, strict=True):
        np.testing.assert_allclose(weight, layer.weight.detach().double().numpy(), rtol=1e-7, atol=1e-9)
    assert "Vgate_n_2 gate_n_2 0 " in text
    other = text.replace(" vss vss vss vss vdd ", " vdd vss vss vss vdd ", 1)
    assert other != text
    with pytest.raises(MappingError, match="a mask wires it to"):
        read_biases(other, BottomUp(model), design=experiment.circuit)


def test_codes_and_analog_circuits_do_not_go_together(
    model: PhysicalModel, trained: Path, tiny: Experiment, tmp_path: Path
) -> None:
    files = NetlistFiles.beside(tmp_path / "net.spice")
    with pytest.raises(CircuitError, match=r"these weights are codes.*circuit\.synapse\.kind"):
        write_netlist(trained, tmp_path / "model.json", tiny, files, of="a test", clip=False)
    model.model_copy(update={"codes": None}).save(tmp_path / "analog.json")
    analog = train_one(tiny, tmp_path / "analog.json", "pnn", 1, tmp_path / "analog").weights
    with pytest.raises(CircuitError, match=r"layer 1: .*no multiples.*trained for.*analog biases"):
        write_netlist(analog, tmp_path / "model.json", coded(), files, of="a test", clip=False)
    with pytest.raises(CircuitError, match=r"beyond 3, the largest of circuit\.synapse\.bits = 2"):
        write_netlist(trained, tmp_path / "model.json", coded(bits=2), files, of="a test", clip=False)
    assert not files.netlist.exists()


def test_analog_weights_are_no_network_of_codes(
    model: PhysicalModel, tiny: Experiment, tmp_path: Path
) -> None:
    """What conditions and yield ask of a circuit of codes; and what a chip of codes has no pins for."""
    model.model_copy(update={"codes": None}).save(tmp_path / "analog.json")
    analog = train_one(tiny, tmp_path / "analog.json", "pnn", 1, tmp_path / "analog").weights
    with pytest.raises(CircuitError, match=r"its weights are no codes.*the command train"):
        codes_of(analog)
    refuse_codes_on(tiny, "pex-rc")
    refuse_codes_on(coded(), "schematic")
    refuse_noise(tiny)
    with pytest.raises(
        ExperimentError, match=r"circuit\.synapse\.kind.*--netlist pex-rc.*leave --netlist out"
    ):
        refuse_codes_on(coded(), "pex-rc")
    with pytest.raises(ExperimentError, match=r"circuit\.synapse\.kind.*not of banks.*kind = \"pair\""):
        refuse_noise(coded())


def test_a_mask_keeps_its_codes_unless_told(tiny: Experiment) -> None:
    assert not takes_other_codes(coded())
    asked = coded().calibration.model_copy(update={"other_codes": True})
    assert takes_other_codes(coded().model_copy(update={"calibration": asked}))
