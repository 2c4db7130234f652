"""What each pin of a tile is for, and the files that tell it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from nonideal.experiment.errors import ExperimentError
from nonideal.experiment.experiment import parse_experiment
from nonideal.sky130_models.tile import TEMPLATES
from nonideal.tapeout.errors import TapeoutError
from nonideal.tapeout.info import info_text
from nonideal.tapeout.options import TapeoutOptions
from nonideal.tapeout.pins import Pinning, Use
from nonideal.tapeout.verilog import stub_text

GIVEN: dict[str, Any] = {
    "name": "mine",
    "title": "Mine: a network",
    "author": "Me",
    "description": "Two\nlines.",
}
USES = {
    "ua[0]": Use("iref", "reference current", esd="none of its own"),
    "uio_in[1]": Use("phase_1", "phase of layer 1"),
    "uio_out[1]": Use("busy", "busy"),
}
PINNING = Pinning(TEMPLATES["1x2"], USES)


def test_unused_outputs_are_tied_and_unused_inputs_open() -> None:
    table = PINNING.table().set_index("pin")
    assert len(table) == 51
    assert table.loc["uo_out[0]", "use"] == "VGND"
    assert table.loc["ui_in[0]", "description"] == "not used: open"
    assert table.loc["ua[0]", "esd"] == "none of its own"
    assert "uo_out[0]" not in PINNING.ports
    assert {"uio_out[1]", "ui_in[0]", "ua[7]", "VDPWR", "VGND"} <= set(PINNING.ports)


@pytest.mark.parametrize(
    ("used", "told"),
    [
        (["ua[1]"], "the first ones"),
        ([f"ua[{k}]" for k in range(7)], "at most 6"),
        (["ui_in[8]"], r"ui_in\[8\]: a tile of 1x2 has no such pin"),
    ],
)
def test_pins_that_a_tile_cannot_have_are_refused(used: list[str], told: str) -> None:
    with pytest.raises(TapeoutError, match=told):
        Pinning(TEMPLATES["1x2"], {name: Use("x", "x") for name in used})


def test_info_is_yaml_that_says_what_the_tile_is() -> None:
    found = yaml.safe_load(info_text(TapeoutOptions(**GIVEN), PINNING))
    assert found["project"] == {
        "title": "Mine: a network", "author": "Me", "discord": "", "description": "Two lines.", "language": "Analog",
        "clock_hz": 50_000_000, "tiles": "1x2", "analog_pins": 1, "uses_3v3": False, "top_module": "tt_um_mine",
        "source_files": ["tt_um_mine.v"],
    }  # fmt: skip
    assert found["pinout"]["ua[0]"] == "reference current"
    assert found["pinout"]["uio[1]"] == "phase of layer 1; busy"
    assert found["pinout"]["ui[0]"] == ""
    assert (len(found["pinout"]), found["yaml_version"]) == (32, 6)


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="no iverilog")
def test_the_stub_is_verilog_with_the_templates_ports(tmp_path: Path) -> None:
    text = stub_text("tt_um_mine", TEMPLATES["1x2"])
    (tmp_path / "stub.v").write_text(text)
    subprocess.run(["iverilog", "-Wall", "-o", tmp_path / "a", tmp_path / "stub.v"], check=True)
    for port in ("VGND", "VDPWR", "[7:0] ua", "[7:0] uio_oe", "clk", "rst_n", "ena"):
        assert port in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "tt_um_mine"}, "leave it out"),
        ({"name": "Mine"}, "name"),
        ({"tile": "1x1"}, "tile"),
        ({"title": 'a "quoted" one'}, "title"),
        ({"title": "a\x7f"}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"description": "a\x85b"}, "description"),
        ({"description": "a\\b"}, "description"),
        ({"author": "  "}, "author"),
        ({"clock_Hz": 1e9}, "clock_Hz"),
        ({"author": ""}, "author"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_section_that_makes_no_tile_is_refused_by_its_key(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TapeoutOptions(**(GIVEN | change))
    with pytest.raises(ExperimentError, match=rf"tapeout\..*{told}|{told}"):
        parse_experiment({"name": "mine", "tapeout": GIVEN | change}, "mine.toml")


def test_an_experiment_has_a_tile_or_none() -> None:
    assert parse_experiment({"name": "mine"}, "mine.toml").tapeout is None
    made = parse_experiment({"name": "mine", "tapeout": GIVEN}, "mine.toml").tapeout
    assert made is not None
    assert made.top == "tt_um_mine"
