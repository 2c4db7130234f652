"""Reversal potentials."""

from __future__ import annotations

import math

import pytest
import torch

from nonideal.characterize.model import PhysicalModel
from nonideal.pnn import BadParameter, Reversal


def test_model_gives_the_papers_reversal_potentials(paper_model: PhysicalModel) -> None:
    reversal = Reversal.from_model(paper_model)
    assert 1.0 / reversal.positive[0] == pytest.approx(2.80, abs=0.005)
    assert 1.0 / reversal.negative[0] == pytest.approx(-1.53, abs=0.005)


def test_conductance_is_beta_times_weight_and_never_negative(paper_model: PhysicalModel) -> None:
    w = torch.linspace(-8.0, 8.0, 161, dtype=torch.float64)
    for reversal in (
        Reversal.constant(2.8, -1.53),
        Reversal.ideal(math.inf),
        Reversal.current_dependent(paper_model),
    ):
        c = reversal.conductance(w)
        assert bool((c >= 0.0).all())
        torch.testing.assert_close(c, reversal.beta(w) * w)


def test_current_dependence_is_the_models_polynomial(paper_model: PhysicalModel) -> None:
    reversal = Reversal.current_dependent(paper_model)
    unit = paper_model.unit_current_A()
    beta = reversal.beta(torch.tensor([1.0, -1.0, -2.0, -50.0], dtype=torch.float64))
    v_th, end = paper_model.v_th_V, 4e-7 / unit
    expected = [
        v_th * 0.41,
        -v_th * (0.78 - 0.1 + 0.005),
        -v_th * (0.78 - 0.2 + 0.02),
        -v_th * (0.78 - 0.1 * end + 0.005 * end**2),
    ]
    assert beta.tolist() == pytest.approx(expected, rel=1e-12)


def test_gradcheck(paper_model: PhysicalModel) -> None:
    w = torch.tensor([-2.0, -0.3, 0.4, 1.7], dtype=torch.float64, requires_grad=True)
    for reversal in (Reversal.constant(2.8, -1.53), Reversal.current_dependent(paper_model)):
        assert torch.autograd.gradcheck(reversal.conductance, (w,))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Reversal.constant(-1.0, -1.0), "E_rev"),
        (lambda: Reversal.constant(1.0, 0.5), "E_rev"),
        (lambda: Reversal((), (-1.0,)), "positive"),
        (lambda: Reversal((0.3, -0.2), (-0.6,), positive_range=(0.0, 2.0)), "positive"),
        (lambda: Reversal((0.3,), (-0.6, 0.1)), "negative_range"),
    ],
)
def test_wrong_signs_are_refused(build: object, message: str) -> None:
    with pytest.raises(BadParameter, match=message):
        build()  # type: ignore[operator]
