"""What is whose metal in a drawn block, and wires between its pins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nonideal.circuits.layout import wiring
from nonideal.circuits.layout.block import Block, Box
from nonideal.circuits.layout.contacts import stack
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.layout.wiring import AWAY_METALS, AWAY_UM, trace, wire
from nonideal.circuits.routing import Net, RoutingError, Wire, route

AREA = (0.0, 0.0, 12.0, 6.0)


def two_pads() -> tuple[Block, list[tuple[str, Box]]]:
    """Pads on metal 2: a line with two of them, and one by itself; a line of nobody's between."""
    block = Block.named("pads")
    left = block.rect("met2", 1.0, 1.0, 1.4, 1.4)
    block.rect("met1", 0.9, 0.9, 3.4, 1.5)
    low, high = stack(block, 1.2, 1.2, "met1", "met2"), stack(block, 3.0, 1.2, "met1", "met2")
    assert low.x0 > left.x0
    far = block.rect("met2", 10.0, 4.0, 10.4, 4.4)
    block.rect("met3", 6.0, 0.5, 6.4, 5.5)
    return block, [("a", left), ("a", high), ("a", far)]


def test_boxes_of_a_piece_are_one_pin() -> None:
    found = [piece for piece in trace(*two_pads()) if piece.drawn]
    assert sorted(len(piece.pins) for piece in found if piece.net == "a") == [1, 2]
    assert {piece.net for piece in found for box in piece.drawn if box.layer == "met1"} == {"a"}
    assert {piece.net for piece in found for box in piece.drawn if box.layer == "met3"} == {""}


def wired(**given: object) -> list[Box]:
    """What there is of net a once its pieces are joined."""
    block, pins = two_pads()
    wire(block, pins, AREA, **given)  # type: ignore[arg-type]
    (piece,) = [piece for piece in trace(block, pins) if piece.net == "a"]
    return list(piece.drawn)


def test_wires_join_the_pieces_and_keep_out() -> None:
    keep_out = [Box(metal, 5.0, 2.0, 7.0, 6.0) for metal in ("met1", "met2", "met3", "met4")]
    for drawn in (wired(keep_out=keep_out), wired(closed=[Box("", 5.0, 2.0, 7.0, 6.0)])):
        crossing = [box for box in drawn if box.x0 < 6.9 and box.x1 > 5.1]
        assert crossing
        assert all(box.y1 < 2.0 for box in crossing)


def test_a_net_that_may_be_met_anywhere_is_not_met_at_its_pin_alone() -> None:
    block = Block.named("line")
    line = block.rect("met2", 1.0, 1.0, 1.4, 5.0)
    pin, far = Box("met2", 1.0, 4.6, 1.4, 5.0), block.rect("met2", 10.0, 1.0, 10.4, 1.4)
    wire(block, [("a", pin), ("a", far)], AREA, anywhere=["a"])
    (piece,) = [piece for piece in trace(block, [("a", pin)]) if piece.net == "a"]
    assert any(box.x1 >= far.x0 for box in piece.drawn)
    assert max(box.y1 for box in piece.drawn if box.x0 > line.x1) < 4.0


@pytest.mark.parametrize("away", [True, False])
def test_what_switches_goes_first_and_away_from_what_is_quiet(away: bool) -> None:
    block = Block.named("quiet")
    quiet = block.rect("met2", 4.0, 2.5, 8.0, 3.5)
    ends = [block.rect("met2", x, 3.0, x + 0.4, 3.4) for x in (0.6, 11.0)]
    pins = [("quiet", quiet), *(("loud", end) for end in ends)]
    wire(block, pins, AREA, first=["loud"] if away else [], away_from=["quiet"])
    (piece,) = [piece for piece in trace(block, pins) if piece.net == "loud"]
    near = [
        box
        for box in piece.drawn
        if box.layer in AWAY_METALS
        and quiet.x0 - AWAY_UM[0] < box.x1
        and box.x0 < quiet.x1 + AWAY_UM[0]
        and quiet.y0 - AWAY_UM[0] < box.y1 - 1e-6
        and box.y0 + 1e-6 < quiet.y1 + AWAY_UM[0]
    ]
    assert bool(near) is not away


def test_what_is_quiet_goes_next_and_keeps_away_in_turn() -> None:
    block = Block.named("both")
    loud = block.rect("met2", 1.0, 2.8, 11.0, 3.1)
    gate = block.rect("met2", 1.0, 0.8, 1.4, 1.2)
    ends = [block.rect("met2", x, 3.6, x + 0.4, 4.0) for x in (0.6, 11.0)]
    pins = [("loud", loud), ("loud", gate), *(("quiet", end) for end in ends)]
    wire(block, pins, AREA, first=["loud"], away_from=["quiet"])
    (piece,) = [piece for piece in trace(block, pins) if piece.net == "quiet"]
    between = [box for box in piece.drawn if box.layer in AWAY_METALS and 2.5 < box.x < 10.0]
    assert between
    assert all(box.y0 >= loud.y1 + AWAY_UM[0] - 1e-6 for box in between)


def test_poly_of_a_net_is_known() -> None:
    block = Block.named("gate")
    poly = block.rect("poly", 2.0, 2.0, 2.3, 5.0)
    block.square("licon1", 2.15, 2.2, 0.17)
    pin = block.rect("li1", 1.9, 2.0, 2.4, 2.4)
    (piece,) = [piece for piece in trace(block, [("a", pin)]) if piece.net == "a"]
    assert [(box.y0, box.y1) for box in piece.poly] == [(poly.y0, poly.y1)]


def test_less_is_kept_where_others_find_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router that finds no way for the others beside what is routed first: each distance is tried, and all nets alike in the end."""
    tries: list[tuple[list[str], int]] = []

    def stubborn(area: object, nets: Sequence[Net], obstacles: Sequence[tuple[str, Box]]) -> tuple[Wire, ...]:
        names = [net.name for net in nets]
        tries.append((names, len(obstacles)))
        if names == ["other"]:
            raise RoutingError("no way")
        return route(AREA, nets, obstacles)

    monkeypatch.setattr(wiring, "route", stubborn)
    block = Block.named("quiet")
    pins = [("quiet", block.rect("met2", 4.0, 2.5, 8.0, 3.5))]
    for name, y in (("loud", 3.0), ("other", 1.0)):
        pins += [(name, block.rect("met2", x, y, x + 0.4, y + 0.4)) for x in (0.6, 11.0)]
    wire(block, pins, AREA, first=["loud"], away_from=["quiet"])
    assert [names for names, _ in tries] == [["loud"], ["other"]] * len(AWAY_UM) + [["loud", "other"]]
    assert (
        tries[0][1] > tries[2 * AWAY_UM.index(0.0)][1]
    )  # what is kept free at the first distance is not at none
    assert {piece.net: len(piece.pins) for piece in trace(block, pins)}["other"] == 2


def test_refused() -> None:
    block, pins = two_pads()
    with pytest.raises(LayoutError, match="nothing is drawn at the pin of b"):
        trace(block, [*pins, ("b", Box("met2", 8.0, 1.0, 8.2, 1.2))])
    with pytest.raises(LayoutError, match="b and a are one piece"):
        trace(block, [*pins, ("b", pins[1][1])])
