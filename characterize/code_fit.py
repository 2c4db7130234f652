"""From the currents of all codes to what a model says of them. What is no code any more is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from nonideal.characterize import fits
from nonideal.characterize.code_bench import SIGN, codes_bench
from nonideal.characterize.codes import CodedBank, Codes
from nonideal.characterize.errors import FitRefused
from nonideal.characterize.model import Branch, PhysicalModel
from nonideal.characterize.options import CharacterizeOptions
from nonideal.characterize.static import StaticMeasurements
from nonideal.characterize.workbench import Workbench
from nonideal.circuits.cells.analog import bias_for_current
from nonideal.circuits.cells.codes import coded_weights
from nonideal.circuits.design import Design

Array = NDArray[np.float64]
DEGREE = 3
"""Of lambda over the full scale."""
POINTS = 31
ROOM = 1.3
"""How far beyond the largest full scale a branch is tabulated: its points lie a fifth of a current apart."""


def code_options(options: CharacterizeOptions) -> CharacterizeOptions:
    """The options for a branch whose weights are full scales: the largest code's."""
    return options.model_copy(
        update={"weight_window": options.full_scales, "max_weight": ROOM * options.full_scales[1]}
    )


def with_codes(
    bench: Workbench,
    design: Design,
    options: CharacterizeOptions,
    static: StaticMeasurements,
    model: PhysicalModel,
    folder: Path,
) -> PhysicalModel:
    """``model``, whose branches are of the largest code, with what all codes say. Raises ``FitRefused`` or ``CharacterizationFailed``."""
    (low, high), nominal = options.full_scales, options.full_scale
    unit_A = model.unit_current_A()
    branches = {"n": model.positive, "p": model.negative}
    lines_V = {}
    for polarity, branch in branches.items():
        wanted = unit_A * np.array([low, nominal, high])
        if not branch.current_min_A <= wanted[0] <= wanted[-1] <= branch.current_max_A:
            raise FitRefused(
                f"bank {polarity}: full scales of {low:g} to {high:g} want {wanted[0]:.3g} to {wanted[-1]:.3g} A of its largest code, which carries "
                f"{branch.current_min_A:.3g} to {branch.current_max_A:.3g} A",
                ("narrow", "characterize.full_scales"),
                ("raise", "characterize.bias_span_V"),
                ("change", f"circuit.synapse.unit_{polarity}.w_um"),
            )
        lines_V[polarity] = bias_for_current(branch, wanted).round(6).tolist()
    decks = {polarity: codes_bench(design, polarity, static.membrane, lines_V[polarity]) for polarity in "np"}
    results = bench.run([deck for deck, _ in decks.values()], design, folder)
    banks, of_mean = {}, {}
    for (polarity, (_, vectors)), result in zip(decks.items(), results, strict=True):
        # A source's current counts from its + to its - pin, here from the sweep into the dendrite.
        codes_A = [SIGN[polarity] * np.array([result[v] for v in one.code], float) for one in vectors]
        rest_A = [np.asarray(result[one.rest], float) for one in vectors]
        ratio = lambda_ratio(branches[polarity], low, nominal, high)
        banks[polarity], excess = fit_codes(
            static.membrane.values_V, codes_A, rest_A, polarity, design.supplies.v0_V, ratio, options
        )
        branch = of_one_lambda(branches[polarity], nominal)
        of_mean[polarity] = of_mean_units(branch, unit_A * np.array([low, nominal, high]), excess)
    codes = Codes(
        bits=coded_weights(design.contracts.synapse.storage).bits,
        full_scale=nominal,
        lowest=low,
        highest=high,
        positive=banks["n"],
        negative=banks["p"],
    )
    return model.model_copy(update={"positive": of_mean["n"], "negative": of_mean["p"], "codes": codes})


def lambda_ratio(branch: Branch, low: float, nominal: float, high: float) -> tuple[float, ...]:
    """Lambda over the full scale between ``low`` and ``high``, against that at ``nominal``: a polynomial."""
    full_scale = np.linspace(low, high, POINTS)
    lambdas = polynomial.polyval(full_scale, branch.lambda_polynomial_per_V)
    found = polynomial.polyfit(full_scale, lambdas, DEGREE)
    return tuple(float(c) for c in found / polynomial.polyval(nominal, found))


def of_one_lambda(branch: Branch, nominal: float) -> Branch:
    """The branch with lambda as at the nominal full scale, whatever the code."""
    value = float(polynomial.polyval(nominal, branch.lambda_polynomial_per_V))
    return branch.model_copy(update={"lambda_polynomial_per_V": (value,)})


def fit_codes(
    membrane_V: Array,
    codes_A: Sequence[Array],
    rest_A: Sequence[Array],
    polarity: str,
    v0_V: float,
    lambda_ratio: tuple[float, ...],
    options: CharacterizeOptions,
) -> tuple[CodedBank, Array]:
    """A bank from ``codes_A`` [codes from 0, membrane], positive, one for each level of the gate line, and ``rest_A`` [membrane] of each.

    The second level is the nominal one. With it by how much, at each level, the mean unit carries more than one of the largest code.
    Raises ``FitRefused`` where lambda or linearity over the codes is worse than the options allow.
    """
    ratios, excess = [], []
    worst_spread = worst_inl = worst_off = worst_rest = 0.0
    inside = (membrane_V >= options.window_V[0]) & (membrane_V <= options.window_V[1])
    for current, rest in zip(codes_A, rest_A, strict=True):
        at = np.array([np.interp(v0_V, membrane_V, row) for row in current])
        unit_A = (at[-1] - at[0]) / (len(at) - 1)
        if not unit_A > 0:
            raise FitRefused(
                f"bank {polarity}: its largest code carries {at[-1]:.3g} A at V_0, code 0 {at[0]:.3g} A: does its inverter pull the source?",
                ("widen", f"circuit.synapse.pull_{polarity}.w_um"),
            )
        per_code_A = at[1:] / np.arange(1, len(at))
        ratios.append(per_code_A / per_code_A.mean())
        excess.append(per_code_A.mean() / per_code_A[-1])
        lambdas = np.array(
            [
                fits.fit_lambda(
                    membrane_V, row, v0_V, options.window_V, options.max_linearity_rms
                ).lambda_per_V
                for row in current[1:]
            ]
        )
        worst_spread = max(worst_spread, float(np.ptp(lambdas) / np.abs(lambdas.mean())))
        worst_inl = max(worst_inl, float(np.max(np.abs((at - at[0]) / unit_A - np.arange(len(at))))))
        worst_off = max(worst_off, float(np.max(np.abs(current[0][inside]))))
        worst_rest = max(worst_rest, float(abs(np.interp(v0_V, membrane_V, rest))))
    moves = (
        ("widen", f"circuit.synapse.pull_{polarity}.w_um"),
        ("lengthen", f"circuit.synapse.unit_{polarity}.l_um"),
    )
    if worst_spread > options.max_lambda_spread:
        raise FitRefused(
            f"bank {polarity}: lambda of its codes spreads by {100 * worst_spread:.1f} %, limit {100 * options.max_lambda_spread:.1f} %",
            *moves,
        )
    if worst_inl > options.max_inl_lsb:
        raise FitRefused(
            f"bank {polarity}: codes are off their line by {worst_inl:.2f} units, limit {options.max_inl_lsb:.2f}",
            *moves,
        )
    bank = CodedBank(
        lambda_ratio=lambda_ratio,
        current_ratio=tuple(float(ratio) for ratio in ratios[1]),
        lambda_spread=worst_spread,
        inl_lsb=worst_inl,
        off_A=worst_off,
        rest_A=worst_rest,
    )
    return bank, np.array(excess)


def of_mean_units(branch: Branch, current_A: Array, excess: Array) -> Branch:
    """The branch of the largest code as that of as many mean units, which carry ``excess`` times as much where that carries ``current_A``.

    What makes them differ is a voltage along the inverter at the source, and goes with the current.
    """
    slope = float(np.sum(np.log(excess) * current_A) / np.sum(current_A**2))
    current = np.exp(np.array(branch.ln_current))
    current *= np.exp(slope * current)
    return branch.model_copy(
        update={
            "ln_current": tuple(float(x) for x in np.log(current)),
            "current_min_A": float(current[0]),
            "current_max_A": float(current[-1]),
        }
    )
