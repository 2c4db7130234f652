"""How far spikes move with a supply that is a little off: the trained Iris network in SPICE, every bias as written; writes bench/supplies.json.

    nonideal characterize iris
    nonideal train iris
    python bench/supplies.py [--samples 3] [--ripple-samples 1] [--run-dir runs/iris] [--out FILE]

Schematic. Each supply is moved up and down by ``STEPS_V``; sensitivities are central differences over spikes of both, ns per mV: rms and mean of each
layer, an output's with what its hidden spikes bring along. Then each supply gets a ripple of ``RIPPLE_V`` at ``RIPPLES_HZ``, a sine and a cosine: a
spike moves by their root of squares at the worst phase, and by 0.71 of it rms over all phases, which is told. Pins are held against ground.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from trained_iris import ROOT, TrainedIris, command_line

from nonideal.circuits.network.netlist import schematic
from nonideal.circuits.network.testbench import spike_times_s

STEPS_V = {"vdd_V": 5e-3, "v0_V": 2e-3, "vsense_V": 2e-3}
RIPPLE_V, RIPPLES_HZ, POINTS = 10e-3, (1e6, 1e7, 1e8), 16
"""Peak; and so many steps of the simulator in a period, at least."""


def main() -> None:
    """Command line."""
    parser = command_line(__doc__, __file__, 3, "iris")
    parser.add_argument("--ripple-samples", type=int, default=1)
    arguments = parser.parse_args()
    trained = TrainedIris.of(arguments.run_dir, "supplies")
    bench, nominal = trained.bench, trained.experiment.circuit
    inputs, still = trained.inputs(arguments.samples), trained.circuit(schematic(trained.topology, nominal))

    def times_s(
        name: str,
        changes: Mapping[str, float],
        driven: tuple[tuple[str, str], ...] = (),
        step_s: float = np.inf,
        samples: int = len(inputs),
    ) -> list[np.ndarray]:
        """Per layer [samples, neurons]."""
        supplies = nominal.supplies
        moved = supplies.model_copy(update={key: getattr(supplies, key) + by for key, by in changes.items()})
        circuit = replace(still, design=nominal.model_copy(update={"supplies": moved}), driven=driven)
        simulator = replace(bench.simulator, max_step_s=min(step_s, bench.simulator.max_step_s))
        decks = [
            circuit.deck(f"{name}_{k}", trained.biases, one, simulator)
            for k, one in enumerate(inputs[:samples])
        ]
        results = bench.run_decks(decks, ROOT / "runs" / "supplies" / name)
        return [
            np.array(rows) for rows in zip(*(spike_times_s(one, circuit) for one in results), strict=True)
        ]

    rows = []
    for key, step in STEPS_V.items():
        up, down = times_s(f"{key}_up", {key: step}), times_s(f"{key}_down", {key: -step})
        for layer, (a, b) in enumerate(zip(up, down, strict=True), start=1):
            both = np.isfinite(a) & np.isfinite(b) & (a > 1e-7) & (a < 9.9e-7) & (b < 9.9e-7)
            per_mV = (a[both] - b[both]) / (2e3 * step)
            told = {
                "supply": key,
                "layer": layer,
                "spikes": int(both.sum()),
                "mean_s_per_mV": float(per_mV.mean()),
            }
            rows.append(told | {"rms_s_per_mV": float(np.sqrt(np.mean(per_mV**2)))})
            print(rows[-1], flush=True)
    ripples = []
    quiet = times_s("quiet", {}, samples=arguments.ripple_samples)
    for key in STEPS_V:
        net, level_V = key.removesuffix("_V"), getattr(nominal.supplies, key)
        for hertz in RIPPLES_HZ:
            moved = []
            for phase in (0, 90):
                wave = f"SIN({level_V:.6g} {RIPPLE_V:g} {hertz:g} 0 0 {phase})"
                name = f"{key}_{hertz:.0f}_{phase}"
                times = times_s(name, {}, ((net, wave),), 1 / (POINTS * hertz), arguments.ripple_samples)
                moved.append(times)
            for layer, (sine, cosine, at) in enumerate(zip(*moved, quiet, strict=True), start=1):
                both = np.isfinite(sine) & np.isfinite(cosine) & (at > 1e-7) & (at < 9.9e-7)
                worst = np.hypot(sine[both] - at[both], cosine[both] - at[both])
                told = {"supply": key, "hertz": hertz, "layer": layer, "spikes": int(both.sum())}
                ripples.append(told | {"rms_s": float(np.sqrt(np.mean(worst**2) / 2)), "worst_s": float(worst.max())})  # fmt: skip
                print(ripples[-1], flush=True)
    whole = {"date": datetime.now(UTC).date().isoformat(), "samples": len(inputs), "rows": rows}
    whole |= {"ripple_V": RIPPLE_V, "ripple_samples": arguments.ripple_samples, "ripples": ripples}
    arguments.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
