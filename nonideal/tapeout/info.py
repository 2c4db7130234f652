"""``info.yaml``: what the shuttle asks to be told of a tile."""

from __future__ import annotations

from nonideal.tapeout.options import TapeoutOptions
from nonideal.tapeout.pins import Pinning

BUSES = {"ui": ("ui_in",), "uo": ("uo_out",), "uio": ("uio_in", "uio_out"), "ua": ("ua",)}
"""The shuttle's short name of a bus -> the template's pins of it; a bidirectional pin is two of them."""
BITS = 8


def info_text(options: TapeoutOptions, pinning: Pinning) -> str:
    """The file's text; strings are quoted, and hold neither quotes nor backslashes (``TapeoutOptions``)."""
    lines = ["# What the shuttle is told of this tile.", "project:"]
    for key, value in (
        ("title", options.title),
        ("author", options.author),
        ("discord", ""),
        ("description", " ".join(options.description.split())),
        ("language", "Analog"),
    ):
        lines.append(f'  {key}: "{value}"')
    lines += [f"  clock_hz: {options.clock_Hz:.0f}", f'  tiles: "{options.tile}"']
    lines += [f"  analog_pins: {pinning.analog_count}", "  uses_3v3: false"]
    lines += [f'  top_module: "{options.top}"', "  source_files:", f'    - "{options.top}.v"', "", "pinout:"]
    for short, buses in BUSES.items():
        lines += [f'  {short}[{bit}]: "{_told(pinning, buses, bit)}"' for bit in range(BITS)]
    return "\n".join([*lines, "", "yaml_version: 6"]) + "\n"


def _told(pinning: Pinning, buses: tuple[str, ...], bit: int) -> str:
    """What a pin is for, inward and outward."""
    found = [pinning.description(pinning.template.pin(f"{bus}[{bit}]")) for bus in buses]
    return "; ".join(one for one in found if one)
