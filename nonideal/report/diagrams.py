"""Drawings for newcomers: the flow of data, and the circuit of a synapse and a neuron."""

from __future__ import annotations

from markupsafe import Markup, escape

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
    width, height, gap = 121, 56, 18
    total = len(STEPS) * width + (len(STEPS) - 1) * gap + 4
    parts = []
    for k, (title, subtitle, stage) in enumerate(STEPS):
        x = 2 + k * (width + gap)
        done = stage is None or results.has(stage)
        parts.append(
            f'<rect class="box{"" if done else " todo"}" x="{x}" y="14" '
            f'width="{width}" height="{height}" rx="7"/>'
            f'<text class="b" x="{x + width / 2}" y="38">{escape(title)}</text>'
            f'<text class="s" x="{x + width / 2}" y="56">{escape(subtitle if done else "not in this run")}</text>'
        )
        if k:
            parts.append(f'<path class="wire" d="M{x - gap + 2} 42H{x - 6}m-5 -4l5 4l-5 4"/>')
    a, b = (2 + k * (width + gap) + width / 2 for k in (TRAINING, len(STEPS) - 1))
    parts.append(
        f'<path class="wire" d="M{b} 72V96H{a}V78m-4 5l4 -5l4 5"/>'
        f'<text class="s" x="{(a + b) / 2}" y="112">spike times compared: promised against simulated</text>'
    )
    label = "Data flow: process, circuit, SPICE sweeps, physical model, training, write-back, layout, SPICE network."
    return _svg("flow", total, 122, label, "".join(parts))


def _fet(x: float, y: float, kind: str, gate: str, name: str) -> str:
    """A vertical MOSFET with its channel at ``x``, from y to y + 44; the gate comes from the left."""
    bubble = f'<circle class="wire" cx="{x - 16}" cy="{y + 22}" r="3"/>' if kind == "p" else ""
    start = x - 19 if kind == "p" else x - 13
    return (
        f'<path class="wire" d="M{x} {y}V{y + 10}H{x - 8}M{x} {y + 44}V{y + 34}H{x - 8}"/>'
        f'<path class="heavy" d="M{x - 8} {y + 7}V{y + 37}"/>'
        f'<path class="wire" d="M{x - 13} {y + 10}V{y + 34}"/>'
        f'{bubble}<path class="wire" d="M{start} {y + 22}H{x - 34}"/>'
        f'<text class="e" x="{x - 38}" y="{y + 26}">{gate}</text>'
        f'<text class="l" x="{x + 7}" y="{y + 26}">{name}</text>'
    )


def _ground(x: float, y: float) -> str:
    return f'<path class="wire" d="M{x} {y}v6M{x - 9} {y + 6}h18M{x - 5} {y + 10}h10M{x - 2} {y + 14}h4"/>'


def _supply(x: float, y: float, name: str) -> str:
    line = f'<path class="wire" d="M{x} {y}v-8M{x - 10} {y - 8}h20"/>'
    return line + f'<text class="s" x="{x}" y="{y - 13}">{name}</text>'


def circuit() -> Markup:
    """The synapse pair on a dendrite, and the neuron behind its isolation switch."""
    parts = ['<text class="h" x="100" y="20">synapse pair (one of many)</text>']
    x = 140
    parts += [
        _supply(x, 58, "V_dd"),
        _fet(x, 58, "p", "axon, inverted", "selector"),
        _fet(x, 102, "p", "bias P", "memory: negative weight"),
        f'<path class="wire" d="M{x} 146V186"/><circle class="dot" cx="{x}" cy="166" r="3.2"/>',
        _fet(x, 186, "n", "bias N", "memory: positive weight"),
        _fet(x, 230, "n", "axon (spike)", "selector"),
        _ground(x, 274),
    ]
    parts += [
        f'<path class="rail" d="M{x} 166H372"/><text class="s" x="330" y="158">dendrite</text>',
        '<path class="wire" d="M372 166l30 -14M404 166H700"/>',
        '<circle class="dot" cx="372" cy="166" r="2.5"/><circle class="dot" cx="404" cy="166" r="2.5"/>',
        '<text class="s" x="388" y="186">isolation</text>',
        '<text class="h" x="560" y="20">neuron</text><text class="s" x="560" y="158">membrane</text>',
        # Reset switch above, capacitor and discharger below.
        '<path class="wire" d="M450 166V122M450 118l14 -28M450 86V70"/>',
        '<circle class="dot" cx="450" cy="120" r="2.5"/><circle class="dot" cx="450" cy="86" r="2.5"/>',
        '<text class="s" x="450" y="62">V₀ (1.3 V)</text><text class="l" x="470" y="108">reset</text>',
        '<circle class="dot" cx="450" cy="166" r="3.2"/><path class="wire" d="M450 166V212"/>',
        '<path class="heavy" d="M434 212h32M434 222h32"/><path class="wire" d="M450 222v40"/>',
        '<text class="l" x="472" y="222">C_m</text>',
        _ground(450, 262),
        '<circle class="dot" cx="610" cy="166" r="3.2"/><path class="wire" d="M610 166V186"/>',
        _fet(610, 186, "n", "V_dis", "discharger"),
        _fet(610, 230, "n", "phase", "on while firing"),
        _ground(610, 274),
        '<path class="box" d="M700 142L748 166L700 190Z"/><circle class="box" cx="753" cy="166" r="5"/>',
        '<text class="s" x="722" y="212">sensing</text><text class="s" x="722" y="227">at V_switch</text>',
        '<path class="wire" d="M758 166H790"/>',
        '<rect class="box" x="790" y="144" width="72" height="44" rx="6"/>',
        '<text class="s" x="826" y="170">driver</text><path class="wire" d="M862 166H900m-6 -4l6 4l-6 4"/>',
        '<text class="s" x="890" y="154">spike</text>',
    ]
    label = "Circuit: a synapse pair feeds the dendrite; the neuron integrates, is discharged, and fires."
    return _svg("circuit", 915, 300, label, "".join(parts))


def _svg(name: str, width: float, height: float, label: str, body: str) -> Markup:
    return Markup(
        f'<svg class="diagram {name}" role="img" viewBox="0 0 {width:g} {height:g}" '
        f'aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{body}</svg>"
    )
