"""`nonideal noise`: options checked at the door, the stage on a model that has its noise, files, report; a simulator that fails."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nonideal.characterize.errors import CharacterizationFailed
from nonideal.characterize.jitter import network_noise
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.workbench import Workbench
from nonideal.cli.main import main
from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import Experiment, parse_experiment
from nonideal.pnn.checkpoint import Provenance, WeightsHeader, save_network
from nonideal.pnn.jitter import PARTS
from nonideal.pnn.network import NetworkOptions
from nonideal.pnn.robustness import noisy_accuracy
from nonideal.pnn.variants import variant_options
from nonideal.postlayout.jitter import INHERITED, blind_network, network_jitter
from nonideal.report.blocks import Panel
from nonideal.report.noise import noise_blocks
from nonideal.report.noise_table import noise_tables
from nonideal.runs.commands import CommandLine
from nonideal.runs.results import load_results
from nonideal.runs.rundir import RunDir
from nonideal.runs.stage import Work
from nonideal.runs.summaries.noise import NoiseSummary
from nonideal.spice import Deck, Failure, FailureKind
from nonideal.stages import noise as stage
from nonideal.stages.needs import noise_needs
from nonideal.stages.noise import mapping_of, measure_jitter, section_from_options, wilson

EXPERIMENT = """
name = "tiny"
[training]
layers = [5, 3, 3]
variants = ["pnn", "bottom_up"]
seeds = [1]
[validation]
mappings = ["pnn"]
[noise]
column_runs = 0
draws = 20
"""


def experiment(more: str = "") -> Experiment:
    return parse_experiment(tomllib.loads(EXPERIMENT + more), "tiny.toml")


def test_options_become_the_section_and_come_back_as_options() -> None:
    found = section_from_options(40, 5, 3000.0)
    assert found == {"column_runs": 40, "network_runs": 5, "low_corner_Hz": 3000.0}
    told = CommandLine(changes={"noise": found}).command("noise", experiment(), RunDir(Path("there")), {})
    assert told.endswith(" --column-runs 40 --network-runs 5 --low-corner 3000")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--column-runs", "-1"], "0 for none"),
        (["--network-runs", "-3"], "0 for none"),
        (["--low-corner", "0"], "above 0"),
        (["--characterize-on", "pex"], "measured on the same"),
        (["--netlist", "pex-rc", "--column-runs", "8"], "give --network-runs"),
        (["--netlist", "pex-rc", "--characterize-on", "schematic"], "measured on the same"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(EXPERIMENT)
    with pytest.raises(SystemExit) as caught:
        main(["noise", "-e", "tiny.toml", *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise": {"low_corner_Hz": 1e6}}, "at most 500000"),
        ({"training": {"spike_noise": "measured"}}, "characterize.noise = true"),
        ({"training": {"spike_noise": "measured", "spike_noise_norm": 0.01}}, "takes the place of"),
        ({"training": {"variants": ["pnn"]}, "validation": {"mappings": ["pnn"]}, "noise": {"mapping": "bottom_up"}}, "does not train"),
    ],
)  # fmt: skip
def test_an_experiment_that_does_not_fit_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ExperimentError, match=message):
        parse_experiment({"name": "e"} | changes, "e.toml")


def test_training_on_a_preset_knows_its_noise() -> None:
    asked = {"name": "e", "training": {"spike_noise": "measured", "preset": "sky130_tt"}}
    assert parse_experiment(asked, "e.toml").training.spike_noise == "measured"
    assert mapping_of(parse_experiment(asked, "e.toml")) == "bottom_up"


def test_wilson_s_interval() -> None:
    """Beside the table of Brown, Cai and DasGupta's formula: 48 of 50."""
    assert wilson(48 / 50, 50) == pytest.approx((0.8654, 0.9890), abs=1e-4)
    assert wilson(1.0, 50)[1] == pytest.approx(1.0)


def test_jitter_is_handed_on_by_the_network_s_derivatives(noisy_model: PhysicalModel) -> None:
    """The output's jitter beside drawn networks: hidden spikes moved, the rest as it is."""
    generator = np.random.default_rng(0)
    weights = [generator.uniform(-0.1, 0.7, (4, 5)), generator.uniform(-0.1, 0.7, (3, 4))]
    network, inputs = blind_network(noisy_model, weights), generator.uniform(0.2, 0.8, (3, 5))
    noises = network_noise(noisy_model, (5, 4, 3))
    hidden, output = network_jitter(network, inputs, noises)
    assert set(hidden.parts) == {*PARTS, INHERITED}
    assert not hidden.parts[INHERITED].any()
    drawn = hidden.time + np.where(hidden.fires, hidden.sigma, 0.0) * generator.standard_normal(
        (400, *hidden.time.shape)
    )
    layer = network.linear_layers[1]
    moved = np.array([layer(torch.as_tensor(one)).unclipped.detach().numpy() for one in drawn])
    usable = output.fires & (output.time < 0.95) & (output.time > 0.05)
    assert usable.any()
    assert moved.std(0)[usable] == pytest.approx(np.sqrt(output.parts[INHERITED][usable]), rel=0.2)


@pytest.fixture
def prepared(tmp_path: Path, noisy_model: PhysicalModel, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A run directory with a model that has its noise, and weights."""
    from nonideal.stages import workbench as made

    chosen = experiment()
    rundir = RunDir(tmp_path / "runs" / "tiny")
    rundir.model.parent.mkdir(parents=True)
    noisy_model.save(rundir.model)
    options = variant_options("bottom_up", noisy_model, (5, 3, 3))
    torch.manual_seed(1)  # weights with which outputs fire
    network, file = options.build(), rundir.weights("bottom_up")
    file.parent.mkdir(parents=True)
    save_network(file, network, _header(options))
    folder = rundir.stage("noise")
    bench = Workbench(None, chosen.process.corner, chosen.simulator.options(27.0), 1, 1.0)  # type: ignore[arg-type]
    monkeypatch.setattr(made, "workbench", lambda *_: bench)
    context = SimpleNamespace(console=SimpleNamespace(print=lambda *_: None))
    return Work(chosen, rundir, context, folder, {})  # type: ignore[arg-type]


def _header(options: NetworkOptions) -> WeightsHeader:
    told = {
        "variant": "bottom_up",
        "seed": 1,
        "dataset": "iris",
        "encoding": {},
        "model_sha256": "0",
        "epochs": 1,
    }
    return WeightsHeader(network=options, provenance=Provenance.model_validate(told))


def test_the_stage_says_what_jitter_is_made_of(prepared: Work) -> None:
    done = measure_jitter(prepared)
    summary = NoiseSummary.load(prepared.folder / "summary.json")
    assert done.summary == summary
    assert (summary.column, summary.network) == ((), ())
    for one in summary.layers:
        if one.spikes:
            assert one.rms_s == pytest.approx(
                np.sqrt(sum(part**2 for part in one.parts_s.values())), rel=1e-6
            )
            assert one.min_s <= one.typ_s <= one.max_s  # type: ignore[operator]
    corners = [one.output_rms_s for one in summary.corners]
    assert corners == sorted(corners, reverse=True)  # type: ignore[type-var]
    table = pd.read_csv(prepared.folder / "jitter.csv")
    parts = [f"{name}_s" for name in (*PARTS, INHERITED)]
    squares = (table[parts].to_numpy() ** 2).sum(axis=1)
    assert np.sqrt(squares) == pytest.approx(table["sigma_s"].to_numpy(), rel=1e-6, abs=0.0)
    assert PhysicalModel.load(prepared.folder / "model.json").noise is not None
    assert summary.accuracy.low <= summary.accuracy.mean <= summary.accuracy.high
    titles = [table.title for table in noise_tables(summary)]
    assert titles == [
        "Jitter of a spike by the circuit's own noise",
        "What jitter is made of",
        "Accuracy under noise",
    ]
    results = load_results(prepared.rundir.path)
    panel, *tables = noise_blocks(results)
    assert len(tables) == 3
    assert isinstance(panel, Panel)
    (trace,) = panel.charts[0].traces
    assert len(trace["x"]) == 5
    assert json.loads((prepared.folder / "summary.json").read_text())["seed"] == 20261


def test_a_simulator_that_fails_is_told(prepared: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(bench: Workbench, decks: list[Deck], folder: Path) -> list[Failure]:
        return [Failure(deck.name, FailureKind.timed_out, "too slow", (), folder) for deck in decks]

    monkeypatch.setattr(Workbench, "attempt", attempt)
    monkeypatch.setattr("nonideal.postlayout.jitter.lean_library", lambda *_: "* models\n")
    chosen = prepared.experiment.changed({"noise": {"network_runs": 2}})
    work = Work(chosen, prepared.rundir, prepared.context, prepared.folder, {})
    with pytest.raises(CharacterizationFailed, match="too slow"):
        measure_jitter(work)


def test_on_a_layout_the_network_s_own_netlist_is_simulated(
    prepared: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extracted netlist is needed and read, and goes into the decks; a neuron by itself is not simulated."""
    kind = {"netlist": "pex-rc"}
    assert "extraction" in noise_needs(prepared.experiment, prepared.rundir, kind)
    assert "extraction" not in noise_needs(prepared.experiment, prepared.rundir, {})
    asked: list[str | None] = []

    def watch(*_: object, extracted: str | None = None) -> None:
        asked.append(extracted)
        raise CharacterizationFailed("enough")

    monkeypatch.setattr("nonideal.postlayout.jitter.watch", watch)
    file = prepared.rundir.path / "layout" / "network.pex.spice"
    file.parent.mkdir()
    file.write_text(".subckt network a vss\nR1 a vss 1000.0\n.ends\n")
    chosen = prepared.experiment.changed({"noise": {"network_runs": 2, "column_runs": 8}})
    with pytest.raises(CharacterizationFailed, match="enough"):
        measure_jitter(Work(chosen, prepared.rundir, prepared.context, prepared.folder, kind))
    (text,) = asked
    assert text is not None
    assert "1000" in text


def test_a_spike_that_noise_silences_is_no_small_jitter() -> None:
    times = np.array([5e-7, np.inf, 5.01e-7])
    with pytest.raises(CharacterizationFailed, match="1 of 3 noisy simulations"):
        stage._neuron(1, 0, times, 5e-7, 3e-9)
    found = stage._neuron(2, 1, np.random.default_rng(1).normal(5e-7, 3e-9, 400), 5e-7, 3e-9)
    assert found.sigma_s == pytest.approx(3e-9, rel=0.1)
    assert abs(found.skewness) < 3 * found.skewness_stderr


def test_noise_of_the_wrong_depth_is_refused(noisy_model: PhysicalModel) -> None:
    network = variant_options("bottom_up", noisy_model, (5, 3, 3)).build()
    with pytest.raises(Exception, match="give one for each"):
        noisy_accuracy(
            network, torch.rand(2, 5), torch.zeros(2, dtype=torch.long), network_noise(noisy_model, (5, 3)), draws=1, seed=0
        )  # fmt: skip
