"""What is told of corners, temperatures and supplies, as ``conditions/summary.json`` holds it."""

from __future__ import annotations

from nonideal.conditions.spot_summary import AtCondition, ChipThere, SpotCheckThere
from nonideal.files.record import Record


class Span(Record):
    """Least, typical (home's) and largest value of a parameter."""

    min: float
    typ: float
    max: float


class ConditionSummary(AtCondition):
    """A condition's silicon, and the network in it: with its biases ``kept`` as at home, and derived ``anew``. None for what is not known.

    ``kept_..._ratio``: a current relative to home; ``..._lost`` and ``..._gained``: spikes that only home, or only the condition, has.
    """

    lambda_N_per_V: float | None
    lambda_P_per_V: float | None
    lambda_dis_per_V: float | None
    membrane_F: float | None
    v_th_V: float | None
    vdis_V: float | None
    vsense_V: float | None
    unit_current_A: float | None
    unit_bias_N_V: float | None
    unit_bias_P_V: float | None
    leakage_N_A: float | None
    leakage_P_A: float | None
    drift_low_V: float | None
    sensing_delay_s: float | None
    linearity_N_rms: float | None
    linearity_P_rms: float | None
    largest_weight_N: float | None
    largest_weight_P: float | None
    check_rms_s: float | None
    kept_source_ratio: float | None
    kept_unit_ratio_N: float | None
    kept_unit_ratio_P: float | None
    kept_silent_norm: float | None
    kept_accuracy: float | None
    kept_rms_change_s: float | None
    kept_hidden_change_s: float | None = None
    kept_output_change_s: float | None = None
    kept_lost: float | None
    kept_gained: float | None
    kept_problem: str
    anew_accuracy: float | None
    anew_rms_change_s: float | None
    anew_hidden_change_s: float | None = None
    anew_output_change_s: float | None = None
    anew_jitter_s: float | None = None
    anew_noisy_accuracy: float | None = None
    anew_noisy_low: float | None = None
    anew_noisy_high: float | None = None
    anew_lost: float | None
    anew_gained: float | None
    anew_problem: str
    problem: str


class ConditionsSummary(Record):
    """The network of ``mapping`` by condition, ``home`` first, on ``samples`` held-out samples; ``spans`` by parameter."""

    mapping: str
    home: str
    samples: int
    sense_tracked: bool
    spans: dict[str, Span]
    checks: tuple[SpotCheckThere, ...]
    chips: tuple[ChipThere, ...] = ()
    conditions: tuple[ConditionSummary, ...]
