"""Figure of jitter: what the variance of a spike time is made of, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure

from nonideal.characterize.plots import INK, save_figure, style

GROUPS = {
    "synapses, white": ("synapses_white_n", "synapses_white_p"),
    "synapses, flicker": ("synapses_flicker_n", "synapses_flicker_p"),
    "discharger, white": ("ramp_white",),
    "discharger, flicker": ("ramp_flicker",),
    "sensing and driver": ("sensing_white", "sensing_flicker"),
    "switches, kT/C": ("switches",),
    "inherited from the layer before": ("inherited",),
}
"""Parts by what they are drawn as."""


def jitter_figure(parts_s: Sequence[Mapping[str, float]], names: Sequence[str]) -> Figure:
    """A bar of variance for each layer, its parts side by side; ``parts_s``: rms of each part, s."""
    with style():
        figure = Figure(figsize=(7.6, 2.2 + 0.7 * len(parts_s)))
        ax = figure.subplots()
        colours = colormaps["tab10"]
        for row, parts in enumerate(parts_s):
            left = 0.0
            for k, members in enumerate(GROUPS.values()):
                width = 1e18 * sum(parts.get(name, 0.0) ** 2 for name in members)
                ax.barh(row, width, left=left, color=colours(k), height=0.6)
                left += width
            ax.text(1.01 * left, row, f"σ = {left**0.5:.3g} ns", va="center", color=INK, fontsize=8.0)
        for k, group in enumerate(GROUPS):
            ax.barh(0, 0.0, color=colours(k), label=group)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set_xlabel("variance of the spike time (ns²)")
        ax.margins(x=0.15)
        ax.legend(fontsize=7.0, ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.35), frameon=False)
        return figure


def save_jitter(parts_s: Sequence[Mapping[str, float]], names: Sequence[str], folder: Path) -> list[Path]:
    """``jitter.png`` and ``jitter.svg`` in ``folder``."""
    return save_figure(jitter_figure(parts_s, names), folder, "jitter")
