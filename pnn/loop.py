"""The training loop: mini-batches of an epoch, on drawn chips where asked for, stopped where numbers stop being finite."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from nonideal.pnn.data import Dataset
from nonideal.pnn.devices import Engine
from nonideal.pnn.errors import TrainingDiverged
from nonideal.pnn.loss import chip_loss, training_loss
from nonideal.pnn.metrics import EpochMeter
from nonideal.pnn.network import SpikingNetwork
from nonideal.pnn.options import TrainingOptions
from nonideal.pnn.spikes import Firing, FirstSpike, Spikes
from nonideal.pnn.ttfs import firing_promotion
from nonideal.pnn.variation import ChipDraw, Chips, Pool, Variation


class Batch(NamedTuple):
    """An evaluated mini-batch: spikes per layer, labels, and the times that ``training_loss`` takes as ``at_home``."""

    spikes: Sequence[Spikes]
    label: Tensor
    at_home: Sequence[Tensor] = ()


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
            firings, label, at_home = self.evaluate(mine, noise)
            loss = self.loss(firings, label, at_home)
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
                meter.add_firings(firings, decision, label)
        if logged:
            meter.pool(self.engine.total)
        return meter

    def evaluate(self, samples: Tensor, noise: torch.Generator) -> Batch:
        """A mini-batch, given by index; on drawn chips what counts for the loss."""
        variation = self.options.variation
        if variation is None:
            return Batch(self.forward(self.train_x[samples], noise), self.train_y[samples])
        of_chip, drawn = self.chips.draw(samples, noise)
        firings, label = self.forward(self.train_x[of_chip], noise, drawn), self.train_y[of_chip]
        rest: Sequence[Tensor] = ()
        if variation.conditions:
            rest = [chips.at_home(f.unclipped).flatten(2) for chips, f in zip(drawn, firings, strict=True)]
        if variation.tail < 1.0:
            with torch.no_grad():
                used = firings[-1].unclipped[..., : self.network.classes]
                worst = variation.worst(chip_loss(used, label, self.options.loss))
            firings = [Firing(f.membrane[:, worst], f.unclipped[:, worst]) for f in firings]
            rest = [time[:, worst] for time in rest]
            label = label[:, worst]
        flat = [Firing(f.membrane.detach().flatten(0, 1), f.unclipped.flatten(0, 1)) for f in firings]
        return Batch(flat, label.flatten(), [time.flatten(0, 1) for time in rest])

    def loss(self, spikes: Sequence[Spikes], label: Tensor, at_home: Sequence[Tensor] = ()) -> Tensor:
        """A scalar; see ``training_loss`` and ``firing_promotion``."""
        flat: Any = spikes
        if self.options.loss.reads_hidden:  # which may be images
            flat = [s._replace(unclipped=s.unclipped.flatten(1)) for s in spikes]
        loss = training_loss(flat, label, self.weights, self.options.loss, self.network.classes, at_home)
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
        self.count = sum(one.synapses for one in network.columns)
        self.source = ChipDraw(variation, network.columns, like)
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
