"""Layers, rules, corners, devices: the tables that say what the process is."""

import pytest

from nonideal import sky130_models
from nonideal.sky130_models import (
    DEVICES,
    LAYERS,
    RULES,
    Corner,
    IllegalSize,
    Layer,
    PdkError,
    check_size,
    find_device,
    parse_corner,
    rule,
)
from nonideal.sky130_models.layers import read_layers
from nonideal.sky130_models.rules import KINDS, read_rules


def test_public_face() -> None:
    assert len(set(sky130_models.__all__)) == len(sky130_models.__all__)
    for name in sky130_models.__all__:
        assert hasattr(sky130_models, name)


def test_layers() -> None:
    assert LAYERS["met1"] == Layer("met1", 68, 20, 16, 5)
    assert LAYERS["licon1"].pin is None
    assert LAYERS["tap"] == Layer("tap", 65, 44, None, 5)
    assert (LAYERS["capm"].gds_layer, LAYERS["capm2"].gds_layer) == (89, 97)
    drawn = [(layer.gds_layer, layer.drawing) for layer in LAYERS.values()]
    assert len(set(drawn)) == len(drawn) == 25
    with pytest.raises(TypeError):
        LAYERS["met6"] = LAYERS["met5"]  # type: ignore[index]


def test_rules() -> None:
    assert len(RULES) == 140
    assert rule("li.3").value_um == 0.17
    assert rule("m5.4").value_um == 4.0
    assert (rule("poly.7").layer, rule("poly.7").other, rule("poly.7").value_um) == ("diff", "poly", 0.25)
    assert rule("nwell.4").value_um is None
    assert {each.kind for each in RULES} == KINDS
    with pytest.raises(KeyError, match=r"li\.99"):
        rule("li.99")


def test_rules_name_known_layers() -> None:
    derived = {"gate_W", "gate", "licon", "licon_poly", "licon_diff", "met3_plate", "met4_plate", "all"}
    derived |= {"n+diff", "p+diff", "n+tap", "p+tap", "opposite_diff", "poly&difftap"}
    derived |= {"licon_tap", "licon_difftap", "nwell_hole", "hvi", "hvtr", "rpm", "urpm"}
    for each in RULES:
        for name in [*each.layer.split("|"), *(each.other.split("|") if each.other else [])]:
            assert name in LAYERS or name in derived, each


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,width,met1,,x,", "line 2"),
        ("a,wide,met1,,1,", "unknown kind"),
        ("a,width,met1,,,", "None"),
        ("a,shape,met1,,1,", "1"),
        ("a,width,met1,,1,\na,width,met1,,1,", "line 3.*twice"),
        ("a,width", "line 2"),
    ],
)
def test_bad_rules(row: str, message: str) -> None:
    with pytest.raises(PdkError, match=message):
        read_rules(["rule,kind,layer,other,value_um,note", *row.split("\n")])


@pytest.mark.parametrize(
    ("row", "message"), [("m,x,20,,", "line 2"), ("m,1", "line 2"), ("m,1,2,,\nm,1,3,,", "line 3.*twice")]
)
def test_bad_layers(row: str, message: str) -> None:
    with pytest.raises(PdkError, match=message):
        read_layers(["layer,gds_layer,drawing,pin,label", *row.split("\n")])


def test_corners() -> None:
    assert [corner.value for corner in Corner] == ["tt", "ff", "ss", "sf", "fs", "ll", "hl", "lh", "hh"]
    assert parse_corner(" SF ") is Corner.sf
    assert Corner.ff.mismatch_section == "ff_mm"
    with pytest.raises(ValueError, match="did you mean 'tt'"):
        parse_corner("ttt")
    with pytest.raises(ValueError, match=r"no corner 'quick'\. Corners: tt, ff"):
        parse_corner("quick")


@pytest.mark.parametrize(
    ("device", "w_um", "l_um"),
    [
        ("nfet_01v8", 0.42, 0.15),
        ("sky130_fd_pr__pfet_01v8_hvt", 0.5, 0.46),
        ("sky130_fd_pr__pfet_01v8_lvt", 0.42, 0.35),
        ("nfet_01v8", 100, 20),
        ("cap_mim_m3_1", 2, 30),
        ("cap_mim_m3_2", 7.005, 6.995),
    ],
)
def test_legal(device: str, w_um: float, l_um: float) -> None:
    check_size(device, w_um, l_um)


@pytest.mark.parametrize(
    ("device", "w_um", "l_um", "message"),
    [
        ("nfet_01v8", 0.36, 0.15, r"nfet_01v8: W = 0\.36 um is outside 0\.42\.\.100 um"),
        ("nfet_01v8", 0.42, 0.145, r"L = 0\.145 um is outside 0\.15\.\.20 um"),
        ("pfet_01v8_lvt", 1, 0.15, r"L = 0\.15 um is outside 0\.35\.\.20 um"),
        ("nfet_01v8", 1, 20.5, "L = 20.5 um"),
        ("nfet_01v8", 1.002, 0.15, r"W = 1\.002 um is off the 0\.005 um grid"),
        ("nfet_01v8", float("nan"), 0.15, "W = nan"),
        ("nfet_01v8", -1, 0.15, "W = -1"),
        ("cap_mim_m3_1", 1.5, 7, r"W = 1\.5 um is outside 2\.\.30 um"),
        ("cap_mim_m3_1", 7, 31, "L = 31 um"),
        ("nfet_01v8_hvt", 1, 1, r"no device 'nfet_01v8_hvt' here; did you mean sky130_fd_pr__[np]fet_01v8"),
        ("bjt", 1, 1, "Devices: sky130_fd_pr__nfet_01v8,"),
    ],
)
def test_illegal(device: str, w_um: float, l_um: float, message: str) -> None:
    with pytest.raises(IllegalSize, match=message):
        check_size(device, w_um, l_um)


def test_fingers() -> None:
    check_size("nfet_01v8", 1.26, 0.15, fingers=3)
    with pytest.raises(IllegalSize, match=r"W = 0\.25 um \(W = 1 um in 4 fingers\) is outside"):
        check_size("nfet_01v8", 1, 0.15, fingers=4)
    with pytest.raises(IllegalSize, match="whole number"):
        check_size("nfet_01v8", 1, 0.15, fingers=1.5)
    with pytest.raises(IllegalSize, match="whole number"):
        check_size("nfet_01v8", 1, 0.15, fingers=0)


def test_devices() -> None:
    assert len(DEVICES) == 7
    assert find_device("PFET_01v8_hvt").kind == "pmos"
    assert find_device("sky130_fd_pr__cap_mim_m3_1").ports == ("c0", "c1")
