"""What experiment and data tell is refused by every command before anything runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nonideal.circuits.errors import CircuitError
from nonideal.cli.main import main
from nonideal.experiment.errors import ExperimentError, RequirementMissing
from nonideal.experiment.experiment import Experiment, load_experiment, parse_experiment
from nonideal.pnn.errors import BadParameter, DataError
from nonideal.runs.errors import NoCircuit
from nonideal.stages.checks import check_before
from nonideal.stages.table import LOOP, STAGES

EVERY = {
    "characterize": [],
    "explore": [],
    "conditions": [],
    "yield": [],
    "calibrate": ["--chip", "1"],
    "train": [],
    "netlist": [],
    "layout": [],
    "validate-post-layout": [],
    "reproduce": [],
}
SYNAPSE = ".subckt synapse axon axon_b dendrite bias_n bias_p vdd vss\nR1 dendrite vss 1k\n.ends synapse\n"


def experiment(**sections: Any) -> Experiment:
    return parse_experiment({"name": "mine"} | sections, "mine.toml")


def check(one: Experiment, *stages: str, **options: dict[str, Any]) -> None:
    check_before(one, [STAGES[name] for name in stages], options, lambda _: None)


@pytest.mark.parametrize("command", EVERY)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[training]\nlayers = [32, 32, 10]\n", "layers = [5, 32, 10]"),
        ("[training]\nlayers = [5, 4, 2]\n", "layers = [5, 4, 3]"),
        ("[data]\ntest_samples = 148\n", "choose 3..147"),
        ("[data]\nset = 'mnist'\nfolder = 'nowhere'\n", "nowhere"),
        ("[validation]\ncalibration_samples = 101\n", "has 100 training samples"),
    ],
)
def test_every_command_refuses_what_experiment_and_data_tell(
    command: str,
    text: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")  # nothing could be simulated
    (tmp_path / "mine.toml").write_text(f'name = "mine"\n{text}')
    with pytest.raises(SystemExit) as ended:
        main([command, "-e", "mine.toml", *EVERY[command]])
    assert ended.value.code == 2
    assert told in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert sorted(path.name for path in (tmp_path / "runs" / "mine").iterdir()) == [".lock"]


@pytest.mark.parametrize(
    "name",
    [
        "iris",
        "iris_robust",
        "iris_everywhere",
        "wine",
        "digits",
        "iris_fixed_bias",
        "iris_low_energy",
        "iris_mask",
        "iris_tile",
    ],
)
def test_the_experiments_that_come_along_pass(name: str) -> None:
    check(load_experiment(name), "training", "netlist")


def test_a_training_on_chips_needs_their_spread() -> None:
    drawn = {"training": {"variation": {"chips": 4}}}
    with pytest.raises(ExperimentError, match=r"characterize\.draws = 200"):
        check(experiment(**drawn), "characterization", "training")
    check(experiment(**drawn), "training")  # on a model that may have it


def test_a_dense_network_without_a_circuit_needs_outputs() -> None:
    with pytest.raises(DataError, match="make the last 3"):
        check(experiment(training={"network": {"neuron": "ttfs", "layers": [8, 2]}}), "training")
    with pytest.raises(NoCircuit):
        check(experiment(training={"network": {"neuron": "ttfs", "layers": [8, 3]}}), "netlist")


def test_devices_are_asked_for_where_there_is_something_to_train() -> None:
    many = experiment(training={"devices": 51})
    check(many, "netlist")
    with pytest.raises(BadParameter, match="devices = 51"):
        check(many, "training")


def test_what_cannot_be_drawn_is_known_before() -> None:
    with pytest.raises(CircuitError, match="need no layout"):
        check(experiment(training={"layers": [5, 1000, 3]}), *LOOP)
    wide = experiment(circuit={"synapse": {"memory_n": {"w_um": 50.0, "l_um": 0.25}}})
    with pytest.raises(CircuitError):
        check(wide, "layout")
    check(wide, "netlist")


def test_own_cells_are_not_drawn_and_have_no_mismatch() -> None:
    own = experiment(circuit={"cells": {"synapse": SYNAPSE}})
    check(own, "training", "netlist")
    with pytest.raises(CircuitError, match="only our own cells can be drawn"):
        check(own, "layout")
    with pytest.raises(CircuitError, match=r"mismatch is known.*where circuit\.cells leaves out synapse"):
        check(own, "mismatch")


def test_an_extractor_that_is_not_there_is_exit_3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything runs: a kpex only where it is asked for, for our own a compiler."""
    for variable, extraction in (("NONIDEAL_KPEX", {"extractor": "kpex"}), ("CXX", {})):
        with monkeypatch.context() as lacking:
            lacking.setenv(variable, "/nowhere/tool")
            check(experiment(), "layout", layout={"netlist": "schematic"})
            with pytest.raises(RequirementMissing, match="nowhere"):
                check(experiment(extraction=extraction), "layout", layout={"netlist": "pex-c"})
            on_layouts = experiment(characterize={"on": "pex-rc"}, extraction=extraction)
            for stage in ("columns", "explore"):
                with pytest.raises(RequirementMissing):
                    check(on_layouts, stage)
    monkeypatch.setenv("NONIDEAL_KPEX", "/nowhere/kpex")
    check(experiment(), "layout", layout={"netlist": "pex-c"})


def test_images_that_are_fetched_need_not_be_there_to_characterise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"set": "mnist", "folder": str(tmp_path / "mnist"), "bias_axon": False, "download": True}
    later = experiment(data=wanted, training={"layers": [784, 10]})
    check(later, "netlist")

    def no_network(*_: object) -> None:
        raise DataError("no network")

    monkeypatch.setattr("nonideal.pnn.images.download_openml", no_network)
    with pytest.raises(DataError, match="no network"):
        check(later, "training")
