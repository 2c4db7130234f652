"""Mismatch: by hand, and against the PDK's own mismatch section drawn by ngspice."""

import math
import statistics
from collections.abc import Callable

import pytest

from nonideal.sky130_models import Corner, IllegalSize, Pdk, PdkError, mismatch_sigma_rel, mismatch_sigma_V

Simulator = Callable[[str, str], dict[str, float]]

COUNT = 400


def test_by_hand(tiny: Pdk) -> None:
    sigma_V = mismatch_sigma_V(tiny, Corner.tt, "nfet_01v8", 1, 0.25)
    assert sigma_V == pytest.approx(4e-3 / math.sqrt(0.25) * (0.5 / 0.25 + 1))
    four = mismatch_sigma_V(tiny, Corner.tt, "nfet_01v8", 1, 0.25, mult=4)
    assert four == pytest.approx(sigma_V / 2)
    assert mismatch_sigma_rel(tiny, Corner.tt, "cap_mim_m3_1", 8, 2) == pytest.approx(0.01 / 4)


def test_refused(tiny: Pdk) -> None:
    with pytest.raises(IllegalSize, match="has no threshold"):
        mismatch_sigma_V(tiny, Corner.tt, "cap_mim_m3_1", 7, 7)
    with pytest.raises(IllegalSize, match="is no capacitor"):
        mismatch_sigma_rel(tiny, Corner.tt, "nfet_01v8", 1, 1)
    with pytest.raises(IllegalSize, match=r"W = 0\.1"):
        mismatch_sigma_V(tiny, Corner.tt, "nfet_01v8", 0.1, 1)
    with pytest.raises(PdkError, match="no section ff_mm"):
        mismatch_sigma_V(tiny, Corner.ff, "nfet_01v8", 1, 1)


def test_a_section_which_does_not_vary_is_an_error(tiny: Pdk) -> None:
    models = tiny.root / "models" / "fet.spice"
    models.write_text(models.read_text().replace("AGAUSS(0,1.0,1)", "GAUSS(0,1.0,1)"))
    with pytest.raises(PdkError, match="delvto of sky130_fd_pr__nfet_01v8 does not vary"):
        mismatch_sigma_V(tiny, Corner.tt, "nfet_01v8", 1, 0.25)


@pytest.mark.spice
def test_published_numbers(pdk: Pdk) -> None:
    sigma_V = mismatch_sigma_V(pdk, Corner.tt, "nfet_01v8", 1, 0.25)
    factor = (0.064 / 0.25 + 0.992) * (0.245 + 0.965) * (0.056 / 0.25 + 0.999)
    assert sigma_V == pytest.approx(3.356e-3 / 0.5 * factor, rel=1e-9, abs=0)
    assert mismatch_sigma_V(pdk, Corner.tt, "pfet_01v8", 1, 0.25) == pytest.approx(5.856e-3 / 0.5, rel=1e-9)


@pytest.mark.spice
@pytest.mark.parametrize(
    ("device", "w_um", "l_um"),
    [
        ("nfet_01v8", 1, 0.25),
        ("pfet_01v8", 0.5, 0.46),
        ("pfet_01v8_hvt", 0.42, 0.15),
        ("nfet_01v8_lvt", 1, 0.25),
    ],
)
def test_the_mismatch_section_draws_that_sigma(
    pdk: Pdk, simulate: Simulator, device: str, w_um: float, l_um: float
) -> None:
    lines = [f"X{i} d g 0 0 sky130_fd_pr__{device} w={w_um} l={l_um}" for i in range(COUNT)]
    prints = [f"print @m.x{i}.msky130_fd_pr__{device}[delvto]" for i in range(COUNT)]
    circuit = "\n".join([f".lib {pdk.library} tt_mm", ".option seed=7", "Vd d 0 0.5", "Vg g 0 0.5", *lines])
    drawn_V = list(simulate(circuit, "\n".join(["op", *prints])).values())
    assert len(drawn_V) == COUNT
    expected_V = mismatch_sigma_V(pdk, Corner.tt, device, w_um, l_um)
    assert statistics.stdev(drawn_V) == pytest.approx(expected_V, rel=4 / math.sqrt(2 * COUNT))


@pytest.mark.spice
def test_capacitors_vary_as_the_section_says(pdk: Pdk, simulate: Simulator) -> None:
    lines = [f"V{i} a{i} 0 0 ac 1\nX{i} a{i} 0 sky130_fd_pr__cap_mim_m3_1 w=7 l=7" for i in range(COUNT)]
    prints = [f"print imag(i(v{i}))" for i in range(COUNT)]
    circuit = "\n".join([f".lib {pdk.library} tt_mm", ".option seed=7", *lines])
    drawn = list(simulate(circuit, "\n".join(["ac lin 1 1e6 1e6", *prints])).values())
    assert len(drawn) == COUNT
    spread = statistics.stdev(drawn) / abs(statistics.mean(drawn))
    assert spread == pytest.approx(mismatch_sigma_rel(pdk, Corner.tt, "cap_mim_m3_1", 7, 7), rel=0.15)
