"""Constants of parasitics: layers from the substrate up, capacitances between them, resistances of wires and contacts.

They are read from the file that klayout-pex keeps for sky130A, which is their source, but for what that lacks: wells to the substrate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nonideal.circuits.extraction.kpex import INSTALL, ExtractorMissing
from nonideal.circuits.layout.errors import ExtractionFailed
from nonideal.files import UnreadableFile, read_json, sha256_of

PACKAGE, FILE = "klayout_pex_protobuf", "sky130A_tech.pb.json"
SUBSTRATE = "substrate"
WELL_AF_UM2 = {"nwell": 120.0}
"""Area of a well to the substrate below it: that of magic's technology file (open_pdks, sky130.tech, `defaultareacap nwell`)."""
PER_UM = 0.02
"""A fringe to a plate ends the nearer the more capacitance an area of that plate has, in 1/um for each aF/um2: magic's rule, which kpex took over."""


@dataclass(frozen=True, slots=True)
class Conductor:
    """A layer of the LVS database that conducts: what it belongs to, and whether it is a plate of a device capacitor."""

    layer: str
    plate: bool


@dataclass(frozen=True, slots=True)
class Sidewall:
    """Of two edges of a layer, side by side: `coefficient_aF_um` over their distance and `offset_um`."""

    coefficient_aF_um: float
    offset_um: float


@dataclass(frozen=True, slots=True)
class Via:
    """A contact between two layers; ohm um2, for resistance goes with one over the area."""

    bottom: str
    top: str
    resistance_ohm_um2: float


@dataclass(frozen=True, slots=True)
class Technology:
    """Parasitics of a process. Capacitances in aF, lengths in um, resistances in ohm.

    `layers` go from the substrate up. `plate_aF_um2` is by (upper, lower) layer, `fringe_aF_um` by the layer of an edge and that where its
    fringe ends, `well_aF_um2` of wells to the substrate. `conductors` and `vias` are by their name in the LVS database, `sheet_ohm` by layer: 0 where
    a layer is as good as a point.
    """

    layers: tuple[str, ...]
    diffusions: frozenset[str]
    gate: str
    halo_um: float
    plate_aF_um2: Mapping[tuple[str, str], float]
    fringe_aF_um: Mapping[tuple[str, str], float]
    sidewalls: Mapping[str, Sidewall]
    conductors: Mapping[str, Conductor]
    wells: frozenset[str]
    well_aF_um2: Mapping[str, float]
    sheet_ohm: Mapping[str, float]
    vias: Mapping[str, Via]

    def as_kpex(self) -> Technology:
        """What kpex takes of it, to hold ours against it: wells without a capacitance to the substrate."""
        return replace(self, well_aF_um2={})

    def is_devices(self, one: str, other: str) -> bool:
        """Whether devices' models have the capacitance between two layers: junctions, and gates over source and drain."""
        theirs = self.diffusions | {SUBSTRATE, self.gate}
        return one in theirs and other in theirs and bool({one, other} & self.diffusions)


def technology_file() -> Path:
    """The file in the installed package; raises ExtractorMissing without it."""
    found = find_spec(PACKAGE)
    for folder in [] if found is None else found.submodule_search_locations or []:
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    raise ExtractorMissing(
        f"the constants of sky130's parasitics ({FILE} of klayout-pex) are not installed; {INSTALL}"
    )


def find_technology() -> tuple[Path, str]:
    """The file and the hash of its content, once it was read as a technology; raises ExtractorMissing without it, ExtractionFailed for another."""
    path = technology_file()
    read_technology(path)
    return path, sha256_of(path)


def read_technology(path: Path) -> Technology:
    """Read the constants; raises ExtractionFailed with the file's name where it lacks something."""
    try:
        return _technology(read_json(path))
    except UnreadableFile as error:
        raise ExtractionFailed(str(error)) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ExtractionFailed(
            f"{path}: no technology of klayout-pex, {type(error).__name__}: {error}"
        ) from error


def _technology(content: dict[str, Any]) -> Technology:
    drawn = {layer["name"]: _gds(layer) for layer in content["layers"]}
    computed = content["lvs_computed_layers"]
    gds = drawn | {layer["layer_info"]["name"]: _gds(layer["layer_info"]) for layer in computed}
    names = {_gds(layer["layer_info"]): str(layer["original_layer_name"]) for layer in computed}
    stack = content["process_stack"]["layers"]

    def of(kind: str) -> list[str]:
        return list(
            dict.fromkeys(
                names[gds[one["name"]]] for one in stack if one["layer_type"] == f"LAYER_TYPE_{kind}"
            )
        )

    diffusions, metals = of("DIFFUSION"), of("METAL")
    wells = [name for name in content["substrate"]["well_lvs_layer_names"] if name in gds]
    capacitance, resistance = (content["process_parasitics"][what] for what in ("capacitance", "resistance"))
    conductors = {
        layer["layer_info"]["name"]: Conductor(
            names[_gds(layer["layer_info"])], layer["kind"] == "KIND_DEVICE_CAPACITOR_PLATE"
        )
        for layer in computed
        if names[_gds(layer["layer_info"])] in {*diffusions, *metals, *wells}
        and layer["kind"] in ("KIND_REGULAR", "KIND_DEVICE_CAPACITOR_PLATE")
    }
    sheets = {one["layer_name"]: one["resistance"] / 1000 for one in resistance["layers"]}
    implants = {
        names[_gds(one["layer_info"])]
        for one in computed
        if one["layer_info"]["purpose"] in ("PURPOSE_N_IMPLANT", "PURPOSE_P_IMPLANT")
    }
    return Technology(
        layers=(SUBSTRATE, *diffusions, *metals),
        diffusions=frozenset(diffusions),
        gate=metals[0],
        halo_um=float(content["process_parasitics"]["side_halo"]),
        plate_aF_um2={
            (one["layer_name"], SUBSTRATE): one["area_capacitance"] for one in capacitance["substrates"]
        }
        | {
            (one["top_layer_name"], one["bottom_layer_name"]): one["capacitance"]
            for one in capacitance["overlaps"]
        },
        fringe_aF_um={
            (one["layer_name"], SUBSTRATE): one.get("perimeter_capacitance", 0.0)
            for one in capacitance["substrates"]
        }
        | {
            (one["in_layer_name"], one["out_layer_name"]): one.get("capacitance", 0.0)
            for one in capacitance["sideoverlaps"]
        },
        sidewalls={
            one["layer_name"]: Sidewall(one["capacitance"], one.get("offset", 0.0))
            for one in capacitance["sidewalls"]
        },
        conductors=conductors,
        wells=frozenset(wells),
        well_aF_um2={well: WELL_AF_UM2[well] for well in wells},
        sheet_ohm={name: sheets[name] for name in (*metals, *wells) if name in sheets}
        | dict.fromkeys((name for name in diffusions if name in implants), 0.0),
        vias=_vias(stack, computed, names, gds, resistance),
    )


def _gds(layer: dict[str, Any]) -> tuple[int, int]:
    pair = layer["drw_gds_pair"]
    return int(pair["layer"]), int(pair.get("datatype", 0))


def _vias(
    stack: Iterable[dict[str, Any]],
    computed: Iterable[dict[str, Any]],
    names: Mapping[tuple[int, int], str],
    gds: Mapping[str, tuple[int, int]],
    resistance: dict[str, Any],
) -> dict[str, Via]:
    """Contacts and vias by their name in the LVS database."""
    contacts = {}
    for one in stack:
        held = next(
            (value for key, value in one.items() if key.endswith("_layer") and isinstance(value, dict)), {}
        )
        if "contact_above" in held:
            contacts[held["contact_above"]["name"]] = held["contact_above"]
    of_devices = {one["contact_name"]: one["resistance"] for one in resistance["contacts"]}
    of_vias = {one["via_name"]: one["resistance"] for one in resistance["vias"]}
    found = {}
    for layer in computed:
        info = layer["layer_info"]
        name = info["name"]
        contact = contacts.get(name) or contacts.get(layer.get("process_layer_name", ""))
        if contact is None or info["purpose"] not in ("PURPOSE_CONTACT", "PURPOSE_VIA"):
            continue
        milliohm = (
            of_vias[names[_gds(info)]] if info["purpose"] == "PURPOSE_VIA" else of_devices[contact["name"]]
        )
        bottom, top = (
            names.get(gds[contact[side]], contact[side]) for side in ("layer_below", "metal_above")
        )
        found[name] = Via(bottom, top, milliohm / 1000 * contact["width"] ** 2)
    return found
