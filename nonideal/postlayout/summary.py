"""What is said of a mapping: its numbers, and a line of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nonideal.postlayout.comparison import statistics
from nonideal.postlayout.plan import ValidationPlan
from nonideal.postlayout.scale import Scale


def mapping_summary(
    table: pd.DataFrame, plan: ValidationPlan, scale: Scale | None, clipped: int | None, accuracy_model: float, accuracy_spice: float | None,
    energy: float | None, failed: int,
) -> dict[str, Any]:  # fmt: skip
    """The numbers of a mapping; None where there is none."""
    depth = plan.circuit.topology.depth
    groups = {"hidden": table[table["layer"] < depth], "output": table[table["layer"] == depth]}
    stats = {name: statistics(part) for name, part in groups.items()}
    # Outputs that stand for no class rest near the end of the phase, where errors are small: they flatter the output layer's figure.
    used = statistics(groups["output"][groups["output"]["neuron"] < plan.dataset.classes])
    number = _number_or_none
    return {
        "spike_time_rmse_s": {name: number(s.rmse_s) for name, s in stats.items()},
        "spike_time_rmse_used_outputs_s": number(used.rmse_s),
        "spike_time_max_error_s": {name: number(s.max_error_s) for name, s in stats.items()},
        "spike_time_mean_error_s": {name: number(s.mean_error_s) for name, s in stats.items()},
        "spike_pairs": {name: s.pairs for name, s in stats.items()},
        "missed_spikes": sum(s.missed for s in stats.values()),
        "extra_spikes": sum(s.extra for s in stats.values()),
        "accuracy_model": accuracy_model,
        "accuracy_spice": accuracy_spice,
        "current_scale": {"positive": scale.positive, "negative": scale.negative}
        if scale is not None
        else None,
        "scale_search": [{"factor": f, "rmse_s": e} for f, e in scale.tried] if scale is not None else [],
        "clipped_weights": clipped,
        "energy_per_inference_J": energy,
        "failed_samples": failed,
    }


def summary_line(mapping: str, row: dict[str, Any]) -> str:
    """The line."""

    def ns(value: float | None) -> str:
        return "none" if value is None else f"{1e9 * value:.2f} ns"

    rmse = row["spike_time_rmse_s"]
    return (
        f"{mapping}: RMSE hidden {ns(rmse['hidden'])}, output {ns(rmse['output'])}; missed {row['missed_spikes']}, extra {row['extra_spikes']}, "
        f"failed {row['failed_samples']}"
    )


def _number_or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
