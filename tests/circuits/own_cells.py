"""Texts of own cells, and what is read of them."""

from __future__ import annotations

from nonideal.circuits.cell_file import Element
from nonideal.circuits.design import Design
from nonideal.circuits.network.flat import elements

PORTS = "axon axon_b dendrite bias_n bias_p vdd vss"
NFET, PFET = "sky130_fd_pr__nfet_01v8", "sky130_fd_pr__pfet_01v8"
PLAIN = f"""\
.subckt synapse {PORTS}
XMNM dendrite bias_n xn vss {NFET} w=2 l=0.25
XMNS xn axon vss vss {NFET} w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58
XMPM dendrite bias_p xp vdd {PFET} w=2 l=0.25
XMPS xp axon_b vdd vdd {PFET} w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58
.ends synapse
"""
DRIVER = f"""\
.subckt driver trigger phase out out_b vdd vss
XN out_b trigger phase vss branch
XMP1 out_b trigger vdd vdd {PFET} l=0.15 w=1
XMP2 out_b phase vdd vdd {PFET} l=0.15 w=1
XMN3 out out_b vss vss {NFET} l=0.15 w=1
XMP3 out out_b vdd vdd {PFET} l=0.15 w=2
.ends driver
.subckt branch d g en s
XMA d g x s {NFET} l=0.15 w=8
XMB x en s s {NFET} l=0.15 w=8
.ends branch
"""
WITH_BRANCH = PLAIN.replace(f"XMNM dendrite bias_n xn vss {NFET} w=2 l=0.25\n", "XN dendrite bias_n axon vss branch\n").replace(
    f"XMNS xn axon vss vss {NFET} w=1 l=0.25 ad=0.29 as=0.29 pd=2.58 ps=2.58\n", ""
) + f".subckt branch d g en s\nXM1 d g x s {NFET} l=0.25 w=1\nXM2 x en s s {NFET} l=0.25 w=1\n.ends branch\n"  # fmt: skip


def body(text: str) -> str:
    return f".subckt synapse {PORTS}\n{text}\n.ends\n"


def parts(text: str) -> list[Element]:
    return list(elements(Design(cells={"synapse": body(text)}))["synapse"])


COMMANDS = [f"{mark}#shell id" for mark in "*;!([,%=+-@&|:.<>?/\\~^`'\"$#{}_a1X"]


REFUSED = {
    ".controlx": "has no place in a cell",
    ".lib x tt": "has no place in a cell",
    ".func f(x) {x}": "has no place in a cell",
    ".global vpwr": "has no place in a cell",
    "A1 [dendrite] [vss] code": "code models",
    "N1 dendrite vss code": "no device that a cell may hold",
    "B1 dendrite vss V=1": "not simulated here",
    "M1 dendrite bias_n vss vss nmos": "write XM1",
    ".model m nmos(level=1)": "models of type 'nmos'",
    ".model m d_source(input_file=x)": "models of type 'd_source'",
    '.model m d(file="/etc/passwd")': "a value expected",
    "R1 dendrite vss 1k\x0bXM9": "may stand in comments only",
    "R1 dendrite vss 1k\u2028": "may stand in comments only",
    "R1 dendrite vss 1k \u00b5": "may stand in comments only",
    "R1 dendrite vss 0": "must be positive",
    "R1 dendrite vss 1e999": "too large",
    "R1 dendrite vss nan": "no parameter nan here",
    "R1 dendrite vss {1/0}": "division by zero",
    "R1 dendrite vss agauss(1,1,1)": "has no place here",
    "R1 dendrite vss {agauss(1,1,1)}": "is random",
    "R1 dendrite vss {__import__('os')}": "",
    "R1 dendrite vss {system(1)}": "no function 'system'",
    "R1 dendrite vss 1k l=3": "no parameter l",
    "R1 dendrite vss {" + "(" * 5000 + "1" + ")" * 5000 + "}": "words",
    "R1 dendrite vss {" + "(" * 100 + "1" + ")" * 100 + "}": "deep",
    "C1 dendrite vss {wrong}": "no parameter wrong here",
    f"X1 dendrite bias_n vss vss {NFET} w=1": "no l=<um> given",
    f"X1 dendrite bias_n vss vss {NFET} w=1 l=1 mult=2 m=3": "m = 3, mult = 2: each says",
    f"X1 dendrite bias_n vss vss {NFET} w=1 l=1 m=1.5": "whole number",
    f"X1 dendrite bias_n vss vss {NFET} w=1 l=1 dvt=1": "no parameter dvt",
    f"X1 dendrite bias_n vss vss {NFET} w=0.1 l=1": "outside 0.42",
    f"X1 dendrite bias_n vss {NFET} w=1 l=1": "3 nets, but",
    f"X1 dendrite bias_n vss vss {NFET} w={{l}} l={{w}}": "need each other",
    "X1 dendrite vss nowhere": "defines no subcircuit nowhere",
    "X1 dendrite vss sky130_fd_pr__res_high_po w=1": "no device sky130_fd_pr__res_high_po",
    f"X1 {PORTS} synapse": "holds itself",
    ".param a=b b=a\nR1 dendrite vss a": "needs itself",
    ".param a=1 a=2\nR1 dendrite vss a": "given twice",
    "R1 dendrite vss 1k\nr1 dendrite vss 2k": "a second device of this name",
    "R1 dendrite a[0] 1k\nR2 a_0_ vss 1k": "would both be called a_0_",
    ".subckt inner a b": "stands inside of .subckt synapse",
}
