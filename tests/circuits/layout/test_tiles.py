"""A layout that kpex extracts tile by tile is the layout extracted whole."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from nonideal.circuits.design import Design
from nonideal.circuits.extraction import (
    ExtractionOptions,
    ExtractorMissing,
    extraction_key,
    find_kpex,
    find_native,
    is_pinned,
)
from nonideal.circuits.extraction.agreement import paths_ohm
from nonideal.circuits.extraction.kpex import PINNED, Kpex, run_kpex
from nonideal.circuits.extraction.netlist import Netlist, net_of, read_netlist
from nonideal.circuits.extraction.parasitics import extract_parasitics, read_technology
from nonideal.circuits.layout.cuts import Cuts, cuts
from nonideal.circuits.layout.errors import ExtractionFailed, LayoutError
from nonideal.circuits.layout.network import network
from nonideal.circuits.layout.write import write_gds
from nonideal.circuits.lvs import compare
from nonideal.circuits.network.netlist import Topology, schematic

LAYERS = (2, 1)


def test_cuts_are_at_columns_and_every_second_row() -> None:
    found = cuts(network((3, 2, 1)), (3, 2, 1))
    pitch = found.x_um[1] - found.x_um[0]
    assert found.x_um == pytest.approx((0.0, pitch, 2 * pitch))
    crossbar, neurons = ((network((3, 2, 1)).regions[name]) for name in ("crossbar 1", "neurons 1"))
    height = (crossbar[3] - crossbar[1]) / 3
    assert {crossbar[1], crossbar[3], neurons[1]} <= set(found.y_um)
    assert any(y == pytest.approx(crossbar[1] + 2 * height) for y in found.y_um)


def test_cuts_are_read_as_written(tmp_path: Path) -> None:
    made = Cuts((0.0, 8.21), (-3.5, 0.0))
    made.write(tmp_path / "cuts.json")
    assert Cuts.read(tmp_path / "cuts.json") == made
    (tmp_path / "cuts.json").write_text("{}")
    with pytest.raises(LayoutError, match=r"cuts\.json"):
        Cuts.read(tmp_path / "cuts.json")


def test_another_kpex_extracts_no_tiles(tmp_path: Path) -> None:
    with pytest.raises(ExtractionFailed, match=PINNED):
        run_kpex(
            Kpex(tmp_path / "kpex", "0.9"), tmp_path / "x.lvsdb", tmp_path, mode="CC", reduction="none",
            timeout_s=1.0, tiles=Cuts((), ()),
        )  # fmt: skip


def test_tiles_are_kept_apart(tmp_path: Path) -> None:
    """In the cache: what was extracted whole, and along which cuts."""
    database, kpex = tmp_path / "x.lvsdb", Kpex(tmp_path / "kpex", PINNED)
    database.write_text("database")
    whole, one, two = (
        extraction_key(database, ExtractionOptions(extractor="kpex", tiles=tiles, jobs=jobs), kpex)
        for tiles, jobs in ((None, 1), (Cuts((0.0,), ()), 1), (Cuts((1.0,), ()), 1))
    )
    assert len({whole, one, two}) == 3
    assert extraction_key(database, ExtractionOptions(extractor="kpex", jobs=4), kpex) == whole


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles")
    gds = write_gds(network(LAYERS), folder / "network.gds")
    compare(gds, schematic(Topology(LAYERS), Design()), database=folder / "network.lvsdb.gz").require_match()
    return folder / "network.lvsdb.gz"


def couplings(netlist: Netlist) -> dict[tuple[str, ...], float]:
    totals: dict[tuple[str, ...], float] = defaultdict(float)
    for c in netlist.capacitors:
        totals[tuple(sorted((net_of(c.a), net_of(c.b))))] += c.value
    return totals


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_tiles_agree_with_the_whole(database: Path, tmp_path: Path) -> None:
    """Same devices, nets and resistors; every net's capacitance within 0.02 %, every coupling within 0.02 fF.

    Whole by our own extractor, which is kpex to the digits of its text (`test_parasitics.py`, `test_extraction.py`).
    """
    try:
        kpex = find_kpex()
    except ExtractorMissing as missing:
        pytest.skip(str(missing))
    if not is_pinned(kpex):
        pytest.skip(f"kpex {kpex.version}")
    tiled = run_kpex(
        kpex, database, tmp_path, mode="RC", reduction="none", timeout_s=500, tiles=cuts(network(LAYERS), LAYERS), jobs=2
    )  # fmt: skip
    counts = re.search(r"tiles: (\d+), kinds of them: (\d+)", tiled.log.read_text())
    assert counts is not None
    assert 0 < int(counts[2]) <= int(counts[1])
    technology = read_technology(find_native().technology).as_kpex()
    a, b = extract_parasitics(database, mode="RC", technology=technology), read_netlist(tiled.netlist)
    assert sorted(b.ports) == sorted(a.ports)
    assert sorted(d.name for d in b.devices) == sorted(d.name for d in a.devices)
    assert len(b.resistors) == len(a.resistors)
    ours, theirs = paths_ohm(a), paths_ohm(b)
    assert theirs == pytest.approx(ours, rel=1e-6, abs=1e-6)
    one, other = couplings(a), couplings(b)
    assert all(abs(one[pair] - other[pair]) < 0.02e-15 for pair in {*one, *other})
    for net in {net for pair in one for net in pair}:
        total, again = (sum(v for pair, v in side.items() if net in pair) for side in (one, other))
        assert again == pytest.approx(total, rel=2e-4)
