"""Wires join what they should, nothing else, and break no design rule."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonideal.circuits.box import Box
from nonideal.circuits.routing import Net, RoutingError, Wire, route
from tests.circuits.routing.drawn import Obstacles, broken_rules, misjoined, scattered


def require_right(nets: list[Net], obstacles: Obstacles, wires: tuple[Wire, ...]) -> None:
    assert [wire.net for wire in wires] == [net.name for net in nets]
    assert misjoined(nets, obstacles, wires) == []
    assert broken_rules(nets, obstacles, wires) == {}
    for wire in wires:
        for box in wire.boxes:
            assert all(abs(v * 100 - round(v * 100)) < 1e-6 for v in (box.x0, box.y0, box.x1, box.y1))


def square(layer: str, x: float, y: float, half: float = 0.15) -> Box:
    return Box(layer, round(x - half, 3), round(y - half, 3), round(x + half, 3), round(y + half, 3))


def pair(name: str, *boxes: Box, **options: object) -> Net:
    return Net(name, tuple((box,) for box in boxes), **options)  # type: ignore[arg-type]


def long_side(box: Box) -> float:
    return max(box.x1 - box.x0, box.y1 - box.y0)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 14))
def test_random_pins_are_joined_and_legal(seed: int, count: int) -> None:
    nets = scattered(seed, 16, 14, count)
    require_right(nets, [], route((0, 0, 16, 14), nets))


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("met1", "met2", "met3", "met4")),
            st.integers(300, 1100),
            st.integers(100, 1300),
            st.integers(30, 400),
            st.integers(30, 400),
        ),
        max_size=6,
    )
)
def test_obstacles_are_kept_off(drawn: list[tuple[str, int, int, int, int]]) -> None:
    """Pins on both sides of metal at any place of the 10 nm grid, wide metal among it."""
    obstacles: list[tuple[str, Box]] = []
    for layer, x, y, width, height in drawn:
        box = Box(layer, x / 100, y / 100, (x + max(width, 50)) / 100, (y + max(height, 50)) / 100)
        if all(
            box.x0 - 0.45 > o.x1 or o.x0 - 0.45 > box.x1 or box.y0 - 0.45 > o.y1 or o.y0 - 0.45 > box.y1
            for _, o in obstacles
            if o.layer == layer
        ):
            obstacles.append(("", box))
    nets = [pair(f"n{k}", square("li1", 1, 2 + 3 * k), square("met2", 16.5, 13 - 3 * k)) for k in range(4)]
    require_right(nets, obstacles, route((0, 0, 18, 18), nets, obstacles))


def test_equal_input_gives_equal_wires() -> None:
    nets = scattered(3, 16, 14, 12)
    assert route((0, 0, 16, 14), nets) == route((0, 0, 16, 14), nets)


def test_a_straight_wire_is_as_short_as_can_be() -> None:
    nets = [pair("a", square("met1", 1, 1), square("met1", 9, 1))]
    (wire,) = route((0, 0, 10, 2), nets)
    require_right(nets, [], (wire,))
    assert {box.layer for box in wire.boxes} == {"met1"}
    assert sum(box.x1 - box.x0 for box in wire.boxes) == pytest.approx(8, abs=0.4)


def test_wide_wires_have_their_width_and_arrays_of_cuts() -> None:
    width = {"met1": 0.3, "met2": 0.6, "met3": 1.2, "met4": 1.2}
    nets = [
        pair("v0", square("met4", 2, 2, 0.6), square("met4", 28, 20, 0.6), width_um=width),
        pair("a", square("met1", 1, 10), square("met1", 29, 10)),
    ]
    wires = route((0, 0, 30, 24), nets)
    require_right(nets, [], wires)
    lines = [box for box in wires[0].boxes if box.layer in width and long_side(box) > 3]
    assert lines
    for box in lines:
        assert min(box.x1 - box.x0, box.y1 - box.y0) == pytest.approx(width[box.layer])
    if any(box.layer == "via3" for box in wires[0].boxes):
        assert sum(box.layer == "via3" for box in wires[0].boxes) >= 4


def test_wide_wires_are_thin_at_a_narrow_pin() -> None:
    nets = [
        pair("v0", square("li1", 5, 5), square("li1", 25, 5), width_um={"met1": 1.0, "met2": 1.0}),
        *(
            pair(f"n{k}", square("li1", 5 + 0.7 * s, 5), square("li1", 25 + 0.7 * s, 5))
            for k, s in enumerate((-1, 1))
        ),
    ]
    wires = route((0, 0, 30, 10), nets)
    require_right(nets, [], wires)
    assert any(min(b.x1 - b.x0, b.y1 - b.y0) == pytest.approx(1.0) for b in wires[0].boxes)


def test_clearance_is_kept_away_from_pins() -> None:
    nets = [
        pair("quiet", square("met1", 1, 5), square("met1", 29, 5), clearance_um=0.8),
        *(pair(f"n{k}", square("met1", 3, 3 + k), square("met1", 27, 7 - k)) for k in range(5) if k != 2),
    ]
    wires = route((0, 0, 30, 10), nets)
    require_right(nets, [], wires)
    for mine in wires[0].boxes:
        for box in (box for wire in wires[1:] for box in wire.boxes):
            if box.layer == mine.layer and mine.layer.startswith("met") and mine.x0 > 5 and mine.x1 < 25:
                gap_x = max(0.0, box.x0 - mine.x1, mine.x0 - box.x1)
                gap_y = max(0.0, box.y0 - mine.y1, mine.y0 - box.y1)
                assert (gap_x**2 + gap_y**2) ** 0.5 >= 0.8 - 1e-6


def test_own_shapes_may_be_touched_and_those_of_others_not() -> None:
    rail = Box("met1", 0, 4, 20, 4.5)
    nets = [pair("a", square("met1", 10, 1), square("met1", 10, 8))]
    (through,) = route((0, 0, 20, 10), nets, [("a", rail)], layers=("met1",))
    require_right(nets, [("a", rail)], (through,))
    with pytest.raises(RoutingError, match=r"net a: no way leads to its pin"):
        route((0, 0, 20, 10), nets, [("", rail)], layers=("met1",))
    (over,) = route((0, 0, 20, 10), nets, [("", rail)])
    require_right(nets, [("", rail)], (over,))


def test_any_box_of_a_pin_will_do() -> None:
    walled = [("", Box("met1", 8.5, 0, 8.8, 10))]
    nets = [Net("a", ((square("met1", 2, 5),), (square("met1", 9.5, 5), square("met1", 7, 5))))]
    (wire,) = route((0, 0, 10, 10), nets, walled, layers=("met1",))
    assert max(box.x1 for box in wire.boxes) < 7.5


def test_pins_of_wide_metal_are_reached_anywhere() -> None:
    stripe = Box("met4", 1, 0, 2.2, 30)
    nets = [Net("vgnd", ((stripe,), *((square("li1", 10, 3 + 6 * k),) for k in range(4))))]
    (wire,) = route((0, 0, 12, 30), nets)
    require_right(nets, [], (wire,))
    assert sum(long_side(box) for box in wire.boxes if box.layer.startswith("met")) < 75


def test_capacitors_keep_their_distance() -> None:
    obstacles = [
        ("bottom", Box("met3", 4, 4, 10, 10)),
        ("", Box("capm", 4.2, 4.2, 9.8, 9.8)),
        ("", Box("met4", 4.4, 4.4, 9.6, 9.6)),
        ("", Box("via3", 6, 6, 6.2, 6.2)),
    ]
    nets = [
        pair(f"n{k}", square("met3", 1 + 1.2 * k, 1, 0.25), square("met3", 13 - 1.2 * k, 13, 0.25))
        for k in range(6)
    ]
    wires = route((0, 0, 14, 14), nets, obstacles)
    require_right(nets, obstacles, wires)


def test_too_many_nets_are_named_with_the_place() -> None:
    across = pair("across", square("met1", 0.15, 4), square("met1", 9.85, 4))
    upright = pair("upright", square("met1", 5, 0.15), square("met1", 5, 7.85))
    with pytest.raises(
        RoutingError, match=r"nets are in each other's way after 5 rounds: .*across.*within \("
    ):
        route((0, 0, 10, 8), [across, upright], layers=("met1",), rounds=5)


def test_nothing_to_join_is_no_wire() -> None:
    assert route((0, 0, 5, 5), [Net("a", ()), Net("b", ((square("met1", 2, 2),),))]) == (
        Wire("a", ()),
        Wire("b", ()),
    )
    assert route((0, 0, 5, 5), []) == ()


def test_nets_in_an_order_give_wires_in_that_order() -> None:
    nets = [pair(name, square("met1", 1, 1 + k), square("met1", 4, 1 + k)) for k, name in enumerate("cab")]
    wires = route((0, 0, 5, 5), nets)
    assert [wire.net for wire in wires] == list("cab")
    for above, below in pairwise(wires):
        assert above.boxes[0].y0 < below.boxes[0].y0
