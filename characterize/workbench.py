"""What a bench needs to run: process, corner, numerical settings, and where decks, results and cache go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from nonideal.characterize.benches import Bench
from nonideal.characterize.errors import CharacterizationFailed
from nonideal.circuits.cells.leaf_cells import cells_text
from nonideal.circuits.design import Design
from nonideal.sky130_models import Corner, Pdk, lean_library
from nonideal.spice import Cache, Deck, Failure, FailureKind, Result, SimulatorOptions, run_many
from nonideal.spice.progress import Advance

NOT_BEGUN = ({FailureKind.crashed}, {FailureKind.no_output})
"""How simulations fail by the simulator itself, whatever the circuit."""


T = TypeVar("T")


def succeeded(outcomes: Sequence[T | Failure]) -> list[T]:
    """What came of benches. Raises ``CharacterizationFailed`` where one gave no result."""
    failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
    if failures:
        told = "; ".join(f"{f.name}: {f.kind.value}: {f.message} (log in {f.folder})" for f in failures)
        raise CharacterizationFailed(
            f"{len(failures)} of {len(outcomes)} benches gave no result: {told}",
            failures,
            nothing_ran=len(failures) == len(outcomes) and {f.kind for f in failures} in NOT_BEGUN,
        )
    return [outcome for outcome in outcomes if not isinstance(outcome, Failure)]


@dataclass(frozen=True, slots=True)
class Workbench:
    """How decks are run. ``scheduler`` is the address of a Dask cluster, or None for ``jobs`` local processes."""

    pdk: Pdk
    corner: Corner
    simulator: SimulatorOptions
    jobs: int
    timeout_s: float
    cache: Cache | None = None
    scheduler: str | None = None
    progress: bool | Advance = False

    def at(self, corner: Corner) -> Workbench:
        """The same bench at another corner."""
        return replace(self, corner=corner)

    def deck(self, bench: Bench, design: Design) -> Deck:
        """The complete deck of a bench on the design's leaf cells, at the design's temperature."""
        return self._deck(bench, design, self._includes(design))

    def _includes(self, design: Design) -> dict[str, str]:
        """The files that every deck of a design reads."""
        cells = cells_text(design)
        return {"models.spice": lean_library(self.pdk, self.corner, cells), "cells.spice": cells}

    def _deck(self, bench: Bench, design: Design, includes: dict[str, str]) -> Deck:
        lines = [
            f"* {bench.name}",
            ".include models.spice",
            ".include cells.spice",
            bench.text.replace(".title ", "* ", 1),
        ]
        simulator = replace(self.simulator, temperature_C=design.supplies.temperature_C)
        lines.append(simulator.lines())
        if bench.t_stop_s is not None:
            lines.append(simulator.tran(bench.t_stop_s))
        return Deck(bench.name, "\n".join(lines) + "\n.end\n", includes, bench.vectors, bench.t_stop_s)

    def run(self, benches: Sequence[Bench], design: Design, folder: Path) -> list[Result]:
        """Run the benches; raises ``CharacterizationFailed`` when one gives no result, after all have been tried."""
        includes = self._includes(design)
        return self.run_decks([self._deck(bench, design, includes) for bench in benches], folder)

    def run_decks(self, decks: Sequence[Deck], folder: Path) -> list[Result]:
        """Run decks that are complete already; raises as ``run`` does."""
        return succeeded(self.attempt(decks, folder))

    def attempt(self, decks: Sequence[Deck], folder: Path) -> list[Result | Failure]:
        """Run decks; what failed stands in the place of its result."""
        return run_many(
            decks,
            jobs=self.jobs,
            scheduler=self.scheduler,
            folder=folder,
            cache=self.cache,
            timeout_s=self.timeout_s,
            progress=self.progress,
        )
