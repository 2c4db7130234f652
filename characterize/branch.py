"""One polarity of the synapse pair: its family of I(V) curves, and the branch that describes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from nonideal.characterize import fits
from nonideal.characterize.benches import Grid
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import Branch, estimate
from nonideal.characterize.options import CharacterizeOptions
from nonideal.spice import Result

Array = NDArray[np.float64]
FLOOR_A = 1e-18
"""Below this a current is taken for none."""


@dataclass(frozen=True, slots=True)
class Family:
    """I(V) curves of one branch over its gate bias, as measured: currents ``[bias, membrane]`` in A, positive."""

    bias_V: Array
    membrane_V: Array
    current_A: Array
    fits: tuple[fits.LambdaFit | None, ...]

    def current_at_A(self, bias_V: float, membrane_V: Array) -> Array:
        """Current at one gate bias along a trace of the membrane potential, from cubic splines through ln I."""
        bias, order = np.unique(self.bias_V, return_index=True)
        surface = RectBivariateSpline(
            bias, self.membrane_V, np.log(np.maximum(self.current_A[order], FLOOR_A))
        )
        held = np.clip(membrane_V, self.membrane_V[0], self.membrane_V[-1])
        return np.asarray(np.exp(surface(np.full(held.shape, bias_V), held, grid=False)))


def sweeps(options: CharacterizeOptions, vdd_V: float) -> tuple[Grid, Grid, Grid]:
    """What synapses are swept over: membrane potential, gate bias of the N and of the P branch."""
    steps = round(options.bias_span_V / options.bias_step_V)
    return (
        Grid(options.membrane_start_V, options.membrane_stop_V, options.membrane_step_V),
        Grid(0.0, round(steps * options.bias_step_V, 9), options.bias_step_V),
        Grid(round(vdd_V - steps * options.bias_step_V, 9), vdd_V, options.bias_step_V),
    )


def measured_family(
    result: Result, polarity: str, bias: Grid, membrane: Grid, v0_V: float, options: CharacterizeOptions
) -> Family:
    """The family as a ``synapse_bench`` measured it; a curve that cannot be fitted has None for its fit."""
    bias_V, membrane_V = bias.values_V, membrane.values_V
    # A source's current counts from its + to its - pin: the NMOS sinks (negative), the PMOS feeds (positive).
    sign = -1.0 if polarity == "n" else 1.0
    current = sign * np.asarray(result["i(vdendrite)"], float).reshape(bias.size, membrane.size)
    rows: list[fits.LambdaFit | None] = []
    for row in current:
        try:
            rows.append(fits.fit_lambda(membrane_V, row, v0_V, options.window_V, options.max_linearity_rms))
        except FitRefused:
            rows.append(None)
    return Family(bias_V, membrane_V, current, tuple(rows))


def fit_branch(
    family: Family,
    polarity: str,
    v0_V: float,
    unit_A: float,
    off_bias_V: float,
    options: CharacterizeOptions,
) -> Branch:
    """The branch's parameters; raises ``FitRefused`` when no curve in the weight window could be fitted."""
    at_v0 = np.array([np.interp(v0_V, family.membrane_V, row) for row in family.current_A])
    lambdas = np.array([np.nan if f is None else f.lambda_per_V for f in family.fits])
    if polarity == "p":
        lambdas = -lambdas
    order = np.argsort(family.bias_V if polarity == "n" else -family.bias_V)
    bias_V, current, lam = family.bias_V[order], at_v0[order], lambdas[order]
    linearity = np.array([np.nan if family.fits[i] is None else family.fits[i].linearity_rms for i in order])  # type: ignore[union-attr]
    leakage = current[0]
    usable = (
        np.isfinite(lam)
        & (lam > 0)
        & (current > 10 * abs(leakage))
        & (current <= 1.2 * options.max_weight * unit_A)
    )
    # The usable curves must form one block of rising current: the table is inverted.
    first = int(np.argmax(usable)) if usable.any() else len(usable)
    last = first
    while last < len(usable) and usable[last] and (last == first or current[last] > current[last - 1]):
        last += 1
    block = slice(first, last)
    weight = current[block] / unit_A
    window = (weight >= options.weight_window[0]) & (weight <= options.weight_window[1])
    if window.sum() < 4:
        raise FitRefused(
            f"branch {polarity}: {int(window.sum())} fitted curves between weights {options.weight_window[0]} and {options.weight_window[1]} "
            f"({last - first} usable of {len(usable)}); at least 4 are needed",
            ("raise", "characterize.bias_span_V"),
            ("lower", "characterize.bias_step_V"),
            ("change", f"circuit.synapse.memory_{polarity}.w_um"),
            ("raise" if polarity == "n" else "lower", "circuit.supplies.v0_V"),
        )
    sign = 1.0 if polarity == "n" else -1.0
    chords = [
        sign * fits.fit_chord(family.membrane_V, family.current_A[i], v0_V, options.swing_V)
        for i in order[block]
    ]
    polynomial, polynomial_rms = fits.fit_lambda_polynomial(weight, np.array(chords))
    value = float(np.mean(lam[block][window]))
    stderr = float(np.std(lam[block][window], ddof=1) / np.sqrt(window.sum()))
    return Branch(
        lambda_per_V=estimate(value, stderr, "1/V"),
        lambda_polynomial_per_V=polynomial,
        lambda_polynomial_rms_per_V=polynomial_rms,
        ln_current=tuple(float(x) for x in np.log(current[block])),
        bias_V=tuple(float(x) for x in bias_V[block]),
        off_bias_V=off_bias_V,
        linearity_rms=float(np.max(linearity[block][window])),
        current_min_A=float(current[first]),
        current_max_A=float(current[last - 1]),
    )
