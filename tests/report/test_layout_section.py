"""The layout's section: checks with limits, units that people use, a picture with a scale."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nonideal.circuits.drc_summary import DrcSummary
from nonideal.circuits.lvs_summary import LvsSummary
from nonideal.circuits.pex_summary import PexSummary
from nonideal.report import ResultUnreadable, write_report
from nonideal.report.layout_picture import annotated, round_length
from nonideal.report.layout_tables import capacitance_table, drc_table, lvs_table, pex_table
from nonideal.runs.summaries.layout import LayoutSummary

DRAWN = LayoutSummary(
    layers=(5, 5),
    area_um2=4216.0,
    devices=410,
    drc_violations=0,
    drc_rules=134,
    lvs_matched=True,
    override=False,
)
PEX = {
    "extractor": "kpex",
    "mode": "RC",
    "resistors_extracted": 6407,
    "capacitors_extracted": 38302,
    "resistors": 1517,
    "capacitors": 2990,
    "resistance_ohm": {"smallest": 5.1, "median": 48.25, "largest": 1234.0},
    "options": {
        "reduction": {"coupling_F": 2e-18, "short_ohm": 5.0, "tau_s": 1e-12, "degree": 3, "join": True}
    },
    "tools": {"klayout-pex": "0.6.12", "klayout": "0.30.12"},
    "seconds_cpu": 200.4,
    "cached": False,
}


def test_violations_are_held_against_zero() -> None:
    rule = {"rule": "m1.1", "description": "met1 width", "count": 3, "boxes_um": []}
    table = drc_table(DrcSummary.model_validate({"violations": 3, "rules_checked": 121, "by_rule": [rule]}))
    assert table.rows == (
        ("violations", "", "", "0", "3", "fail"),
        ("m1.1: met1 width", "", "", "0", "3", "fail"),
        ("rules checked", "", "", "", "121", ""),
    )
    assert drc_table(DrcSummary(violations=0)).rows[0][-1] == "pass"


def test_antennas_are_held_against_what_their_diodes_allow() -> None:
    worst = {"layer": "met3", "gate_um2": 0.063, "diode_um2": 0.0, "allowed": 400.0}
    table = drc_table(
        DrcSummary.model_validate(
            {
                "violations": 1,
                "rules_checked": 134,
                "antenna": [
                    worst | {"rule": "ar_q.met3.1", "net": "reset_1", "ratio": 636.71},
                    worst
                    | {
                        "rule": "ar_q.met4.1",
                        "layer": "met4",
                        "net": "axon_0_1",
                        "ratio": 76.9,
                        "allowed": 3188.0,
                    },
                ],
            }
        )
    )
    assert table.rows[1:3] == (
        ("ar_q.met3.1: met3 to gate, most on reset_1", "", "", "400", "636.7", "fail"),
        ("ar_q.met4.1: met4 to gate, most on axon_0_1", "", "", "3188", "76.9", "pass"),
    )


def test_devices_stand_side_by_side() -> None:
    drawn = {"sky130_fd_pr__nfet_01v8": 195, "sky130_fd_pr__nfet_03v3": 1}
    wanted = {"sky130_fd_pr__nfet_01v8": 195}
    table = lvs_table(
        LvsSummary.model_validate(
            {
                "devices_layout": drawn,
                "devices_netlist": wanted,
                "nets": 316,
                "differences": 1,
                "matched": False,
            }
        )
    )
    assert table.rows[:2] == (("NMOS (`nfet_01v8`)", "195", "195", "pass"), ("`nfet_03v3`", "0", "1", "fail"))
    assert [row[-1] for row in table.rows[2:]] == ["", "fail", "fail"]


def test_extraction_in_units_that_people_use() -> None:
    table = pex_table(PexSummary.model_validate(PEX))
    assert ("resistors", "6407", "1517") in table.rows
    assert ("largest resistor", "", "1.23 kΩ") in table.rows
    for told in ("kpex 0.6.12; resistance and capacitance", "0.002 fF", "5 Ω", "1 ps", "3 min 20 s"):
        assert told in table.note
    ours = PEX | {"extractor": "nonideal", "tools": {"nonideal": "0123456789abcdef"}, "sidewall": "full"}
    told = pex_table(PexSummary.model_validate(ours)).note
    assert "nonideal 0123456789ab; resistance and capacitance, sidewalls full" in told
    assert "earlier extraction" in pex_table(PexSummary.model_validate(PEX | {"cached": True})).note
    assert pex_table(PexSummary()).rows == (("resistors", "", ""), ("capacitors", "", ""))


def test_no_raw_keys_are_shown(builder: Any) -> None:
    builder.characterization()
    builder.write_json("layout/pex.json", PEX | {"net_capacitance_F": {"vdd": 1e-13}})
    builder.write_json("layout/drc.json", {"cell": "network", "violations": 0, "rules_checked": 121})
    write_report(builder.path)
    text = (builder.path / "report.md").read_text(encoding="utf-8").partition("## Layout")[2]
    text = text.partition("\n## ")[0]
    assert not re.search(r"\| \w+_\w+ \|", text)
    assert "100 fF" in text


def test_a_file_that_is_no_object_is_named(builder: Any) -> None:
    builder.characterization()
    builder.write_json("layout/pex.json", [1])
    with pytest.raises(ResultUnreadable, match=r"pex\.json"):
        write_report(builder.path)


def test_capacitance_groups_only_known_nets() -> None:
    assert capacitance_table({"nothing": 1e-15}).rows == ()


def test_picture_has_a_scale_bar_and_names() -> None:
    regions = {"crossbar <1>": (12.0, 46.0, 52.0, 71.0), "neurons 1": (12.0, 36.0, 52.0, 46.0)}
    summary = DRAWN.model_copy(update={"width_um": 58.12, "height_um": 72.54, "regions_um": regions})
    markup = annotated(b"png", "a layout", summary)
    assert ">10 µm</text>" in markup
    assert "crossbar &lt;1&gt;" in markup
    bar = re.search(r'class="bar" d="[^h]*h([\d.]+)', markup)
    image = re.search(r'<image [^>]*width="([\d.]+)"', markup)
    assert bar is not None
    assert image is not None
    assert float(bar[1]) / float(image[1]) == pytest.approx(10 / 58.12, rel=1e-3)
    heights = [float(y) for y in re.findall(r'<text x="632" y="([\d.]+)"', markup)]
    assert len(heights) == 2
    assert heights[1] - heights[0] >= 15


def test_picture_without_its_size_is_shown_as_it_is() -> None:
    assert annotated(b"png", "a layout", DRAWN).startswith("<img ")


@pytest.mark.parametrize(("length", "found"), [(14.5, 10), (20, 20), (4.9, 2), (99, 50), (0.7, 0.5)])
def test_round_length(length: float, found: float) -> None:
    assert round_length(length) == pytest.approx(found)
