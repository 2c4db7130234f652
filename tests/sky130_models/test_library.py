"""The parser on a library small enough to check by hand."""

import os
from pathlib import Path

import pytest

from nonideal.sky130_models import Pdk, PdkError
from nonideal.sky130_models.library import assignments, read_section, section_files
from nonideal.sky130_models.statement import statements


def test_section(tiny: Pdk) -> None:
    section = read_section(tiny.library, "TT")
    assert [path.name for path in section.files] == ["tiny.lib.spice", "parameters.spice", "fet.spice"]
    assert section.options == ("scale=1.0u",)
    assert section.value("sw_shift") == pytest.approx(0.03)
    assert section.value("A_VT") == 4e-3
    assert section.value("sw_cap") == pytest.approx(2e-15, abs=0)
    assert section.value("tox_b") == 10.0
    assert "swx_vth" not in section.parameters  # it belongs to a subcircuit


def test_subcircuit(tiny: Pdk) -> None:
    fet = read_section(tiny.library, "tt").subcircuit("SKY130_fd_pr__nfet_01v8")
    assert fet.name == "sky130_fd_pr__nfet_01v8"
    assert fet.ports == ("d", "g", "s", "b")
    assert list(fet.parameters) == ["mult", "l", "w", "nf", "ad", "nrd", "swx_vth", "swx_rsh"]
    assert fet.parameters["nrd"] == "{0.14/w}"
    assert len(fet.elements) == 1
    assert "mulu0" not in fet.elements[0]
    assert assignments(fet.elements[0])["delvto"] == "{swx_vth*(0.5/l+1)}"
    assert [card.name for card in fet.cards] == ["tiny_model.1", "tiny_model.2", "tiny_model.3"]
    assert fet.cards[1].parameters["lmin"] == "1.5E-7"
    assert fet.cards[1].parameters["vth0"] == "0.5"
    assert {card.kind for card in fet.cards} == {"nmos"}


def test_the_switch_is_of_the_section(tiny: Pdk) -> None:
    assert read_section(tiny.library, "tt").value("mc_mm_switch") == 0
    assert read_section(tiny.library, "tt_mm").value("mc_mm_switch") == 1


def test_errors(tiny: Pdk) -> None:
    section = read_section(tiny.library, "tt")
    with pytest.raises(PdkError, match=r"no section ff; it has tt, tt_mm"):
        read_section(tiny.library, "ff")
    with pytest.raises(PdkError, match="no subcircuit sky130_fd_pr__pfet_01v8"):
        section.subcircuit("sky130_fd_pr__pfet_01v8")
    with pytest.raises(PdkError, match="no parameter nothing"):
        section.value("nothing")
    with pytest.raises(PdkError, match="needs itself"):
        section.value("loop_a")


def test_missing_include(tiny: Pdk) -> None:
    (tiny.root / "parameters.spice").unlink()
    with pytest.raises(PdkError, match=r"parameters\.spice"):
        section_files(tiny.library, "tt")


def test_circular_include(tiny: Pdk) -> None:
    path = tiny.root / "parameters.spice"
    path.write_text(".include ./models/../parameters.spice\n.include parameters.spice\n")
    with pytest.raises(PdkError, match="which includes it"):
        section_files(tiny.library, "tt")


def test_a_changed_file_is_read_again(tiny: Pdk) -> None:
    assert read_section(tiny.library, "tt") is read_section(tiny.library, "tt")
    path = tiny.root / "parameters.spice"
    path.write_text(path.read_text().replace("a_vt = 4e-3", "a_vt = 5e-3"))
    os.utime(path, ns=(1, 1))
    assert read_section(tiny.library, "tt").value("a_vt") == 5e-3


def test_statements() -> None:
    text = "* c\nR1 a b 1 ; x\n\n+ tc=1\n*+ no\n  + tc2=2 $ y\n.end\n"
    assert [one.text for one in statements(text)] == ["R1 a b 1 tc=1 tc2=2", ".end"]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1 b = 2", {"a": "1", "b": "2"}),
        ("A={x+(y*2)} + 3*z b='p q'", {"a": "{x+(y*2)} + 3*z", "b": "'p q'"}),
        ("a={b==c} d=max(e, f)", {"a": "{b==c}", "d": "max(e, f)"}),
        ("nothing", {}),
    ],
)
def test_assignments(text: str, pairs: dict[str, str]) -> None:
    assert assignments(text) == pairs


def test_unreadable_directive(tmp_path: Path) -> None:
    library = tmp_path / "x.lib"
    library.write_text(".lib tt\n.subckt a b\n.if (1)\n.ends\n.endl\n")
    with pytest.raises(PdkError, match=r"\.if inside a subcircuit"):
        read_section(library, "tt").subcircuit("a")
