"""Tables of a layout's checks and of what was extracted from it."""

from __future__ import annotations

import re

from nonideal.circuits.drc_summary import DrcSummary
from nonideal.circuits.lvs_summary import LvsSummary
from nonideal.circuits.pex_summary import PexSummary
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
VERSION_DIGITS = 12
"""Of an extractor's version: our own extractor's is the hash of its code."""


def drc_table(drc: DrcSummary) -> Table:
    """Violations in all and of every rule that has some; of every antenna rule the net that is nearest to breaking it."""
    rows = [_at_most("violations", 0, drc.violations)]
    for broken in drc.by_rule:
        rows.append(_at_most(f"{broken.rule}: {broken.description}", 0, broken.count))
    for worst in drc.antenna:
        most, ratio = f"{worst.allowed:.4g}", f"{worst.ratio:.4g}"
        name = f"{worst.rule}: {worst.layer} to gate, most on {worst.net}"
        rows.append((name, "", "", most, ratio, _pass(worst.passed)))
    rows.append(("rules checked", "", "", "", _count(drc.rules_checked), ""))
    return Table(
        title="Design rules (DRC)",
        columns=(*words("Parameter"), *numbers("Min", "Typ", "Max", "Found"), *states("Pass")),
        rows=tuple(rows),
        note="From `layout/drc.json`; the places are in `layout/drc.lyrdb`, for KLayout's marker browser.",
    )


def _at_most(name: str, most: int, found: int | None) -> tuple[str, ...]:
    return name, "", "", str(most), _count(found), "" if found is None else _pass(found <= most)


def lvs_table(lvs: LvsSummary) -> Table:
    """Devices on both sides, and how many differences the comparison found."""
    drawn, wanted = lvs.devices_layout, lvs.devices_netlist
    rows = [
        (_device(kind), *(_count(side.get(kind, 0)) for side in (wanted, drawn)), _equal(kind, wanted, drawn))
        for kind in sorted({*drawn, *wanted})
    ]
    for title, count in (("nets", lvs.nets), ("pins", lvs.ports)):
        if count is not None:
            rows.append((title, "", _count(count), ""))
    if lvs.differences is not None:
        rows.append(("differences", "0", _count(lvs.differences), _pass(lvs.differences == 0)))
    if lvs.matched is not None:
        told = "yes" if lvs.matched else "no"
        rows.append(("the same circuit, pins by name", "yes", told, _pass(lvs.matched)))
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


def pex_table(pex: PexSummary) -> Table:
    """How many resistors and capacitors, before and after the reduction, and what it neglects."""
    rows = [
        ("resistors", _count(pex.resistors_extracted), _count(pex.resistors)),
        ("capacitors", _count(pex.capacitors_extracted), _count(pex.capacitors)),
    ]
    rows += [(f"{which} resistor", "", quantity(ohm, "Ω", 3)) for which, ohm in pex.resistance_ohm.items()]
    return Table(
        title="Extracted parasitics (PEX)",
        columns=(*words(""), *numbers("Extracted", "After reduction")),
        rows=tuple(rows),
        note=f"{_extractor(pex)} {_reduction(pex)} {_cost(pex)} From `layout/pex.json`.".replace("  ", " "),
    )


def _extractor(pex: PexSummary) -> str:
    name, mode = pex.extractor or "extractor", pex.mode or ""
    version = pex.tools.get({"kpex": "klayout-pex"}.get(name, name), "")[:VERSION_DIGITS]
    sidewall = "" if pex.sidewall is None else f", sidewalls {pex.sidewall}"
    return f"Extractor: {name} {version}".rstrip() + f"; {MODES.get(mode, mode)}{sidewall}."


def _reduction(pex: PexSummary) -> str:
    reduction = None if pex.options is None else pex.options.reduction
    if reduction is None:
        return ""
    said = []
    if reduction.coupling_F:
        said.append(f"couplings below {quantity(reduction.coupling_F, 'F')} go to ground")
    if reduction.short_ohm:
        said.append(f"resistors below {quantity(reduction.short_ohm, 'Ω')} become shorts")
    if reduction.tau_s:
        said.append(f"inner nodes below {quantity(1e12 * reduction.tau_s, '')} ps are eliminated")
    if reduction.join:
        said.append("what couples two nets is joined to one")
    return f"Reduction: {'; '.join(said)}." if said else "Not reduced."


def _cost(pex: PexSummary) -> str:
    if pex.cached:
        return "Kept by content from an earlier extraction."
    return "" if pex.seconds_cpu is None else f"CPU time {duration(pex.seconds_cpu)}."


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


def _count(value: int | None) -> str:
    return "" if value is None else str(value)


def _pass(passed: bool) -> str:
    return "pass" if passed else "fail"
