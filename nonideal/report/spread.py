"""Mismatch as measured: how far drawn synapses and neurons spread, and the library's own draws beside it."""

from __future__ import annotations

import math

from nonideal.characterize.estimate import Estimate
from nonideal.characterize.model import PhysicalModel
from nonideal.characterize.spread import LibraryCheck, Spread, SynapseSpread
from nonideal.report.table import Table, numbers, words
from nonideal.report.units import quantity, with_error

WEIGHTS = (0.05, 0.2, 0.5, 1.0, 2.0)


def _share(found: Estimate) -> str:
    """A standard deviation of a relative quantity, in per cent."""
    decimals = max(0, 1 - math.floor(math.log10(100 * found.stderr))) if found.stderr > 0 else 2
    return f"{100 * found.value:.{decimals}f} ± {100 * found.stderr:.{decimals}f} %"


def _of_lambda(spread: SynapseSpread, unit_A: float) -> str:
    nearest = min(range(len(spread.ln_current)), key=lambda k: abs(spread.ln_current[k] - math.log(unit_A)))
    return _share(spread.sigma_lambda_rel[nearest])


def spread_table(spread: Spread, model: PhysicalModel) -> Table:
    """Standard deviations over drawn specimens, with their standard errors."""
    unit_A, both = model.unit_current_A(), (spread.positive, spread.negative)
    rows: list[tuple[str, ...]] = []
    for weight in WEIGHTS:
        at = math.log(weight * unit_A)
        if all(one.ln_current[0] <= at <= one.ln_current[-1] for one in both):
            cells = (_share(one.sigma_at(weight * unit_A)) for one in both)
            rows.append((f"σ(ln I), weight {weight:g}", "current of a synapse", *cells))
    rows.append(
        (
            "σ(λ)/λ, weight 1",
            "slope of its current over the membrane",
            *(_of_lambda(one, unit_A) for one in both),
        )
    )
    rows.append(
        (
            "memory FET",
            "what a shift of it adds to its gate bias",
            *(with_error(one.memory_gain.value, one.memory_gain.stderr, "V/V") for one in both),
        )
    )
    rows.append(
        (
            "unexplained",
            "largest rms of ln I that known shifts leave",
            *(f"{100 * max(one.residual_ln_current):.2g} %" for one in both),
        )
    )
    rows.append(("synapses", "drawn", *(str(one.draws) for one in both)))
    neuron, v_th = spread.neuron, model.v_th_V
    theta = neuron.sigma_threshold
    in_volts = with_error(theta.value * v_th, theta.stderr * v_th, "V")
    rows += [
        ("σ(ln r)", "ramp of the firing stage", _share(neuron.sigma_ln_ramp), ""),
        ("σ(θ)", "threshold, in V_th and in volts", _share(theta), in_volts),
        (
            "ρ(ln r, θ)",
            "correlation of both, from the devices that move both",
            f"{neuron.correlation(spread.sigmas['neuron']):.2f}",
            "",
        ),
        (
            "unexplained",
            "rms of spike times that known shifts leave",
            quantity(neuron.residual_s, "s", 2),
            "",
        ),
        (
            "neurons",
            "drawn; did not fire and were left out",
            str(neuron.draws + neuron.left_out),
            str(neuron.left_out),
        ),
    ]
    return Table(
        title="Mismatch: standard deviations over drawn devices",
        columns=(*words("", "What it is"), *numbers("N (positive weights)", "P (negative weights)")),
        rows=tuple(rows),
        note=f"Every transistor and capacitor of a specimen drawn from the library's statistics (seed {spread.seed}) and simulated in "
        "SPICE; ± is one standard error of a standard deviation. The rows of the neuron do not depend on the sign of a weight.",
    )


def library_table(checks: tuple[LibraryCheck, ...]) -> Table:
    """One row a device and size of the design."""

    def row(one: LibraryCheck) -> tuple[str, ...]:
        unit = "%" if "cap" in one.device else "V"
        return (
            one.device.removeprefix("sky130_fd_pr__"),
            quantity(one.sigma, unit, 3),
            quantity(one.library_sigma, unit, 3),
            quantity(one.library_mean, unit, 2),
            str(one.draws),
            "yes" if one.agrees else "NO",
        )

    confidence = checks[0].confidence
    family = 100 * (1 - 2 * len(checks) * (1 - confidence))
    return Table(
        title="The statistics against the library's own draws",
        columns=(
            *words("Device, W × L in µm"),
            *numbers("σ, ours", "σ, library", "mean, library", "Devices", "Agree"),
        ),
        rows=tuple(row(one) for one in checks),
        note="Threshold shift of a transistor, relative deviation of a capacitor, drawn by the simulator in the library's mismatch section; "
        f"mean beside that of an undrawn device. Agree: Student's t for the mean and chi squared for σ, {family:.3g} % confidence "
        "that all pass where all statistics are right.",
    )


def spread_tables(model: PhysicalModel) -> tuple[Table, ...]:
    """Both tables, where mismatch was measured."""
    if model.spread is None:
        return ()
    checks = model.spread.library
    return (spread_table(model.spread, model), *((library_table(checks),) if checks else ()))
