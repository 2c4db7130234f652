"""Drawings for newcomers: the flow of data, and the circuit of a synapse and a neuron."""

from __future__ import annotations

from markupsafe import Markup

from nonideal.report.template import render
from nonideal.runs.results import Results

STEPS = (
    ("sky130 models", "the process", None),
    ("circuit", "synapse, neuron", None),
    ("SPICE sweeps", "characterize", "characterization"),
    ("physical model", "λ, C, V_th", "characterization"),
    ("training", "PyTorch", "training"),
    ("write-back", "weights → biases", "netlist"),
    ("layout", "DRC, LVS, extract", "layout"),
    ("SPICE network", "validate", "validation"),
)
TRAINING = next(k for k, step in enumerate(STEPS) if step[2] == "training")


def data_flow(results: Results) -> Markup:
    """Eight boxes from process to truth; a dashed one holds no results in this run."""
    steps = [
        {"title": title, "what": what, "done": stage is None or results.has(stage)}
        for title, what, stage in STEPS
    ]
    return render("flow.svg.j2", steps=steps, training=TRAINING)


def circuit() -> Markup:
    """The synapse pair on a dendrite, and the neuron behind its isolation switch."""
    return render("circuit.svg.j2")
