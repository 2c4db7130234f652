"""Spot checks: chips that were simulated, sample by sample, against what the fast model says of those very chips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.chips.column import column_of
from nonideal.chips.silicon import Silicon
from nonideal.chips.spice import SpiceChip
from nonideal.chips.spot_summary import FailedSimulation, LayerAgreement, SpotSummary
from nonideal.chips.written import WrittenBiases
from nonideal.postlayout.comparison import SPIKE_COLUMNS, spike_table
from nonideal.postlayout.prediction import decide
from nonideal.spice import Failure

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """Simulated chips. ``spikes``: ``nonideal.postlayout.comparison.spike_table`` with a column ``chip``, t_model_s being the fast model's.

    ``correct``: by chip, how many samples it classified right in SPICE and in the fast model (NaN: nothing was classified), and how many
    simulations failed.
    """

    spikes: pd.DataFrame
    correct: pd.DataFrame
    failures: tuple[Failure, ...]

    @property
    def failed_chips(self) -> tuple[int, ...]:
        """Seeds of the chips that have a sample without a result."""
        return tuple(int(chip) for chip in self.correct.loc[self.correct["failed"] > 0, "chip"])

    def summary(self, netlist: str | None = None) -> SpotSummary:
        """RMSE and spread over chips, by layer; counts; what failed and where its log lies. ``netlist``: what they were drawn into."""
        pairs = self.spikes[self.spikes["kind"] == "pair"]
        differ = self.correct["decisions_differ"]
        found = SpotSummary(
            chips=len(self.correct),
            samples=int(self.correct["samples"].iloc[0]) if len(self.correct) else 0,
            layers={str(layer): _agreement(part) for layer, part in self.spikes.groupby("layer")},
            rmse_s=_rms(pairs["t_spice_s"] - pairs["t_model_s"]),
            missed=int((self.spikes["kind"] == "missed").sum()),
            extra=int((self.spikes["kind"] == "extra").sum()),
            failed_chips=int((self.correct["failed"] > 0).sum()),
            failures=tuple(
                FailedSimulation(name=one.name, message=one.message, folder=str(one.folder))
                for one in self.failures
            ),
            decisions_differ=None if differ.isna().any() else int(differ.sum()),
        )
        return found if netlist is None else found.model_copy(update={"netlist": netlist})


def _rms(values: pd.Series) -> float | None:
    return float(np.sqrt(np.mean(np.square(values)))) if len(values) else None


def _agreement(spikes: pd.DataFrame) -> LayerAgreement:
    """RMSE; and the standard deviation over chips of the spikes that a sample's neuron has on several, in SPICE and in the model."""
    pairs = spikes[spikes["kind"] == "pair"]
    groups = pairs.groupby(["sample", "neuron"])[["t_spice_s", "t_model_s"]]
    counted = groups.count()["t_spice_s"]
    variance = groups.var(ddof=1)[counted >= 3]
    weight = counted[counted >= 3] - 1
    spread = {
        name: float(np.sqrt((variance[name] * weight).sum() / weight.sum())) if len(variance) else None
        for name in ("t_spice_s", "t_model_s")
    }
    apart = pairs["t_spice_s"] - pairs["t_model_s"]
    return LayerAgreement(
        rmse_s=_rms(apart),
        median_error_s=float(np.median(np.abs(apart))) if len(pairs) else None,
        pairs=len(pairs),
        missed=int((spikes["kind"] == "missed").sum()),
        extra=int((spikes["kind"] == "extra").sum()),
        spread_spice_s=spread["t_spice_s"],
        spread_model_s=spread["t_model_s"],
    )


def spot_check(
    chips: Iterable[SpiceChip],
    silicon: Silicon,
    written: WrittenBiases | Mapping[int, WrittenBiases],
    spike_time: Tensor,
    label: NDArray[np.int64],
    classes: int,
    name: str = "sample",
) -> SpotCheck:
    """Simulate every chip on ``spike_time`` [samples, inputs]; ``written`` for all, or by the chip's seed.

    A sample whose simulation fails is counted as not classified right, and its chip as failed; nothing stands in for it.
    """
    tables, rows = [], []
    failures: list[Failure] = []
    t_circ_s = silicon.model.t_circ_s
    for chip in chips:
        mine = written[chip.chip.seed] if isinstance(written, Mapping) else written
        told = silicon.spike_times(mine, chip.chip, spike_time)
        seen = chip.run_samples(mine, spike_time.double().numpy(), name)
        failures += [one for one in seen if isinstance(one, Failure)]
        spikes_of = {index: one for index, one in enumerate(seen) if not isinstance(one, Failure)}
        good = list(spikes_of)
        right = differ = 0
        fast = decide(told[-1], classes)
        if good:
            depth = range(len(told))
            spice = [np.stack([spikes_of[index][layer] for index in good]) for layer in depth]
            table = spike_table(
                "chip", good, [told[layer][good] * t_circ_s for layer in depth], spice, t_circ_s, chip.circuit().timeline.window_s,
            )  # fmt: skip
            tables.append(table.assign(chip=chip.chip.seed))
            decided = decide(spice[-1] / t_circ_s, classes)
            right, differ = int(np.sum(decided == label[good])), int(np.sum(decided != fast[good]))
        rows.append(
            {
                "chip": chip.chip.seed,
                "samples": len(seen),
                "right_spice": right,
                "right_model": int(np.sum(fast == label)),
                "decisions_differ": differ,
                "failed": len(seen) - len(good),
            }
        )
    none = pd.DataFrame(columns=[*SPIKE_COLUMNS, "chip"])
    spikes = pd.concat(tables, ignore_index=True) if tables else none
    return SpotCheck(spikes, pd.DataFrame(rows), tuple(failures))


def column_check(
    chips: Iterable[SpiceChip], silicon: Silicon, written: WrittenBiases, spike_time: Tensor, neurons: int
) -> SpotCheck:
    """As ``spot_check``, of the first ``neurons`` of every layer by themselves, each layer given the fast model's spikes of the one before.

    What a network too large to be simulated allows; nothing is classified.
    """
    tables, rows = [], []
    failures: list[Failure] = []
    for chip in chips:
        arriving = spike_time.double()
        row = {"chip": chip.chip.seed, "samples": len(spike_time), "decisions_differ": np.nan, "failed": 0}
        for layer, times in enumerate(silicon.spike_times(written, chip.chip, spike_time), start=1):
            part, mine = column_of(chip.chip, written, layer, neurons)
            alone = Silicon(silicon.model, part.topology.layers)
            nothing = np.full(len(arriving), -1)
            found = spot_check(
                [replace(chip, chip=part, folder=chip.folder / f"layer_{layer}")],
                alone, mine, arriving, nothing, part.topology.layers[1], f"layer_{layer}",
            )  # fmt: skip
            tables.append(found.spikes.assign(layer=layer))
            row["failed"] += int(found.correct["failed"].iloc[0])
            failures += found.failures
            arriving = torch.from_numpy(np.minimum(times, 1.0))
        rows.append(row)
    return SpotCheck(pd.concat(tables, ignore_index=True), pd.DataFrame(rows), tuple(failures))
