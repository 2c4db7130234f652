"""What is told of a characterisation, of the circuit or of its mismatch."""

from __future__ import annotations

from nonideal.characterize.column import Column
from nonideal.characterize.estimate import Estimate
from nonideal.characterize.model import PhysicalModel
from nonideal.files.record import Record


class MismatchSummary(Record):
    """How far drawn devices were understood: synapses ``draws``, neurons that did not fire, the rms of spike times (s) that known shifts
    leave, and devices whose statistics the library's own draws contradict.
    """

    draws: int
    neurons_left_out: int
    residual_s: float
    library_disagrees: tuple[str, ...]


class CharacterizationSummary(Record):
    """The paper's table, spreads at weight 1, and the columns, with standard errors. Reversal potentials in V_th."""

    corner: str
    parameters: dict[str, Estimate]
    e_rev_positive_norm: float
    e_rev_negative_norm: float
    v_th_V: float | None = None
    unit_current_A: float
    vdis_V: float | None = None
    additivity_error: float
    columns: tuple[Column, ...] | None = None
    mismatch: MismatchSummary | None = None


def characterization_summary(model: PhysicalModel) -> CharacterizationSummary:
    """What is told of a physical model."""
    estimates = {
        "lambda_N_per_V": model.positive.lambda_per_V,
        "lambda_P_per_V": model.negative.lambda_per_V,
        "lambda_dis_per_V": model.lambda_dis_per_V,
        "membrane_F": model.membrane_F,
        "v_0_V": model.v_0_V,
        "v_switch_V": model.v_switch_V,
        "sensing_delay_s": model.sensing_delay_s,
        "discharge_norm": model.discharge_norm,
    }
    spread = model.spread
    if spread is not None:
        unit_A = model.unit_current_A()
        estimates |= {
            "sigma_ln_current_N": spread.positive.sigma_at(unit_A),
            "sigma_ln_current_P": spread.negative.sigma_at(unit_A),
            "sigma_ln_ramp": spread.neuron.sigma_ln_ramp,
            "sigma_threshold_norm": spread.neuron.sigma_threshold,
        }
    return CharacterizationSummary(
        corner=model.corner,
        parameters=estimates,
        e_rev_positive_norm=1.0 / model.beta_positive,
        e_rev_negative_norm=1.0 / model.beta_negative,
        v_th_V=model.v_th_V,
        unit_current_A=model.unit_current_A(),
        vdis_V=model.vdis_V,
        additivity_error=model.additivity_error,
        columns=model.columns,
        mismatch=None
        if spread is None
        else MismatchSummary(
            draws=spread.positive.draws,
            neurons_left_out=spread.neuron.left_out,
            residual_s=spread.neuron.residual_s,
            library_disagrees=tuple(one.device for one in spread.library if not one.agrees),
        ),
    )
