"""An extracted netlist as a file of arrays: what the extracting process hands over, without a parse of a hundred megabytes of text."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nonideal.circuits.extraction.netlist import Device, Element, Netlist
from nonideal.circuits.layout.errors import ExtractionFailed


def write_arrays(path: Path, netlist: Netlist) -> None:
    """Write a netlist; elements as the numbers of their nodes [elements, 2] and values [elements].

    Values have the digits of `Netlist.text`, so that an extraction says the same when it is read from the cache, which keeps text.
    """
    nodes = sorted({node for e in (*netlist.resistors, *netlist.capacitors) for node in (e.a, e.b)})
    number = {node: index for index, node in enumerate(nodes)}
    arrays: dict[str, NDArray[Any]] = {
        "nodes": np.array(nodes, dtype=np.str_),
        "ports": np.array([netlist.cell, *netlist.ports], dtype=np.str_),
        "devices": np.array(
            [" ".join((d.name, d.model, str(len(d.nodes)), *d.nodes, d.parameters)) for d in netlist.devices],
            dtype=np.str_,
        ),
    }
    for name, elements in (("r", netlist.resistors), ("c", netlist.capacitors)):
        arrays[f"{name}_ends"] = np.array(
            [(number[e.a], number[e.b]) for e in elements], dtype=np.int64
        ).reshape(-1, 2)
        arrays[f"{name}_values"] = np.array([float(f"{e.value:.12g}") for e in elements], dtype=np.float64)
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> Netlist:
    """Read it back. Raises ``ExtractionFailed`` where it is not one."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            nodes = arrays["nodes"].tolist()
            cell, *ports = arrays["ports"].tolist()
            devices = tuple(_device(line) for line in arrays["devices"].tolist())
            wires, capacitors = (
                tuple(
                    Element(nodes[a], nodes[b], value)
                    for (a, b), value in zip(arrays[f"{name}_ends"].tolist(), arrays[f"{name}_values"].tolist(), strict=True)
                )
                for name in ("r", "c")
            )  # fmt: skip
    except (OSError, ValueError, KeyError, IndexError, BadZipFile, EOFError) as error:
        raise ExtractionFailed(f"{path}: not what the extractor writes ({error!r})") from error
    return Netlist(cell, tuple(ports), devices, wires, capacitors)


def _device(line: str) -> Device:
    name, model, count, *rest = line.split(" ")
    many = int(count)
    return Device(name, tuple(rest[:many]), model, " ".join(rest[many:]))
