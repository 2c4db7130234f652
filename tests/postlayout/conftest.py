"""A small network and a silicon that is known exactly: it stands in for the simulator, inside the process."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from nonideal.characterize.column import Column, TurnOn
from nonideal.characterize.model import Branch, Estimate, PhysicalModel
from nonideal.characterize.physics import Physics, network_physics
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.design import Design
from nonideal.circuits.network.mapping import read_biases
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.circuits.network.testbench import Circuit
from nonideal.circuits.network.timeline import Timeline
from nonideal.pnn import Dataset, Discharger, Encoding, Exact, RCSpikeNetwork, Reversal
from nonideal.postlayout.plan import ValidationPlan
from nonideal.sky130_models import Corner, Pdk
from nonideal.spice import Attempt, Cache, Deck, Failure, FailureKind, Plot, Result, SimulatorOptions

EDGE_S = 1e-10
SUPPLY_A, RESET_A = 1e-6, 2e-7


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


def estimate(value: float, unit: str) -> Estimate:
    return Estimate(value=value, stderr=0.0, unit=unit)


def branch(lambda_per_V: float, first_V: float, step_V: float, off_V: float) -> Branch:
    currents = np.geomspace(1e-12, 1e-6, 25)
    return Branch(
        lambda_per_V=estimate(lambda_per_V, "1/V"),
        lambda_polynomial_per_V=(lambda_per_V,),
        lambda_polynomial_rms_per_V=0.0,
        ln_current=tuple(float(x) for x in np.log(currents)),
        bias_V=tuple(float(x) for x in first_V + step_V * np.arange(25)),
        off_bias_V=off_V,
        linearity_rms=0.001,
        current_min_A=float(currents[0]),
        current_max_A=float(currents[-1]),
    )


@pytest.fixture(scope="session")
def model() -> PhysicalModel:
    """The paper's numbers; lambda does not depend on the current, so that the physical network is the silicon."""
    return PhysicalModel(
        corner="tt", temperature_C=27.0, vdd_V=1.8, t_circ_s=1e-6, v_0_V=estimate(1.3, "V"), v_switch_V=estimate(0.428, "V"),
        sensing_delay_s=estimate(0.0, "s"), membrane_F=estimate(120e-15, "F"), membrane_per_axon_F=estimate(1.2e-15, "F"), axons=5,
        lambda_dis_per_V=estimate(0.177, "1/V"), discharge_norm=estimate(0.154, "1"), vdis_V=0.55, vsense_V=0.95,
        positive=branch(0.41, 0.2, 0.02, 0.0), negative=branch(0.75, 1.6, -0.02, 1.8), valid_V=(0.43, 1.36), additivity_error=0.0,
        provenance={},
    )  # fmt: skip


@pytest.fixture(scope="session")
def column() -> Column:
    """As one of the model's would be on an extracted netlist: more capacitance, another threshold, corrections of every kind."""
    turn_on = TurnOn(delay_s=estimate(3e-10, "s"), charge_C=estimate(-2e-17, "C"))
    return Column(
        netlist="pex-rc", axons=5, vdis_V=0.5525, v_0_V=estimate(1.298, "V"), v_th_V=estimate(0.9, "V"), discharge_norm=estimate(0.157, "1"),
        membrane_F=estimate(131e-15, "F"), coupling_F=estimate(2e-16, "F"), positive=turn_on, negative=turn_on,
        driver_delay_s=estimate(1.5e-10, "s"), spike_load_s=estimate(7e-11, "s"), firing_rms_s=2e-10, turn_on_rms_V=8e-5, check_rms_s=6e-10,
        check_spikes=12,
    )  # fmt: skip


@dataclass
class Silicon:
    """Runs decks as a network of exactly the model's physics would: reads inputs and biases from the deck's own text.

    ``gain`` multiplies all currents, ``late_s`` delays the spikes of a layer, ``floor_s`` those of tightened runs. ``fails`` says
    which decks give no result. ``started`` are the names of the decks that were run.
    """

    model: PhysicalModel
    timeline: Timeline
    gain: float = 1.0
    late_s: dict[int, float] = field(default_factory=dict)
    floor_s: float = 0.0
    fails: Callable[[str], bool] = lambda name: False
    retried: bool = False
    started: list[str] = field(default_factory=list)

    def run_many(
        self,
        decks: Sequence[Deck],
        *,
        folder: Path,
        cache: Cache | None = None,
        keep: str = "decks",
        **_: Any,
    ) -> list[Result | Failure]:
        return [self.run(deck, folder, cache, keep) for deck in decks]

    def run(self, deck: Deck, folder: Path, cache: Cache | None, keep: str) -> Result | Failure:
        known = None if cache is None else cache.get(deck.key("fake"))
        if known is not None:
            return known
        self.started.append(deck.name)
        if self.fails(deck.name):
            return Failure(deck.name, FailureKind.crashed, "ended by signal 11", (), folder)
        attempts: tuple[Attempt, ...] = (Attempt("as_given", None, 0.5, 0.6),)
        if keep == "raw":
            folder.mkdir(parents=True, exist_ok=True)
            if self.retried:
                attempts = (Attempt("as_given", FailureKind.short, 0.5, 0.6), Attempt("gear", None, 0.5, 0.6))
                (folder / f"{deck.name}.raw").write_text("short")
            (folder / f"{deck.name}{'+gear' if self.retried else ''}.raw").write_text("whole")
        result = Result(deck.name, (self.plot(deck),), attempts, "fake")
        if cache is not None:
            cache.put(deck.key("fake"), result)
        return result

    def spikes_s(self, deck: Deck) -> dict[str, float]:
        """Net -> absolute time of its spike; nets without one are missing."""
        timeline, t_circ_s = self.timeline, self.timeline.timing.t_circ_s
        inputs = {}
        for card in deck.text.splitlines():
            found = re.match(r"Vin_(\d+) \S+ 0 (.*)", card)
            if found:
                numbers = [float(word) for word in found[2].removeprefix("PWL(").rstrip(")").split()]
                at = (numbers[2] + numbers[4]) / 2 if len(numbers) > 1 else np.inf
                inputs[int(found[1])] = (at - timeline.firing_s(0)) / t_circ_s
        t = torch.tensor([[inputs[j] for j in sorted(inputs)]], dtype=torch.float64)
        biases = next(text for name, text in deck.includes.items() if name.startswith("biases_"))
        physics, discharger = Reversal.from_model(self.model), Discharger(self.model.discharge_norm.value)
        spikes = {}
        for layer, matrix in enumerate(read_biases(biases, self.model), start=1):
            weight = torch.from_numpy(matrix) * self.gain
            late = discharger.unclipped(Exact().membrane(t, weight, physics.conductance(weight))).clamp(
                min=0.0
            )
            for k, at in enumerate(late[0].tolist()):
                shift = self.late_s.get(layer, 0.0) + (
                    self.floor_s if deck.name.startswith("floor_") else 0.0
                )
                if at * t_circ_s + shift <= timeline.window_s:
                    spikes[Topology.spike(layer, k)] = timeline.firing_s(layer) + at * t_circ_s + shift
            t = late.clamp(max=1.0)
        return spikes

    def plot(self, deck: Deck) -> Plot:
        spikes, stop = self.spikes_s(deck), self.timeline.stop_s
        knees = [t + side * EDGE_S / 2 for t in spikes.values() for side in (-1, 1)]
        axis = np.unique(np.concatenate([np.linspace(0.0, stop, 401), knees]))
        waves: dict[str, Any] = {}
        for vector in deck.vectors:
            net = vector[2:-1]
            if net in spikes:
                layer = int(net.split("_")[1])
                ends = self.timeline.spans()[f"phase_{layer}"][1]
                rise = np.interp(axis, [spikes[net] - EDGE_S / 2, spikes[net] + EDGE_S / 2], [0.0, 1.8])
                waves[vector] = np.where(axis < ends + EDGE_S, rise, 0.0)
            elif vector in ("i(vdd)", "i(vv0)"):
                waves[vector] = np.full(axis.shape, -(SUPPLY_A if vector == "i(vdd)" else RESET_A))
            else:
                waves[vector] = np.zeros(axis.shape)
        return Plot("Transient Analysis", "time", axis, waves)


@dataclass
class Setting:
    """Everything a validation needs, at hand to be changed."""

    plan: ValidationPlan
    bench: Workbench
    silicon: Silicon
    networks: dict[str, RCSpikeNetwork]


def make_network(
    sizes: tuple[int, ...],
    reversal: Reversal,
    model: PhysicalModel,
    seed: int = 0,
    physics: tuple[Physics, ...] = (),
) -> RCSpikeNetwork:
    """Weights with positive sums, so that most neurons fire inside the phase."""
    network = RCSpikeNetwork(sizes, reversal, Discharger(model.discharge_norm.value), physics=physics)
    rng = np.random.default_rng(seed)
    for layer in network.linear_layers:
        values = rng.uniform(-0.3, 0.9, layer.weight.shape) * (2.5 / layer.in_features)
        layer.weight.data = torch.from_numpy(values.astype(np.float32))
    return network


def make_dataset(features: int, classes: int, samples: int = 6, seed: int = 1) -> Dataset:
    rng = np.random.default_rng(seed)

    def part(n: int) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(0.0, 0.7, (n, features)))

    labels = torch.arange(samples) % classes
    return Dataset(
        part(10),
        torch.arange(10) % classes,
        part(samples),
        labels,
        features,
        classes,
        "made",
        Encoding(bias=False),
    )


@pytest.fixture
def setting(model: PhysicalModel, column: Column, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Setting]:
    """A validation of networks of any sizes on the exactly known silicon."""

    def make(
        sizes: tuple[int, ...] = (4, 3, 2),
        mappings: Sequence[str] = ("pnn",),
        samples: int = 6,
        **silicon: Any,
    ) -> Setting:
        design, topology = Design(), Topology(sizes)
        circuit = Circuit(topology, design, schematic(topology, design), "* models\n", model.vdis_V)
        reversals = {"pnn": Reversal.from_model(model), "ann": Reversal.ideal()}
        measured = model.model_copy(update={"columns": (column,)}) if "bottom_up" in mappings else model
        networks = {
            m: make_network(sizes, reversals[m], model)
            if m in reversals
            else make_network(sizes, reversals["pnn"], model, physics=network_physics(measured, sizes))
            for m in mappings
        }
        plan = ValidationPlan(
            circuit,
            "schematic",
            measured,
            networks,
            make_dataset(sizes[0], sizes[-1]),
            samples,
            calibration_samples=4,
        )
        fake = Silicon(model, circuit.timeline, **silicon)
        monkeypatch.setattr("nonideal.postlayout.runner.run_many", fake.run_many)
        monkeypatch.setattr("nonideal.postlayout.waveforms.run_many", fake.run_many)
        bench = Workbench(cast(Pdk, None), Corner.tt, SimulatorOptions(), 1, 10.0)
        return Setting(plan, bench, fake, networks)

    return make
