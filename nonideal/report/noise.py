"""What an output spike's jitter is made of, beside the model's error, where ``nonideal noise`` has measured it."""

from __future__ import annotations

from textwrap import wrap

from nonideal.report.answer import leading
from nonideal.report.blocks import Block, Chart, Panel
from nonideal.report.noise_table import noise_tables
from nonideal.report.traces import axes, label
from nonideal.runs.results import Results
from nonideal.runs.summaries.noise import NoiseSummary

GROUPS = {
    "noise of synapses": ("synapses_white_n", "synapses_white_p", "synapses_flicker_n", "synapses_flicker_p"),
    "noise of the ramp": ("ramp_white", "ramp_flicker"),
    "noise of sensing and switches": ("sensing_white", "sensing_flicker", "switches"),
    "noise that hidden spikes bring along": ("inherited",),
}
"""Parts of an output spike's jitter as the picture groups them."""
LINE = 24


def noise_blocks(results: Results) -> tuple[Block, ...]:
    """What ``noise/`` holds; empty where it holds nothing."""
    summary = results.noise
    if summary is None or not summary.layers:
        return ()
    return (_panel(results, summary), *noise_tables(summary))


def _panel(results: Results, summary: NoiseSummary) -> Panel:
    """A bar for every group of parts of an output spike's jitter, ns, and the model's error where there is one."""
    bars = _bars(results, summary)
    names = ["<br>".join(map(label, wrap(name, LINE))) for name, _, _ in bars]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": [value for _, value, _ in bars],
        "text": [f"{value:.3g} ns" for _, value, _ in bars],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": [colour for *_, colour in bars]},
        "hovertemplate": "%{y}: %{text}<extra></extra>",
        "showlegend": False,
    }
    layout = axes(
        "rms, output spikes (ns)",
        "",
        xaxis={"rangemode": "tozero", "range": [0, 1.25 * max(value for _, value, _ in bars)]},
        yaxis={"autorange": "reversed", "type": "category", "categoryarray": names, "showgrid": False, "tickfont": {"size": 10}},
        bargap=0.35,
        margin={"r": 24},
    )  # fmt: skip
    told = {name: value for name, value, _ in bars}
    model, noise = told.get("model error"), told["noise, all together"]
    title = "What noise does to an output spike"
    against = (
        "" if model is None else f" The model's error is {noise / model:.2g} times smaller than the jitter."
    )
    if model is not None and model > noise:
        against = f" The model's error is {model / noise:.2g} times larger than the jitter."
    alt = f"{title}: " + ", ".join(f"{name} {value:.3g} ns" for name, value, _ in bars)
    caption = (
        f"Noise is different every time a spike is made; the model's error is the same every time.{against} Jitter of `{summary.mapping}` in closed "
        f"form, held against noisy simulations below."
    )
    return Panel(
        "spike-noise", title, caption, (Chart("", alt, (trace,), layout, 120 + 40 * len(bars), "whole"),)
    )


def _bars(results: Results, summary: NoiseSummary) -> list[tuple[str, float, str]]:
    """(what, ns, colour)."""
    output = summary.layers[-1]
    ink, noise = "var(--ink)", "var(--muted)"
    found: list[tuple[str, float, str]] = []
    name = summary.mapping if summary.mapping in results.validated else leading(results)
    if name in results.validated:
        error_s = results.validated[name].spike_time_rmse_s.output
        if error_s is not None:
            found.append(("model error", 1e9 * error_s, ink))
    found.append(("noise, all together", 1e9 * (output.rms_s or 0.0), ink))
    for group, parts in GROUPS.items():
        square = sum(output.parts_s.get(part, 0.0) ** 2 for part in parts)
        found.append((group, 1e9 * square**0.5, noise))
    return found
