"""Input that makes no sense is refused with the net, the value and the way out."""

from __future__ import annotations

import pytest

from nonideal.circuits.box import Box
from nonideal.circuits.routing import Net, RoutingError, route

AREA = (0.0, 0.0, 10.0, 10.0)
A, B = Box("met1", 1, 1, 1.3, 1.3), Box("met1", 8, 8, 8.3, 8.3)
NET = Net("a", ((A,), (B,)))


@pytest.mark.parametrize(
    ("nets", "message"),
    [
        (
            [Net("a", ((A,), (Box("met1", 9.9, 8, 10.2, 8.3),)))],
            r"net a, pin 1: box \(9.9, .*reaches out of the area",
        ),
        (
            [Net("a", ((A,), (Box("met5", 8, 8, 9, 9),)))],
            r"net a, pin 1 lies on 'met5'; pins lie on li1, met1",
        ),
        ([Net("a", ((A,), (Box("met1", 8, 8, 8, 9),)))], r"net a, pin 1: box .* is empty or turned round"),
        ([Net("a", ((A,), ()))], r"net a: pin 1 has no box"),
        ([NET, Net("b", ((Box("met1", 1.2, 1.2, 2, 2),),))], r"pins of a and b overlap on met1"),
        ([NET, NET], r"net 'a': each net has a name of its own"),
        ([Net("", ())], r"net '': each net has a name of its own"),
        ([Net("a", ((A,), (B,)), {"li1": 1.0})], r"net a: width on 'li1'; wires lie on met1"),
        ([Net("a", ((A,), (B,)), {"met3": 0.2})], r"net a: width 0.2 um on met3, at least 0.3 um"),
        (
            [Net("a", ((A,), (B,)), {"met1": 1e9})],
            r"net a: width 1000000000.0 um on met1, .* at most 100 um",
        ),
        ([Net("a", ((A,), (B,)), None, -1.0)], r"net a: clearance -1.0 um; 0 to 100 um"),
        ([Net("a", ((A,), (B,)), None, 1e9)], r"net a: clearance 1000000000.0 um; 0 to 100 um"),
        ([Net("a", ((A,), (Box("met1", 8, 8, float("nan"), 9),)))], r"net a, pin 1: box .* is empty"),
    ],
)
def test_nets(nets: list[Net], message: str) -> None:
    with pytest.raises(RoutingError, match=message):
        route(AREA, nets)


def test_area_layers_and_obstacles() -> None:
    with pytest.raises(RoutingError, match=r"area \(0, 0, 0, 5\) um is empty"):
        route((0, 0, 0, 5), [NET])
    for area in ((0, 0, 5000, 10), (3e6, 0, 3e6 + 10, 10), (0, 0, 2000, 2000)):
        with pytest.raises(RoutingError, match=r"a side is 4000 um at most, .* route parts of it"):
            route(area, [NET])
    with pytest.raises(RoutingError, match=r"an obstacle of no net: box .* farther than 1e\+06 um"):
        route(AREA, [NET], [("", Box("met1", -5e6, 4, 5e6, 5))])
    with pytest.raises(RoutingError, match=r"layers \('met1', 'met5'\): wires lie on some of met1"):
        route(AREA, [NET], layers=("met1", "met5"))
    with pytest.raises(RoutingError, match=r"layers \(\): wires lie"):
        route(AREA, [NET], layers=())
    with pytest.raises(RoutingError, match=r"an obstacle of no net lies on 'metal', which is no layer"):
        route(AREA, [NET], [("", Box("metal", 1, 1, 2, 2))])
    with pytest.raises(RoutingError, match=r"an obstacle of a: box .* on met1 is empty"):
        route(AREA, [NET], [("a", Box("met1", 2, 1, 1, 2))])


def test_a_pin_that_no_cut_fits_in_is_told() -> None:
    narrow = Net("a", ((Box("li1", 1, 1, 1.16, 2),), (B,)))
    with pytest.raises(RoutingError, match=r"net a: no way leads to its pin"):
        route(AREA, [narrow])


def test_layers_that_are_not_routed_on_do_not_matter() -> None:
    assert route(AREA, [NET], [("", Box("poly", 0, 0, 10, 10)), ("x", Box("met5", 0, 0, 10, 10))])[0].boxes
