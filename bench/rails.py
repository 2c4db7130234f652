"""What the resistance of supply rails does: drop at the synapses, and its part of the spikes' times; writes bench/rails.json.

    nonideal train iris --run-dir runs/iris_pex
    nonideal layout --netlist pex-rc --run-dir runs/iris_pex
    python bench/rails.py [--samples 2] [--run-dir runs/iris_pex] [--out FILE]

Drop: every synapse of the trained network carries its weight at once, through the rails' extracted resistors, which begin at the pins. Part of the
times: the same samples in SPICE, neuron by neuron, on the extracted netlist, and on the same with rails of ``SHORT`` times the resistance.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from trained_iris import ROOT, TrainedIris, command_line

from nonideal.characterize.physics import BottomUp
from nonideal.characterize.workbench import succeeded
from nonideal.circuits.columns.cut import cut
from nonideal.circuits.columns.inference import infer_columns
from nonideal.circuits.columns.rails import rails_of
from nonideal.circuits.extraction.netlist import net_of, parse_netlist
from nonideal.circuits.network.inference import samples
from nonideal.files import read_text
from nonideal.runs.rundir import EXTRACTED

SHORT = 1e-4


def shorted(netlist: str, rails: set[str]) -> str:
    """The netlist with ``SHORT`` times the resistance between nodes of these nets."""

    def less(found: re.Match[str]) -> str:
        head, a, b, value = found.groups()
        inside = net_of(a) in rails and net_of(b) in rails
        return f"{head} {a} {b} {float(value) * SHORT:.9g}" if inside else found[0]

    return re.sub(r"(?m)^(R\d+) (\S+) (\S+) (\S+)$", less, netlist)


def main() -> None:
    """Command line."""
    arguments = command_line(__doc__, __file__, 2, "iris_pex").parse_args()
    trained = TrainedIris.of(arguments.run_dir, "rails")
    bench, topology = trained.bench, trained.topology
    text = read_text(arguments.run_dir / "layout" / EXTRACTED)
    netlist = parse_netlist(text, "network")
    rails = [net for net, _, _ in topology.lines()]
    unit_A = BottomUp(trained.model).unit_current_A(topology.layers[0])
    pieces = cut(netlist, topology).pieces.values()
    terminals = [one for piece in pieces for one in piece.terminals if one.instance.startswith("synapse")]
    rows = []
    for net, rail in rails_of(netlist, rails).items():
        mine = [one for one in terminals if one.rail == net and one.node != net]
        if not mine:
            continue
        sign, into_A = 1.0 if net == "vss" else -1.0, np.zeros(len(rail.index))
        for one in mine:
            layer, axon, neuron = map(int, one.instance.split("_")[1:])
            into_A[rail.index[one.node]] += (
                max(0.0, sign * float(trained.weights[layer - 1][neuron, axon])) * unit_A
            )
        taps = list(dict.fromkeys(one.node for one in mine))
        transfer = rail.transfer_ohm(taps)
        own = np.array([transfer[rail.index[tap], k] for k, tap in enumerate(taps)])
        drop_V = transfer.T @ into_A
        rows.append({"rail": net, "taps": len(taps), "most_ohm": float(own.max()), "most_V": float(np.abs(drop_V).max())})  # fmt: skip
        print(rows[-1], flush=True)
    inputs = trained.inputs(arguments.samples)
    times = []
    for name, one in (("extracted", text), ("shorted", shorted(text, set(rails)))):
        some = samples(trained.circuit(one), trained.biases, inputs)
        cases = [replace(case, name=f"{name}_{case.name}") for case in some]
        folder = ROOT / "runs" / "rails" / name
        found = succeeded(infer_columns(cases, bench.simulator, lambda decks, at=folder: bench.attempt(decks, at)))  # fmt: skip
        times.append([np.array(rows) for rows in zip(*(case.times_s for case in found), strict=True)])
    told = {"date": datetime.now(UTC).date().isoformat(), "samples": len(inputs), "rails": rows}
    for layer, (a, b) in enumerate(zip(*times, strict=True), start=1):
        both = np.isfinite(a) & np.isfinite(b) & (a < 9.9e-7) & (b < 9.9e-7)
        moved = a[both] - b[both]
        told[f"layer_{layer}"] = {
            "spikes": int(both.sum()),
            "rms_s": float(np.sqrt(np.mean(moved**2))),
            "most_s": float(np.abs(moved).max()),
        }
        print(layer, told[f"layer_{layer}"], flush=True)
    arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
