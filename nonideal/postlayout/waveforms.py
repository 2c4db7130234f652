"""Waveforms of one sample, model over SPICE, for people who would rather look: a ``.raw`` file and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from nonideal.characterize.workbench import Workbench
from nonideal.circuits.network.inference import Inference
from nonideal.circuits.network.testbench import Circuit
from nonideal.files import write_parquet
from nonideal.pnn import Exact, RCSpikeNetwork
from nonideal.postlayout.plan import Levels
from nonideal.spice import Deck, Failure, run_many

Array = NDArray[np.float64]
POINTS = 1500


@torch.no_grad()
def model_membranes_V(
    network: RCSpikeNetwork, spike_time: Tensor, circuit: Circuit, levels: Sequence[Levels], time_s: Array
) -> list[Array]:
    """The model's membrane potentials in volts, per layer [neurons, times]; NaN outside accumulation and firing.

    Spikes [N_in] in T_circ. From the evaluation that promises the spike times, wiring included: a membrane passes the threshold its layer's
    spike delay before the promised time.
    """
    timeline, t_circ_s = circuit.timeline, circuit.timeline.timing.t_circ_s
    arriving, traces = spike_time.to(torch.float64).unsqueeze(0), []
    for index, (layer, level) in enumerate(zip(network.linear_layers, levels, strict=True), start=1):
        weight = layer.weight.detach().to(torch.float64)
        fired = layer.evaluate(arriving, weight, Exact())
        v_norm = np.full((layer.out_features, len(time_s)), np.nan)
        inside, since = _phase(time_s, timeline.accumulation_s(index), t_circ_s)
        v_norm[:, inside] = layer.trajectory(arriving).at(since)[0].T
        inside, since = _phase(time_s, timeline.firing_s(index), t_circ_s)
        v_norm[:, inside] = layer.discharger.ramp(fired.membrane.T, since)
        traces.append(level.volts(v_norm))
        arriving = fired.spike_time
    return traces


def _phase(time_s: Array, begins_s: float, t_circ_s: float) -> tuple[NDArray[np.bool_], Tensor]:
    """Which of the times lie in a phase, and these in T_circ since it began."""
    since = (time_s - begins_s) / t_circ_s
    inside = (since >= 0) & (since <= 1)
    return inside, torch.from_numpy(since[inside])


@dataclass(frozen=True, slots=True)
class Waveforms:
    """Files of a sample's waveforms, and what it did in that simulation of the whole network."""

    files: tuple[Path, ...]
    inference: Inference


def save_waveforms(
    deck: Deck,
    circuit: Circuit,
    levels: Sequence[Levels],
    network: RCSpikeNetwork,
    spike_time: Tensor,
    sample: int,
    bench: Workbench,
    folder: Path,
) -> Waveforms | Failure:
    """Run ``deck`` keeping its raw file; write ``<name>.raw`` and ``<name>.parquet`` (time_s, sample, net, volts, source) into ``folder``.

    The whole network may take as long as its columns, one by one: the bench's limit for each neuron.
    """
    limit_s = bench.timeout_s * sum(circuit.topology.layers[1:])
    outcome = run_many([deck], jobs=1, folder=folder / "decks", timeout_s=limit_s, keep="raw")[0]
    if isinstance(outcome, Failure):
        return outcome
    raw = folder / f"{deck.name}.raw"
    # A retry leaves its own raw file beside that of the attempt that failed.
    stem = deck.name if len(outcome.attempts) == 1 else f"{deck.name}+{outcome.rung}"
    (folder / "decks" / f"{stem}.raw").replace(raw)
    time_s = np.linspace(0.0, circuit.timeline.stop_s, POINTS)
    frames = []
    names = dict(zip(circuit.membrane_probes, circuit.topology.neurons(), strict=True))
    for vector in deck.vectors:
        if vector.startswith("v("):
            wave = np.interp(time_s, outcome.axis, np.asarray(outcome[vector], float))
            frames.append(
                pd.DataFrame(
                    {"time_s": time_s, "net": _plain(vector, names), "volts_V": wave, "source": "spice"}
                )
            )
    for layer, volts in enumerate(model_membranes_V(network, spike_time, circuit, levels, time_s), start=1):
        for k, wave in enumerate(volts):
            frames.append(
                pd.DataFrame(
                    {"time_s": time_s, "net": f"membrane_{layer}_{k}", "volts_V": wave, "source": "model"}
                )
            )
    table = folder / f"{deck.name}.parquet"
    write_parquet(table, pd.concat(frames, ignore_index=True).assign(sample=sample))
    return Waveforms((raw, table), Inference.of(outcome, circuit))


def _plain(vector: str, membranes: Mapping[str, tuple[int, int]]) -> str:
    """The net of a vector; a membrane, whatever it is called in its netlist, is ``membrane_<layer>_<neuron>``."""
    where = membranes.get(vector)
    return vector[2:-1] if where is None else f"membrane_{where[0]}_{where[1]}"
