"""Devices and connectivity of a sky130 layout, as a KLayout database that the parasitic extraction can read as well.

The names of the derived layers are those of klayout-pex's sky130A technology: it finds a conductor by its name. Every
derived layer ends in a boolean operation, after which KLayout keeps the name.
"""

from __future__ import annotations

from dataclasses import dataclass

import klayout.db as kdb

from nonideal.circuits.drc.regions import MARKS
from nonideal.circuits.layout.errors import LayoutError
from nonideal.circuits.lvs.devices import IN_SUBSTRATE, MIMS, MOS, SPECIAL_BELOW_UM
from nonideal.sky130_models.layers import LAYERS

SUBSTRATE = "sky130_gnd"
METALS = ("met1", "met2", "met3", "met4", "met5")
LABELLED = ("poly", "li1", *METALS)
SHORT = {"li1": "li"}  # klayout-pex calls the layers of local interconnect li_*
CONTACTED = {"nsd": "nsd", "psd": "psd", "poly": "poly_con", "ntap": "ntap_conn", "ptap": "ptap_conn"}
MIM_CAPACITANCE = 2e-15  # F per um2, of no consequence: capacitors are compared by area and perimeter


class _MimClass(kdb.DeviceClassFactory):
    """Makes capacitors that are compared by their area and perimeter, not by a capacitance."""

    def create_class(self) -> kdb.DeviceClass:
        return mim_class()


def mim_class() -> kdb.DeviceClassCapacitor:
    """A capacitor compared by its area and perimeter."""
    made = kdb.DeviceClassCapacitor()
    made.enable_parameter("C", False)
    made.enable_parameter("A", True)
    made.enable_parameter("P", True)
    return made


@dataclass(slots=True)
class Extractor:
    """A LayoutVsSchematic under construction; keeps what Python must not collect before it is done."""

    lvs: kdb.LayoutVsSchematic
    layers: dict[str, kdb.Region]
    labels: dict[str, kdb.Texts]
    kept: list[object]


def build(layout: kdb.Layout, top: kdb.Cell) -> Extractor:
    """Extract the devices and nets of a flat cell."""
    lvs = kdb.LayoutVsSchematic(kdb.RecursiveShapeIterator(layout, top, []))
    lvs.threads = 0  # in this one: a thread of its own costs every boolean 10 ms, a network of 5-5 0.5 s in place of 0.01
    made = Extractor(lvs, {}, {}, [])
    _draw_layers(made, layout)
    _derive(made, round(SPECIAL_BELOW_UM / layout.dbu))
    _devices(made)
    _connect(made)
    lvs.extract_netlist()
    _tie_bulks(made)
    return made


def _draw_layers(made: Extractor, layout: kdb.Layout) -> None:
    for name, layer in LAYERS.items():
        made.layers[name] = made.lvs.make_polygon_layer(layout.layer(layer.gds_layer, layer.drawing), name)
    for name, number in MARKS.items():
        made.layers[name] = made.lvs.make_polygon_layer(layout.layer(*number), name)
    for name in LABELLED:
        layer = LAYERS[name]
        if layer.pin is None or layer.label is None:
            raise LayoutError(f"layer {name} has no pin or label purpose")
        pin, label = (f"{SHORT.get(name, name)}_{purpose}" for purpose in ("pin", "label"))
        made.layers[pin] = made.lvs.make_polygon_layer(layout.layer(layer.gds_layer, layer.pin), pin)
        made.labels[label] = made.lvs.make_text_layer(layout.layer(layer.gds_layer, layer.label), label)
    made.layers["sub"] = made.lvs.make_layer("sub")


def _derive(made: Extractor, special_below: int) -> None:
    layers = made.layers

    def name(key: str, region: kdb.Region) -> None:
        made.lvs.register(region, key)
        layers[key] = region

    g = layers
    tap, poly, diff = g["tap"], g["poly"], g["diff"]
    sd = diff - poly - tap
    channel = (poly & diff) - tap
    ngate = (channel & g["nsdm"]) - g["nwell"] - g["psdm"]
    pgate = (channel & g["psdm"] & g["nwell"]) - g["nsdm"]
    name("nsd", (g["nsdm"] & sd) - g["nwell"])
    name("psd", g["psdm"] & sd & g["nwell"])
    name("ptap_conn", (tap & g["psdm"]) - g["nwell"])
    name("ntap_conn", tap & g["nsdm"] & g["nwell"])
    special = (ngate & g["standard cell"]).with_bbox_max(0, special_below, False) & g["standard cell"]
    name("ngate", ((ngate - g["lvtn"]) - g["hvtp"]) - special)
    name("ngate_special", special - g["lvtn"])
    name("ngate_lvt", (ngate & g["lvtn"]) - g["hvtp"])
    name("pgate", (pgate - g["hvtp"]) - g["lvtn"])
    name("pgate_lvt", (pgate & g["lvtn"]) - g["hvtp"])
    name("pgate_hvt", (pgate & g["hvtp"]) - g["lvtn"])
    nothing = kdb.Region()
    name("poly_con", poly - nothing)
    name("li_con", g["li1"] - nothing)
    for metal in ("met1", "met2", "met5"):
        name(f"{metal}_con", g[metal] - nothing)
    name("met3_ncap", g["met3"] - g["capm"])
    name("met3_cap", g["met3"] & g["capm"])
    name("met4_ncap", g["met4"] - g["capm2"])
    name("met4_cap", g["met4"] & g["capm2"])
    name("mcon_con", g["mcon"] - nothing)
    name("via1_con", g["via"] - nothing)
    name("via2_con", g["via2"] - nothing)
    name("via3_ncap", g["via3"] - g["capm"])
    name("via3_cap", g["via3"] & g["capm"])
    name("via4_ncap", g["via4"] - g["capm2"])
    name("via4_cap", g["via4"] & g["capm2"])
    for kind, below in CONTACTED.items():
        name(f"licon_{kind}_con", g["licon1"] & g[below])
    for metal in LABELLED:
        short = SHORT.get(metal, metal)
        conductor = {"met3": "met3_ncap", "met4": "met4_ncap"}.get(metal, f"{short}_con")
        name(f"{short}_pin_con", g[f"{short}_pin"] & g[conductor])


def _devices(made: Extractor) -> None:
    g = made.layers
    for one in MOS:
        extractor = kdb.DeviceExtractorMOS4Transistor(one.model)
        sd = g[one.source_drain]
        terminals = {"SD": sd, "G": g[one.gate], "W": g[one.bulk], "tS": sd, "tD": sd, "tG": g["poly_con"]}
        made.lvs.extract_devices(extractor, terminals)  # type: ignore[arg-type]
        made.kept.append(extractor)
    for device, (bottom, top) in zip(
        MIMS.values(), (("met3_cap", "capm"), ("met4_cap", "capm2")), strict=True
    ):
        factory = _MimClass()
        capacitor = kdb.DeviceExtractorCapacitor(device, MIM_CAPACITANCE, factory)
        made.lvs.extract_devices(capacitor, {"P1": g[bottom], "P2": g[top]})
        made.kept += [factory, capacitor]


CONNECTED = (
    ("nwell", "ntap_conn"),
    *((f"licon_{kind}_con", below) for kind, below in CONTACTED.items()),
    *((f"licon_{kind}_con", "li_con") for kind in CONTACTED),
    ("li_con", "mcon_con"),
    ("mcon_con", "met1_con"),
    ("met1_con", "via1_con"),
    ("via1_con", "met2_con"),
    ("met2_con", "via2_con"),
    ("via2_con", "met3_ncap"),
    ("via2_con", "met3_cap"),
    ("met3_cap", "met3_ncap"),
    ("met3_ncap", "via3_ncap"),
    ("capm", "via3_cap"),
    ("via3_cap", "met4_ncap"),
    ("via3_cap", "met4_cap"),
    ("via3_ncap", "met4_ncap"),
    ("via3_ncap", "met4_cap"),
    ("met4_cap", "met4_ncap"),
    ("met4_ncap", "via4_ncap"),
    ("capm2", "via4_cap"),
    ("via4_cap", "met5_con"),
    ("via4_ncap", "met5_con"),
    ("met3_cap", "met3_label"),
    ("met4_cap", "met4_label"),
    *((f"{SHORT.get(metal, metal)}_con", f"{SHORT.get(metal, metal)}_{what}")
      for metal in ("poly", "li1", "met1", "met2", "met5") for what in ("label", "pin_con")),
    *((f"{metal}_ncap", f"{metal}_{what}") for metal in ("met3", "met4") for what in ("label", "pin_con")),
)  # fmt: skip


def _connect(made: Extractor) -> None:
    """What touches what: each conductor itself, contacts between conductors, labels and pins on them."""
    conductors = {name for pair in CONNECTED for name in pair if not name.endswith("_label")}
    for name in sorted(conductors):
        made.lvs.connect(made.layers[name])
    for a, b in CONNECTED:
        made.lvs.connect(made.layers[a], made.labels[b] if b in made.labels else made.layers[b])
    made.lvs.connect(made.layers["sub"])  # else the database would not know the layer
    made.lvs.connect_global(made.layers["ptap_conn"], SUBSTRATE)


def _tie_bulks(made: Extractor) -> None:
    """The bulk of every device in the substrate, which is one node, on the net of its taps; without taps on a net of their own.

    By a global net KLayout would join them one by one, in a time that grows as the square of the devices.
    """
    circuit = next(iter(made.lvs.netlist().each_circuit()), None)
    if circuit is None:
        return
    bulks = [device for device in circuit.each_device() if device.device_class().name in IN_SUBSTRATE]
    if not bulks:
        return
    taps = made.layers["ptap_conn"]
    tap = next(iter(taps.each()), None)
    net = None if tap is None else made.lvs.probe_net(taps, next(iter(tap.each_point_hull())))
    net = circuit.create_net(SUBSTRATE) if net is None else net
    for device in bulks:
        device.connect_terminal("B", net)
