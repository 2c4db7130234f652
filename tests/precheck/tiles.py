"""A small tile that a shuttle would take: an empty 1x2 analog tile with frame, stripes and tied outputs, to be broken by tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import gdstk

from nonideal.precheck import RULES, RuleResult, TileFiles, precheck
from nonideal.sky130_models.layers import LAYERS
from nonideal.sky130_models.tile import GROUND, SUPPLY, TEMPLATES

TEMPLATE = TEMPLATES["1x2"]
NAME = "tt_um_small"
STRIPES = {GROUND: (2.0, 4.4), SUPPLY: (5.2, 7.6)}
ENDS = (5.0, TEMPLATE.height_um - 5.0)
TIE_Y = 218.0
USED = 1
"""Analog pins that are wired."""


def drawing(layer: str) -> dict[str, int]:
    """GDS layer and datatype of a layer's drawing, as gdstk takes them."""
    return {"layer": LAYERS[layer].gds_layer, "datatype": LAYERS[layer].drawing}


def pin_purpose(layer: str) -> dict[str, int]:
    """The same of its pins."""
    return {"layer": LAYERS[layer].gds_layer, "datatype": LAYERS[layer].pin or 0}


@dataclass
class Draft:
    """A tile before it is written: what tests change."""

    library: gdstk.Library
    cell: gdstk.Cell
    lef: str
    verilog: str
    info: str
    name: str = NAME
    others: dict[str, str] = field(default_factory=dict)

    def rect(self, layer: str, x0: float, y0: float, x1: float, y1: float) -> gdstk.Polygon:
        """A drawn rectangle, in um."""
        one = gdstk.rectangle((x0, y0), (x1, y1), **drawing(layer))
        self.cell.add(one)
        return one

    def drop(self, layer: int, datatype: int, touching: tuple[float, float] | None = None) -> None:
        """Remove the polygons of a layer, or those that hold a point."""
        bad = [
            one
            for one in self.cell.polygons
            if (one.layer, one.datatype) == (layer, datatype) and (touching is None or one.contain(touching))
        ]
        self.cell.remove(*bad)

    def write(self, folder: Path) -> TileFiles:
        """Write all files into a folder."""
        gds = folder / f"{self.name}.gds"
        self.library.write_gds(gds)
        for path, text in {
            gds.with_suffix(".lef"): self.lef,
            gds.with_suffix(".v"): self.verilog,
            folder / "info.yaml": self.info,
            **{folder / name: text for name, text in self.others.items()},
        }.items():
            if text:
                path.write_text(text, encoding="utf-8")
        return TileFiles.beside(gds)


def judge(draft: Draft, folder: Path, rule: str, **options: object) -> RuleResult:
    """What one rule says of it."""
    wanted = [one for one in RULES if one.name == rule]
    return precheck(draft.write(folder), rules=wanted, **options).rules[0]  # type: ignore[arg-type]


def draft() -> Draft:
    """The tile that keeps every rule."""
    library = gdstk.Library(unit=1e-6, precision=1e-9)
    made = Draft(library, library.new_cell(NAME), lef(), verilog(), info())
    made.cell.add(gdstk.rectangle((0, 0), (TEMPLATE.width_um, TEMPLATE.height_um), layer=235, datatype=4))
    for net, (left, right) in STRIPES.items():
        _pin(made, net, left, ENDS[0], right, ENDS[1])
    for pin in TEMPLATE.pins:
        _pin(made, pin.name, pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um)
        if pin.direction == "output":
            centre = (pin.x0_um + pin.x1_um) / 2
            made.rect("met4", pin.x0_um, TIE_Y - 0.5, pin.x1_um, pin.y1_um)
            made.rect("met4", centre - 0.2, TIE_Y - 0.5, centre + 0.2, TIE_Y + 0.5)
            _via3(made, centre, TIE_Y)
    made.rect("met3", 2.0, TIE_Y - 0.5, 100.0, TIE_Y + 0.5)
    _via3(made, 3.2, TIE_Y)
    for pin in TEMPLATE.analog[:USED]:
        made.rect("met4", pin.x0_um, pin.y0_um, pin.x1_um, 20.0)
    return made


def _pin(made: Draft, name: str, x0: float, y0: float, x1: float, y1: float) -> None:
    made.rect("met4", x0, y0, x1, y1)
    made.cell.add(gdstk.rectangle((x0, y0), (x1, y1), **pin_purpose("met4")))
    made.cell.add(gdstk.Label(name, ((x0 + x1) / 2, (y0 + y1) / 2), layer=71, texttype=5))


def _via3(made: Draft, x: float, y: float) -> None:
    made.rect("via3", x - 0.1, y - 0.1, x + 0.1, y + 0.1)


def lef() -> str:
    """Its LEF."""
    lines = ["VERSION 5.8 ;", f"MACRO {NAME}", "  CLASS BLOCK ;", "  ORIGIN 0.000 0.000 ;"]
    lines.append(f"  SIZE {TEMPLATE.width_um:.3f} BY {TEMPLATE.height_um:.3f} ;")
    for pin in TEMPLATE.pins:
        box = (pin.x0_um, pin.y0_um, pin.x1_um, pin.y1_um)
        lines += _lef_pin(pin.name, pin.direction.upper(), "SIGNAL", box)
    for net, (left, right) in STRIPES.items():
        use = {GROUND: "GROUND", SUPPLY: "POWER"}[net]
        lines += _lef_pin(net, "INOUT", use, (left, ENDS[0], right, ENDS[1]))
    lines += ["  OBS", "    LAYER met1 ;", "      RECT 0.000 0.000 161.000 225.760 ;", "  END", f"END {NAME}"]
    return "\n".join([*lines, "END LIBRARY", ""])


def _lef_pin(name: str, direction: str, use: str, box: tuple[float, ...]) -> list[str]:
    numbers = " ".join(f"{one:.3f}" for one in box)
    ports = ["    PORT", "      LAYER met4 ;", f"        RECT {numbers} ;", "    END"]
    return [f"  PIN {name}", f"    DIRECTION {direction} ;", f"    USE {use} ;", *ports, f"  END {name}"]


def verilog() -> str:
    """Its stub."""
    return f"""// a stub
`default_nettype none
(* blackbox *)
module {NAME} (
    input  wire       {GROUND},
    input  wire       {SUPPLY},  // 1.8 V
    input  wire [7:0] ui_in,
    output wire [7:0] uo_out,
    input  wire [7:0] uio_in,
    output wire [7:0] uio_out,
    output wire [7:0] uio_oe,
    inout  wire [7:0] ua,
    input  wire       ena, clk, rst_n
);
endmodule
"""


def info(analog_pins: int = USED) -> str:
    """Its info.yaml."""
    lines = ["project:", '  title: "Small"', '  tiles: "1x2"', f"  analog_pins: {analog_pins}"]
    lines += ["  uses_3v3: false", f'  top_module: "{NAME}"', "pinout:"]
    for bus in ("ui", "uo", "uio"):
        lines += [f'  {bus}[{bit}]: ""' for bit in range(8)]
    for bit in range(8):
        said = "an open wire, ESD by the pad alone" if bit < analog_pins else ""
        lines.append(f'  ua[{bit}]: "{said}"')
    return "\n".join([*lines, "yaml_version: 6", ""])
