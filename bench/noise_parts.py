"""Do the parts of a spike's noise add up? One column in SPICE with all noise, then with each part alone: writes bench/noise_parts.json.

    python bench/noise_parts.py [--decks 6] [--out FILE]

Eight columns a deck, the same waves in all. The variances of the parts are held against that of the whole, the sum of the parts' shifts against
the whole's, run by run; each part beside the closed form.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from nonideal.characterize.jitter import network_noise
from nonideal.circuits.design import Design
from nonideal.experiment.experiment import load_experiment
from nonideal.pnn import preset
from nonideal.postlayout.jitter import blind_network, copies, network_jitter, watch
from nonideal.runs.context import Context
from nonideal.stages.workbench import workbench

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "runs" / "noise_parts"
WEIGHT, INPUTS = np.array([0.8, -0.4, 0.5, 0.3, -0.2]), np.array([0.1, 0.3, 0.45, 0.6, 0.0])
COPIES, SEED, LOW_HZ = 8, 20261, 1.0
RAMP = ("MDI", "MDE")
CLOSED = {
    "synapses N": ("synapses_white_n", "synapses_flicker_n"),
    "synapses P": ("synapses_white_p", "synapses_flicker_p"),
    "ramp": ("ramp_white", "ramp_flicker"),
    "sensing and driver": ("sensing_white", "sensing_flicker"),
    "switches": ("switches",),
}


def part_of(name: str) -> str:
    """Which part a source belongs to; a pair's other branch carries nothing."""
    cell, *where = name.split("_")
    if cell == "synapse":
        return "synapses N" if WEIGHT[int(where[1])] > 0 else "synapses P"
    return "ramp" if where[-1] in RAMP else "sensing and driver"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--decks", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    model = preset("sky130_tt")
    bench = workbench(load_experiment("iris"), Context(), RUN / "cache")
    alone = watch(bench, Design(), model, [WEIGHT[None]], INPUTS, RUN / "decks")
    whole = copies(alone, COPIES, model, WEIGHT)
    quiet_s = float(alone.quiet_s[0][0])

    def shifts(names: tuple[str, ...]) -> np.ndarray:
        """[runs] in s, with these parts."""
        sources = tuple(one for one in whole.witness.sources if part_of(one.name) in names)
        kt_J = whole.witness.kt_J if "switches" in names else 1e-30
        some = replace(whole, witness=replace(whole.witness, sources=sources, kt_J=kt_J))
        (times,) = some.runs(bench, range(arguments.decks), SEED, LOW_HZ, RUN / "decks")
        return times.ravel() - quiet_s

    closed = network_jitter(
        blind_network(model, [WEIGHT[None]]), INPUTS[None], network_noise(model, (5, 1), LOW_HZ)
    )[0]
    everything = shifts(tuple(CLOSED))
    parts = {name: shifts((name,)) for name in CLOSED}
    rows = {
        name: {
            "sigma_s": float(values.std(ddof=1)),
            "closed_form_s": float(1e-6 * np.sqrt(sum(closed.parts[part][0, 0] for part in CLOSED[name]))),
        }
        for name, values in parts.items()
    }
    summed = sum(parts.values())
    told = {
        "date": datetime.now(UTC).date().isoformat(),
        "runs": len(everything),
        "sigma_s": float(everything.std(ddof=1)),
        "closed_form_s": float(1e-6 * closed.sigma[0, 0]),
        "parts": rows,
        "sum_of_variances_over_whole": float(
            sum(v.var(ddof=1) for v in parts.values()) / everything.var(ddof=1)
        ),
        "variance_of_sum_over_whole": float(np.var(summed, ddof=1) / everything.var(ddof=1)),
        "sum_of_shifts_minus_whole_rms_s": float(np.sqrt(np.mean((summed - everything) ** 2))),
    }
    print(json.dumps(told, indent=1))
    arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
