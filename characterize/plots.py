"""Figures of a characterisation, from the model and the curves it was fitted to. Runs no SPICE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from nonideal.characterize.errors import FitRefused
from nonideal.characterize.fits import LambdaFit, firing_time_norm, fit_lambda
from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.files import written_whole

Array = NDArray[np.float64]
Format = Literal["png", "svg"]

INK, MUTED, GRID = "#1f2328", "#656d76", "#d8dee4"
NMOS, PMOS, DISCHARGER = "#00795a", "#b0417f", "#b06000"
"""One colour for each current source; reference lines are in ``INK`` and ``MUTED``."""

DASHED = (0, (4, 3))
PAPER_LAMBDA_PER_V = {"n": 0.41, "p": 0.75, "discharger": 0.177}
"""The single values of the reference paper (arXiv:2412.09010, section 6)."""

STYLE: dict[str, object] = {
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.4,
    "figure.constrained_layout.use": True,
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
    **dict.fromkeys(("xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("xtick.labelcolor", "ytick.labelcolor"), INK),
}
SHADES = ListedColormap(colormaps["viridis"](np.linspace(0.15, 0.82, 256)))
"""For families of curves: readable on white and on black."""


@contextmanager
def style() -> Iterator[None]:
    """The look of every figure."""
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        yield


@dataclass(frozen=True, slots=True)
class Curve:
    """One I(V) curve at one gate bias, and its line where it has one."""

    bias_V: float
    membrane_V: Array
    current_A: Array
    at_v0_A: float
    fit: LambdaFit | None

    def line_nA(self, membrane_V: Array, v0_V: float) -> Array | None:
        """The fitted line in nA; None where the curve has none."""
        if self.fit is None:
            return None
        return 1e9 * self.fit.current_A * (1 + self.fit.lambda_per_V * (membrane_V - v0_V))


def curves_of(model: PhysicalModel, part: pd.DataFrame) -> list[Curve]:
    """The curves of one source, by rising current."""
    v0_V = model.v_0_V.value
    found = []
    for bias_V, group in part.groupby("bias_V"):
        rows = group.sort_values("membrane_V")
        membrane_V, current_A = rows["membrane_V"].to_numpy(float), rows["current_A"].to_numpy(float)
        try:
            fit = fit_lambda(membrane_V, current_A, v0_V, model.valid_V)
        except FitRefused:
            fit = None
        at_v0_A = float(np.interp(v0_V, membrane_V, current_A))
        found.append(Curve(float(str(bias_V)), membrane_V, current_A, at_v0_A, fit))
    return sorted(found, key=lambda curve: curve.at_v0_A)


def synapse_curves(model: PhysicalModel, curves: pd.DataFrame, polarity: str) -> list[Curve]:
    """The curves of the synapses of one polarity, ``n`` or ``p``, by rising current."""
    return curves_of(model, curves[(curves["bench"] == "synapse") & (curves["polarity"] == polarity)])


def _branches(model: PhysicalModel) -> tuple[tuple[str, str, Branch, int], ...]:
    return (
        ("n", "NMOS, positive weights", model.positive, 1),
        ("p", "PMOS, negative weights", model.negative, -1),
    )


def iv_families(
    model: PhysicalModel, curves: pd.DataFrame, weights: tuple[float, float] = (0.02, 1.3)
) -> Figure:
    """Currents of both polarities against membrane potential.

    Left relative to I(V_0), with the model's one line; right absolute, each with its own line. Shown are the
    gate biases whose weight (current in units of the unit current) lies in ``weights``.
    """
    unit_A, v0_V = model.unit_current_A(), model.v_0_V.value
    norm = Normalize(0.0, weights[1])
    with style():
        figure = Figure(figsize=(8.4, 6.2))
        axes = figure.subplots(2, 2, sharex=True)
        for row, (polarity, title, branch, sign) in zip(axes, _branches(model), strict=True):
            shown = [
                c
                for c in synapse_curves(model, curves, polarity)
                if weights[0] <= c.at_v0_A / unit_A <= weights[1]
            ]
            window = np.linspace(*model.valid_V, 50)
            for c in shown:
                shade = SHADES(norm(c.at_v0_A / unit_A))
                row[0].plot(c.membrane_V, c.current_A / c.at_v0_A, color=shade, linewidth=1.0)
                row[1].plot(c.membrane_V, 1e9 * c.current_A, color=shade, linewidth=1.0)
                fitted = c.line_nA(window, v0_V)
                if fitted is not None:
                    row[1].plot(window, fitted, color=INK, linewidth=0.7, linestyle=DASHED)
            line = 1 + sign * branch.lambda_per_V.value * (window - v0_V)
            label = f"model, one λ = {branch.lambda_per_V.value:.3f} /V"
            row[0].plot(window, line, color=INK, linewidth=1.8, linestyle=DASHED, label=label)
            row[0].set_title(f"{title}: relative to I(V₀)")
            row[1].set_title(f"{title}: absolute")
            row[0].set_ylabel("I / I(V₀)")
            row[1].set_ylabel("current (nA)")
            row[1].plot([], [], color=INK, linewidth=0.7, linestyle=DASHED, label="line fitted to each curve")
            low, high = float(line.min()), float(line.max())
            row[0].set_ylim(low - 0.25 * (high - low), high + 0.35 * (high - low))
            for ax in row:
                _mark_window(ax, model)
                ax.legend(loc="upper left" if sign > 0 else "upper right")
                ax.set_ylim(top=ax.get_ylim()[0] + 1.16 * (ax.get_ylim()[1] - ax.get_ylim()[0]))
        for ax in axes[1]:
            ax.set_xlabel("membrane potential V (V)")
        label = "weight: I(V₀) / unit current"
        figure.colorbar(ScalarMappable(norm, SHADES), ax=axes, label=label, aspect=40, pad=0.01)
    return figure


def _mark_window(ax: Axes, model: PhysicalModel) -> None:
    ax.axvspan(*model.valid_V, color=GRID, alpha=0.35, linewidth=0)
    ax.axvline(model.v_0_V.value, color=MUTED, linewidth=0.8, linestyle=":")


def _plain_ticks(axis: Axis, steps: tuple[float, ...]) -> None:
    """Numbers on a logarithmic axis as people write them."""
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def lambda_against_current(model: PhysicalModel, curves: pd.DataFrame) -> Figure:
    """The slope lambda of each curve against its current, the model's polynomial, the paper's value."""
    unit_A = model.unit_current_A()
    with style():
        figure = Figure(figsize=(8.4, 3.6))
        axes = figure.subplots(1, 2)
        for ax, (polarity, title, branch, sign), colour in zip(
            axes, _branches(model), (NMOS, PMOS), strict=True
        ):
            low_A, high_A = max(branch.current_min_A, 1e-3 * unit_A), branch.current_max_A
            within = [c for c in synapse_curves(model, curves, polarity) if low_A <= c.at_v0_A <= high_A]
            fitted = [(c.at_v0_A, sign * c.fit.lambda_per_V) for c in within if c.fit is not None]
            current_A, slope = np.array(fitted, float).reshape(-1, 2).T
            ax.plot(1e9 * current_A, slope, "o", color=colour, markersize=4, label="each gate bias")
            grid = np.geomspace(low_A, high_A, 200)
            smooth = np.polynomial.polynomial.polyval(grid / unit_A, branch.lambda_polynomial_per_V)
            ax.plot(1e9 * grid, smooth, color=colour, label="polynomial in the current")
            one = branch.lambda_per_V
            label = f"one value: {one.value:.3f} ± {one.stderr:.3f} /V"
            ax.axhline(one.value, color=INK, linewidth=1.2, label=label)
            paper = PAPER_LAMBDA_PER_V[polarity]
            ax.axhline(paper, color=INK, linewidth=1.2, linestyle=(0, (2, 2)), label=f"paper: {paper} /V")
            ax.axvline(1e9 * unit_A, color=MUTED, linewidth=0.8, linestyle=":")
            ax.set_xscale("log")
            _plain_ticks(ax.xaxis, (1.0,))
            ax.set_xlabel("current at V₀ (nA); dotted: weight 1")
            ax.set_ylabel("λ (1/V)")
            ax.set_title(title)
            span = [*slope, one.value, paper]
            low, high = min(span), max(span)
            margin = max(0.1 * (high - low), 0.01)
            ax.set_ylim(low - margin - 0.65 * (high - low), high + margin)
            ax.legend(loc="lower left", fontsize=8)
    return figure


def discharger(model: PhysicalModel, curves: pd.DataFrame) -> Figure:
    """Current of the discharger over its gate bias; the calibrated bias stands out."""
    family = curves_of(model, curves[curves["bench"] == "discharger"])
    v0_V, window = model.v_0_V.value, np.linspace(*model.valid_V, 50)
    with style():
        figure = Figure(figsize=(8.4, 3.6))
        ax = figure.subplots()
        for c in family:
            chosen = abs(c.bias_V - model.vdis_V) < 1e-6
            width, alpha = (2.2, 1.0) if chosen else (0.9, 0.55)
            ax.plot(c.membrane_V, 1e9 * c.current_A, color=DISCHARGER, linewidth=width, alpha=alpha)
            mark = f"{1e3 * c.bias_V:.1f} mV" + (" (calibrated)" if chosen else "")
            end = (c.membrane_V[-1], 1e9 * c.current_A[-1])
            ax.annotate(mark, end, xytext=(4, 0), textcoords="offset points", fontsize=8, va="center")
            line = c.line_nA(window, v0_V)
            if line is not None:
                lambda_dis = f"{model.lambda_dis_per_V.value:.4f} /V"
                label = f"fitted lines; λ_dis = {lambda_dis} at the calibrated bias" if chosen else None
                ax.plot(window, line, color=INK, linewidth=1.0, linestyle=DASHED, label=label)
        _mark_window(ax, model)
        ax.set_yscale("log")
        _plain_ticks(ax.yaxis, (1.0, 2.0, 5.0))
        ax.set_ylim(top=ax.get_ylim()[1] * 1.5)
        ax.set_xlabel("membrane potential V (V)")
        ax.set_ylabel("current (nA)")
        ax.set_title("Discharger: current over its gate bias")
        ax.legend(loc="upper left")
    return figure


def firing(model: PhysicalModel, curves: pd.DataFrame) -> Figure:
    """Spike times from set membrane potentials, the firing phase's formula, and what it leaves in ns."""
    part = curves[curves["bench"] == "firing"].sort_values("membrane_V")
    start_V, spike_s = part["membrane_V"].to_numpy(float), part["time_s"].to_numpy(float)

    # Starts are what the reset switch was given: the highest is the reset level before its own charge.
    v0_V = min(float(start_V.max()), model.v_0_V.value)

    def formula_s(volts: Array) -> Array:
        drop_norm = (v0_V - volts) / model.v_th_V
        return firing_time_norm(drop_norm, model.discharge_norm.value) * model.t_circ_s

    grid = np.linspace(v0_V - model.v_th_V, v0_V, 200)
    residual_s = spike_s - formula_s(start_V)
    with style():
        figure = Figure(figsize=(8.4, 4.6))
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
        label = f"formula, b = {model.discharge_norm.value:.4f}, V_th = {1e3 * model.v_th_V:.1f} mV"
        top.plot(grid, 1e9 * formula_s(grid), color=DISCHARGER, label=label)
        top.plot(start_V, 1e9 * spike_s, "o", color=INK, markersize=4, label="ngspice")
        ramp_s = model.t_circ_s * (grid - grid[0]) / (grid[-1] - grid[0])
        top.plot(grid, 1e9 * ramp_s, color=MUTED, linewidth=0.9, linestyle=":", label="an ideal ramp")
        top.set_ylabel("spike time (ns)")
        top.set_title("Firing: spike time against the potential at which firing starts")
        top.legend(loc="upper left")
        bottom.axhline(0.0, color=MUTED, linewidth=0.8)
        bottom.vlines(start_V, 0.0, 1e9 * residual_s, color=DISCHARGER, linewidth=1.2)
        bottom.plot(start_V, 1e9 * residual_s, "o", color=DISCHARGER, markersize=4)
        bottom.set_ylabel("residual (ns)")
        bottom.set_xlabel("membrane potential at the start of the firing phase (V)")
    return figure


Plot = Callable[[PhysicalModel, pd.DataFrame], Figure]
PLOTS: dict[str, Plot] = {
    "iv_families": iv_families,
    "lambda_against_current": lambda_against_current,
    "discharger": discharger,
    "firing": firing,
}


def save_plots(
    model: PhysicalModel, curves: pd.DataFrame, folder: Path, *, format: Format = "png", dpi: int = 130
) -> list[Path]:
    """Write every figure of ``PLOTS`` into ``folder``; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        path
        for name, plot in PLOTS.items()
        for path in save_figure(plot(model, curves), folder, name, (format,), dpi)
    ]


def save_figure(
    figure: Figure, folder: Path, name: str, formats: tuple[Format, ...] = ("png", "svg"), dpi: int = 130
) -> list[Path]:
    """Write a figure in every format, each file whole or not at all; returns the paths."""
    paths = []
    for format in formats:
        path = folder / f"{name}.{format}"
        with written_whole(path) as part, style():
            metadata = {"Date": None} if format == "svg" else None
            figure.savefig(part, format=format, dpi=dpi, facecolor="white", metadata=metadata)
        paths.append(path)
    return paths
