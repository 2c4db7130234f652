"""Design choices: which there are, which are refused, and with what words."""

from __future__ import annotations

import pytest

from nonideal.characterize.candidates import PRESENT, Candidate, built_in, distinct, keys_of, varied
from nonideal.circuits.cells.leaf_cells import illegal_sizes
from nonideal.circuits.design import Design, NeuronSizes, Supplies, Timing
from nonideal.circuits.errors import CircuitError


def choice(**overrides: float) -> Candidate:
    return Candidate(
        "one", "", "", tuple((key.replace("__", "."), value) for key, value in overrides.items())
    )


def test_a_choice_changes_what_it_says_and_nothing_else() -> None:
    made = choice(neuron__isolation_n__w_um=2.0, timing__hold_s=2e-9).applied(Design())
    assert made.neuron.isolation_n.w_um == 2.0
    assert made.timing.hold_s == 2e-9
    back = choice(neuron__isolation_n__w_um=1.0, timing__hold_s=5e-9).applied(made)
    assert back == Design()
    assert PRESENT.applied(Design()) == Design()


def test_levels_that_nobody_set_follow_a_chosen_supply() -> None:
    low = choice(supplies__vdd_V=1.6)
    assert low.applied(Design()).supplies == Supplies(vdd_V=1.6, v0_V=1.15, vsense_V=0.75)
    held = low.applied(Design(supplies=Supplies(v0_V=1.2))).supplies
    assert (held.v0_V, held.vsense_V) == (1.2, 0.75)


@pytest.mark.parametrize(
    ("candidate", "told"),
    [
        (choice(neuron__isolation_n__w=1.0), r"neuron\.isolation_n\.w: .*did you mean neuron\.isolation_n\.w_um\?"),
        (choice(cells__neuron=1.0), r"cells\.neuron: the circuit has no such size or time"),
        (choice(neuron__isolation_n__w_um=0.3), r"circuit\.neuron\.isolation_n: .*W = 0\.3 um is outside 0\.42"),
        (choice(timing__hold_s=1e-12), r"timing\.hold_s = 1e-12: Input should be greater"),
        (choice(supplies__vdd_V=2.5), r"^supplies\.vdd_V = 2\.5: Input should be less than or equal to 1\.98$"),
        (choice(timing__hold_s=60e-9), r"^timing\.hold_s = 6e-08 s and two edges .* must fit into timing\.guard_s"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_the_door(candidate: Candidate, told: str) -> None:
    with pytest.raises(CircuitError, match=told):
        candidate.applied(Design())


def test_sizes_of_a_cell_that_is_replaced_are_refused() -> None:
    with pytest.raises(CircuitError, match=r"circuit\.cells\.neuron replaces that cell"):
        choice(neuron__mim_w_um=5.0).applied(Design(cells={"neuron": "* the user's own"}))


def test_keys_are_the_numbers_of_a_design() -> None:
    assert {"synapse.select_n.w_um", "neuron.mim_w_um", "timing.guard_s", "supplies.v0_V"} <= set(
        keys_of(Design())
    )
    assert not [key for key in keys_of(Design()) if key.startswith("cells")]


def test_the_built_in_choices_are_legal_differ_and_begin_with_the_present_design() -> None:
    candidates = built_in(Design())
    designs = [candidate.applied(Design()) for candidate in candidates]
    assert designs[0] == Design()
    assert all(not illegal_sizes(design) for design in designs)
    assert all(one != other for k, one in enumerate(designs) for other in designs[:k])
    assert len({candidate.name for candidate in candidates}) == len(candidates)
    factors = {candidate.factor for candidate in candidates}
    assert {"isolation switch", "dummies", "selector", "C_m", "hold", "driver", "memory FET"} <= factors


def test_the_built_in_choices_go_round_the_design_at_hand() -> None:
    large = Design(neuron=NeuronSizes(mim_w_um=9.0, mim_l_um=9.0))
    names = [candidate.name for candidate in built_in(large)]
    assert "mim_7" in names
    assert "mim_9" not in names
    tight = Design(timing=Timing(guard_s=10e-9))
    hold = next(candidate for candidate in built_in(tight) if candidate.name == "hold_25")
    with pytest.raises(CircuitError, match="must fit into"):
        hold.applied(tight)


def test_values_are_combined_and_joined_keys_go_together() -> None:
    vary = {"neuron.mim_w_um+neuron.mim_l_um": (5.0, 9.0), "timing.hold_s": (2e-9, 5e-9)}
    found = varied(vary, 4)
    assert found[0] is PRESENT
    assert len(found) == 5
    assert found[1].overrides == (("neuron.mim_w_um", 5.0), ("neuron.mim_l_um", 5.0), ("timing.hold_s", 2e-9))
    assert found[1].label == "neuron.mim_w_um+neuron.mim_l_um=5, timing.hold_s=2e-09"
    with pytest.raises(
        CircuitError, match=r"4 combinations of values, at most 3: .* `limit` in the same section"
    ):
        varied(vary, 3)


def test_a_choice_that_is_the_present_design_is_not_measured_twice() -> None:
    found = distinct(Design(), varied({"timing.hold_s": (5e-9, 2e-9)}, 9))
    assert [candidate.label for candidate in found] == ["present", "2e-09"]
    assert found[1].factor == "timing.hold_s"
