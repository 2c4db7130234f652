"""The data sheet of a tile: what it computes, its timing, pins, currents, and how it is tested; as Markdown and as one page of HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from nonideal.circuits.cells.generator import GeneratorSizes
from nonideal.circuits.cells.port import Role
from nonideal.circuits.network.timeline import Timeline
from nonideal.sky130_models.tile import GROUND, SUPPLY
from nonideal.tapeout.assembly import TILE_SIZES, Chip
from nonideal.tapeout.behaviour import code_of
from nonideal.tapeout.twin import GO_CLOCKS

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{border-bottom:1px solid #ccc;padding:.2rem .6rem;text-align:left}"
    "svg text{font:11px system-ui,sans-serif}"
)
MS_PER_NF = 2.0
"""How long a gate line takes until it stands, by its capacitor: 1.9 ms (P) with 1 nF (docs/explanation/generator.md)."""
ROW, LABEL, WIDTH = 22, 90, 860
"""Of the timing diagram, px."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the sheet: sentences, numbered steps, then a table (headings first), then a drawing (SVG) that Markdown leaves out."""

    title: str
    text: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    drawing: str = ""


NOT_SIMULATED = (
    "Not simulated yet: the command tapeout with --simulate N runs N samples on the extracted tile in SPICE, "
    "and writes this sheet with what comes of it."
)


def sheet(
    chip: Chip, checks: Mapping[str, str], accuracy: Mapping[str, str] | None = None
) -> tuple[Section, ...]:
    """All sections of the data sheet of a chip; ``checks``: what was found, by what was held against it; ``accuracy`` the same of SPICE."""
    return (
        _computes(chip),
        _codes(chip),
        _timing(chip),
        _pins(chip),
        _electrical(chip),
        _procedure(chip),
        Section("Accuracy", table=(("what", "found"), *accuracy.items()))
        if accuracy
        else Section("Accuracy", (NOT_SIMULATED,)),
        Section("Checks", table=(("what", "found"), *checks.items())),
    )


def _computes(chip: Chip) -> Section:
    layers, timing = "-".join(map(str, chip.topology.layers)), chip.design.timing
    text = (
        " ".join(chip.options.description.split()),
        f"A network of layers {layers}. A value is the time of a spike in a phase of {timing.t_circ_s * 1e9:g} ns. "
        "While a phase lasts every spike that has come adds its weight to the slope at which a membrane moves; in the next phase a constant "
        "current takes the membrane to its threshold, and when it gets there the neuron spikes. The output that spikes first is the decision.",
    )
    return Section(f"{chip.options.top}: {chip.options.title}", text)


def _codes(chip: Chip) -> Section:
    rows = [("layer", "neuron", *(f"axon {j}" for j in range(max(chip.topology.layers[:-1]))))]
    mask = chip.topology.mask or ()
    for layer, neurons in enumerate(mask, start=1):
        rows += [(str(layer), str(k), *(str(code_of(on)) for on in axons)) for k, axons in enumerate(neurons)]
    text = "Codes as they are wired: N units pull the membrane down, which makes spikes earlier, and are counted positive; P units are negative."
    return Section("Weights", (text,), table=tuple(rows))


def _timing(chip: Chip) -> Section:
    clock_s, half = chip.control.clock_s, chip.control.clock_s / 2
    begin_ns = Timeline(chip.design.timing, chip.topology.depth).firing_s(0) * 1e9
    t_circ_ns = chip.design.timing.t_circ_s * 1e9
    rows = [("line", "high from (ns)", "to (ns)", "from clock", "to clock")]
    for line, (start, end) in chip.control.spans.items():
        times = (f"{start * half * 1e9:g}", f"{end * half * 1e9:g}", f"{start / 2:g}", f"{end / 2:g}")
        rows.append((line, *times))
    text = (
        f"One inference begins {GO_CLOCKS} clocks after the one that first sees a rise of go, and takes {chip.control.stop} clocks of "
        f"{clock_s * 1e9:g} ns; times below are counted from its beginning. "
        f"An input spikes at a rise of its pin, at the earliest {begin_ns:g} ns and at the latest {begin_ns + t_circ_ns:g} ns after the beginning, "
        "and is held until phase_0 ends.",
    )
    return Section("Timing", text, table=tuple(rows), drawing=_diagram(chip))


def _diagram(chip: Chip) -> str:
    """Control lines over one inference."""
    spans = chip.control.spans
    scale = (WIDTH - LABEL) / (2 * chip.control.stop)
    parts = [f'<svg width="{WIDTH}" height="{ROW * len(spans) + 10}" role="img" aria-label="timing">']
    for row, (line, (start, end)) in enumerate(spans.items()):
        low, high = ROW * (row + 1), ROW * row + 6
        x0, x1 = LABEL + start * scale, LABEL + end * scale
        path = f"M{LABEL} {low}H{x0:.1f}V{high}H{x1:.1f}V{low}H{WIDTH}"
        parts += [
            f'<text x="0" y="{low - 2}">{escape(line)}</text>',
            f'<path d="{path}" fill="none" stroke="#0a7" stroke-width="1.5"/>',
        ]
    return "".join([*parts, "</svg>"])


def _pins(chip: Chip) -> Section:
    table = chip.pinning.table()
    columns = ("pin", "direction", "description", "esd")
    rows = [columns, *(tuple(str(row[name]) for name in columns) for _, row in table.iterrows())]
    rows += [
        (net, "power", what, "")
        for net, what in ((SUPPLY, f"supply, {chip.design.supplies.vdd_V:g} V"), (GROUND, "ground"))
    ]
    return Section("Pins", table=tuple(rows))


def _electrical(chip: Chip) -> Section:
    supplies, sizes = chip.design.supplies, chip.generator.sizes
    # What was simulated is the default generator; of one that differs in more than V_sense it would be a guess.
    simulated = sizes in (GeneratorSizes(), TILE_SIZES)
    idle = "4.8 to 9.8 uA over corners and temperatures, by simulation" if simulated else "not simulated"
    if sizes == TILE_SIZES:
        idle += " of the default generator; this one takes 0.4 uA more for V_sense"
    (reset,) = chip.design.contracts.neuron.having(Role.RESET_LEVEL)
    rows = (
        ("parameter", "value"),
        ("supply", f"{supplies.vdd_V:g} V (1.62 to 1.98 V)"),
        (f"reset level, {reset.name}", f"{reset.level_V(supplies) or 0:g} V; 0.3 uA on average"),
        (
            "reference current, iref",
            f"{sizes.reference_A * 1e6:g} uA{', 20 % more or less do not matter' * simulated}",
        ),
        ("capacitor of each gate line", f"{sizes.line_capacitor_F * 1e9:g} nF"),
        ("clock", f"{chip.options.clock_Hz / 1e6:g} MHz"),
        (
            "temperature",
            "-40 to 125 degrees, by simulation of the generator (docs/explanation/generator.md)"
            if simulated
            else "not simulated",
        ),
        ("generator, nothing moving", idle),
    )
    return Section("Currents, voltages, temperature", table=rows)


def _procedure(chip: Chip) -> Section:
    bits = len(chip.control.register)
    nanofarad = chip.generator.sizes.line_capacitor_F * 1e9
    farad = f"{nanofarad:g} nF"
    steps = (
        f"Give VDPWR {chip.design.supplies.vdd_V:g} V, ua[1] the reset level, ua[0] the reference current; ua[2] to ua[5] have their capacitors "
        f"of {farad}, N lines to ground, P lines to the supply.",
        "Choose the design (ena), give the clock, hold rst_n low for some clocks, then high: the configuration is the one that was drawn.",
        f"To change it, send its {bits} bits on ui_in[5], each with a rise of ui_in[6], go low; both keep each level for three clocks at least.",
        f"Wait until the gate lines stand: {max(MS_PER_NF * nanofarad, 0.1):g} ms after power. Then run 100 inferences before one counts: the "
        "loop settles.",
        "One inference: raise ui_in[7] (go); raise each input in its time; wait for uo_out[6] (done). With go still high "
        f"{chip.control.counter_bits} rises of ui_in[6] an output read the times from uo_out[5], the last output first, highest bit first; lower go.",
        f"The output with the lowest time is the decision. uo_out[0..{chip.topology.layers[-1] - 1}] show the spikes themselves.",
    )
    return Section("Test procedure", steps=steps)


def markdown(sections: Iterable[Section]) -> str:
    """The sheet as Markdown."""
    lines: list[str] = []
    for number, one in enumerate(sections):
        lines += [f"{'#' if number == 0 else '##'} {one.title}", ""]
        for text in one.text:
            lines += [text, ""]
        lines += [f"{index}. {step}" for index, step in enumerate(one.steps, start=1)] + [""] * bool(
            one.steps
        )
        if one.table:
            head, *rows = one.table
            lines += [_row(head), _row(["---"] * len(head)), *map(_row, rows), ""]
    return "\n".join(lines).rstrip() + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def html(sections: tuple[Section, ...]) -> str:
    """The sheet as a page that needs nothing but itself."""
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(sections[0].title)}</title><style>{STYLE}</style>'
    ]
    for number, one in enumerate(sections):
        tag = "h1" if number == 0 else "h2"
        parts.append(f"<{tag}>{escape(one.title)}</{tag}>")
        parts += [f"<p>{escape(text)}</p>" for text in one.text]
        if one.steps:
            parts.append("<ol>" + "".join(f"<li>{escape(step)}</li>" for step in one.steps) + "</ol>")
        parts.append(one.drawing)
        if one.table:
            head, *rows = one.table
            parts.append("<table><tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>")
            parts += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows]
            parts.append("</table>")
    return "\n".join([*parts, "</html>"]) + "\n"
