"""What runs the samples of a validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nonideal.characterize.workbench import Workbench
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.network.inference import Case, Inference, infer_whole, samples
from nonideal.circuits.network.mapping import map_weights
from nonideal.circuits.network.testbench import Biases, Circuit
from nonideal.postlayout.plan import ValidationPlan
from nonideal.postlayout.scale import Scale
from nonideal.spice import Deck, Failure, Result, SimulatorOptions, run_many

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs samples of one plan; every deck goes to ``folder``, every result through the cache, every failure to ``failures``."""

    plan: ValidationPlan
    bench: Workbench
    folder: Path
    say: Callable[[str], None]
    failures: list[Failure] = field(default_factory=list)

    def biases(self, name: str, mapping: str, scale: Scale) -> tuple[Biases, int]:
        """The biases of a mapping at a scale, and how many weights had to be clipped."""
        network = self.plan.networks[mapping]
        weights = [layer.weight.detach().double().numpy() for layer in network.linear_layers]
        steps = [codes.step for codes in network.codes] or None
        model = self.plan.realised_by(mapping)
        design, clip = self.plan.circuit.design, self.plan.clip
        mapped = map_weights(weights, model, scale=scale.pair, clip=clip, design=design, steps=steps)
        return mapped.biases(name), mapped.clipped

    def infer(
        self, circuit: Circuit, biases: Biases, spike_time: Array, simulator: SimulatorOptions | None = None
    ) -> list[Inference | Failure]:
        """Simulate samples [B, N_in] in units of T_circ, whole or column by column as the plan says."""
        return self.simulate(samples(circuit, biases, spike_time), simulator)

    def simulate(
        self, cases: Sequence[Case], simulator: SimulatorOptions | None = None
    ) -> list[Inference | Failure]:
        """The same of any inferences."""
        how = infer_columns if self.plan.simulated == "columns" else infer_whole
        return how(cases, simulator or self.bench.simulator, self.run)

    def first_neurons(self, case: Case, simulator: SimulatorOptions, count: int) -> Inference | Failure:
        """A sample column by column, of which the first so many neurons of the first layer alone."""
        (outcome,) = infer_columns([case], simulator, self.run, count)
        return outcome

    def run(self, decks: list[Deck]) -> list[Result | Failure]:
        """What came of every deck."""
        outcomes = run_many(
            decks, jobs=self.bench.jobs, scheduler=self.bench.scheduler, folder=self.folder / "decks", cache=self.bench.cache,
            timeout_s=self.bench.timeout_s, progress=self.bench.progress,
        )  # fmt: skip
        self.failures.extend(outcome for outcome in outcomes if isinstance(outcome, Failure))
        return outcomes
