"""Weights -> biases -> text -> weights, and what is refused on the way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from nonideal.circuits.cells import analog
from nonideal.circuits.errors import CircuitError, MappingError, OutOfRange
from nonideal.circuits.network.mapping import (
    bias_for_current,
    bias_sources,
    check_weights,
    current_for_bias,
    map_weights,
    read_biases,
)

Array = NDArray[np.float64]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """A monotone table: biases rising or falling over currents of up to 12 decades, in uneven steps.

    Its slope changes by less than a factor 2 from point to point, or the interpolant would end level.
    """
    count = draw(st.integers(4, 20))
    currents = draw(st.lists(st.floats(0.05, 1.5), min_size=count - 1, max_size=count - 1))
    slopes = draw(st.lists(st.floats(0.02, 0.038), min_size=count - 1, max_size=count - 1))
    biases = [step * slope for step, slope in zip(currents, slopes, strict=True)]
    ln_current = math.log(4e-7) - sum(currents) + np.cumsum([0.0, *currents])
    volts = 0.2 + np.cumsum([0.0, *biases])
    falling = draw(st.booleans())
    return {
        "ln_current": tuple(float(x) for x in ln_current),
        "bias_V": tuple(float(x) for x in (1.8 - volts if falling else volts)),
        "off_bias_V": 1.8 if falling else 0.0,
    }


def round_trip(
    weights: list[Array], model: Any, scale: tuple[float, float] = (1.0, 1.0)
) -> tuple[Any, list[Array]]:
    mapping = map_weights(weights, model, scale=scale, clip=True)
    return mapping, read_biases(bias_sources(mapping), model, scale=scale)


@settings(max_examples=30, deadline=None)
@given(
    positive=tables(),
    negative=tables(),
    seed=st.integers(0, 2**16),
    scale=st.tuples(*[st.floats(0.5, 2.0)] * 2),
)
def test_round_trip_over_any_monotone_tables(
    table_type: Any,
    silicon_type: Any,
    positive: dict[str, Any],
    negative: dict[str, Any],
    seed: int,
    scale: tuple[float, float],
) -> None:
    model = silicon_type(table_type(**positive), table_type(**negative))
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 1.5, (3, 2)), rng.normal(0, 1.5, (2, 3))]
    weights[0][0, 0] = 0.0
    mapping, back = round_trip(weights, model, scale)
    for read, realised, wanted in zip(back, mapping.weights(), weights, strict=True):
        np.testing.assert_allclose(read, realised, rtol=1e-8, atol=0)
        kept = np.abs(realised - wanted) <= 1e-12 * np.abs(wanted)
        assert np.all(kept | (realised == 0) | (np.abs(realised) < np.abs(wanted)))
    rows = mapping.table
    assert mapping.clipped == int(rows["clipped"].sum())
    assert (rows.loc[rows["clipped"], "current_A"] > 0).all()


def test_clipped_weights_read_back_at_the_ends_of_tables_that_are_no_round_numbers(silicon: Any) -> None:
    """The text has 12 digits, the table's last bias 17: rounding may put it just beyond the table."""
    mapping, back = round_trip([np.array([[1e3, -1e3]])], silicon)
    assert mapping.clipped == 2
    np.testing.assert_allclose(back[0], mapping.weights()[0], rtol=1e-9)
    unit = silicon.unit_current_A(2)
    assert back[0][0, 0] == pytest.approx(silicon.positive.current_max_A / unit)
    assert back[0][0, 1] == pytest.approx(-silicon.negative.current_max_A / unit)


@pytest.mark.spice
def test_round_trip_over_the_real_tables(characterization: Any) -> None:
    model = characterization.model
    rng = np.random.default_rng(7)
    sizes = rng.uniform(-1, 1, (2, 9, 8))
    weights = [np.sign(sizes[0]) * np.exp(rng.uniform(np.log(1e-4), np.log(2.0), (9, 8))), sizes[1].T * 1.5]
    mapping, back = round_trip(weights, model, (1.03, 0.97))
    assert mapping.clipped == mapping.off == 0
    for read, wanted in zip(back, weights, strict=True):
        np.testing.assert_allclose(read, wanted, rtol=1e-8)


@pytest.mark.spice
def test_the_real_tables_put_unit_weight_where_the_circuit_was_sized(characterization: Any) -> None:
    """w = 1 is about V_N 0.557 V and V_P 1.056 V."""
    table = map_weights([np.array([[1.0, -1.0, 0.0, 0.0, 0.0]])], characterization.model).table
    assert table["bias_V"][0] == pytest.approx(0.557, abs=0.025)
    assert table["bias_V"][1] == pytest.approx(1.056, abs=0.04)


def test_current_and_bias_are_inverse(silicon: Any) -> None:
    for branch in (silicon.positive, silicon.negative):
        currents = np.geomspace(branch.current_min_A * 1.0001, branch.current_max_A / 1.0001, 57)
        biases = bias_for_current(branch, currents)
        assert np.all(np.diff(biases) > 0) or np.all(np.diff(biases) < 0)
        np.testing.assert_allclose(current_for_bias(branch, biases), currents, rtol=1e-9)
    assert bias_for_current(silicon.negative, np.zeros(1))[0] == silicon.negative.off_bias_V
    assert current_for_bias(silicon.negative, np.array([1.8]))[0] == 0.0


def test_the_table_of_a_mapping(silicon: Any) -> None:
    table = map_weights([np.array([[0.5, -0.25], [0.0, 1.0]])], silicon).table
    assert list(table.columns) == [
        "layer",
        "axon",
        "neuron",
        "weight",
        "polarity",
        "current_A",
        "bias_V",
        "clipped",
    ]
    assert len(table) == 4
    row = table[(table["axon"] == 1) & (table["neuron"] == 0)].iloc[0]
    assert (row["layer"], row["weight"], row["polarity"]) == (1, -0.25, "p")
    assert row["current_A"] == pytest.approx(0.25 * silicon.unit_current_A(2), rel=1e-12, abs=0)
    assert not table["clipped"].any()


def test_scale_multiplies_the_current_of_its_sign_only(silicon: Any) -> None:
    weights = [np.array([[0.5, -0.5]])]
    plain = map_weights(weights, silicon).table["current_A"]
    scaled = map_weights(weights, silicon, scale=(1.2, 0.9)).table["current_A"]
    assert list(scaled / plain) == pytest.approx([1.2, 0.9])


def test_out_of_range_is_refused_with_its_place_and_the_way_out(silicon: Any) -> None:
    largest = silicon.positive.current_max_A / silicon.unit_current_A(2)
    weights = [np.array([[0.1, 1.01 * largest], [0.2, -0.3]])]
    with pytest.raises(OutOfRange, match=r"1 of 4 weights .*layer 1 axon 1 neuron 0.*--clip"):
        map_weights(weights, silicon)
    mapping = map_weights(weights, silicon, clip=True)
    assert mapping.clipped == 1
    assert mapping.weights()[0][0, 1] == pytest.approx(largest)
    assert mapping.weights()[0][1, 1] == -0.3
    assert map_weights([np.array([[0.1, 0.99 * largest]])], silicon).clipped == 0


def test_tiny_weights_are_off_not_clipped(silicon: Any) -> None:
    tiny = 0.9 * silicon.positive.current_min_A / silicon.unit_current_A(3)
    mapping = map_weights([np.array([[tiny, -tiny * 0.5, 0.0]])], silicon)
    assert (mapping.off, mapping.clipped) == (3, 0)
    assert not mapping.weights()[0].any()
    text = bias_sources(mapping)
    assert "Vbias_n_1_0_0 bias_n_1_0_0 0 0 ;" in text
    assert "Vbias_p_1_0_0 bias_p_1_0_0 0 1.8 ;" in text
    assert not read_biases(text, silicon)[0].any()


def test_unused_branches_are_off_and_every_gate_has_a_source(silicon: Any) -> None:
    mapping = map_weights([np.array([[0.5, -0.5], [0.25, 0.1]]), np.array([[-0.3, 0.2]])], silicon)
    lines = bias_sources(mapping).splitlines()
    assert lines[0] == ".subckt biases " + " ".join(mapping.topology.bias_ports)
    assert lines[-1] == ".ends biases"
    volts = {line.split()[1]: float(line.split()[3]) for line in lines[1:-1]}
    assert set(volts) == set(mapping.topology.bias_ports)
    assert volts["bias_p_1_0_0"] == 1.8
    assert volts["bias_n_1_1_0"] == 0.0
    assert "layer=1 axon=1 neuron=0 weight=-0.5" in "\n".join(lines)


@pytest.mark.parametrize(("weights", "said"), [
    ([np.zeros(3)], r"layer 1: weights have shape \(3,\)"),
    ([np.zeros((2, 3)), np.zeros((2, 3))], "layer 2 has 3 axons but layer 1 has 2 neurons"),
    ([np.array([[np.nan, 1.0]])], "layer 1: weights hold NaN"),
    ([np.array([[0.1]]), np.array([[-np.inf]])], "layer 2: weights hold NaN or infinity"),
    ([], "no weights"),
    ([np.zeros((0, 3))], "layers = "),
])  # fmt: skip
def test_weights_that_are_no_network_are_refused(weights: list[Array], said: str) -> None:
    with pytest.raises(CircuitError, match=said):
        check_weights(weights)


@pytest.mark.parametrize("scale", [(float("nan"), 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, float("inf"))])
def test_a_scale_that_is_no_factor_is_refused(silicon: Any, scale: tuple[float, float]) -> None:
    """NaN once switched every synapse off without a word."""
    with pytest.raises(CircuitError, match="scale"):
        map_weights([np.array([[0.5, -0.5]])], silicon, scale=scale)


def both_on(text: str) -> str:
    return text.replace("bias_p_1_0_0 0 1.8", "bias_p_1_0_0 0 1.1")


def outside(text: str) -> str:
    return text.replace("bias_p_1_0_0 0 1.8", "bias_p_1_0_0 0 0.3")


def without(word: str) -> Any:
    return lambda text: "\n".join(line for line in text.splitlines() if word not in line)


@pytest.mark.parametrize(("spoil", "said"), [
    (both_on, "layer 1 axon 0 neuron 0: both branches are on"),
    (outside, "bias 0.3 V lies outside the characterised"),
    (lambda text: "V1 in 0 1\n.end\n", "no bias source"),
    (without("Vbias_p_1_1_0"), "layer 1: 3 bias sources, but 2 axons on 1 neurons need 4"),
    (without("bias_n_1_"), "layer 1: 2 bias sources"),
    (lambda text: text.replace("Vbias_n_1", "Vbias_n_2").replace("Vbias_p_1", "Vbias_p_2"), "layer 1: 0 bias sources"),
    (lambda text: text.replace("Vbias_n_1_0_0 ", "Vbias_tail "), "is not a bias source as nonideal writes it"),
    (lambda text: text.replace("bias_p_1_0_0 0 1.8", "bias_p_1_0_0 0 DC 1.8"), "is not a bias source"),
    (lambda text: text.replace("bias_p_1_0_0 0 1.8", "bias_p_1_0_0 0 1.8m"), "is not a bias source"),
    (lambda text: text + text, "a second source"),
])  # fmt: skip
def test_a_foreign_or_edited_netlist_is_refused(silicon: Any, spoil: Any, said: str) -> None:
    text = bias_sources(map_weights([np.array([[0.5, -0.5]])], silicon))
    with pytest.raises(MappingError, match=said):
        read_biases(spoil(text), silicon)


def test_reading_back_does_not_mind_case(silicon: Any) -> None:
    weights = [np.array([[0.5, -0.5]])]
    text = bias_sources(map_weights(weights, silicon)).upper()
    np.testing.assert_allclose(read_biases(text, silicon)[0], weights[0], rtol=1e-9)


def test_unit_current_follows_the_axons_of_each_layer(silicon: Any) -> None:
    mapping = map_weights([np.full((6, 4), 0.5), np.full((3, 6), 0.5)], silicon)
    currents = mapping.table.groupby("layer")["current_A"].unique()
    assert currents[1][0] == pytest.approx(0.5 * 1.04e-7, rel=1e-12, abs=0)
    assert currents[2][0] == pytest.approx(0.5 * 1.06e-7, rel=1e-12, abs=0)


def test_a_large_network_is_mapped_with_one_interpolator_a_polarity(
    silicon: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was one for every synapse: 512-512 took more than 280 s."""
    made: list[int] = []
    real = analog._curve

    def counted(*args: Any) -> Any:
        made.append(1)
        return real(*args)

    monkeypatch.setattr(analog, "_curve", counted)
    weights = [np.random.default_rng(0).uniform(-1, 1, (20, 30))]
    back = read_biases(bias_sources(map_weights(weights, silicon)), silicon)
    assert back[0] == pytest.approx(weights[0], rel=1e-6)
    assert len(made) <= 4
