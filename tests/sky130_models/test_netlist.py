"""The sizes that a netlist asks for."""

import pytest

from nonideal.sky130_models import DeviceSize, IllegalSize, PdkError, sizes_in

NETLIST = """\
* title sky130_fd_pr__nfet_01v8 w=9 l=9
.subckt synapse a b
XM1 d g s b sky130_fd_pr__nfet_01v8 w=1 l=0.25
xm2 d g s b SKY130_FD_PR__NFET_01V8 L=0.25 ad=0.1
+ W = 1.0
* + nf=2
X$3 d g s b sky130_fd_pr__pfet_01v8_hvt w={0.42} l='0.15' nf=1 ; w=7
.ends
XC vm vss sky130_fd_pr__cap_mim_m3_1 PARAMS: L=7 W=7.5 mult=1
X4 d g s b sky130_fd_pr__nfet_01v8 L=0.15u W=4U nf=4 AS=0.1P
R1 sky130_fd_pr__x 0 1
C1 a sky130_fd_pr__nfet_01v8w 1f
X5 a b synapse w=3
"""


def test_sizes() -> None:
    assert sizes_in(NETLIST) == (
        DeviceSize("sky130_fd_pr__cap_mim_m3_1", 7.5, 7.0),
        DeviceSize("sky130_fd_pr__nfet_01v8", 1.0, 0.25),
        DeviceSize("sky130_fd_pr__nfet_01v8", 4.0, 0.15, 4.0),
        DeviceSize("sky130_fd_pr__pfet_01v8_hvt", 0.42, 0.15),
    )


def test_no_devices() -> None:
    assert sizes_in("") == ()
    assert sizes_in("R1 a b 1k\n") == ()


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("X1 d g s b sky130_fd_pr__nfet_01v8 w=1", IllegalSize, r"no l=<um> given, in the line 'X1"),
        ("X1 d g s b sky130_fd_pr__nfet_01v8", IllegalSize, "no w=<um> given"),
        ("X1 d g s b sky130_fd_pr__nfet_01v8 w={wn} l=1", IllegalSize, r"w = wn is not a number"),
        ("X1 d g s b sky130_fd_pr__nfet_01v8 w=0.1 l=1", IllegalSize, r"W = 0\.1 um is outside 0\.42"),
        ("X1 d g s b sky130_fd_pr__nfet_01v9 w=1 l=1", IllegalSize, "did you mean sky130_fd_pr__nfet_01v8"),
        ("X1 d g s b sky130_fd_pr__nfet_01v8 w=1 l=.25 nf=3", IllegalSize, "in 3 fingers"),
        ("M1 d g s b sky130_fd_pr__nfet_01v8 w=1 l=1", PdkError, "instances begin with X"),
    ],
)
def test_refused(line: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sizes_in(f"title\n{line}\n")
