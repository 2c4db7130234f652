"""The antenna check: every rule fires where the ratio, computed by hand, passes the limit; diodes and jumpers silence it."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import pytest

from nonideal.circuits.design import Design, Fet, NeuronSizes, SynapseSizes
from nonideal.circuits.drc import check, check_cell
from nonideal.circuits.drc.antenna import Antenna, antennas
from nonideal.circuits.drc.regions import Regions
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic
from nonideal.sky130_models.antenna import ANTENNA_RULES, antenna_rule
from nonideal.sky130_models.layers import LAYERS

Rect = tuple[str, float, float, float, float]
STACK = (
    "poly",
    "licon1",
    "li1",
    "mcon",
    "met1",
    "via",
    "met2",
    "via2",
    "met3",
    "via3",
    "met4",
    "via4",
    "met5",
)
CUTS = {"licon1": 0.17, "mcon": 0.17, "via": 0.15, "via2": 0.2, "via3": 0.2, "via4": 0.8}
GATE_UM2 = 0.42 * 0.15
GATE: list[Rect] = [("diff", 0, 0, 1, 0.42), ("nsdm", -1, -1, 2, 1.42), ("poly", 0.4, -0.2, 0.55, 2)]
DIODE_UM2 = 0.3 * 0.3
DIODE: list[Rect] = [
    ("diff", -2, 2, -1.7, 2.3),
    ("nsdm", -3, 1, -1, 3),
    ("licon1", -1.9, 2.1, -1.73, 2.27),
    ("li1", -1.9, 2.1, 0.5, 2.27),
]


def tower(top: str, base: str = "poly") -> list[Rect]:
    """Every layer from the base's to the top one, joined above the gate's poly: one cut or 1 um of wire 1 um wide of each."""
    rects: list[Rect] = []
    for layer in STACK[STACK.index(base) : STACK.index(top) + 1]:
        side = CUTS.get(layer, 1.0)
        rects.append((layer, 0.42, 2, 0.42 + side, 2 + side))
    return rects


def wire(layer: str, length: float) -> Rect:
    """The layer's square of the tower, lengthened to that length."""
    return (layer, 0.42, 2, 0.42 + length, 3)


def cuts(layer: str, count: int) -> list[Rect]:
    """The tower's conductors round the cut widened, with so many cuts."""
    at, side = STACK.index(layer), CUTS[layer]
    below: Rect = (STACK[at - 1], 0.42, 2, 0.42 + 2 * side * count, 3)
    return [
        below,
        *((layer, 0.42 + 2 * side * n, 2, 0.42 + 2 * side * n + side, 2 + side) for n in range(count)),
    ]


def judged(rects: list[Rect], layer: str) -> list[Antenna]:
    layout = kdb.Layout()
    top = layout.create_cell("antenna")
    for name, *corners in rects:
        drawn = LAYERS[name]
        top.shapes(layout.layer(drawn.gds_layer, drawn.drawing)).insert(kdb.DBox(*corners))
    found = antennas(layout, top, Regions(layout, top), ANTENNA_RULES)
    return [antenna for antenna in found if antenna.rule.layer == layer]


def below(layer: str) -> str:
    return STACK[STACK.index(layer) - 1]


def exposed(layer: str, rects: int, *, diode: bool = False) -> list[Rect]:
    """A gate with a wire of so many um, or so many cuts, of the layer."""
    under = tower(below(layer)) if layer != "poly" else []
    if layer in CUTS:
        return GATE + under + cuts(layer, rects) + (DIODE if diode else [])
    return GATE + under + [wire(layer, rects)] + (DIODE if diode else [])


@pytest.mark.parametrize("layer", [name for name in STACK if name != "poly" and name not in CUTS])
def test_a_long_wire_on_a_gate(layer: str) -> None:
    rule = antenna_rule(layer)
    assert rule.thickness_um is not None
    for length, fires in ((2, False), (2000, True)):
        (found,) = judged(exposed(layer, length), layer)
        ratio = 2 * (length + 1) * rule.thickness_um / GATE_UM2
        assert found.ratio == pytest.approx(ratio, rel=1e-6)
        assert found.gate_um2 == pytest.approx(GATE_UM2)
        assert (found.allowed, found.diode_um2) == (rule.limit, 0.0)
        assert found.broken is fires
    longest = rule.limit * GATE_UM2 / rule.thickness_um / 2 - 1
    assert [judged(exposed(layer, longest + step), layer)[0].broken for step in (-0.01, 0.01)] == [
        False,
        True,
    ]  # type: ignore[arg-type]


def test_long_poly() -> None:
    (found,) = judged([*GATE, ("poly", 0.4, 1.85, 9.1, 2)], "poly")
    assert found.ratio == pytest.approx((2 * (8.7 + 2.2)) * 0.18 / GATE_UM2)
    assert found.broken
    assert not judged([*GATE, ("poly", 0.4, 1.85, 6.1, 2)], "poly")[0].broken


@pytest.mark.parametrize(
    ("layer", "most"), [("licon1", 6), ("mcon", 6), ("via", 16), ("via2", 9), ("via3", 9)]
)
def test_many_cuts_on_a_gate(layer: str, most: int) -> None:
    for count, fires in ((most, False), (most + 1, True)):
        (found,) = judged(exposed(layer, count), layer)
        assert found.ratio == pytest.approx(count * CUTS[layer] ** 2 / GATE_UM2)
        assert found.broken is fires


def test_one_via4_is_more_than_the_smallest_gate_bears() -> None:
    (found,) = judged(exposed("via4", 1), "via4")
    assert found.ratio == pytest.approx(0.64 / 0.063)
    assert found.broken
    assert judged(exposed("via4", 1, diode=True), "via4")[0].broken  # 6 + 36 * 0.09 = 9.24


@pytest.mark.parametrize("layer", ["met1", "met2", "met3", "met4", "met5"])
def test_a_diode_adds_a_bonus_and_its_area(layer: str) -> None:
    rule = antenna_rule(layer)
    assert rule.thickness_um is not None
    allowed = 400 + 2200 + 400 * DIODE_UM2
    longest = allowed * GATE_UM2 / rule.thickness_um / 2 - 1
    for length, fires in ((longest - 0.01, False), (longest + 0.01, True)):
        (found,) = judged(exposed(layer, length, diode=True), layer)  # type: ignore[arg-type]
        assert found.allowed == pytest.approx(allowed)
        assert found.broken is fires


@pytest.mark.parametrize(
    ("layer", "allowed"), [("mcon", 3 + 18 * 0.09), ("via", 6 + 36 * 0.09), ("li1", 75 + 450 * 0.09)]
)
def test_a_diode_where_there_is_no_bonus(layer: str, allowed: float) -> None:
    found = judged(exposed(layer, 2, diode=True), layer)[0]
    assert found.allowed == pytest.approx(allowed)


def test_a_diode_that_is_joined_later_does_not_help() -> None:
    met2 = ("met2", -2, 2, 1, 3)
    apart: list[Rect] = [
        *DIODE[:3],
        ("li1", -2, 2, -1, 3),
        ("mcon", -1.9, 2.1, -1.73, 2.27),
        ("met1", -2, 2, -1, 3),
        ("via", -1.9, 2.1, -1.75, 2.25),
    ]
    rects = [*GATE, *tower("met1"), wire("met1", 100), ("via", 0.5, 2.5, 0.65, 2.65), met2, *apart]
    (on_met1,) = judged(rects, "met1")
    assert (on_met1.diode_um2, on_met1.broken) == (0.0, True)
    (on_met2,) = judged(rects, "met2")
    assert on_met2.diode_um2 == pytest.approx(DIODE_UM2)


def test_a_jumper_silences_a_long_wire() -> None:
    """The same wire, joined to the gate by metal 2 alone, is on no gate while metal 1 is etched."""
    assert judged([*GATE, *tower("met1"), wire("met1", 100)], "met1")[0].broken
    gap: list[Rect] = [("met1", 2, 2, 102, 3), ("via", 2.1, 2.1, 2.25, 2.25), ("met2", 0.42, 2, 2.4, 3)]
    rects = [*GATE, *tower("via"), *gap]
    assert not judged(rects, "met1")[0].broken
    assert judged(rects, "met1")[0].exposed_um2 == pytest.approx(4 * 0.35)
    assert judged(rects, "met2")[0].exposed_um2 == pytest.approx(2 * (1.98 + 1) * 0.35)


def test_what_hangs_on_a_substrate_tap_is_not_judged() -> None:
    tap: list[Rect] = [("tap", -2, 2, -1.7, 2.3), ("psdm", -3, 1, -1, 3), *DIODE[2:]]
    assert judged(exposed("met1", 1000) + tap, "met1") == []
    well: Rect = ("nwell", -4, 0, -1, 4)  # a tap in a well is a diode
    assert judged([*exposed("met1", 1000), *tap, well], "met1")[0].diode_um2 == pytest.approx(DIODE_UM2)


def test_gates_of_one_net_share_the_current() -> None:
    second: list[Rect] = [(name, x0 + 5, y0, x1 + 5, y1) for name, x0, y0, x1, y1 in [*GATE, *tower("mcon")]]
    (found,) = judged([*exposed("met1", 100), *second], "met1")
    assert found.gate_um2 == pytest.approx(2 * GATE_UM2)


def test_a_capacitors_plate_is_joined_by_the_metal_above() -> None:
    plate: list[Rect] = [
        ("met3", 0, 2, 40, 12),
        ("capm", 10, 3, 39, 11),
        ("via3", 20, 5, 20.2, 5.2),
        ("met4", 19, 4, 60, 6),
    ]
    rects = [*GATE, *tower("via2"), *plate]
    assert judged(rects, "met3")[0].exposed_um2 == pytest.approx(100 * 0.8)
    assert judged(rects, "via3") == []
    assert judged(rects, "met4") == []


@pytest.fixture(scope="module")
def unprotected(tmp_path_factory: pytest.TempPathFactory) -> kdb.Layout:
    """A 3-2 network without its antenna diodes, flat."""
    gds = write_gds(network((3, 2)), tmp_path_factory.mktemp("antenna") / "network.gds")
    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.top_cell()
    for name in ("diff", "licon1"):  # of the top cell itself, which draws no others
        top.shapes(layout.layer(LAYERS[name].gds_layer, LAYERS[name].drawing)).clear()
    top.flatten(True)
    return layout


def test_reset_lines_need_their_diodes(unprotected: kdb.Layout) -> None:
    report = check_cell(unprotected, unprotected.top_cell())
    (broken,) = report.violations
    assert (broken.rule, broken.count) == ("ar_q.met3.1", 2)
    assert "on reset" in broken.description
    (worst,) = [antenna for antenna in report.antennas if antenna.rule.name == "ar_q.met3.1"]
    assert worst.net in {"reset_1", "reset_b_1"}
    assert worst.gate_um2 == pytest.approx(2 * 0.063)
    assert worst == report.worst_antenna
    (told,) = [one for one in report.summary().antenna if one.rule == "ar_q.met3.1"]
    assert (told.net, told.allowed) == (worst.net, 400)


def test_klayouts_own_check_finds_the_same_ratios(unprotected: kdb.Layout) -> None:
    """KLayout's antenna check on a netlist extracted up to metal 3, where diodes count as all or nothing."""
    top = unprotected.top_cell()
    ours = Regions(unprotected, top)
    netlist = kdb.LayoutToNetlist(top.name, unprotected.dbu)
    names = ("poly", "gate", "licon1", "li1", "mcon", "met1", "via", "met2", "via2", "met3", "antenna diode")
    layers = {}
    for name in names:
        layers[name] = ours[name].dup()
        netlist.register(layers[name], name.replace(" ", "_"))
        netlist.connect(layers[name])
    for cut, lower, upper in (
        ("licon1", "poly", "li1"), ("licon1", "antenna diode", "li1"), ("mcon", "li1", "met1"), ("via", "met1", "met2"), ("via2", "met2", "met3"),
    ):  # fmt: skip
        netlist.connect(layers[cut], layers[lower])
        netlist.connect(layers[cut], layers[upper])
    netlist.connect(layers["poly"], layers["gate"])
    netlist.extract_netlist()
    found = [
        a
        for a in antennas(unprotected, top, ours, ANTENNA_RULES)
        if a.rule.layer == "met3" and not a.diode_um2
    ]
    assert len(found) > 4
    ratios = sorted(antenna.ratio for antenna in found)
    for low, high in zip(ratios, [*ratios[1:], 2 * ratios[-1]], strict=True):
        if high - low < 0.1:
            continue
        limit = (low + high) / 2
        bad = netlist.antenna_check(
            layers["gate"], 1.0, 0.0, layers["met3"], 0.0, 0.8, limit, [[layers["antenna diode"], 1e9]]
        )
        wanted = kdb.Region()
        for antenna in found:
            if antenna.ratio > limit:
                box = kdb.Region(kdb.DBox(*antenna.box_um).to_itype(unprotected.dbu))
                assert not (bad & box).is_empty(), antenna
                wanted += box
        assert bad.outside(wanted).is_empty()


SMALL = Fet(w_um=0.42, l_um=0.15)
WIDE = Design(
    neuron=NeuronSizes(
        mim_w_um=30.0,
        isolation_n=SMALL,
        isolation_p=SMALL,
        dummy_n=SMALL,
        dummy_p=SMALL,
        discharge=SMALL,
        sense_n=SMALL,
        sense_bias=SMALL,
    ),
    synapse=SynapseSizes(memory_n=SMALL, memory_p=SMALL, select_n=SMALL, select_p=SMALL),
)
"""Smallest gates under the widest capacitors: the longest line for a gate."""


@pytest.mark.parametrize("layers", [(1, 1), (3, 2), (2, 1, 3)])
@pytest.mark.parametrize("design", [Design(), WIDE], ids=["default", "wide"])
def test_networks_of_any_width_pass(tmp_path: Path, layers: tuple[int, ...], design: Design) -> None:
    gds = write_gds(network(layers, design), tmp_path / "network.gds")
    report = check(gds)
    assert report.clean, report.summary()
    assert len(report.rules) > len(ANTENNA_RULES)
    assert len(report.antennas) == len(ANTENNA_RULES)
    assert compare(gds, schematic(Topology(layers), design)).matched
