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
    On a bias generator ``kept`` is what its lines make of it, and these are known: when its replica and a neuron that nothing reaches fire, the
    common current against home, the supply's current while nothing moves, and leakage off an idle membrane and off one whose codes wait.
    """

    lambda_N_per_V: float | None = None
    lambda_P_per_V: float | None = None
    lambda_dis_per_V: float | None = None
    membrane_F: float | None = None
    v_th_V: float | None = None
    vdis_V: float | None = None
    vsense_V: float | None = None
    unit_current_A: float | None = None
    unit_bias_N_V: float | None = None
    unit_bias_P_V: float | None = None
    leakage_N_A: float | None = None
    leakage_P_A: float | None = None
    drift_low_V: float | None = None
    sensing_delay_s: float | None = None
    linearity_N_rms: float | None = None
    linearity_P_rms: float | None = None
    largest_weight_N: float | None = None
    largest_weight_P: float | None = None
    check_rms_s: float | None = None
    kept_source_ratio: float | None = None
    kept_unit_ratio_N: float | None = None
    kept_unit_ratio_P: float | None = None
    kept_silent_norm: float | None = None
    kept_accuracy: float | None = None
    kept_rms_change_s: float | None = None
    kept_hidden_change_s: float | None = None
    kept_output_change_s: float | None = None
    kept_lost: float | None = None
    kept_gained: float | None = None
    kept_problem: str = ""
    anew_accuracy: float | None = None
    anew_rms_change_s: float | None = None
    anew_hidden_change_s: float | None = None
    anew_output_change_s: float | None = None
    anew_jitter_s: float | None = None
    anew_noisy_accuracy: float | None = None
    anew_noisy_low: float | None = None
    anew_noisy_high: float | None = None
    anew_lost: float | None = None
    anew_gained: float | None = None
    anew_problem: str = ""
    replica_s: float | None = None
    silent_s: float | None = None
    common_ratio: float | None = None
    static_A: float | None = None
    idle_A: float | None = None
    waiting_A: float | None = None
    problem: str


class ConditionsSummary(Record):
    """The network of ``mapping`` by condition, ``home`` first, on ``samples`` held-out samples; ``spans`` by parameter.

    ``generated``: biases are the lines of a bias generator; nothing is derived anew.
    """

    mapping: str
    home: str
    samples: int
    generated: bool = False
    sense_tracked: bool = False
    spans: dict[str, Span]
    checks: tuple[SpotCheckThere, ...] = ()
    chips: tuple[ChipThere, ...] = ()
    conditions: tuple[ConditionSummary, ...]
