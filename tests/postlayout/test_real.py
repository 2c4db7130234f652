"""A small network in the real simulator: its spikes are the model's to 3 ns, whatever order its pins have."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from nonideal.characterize.stage import Characterization
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Biases, Circuit, energy_J, spike_times_s
from nonideal.pnn import Dataset, Discharger, Encoding, RCSpikeNetwork, Reversal
from nonideal.postlayout.plan import ValidationPlan
from nonideal.postlayout.prediction import unclipped_times
from nonideal.postlayout.stage import Validation, validate
from nonideal.sky130_models import lean_library
from nonideal.spice import Cache, Result, find_ngspice, run_many

pytestmark = pytest.mark.spice
SIZES = (3, 2, 2)
WEIGHTS = (
    [[0.9, 0.35, -0.25], [-0.2, 0.5, 0.75]],
    [[0.8, -0.3], [0.25, 0.6]],
)
TEST_X = [[0.05, 0.3, 0.6], [0.5, 0.1, 0.2], [0.2, 0.2, 0.9]]


@dataclass(frozen=True)
class Real:
    """A validation on the real simulator, and what a first run of it gave."""

    plan: ValidationPlan
    bench: Workbench
    folder: Path
    found: Validation


@pytest.fixture(scope="module")
def real(
    characterization: Characterization,
    make_workbench: Callable[..., Workbench],
    tmp_path_factory: pytest.TempPathFactory,
) -> Real:
    folder = tmp_path_factory.mktemp("validation")
    bench, model, design = make_workbench(cache=Cache(folder / "cache")), characterization.model, Design()
    topology = Topology(SIZES)
    models = lean_library(bench.pdk, bench.corner, cells_text(design))
    circuit = Circuit(topology, design, schematic(topology, design), models, model.vdis_V)
    network = RCSpikeNetwork(SIZES, Reversal.current_dependent(model), Discharger(model.discharge_norm.value))
    for layer, values in zip(network.linear_layers, WEIGHTS, strict=True):
        layer.weight.data = torch.tensor(values)
    train = torch.tensor([[0.1, 0.4, 0.5], [0.4, 0.2, 0.3]], dtype=torch.float64)
    test = torch.tensor(TEST_X, dtype=torch.float64)
    promised = unclipped_times(network, test)
    labels = torch.from_numpy(promised[-1].argmin(axis=1))
    data = Dataset(train, torch.tensor([0, 1]), test, labels, 3, 2, "made", Encoding(bias=False))
    plan = ValidationPlan(
        circuit, "schematic", model, {"pnn": network}, data, samples=3, calibration_samples=2
    )
    return Real(plan, bench, folder, validate(plan, bench, folder))


def test_spikes_come_when_the_model_says(real: Real) -> None:
    rows = real.found.spikes
    pairs = rows[rows["kind"] == "pair"]
    assert len(pairs) >= 9
    assert set(rows["kind"]) <= {"pair", "silent"}
    error = (pairs["t_spice_s"] - pairs["t_model_s"]).abs()
    assert error.max() < 3e-9, pairs.assign(error_ns=1e9 * error).to_string()
    pnn = real.found.summary.mappings["pnn"]
    assert pnn.spike_time_rmse_s.output < 2e-9
    assert pnn.accuracy_spice == pnn.accuracy_model == 1.0
    assert pnn.current_scale.positive == pytest.approx(1.0, abs=0.05)
    assert real.found.failures == ()


def test_the_numbers_beside_the_error(real: Real) -> None:
    summary = real.found.summary
    assert 0 < summary.numerical_floor_s < 0.3e-9
    assert 0 < summary.seconds_per_sample < 5
    # Four neurons; a sensing inverter alone draws about a microampere for half of a phase.
    assert 1e-13 < summary.mappings["pnn"].energy_per_inference_J < 1e-10


def test_membranes_of_the_worst_sample_lie_on_the_models(real: Real) -> None:
    """Model over SPICE at the end of the accumulation: a few millivolts."""
    table = pd.read_parquet(next(path for path in real.found.waveforms if path.suffix == ".parquet"))
    timeline = real.plan.circuit.timeline
    for layer in (1, 2):
        end = timeline.accumulation_s(layer) + 0.99e-6
        for k in range(2):
            rows = table[table["net"] == f"membrane_{layer}_{k}"]
            at = [
                float(np.interp(end, part["time_s"], part["volts_V"]))
                for _, part in rows.groupby("source", sort=True)
            ]
            assert len(at) == 2
            assert at[0] == pytest.approx(at[1], abs=0.015)


def sample_decks(real: Real, circuit: Circuit, name: str) -> list[Any]:
    weights = [np.array(matrix) for matrix in WEIGHTS]
    biases = Biases(name, bias_sources(map_weights(weights, real.plan.model)))
    rows = enumerate(real.plan.dataset.test_x.numpy()[:2])
    return [circuit.deck(f"{name}_{i}", biases, row, real.bench.simulator) for i, row in rows]


def test_shuffled_pins_give_the_same_spikes(real: Real, tmp_path: Path) -> None:
    """An extracted netlist has its own order of pins, on continued lines."""
    circuit = real.plan.circuit
    ports = list(circuit.topology.ports)
    shuffled = list(np.random.default_rng(3).permutation(ports))
    plain = f".subckt network {' '.join(ports)}\n"
    assert plain in circuit.netlist
    rows = [" ".join(shuffled[i : i + 8]) for i in range(0, len(shuffled), 8)]
    netlist = circuit.netlist.replace(plain, ".subckt network " + "\n* next\n+ ".join(rows) + "\n")
    decks = (
        sample_decks(real, circuit, "plain"),
        sample_decks(real, replace(circuit, netlist=netlist), "shuffled"),
    )
    times = []
    for k, group in enumerate(decks):
        outcomes = run_many(group, jobs=2, folder=tmp_path / str(k), timeout_s=60.0)
        assert all(isinstance(outcome, Result) for outcome in outcomes)
        times.append([np.concatenate(spike_times_s(o, circuit)) for o in outcomes if isinstance(o, Result)])
        assert all(energy_J(o, circuit) > 0 for o in outcomes if isinstance(o, Result))
    np.testing.assert_allclose(times[0], times[1], rtol=0, atol=0.1e-9)
    assert np.isfinite(times[0]).any()


def test_a_sample_that_crashes_is_failed_and_the_rest_stands(
    real: Real, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real simulator but for one deck; its result was removed from the cache, all others are known."""
    deck = real.folder / "decks" / "pnn_0001.cir"
    script = tmp_path / "ngspice-that-fails"
    script.write_text(
        f'#!/bin/sh\nfor last; do :; done\ncase "$last" in pnn_0001*) kill -SEGV $$;; esac\n'
        f'exec {shlex.quote(str(find_ngspice().path))} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("NONIDEAL_NGSPICE", str(script))
    cache = Cache(real.folder / "cache")
    scale, network = real.found.scales["pnn"], real.plan.networks["pnn"]
    weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
    biases = Biases("pnn", bias_sources(map_weights(weights, real.plan.model, scale=scale.pair)))
    row = real.plan.dataset.test_x.numpy()[1]
    same = real.plan.circuit.deck("pnn_0001", biases, row, real.bench.simulator)
    assert deck.read_text() == same.text, "the deck on disk is the deck that was run"
    entry = cache.path(same.key(find_ngspice().version))
    assert entry.is_file()
    kept = entry.read_bytes()
    entry.unlink()
    try:
        found = validate(real.plan, real.bench, tmp_path / "validation")
    finally:
        entry.write_bytes(kept)
    failed = found.spikes[found.spikes["sample"] == 1]
    assert (failed["kind"] == "failed").all()
    assert failed["t_spice_s"].isna().all()
    assert [f.name for f in found.failures] == ["pnn_0001"]
    assert found.summary.failed_samples == 1
    order = ["sample", "layer", "neuron"]
    others = found.spikes[found.spikes["sample"] != 1].sort_values(order).reset_index(drop=True)
    before = real.found.spikes[real.found.spikes["sample"] != 1].sort_values(order).reset_index(drop=True)
    pd.testing.assert_frame_equal(others, before, check_exact=True)


def test_a_second_run_simulates_only_the_waveforms(real: Real, tmp_path: Path) -> None:
    again = validate(real.plan, real.bench, tmp_path)
    pd.testing.assert_frame_equal(again.spikes, real.found.spikes, check_exact=True)
    assert again.summary == real.found.summary
    logs = {path.stem for path in (tmp_path / "decks").glob("*.log")}
    assert logs == {"worst_pnn"}
