"""What of the experiment the results of each stage depend on. What of the code: ``flow.code`` computes it."""

from __future__ import annotations

SECTIONS: dict[str, tuple[str, ...]] = {
    "columns": ("circuit", "columns", "characterize.on"),
    "characterization": ("process", "circuit", "characterize", "columns", "simulator"),
    "explore": ("process", "circuit", "characterize", "explore", "training.layers", "simulator"),
    "conditions": (
        "process",
        "circuit",
        "characterize",
        "conditions",
        "chips.first_chip",
        "data",
        "training.layers",
        "netlist",
        "simulator",
    ),
    "mismatch": ("process", "circuit", "characterize", "columns", "chips.draws", "simulator"),
    "yield": (
        "process",
        "circuit",
        "characterize",
        "data",
        "training",
        "chips",
        "calibration",
        "simulator",
    ),
    "calibration": (
        "process",
        "circuit",
        "data",
        "training.layers",
        "chips.mapping",
        "chips.spice_samples",
        "calibration",
        "simulator",
    ),
    "shift": (
        "process",
        "circuit",
        "characterize",
        "columns",
        "training.layers",
        "training.variation",
        "simulator",
    ),
    "training": ("data", "training"),
    "netlist": ("circuit", "netlist", "validation.mappings"),
    "layout": ("circuit", "training.layers"),
    "validation": (
        "process",
        "circuit",
        "data",
        "training.layers",
        "netlist",
        "validation",
        "simulator",
        "spec",
    ),
}
"""Stage -> sections of the experiment (dotted names)."""
