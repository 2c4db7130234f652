"""The layout stage's results, where there are any: picture, DRC, LVS, extracted parasitics."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

from flow.files import read_json
from flow.report.blocks import Block, Picture, Table, Text
from flow.report.errors import ResultUnreadable
from flow.report.results import Results
from flow.report.units import quantity

PARTS = {
    "drc.json": "Design rules (DRC)",
    "lvs.json": "Layout against schematic (LVS)",
    "pex.json": "Extracted parasitics (PEX)",
}
MOST_ROWS = 40


def layout_blocks(results: Results) -> tuple[Block, ...]:
    """What ``layout/`` holds; empty where it holds nothing that can be shown."""
    folder = results.path / "layout"
    blocks: list[Block] = []
    capacitance: Table | None = None
    manifest = results.manifests.get("layout")
    if manifest is not None and manifest.inputs.settings.get("--override"):
        told = "Errors of DRC or LVS would not have stopped this run: it was started with `--override`."
        blocks.append(Text(told, "warning"))
    picture = folder / "layout.png"
    if picture.is_file():
        data = b64encode(picture.read_bytes()).decode("ascii")
        alt = "Layout of the network: crossbars of synapse pairs and rows of neurons."
        markup = f'<img class="plot" alt="{alt}" src="data:image/png;base64,{data}">'
        blocks.append(
            Picture("layout-picture", "Layout", markup, alt, "The drawn network, from `layout/network.gds`.")
        )
    for name, title in PARTS.items():
        file = folder / name
        if file.is_file():
            try:
                found = read_json(file)
            except ValueError as error:
                raise ResultUnreadable(str(error)) from error
            nets = found.pop("net_capacitance_F", None) if isinstance(found, dict) else None
            if isinstance(nets, dict) and nets:
                capacitance = _capacitance_table({str(net): float(farad) for net, farad in nets.items()})
            rows = _rows(found)
            note = f"From `layout/{name}`."
            if len(rows) > MOST_ROWS:
                note += f" The first {MOST_ROWS} of {len(rows)} entries."
            blocks.append(
                Table(title, ("Entry", "Value"), tuple(rows[:MOST_ROWS]), frozenset({0}), note=note)
            )
    if capacitance is not None:
        blocks.append(capacitance)
    return tuple(blocks)


GROUPS = (
    ("dendrites", r"dendrite_\d+_\d+"),
    ("membranes, without the MIM capacitor", r"neuron_\d+_\d+_membrane"),
    ("input axons", r"axon_0_\d+"),
    ("input axons, inverted", r"axon_b_0_\d+"),
    ("spikes", r"spike_\d+_\d+"),
    ("spikes, inverted", r"spike_b_\d+_\d+"),
    ("biases", r"bias_[np]_\d+_\d+_\d+"),
    ("control lines", r"(phase|reset|reset_b|iso|iso_b)_\d+"),
    ("supplies and shared biases", r"vdd|vss|v0|vdis|vsense"),
)


def _capacitance_table(nets: dict[str, float]) -> Table:
    """Extracted capacitance of every net to all others, by kind of net; the largest of a kind by name."""
    rows = []
    for title, pattern in GROUPS:
        group = {net: farad for net, farad in nets.items() if re.fullmatch(pattern, net)}
        if group:
            largest = max(group, key=lambda net: group[net])
            cells = (min(group.values()), sum(group.values()) / len(group), group[largest])
            rows.append((title, str(len(group)), *(quantity(c, "F", 3) for c in cells), f"`{largest}`"))
    return Table(
        "Extracted capacitance by kind of net",
        ("Nets", "Count", "Smallest", "Mean", "Largest", "The largest"),
        tuple(rows),
        frozenset({0, 5}),
        note="Wiring only, without the devices' own. Every net by name: `layout/pex.json`, net_capacitance_F.",
    )


def _rows(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as dotted names; lists by their length, and their entries where these are plain."""
    if isinstance(value, dict):
        return [
            row for key, part in value.items() for row in _rows(part, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(value, list):
        plain = all(not isinstance(part, dict | list) for part in value)
        short = plain and len(value) <= 8
        return [(name, ", ".join(map(_word, value)) if short and value else f"{len(value)} entries")]
    return [(name, _word(value))]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
