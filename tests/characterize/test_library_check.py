"""The library as a PDK has it: its own mismatch section, read by ngspice itself."""

from __future__ import annotations

from pathlib import Path

from nonideal.characterize.library_check import library_deck
from nonideal.sky130_models import DeviceSize, Pdk


def test_a_run_may_read_all_that_the_library_takes_in(tmp_path: Path) -> None:
    """open_pdks' library takes its devices from libs.ref, two folders up; files may be links to a store elsewhere."""
    store, place = tmp_path / "store", tmp_path / "sky130A" / "libs.tech" / "ngspice"
    ref = tmp_path / "sky130A" / "libs.ref"
    for folder in (store, place, ref):
        folder.mkdir(parents=True)
    (store / "fet.spice").write_text(".param a=1\n")
    (ref / "fet.spice").symlink_to(store / "fet.spice")
    library = place / "sky130.lib.spice"
    library.write_text('.lib tt\n.include "../../libs.ref/fet.spice"\n.endl tt\n')
    pdk = Pdk(tmp_path, library, "PDK_ROOT", "0", "0" * 64)
    deck = library_deck(pdk, "tt", [DeviceSize("sky130_fd_pr__nfet_01v8", 1.0, 0.25)], 1, 1)
    readable = [root.resolve() for root in deck.roots()]
    assert any((store / "fet.spice").is_relative_to(root) for root in readable)
    assert any(library.is_relative_to(root) for root in readable)
