"""A feed-forward NIR graph as the chain that it is: its nodes in order, and their weights."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from nonideal.pnn.errors import BadParameter, CheckpointError

WEIGHTS: Final = ("Affine", "Linear", "Conv2d")
NEURONS: Final = ("IF", "LIF", "CubaLIF")
BETWEEN: Final = ("Flatten", "SumPool2d", "Input", "Output")
Node = tuple[str, Any]


def nir_package() -> ModuleType:
    """The package ``nir``. Raises ``BadParameter`` that says how to install it."""
    try:
        import nir
    except ImportError as error:
        raise BadParameter(
            f"NIR files need the package nir ({error}): pip install 'nonideal[nir]'"
        ) from error
    return nir


def chain_of(graph: Any, path: Path) -> list[Node]:
    """The nodes with their names, from input to output. Raises ``CheckpointError`` for a graph that is no chain, naming the node."""
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    before = dict.fromkeys(graph.nodes, 0)
    for start, end in graph.edges:
        if start not in after or end not in after:
            raise CheckpointError(f"{path}: an edge from {start} to {end}, of which one is no node")
        after[start].append(end)
        before[end] += 1
    for name, node in graph.nodes.items():
        kind = type(node).__name__
        if kind not in (*WEIGHTS, *NEURONS, *BETWEEN):
            raise CheckpointError(
                f"{path}: node {name} is a {kind}: a chain of {', '.join(WEIGHTS)} before {', '.join(NEURONS)} is read, "
                "flattened and pooled between them"
            )
        if len(after[name]) > 1 or before[name] > 1:
            raise CheckpointError(
                f"{path}: node {name} has {before[name]} edges in and {len(after[name])} out: branches and recurrent connections are not read"
            )
    starts = [name for name, count in before.items() if count == 0]
    if len(starts) != 1:
        raise CheckpointError(
            f"{path}: {len(starts)} nodes without an edge in, {starts}: one chain has one, its input"
        )
    chain, name = [], starts[0]
    while True:
        chain.append((name, graph.nodes[name]))
        if not after[name]:
            break
        name = after[name][0]
    if len(chain) != len(graph.nodes):
        raise CheckpointError(
            f"{path}: {len(graph.nodes) - len(chain)} nodes are not connected to {starts[0]}"
        )
    return chain


def layer_weights(chain: list[Node], path: Path, *, scaled: bool = False) -> list[tuple[str, np.ndarray]]:
    """Name and weights of every layer of neurons, [out, in] or [out, in, kernel, kernel]. ``scaled``: over its neurons' thresholds, with the first
    layer's bias as a last column. Raises ``CheckpointError`` where weights and neurons do not alternate.
    """
    found: list[tuple[str, np.ndarray]] = []
    waiting: Node | None = None
    for name, node in chain:
        kind = type(node).__name__
        if kind in WEIGHTS:
            if waiting is not None:
                raise CheckpointError(
                    f"{path}: node {name} follows {waiting[0]} without neurons between them"
                )
            waiting = (name, node)
        elif kind in NEURONS:
            if waiting is None:
                raise CheckpointError(
                    f"{path}: node {name} has neurons without an Affine, Linear or Conv2d before them"
                )
            found.append((waiting[0], _weight(*waiting, node if scaled else None, path, first=not found)))
            waiting = None
        elif kind == "SumPool2d" and scaled:
            raise CheckpointError(f"{path}: node {name} pools: only a chain of full connections is a start")
    if waiting is not None:
        raise CheckpointError(
            f"{path}: node {waiting[0]} has no neurons after it: the last layer spikes here; end the graph with an IF, LIF or CubaLIF"
        )
    if not found:
        raise CheckpointError(f"{path}: holds no layer of neurons")
    return found


def _weight(name: str, node: Any, neurons: Any | None, path: Path, *, first: bool) -> np.ndarray:
    weight = np.asarray(node.weight)
    bias = getattr(node, "bias", None)
    has_bias = bias is not None and bool(np.any(np.asarray(bias) != 0.0))
    if neurons is None:
        return weight
    if weight.ndim != 2:
        raise CheckpointError(
            f"{path}: node {name} is a convolution: only a chain of Affine or Linear nodes becomes a fully connected network"
        )
    threshold = np.asarray(neurons.v_threshold, dtype=weight.dtype).reshape(-1)
    if threshold.size not in (1, weight.shape[0]) or not bool((threshold > 0.0).all()):
        raise CheckpointError(
            f"{path}: neurons after {name} have {threshold.size} thresholds, the least {threshold.min() if threshold.size else 'none'}: "
            f"{weight.shape[0]} above 0 are read"
        )
    if has_bias and not first:
        raise CheckpointError(
            f"{path}: node {name} has a bias, and only the first layer has an axon for it: train the other tool's network without (Linear)"
        )
    if has_bias:
        weight = np.concatenate((weight, np.asarray(bias, dtype=weight.dtype).reshape(-1, 1)), axis=1)
    return weight / threshold.reshape(-1, 1)
