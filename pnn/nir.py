"""Networks as graphs of the Neuromorphic Intermediate Representation (NIR, https://neuroir.org), and back. Needs the extra ``nir``.

What NIR's nodes can say is the ideal part, and it stands as such in the graph's metadata: every spike of weight w adds w to a neuron's current, the
membrane integrates it, 1 is the threshold. NIR has no node for reversal potentials, phases, the ramp of the firing phase, delays and charges:
these travel as JSON in the metadata, and ``load_nir`` rebuilds the network from both, bit for bit.

A neuron is a ``CubaLIF`` whose time constants are so long (``SLOW`` T_circ) that it integrates twice; time is in T_circ, and a spike is a pulse of 1
over ``STEP``, the step that snnTorch takes, as snnTorch and norse evaluate such nodes.
"""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from nonideal.files import UnreadableFile, read_bytes, written_whole
from nonideal.pnn import checks
from nonideal.pnn.codes import Codes, check_codes
from nonideal.pnn.conv import EarliestSpikePool2d, RCSpikeConv2d
from nonideal.pnn.errors import BadParameter, CheckpointError
from nonideal.pnn.network import NetworkOptions, RCSpikeNetwork, SpikingNetwork
from nonideal.pnn.nir_chain import chain_of, layer_weights, nir_package
from nonideal.pnn.reversal import Reversal
from nonideal.pnn.stack import AnyNetworkOptions, StackNetwork, StackOptions
from nonideal.pnn.ttfs import TTFSConv2d

if TYPE_CHECKING:
    import nir

FORMAT: Final = 1
KEY: Final = "nonideal"
SLOW: Final = 1e4
STEP: Final = 1e-4
IDEAL: Final = (
    "The nodes are the ideal part alone: currents that do not depend on the membrane (reversal potentials at infinity), and of RC-Spike "
    "neurons the accumulation without its phases and ramp; SumPool2d stands for the earliest spike of a window. "
    f"Time in T_circ; a spike is a pulse of 1 over {STEP:g}. The whole network is under 'nonideal'."
)


def to_nir(network: SpikingNetwork) -> nir.NIRGraph:
    """A network as a graph: Linear or Conv2d and CubaLIF for every layer of neurons, Flatten and SumPool2d between them.

    Weights [out, in] or [out, in, kernel, kernel] in units of V_th and T_circ. Raises ``BadParameter`` for a network whose layers are not
    what its options say.

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.from_model(nonideal.preset("sky130_tt")))
        graph = nonideal.pnn.to_nir(network)
    """
    nir = nir_package()
    options = _options_of(checks.instance(network, "network", SpikingNetwork))
    nodes: list[Any] = []
    shape = options.input_shape if isinstance(options, StackOptions) else options.layer_sizes[:1]
    nodes.append(nir.Input({"input": np.array(shape)}))
    for layer in network.layers:  # type: ignore[union-attr]
        if isinstance(layer, EarliestSpikePool2d):
            shape = (shape[0], shape[1] // layer.size, shape[2] // layer.size)
            size = np.array([layer.size, layer.size])
            nodes.append(nir.SumPool2d(size, size, np.array([0, 0])))
            continue
        weight = layer.weight.detach().cpu().contiguous().numpy()
        if isinstance(layer, RCSpikeConv2d | TTFSConv2d):
            at, grow = shape[1:], 2 * layer.padding - layer.kernel + 1
            bias = np.zeros(weight.shape[0], weight.dtype)
            nodes.append(nir.Conv2d(tuple(at), weight, 1, layer.padding, 1, 1, bias))
            shape = (weight.shape[0], at[0] + grow, at[1] + grow)
        else:
            if len(shape) == 3:
                nodes.append(nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1))
            nodes.append(nir.Linear(weight))
            shape = (weight.shape[0],)
        nodes.append(_neurons(shape))
    nodes.append(nir.Output({"output": np.array(shape)}))
    names = [f"{index}_{type(node).__name__.lower()}" for index, node in enumerate(nodes)]
    names[0], names[-1] = "input", "output"
    told = {"format": FORMAT, "network": options.model_dump(mode="json")}
    told["full_scale"] = [float(codes.full_scale) for codes in network.codes]
    return nir.NIRGraph(
        dict(zip(names, nodes, strict=True)),
        list(pairwise(names)),
        metadata={"ideal": IDEAL, "step": STEP, KEY: json.dumps(told)},
        type_check=False,  # SumPool2d has no shapes before the file is read
    )


def save_nir(path: Path | str, network: SpikingNetwork) -> None:
    """Write a network as a NIR file (HDF5); see ``to_nir``.

    Example:

        network = nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.from_model(nonideal.preset("sky130_tt")))
        nonideal.pnn.save_nir("network.nir", network)
    """
    graph = to_nir(network)
    with written_whole(checks.path(path, "path")) as part:
        nir_package().write(str(part), graph)


def load_nir(path: Path | str) -> SpikingNetwork:
    """The network that ``save_nir`` wrote, on the CPU: the same bits. Raises ``CheckpointError`` that says what is wrong with the file.

    Another tool's file says nothing of silicon: ``start_from_nir`` takes its weights.

        nonideal.pnn.save_nir("network.nir", nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal()))
        network = nonideal.pnn.load_nir("network.nir")
    """
    path = checks.path(path, "path")
    graph = _read(path)
    text = (graph.metadata or {}).get(KEY)
    if text is None:
        raise CheckpointError(
            f"{path}: a NIR graph without '{KEY}' in its metadata: another tool's; start_from_nir takes its weights"
        )
    try:
        told = json.loads(text)
        if told["format"] != FORMAT:
            raise CheckpointError(f"{path}: format {told['format']}, this version reads {FORMAT}")
        options: Any = TypeAdapter(AnyNetworkOptions).validate_python(told["network"])
        full_scales = [float(x) for x in told["full_scale"]]
        network: SpikingNetwork = options.build()
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise CheckpointError(f"{path}: its metadata '{KEY}' is not understood: {error}") from error
    found = [weight for _, weight in layer_weights(chain_of(graph, path), path)]
    _put(network, found, full_scales, path)
    return network


def start_from_nir(
    path: Path | str,
    reversal: Reversal,
    **options: Any,
) -> RCSpikeNetwork:
    """A fully connected RC-Spike network with the weights of another tool's graph, to begin a training with.

    The graph is a chain, Affine or Linear before IF, LIF or CubaLIF, as often as you like. A weight is divided by its neuron's threshold, which is 1
    here. Time constants, leaks and resets have no counterpart and are left. The first layer's bias becomes the weights of a last axon that
    always spikes at 0, as ``Encoding`` adds it: weights [out, in + 1]; a bias further on has no axon and is refused. ``options`` go on to
    ``RCSpikeNetwork`` (discharger, method, sigma_spike, classes). Raises ``CheckpointError`` that names the node.

        nonideal.pnn.save_nir("other.nir", nonideal.RCSpikeNetwork((5, 5, 3), nonideal.pnn.Reversal.ideal()))    # stands for another tool's
        silicon = nonideal.preset("sky130_tt")
        network = nonideal.pnn.start_from_nir("other.nir", nonideal.pnn.Reversal.from_model(silicon))
    """
    path = checks.path(path, "path")
    found = layer_weights(chain_of(_read(path), path), path, scaled=True)
    sizes = (found[0][1].shape[1], *(weight.shape[0] for _, weight in found))
    try:
        network = RCSpikeNetwork(sizes, reversal, **options)
    except TypeError as error:
        raise BadParameter(f"options: {error}; give what RCSpikeNetwork takes") from error
    _put(network, [weight for _, weight in found], [], path)
    return network


def _neurons(shape: tuple[int, ...]) -> Any:
    """Two integrators and a threshold, with a leak of one part in ``SLOW``."""
    full = np.ones(shape, np.float32)
    slow = full * SLOW
    return nir_package().CubaLIF(
        tau_syn=slow, tau_mem=slow, r=full * (SLOW / STEP), v_leak=0.0 * full, v_threshold=full, w_in=slow
    )


def _options_of(network: SpikingNetwork) -> NetworkOptions | StackOptions:
    bits = {int(codes.bits) for codes in network.codes}
    if len(bits) > 1:
        raise BadParameter(f"network: its layers hold codes of {sorted(bits)} bits: round all to the same")
    held = next(iter(bits), None)
    if isinstance(network, StackNetwork):
        return network.options.model_copy(update={"bits": held})
    if not isinstance(network, RCSpikeNetwork):
        raise BadParameter(f"network is a {type(network).__name__}: give an RCSpikeNetwork or a StackNetwork")
    first = network.linear_layers[0]
    options = NetworkOptions(
        layer_sizes=network.layer_sizes, reversal=first.reversal, discharger=first.discharger, method=first.method,
        sigma_spike=network.sigma_spike, classes=network.classes, physics=network.physics, noise=network.noise, bits=held,
    )  # fmt: skip
    meant = options.model_copy(update={"bits": None}).build().linear_layers
    for index, (layer, one) in enumerate(zip(network.linear_layers, meant, strict=True), start=1):
        for what in ("reversal", "discharger", "method", "wiring"):
            if getattr(layer, what) != getattr(one, what):
                raise BadParameter(
                    f"network: layer {index} has another {what} than its options say: a file holds one, or physics for every layer"
                )
    return options


def _put(network: SpikingNetwork, found: list[np.ndarray], full_scales: list[float], path: Path) -> None:
    """Set the layers' weights, and codes where the network has them."""
    shapes = [list(weight.shape) for weight in network.weights]
    if shapes != [list(weight.shape) for weight in found]:
        raise CheckpointError(
            f"{path}: nodes of shapes {[list(w.shape) for w in found]} in place of {shapes}, which its metadata tells"
        )
    for name, weight in enumerate(found, start=1):
        if weight.dtype.kind != "f" or not np.isfinite(weight).all():
            raise CheckpointError(f"{path}: layer {name} holds weights that are no finite numbers")
    network.to(torch.from_numpy(found[0]).dtype)
    with torch.no_grad():
        for parameter, weight in zip(network.weights, found, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
    if not network.codes:
        return
    try:
        for layer, codes, full_scale in zip(network.spiking_layers, network.codes, full_scales, strict=True):
            _code(codes, layer.weight.detach(), full_scale)  # type: ignore[operator]
        check_codes(network.spiking_layers, int(network.codes[0].bits))
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _code(codes: Codes, weight: Tensor, full_scale: float) -> None:
    codes.full_scale.fill_(full_scale)
    codes.code.copy_((weight.double() / codes.step).round())


def _read(path: Path) -> nir.NIRGraph:
    package = nir_package()
    try:
        graph = package.read(io.BytesIO(read_bytes(path)), type_check=False)
    except UnreadableFile as error:
        raise CheckpointError(str(error)) from error
    except Exception as error:  # whatever h5py and nir make of damage
        raise CheckpointError(f"{path}: not a readable NIR file ({type(error).__name__}: {error})") from error
    if not isinstance(graph, package.NIRGraph):
        raise CheckpointError(f"{path}: holds a single node, {type(graph).__name__}, not a graph")
    return graph
