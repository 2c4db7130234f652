"""Training: deterministic by seed, resumable bit for bit, written as weights, checkpoint and metrics."""

from __future__ import annotations

import hashlib
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from nonideal.pnn import checks
from nonideal.pnn.accuracies import accuracy, exact_accuracy
from nonideal.pnn.adam import FusedAdam
from nonideal.pnn.checkpoint import (
    Provenance,
    TrainingState,
    WeightsHeader,
    load_network,
    load_training,
    save_network,
    save_training,
)
from nonideal.pnn.codes import LatentWeights
from nonideal.pnn.data import Dataset
from nonideal.pnn.devices import Engine, choose_device, launch
from nonideal.pnn.errors import BadParameter, CheckpointError
from nonideal.pnn.loop import Loop
from nonideal.pnn.metrics import MetricsLog
from nonideal.pnn.network import NetworkOptions, SpikingNetwork
from nonideal.pnn.options import TrainingOptions
from nonideal.pnn.progress import EpochLines
from nonideal.pnn.stack import NO_TTFS_CHIPS, StackOptions

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished training.

    Accuracies are of the final weights without noise, as ``predict_times`` evaluates them: fully connected RC-Spike
    networks exactly in float64. ``membrane_range``: smallest and largest v per layer over time on the training set
    (of those networks); ``largest_weight`` per layer: both say whether the circuit's ranges hold. ``full_scale`` per layer, where weights
    are codes. ``seconds``: of this call.

        iris = nonideal.load_dataset("iris")
        options = nonideal.variant_options("pnn", nonideal.preset("sky130_tt"), (5, 5, 3))
        result: nonideal.pnn.TrainingResult = nonideal.train(iris, options, nonideal.TrainingOptions(epochs=100), "trained/again")
        print(result.test_accuracy, result.membrane_range)
    """

    network: SpikingNetwork
    weights_path: Path
    train_accuracy: float
    test_accuracy: float
    membrane_range: tuple[tuple[float, float], ...]
    largest_weight: tuple[float, ...]
    epochs: int
    seconds: float
    full_scale: tuple[float, ...] = ()


def train(
    dataset: Dataset,
    network_options: NetworkOptions | StackOptions,
    options: TrainingOptions,
    folder: Path | str,
    *,
    resume: bool = True,
    variant: str = "",
    model_sha256: str = "",
    show_progress: bool = True,
    initial: SpikingNetwork | None = None,
) -> TrainingResult:
    """Train and write ``weights.safetensors``, ``checkpoint.safetensors``, ``metrics.csv`` and TensorBoard
    events into ``folder``. Any network that ``network_options`` describes: fully connected RC-Spike layers
    (``NetworkOptions``), or convolutions and TTFS neurons as well (``StackOptions``).

    With ``resume`` a checkpoint in ``folder`` is continued, with the same numbers as if never interrupted;
    more epochs than it has may be asked. ``initial``: whose weights it begins with (as ``start_from_nir``, ``load_pretrained`` or ``load_network``
    give them), drawn by the seed otherwise. ``show_progress`` (on stderr): a bar, or a line every ten seconds where that is no
    terminal. ``variant`` and ``model_sha256`` are recorded. The test set is only
    looked at, nothing is selected on it. The network that comes back is on the CPU. Raises ``DataError``
    (sizes do not fit, a class without a training sample), ``BadParameter`` (no such device, firing promotion without TTFS
    neurons, variation that does not fit, an argument of another kind), ``CheckpointError`` (the checkpoint is another
    run's), ``TrainingDiverged``.

        data = nonideal.load_dataset("iris")
        options = nonideal.variant_options("pnn", nonideal.preset("sky130_tt"), (5, 5, 5))
        result = nonideal.train(data, options, nonideal.TrainingOptions(epochs=100), "trained/iris", model_sha256="preset sky130_tt")
        print(result.test_accuracy, result.weights_path)
    """
    start = time.perf_counter()
    folder = checks.path(folder, "folder")
    checks.instance(dataset, "dataset", Dataset)
    checks.instance(options, "options", TrainingOptions)
    if not isinstance(network_options, NetworkOptions | StackOptions):
        raise BadParameter(
            f"network_options is {checks.shown(network_options)}: give pnn.NetworkOptions (variant_options makes them) or pnn.StackOptions"
        )
    if not isinstance(variant, str) or not isinstance(model_sha256, str):
        raise BadParameter(
            f"variant = {checks.shown(variant)}, model_sha256 = {checks.shown(model_sha256)}: give text"
        )
    if folder.exists() and not folder.is_dir():
        raise BadParameter(f"folder = {folder} is a file: give the folder to train in")
    dataset.check_fits(network_options.layer_sizes)
    checks.every_class(dataset.train_y, f"data set {dataset.name}: train_y", dataset.classes)
    if options.firing_promotion > 0.0 and not _is_ttfs(network_options):
        raise BadParameter("firing_promotion is a term for time-to-first-spike neurons: set it to 0")
    if options.variation is not None:
        if _is_ttfs(network_options):
            raise BadParameter(NO_TTFS_CHIPS)
        options.variation.check_fits(len(network_options.columns))
        options.variation.check_size(network_options.columns)
    device = choose_device(
        options.accelerator, options.devices, min(options.batch_size, dataset.train_y.shape[0])
    )
    if network_options.bits not in (None, options.bits):
        raise BadParameter(
            f"the network's bits = {network_options.bits}, the training's {options.bits}: give them to the training alone, or make them equal"
        )
    network_options = network_options.model_copy(update={"classes": dataset.classes, "bits": options.bits})
    folder.mkdir(parents=True, exist_ok=True)
    begin = None if initial is None else _begin(initial, network_options)
    arguments = (
        dataset, network_options, options, folder, resume, variant, model_sha256, show_progress, begin,
    )  # fmt: skip
    if options.devices == 1:
        network = _train_on(Engine(device), *arguments).cpu()
    else:
        launch(device, options.devices, _train_on, *arguments)
        network = load_network(folder / WEIGHTS)
    return TrainingResult(
        network=network,
        weights_path=folder / WEIGHTS,
        train_accuracy=exact_accuracy(network, dataset.train_x, dataset.train_y),
        test_accuracy=exact_accuracy(network, dataset.test_x, dataset.test_y),
        membrane_range=tuple(network.membrane_range(dataset.train_x)),
        largest_weight=tuple(float(w.detach().abs().max()) for w in network.weights),
        epochs=options.epochs,
        seconds=time.perf_counter() - start,
        full_scale=tuple(float(codes.full_scale) for codes in network.codes),
    )


def _is_ttfs(options: NetworkOptions | StackOptions) -> bool:
    return isinstance(options, StackOptions) and options.neuron.kind == "ttfs"


def _train_on(
    engine: Engine,
    dataset: Dataset,
    network_options: NetworkOptions | StackOptions,
    options: TrainingOptions,
    folder: Path,
    resume: bool,
    variant: str,
    model_sha256: str,
    show_progress: bool,
    begin: list[Tensor] | None,
) -> SpikingNetwork:
    """The training of one process; the first one writes the files."""
    generator = torch.Generator().manual_seed(options.seed)
    network = _drawn(network_options, generator, begin)
    network.to(engine.device)
    latent = None
    if options.bits is not None:
        latent = LatentWeights(network.spiking_layers, options.bits, options.full_scale)
    optimiser = FusedAdam((network if latent is None else latent).parameters(), lr=options.learning_rate)
    if latent is not None:
        latent.follow(optimiser)
    fingerprint = _fingerprint(dataset, network_options, options, begin)
    checkpoint = folder / CHECKPOINT
    done = 0
    if resume and checkpoint.is_file():
        done = load_training(checkpoint, network, optimiser, generator, fingerprint, latent).epoch
        if done > options.epochs:
            raise CheckpointError(
                f"{checkpoint} has {done} epochs, {options.epochs} are asked: use another folder or no resume"
            )

    writes = engine.rank == 0
    with ExitStack() as stack:
        log = None
        if writes:
            log = stack.enter_context(MetricsLog(folder, after_epoch=done, tensorboard=options.tensorboard))
        shows = show_progress and writes
        console = Console(stderr=True, markup=False, emoji=False, highlight=False)
        bar = stack.enter_context(_progress(console, shows and console.is_terminal))
        task = bar.add_task(variant or dataset.name, total=options.epochs, completed=done, state="")
        lines = None
        if shows and console.is_terminal:
            console.print(f"kernel: {engine.kernel_name()}")
        elif shows:
            name = f"{variant or dataset.name}, seed {options.seed}"
            lines = EpochLines(name, options.epochs, done, partial(print, file=sys.stderr, flush=True))
        tested = None
        loop = Loop(engine, dataset, network, optimiser, generator, options)
        saved = time.perf_counter()
        for epoch in range(done + 1, options.epochs + 1):
            logged = epoch % options.log_every == 0 or epoch == options.epochs
            meter = loop.epoch(epoch, logged)
            if logged and log is not None:
                row = meter.row(epoch, accuracy(network, loop.test_x, dataset.test_y))
                log.write(row)
                tested = row["test_accuracy"]
                bar.update(task, state=f"loss {row['loss']:.4f}  test {100 * row['test_accuracy']:.1f} %")
            bar.update(task, completed=epoch)
            if lines is not None:
                lines.epoch(epoch, sum(meter.loss) / max(1, len(meter.loss)), tested)
            due = epoch == options.epochs or time.perf_counter() - saved >= options.checkpoint_every_s
            if writes and due:
                state = TrainingState(epoch=epoch, fingerprint=fingerprint)
                save_training(checkpoint, network, optimiser, generator, state, latent)
                saved = time.perf_counter()

    if writes:
        provenance = Provenance(
            variant=variant, seed=options.seed, dataset=dataset.name, encoding=dataset.encoding,
            model_sha256=model_sha256, epochs=options.epochs, origin=dataset.origin,
        )  # fmt: skip
        save_network(folder / WEIGHTS, network, WeightsHeader(network=network_options, provenance=provenance))
    return network


def _drawn(
    options: NetworkOptions | StackOptions, generator: torch.Generator, begin: list[Tensor] | None
) -> SpikingNetwork:
    """A network, its weights drawn, or those to begin with; the generator moves on alike."""
    network: SpikingNetwork = options.model_copy(update={"bits": None}).build()
    network.reset_parameters(generator)
    if begin is not None:
        with torch.no_grad():
            for weight, first in zip(network.weights, begin, strict=True):
                weight.copy_(first)
    return network


def _begin(initial: SpikingNetwork, options: NetworkOptions | StackOptions) -> list[Tensor]:
    """Copies of the weights to begin with. Raises ``BadParameter`` where they are not those of a network that the options describe."""
    checks.instance(initial, "initial", SpikingNetwork)
    found = [weight.detach().cpu().to(torch.float32, copy=True) for weight in initial.weights]
    with torch.device("meta"):
        described = [
            list(weight.shape) for weight in options.model_copy(update={"bits": None}).build().weights
        ]
    if [list(weight.shape) for weight in found] != described:
        raise BadParameter(
            f"initial has weights {[list(weight.shape) for weight in found]}, network_options describes {described}: make them one"
        )
    for layer, weight in enumerate(found, start=1):
        if not bool(weight.isfinite().all()):
            raise BadParameter(f"initial: layer {layer} holds weights that are no finite numbers")
    return found


def _fingerprint(
    dataset: Dataset,
    network: NetworkOptions | StackOptions,
    options: TrainingOptions,
    begin: list[Tensor] | None,
) -> str:
    """What two trainings must share to be one: data, network, options that change numbers (not how long or
    how often).
    """
    digest = hashlib.sha256()
    for x in (dataset.train_x, dataset.train_y, *(begin or ())):
        digest.update(x.contiguous().numpy().tobytes())
    analog = options.bits is None  # a checkpoint from before there were codes stays good
    hidden = {"bits"} if analog else set()
    if isinstance(network, StackOptions) and not network.noise:  # likewise
        hidden.add("noise")
    digest.update(network.model_dump_json(exclude=hidden).encode())
    free: dict[str, Any] = dict.fromkeys(
        ("log_every", "checkpoint_every_s", "tensorboard", "accelerator"), True
    )
    if analog:
        free |= {"bits": True, "full_scale": True}
    if options.devices == 1:
        free["devices"] = True
    if options.schedule == "constant":
        free["epochs"] = True
    if options.firing_promotion == 0.0:  # a checkpoint from before this term stays good
        free["firing_promotion"] = True
    loss = options.loss
    free["loss"] = {  # likewise
        key
        for factor, limit in (("window", "t_window"), ("rail", "t_rail"))
        if getattr(loss, factor) == 0.0
        for key in (factor, limit)
    }
    if options.variation is None:
        free["variation"] = True
    elif not any(one.correlation for one in options.variation.layers):  # likewise
        free["variation"] = {"layers": {"__all__": {"correlation"}}}
    digest.update(options.model_dump_json(exclude=free).encode())
    return digest.hexdigest()


def _progress(console: Console, show: bool) -> Progress:
    """A bar on stderr; the data set's name stands in it as it is, whatever brackets it has."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}", markup=False),
        console=console,
        disable=not show,
    )
