"""Training: deterministic by seed, resumable bit for bit, stopped where numbers stop being finite."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import torch
from pydantic import BaseModel, ConfigDict, Field
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from characterize.model import PhysicalModel
from characterize.physics import network_physics
from pnn.adam import FusedAdam
from pnn.checkpoint import (
    Provenance,
    TrainingState,
    WeightsHeader,
    load_network,
    load_training,
    save_network,
    save_training,
)
from pnn.data import Dataset
from pnn.devices import Accelerator, Engine, choose_device, launch
from pnn.discharger import Discharger
from pnn.errors import BadParameter, CheckpointError, TrainingDiverged
from pnn.exact import Exact
from pnn.loss import LossWeights, chip_loss, training_loss
from pnn.metrics import EpochMeter, MetricsLog
from pnn.network import NetworkOptions, Spikes, SpikingNetwork
from pnn.rc_spike import Firing, Method
from pnn.reversal import Reversal
from pnn.stack import StackOptions
from pnn.ttfs import FirstSpike, firing_promotion
from pnn.variation import ChipDraw, Chips, Pool, Variation

Variant: TypeAlias = Literal["ann", "pnn", "bottom_up"]
CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
EVALUATION_BATCH = 250


class TrainingOptions(BaseModel):
    """How to train; the defaults are the paper's hardware experiment (section 7).

    The optimiser is Adam, its rate constant or falling as a half cosine over the epochs (``schedule``).
    ``seed`` draws weights, data order, grid offsets and noise. Every ``log_every`` epochs (and the last) a
    row of metrics is written; a checkpoint whenever ``checkpoint_every_s`` seconds have passed, at the end of
    an epoch (0: every epoch). ``firing_promotion`` is the factor of the term that makes silent TTFS neurons fire
    (paper, section 5: 8e-6). ``accelerator`` "auto" is CUDA where there is one; ``devices`` above 1 needs the
    extra ``devices`` (Lightning Fabric), every device takes its share of each batch. With ``variation`` every mini-batch
    sees drawn chips; what is written and evaluated is the undisturbed network all the same.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, lt=2**63)
    epochs: int = Field(default=1000, ge=1)
    batch_size: int = Field(default=50, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0.0, le=1.0)
    schedule: Literal["constant", "cosine"] = "constant"
    loss: LossWeights = LossWeights()
    firing_promotion: float = Field(default=0.0, ge=0.0)
    log_every: int = Field(default=10, ge=1)
    checkpoint_every_s: float = Field(default=5.0, ge=0.0)
    tensorboard: bool = True
    accelerator: Accelerator = "cpu"
    devices: int = Field(default=1, ge=1)
    variation: Variation | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A finished training.

    Accuracies are of the final weights without noise, as ``predict_times`` evaluates them: fully connected RC-Spike
    networks exactly in float64. ``membrane_range``: smallest and largest v per layer over time on the training set
    (of those networks); ``largest_weight`` per layer: both say whether the circuit's ranges hold. ``seconds``: of this call.
    """

    network: SpikingNetwork
    weights_path: Path
    train_accuracy: float
    test_accuracy: float
    membrane_range: tuple[tuple[float, float], ...]
    largest_weight: tuple[float, ...]
    epochs: int
    seconds: float


def variant_options(
    variant: Variant,
    model: PhysicalModel,
    layer_sizes: tuple[int, ...],
    *,
    method: Method | None = None,
    sigma_spike: float = 0.0,
    classes: int | None = None,
) -> NetworkOptions:
    """The network of a variant: ``ann`` (|E_rev| = 100), ``pnn`` (one E_rev per sign), ``bottom_up``
    (the columns: beta by current, charges, coupling, firing stage).

    ``ann`` and ``pnn`` share the measured discharger; ``bottom_up`` takes every layer as its column was measured. ``method``
    defaults to exact evaluation. Raises ``NoColumn`` for ``bottom_up`` on a model without columns.
    """
    return NetworkOptions(
        layer_sizes=layer_sizes,
        reversal=variant_reversal(variant, model),
        discharger=Discharger(model.discharge_norm.value),
        method=method if method is not None else Exact(),
        sigma_spike=sigma_spike,
        classes=classes,
        physics=network_physics(model, layer_sizes) if variant == "bottom_up" else (),
    )


def variant_reversal(variant: Variant, model: PhysicalModel) -> Reversal:
    """The synapses of a variant, for networks that ``variant_options`` does not describe."""
    return {
        "ann": Reversal.ideal,
        "pnn": lambda: Reversal.from_model(model),
        "bottom_up": lambda: Reversal.current_dependent(model),
    }[variant]()


def train(
    dataset: Dataset,
    network_options: NetworkOptions | StackOptions,
    options: TrainingOptions,
    folder: Path,
    *,
    resume: bool = True,
    variant: str = "",
    model_sha256: str = "",
    show_progress: bool = True,
) -> TrainingResult:
    """Train and write ``weights.safetensors``, ``checkpoint.safetensors``, ``metrics.csv`` and TensorBoard
    events into ``folder``. Any network that ``network_options`` describes: fully connected RC-Spike layers
    (``NetworkOptions``), or convolutions and TTFS neurons as well (``StackOptions``).

    With ``resume`` a checkpoint in ``folder`` is continued, with the same numbers as if never interrupted;
    more epochs than it has may be asked. ``variant`` and ``model_sha256`` are recorded. The test set is only
    looked at, nothing is selected on it. The network that comes back is on the CPU. Raises ``DataError`` (sizes
    do not fit), ``BadParameter`` (no such device, firing promotion without TTFS neurons, variation that does not fit), ``CheckpointError`` (the
    checkpoint is another run's), ``TrainingDiverged``.
    """
    start = time.perf_counter()
    dataset.check_fits(network_options.layer_sizes)
    if options.firing_promotion > 0.0 and not _is_ttfs(network_options):
        raise BadParameter("firing_promotion is a term for time-to-first-spike neurons: set it to 0")
    if options.variation is not None:
        if not isinstance(network_options, NetworkOptions):
            raise BadParameter("variation is known of fully connected RC-Spike layers only: leave it out")
        options.variation.check_fits(len(network_options.layer_sizes) - 1)
    device = choose_device(
        options.accelerator, options.devices, min(options.batch_size, dataset.train_y.shape[0])
    )
    network_options = network_options.model_copy(update={"classes": dataset.classes})
    folder.mkdir(parents=True, exist_ok=True)
    arguments = (dataset, network_options, options, folder, resume, variant, model_sha256, show_progress)
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
) -> SpikingNetwork:
    """The training of one process; the first one writes the files."""
    generator = torch.Generator().manual_seed(options.seed)
    network: SpikingNetwork = network_options.build()
    network.reset_parameters(generator)
    network.to(engine.device)
    optimiser = FusedAdam(network.parameters(), lr=options.learning_rate)
    fingerprint = _fingerprint(dataset, network_options, options)
    checkpoint = folder / CHECKPOINT
    done = 0
    if resume and checkpoint.is_file():
        done = load_training(checkpoint, network, optimiser, generator, fingerprint).epoch
        if done > options.epochs:
            raise CheckpointError(
                f"{checkpoint} has {done} epochs, {options.epochs} are asked: use another folder or no resume"
            )

    writes = engine.rank == 0
    with ExitStack() as stack:
        log = None
        if writes:
            log = stack.enter_context(MetricsLog(folder, after_epoch=done, tensorboard=options.tensorboard))
        bar = stack.enter_context(_progress(show_progress and writes))
        task = bar.add_task(variant or dataset.name, total=options.epochs, completed=done, state="")
        if show_progress and writes:
            bar.console.print(f"kernel: {engine.kernel_name()}", highlight=False)
        loop = Loop(engine, dataset, network, optimiser, generator, options)
        saved = time.perf_counter()
        for epoch in range(done + 1, options.epochs + 1):
            logged = epoch % options.log_every == 0 or epoch == options.epochs
            meter = loop.epoch(epoch, logged)
            if logged and log is not None:
                row = meter.row(epoch, accuracy(network, loop.test_x, dataset.test_y))
                log.write(row)
                bar.update(task, state=f"loss {row['loss']:.4f}  test {100 * row['test_accuracy']:.1f} %")
            bar.update(task, completed=epoch)
            due = epoch == options.epochs or time.perf_counter() - saved >= options.checkpoint_every_s
            if writes and due:
                state = TrainingState(epoch=epoch, fingerprint=fingerprint)
                save_training(checkpoint, network, optimiser, generator, state)
                saved = time.perf_counter()

    if writes:
        provenance = Provenance(
            variant=variant, seed=options.seed, dataset=dataset.name, encoding=dataset.encoding,
            model_sha256=model_sha256, epochs=options.epochs,
        )  # fmt: skip
        save_network(folder / WEIGHTS, network, WeightsHeader(network=network_options, provenance=provenance))
    return network


def accuracy(network: SpikingNetwork, spike_time: Tensor, label: Tensor) -> float:
    """Share of right decisions, evaluated as the network is configured, without noise."""
    correct = 0
    for x, y in zip(spike_time.split(EVALUATION_BATCH), label.split(EVALUATION_BATCH), strict=True):
        correct += int((network.predict(x).cpu() == y).sum())
    return correct / label.shape[0]


def exact_accuracy(network: SpikingNetwork, spike_time: Tensor, label: Tensor) -> float:
    """Share of right decisions, evaluated as ``predict_times`` does."""
    correct = 0
    for x, y in zip(spike_time.split(EVALUATION_BATCH), label.split(EVALUATION_BATCH), strict=True):
        correct += int((network.decide(network.predict_times(x)[-1]) == y).sum())
    return correct / label.shape[0]


class Loop:
    """One epoch after another over the training set."""

    def __init__(
        self,
        engine: Engine,
        dataset: Dataset,
        network: SpikingNetwork,
        optimiser: torch.optim.Optimizer,
        generator: torch.Generator,
        options: TrainingOptions,
    ) -> None:
        self.engine = engine
        self.network = network
        self.forward, self.optimiser = engine.prepare(network, optimiser)
        self.generator = generator
        self.options = options
        self.train_x = dataset.train_x.to(engine.device, torch.float32)
        self.train_y = dataset.train_y.to(engine.device)
        self.test_x = dataset.test_x.to(engine.device, torch.float32)
        self.weights: list[Tensor] = list(network.weights)
        if options.variation is not None:
            self.chips = _ChipBatches(
                options.variation, network, options.batch_size, options.seed, self.train_x
            )

    def epoch(self, epoch: int, logged: bool) -> EpochMeter:
        """Train over all samples once; the meter holds spikes only where ``logged``."""
        meter = EpochMeter()
        if self.options.schedule == "cosine":
            share = (epoch - 1) / self.options.epochs
            for group in self.optimiser.param_groups:
                group["lr"] = self.options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))
        order = torch.randperm(self.train_y.shape[0], generator=self.generator)
        noise = self.engine.noise(self.generator)
        for batch, samples in enumerate(order.split(self.options.batch_size)):
            mine, factor = self.engine.share(samples)
            mine = mine.to(self.engine.device)
            firings, label = self.evaluate(mine, noise)
            loss = self.loss(firings, label)
            if factor != 1.0:
                loss = factor * loss
            self.optimiser.zero_grad()
            self.engine.backward(loss)
            norms = torch.stack([torch.linalg.vector_norm(_gradient(w)) for w in self.weights])
            value, norm = self.engine.mean(
                torch.stack((loss.detach(), torch.linalg.vector_norm(norms)))
            ).tolist()
            if not (math.isfinite(value) and math.isfinite(norm)):
                spoilt = torch.stack([(~torch.isfinite(_state(f))).sum() for f in firings])
                raise _diverged(self.engine.total(spoilt), norms, value, epoch, batch)
            self.optimiser.step()
            meter.loss.append(value)
            meter.gradient_norm.append(norm)
            if logged and factor:
                decision = self.network.decide(firings[-1].spike_time.detach())
                meter.add_firings(firings, decision, label, self.network.horizon)
        if logged:
            meter.pool(self.engine.total)
        return meter

    def evaluate(self, samples: Tensor, noise: torch.Generator) -> tuple[Sequence[Spikes], Tensor]:
        """Spikes of a mini-batch, given by index, and labels; on drawn chips those that count for the loss."""
        variation = self.options.variation
        if variation is None:
            return self.forward(self.train_x[samples], noise), self.train_y[samples]
        of_chip, drawn = self.chips.draw(samples, noise)
        firings, label = self.forward(self.train_x[of_chip], noise, drawn), self.train_y[of_chip]
        if variation.tail < 1.0:
            with torch.no_grad():
                used = firings[-1].unclipped[..., : self.network.classes]
                worst = variation.worst(chip_loss(used, label, self.options.loss.tau_soft))
            firings = [Firing(f.membrane[:, worst], f.unclipped[:, worst]) for f in firings]
            label = label[:, worst]
        flat = [Firing(f.membrane.detach().flatten(0, 1), f.unclipped.flatten(0, 1)) for f in firings]
        return flat, label.flatten()

    def loss(self, spikes: Sequence[Spikes], label: Tensor) -> Tensor:
        """A scalar; see ``training_loss`` and ``firing_promotion``."""
        flat: Any = spikes
        if self.options.loss.early_spike > 0.0:  # the only term that reads the images of hidden layers
            flat = [s._replace(unclipped=s.unclipped.flatten(1)) for s in spikes]
        loss = training_loss(flat, label, self.weights, self.options.loss, self.network.classes)
        if self.options.firing_promotion > 0.0:
            loss = loss + self.options.firing_promotion * firing_promotion(
                cast("Sequence[FirstSpike]", spikes)
            )
        return loss


class _ChipBatches:
    """The chips of every mini-batch, and who sees which sample."""

    def __init__(
        self, variation: Variation, network: SpikingNetwork, samples: int, seed: int, like: Tensor
    ) -> None:
        self.variation = variation
        self.count = sum(w.numel() for w in network.weights)
        self.source = ChipDraw(variation, [(w.shape[1], w.shape[0]) for w in network.weights], like)
        chips = variation.chips_of(samples, self.count)
        self.pool = Pool(seed, chips * self.source.per_chip, like.device)
        self.shares: dict[int, Tensor] = {}

    def draw(self, samples: Tensor, generator: torch.Generator) -> tuple[Tensor, Chips]:
        """The mini-batch, by index, as its chips see it [samples of a chip, chips], and these."""
        size = samples.shape[0]
        if size not in self.shares:
            self.shares[size] = self.variation.shares(size, self.count).to(samples.device)
        share = self.shares[size]
        chips = share.shape[1]
        met = self.source.meet(chips, generator)
        return samples[share], self.source.draw(chips, self.pool.normals(generator), met)


def _state(spikes: Spikes) -> Tensor:
    """What shows that a layer's numbers are no longer finite."""
    return spikes.membrane if isinstance(spikes, Firing) else spikes.unclipped


def _gradient(weight: Tensor) -> Tensor:
    assert weight.grad is not None
    return weight.grad


def _diverged(spoilt: Tensor, norms: Tensor, loss: float, epoch: int, batch: int) -> TrainingDiverged:
    """Name the first layer whose membrane (``spoilt``: how many values), or else whose gradient, is not finite.

    Layers count from 1.
    """
    layer, what = None, f"loss is {loss}"
    for index, count in enumerate(spoilt.tolist(), start=1):
        if count:
            layer, what = index, f"membrane potential of layer {index} is not finite"
            break
    else:
        for index, value in enumerate(norms.tolist(), start=1):
            if not math.isfinite(value):
                layer, what = index, f"gradient of layer {index}'s weights is not finite"
                break
    return TrainingDiverged(
        f"epoch {epoch}, batch {batch}: {what}. The last checkpoint is kept; lower the rate, check the data",
        epoch=epoch,
        batch=batch,
        layer=layer,
    )


def _fingerprint(dataset: Dataset, network: NetworkOptions | StackOptions, options: TrainingOptions) -> str:
    """What two trainings must share to be one: data, network, options that change numbers (not how long or
    how often).
    """
    digest = hashlib.sha256()
    for x in (dataset.train_x, dataset.train_y):
        digest.update(x.contiguous().numpy().tobytes())
    digest.update(network.model_dump_json().encode())
    free: dict[str, Any] = dict.fromkeys(
        ("log_every", "checkpoint_every_s", "tensorboard", "accelerator"), True
    )
    if options.devices == 1:
        free["devices"] = True
    if options.schedule == "constant":
        free["epochs"] = True
    if options.firing_promotion == 0.0:  # a checkpoint from before this term stays good
        free["firing_promotion"] = True
    if options.loss.late_spike == 0.0:  # likewise
        free["loss"] = {"late_spike", "t_late"}
    if options.variation is None:
        free["variation"] = True
    elif not any(one.correlation for one in options.variation.layers):  # likewise
        free["variation"] = {"layers": {"__all__": {"correlation"}}}
    digest.update(options.model_dump_json(exclude=free).encode())
    return digest.hexdigest()


def _progress(show: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
        disable=not show,
    )
