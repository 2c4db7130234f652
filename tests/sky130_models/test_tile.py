import pytest

from nonideal.sky130_models.errors import PdkError
from nonideal.sky130_models.tile import MOST_ANALOG, TEMPLATES, read_templates

HEADER = "tile,width_um,height_um,pin,direction,layer,x1_um,y1_um,x2_um,y2_um"


def test_every_size_has_the_templates_pins():
    assert {size: one.width_um for size, one in TEMPLATES.items()} == {
        "1x2": 161.0, "2x2": 334.88, "3x2": 508.76, "4x2": 682.64, "6x2": 1030.4,
    }  # fmt: skip
    for one in TEMPLATES.values():
        assert one.height_um == 225.76
        assert (len(one.digital), len(one.analog)) == (43, 8)
        assert all(pin.layer == "met4" for pin in one.pins)
        assert [pin.name for pin in one.analog] == [f"ua[{k}]" for k in range(8)]
        assert all(pin.y0_um == 0.0 and round(pin.x1_um - pin.x0_um, 3) == 0.9 for pin in one.analog)
        assert all(pin.y1_um == one.height_um for pin in one.digital)
    assert MOST_ANALOG < 8


def test_a_pin_is_found_by_its_name():
    pin = TEMPLATES["1x2"].pin("ui_in[0]")
    assert (pin.direction, pin.x0_um, pin.y0_um) == ("input", 138.31, 224.76)
    with pytest.raises(KeyError, match=r"1x2 has no pin 'ua\[8\]'"):
        TEMPLATES["1x2"].pin("ua[8]")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("1x2,10,10,a,input,met4,0,0,x,1", "not a pin"),
        ("1x2,10,10,a,inwards,met4,0,0,1,1", "'inwards' on 'met4'"),
        ("1x2,10,10,a,input,met9,0,0,1,1", "'input' on 'met9'"),
        ("1x2,10,10,a,input,met4,0,0,11,1", "does not lie in its tile"),
        ("1x2,11,10,b,input,met4,0,0,1,1", r"\(10.0, 10.0\) um and \(11.0, 10.0\) um"),
        ("1x2,10,10,first,input,met4,0,0,1,1", "stands twice"),
    ],
)
def test_a_bad_row_is_told_by_its_line(row, told):
    with pytest.raises(PdkError, match=rf"tiles, line 3: .*{told}"):
        read_templates([HEADER, "1x2,10,10,first,input,met4,0,0,1,1", row])
