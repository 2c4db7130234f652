"""A library small enough to check by hand, the real PDK, and ngspice."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nonideal.sky130_models import Pdk, find_pdk

TINY = """\
* a library
.lib tt
.param MC_MM_SWITCH=0
.param corner_factor=1
.include parameters.spice
.include "models/fet.spice"
.endl tt
.lib tt_mm
.param MC_MM_SWITCH=1
.param corner_factor=1
.include parameters.spice
.include models/fet.spice
.endl tt_mm
"""

PARAMETERS = """\
* shifts
.param sw_shift = {0.01+corner_factor*0.02} + 3*MC_MM_SWITCH*AGAUSS(0,0,1)
.param
* a comment inside a statement
+ a_vt = 4e-3 ; V um

+ sw_cap = '2e-15*corner_factor'
.param tox_a = 5 tox_b={tox_a*2}
.param loop_a={loop_b} loop_b={loop_a+1}
"""

FET = """\
.option scale=1.0u
.subckt  sky130_fd_pr__nfet_01v8  d g s b  mult=1
+
.param  l = 1 w = 1 nf = 1 ad = 0 nrd = {0.14/w}
+ swx_vth = {sw_shift+a_vt*MC_MM_SWITCH*AGAUSS(0,1.0,1)/sqrt(l*w*mult)}
+ swx_rsh = {10*nf/w+tox_b}

Mone  d g s b tiny_model l = {l} w = {w} nf = {nf} ad = {ad} nrd = {nrd}
* + mulu0 = 2
+ delvto = {swx_vth*(0.5/l+1)}

.model tiny_model.1 nmos
+ level = 54 lmin = 0.5E-6 lmax = 2E-6 wmin = 1E-6
+ wmax = 1E-3 rsh = {swx_rsh} vth0 = 0.4
.model tiny_model.2 nmos
+ level = 54 lmin = 1.5E-7 lmax = 5E-7 wmin = 1E-6 wmax = 1E-3 rsh = {swx_rsh} vth0 = 0.5
.model tiny_model.3 nmos level=54 lmin=1.5E-7 lmax=5E-7 wmin=4.2E-7 wmax=1E-6 rsh=1 vth0=0.6
.ends sky130_fd_pr__nfet_01v8

.subckt sky130_fd_pr__cap_mim_m3_1 c0 c1 mult=1
+ w=1 l=1
.param wc = {w+0.1}
+ carea = {sw_cap*wc*l*(1+MC_MM_SWITCH*AGAUSS(0,1.0,1)*0.01/sqrt(w*l*mult))}
c1 c0  c1 c = {carea}
.ends
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Pdk:
    """A PDK of one corner: one FET with three bins, one capacitor."""
    (tmp_path / "models").mkdir()
    (tmp_path / "tiny.lib.spice").write_text(TINY)
    (tmp_path / "parameters.spice").write_text(PARAMETERS)
    (tmp_path / "models" / "fet.spice").write_text(FET)
    return Pdk(tmp_path, tmp_path / "tiny.lib.spice", "PDK_ROOT", "0", "00")


@pytest.fixture(scope="session")
def pdk() -> Pdk:
    """The PDK that this machine has."""
    return find_pdk()


Simulator = Callable[[str, str], dict[str, float]]


@pytest.fixture
def simulate(tmp_path: Path) -> Simulator:
    """Run circuit lines and control lines in ngspice; what `print` printed, by vector name."""
    (tmp_path / ".spiceinit").write_text("set ngbehavior=hsa\nset ng_nomodcheck\nset num_threads=1\n")

    def run(circuit: str, control: str) -> dict[str, float]:
        options = ".option gmin=1e-15 reltol=1e-9 abstol=1e-18 vntol=1e-12"
        lines = ["deck", options, circuit, ".control", "set numdgt=15", "set width=400", control, "quit"]
        (tmp_path / "deck.cir").write_text("\n".join([*lines, ".endc", ".end", ""]))
        done = subprocess.run(
            ["ngspice", "-b", "deck.cir"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        found = re.findall(r"^(\S+) = (\S+)$", done.stdout, re.MULTILINE)
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        return {name: float(value) for name, value in found}

    return run
