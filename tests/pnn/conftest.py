"""Shared fixtures: a physical model with the paper's numbers, and one thread."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from nonideal.characterize.column import Column, TurnOn
from nonideal.characterize.model import Branch, Estimate, PhysicalModel


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)


def _branch(lambda_per_V: float, polynomial: tuple[float, ...]) -> Branch:
    return Branch(
        lambda_per_V=Estimate(value=lambda_per_V, stderr=0.01, unit="1/V"),
        lambda_polynomial_per_V=polynomial,
        lambda_polynomial_rms_per_V=0.001,
        ln_current=tuple(math.log(i) for i in (1e-9, 1e-8, 1e-7, 4e-7)),
        bias_V=(0.3, 0.4, 0.55, 0.7),
        off_bias_V=0.0,
        linearity_rms=0.01,
        current_min_A=1e-9,
        current_max_A=4e-7,
    )


@pytest.fixture
def paper_model() -> PhysicalModel:
    """Section 6 of the paper, lambda_P falling with the current."""

    def estimate(value: float, unit: str) -> Estimate:
        return Estimate(value=value, stderr=0.0, unit=unit)

    return PhysicalModel(
        corner="tt",
        temperature_C=27.0,
        vdd_V=1.8,
        t_circ_s=1e-6,
        v_0_V=estimate(1.3, "V"),
        v_switch_V=estimate(0.428, "V"),
        sensing_delay_s=estimate(0.0, "s"),
        membrane_F=estimate(140e-15, "F"),
        membrane_per_axon_F=estimate(1.1e-15, "F"),
        axons=5,
        lambda_dis_per_V=estimate(0.177, "1/V"),
        discharge_norm=estimate(0.155, ""),
        vdis_V=0.554,
        vsense_V=0.95,
        positive=_branch(0.41, (0.40, 0.01)),
        negative=_branch(0.75, (0.78, -0.1, 0.005)),
        valid_V=(0.43, 1.36),
        additivity_error=0.001,
        columns=(_column(estimate),),
        provenance={},
    )


def _column(estimate: Callable[[float, str], Estimate]) -> Column:
    """Five axons; corrections of the size that sky130 shows."""
    return Column(
        netlist="schematic",
        axons=5,
        vdis_V=0.554,
        v_0_V=estimate(1.3, "V"),
        v_th_V=estimate(0.875, "V"),
        discharge_norm=estimate(0.153, "1"),
        membrane_F=estimate(141e-15, "F"),
        coupling_F=estimate(0.2e-15, "F"),
        positive=TurnOn(delay_s=estimate(4e-10, "s"), charge_C=estimate(1e-17, "C")),
        negative=TurnOn(delay_s=estimate(2e-10, "s"), charge_C=estimate(-5e-18, "C")),
        driver_delay_s=estimate(9e-11, "s"),
        spike_load_s=estimate(7e-11, "s"),
        firing_rms_s=5e-11,
        turn_on_rms_V=5e-5,
        check_rms_s=3e-10,
        check_spikes=12,
    )
