"""What our own extraction refuses: technologies that lack something, nets that are cut, shapes that were not looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import klayout.db as kdb
import pytest

from nonideal.circuits.extraction.check import check_extraction
from nonideal.circuits.extraction.parasitics import (
    capacitance,
    extract_drawn,
)
from nonideal.circuits.extraction.parasitics.drawn import read_drawn
from nonideal.circuits.extraction.parasitics.library import Native, loaded
from nonideal.circuits.extraction.parasitics.sweep import Swept
from nonideal.circuits.extraction.parasitics.technology import Technology, read_technology, technology_file
from nonideal.circuits.layout.errors import ExtractionFailed
from tests.circuits.layout.structures import drawn_1_1, ports_and_devices


@pytest.mark.parametrize(
    ("lacks", "told"),
    [
        (lambda t: {"sidewalls": _without(t.sidewalls, "met1")}, "no sidewall capacitance for layer met1"),
        (
            lambda t: {"plate_aF_um2": _without(t.plate_aF_um2, ("met2", "poly"))},
            "no capacitance of layer met2 over poly",
        ),
        (
            lambda t: {"fringe_aF_um": _without(t.fringe_aF_um, ("met1", "met3"))},
            "no fringe capacitance from layer met1 to met3",
        ),
    ],
)
def test_a_technology_that_lacks_a_constant(
    native: Native, technology: Technology, lacks: Any, told: str
) -> None:
    drawn = drawn_1_1(technology)
    with pytest.raises(ExtractionFailed, match=told):
        extract_drawn(
            drawn,
            replace(technology, **lacks(technology)),
            mode="CC",
            sidewall="full",
            kernel=loaded(native.library),
        )


@pytest.mark.parametrize(("kind", "name"), [("conductors", "met2_con"), ("vias", "via1_con")])
def test_a_technology_that_lacks_a_layer(technology: Technology, kind: str, name: str) -> None:
    lacking = replace(technology, **{kind: _without(getattr(technology, kind), name)})
    with pytest.raises(ExtractionFailed, match=name):
        drawn_1_1(lacking)


def _without(mapping: Any, key: Any) -> Any:
    return {k: v for k, v in mapping.items() if k != key}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"layers": 3}', "\0"])
def test_a_technology_file_that_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tech.json"
    path.write_text(content)
    with pytest.raises(ExtractionFailed, match=r"tech\.json"):
        read_technology(path)
    assert read_technology(technology_file()).layers[0] == "substrate"


def test_a_net_that_is_cut_is_told_by_name(native: Native, technology: Technology) -> None:
    """Without its vias between metals 1 and 2 a net falls into pieces."""
    cut = drawn_1_1(technology)
    net = max(cut.cuts["via1_con"], key=lambda name: (name.startswith("axon"), name))
    del cut.cuts["via1_con"][net]
    netlist = extract_drawn(cut, technology, mode="RC", sidewall="full", kernel=loaded(native.library))
    with pytest.raises(ExtractionFailed, match=rf"no way to their net.*{net}"):
        check_extraction(netlist, *ports_and_devices("1-1"), resistance=True)


@pytest.mark.parametrize(
    ("part", "layer", "told"),
    [
        ("over_something", "met1", "area on met1"),
        ("over_nothing", "poly", "on poly"),
        ("sides", "met2", "edges on met2"),
    ],
)
def test_what_was_not_looked_at_is_told_with_the_net(
    native: Native, technology: Technology, monkeypatch: pytest.MonkeyPatch, part: str, layer: str, told: str
) -> None:
    drawn = drawn_1_1(technology)
    net = drawn.nets.index("axon_0_0")
    real = capacitance.sweep

    def losing(*given: Any) -> Swept:
        swept = real(*given)
        getattr(swept, part)[net, technology.layers.index(layer)] -= 5.0
        return swept

    monkeypatch.setattr(capacitance, "sweep", losing)
    with pytest.raises(ExtractionFailed, match=rf"net axon_0_0: .*{told}"):
        extract_drawn(drawn, technology, mode="CC", sidewall="full", kernel=loaded(native.library))


def test_slanted_edges_are_refused(native: Native, technology: Technology) -> None:
    drawn = drawn_1_1(technology)
    drawn.shapes["met1"]["axon_0_0"].insert(
        kdb.Polygon([kdb.Point(0, 0), kdb.Point(500, 900), kdb.Point(700, 0)])
    )
    with pytest.raises(ExtractionFailed, match="neither upright nor level"):
        extract_drawn(drawn, technology, mode="CC", sidewall="full", kernel=loaded(native.library))


def test_no_database_is_told(technology: Technology, tmp_path: Path) -> None:
    (tmp_path / "x.lvsdb").write_text("nothing")
    with pytest.raises(ExtractionFailed, match=r"x\.lvsdb"):
        read_drawn(tmp_path / "x.lvsdb", technology)
