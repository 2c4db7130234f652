"""The lean library: by hand on a tiny library, against ngspice and the full library on the real one."""

import re
from collections.abc import Callable

import pytest

from nonideal.sky130_models import Corner, IllegalSize, Pdk, PdkError, lean_library
from nonideal.sky130_models.library import assignments, parse_subcircuit
from nonideal.sky130_models.statement import statements

Simulator = Callable[[str, str], dict[str, float]]

NFET = "X{} d g 0 0 sky130_fd_pr__nfet_01v8 {}\n"


def _cards(text: str) -> dict[str, dict[str, float]]:
    lines = [line.split(None, 3) for _, line in statements(text) if line.startswith(".model")]
    return {
        name: {key: float(value) for key, value in assignments(tail).items()} for _, name, _, tail in lines
    }


def test_one_card_a_size(tiny: Pdk) -> None:
    netlist = NFET.format(1, "w=1 l=0.25") + NFET.format(2, "w=2 l=0.5") + NFET.format(3, "w=1 l=0.25")
    cards = _cards(lean_library(tiny, Corner.tt, netlist))
    assert list(cards) == ["tiny_model.1", "tiny_model.2"]
    first, second = cards.values()
    assert first["vth0"] == 0.5  # W = 1 is in the bin that begins there
    assert second["vth0"] == 0.4  # so is L = 0.5
    assert first["rsh"] == pytest.approx(10 / 1 + 10)
    assert second["rsh"] == pytest.approx(10 / 2 + 10)
    assert (first["lmin"], first["lmax"]) == pytest.approx((0.249e-6, 0.251e-6), rel=1e-9, abs=0)
    assert (second["wmin"], second["wmax"]) == pytest.approx((1.999e-6, 2.001e-6), rel=1e-9, abs=0)


def test_fingers_share_the_card_of_their_width(tiny: Pdk) -> None:
    netlist = NFET.format(1, "w=4 l=0.25 nf=4") + NFET.format(2, "w=1 l=0.25")
    cards = _cards(lean_library(tiny, Corner.tt, netlist))
    assert list(cards) == ["tiny_model.1"]
    assert cards["tiny_model.1"]["rsh"] == pytest.approx(20)


def test_subcircuit_keeps_the_pdks_face(tiny: Pdk) -> None:
    text = lean_library(tiny, Corner.tt, NFET.format(1, "w=1 l=0.25"))
    match = re.search(r"^\.subckt.*?(?=^\.ends)", text, re.MULTILINE | re.DOTALL)
    assert match is not None
    fet = parse_subcircuit(match[0])
    assert fet.ports == ("d", "g", "s", "b")
    assert fet.parameters == {
        "mult": "1", "l": "1", "w": "1", "nf": "1", "ad": "0", "nrd": "{0.14/w}", "dvt": "0"
    }  # fmt: skip
    assert fet.elements[0].startswith("Mone d g s b tiny_model l={l} w={w} nf={nf} ad={ad} nrd={nrd}")
    assert assignments(fet.elements[0])["delvto"] == "{((0.03*((0.5/l)+1.0))+dvt)}"


def test_capacitor(tiny: Pdk) -> None:
    text = lean_library(tiny, Corner.tt, "Xc a b sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n")
    assert ".model" not in text
    assert "c1 c0 c1 c = {(((2e-15*(w+0.1))*l)*(1.0+dc))}" in text


def test_capacitor_with_series_resistance(tiny: Pdk) -> None:
    models = tiny.root / "models" / "fet.spice"
    elements = "c1 c0 a 'carea' tc1 = 0\nrs1 a c1 'tox_b*l/w' tc1 = {tox_a}"
    models.write_text(models.read_text().replace("c1 c0  c1 c = {carea}", elements))
    text = lean_library(tiny, Corner.tt, "Xc a b sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n")
    assert "c1 c0 a {(((2e-15*(w+0.1))*l)*(1.0+dc))} tc1 = 0\n" in text
    assert "rs1 a c1 {((10.0*l)/w)} tc1 = {5.0}\n" in text
    models.write_text(models.read_text().replace("'carea'", "1p"))
    with pytest.raises(PdkError, match="not just one capacitor"):
        lean_library(tiny, Corner.tt, "Xc a b sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n")


def test_head(tiny: Pdk) -> None:
    text = lean_library(tiny, Corner.tt, "")
    assert "corner tt" in text
    assert "sha256 00" in text
    assert "Apache License, Version 2.0" in text
    assert ".option scale=1.0u" in text
    assert str(tiny.root) not in text  # the same bytes on every machine


def test_order_of_the_netlist_does_not_matter(tiny: Pdk) -> None:
    lines = [NFET.format(1, "w=1 l=0.25"), NFET.format(2, "w=2 l=0.5"), NFET.format(3, "w=0.5 l=0.25")]
    assert lean_library(tiny, Corner.tt, "".join(lines)) == lean_library(
        tiny, Corner.tt, "".join(reversed(lines))
    )


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ("w=1u l=0.25", IllegalSize, r"w=1u would be read as 1e-06 um"),
        ("w=0.5 l=1", PdkError, r"no bin of sky130_fd_pr__nfet_01v8 holds W 0\.5, L 1 um"),
        ("w=0.5 l=0.1", IllegalSize, r"L = 0\.1 um is outside"),
    ],
)
def test_refused(tiny: Pdk, parameters: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        lean_library(tiny, Corner.tt, NFET.format(1, parameters))


def test_card_without_a_bin(tiny: Pdk) -> None:
    models = tiny.root / "models" / "fet.spice"
    models.write_text(models.read_text().replace("lmin=1.5E-7", ""))
    with pytest.raises(PdkError, match=r"model tiny_model\.3 has no lmin"):
        lean_library(tiny, Corner.tt, NFET.format(1, "w=0.5 l=0.25"))


def test_device_that_the_library_lacks(tiny: Pdk) -> None:
    with pytest.raises(PdkError, match="no subcircuit sky130_fd_pr__pfet_01v8"):
        lean_library(tiny, Corner.tt, "X1 d g s b sky130_fd_pr__pfet_01v8 w=1 l=1\n")


def test_a_random_library_is_refused(tiny: Pdk) -> None:
    tiny.library.write_text(tiny.library.read_text().replace("MC_MM_SWITCH=0", "MC_MM_SWITCH=1"))
    with pytest.raises(PdkError, match="still random"):
        lean_library(tiny, Corner.tt, NFET.format(1, "w=1 l=0.25"))


# --- against the full library -----------------------------------------------------------------------------

SIZES = {
    "nfet_01v8": (
        "w=1 l=0.25", "w=0.42 l=0.15", "w=0.5 l=0.46", "w=2 l=0.15", "w=1 l=0.5", "w=0.55 l=0.18", "w=7 l=8",
        "w=3 l=1", "w=5 l=2", "w=100 l=20", "w=4 l=0.25 nf=4", "w=1.26 l=0.15 nf=3",
        "w=1 l=0.25 ad=0.265 as=0.3 pd=2.5 ps=2.6", "w=1 l=0.25 m=3", "w=1 l=0.3 mult=2 sa=0.3 sb=0.4 sd=0.2",
        "w=1 l=0.25 nrd=2 nrs=3",
    ),
    "nfet_01v8_lvt": ("w=1 l=0.25", "w=0.42 l=0.15", "w=7 l=4"),
    "pfet_01v8": ("w=1 l=0.25", "w=0.5 l=0.46", "w=2 l=0.15", "w=0.55 l=0.5"),
    "pfet_01v8_hvt": ("w=0.42 l=0.15", "w=1 l=0.25", "w=2 l=0.25 nf=2 ad=0.3", "w=5 l=8"),
    "pfet_01v8_lvt": ("w=1 l=0.35", "w=0.42 l=0.5", "w=2 l=1.5"),
}  # fmt: skip
BIASES_V = ((0.9, 0.4), (1.8, 0.7), (0.05, 1.8), (1.2, 1.8))
CAPACITORS = ("cap_mim_m3_1 w=7 l=7", "cap_mim_m3_2 w=2 l=30", "cap_mim_m3_1 w=5.005 l=7.5 mult=2")


def _bench() -> tuple[str, str]:
    """All devices at all biases: drain currents, and the current into each gate at 1 MHz."""
    circuit: list[str] = []
    prints: list[str] = ["op"]
    gates: list[str] = ["ac lin 1 1e6 1e6"]
    runs = [
        (f"{device} {parameters}", bias, -1 if device.startswith("p") else 1)
        for device, sizes in SIZES.items()
        for parameters in sizes
        for bias in BIASES_V
    ]
    for index, (what, (drain_V, gate_V), sign) in enumerate(runs):
        device, parameters = what.split(" ", 1)
        circuit += [
            f"Vd{index} d{index} 0 {sign * drain_V}",
            f"Vg{index} g{index} 0 {sign * gate_V} ac 1",
            f"X{index} d{index} g{index} 0 0 sky130_fd_pr__{device} {parameters}",
        ]
        prints.append(f"print i(vd{index})")
        gates.append(f"print imag(i(vg{index}))")
    for index, what in enumerate(CAPACITORS, start=len(runs)):
        device, parameters = what.split(" ", 1)
        circuit += [
            f"Vg{index} g{index} 0 1 ac 1",
            f"X{index} g{index} 0 sky130_fd_pr__{device} {parameters}",
        ]
        gates.append(f"print imag(i(vg{index}))")
    return "\n".join(circuit), "\n".join([*prints, *gates])


@pytest.mark.spice
@pytest.mark.parametrize("corner", ["tt", "ff", "ss", "sf", "fs", "hh", "ll"])
def test_agrees_with_the_full_library(pdk: Pdk, simulate: Simulator, corner: str) -> None:
    circuit, control = _bench()
    full = simulate(f".lib {pdk.library} {corner}\n{circuit}", control)
    lean = simulate(f"{lean_library(pdk, Corner(corner), circuit)}\n{circuit}", control)
    count = sum(len(sizes) for sizes in SIZES.values()) * len(BIASES_V)
    assert len(full) == len(lean) == 2 * count + len(CAPACITORS)
    for name, value in full.items():
        assert value != 0, name
        assert lean[name] == pytest.approx(value, rel=1e-6, abs=0), name


@pytest.mark.spice
def test_the_comparison_would_notice(pdk: Pdk, simulate: Simulator) -> None:
    circuit = "Vd d 0 0.9\nVg g 0 0.5\nX1 d g 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25"
    currents = [
        simulate(f"{text}\n{circuit}", "op\nprint i(vd)")["i(vd)"]
        for corner in (Corner.tt, Corner.ff)
        for text in [lean_library(pdk, corner, circuit)]
    ]
    assert currents[1] / currents[0] > 1.3
    rough = lean_library(pdk, Corner.tt, circuit).replace("rsh=532.6", "rsh=600")
    assert simulate(f"{rough}\n{circuit}", "op\nprint i(vd)")["i(vd)"] != pytest.approx(
        currents[0], rel=1e-6, abs=0
    )


@pytest.mark.spice
def test_dvt_is_a_shift_of_the_gate_voltage(pdk: Pdk, simulate: Simulator) -> None:
    circuit = (
        "Vd d 0 0.9\nVg g 0 0.5\nVh h 0 0.49\nX1 d g 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25 dvt=0.01\n"
        "Ve e 0 0.9\nX2 e h 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25\n"
        "Vf f 0 0.9\nX3 f g 0 0 sky130_fd_pr__nfet_01v8 w=1 l=0.25\n"
    )
    library = lean_library(pdk, Corner.tt, circuit)
    found = simulate(f"{library}\n{circuit}", "op\nprint i(vd)\nprint i(ve)\nprint i(vf)")
    assert found["i(vd)"] / found["i(ve)"] == pytest.approx(1, abs=0.02)
    assert found["i(vd)"] / found["i(vf)"] < 0.85


@pytest.mark.spice
def test_dc_is_a_relative_deviation(pdk: Pdk, simulate: Simulator) -> None:
    circuit = (
        "V1 a 0 0 ac 1\nX1 a 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7 dc=0.02\n"
        "V2 b 0 0 ac 1\nX2 b 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7\n"
    )
    library = lean_library(pdk, Corner.tt, circuit)
    found = simulate(f"{library}\n{circuit}", "ac lin 1 1e6 1e6\nprint imag(i(v1))\nprint imag(i(v2))")
    assert found["imag(i(v1))"] / found["imag(i(v2))"] == pytest.approx(1.02, rel=1e-9)


@pytest.mark.spice
def test_deterministic(pdk: Pdk) -> None:
    circuit, _ = _bench()
    assert lean_library(pdk, Corner.sf, circuit) == lean_library(pdk, Corner.sf, circuit)
