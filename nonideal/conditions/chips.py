"""Drawn chips in other conditions: the biases of the nominal network on them, untrimmed and as at home, in SPICE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nonideal.characterize.condition import Condition
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.workbench import Workbench
from nonideal.chips.spice import SpiceChip
from nonideal.chips.written import WrittenBiases
from nonideal.circuits.design import Design
from nonideal.circuits.network.chip import draw, mismatch_sigmas
from nonideal.circuits.network.netlist import Topology
from nonideal.conditions.network import Task, mapped
from nonideal.conditions.spot_summary import ChipThere, place_of
from nonideal.conditions.survey import Reference
from nonideal.postlayout.prediction import decide
from nonideal.spice import Failure


@dataclass(frozen=True, slots=True)
class DrawnChips:
    """Chips with the network's biases of ``home``, whose model is ``model``, on the nominal ``design``."""

    bench: Workbench
    design: Design
    model: PhysicalModel
    home: Reference
    task: Task
    folder: Path

    def at(self, condition: Condition, seeds: Sequence[int], samples: int) -> list[ChipThere]:
        """Every chip on so many ``samples``, drawn by class. One whose simulation fails is not right, and the failure is told."""
        written = WrittenBiases.of(mapped(self.task, self.model))
        # A chip is the same one everywhere: its devices are those of home.
        sigmas = mismatch_sigmas(self.bench.pdk, self.home.condition.corner, self.design)
        there = condition.design(self.design, self.home.vsense_V)
        chosen = self.task.drawn(samples)
        found = []
        for seed in seeds:
            chip = SpiceChip(
                self.bench.at(condition.corner),
                there,
                self.model,
                draw(seed, Topology.of(self.task.layers, there), sigmas),
                self.folder / condition.name,
            )
            seen = chip.run_samples(written, self.task.inputs[chosen], "there")
            failures = [one for one in seen if isinstance(one, Failure)]
            good = [int(at) for at, one in zip(chosen, seen, strict=True) if not isinstance(one, Failure)]
            times = [one[-1] for one in seen if not isinstance(one, Failure)]
            right = silent = 0
            if times:
                decided = decide(np.stack(times) / self.model.t_circ_s, self.task.classes)
                right = int(np.sum(decided == self.task.labels[good]))
                silent = int(np.sum(decided < 0))
            problem = f"{failures[0].name}: {failures[0].message} ({failures[0].folder})" if failures else ""
            found.append(
                ChipThere.model_validate(
                    place_of(condition)
                    | {"chip": seed, "samples": len(seen), "failed": len(failures)}
                    | {"right": right, "silent": silent, "problem": problem}
                )
            )
        return found
