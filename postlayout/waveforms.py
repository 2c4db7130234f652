"""Waveforms of one sample, model over SPICE, for people who would rather look: a ``.raw`` file and a table."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from characterize.model import PhysicalModel
from characterize.workbench import Workbench
from circuits.testbench import Circuit
from files import write_parquet
from pnn import RCSpikeNetwork
from postlayout.prediction import unclipped_times
from spice import Deck, Failure, run_many

Array = NDArray[np.float64]
POINTS = 1500


@torch.no_grad()
def model_membranes_V(
    network: RCSpikeNetwork, spike_time: Tensor, circuit: Circuit, model: PhysicalModel, time_s: Array
) -> list[Array]:
    """The model's membrane potentials in volts, per layer [neurons, times]; NaN outside accumulation and firing.

    Between input spikes ``v`` relaxes exponentially (paper, section 2); while firing, ``1 - b v`` falls by the factor ``1 - b`` each T_circ
    until the neuron has fired.
    """
    timeline, t_circ_s = circuit.timeline, model.t_circ_s
    inputs = spike_time.to(torch.float64).unsqueeze(0)
    outputs = unclipped_times(network, inputs)
    arriving = [inputs.numpy()[0], *(o[0] for o in outputs[:-1])]
    traces = []
    for layer, (arrive, linear) in enumerate(zip(arriving, network.linear_layers, strict=True), start=1):
        weight = linear.weight.detach().to(torch.float64)
        conductance = linear.reversal.conductance(weight).numpy()
        w, b = weight.numpy(), linear.discharger.b
        volts = np.full((w.shape[0], len(time_s)), np.nan)
        local = (time_s - timeline.accumulation_s(layer)) / t_circ_s
        for i in np.flatnonzero((local >= 0) & (local <= 1)):
            volts[:, i] = _membrane(arrive, w, conductance, float(local[i]))
        end = _membrane(arrive, w, conductance, 1.0)
        ramp = (time_s - timeline.firing_s(layer)) / t_circ_s
        for i in np.flatnonzero((ramp >= 0) & (ramp <= 1)):
            volts[:, i] = end + ramp[i] if b == 0 else (1 - (1 - b * end) * (1 - b) ** ramp[i]) / b
        traces.append(model.v_0_V.value - model.v_th_V * volts)
    return traces


def _membrane(arrive: Array, weight: Array, conductance: Array, until: float) -> Array:
    """v of every neuron at the normalised time ``until`` of the accumulation phase."""
    arrive = np.maximum(arrive, 0.0)
    order = [j for j in np.argsort(arrive, kind="stable") if arrive[j] < until]
    v = np.zeros(weight.shape[0])
    f, g = np.zeros_like(v), np.zeros_like(v)
    for position, j in enumerate(order):
        f, g = f + conductance[:, j], g + weight[:, j]
        stop = min(arrive[order[position + 1]], until) if position + 1 < len(order) else until
        h = stop - arrive[j]
        decay = np.exp(-f * h)
        v = v * decay + np.where(f > 1e-12, g * -np.expm1(-f * h) / np.where(f > 1e-12, f, 1.0), g * h)
    return v


def save_waveforms(
    deck: Deck,
    circuit: Circuit,
    model: PhysicalModel,
    network: RCSpikeNetwork,
    spike_time: Tensor,
    sample: int,
    bench: Workbench,
    folder: Path,
) -> list[Path] | Failure:
    """Run ``deck`` keeping its raw file; write ``<name>.raw`` and ``<name>.parquet`` (time_s, sample, net, volts, source) into ``folder``."""
    outcome = run_many([deck], jobs=1, folder=folder / "decks", timeout_s=bench.timeout_s, keep="raw")[0]
    if isinstance(outcome, Failure):
        return outcome
    raw = folder / f"{deck.name}.raw"
    # A retry leaves its own raw file beside that of the attempt that failed.
    stem = deck.name if len(outcome.attempts) == 1 else f"{deck.name}+{outcome.rung}"
    (folder / "decks" / f"{stem}.raw").replace(raw)
    time_s = np.linspace(0.0, circuit.timeline.stop_s, POINTS)
    frames = []
    for vector in deck.vectors:
        if vector.startswith("v("):
            wave = np.interp(time_s, outcome.axis, np.asarray(outcome[vector], float))
            frames.append(
                pd.DataFrame({"time_s": time_s, "net": _plain(vector), "volts_V": wave, "source": "spice"})
            )
    for layer, volts in enumerate(model_membranes_V(network, spike_time, circuit, model, time_s), start=1):
        for k, wave in enumerate(volts):
            frames.append(
                pd.DataFrame(
                    {"time_s": time_s, "net": f"membrane_{layer}_{k}", "volts_V": wave, "source": "model"}
                )
            )
    table = folder / f"{deck.name}.parquet"
    write_parquet(table, pd.concat(frames, ignore_index=True).assign(sample=sample))
    return [raw, table]


def _plain(vector: str) -> str:
    """``v(xnetwork.xneuron_1_0.membrane)``, or ``v(xnetwork.neuron_1_0_membrane.3)`` of an extraction, -> ``membrane_1_0``."""
    membrane = re.search(r"neuron_(\d+_\d+)[._]membrane", vector)
    return vector[2:-1] if membrane is None else f"membrane_{membrane[1]}"
