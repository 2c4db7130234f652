"""Model against SPICE: errors of spikes that both have, and spikes that only one of them has, counted apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
SPIKE_COLUMNS = ("sample", "layer", "neuron", "mapping", "t_model_s", "t_spice_s", "kind")


@dataclass(frozen=True, slots=True)
class Statistics:
    """Errors of one group of spikes: seconds, over pairs that fired in both; and counts."""

    rmse_s: float
    max_error_s: float
    mean_error_s: float
    pairs: int
    missed: int
    extra: int


def classify(model_s: Array, spice_s: Array, t_circ_s: float, window_s: float) -> NDArray[np.str_]:
    """For each neuron ``pair``, ``missed``, ``extra`` or ``silent``.

    A spike counts as one when it comes before T_circ. The other side may then lie anywhere up to the end of the observation window (when
    spikes are reset) and still makes a pair, with its true error: a spike at 0.999 T_circ is not "missed" because SPICE saw it at 1.001.
    """
    model_fires, spice_fires = model_s < t_circ_s, spice_s < t_circ_s
    both_seen = (model_s <= window_s) & (spice_s <= window_s)
    kind = np.full(model_s.shape, "silent", dtype="<U6")
    kind[(model_fires | spice_fires) & both_seen] = "pair"
    kind[model_fires & ~(spice_s <= window_s)] = "missed"
    kind[spice_fires & ~(model_s <= window_s)] = "extra"
    return kind


def spike_table(
    mapping: str, samples: list[int], model: list[Array], spice: list[Array], t_circ_s: float, window_s: float
) -> pd.DataFrame:
    """Long table of all spikes (see ``SPIKE_COLUMNS``); ``model`` and ``spice`` are per layer [samples, neurons] in s, infinity for none."""
    frames = []
    for layer, (promised, seen) in enumerate(zip(model, spice, strict=True), start=1):
        count, neurons = promised.shape
        frames.append(
            pd.DataFrame(
                {
                    "sample": np.repeat(samples, neurons),
                    "layer": layer,
                    "neuron": np.tile(np.arange(neurons), count),
                    "mapping": mapping,
                    "t_model_s": promised.ravel(),
                    "t_spice_s": seen.ravel(),
                    "kind": classify(promised, seen, t_circ_s, window_s).ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def statistics(table: pd.DataFrame) -> Statistics:
    """Statistics of a part of a spike table. With no pair at all the errors are NaN: there is nothing to average."""
    pairs = table[table["kind"] == "pair"]
    error = (pairs["t_spice_s"] - pairs["t_model_s"]).to_numpy(float)
    counts = table["kind"].value_counts()
    return Statistics(
        rmse_s=float(np.sqrt(np.mean(error**2))) if len(error) else float("nan"),
        max_error_s=float(np.abs(error).max()) if len(error) else float("nan"),
        mean_error_s=float(error.mean()) if len(error) else float("nan"),
        pairs=len(error),
        missed=int(counts.get("missed", 0)),
        extra=int(counts.get("extra", 0)),
    )
