"""Columns against the whole network, in ngspice on an extracted layout."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nonideal.circuits.columns.current import Current
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.design import Design
from nonideal.circuits.errors import CircuitError
from nonideal.circuits.extraction import ExtractionOptions, extract
from nonideal.circuits.network.inference import Inference, infer_whole, samples
from nonideal.circuits.network.mapping import bias_sources, map_weights
from nonideal.circuits.network.netlist import Topology
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.circuits.network.wave import Wave
from nonideal.pnn.presets import preset
from nonideal.sky130_models import find_pdk, lean_library
from nonideal.spice import Attempt, Deck, Failure, FailureKind, Plot, Result, SimulatorOptions, run_many
from nonideal.stages.layout import DATABASE, draw_and_check

LAYERS = (3, 3, 2)


@pytest.fixture(scope="module")
def circuit(tmp_path_factory: pytest.TempPathFactory) -> Circuit:
    folder, design = tmp_path_factory.mktemp("network"), Design()
    topology = Topology.of(LAYERS, design)
    devices = draw_and_check(Topology.of(LAYERS, design), design, folder, override=False).summary.devices
    text = extract(
        folder / DATABASE, topology.ports, devices, folder=folder / "own", options=ExtractionOptions()
    ).text
    return Circuit(topology, design, text, lean_library(find_pdk(), "tt", text), preset("sky130_tt").vdis_V)


@pytest.fixture(scope="module")
def biases() -> Biases:
    rng = np.random.default_rng(7)
    weights = [rng.normal(0.7, 0.5, (n, m)) for m, n in ((3, 3), (3, 2))]
    return Biases("t", bias_sources(map_weights(weights, preset("sky130_tt"), clip=True)))


@pytest.mark.slow
def test_columns_spike_as_the_whole_network_does(circuit: Circuit, biases: Biases, tmp_path: Path) -> None:
    """0.1 ns rms and 0.3 ns at most; 0.05 and 0.1 were measured on 5-5-5 and 8-8-4."""

    def run(decks: list[Deck]) -> list[Result | Failure]:
        return run_many(decks, jobs=2, folder=tmp_path, timeout_s=300)

    inputs = np.array([[0.1, 0.45, 0.0], [0.8, 1.0, 0.0]])
    options = SimulatorOptions()
    whole, cut = (how(samples(circuit, biases, inputs), options, run) for how in (infer_whole, infer_columns))
    moved = []
    for one, other in zip(whole, cut, strict=True):
        assert isinstance(one, Inference)
        assert isinstance(other, Inference)
        a, b = np.concatenate(one.times_s), np.concatenate(other.times_s)
        assert (np.isfinite(a) == np.isfinite(b)).all()
        moved += (b - a)[np.isfinite(a)].tolist()
        assert other.energy_J == pytest.approx(one.energy_J, rel=0.02)
    assert len(moved) >= 6
    assert np.sqrt(np.mean(np.square(moved))) < 0.1e-9
    assert np.abs(moved).max() < 0.3e-9


@pytest.mark.parametrize(
    "part",
    [
        "op_t_0000_column_1_1",
        "t_0000_driver_1_1",
        "t_0000_column_1_2",
        "coarse_t_0000_column_2_1",
    ],
)
def test_a_sample_fails_where_a_piece_of_it_does(circuit: Circuit, biases: Biases, part: str) -> None:
    """With a simulator that tells nothing but which deck it was given: what else was asked is never made up."""
    asked: list[str] = []

    def run(decks: list[Deck]) -> list[Result | Failure]:
        asked.extend(deck.name for deck in decks)
        return [_failed(deck) if deck.name == part else _flat(deck) for deck in decks]

    (outcome,) = infer_columns(samples(circuit, biases, np.array([[0.1, 0.4, 0.0]])), SimulatorOptions(), run)
    assert part in asked
    assert isinstance(outcome, Failure)
    assert outcome.name == part


def test_the_first_neurons_alone(circuit: Circuit, biases: Biases) -> None:
    asked: list[str] = []

    def run(decks: list[Deck]) -> list[Result | Failure]:
        asked.extend(
            deck.name for deck in decks if "_column_" in deck.name and not deck.name.startswith("op_")
        )
        return [_flat(deck) for deck in decks]

    case = samples(circuit, biases, np.array([[0.1, 0.4, 0.0]]))
    (outcome,) = infer_columns(case, SimulatorOptions(), run, 2)
    assert isinstance(outcome, Inference)
    assert [len(layer) for layer in outcome.times_s] == [2]
    assert {name.partition("_column_")[2] for name in asked} == {"1_0", "1_1"}


def test_late_spikes_that_differ_by_nothing_have_decks_of_their_own(circuit: Circuit, biases: Biases) -> None:
    """A driver whose edges meet is simulated as it is: the names of two such decks are two."""
    asked: list[str] = []

    def run(decks: list[Deck]) -> list[Result | Failure]:
        asked.extend(deck.name for deck in decks if "driver" in deck.name)
        return [_flat(deck) for deck in decks]

    inputs = np.array([[0.9901, 0.4, 0.0], [0.9901 + 1e-9, 0.4, 0.0]])
    infer_columns(samples(circuit, biases, inputs), SimulatorOptions(), run)
    assert len(asked) == len(set(asked)) == 4


def test_samples_in_which_other_axons_spike_have_columns_of_their_own(
    circuit: Circuit, biases: Biases
) -> None:
    """Closed branches are joined by whether their axons spike: decks that lie in one folder say so in different files."""
    files: dict[str, set[str]] = {}

    def run(decks: list[Deck]) -> list[Result | Failure]:
        for deck in decks:
            for name, text in deck.includes.items():
                files.setdefault(name, set()).add(text)
        return [_flat(deck) for deck in decks]

    infer_columns(
        samples(circuit, biases, np.array([[0.1, 0.4, 0.0], [0.1, 1.0, 0.0]])), SimulatorOptions(), run
    )
    assert {name: len(texts) for name, texts in files.items() if len(texts) > 1} == {}
    assert files["t_0000_column_1_0.spice"] != files["t_0001_column_1_0.spice"]
    assert "t_0001_column_2_0.spice" not in files, "the same hidden neurons spike in both"


def test_the_firing_begins_where_the_accumulation_ended(
    circuit: Circuit, biases: Biases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every net of a long column keeps its charge; nothing of it is the simulator's own operating point. A short one is one deck."""
    monkeypatch.setattr("nonideal.circuits.columns.network.FEW_AXONS", 1)
    decks: dict[str, Deck] = {}

    def run(asked: list[Deck]) -> list[Result | Failure]:
        decks.update((deck.name, deck) for deck in asked)
        return [_flat(deck) for deck in asked]

    infer_columns(samples(circuit, biases, np.array([[0.1, 0.4, 0.0]])), SimulatorOptions(), run)
    before, after = (decks[f"t_0000_column_1_0_{span}"] for span in ("accumulation", "firing"))
    started = re.findall(r"^\.ic (v\(\S+\))=", after.text, re.MULTILINE)
    assert {"v(dendrite_1_0)", "v(neuron_1_0_sense)"} <= set(started) <= set(before.vectors)
    assert before.t_stop_s is not None
    assert after.t_stop_s is not None
    timing = circuit.design.timing
    assert before.t_stop_s + after.t_stop_s == pytest.approx(
        timing.reset_s + 2 * timing.t_circ_s + 3 * timing.guard_s
    )


def test_currents_are_put_into_the_columns_they_belong_to(circuit: Circuit, biases: Biases) -> None:
    """Beside a FET and on a membrane, on the column's clock; none where a neighbour is looked at, nor beside a branch that is joined to others."""
    decks: dict[str, Deck] = {}

    def run(asked: list[Deck]) -> list[Result | Failure]:
        decks.update((deck.name, deck) for deck in asked)
        return [_flat(deck) for deck in asked]

    (case,) = samples(circuit, biases, np.array([[0.1, 0.4, 0.0]]))
    timing, step = circuit.design.timing, Wave(np.array([0.0, 1.5e-6, 1.6e-6]), np.array([0.0, 0.0, 1e-9]))
    layer_s = timing.t_circ_s + timing.guard_s
    names = ["neuron_1_1_MDI", *(f"synapse_1_0_1_{fet}" for fet in ("MNM", "MNS", "MPM", "MPS"))]
    currents = [
        *(Current(name, step) for name in names),
        Current("neuron_2_0_membrane", step.shifted(layer_s)),
    ]
    infer_columns([case], SimulatorOptions(), run, currents={case.name: currents})
    put = {
        name: re.findall(r"^Iput_\d+ (\S+) (\S+) (PWL.*)$", deck.text, re.M) for name, deck in decks.items()
    }
    assert {name for name, lines in put.items() if lines} == {"t_0000_column_1_1", "t_0000_column_2_0"}
    assert len(put["t_0000_column_1_1"]) in (3, 4), "a closed branch of three is joined to the others"
    (into,) = put["t_0000_column_2_0"]
    assert into[0] == "0"
    assert into[1].startswith("neuron_2_0_membrane")
    assert into[2] == put["t_0000_column_1_1"][0][2] == "PWL(0 0 1.5e-06 0 1.6e-06 1e-09)"
    for strange in ("neuron_1_1_MXX", "driver_0_MN1"):
        with pytest.raises(CircuitError, match=strange):
            infer_columns([case], SimulatorOptions(), run, currents={case.name: [Current(strange, step)]})
    with pytest.raises(CircuitError, match="currents are given for nobody"):
        infer_columns([case], SimulatorOptions(), run, currents={"nobody": currents})


@pytest.mark.parametrize(
    ("sample", "told"), [([0.1, np.nan, 0.0], "hold NaN"), ([0.1, 0.2], "the network has 3 inputs")]
)
def test_a_sample_that_is_none_is_refused_before_anything_runs(
    circuit: Circuit, biases: Biases, sample: list[float], told: str
) -> None:
    def run(decks: list[Deck]) -> list[Result | Failure]:
        raise AssertionError(decks)

    with pytest.raises(CircuitError, match=told):
        infer_columns(samples(circuit, biases, np.array([sample])), SimulatorOptions(), run)


def test_inferences_that_are_called_alike_are_refused(circuit: Circuit, biases: Biases) -> None:
    """What came of one would stand for both."""
    case = samples(circuit, biases, np.array([[0.1, 0.4, 0.0]]))[0]
    with pytest.raises(CircuitError, match="t_0000 are there twice"):
        infer_columns(
            [case, replace(case, inputs=np.array([0.2, 0.4, 0.0]))], SimulatorOptions(), lambda _: []
        )


def _failed(deck: Deck) -> Failure:
    attempt = Attempt("as_given", FailureKind.short, 0.1, 0.1, "no convergence")
    return Failure(deck.name, FailureKind.short, "no convergence", (attempt,), Path(), "")


def _flat(deck: Deck) -> Result:
    """A result in which nothing moves but every spike's edges, 300 ns into each phase."""
    if deck.t_stop_s is None:
        values = {vector: np.zeros(1) for vector in deck.vectors}
        return Result(deck.name, (Plot("Operating Point", "index", np.zeros(1), values),), (), "")
    time_s = np.linspace(0.0, deck.t_stop_s, 4000)
    begun_s = 1.2999e-6 if deck.name.endswith("firing") else 0.0
    clock_s = begun_s + time_s
    high = ((clock_s > 0.6e-6) & (clock_s < 1.255e-6)) | ((clock_s > 1.6e-6) & (clock_s < 2.305e-6))
    waves = {
        vector: 1.8 * (high if "_b_" not in vector else ~high)
        if "spike" in vector or "axon" in vector
        else np.zeros(4000)
        for vector in deck.vectors
    }
    return Result(deck.name, (Plot("Transient Analysis", "time", time_s, waves),), (), "")
