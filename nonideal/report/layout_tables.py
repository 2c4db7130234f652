"""Tables of a layout's checks and of what was extracted from it."""

from __future__ import annotations

import re
from typing import Any

from nonideal.report.table import Column, Table, numbers, states, words
from nonideal.report.units import duration, quantity

DEVICES = {
    "nfet_01v8": "NMOS",
    "nfet_01v8_lvt": "NMOS, low threshold",
    "pfet_01v8": "PMOS",
    "pfet_01v8_hvt": "PMOS, high threshold",
    "model__cap_mim_m4": "MIM capacitors",
}
MODES = {"CC": "capacitance", "RC": "resistance and capacitance"}
GROUPS = (
    ("dendrites", r"dendrite_\d+_\d+"),
    ("membranes, without the MIM capacitor", r"neuron_\d+_\d+_membrane"),
    ("input axons", r"axon_0_\d+"),
    ("input axons, inverted", r"axon_b_0_\d+"),
    ("spikes", r"spike_\d+_\d+"),
    ("spikes, inverted", r"spike_b_\d+_\d+"),
    ("biases of the synapses", r"bias_[np]_\d+_\d+_\d+"),
    ("biases of the dischargers", r"vdis_\d+_\d+"),
    ("control lines", r"(phase|reset|reset_b|iso|iso_b)_\d+"),
    ("supplies and shared biases", r"vdd|vss|v0|vsense"),
)


def drc_table(drc: dict[str, Any]) -> Table:
    """Violations in all and of every rule that has some; of every antenna rule the net that is nearest to breaking it."""
    rows = [_at_most("violations", 0, drc.get("violations"))]
    for broken in drc.get("by_rule") or ():
        rows.append(_at_most(f"{broken['rule']}: {broken['description']}", 0, broken["count"]))
    for worst in drc.get("antenna") or ():
        most, ratio = f"{worst['allowed']:.4g}", f"{worst['ratio']:.4g}"
        name = f"{worst['rule']}: {worst['layer']} to gate, most on {worst['net']}"
        rows.append((name, "", "", most, ratio, _pass(worst["ratio"] <= worst["allowed"])))
    rows.append(("rules checked", "", "", "", _count(drc.get("rules_checked")), ""))
    return Table(
        title="Design rules (DRC)",
        columns=(*words("Parameter"), *numbers("Min", "Typ", "Max", "Found"), *states("Pass")),
        rows=tuple(rows),
        note="From `layout/drc.json`; the places are in `layout/drc.lyrdb`, for KLayout's marker browser.",
    )


def _at_most(name: str, most: int, found: int | None) -> tuple[str, ...]:
    return name, "", "", str(most), _count(found), "" if found is None else _pass(found <= most)


def lvs_table(lvs: dict[str, Any]) -> Table:
    """Devices on both sides, and how many differences the comparison found."""
    drawn, wanted = lvs.get("devices_layout") or {}, lvs.get("devices_netlist") or {}
    rows = [
        (_device(kind), *(_count(side.get(kind, 0)) for side in (wanted, drawn)), _equal(kind, wanted, drawn))
        for kind in sorted({*drawn, *wanted})
    ]
    rows += [
        (title, "", _count(lvs[key]), "")
        for key, title in (("nets", "nets"), ("ports", "pins"))
        if key in lvs
    ]
    if "differences" in lvs:
        rows.append(("differences", "0", _count(lvs["differences"]), _pass(lvs["differences"] == 0)))
    if "matched" in lvs:
        told = "yes" if lvs["matched"] else "no"
        rows.append(("the same circuit, pins by name", "yes", told, _pass(bool(lvs["matched"]))))
    return Table(
        title="Layout against schematic (LVS)",
        columns=(*words(""), *numbers("Schematic", "Layout"), *states("Pass")),
        rows=tuple(rows),
        note="From `layout/lvs.json`; `layout/network.lvsdb.gz` opens in KLayout's netlist browser.",
    )


def _device(kind: str) -> str:
    model = kind.removeprefix("sky130_fd_pr__")
    return f"{DEVICES[model]} (`{model}`)" if model in DEVICES else f"`{model}`"


def _equal(kind: str, wanted: dict[str, int], drawn: dict[str, int]) -> str:
    return _pass(wanted.get(kind, 0) == drawn.get(kind, 0))


def pex_table(pex: dict[str, Any]) -> Table:
    """How many resistors and capacitors, before and after the reduction, and what it neglects."""
    rows = [
        (name, _count(pex.get(f"{name}_extracted")), _count(pex.get(name)))
        for name in ("resistors", "capacitors")
    ]
    ohms = pex.get("resistance_ohm") or {}
    rows += [(f"{which} resistor", "", quantity(ohms[which], "Ω", 3)) for which in ohms]
    return Table(
        title="Extracted parasitics (PEX)",
        columns=(*words(""), *numbers("Extracted", "After reduction")),
        rows=tuple(rows),
        note=f"{_extractor(pex)} {_reduction(pex)} {_cost(pex)} From `layout/pex.json`.".replace("  ", " "),
    )


def _extractor(pex: dict[str, Any]) -> str:
    name = str(pex.get("extractor", "extractor"))
    tools = pex.get("tools") or {}
    version = tools.get({"kpex": "klayout-pex"}.get(name, name), "")
    mode = str(pex.get("mode", ""))
    sidewall = f", sidewalls {pex['sidewall']}" if "sidewall" in pex else ""
    return f"Extractor: {name} {version}".rstrip() + f"; {MODES.get(mode, mode)}{sidewall}."


def _reduction(pex: dict[str, Any]) -> str:
    reduction = (pex.get("options") or {}).get("reduction")
    if not isinstance(reduction, dict):
        return ""
    said = []
    if reduction.get("coupling_F"):
        said.append(f"couplings below {quantity(reduction['coupling_F'], 'F')} go to ground")
    if reduction.get("short_ohm"):
        said.append(f"resistors below {quantity(reduction['short_ohm'], 'Ω')} become shorts")
    if reduction.get("tau_s"):
        said.append(f"inner nodes below {quantity(1e12 * reduction['tau_s'], '')} ps are eliminated")
    if reduction.get("join"):
        said.append("what couples two nets is joined to one")
    return f"Reduction: {'; '.join(said)}." if said else "Not reduced."


def _cost(pex: dict[str, Any]) -> str:
    if pex.get("cached"):
        return "Kept by content from an earlier extraction."
    seconds = pex.get("seconds_cpu")
    return "" if seconds is None else f"CPU time {duration(float(seconds))}."


def capacitance_table(nets: dict[str, float]) -> Table:
    """Extracted capacitance of every net to all others, by kind of net; the largest of a kind by name."""
    rows = []
    for title, pattern in GROUPS:
        group = {net: farad for net, farad in nets.items() if re.fullmatch(pattern, net)}
        if group:
            largest = max(group, key=lambda net: group[net])
            cells = (min(group.values()), sum(group.values()) / len(group), group[largest])
            rows.append((title, len(group), *cells, f"`{largest}`"))
    return Table(
        "Extracted capacitance by kind of net",
        (
            *words("Nets"),
            Column("Count"),
            *numbers("Smallest", "Mean", "Largest", unit="F", digits=3),
            *words("The largest"),
        ),
        tuple(rows),
        note="Wiring only, without the devices' own. Every net by name: `layout/pex.json`, net_capacitance_F.",
    )


def _count(value: Any) -> str:
    return "" if value is None else str(value)


def _pass(passed: bool) -> str:
    return "pass" if passed else "fail"
