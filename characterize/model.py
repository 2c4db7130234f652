"""The artifact of characterisation: what training, write-back and validation know about the silicon.

Imports no SPICE: a machine with neither simulator nor PDK can read a ``model.json`` and train on it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from nonideal.characterize.artifact import Artifact
from nonideal.characterize.codes import Codes
from nonideal.characterize.column import Column, FanOut
from nonideal.characterize.estimate import Estimate, estimate
from nonideal.characterize.noise import Noise
from nonideal.characterize.spread import Spread

__all__ = ["Branch", "Estimate", "PhysicalModel", "estimate"]


class Branch(BaseModel):
    """One polarity of the synapse pair.

    The current into (or out of) the dendrite at membrane potential V is ``I(V) = I0 (1 + lambda (V - V_0))`` for the NMOS and
    ``I(V) = I0 (1 - lambda (V - V_0))`` for the PMOS, with ``I0`` the current at the reset level (paper, section 6).
    ``lambda_polynomial_per_V`` refines lambda by its dependence on the current: sum_k c_k (I0 / unit current)^k.
    ``bias_V``/``ln_current`` tabulate the gate bias against ln(I0 / 1 A), increasing in current.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    lambda_per_V: Estimate
    lambda_polynomial_per_V: tuple[float, ...]
    lambda_polynomial_rms_per_V: float
    ln_current: tuple[float, ...]
    bias_V: tuple[float, ...]
    off_bias_V: float
    linearity_rms: float
    current_min_A: float
    current_max_A: float

    @model_validator(mode="after")
    def _table_is_monotone(self) -> Branch:
        if len(self.ln_current) != len(self.bias_V) or len(self.bias_V) < 4:
            raise ValueError("bias table needs at least 4 points and as many biases as currents")
        if np.any(np.diff(self.ln_current) <= 0):
            raise ValueError("bias table must be strictly increasing in current")
        steps = np.diff(self.bias_V)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            raise ValueError(
                "bias_V must rise or fall strictly along the table: else a bias does not belong to one current"
            )
        return self


class PhysicalModel(Artifact):
    """A characterised synapse and neuron at one corner: parameters, uncertainty, validity, provenance.

    Normalised units of training: time in ``t_circ_s``, voltage in ``v_th_V`` below ``v_0_V``, weight in ``unit_current_A``.

        model = nonideal.PhysicalModel.load(Path("runs/iris/characterization/model.json"))
        print(model.positive.lambda_per_V.value, model.positive.lambda_per_V.stderr)
    """

    format: Literal[1, 2] = 2
    corner: str
    temperature_C: float
    vdd_V: float
    t_circ_s: float
    v_0_V: Estimate
    v_switch_V: Estimate
    sensing_delay_s: Estimate
    membrane_F: Estimate = Field(
        description="C_m of a neuron with `axons` synapse pairs on its dendrite, while accumulating"
    )
    membrane_per_axon_F: Estimate
    axons: int
    lambda_dis_per_V: Estimate
    discharge_norm: Estimate = Field(
        description="b of the firing phase: V_th lambda_dis, from measured spike times"
    )
    vdis_V: float
    vsense_V: float
    positive: Branch
    negative: Branch
    valid_V: tuple[float, float]
    additivity_error: float = Field(
        description="largest relative deviation of a dendrite's current from the sum of its synapses' currents"
    )
    columns: tuple[Column, ...] = Field(
        default=(),
        description="columns as measured, by number of axons; none in a version 1 file",
    )
    fan_outs: tuple[FanOut, ...] = Field(
        default=(),
        description="of layers whose axons were extracted; of all others a column's spike_load_s is all that is known",
    )
    spread: Spread | None = Field(default=None, description="mismatch; None where it was not measured")
    noise: Noise | None = Field(default=None, description="of its devices; None where it was not measured")
    codes: Codes | None = Field(
        default=None,
        description="of a synapse whose weight is a code: its branches are those of the largest code",
    )
    circuit: dict[str, float | str] | None = Field(
        default=None,
        description="the circuit it was measured on, by key of an experiment; None: of an older version, unknown",
    )
    provenance: dict[str, str]

    @model_validator(mode="after")
    def _columns_are_ordered(self) -> PhysicalModel:
        axons = [column.axons for column in self.columns]
        if any(b <= a for a, b in pairwise(axons)):
            raise ValueError(f"columns must differ in their axons and be sorted by them, got {axons}")
        if self.format == 1 and self.columns:
            raise ValueError("a version 1 model has no columns: set format = 2")
        return self

    @property
    def v_th_V(self) -> float:
        """Threshold below the reset level."""
        return self.v_0_V.value - self.v_switch_V.value

    def membrane_for_F(self, axons: int) -> float:
        """C_m of a neuron whose dendrite carries ``axons`` synapse pairs."""
        return self.membrane_F.value + (axons - self.axons) * self.membrane_per_axon_F.value

    def unit_current_A(self, axons: int | None = None) -> float:
        """Synaptic current of weight 1: C_m V_th / T_circ (paper, section 6)."""
        return self.membrane_for_F(self.axons if axons is None else axons) * self.v_th_V / self.t_circ_s

    @property
    def beta_positive(self) -> float:
        """1 / E_rev+ = V_th lambda_N."""
        return self.v_th_V * self.positive.lambda_per_V.value

    @property
    def beta_negative(self) -> float:
        """1 / E_rev- = -V_th lambda_P (negative)."""
        return -self.v_th_V * self.negative.lambda_per_V.value
